//! On which processors the threads run that a pool starts, by their numbers.
#![forbid(unsafe_code)]

use std::io;

use crate::here::call::catch;
use crate::sys::{OnceLock, affinity};

/// What is wrong with the processors of a thread.
pub(crate) enum Fault {
    /// One is not there.
    Missing { thread: usize, processor: usize },
    /// The system does not say which are.
    System(io::Error),
}

/// Where the threads of a pool run.
pub(crate) struct Affinity<F> {
    processors: F,
    /// Where the thread may run that builds the pool: a worker that starts another may run on fewer.
    allowed: OnceLock<Vec<usize>>,
}

impl<F: Fn(usize) -> Vec<usize>> Affinity<F> {
    pub(crate) fn new(processors: F) -> Self {
        Self { processors, allowed: OnceLock::new() }
    }

    /// Asks for the processors of the first so many threads whether they are there.
    pub(crate) fn check(&self, threads: usize) -> Result<(), Fault> {
        let found = affinity::allowed().map_err(Fault::System)?;
        let allowed = self.allowed.get_or_init(|| found);
        for thread in 1..=threads {
            let missing = (self.processors)(thread).into_iter().find(|processor| !allowed.contains(processor));
            if let Some(processor) = missing {
                return Err(Fault::Missing { thread, processor });
            }
        }
        Ok(())
    }

    /// The present thread, of this number, runs where it should; or where it may, if nobody says or that is not possible.
    pub(crate) fn pin(&self, thread: usize) {
        let processors = catch(|| (self.processors)(thread)).unwrap_or_default();
        if !processors.is_empty() {
            let Err(error) = affinity::pin(&processors) else { return };
            log::warn!("thread {thread} of a pool cannot run on the processors {processors:?}: {error}");
        }
        if let Some(allowed) = self.allowed.get() {
            // They were there when the pool was built. Else it stays where it is.
            let _ = affinity::pin(allowed);
        }
    }
}

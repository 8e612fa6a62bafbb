//! What a job of a scope may know while it runs: whether it is told to stop.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fastthreadpool_core::Tick;

use crate::engine::Engine;
use crate::engine::slot::Slot;
use crate::engine::stops::StopToken;
use crate::here::inside;
use crate::parallel::scope::Scope;

/// A job of a scope as it sees itself; from [`Scope::spawn_with`].
///
/// Less than the [`Context`](crate::Context) of other jobs: what the thread of a scope spawns has no id, a scope keeps no results and so
/// has nowhere to emit them, and the pool, a semaphore, or the context of the job that has opened the scope can be borrowed. It does not know of a
/// cancel of that job: who opens a scope inside of one that may be cancelled looks there, and [cancels](Scope::cancel) the scope.
pub struct ScopedContext<'s> {
    engine: &'s Arc<Engine>,
    slot: &'s Slot,
}

impl ScopedContext<'_> {
    fn stop_token(&self) -> StopToken<'_> {
        StopToken::new(self.engine, None, Some(self.slot))
    }

    /// Whether the scope was [told to stop](Scope::cancel), by a panic too where it [stops on one](Scope::stop_on_panic), or the
    /// pool is shut down without waiting. A job that takes long asks now and then, and ends if so.
    pub fn is_cancelled(&self) -> bool {
        self.stop_token().is_stopped()
    }

    /// Waits until [`ScopedContext::is_cancelled`]. Meanwhile another worker stands in for this one, if it is one; on the
    /// scope's own thread, which helps with its jobs, nobody does.
    pub fn cancelled(&self) {
        self.stop_token().wait(self.engine.time().until(Tick::MAX));
    }

    /// The same, at most so long: a pause that a cancellation ends. Returns whether that came.
    pub fn cancelled_timeout(&self, timeout: Duration) -> bool {
        self.stop_token().wait(self.engine.time().after(timeout))
    }

    /// The number of the present thread, from 1, if it is one of the pool's own; `None` on that of the scope, unless that is one.
    pub fn thread_number(&self) -> Option<usize> {
        inside::thread_number(self.engine.address())
    }
}

impl<'scope> Scope<'scope, '_> {
    /// [`Scope::spawn`] for a function that is told whether the scope is to stop.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    ///
    /// let pool: Pool = Pool::new()?;
    /// let found = AtomicBool::new(false);
    /// pool.scope(|s| {
    ///     for start in 0..4_u64 {
    ///         let found = &found;
    ///         s.spawn_with(move |job| {
    ///             let mut mine = (start..100_000).step_by(4).take_while(|_| !job.is_cancelled());
    ///             if mine.any(|n| n * n == 1_522_756) {
    ///                 found.store(true, Ordering::Relaxed);
    ///                 s.cancel();
    ///             }
    ///         });
    ///     }
    /// });
    /// assert!(found.into_inner());
    /// # Ok(()) }
    /// ```
    pub fn spawn_with<F>(&'scope self, f: F)
    where
        F: FnOnce(&ScopedContext<'_>) + Send + 'scope,
    {
        self.spawn(move || f(&ScopedContext { engine: self.engine(), slot: self.slot() }));
    }
}

impl fmt::Debug for ScopedContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedContext").field("is_cancelled", &self.is_cancelled()).finish_non_exhaustive()
    }
}

//! Yields: who waits in its own way lets the pool use the thread.
#![forbid(unsafe_code)]

use crate::registry::Registry;
use crate::worker;

/// What has become of a yield.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Yield {
    /// A job was run.
    Executed,
    /// There was none.
    Idle,
}

impl Yield {
    pub(crate) fn to(registry: &Registry) -> Self {
        if !registry.pool.run_one() {
            return Self::Idle;
        }
        // It may have been the last of a pool that was dropped.
        registry.close_if_ended();
        Self::Executed
    }
}

/// Runs a job that waits in the present pool; `None` in a thread of none.
///
/// ```
/// assert_eq!(rayon_core::yield_now(), None);
/// ```
pub fn yield_now() -> Option<Yield> {
    worker::with(|worker| worker.map(|worker| Yield::to(&worker.registry)))
}

/// The same: a thread has no jobs of its own.
pub fn yield_local() -> Option<Yield> {
    yield_now()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::sync::{Arc, Mutex};
    use std::thread;

    use super::*;
    use crate::ThreadPoolBuilder;

    /// A job that a member runs lasts longer than all threads of the pool, which was dropped: then those end, too.
    fn run_the_last_job() {
        let ((begins, begun), (end, ended), (exits, exited)) = (channel(), channel(), channel());
        let exits = Mutex::new(exits);
        let exit = move |index| exits.lock().unwrap().send(index).unwrap();
        let pool = ThreadPoolBuilder::new().num_threads(2).use_current_thread().exit_handler(exit).build().unwrap();
        pool.spawn(move || _ = (begins.send(()), ended.recv()));
        begun.recv().unwrap();
        let registry = Arc::clone(&pool.0);
        pool.spawn(move || {
            end.send(()).unwrap();
            // Who runs this counts, too.
            while registry.pool.counts().alive > 1 {
                thread::yield_now();
            }
        });
        drop(pool);
        while yield_now() != Some(Yield::Executed) {}
        assert_eq!(exited.recv(), Ok(1));
    }

    #[test]
    fn the_threads_of_a_dropped_pool_end_though_a_member_has_run_the_last_job() {
        for _ in 0..100 {
            // Who is a member stays that.
            thread::spawn(run_the_last_job).join().unwrap();
        }
    }
}

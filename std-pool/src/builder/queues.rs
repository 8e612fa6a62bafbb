//! How it is said what becomes of jobs and results that wait.
#![forbid(unsafe_code)]

use super::Builder;
use crate::groups::policy::WhenFull;
use crate::groups::ways::Bounds;
use crate::results::callback;
use crate::results::outlet::{Done, Failed};

impl<T: Send + 'static> Builder<T> {
    /// At most so many jobs wait in the queue, delayed and periodic ones included; one more is refused as
    /// [`Full`](crate::SubmitError::Full), unless [`Builder::when_full`] says something else. The default is no bound. Jobs of groups do not count, they can have bounds of their
    /// own; nor do those of scopes. A job that goes back to wait for room in the done queue counts no more.
    pub fn queue_capacity(mut self, jobs: usize) -> Self {
        self.queue_capacity = Some(jobs);
        self.bounds = Some(Bounds::new());
        self
    }

    /// What becomes of a job for which the queue has no room, if that has a bound. The default is that it is refused. It is not
    /// handed down to groups.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// use fastthreadpool::WhenFull;
    ///
    /// let pool = Pool::builder().threads(1).queue_capacity(2).when_full(WhenFull::RunHere).build()?;
    /// for n in 0..100_u64 {
    ///     pool.submit(move || n)?;
    /// }
    /// pool.shutdown();
    /// assert_eq!(pool.done().drain().map(|done| done.value).sum::<u64>(), 4950);
    /// # Ok(()) }
    /// ```
    pub fn when_full(mut self, what: WhenFull) -> Self {
        self.when_full = what;
        self
    }

    /// At most so many results wait in the done queue. A job for whose result there is no room does not begin until there is:
    /// no worker waits for it. The default is no bound: what nobody reads stays. What leaves no result needs no room, as a job
    /// that returns `()`.
    ///
    /// A job that is to read the done queue of its own pool should not itself leave a result there. Nor should one that waits for others of
    /// which that is so, as by [`Group::wait`](crate::Group::wait): it holds room for its own result meanwhile, and if that is all there is
    /// they never begin, though somebody reads.
    pub fn done_capacity(mut self, results: usize) -> Self {
        self.done_capacity = Some(results);
        self.bounds = Some(Bounds::new());
        self
    }

    /// At most so many failures wait in the failed queue: if nobody reads them, the oldest are dropped, counted
    /// ([`Results::lost`](crate::Results::lost)) and reported in the log. The default is 65,536.
    pub fn failed_capacity(mut self, failures: usize) -> Self {
        self.failed_capacity = failures;
        self
    }

    /// Is given every result, in order of completion, on a thread of its own. It takes them from the done queue, which
    /// then is not to be read by others. If it panics, the panic goes to the failed queue and the next result is next.
    pub fn on_done(mut self, callback: impl FnMut(Done<T>) + Send + 'static) -> Self {
        self.on_done = Some(Box::new(|engine, root| callback::on_done(engine, root, callback)));
        self
    }

    /// Is given every failure, in order of completion, on a thread of its own. It takes them from the failed queue. If it
    /// panics, the next failure is next.
    pub fn on_failed(mut self, callback: impl FnMut(Failed) + Send + 'static) -> Self {
        self.on_failed = Some(Box::new(|engine, root| callback::on_failed(engine, root, callback)));
        self
    }

    /// Reports every failed job once through the [`log`] facade. Of a [spawned](crate::Group::spawn) job that is one that panicked.
    pub fn log_failures(mut self, level: log::Level) -> Self {
        self.log_failures = Some(level);
        self
    }
}

//! How many threads a pool has, and which.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt;
use std::io;

use crate::here::inside;
use crate::pool::Pool;

impl<T: Send + 'static> Pool<T> {
    /// How many worker threads there may be at most, apart from those that stand in for others that wait: what the builder said, or
    /// [`Pool::set_threads`] since.
    pub fn threads(&self) -> usize {
        self.engine().core.wanted()
    }

    /// Worker threads, those included that are about to start.
    pub fn alive(&self) -> usize {
        self.engine().core.alive()
    }

    /// Worker threads that run a job.
    pub fn busy(&self) -> usize {
        self.engine().core.counts().busy
    }

    /// Worker threads that run no job.
    pub fn idle(&self) -> usize {
        let counts = self.engine().core.counts();
        counts.alive.saturating_sub(counts.busy)
    }

    /// The largest number of worker threads that there were at the same time. One that could not be started counts for a moment, as it
    /// does in [`Pool::alive`].
    pub fn largest(&self) -> usize {
        self.engine().core.largest()
    }

    /// The number of the present thread, from 1, if it is one of the pool's own.
    ///
    /// Each thread has the lowest that is free when it is started, and keeps it until its last thread-local value is gone: [`Pool::alive`]
    /// does not count it any more by then. So, where threads come and go ([`Builder::keep_alive`](crate::Builder::keep_alive)) or others
    /// stand in for those that wait, a number may be larger than [`Pool::threads`].
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::builder().threads(1).build()?;
    /// let handle = pool.clone();
    /// assert_eq!(pool.spawn(move || handle.thread_number())?.join()?, Some(1));
    /// assert_eq!(pool.thread_number(), None);
    /// # Ok(()) }
    /// ```
    pub fn thread_number(&self) -> Option<usize> {
        inside::thread_number(self.engine().address())
    }

    /// From now on at most so many worker threads. With fewer than there are, those that are too many end, each after the jobs that it
    /// has claimed: what it runs, and at most a few dozen short ones. With more, those are started that the waiting jobs have need of. With 0 no job runs,
    /// and what waits for one waits; a shutdown makes it 1.
    ///
    /// Best is a pool that is built for the largest number that it will have: threads beyond that have no queue of their own for what
    /// their jobs submit.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::builder().threads(4).build()?;
    /// pool.set_threads(0)?;
    /// let waits = pool.spawn(|| 7)?;
    /// assert_eq!((pool.threads(), pool.alive()), (0, 0));
    /// pool.set_threads(2)?;
    /// assert_eq!(waits.join()?, 7);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`TooManyThreads`], when the pool cannot count so many: 1,024 more than it was built for (on 32-bit targets 62 in all). Nothing
    /// has changed then.
    pub fn set_threads(&self, number: usize) -> Result<(), TooManyThreads> {
        self.engine().set_threads(number).map_err(|most| TooManyThreads { wanted: number, most })
    }

    /// Starts so many worker threads more, or as many as there may still be, before there is work for them. Returns how many. With
    /// [`keep_alive`](crate::Builder::keep_alive) they end as others do.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::builder().threads(4).build()?;
    /// assert_eq!(pool.start_threads(3)?, 3);
    /// assert_eq!(pool.start_threads(3)?, 1);
    /// assert_eq!(pool.alive(), 4);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// The system's, when a thread cannot be started. Those that were started before stay.
    pub fn start_threads(&self, number: usize) -> io::Result<usize> {
        self.engine().start_threads(number)
    }
}

/// More threads than a pool can count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct TooManyThreads {
    /// As many as were wanted.
    pub wanted: usize,
    /// The most that the pool can count.
    pub most: usize,
}

impl fmt::Display for TooManyThreads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this pool can have at most {} threads, not {}", self.most, self.wanted)
    }
}

impl Error for TooManyThreads {}

//! How it is said how many threads there are, and how long.
#![forbid(unsafe_code)]

use std::time::Duration;

use super::{Builder, Threads, cpus_less};
use crate::engine::visit;
#[cfg(doc)]
use crate::pool::Pool;

impl<T: Send + 'static> Builder<T> {
    /// At most so many worker threads. They are started when there is work for them, and then stay; see [`Builder::keep_alive`].
    #[inline]
    pub fn threads(mut self, number: usize) -> Self {
        self.threads = Threads { count: Ok, number, attends: None };
        self
    }

    /// As many worker threads as there are processors available to the thread that builds the pool, less so many. The default is 0
    /// less. On Linux an affinity of that thread counts, and a quota of its control group, as they are when the pool is built: see
    /// [`std::thread::available_parallelism`].
    pub fn threads_less(mut self, number: usize) -> Self {
        self.threads = Threads { count: cpus_less, number, attends: None };
        self
    }

    /// No worker threads: whoever waits for something of the pool runs its jobs meanwhile, as does who [says so](Pool::run_until_idle), and
    /// nobody else. For targets without threads, for a program whose thread must run the jobs itself, as that of a window or of a game, and
    /// for tests, since on one thread everything happens in one order.
    ///
    /// What waits: joins and all that waits for jobs, groups or the pool, with a time limit or without, for results, and for room in a queue; a
    /// shutdown, and so the drop of the last handle. A [`Semaphore`](crate::Semaphore) belongs to no pool: who waits for one runs jobs
    /// only inside of a job. A job that waits has others run on top of it, on the same stack, and goes on when they have ended: up to 64 deep,
    /// or 62 where `usize` has 32 bits, then the wait says that it [would deadlock](crate::JobError::WouldDeadlock). If one of these waits for what
    /// only the job below does, that is for ever; so it is if it [emits](crate::Context::emit) into a full done queue whose only reader has it run.
    /// On a target where there is but one thread, WebAssembly without atomics, a wait that is for ever ends the process with a message. Who stands in
    /// line for permits, a lock or room leaves the line while he runs a job, and gets in line again afterwards.
    ///
    /// A pool whose last handle goes inside of a job is closed, and nobody waits for it: what no wait runs any more is removed.
    ///
    /// Delayed and periodic jobs begin when somebody waits, or runs jobs, and their time has come. There are no [start
    /// hooks](Builder::on_thread_start), and [`Pool::set_threads`] takes 0 only. [`Builder::on_done`], [`Builder::on_failed`],
    /// [`Builder::punctual`], limits of jobs ([`start_by`](crate::Job::start_by), [`time_limit`](crate::Job::time_limit)) and jobs that follow the
    /// clock of the system have a thread besides, but under a [clock by hand](Builder::clock).
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// use std::thread;
    ///
    /// let pool = Pool::builder().threadless().build()?;
    /// let this = thread::current().id();
    /// let handle = pool.spawn(|| thread::current().id())?;
    /// assert!(!handle.is_finished());
    /// assert_eq!(handle.join()?, this);
    ///
    /// for n in 1..=3 {
    ///     pool.submit(move || n)?;
    /// }
    /// assert_eq!(pool.run_until_idle(), 3);
    /// assert!(pool.done().drain().map(|done| done.value).eq(1..=3));
    /// # Ok(()) }
    /// ```
    pub fn threadless(mut self) -> Self {
        self.threads = Threads { count: Ok, number: 0, attends: Some(&visit::ATTENDS) };
        self
    }

    /// The same as [`Builder::threads`], beside [`Builder::min_threads`].
    pub fn max_threads(self, number: usize) -> Self {
        self.threads(number)
    }

    /// So many worker threads stay for ever once they were started, whatever [`Builder::keep_alive`] says. The default is 0.
    pub fn min_threads(mut self, number: usize) -> Self {
        self.min_threads = number;
        self
    }

    /// Of the worker threads that are more than [`Builder::min_threads`], one that has had nothing to do for so long ends; another is started
    /// when there is need of it. As long as delayed or periodic jobs wait for their time one stays. The default, and whatever is longer than 584
    /// years: they stay for ever.
    ///
    /// A thread that has nothing to do gets up once, to end.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    ///
    /// let (sender, ended) = mpsc::channel();
    /// let pool: Pool = Pool::builder()
    ///     .max_threads(4)
    ///     .min_threads(1)
    ///     .keep_alive(Duration::from_millis(1))
    ///     .prestart(4)
    ///     .on_thread_stop(move |number| sender.send(number).expect("it is listened to"))
    ///     .build()?;
    /// assert_eq!(ended.iter().take(3).count(), 3);
    /// assert_eq!(pool.alive(), 1);
    /// # Ok(()) }
    /// ```
    pub fn keep_alive(mut self, idle: Duration) -> Self {
        self.keep_alive = idle;
        self
    }

    /// Starts so many worker threads when the pool is built, or as many as there may be. The default is 0: they are started when there
    /// is work for them. See also [`Pool::start_threads`].
    pub fn prestart(mut self, number: usize) -> Self {
        self.prestart = Some(Box::new(move |engine| engine.start_threads(number).map(drop)));
        self
    }
}

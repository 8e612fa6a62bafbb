//! Work that its caller shares with the pool: maps and scopes.
#![forbid(unsafe_code)]

use fastthreadpool_core::JobId;

use crate::group::Group;
use crate::parallel::broadcast;
use crate::parallel::join;
use crate::parallel::map::{self, Map, MapError};
use crate::parallel::progress::Quiet;
use crate::parallel::scope::{self, Scope};
use crate::pool::Pool;
use crate::results::outcome::Outcome;

impl<T: Send + 'static> Group<T> {
    /// Calls `f` with a scope in which jobs can be spawned that borrow from the caller's stack; returns when all have
    /// ended. The caller works too. The scope's jobs are its own: nobody else removes them, and they run to the end whatever
    /// becomes of the pool. Those that the caller's thread spawns without a handle are not counted as jobs of the pool: only who helps with
    /// them is. So what such a one submits while the pool is closed is refused if the caller runs it.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// let mut halves = [0, 0];
    /// let numbers: Vec<u64> = (1..=1000).collect();
    /// let (left, right) = numbers.split_at(500);
    /// let [a, b] = &mut halves;
    /// pool.scope(|s| {
    ///     s.spawn(|| *a = left.iter().sum());
    ///     s.spawn(|| *b = right.iter().sum());
    /// });
    /// assert_eq!(halves.iter().sum::<u64>(), 500_500);
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    ///
    /// Passes on a panic of `f`, else the first panic of a job, after all have ended.
    pub fn scope<'env, F, U>(&'env self, f: F) -> U
    where
        F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> U,
    {
        scope::run(&self.engine, f)
    }

    /// Runs both functions and returns what they return; the second may be run by a worker while the caller runs the first.
    /// Both may borrow, and join in turn: where nobody is idle a join inside of another is hardly more than two calls.
    ///
    /// The caller is not moved: it works itself, on its own thread. While it waits for who runs the second it helps with what that
    /// one has joined, and with nothing else, so a lock that is held across a join does not meet a foreign job.
    ///
    /// What is run elsewhere belongs to the job that joins: it has no id of its own, and is not counted.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// fn sum(pool: &Pool, numbers: &[u64]) -> u64 {
    ///     if numbers.len() < 100 {
    ///         return numbers.iter().sum();
    ///     }
    ///     let (left, right) = numbers.split_at(numbers.len() / 2);
    ///     let (left, right) = pool.join(|| sum(pool, left), || sum(pool, right));
    ///     left + right
    /// }
    /// let numbers: Vec<u64> = (1..=10_000).collect();
    /// assert_eq!(sum(&Pool::new()?, &numbers), 50_005_000);
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    ///
    /// Passes on a panic of the first function, else one of the second, after both have ended. If the first panics and nobody has
    /// begun the second, that is dropped.
    #[inline]
    pub fn join<A, B, RA, RB>(&self, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA,
        B: FnOnce() -> RB + Send,
        RB: Send,
    {
        join::join(&self.engine, a, b)
    }

    /// Calls a function on a worker and returns what it returns: to be where [`join`](crate::join()) finds the pool. It may borrow. Inside
    /// of a job or a join of the pool, and if the pool takes no job, it is called here and now.
    ///
    /// It is a job like others: it waits for its turn, and while the pool is paused. Nobody else can remove it. One that the pool did not
    /// take is none: what that submits to the pool is refused.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::builder().name_prefix("other").build()?;
    /// let name = pool.run(|| std::thread::current().name().map(str::to_owned));
    /// assert!(name.is_some_and(|name| name.starts_with("other")));
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    ///
    /// Passes on a panic of the function.
    pub fn run<F, U>(&self, f: F) -> U
    where
        F: FnOnce() -> U + Send,
        U: Send,
    {
        scope::call_elsewhere(&self.engine, f)
    }

    /// A function over many items; what becomes of the values is said by what is called on the [`Map`].
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool<u32> = Pool::new()?;
    /// let squares: Result<Vec<u32>, _> = pool.map(1..=4, |n| n * n).collect().into_iter().collect();
    /// assert_eq!(squares?, [1, 4, 9, 16]);
    ///
    /// pool.map(1..=4, |n| n * n).to_done()?;
    /// pool.shutdown();
    /// assert_eq!(pool.done().drain().map(|done| done.value).sum::<u32>(), 30);
    /// # Ok(()) }
    /// ```
    pub fn map<I, F, R>(&self, items: I, f: F) -> Map<'_, T, I, F>
    where
        I: IntoIterator,
        F: Fn(I::Item) -> R,
    {
        Map { entrance: self.entrance(), items, function: f, hook: Quiet }
    }

    /// A function over many items that returns an iterator for each: every item of it is a result of that job, as with
    /// [`Group::submit_iter`]. Returns the ids in order.
    ///
    /// # Errors
    ///
    /// [`MapError`], when the pool does not take one of the jobs.
    pub fn map_iter<I, F, V, R>(&self, items: I, f: F) -> Result<Vec<JobId>, MapError>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> V + Send + Sync + 'static,
        V: Iterator<Item = R> + Send + 'static,
        R: Outcome<T> + 'static,
    {
        map::iterators(self.entrance(), items, f)
    }
}

impl<T: Send + 'static> Pool<T> {
    /// Calls a function once on each of the pool's threads, and returns what it has returned, by the numbers of the threads: to reach what they keep in
    /// thread-local values. It may borrow. The threads are those that the pool has by now, or has asked for; one that comes later
    /// is not among them, so what is to be set up on each belongs into [`on_thread_start`](crate::Builder::on_thread_start).
    ///
    /// A thread calls it between two jobs, before those that wait, whether or not the pool is paused; in the middle of a job it
    /// does so after that, or while it waits in a broadcast itself. So a job must not wait for another that broadcasts. It is
    /// no job: it has no id, is not counted, and if it waits nobody stands in.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// use std::cell::Cell;
    ///
    /// thread_local!(static JOBS: Cell<u32> = const { Cell::new(0) });
    /// let pool = Pool::<()>::builder().threads(2).build()?;
    /// for _ in 0..100 {
    ///     pool.submit(|| JOBS.set(JOBS.get() + 1))?;
    /// }
    /// pool.wait_idle();
    /// assert_eq!(pool.broadcast(|| JOBS.take()).into_iter().sum::<u32>(), 100);
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    ///
    /// Passes on the first panic, after all have called it.
    pub fn broadcast<F, R>(&self, f: F) -> Vec<R>
    where
        F: Fn() -> R + Sync,
        R: Send,
    {
        broadcast::broadcast(self.engine(), f)
    }
}

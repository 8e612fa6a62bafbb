//! Running jobs on the present thread.
#![forbid(unsafe_code)]

use std::time::Duration;

use crate::engine::visit::{Found, Visit};
use crate::pool::Pool;

/// The present thread runs jobs of the pool, be it one with threads or [without](crate::Builder::threadless): as one worker more, on whatever
/// thread, in a job too. It helps with joins as well, whose halves are not counted. What it runs finds all that a job finds on a worker, but a number of its thread. Where all seats are taken, of which there are 1,024 more than
/// threads, nothing is run.
impl<T: Send + 'static> Pool<T> {
    /// Runs a job that can begin now: a queued one, one that another worker has claimed and not begun, or one whose time has come; or half of a join.
    /// It runs inside of what the present thread is in the middle of, and whatever locks that holds. Returns whether there was one.
    ///
    /// In a pool with threads nothing in this library does so by itself: what waits helps with what it waits for.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool = Pool::builder().threadless().build()?;
    /// pool.submit(|| 1)?;
    /// assert!(pool.run_one());
    /// assert!(!pool.run_one());
    /// assert_eq!(pool.done().len(), 1);
    /// # Ok(()) }
    /// ```
    pub fn run_one(&self) -> bool {
        self.engine().run_one()
    }

    /// Runs jobs until none can begin now. Returns how many. Those that they submit are among them, so with a job that submits itself
    /// anew it does not end.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool = Pool::builder().threadless().build()?;
    /// let handle = pool.clone();
    /// pool.submit(move || handle.submit(|| 2).map_or(0, |_| 1))?;
    /// assert_eq!(pool.run_until_idle(), 2);
    /// # Ok(()) }
    /// ```
    pub fn run_until_idle(&self) -> usize {
        self.engine().run_until_idle()
    }

    /// [`Pool::run_until_idle`], which begins no more jobs when so much time has passed: for what a frame has left. Returns how many it has
    /// run. With no time it runs none.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// use std::time::Duration;
    ///
    /// let pool = Pool::builder().threadless().build()?;
    /// for n in 0..1000_u64 {
    ///     pool.submit(move || (0..n).sum::<u64>())?;
    /// }
    /// let (mut frames, mut jobs) = (0, 0);
    /// while jobs < 1000 {
    ///     // Input, drawing; and then
    ///     jobs += pool.run_for(Duration::from_millis(2));
    ///     frames += 1;
    /// }
    /// assert!(frames >= 1 && pool.run_for(Duration::from_millis(2)) == 0);
    /// # Ok(()) }
    /// ```
    pub fn run_for(&self, time: Duration) -> usize {
        let deadline = self.engine().time().after(time);
        self.engine().visit(|visit| visit.run_while(|| !deadline.is_over())).unwrap_or(0)
    }

    /// The present thread becomes a worker for so long, or until the pool is closed and all jobs have ended; with [`Duration::MAX`] until then.
    /// In the middle of a job of the pool, until nothing is left to begin. While there is no job it sleeps. Returns how many it has run.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// use std::thread;
    /// use std::time::Duration;
    ///
    /// let pool = Pool::builder().threadless().build()?;
    /// let handle = pool.clone();
    /// let other = thread::spawn(move || {
    ///     for n in 0..10 {
    ///         handle.submit(move || n).expect("it is open");
    ///     }
    ///     handle.detach();
    /// });
    /// assert_eq!(pool.run_here(Duration::MAX), 10);
    /// # other.join().unwrap();
    /// # Ok(()) }
    /// ```
    pub fn run_here(&self, time: Duration) -> usize {
        let deadline = self.engine().time().after(time);
        let work = |visit: &mut Visit<'_>| {
            visit.stay();
            while !deadline.is_over() {
                match visit.look() {
                    Found::Something => _ = visit.run(),
                    Found::Nothing => visit.sleep(deadline),
                    Found::End => break,
                }
            }
            // What it has found when the time was over.
            visit.run();
            visit.ran()
        };
        self.engine().visit(work).unwrap_or(0)
    }
}

//! A function over many items.
#![forbid(unsafe_code)]

use std::any::type_name;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use fastthreadpool_core::JobId;

use crate::handle::JoinHandle;
use crate::outcome::{JobError, Outcome, catch};
use crate::pool::Pool;
use crate::share;
use crate::submit::SubmitError;

/// Items of a streamed map that are on their way at the same time, for each thread.
const WINDOW: usize = 64;

/// Runs the function for one item; a panic is that item's alone.
#[inline(always)]
fn each<U>(f: impl FnOnce() -> U) -> Result<U, JobError> {
    catch(f).map_err(JobError::Panicked)
}

impl<T: Send + 'static> Pool<T> {
    /// The function of each item, in order, computed by the caller and as many workers as it is worth. Items and function
    /// may borrow.
    ///
    /// Where a panic is to fail its item alone, [`Pool::map`] and [`Map::collect`] do that.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// let words = ["a", "few", "words"];
    /// assert_eq!(pool.par_map(&words, |word| word.len()), [1, 3, 5]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    ///
    /// Passes on the first panic of the function, after all threads have ended their work on it; the values are dropped.
    pub fn par_map<'a, I, U, F>(&self, items: &'a [I], f: F) -> Vec<U>
    where
        I: Sync,
        U: Send,
        F: Fn(&'a I) -> U + Sync,
    {
        share::map(self.shared(), items.iter(), f)
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
        Map { pool: self, items, function: f }
    }

    /// A function over many items that returns an iterator for each: every item of it is a result of that job, as with
    /// [`Pool::submit_iter`]. Returns the ids in order.
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
        let f = Arc::new(f);
        submit_each(items, |item| {
            let f = Arc::clone(&f);
            self.submit_iter(move || f(item)).map_err(|error| MapError::new(&error))
        })
    }
}

/// Submits one job for each item.
fn submit_each<I: IntoIterator>(
    items: I,
    mut submit: impl FnMut(I::Item) -> Result<JobId, MapError>,
) -> Result<Vec<JobId>, MapError> {
    let mut ids = Vec::new();
    for item in items {
        match submit(item) {
            Ok(id) => ids.push(id),
            Err(error) => return Err(MapError { submitted: ids, ..error }),
        }
    }
    Ok(ids)
}

/// Not all items of a map were taken by the pool.
#[derive(Debug)]
pub struct MapError {
    /// The ids of those that were.
    pub submitted: Vec<JobId>,
    /// Why the next was not.
    pub reason: SubmitError<()>,
}

impl MapError {
    fn new<F>(error: &SubmitError<F>) -> Self {
        let reason = match error {
            SubmitError::Full(_) => SubmitError::Full(()),
            SubmitError::Closed(_) | SubmitError::ZeroInterval(_) => SubmitError::Closed(()),
            SubmitError::NoThread(_, error) => {
                SubmitError::NoThread((), std::io::Error::new(error.kind(), error.to_string()))
            }
        };
        Self { submitted: Vec::new(), reason }
    }
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} items were taken, then: {}", self.submitted.len(), self.reason)
    }
}

impl std::error::Error for MapError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.reason)
    }
}

/// A function over many items, before it is said what becomes of the values; from [`Pool::map`].
#[must_use = "a map does nothing until it is said what becomes of the values"]
pub struct Map<'p, T, I, F> {
    pool: &'p Pool<T>,
    items: I,
    function: F,
}

impl<'p, T: Send + 'static, I: IntoIterator, F> Map<'p, T, I, F> {
    /// All values in the order of the items; waits for them, and works too. A panic fails its item alone.
    #[expect(clippy::missing_panics_doc, reason = "every item is mapped once, so it is there")]
    pub fn collect<U>(self) -> Vec<Result<U, JobError>>
    where
        I::Item: Send,
        U: Send,
        F: Fn(I::Item) -> U + Sync,
    {
        let mut items: Vec<_> = self.items.into_iter().map(Some).collect();
        share::map(self.pool.shared(), items.iter_mut(), |item| {
            let item = item.take().expect("every item is mapped once");
            each(|| (self.function)(item))
        })
    }

    /// The values in the order of the items, one after the other while the others are computed. Takes items only a little
    /// ahead of what is read, so a long or endless iterator needs little memory.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// let first_large = pool.map(1_u64.., |n| n * n).iter().flatten().find(|square| *square > 1000);
    /// assert_eq!(first_large, Some(1024));
    /// # Ok(()) }
    /// ```
    pub fn iter<U>(self) -> MapIter<'p, T, I::IntoIter, F, U>
    where
        I::Item: Send + 'static,
        U: Send + 'static,
        F: Fn(I::Item) -> U + Send + Sync + 'static,
    {
        let window = self.pool.shared().config.threads * WINDOW;
        let (items, function) = (self.items.into_iter(), Arc::new(self.function));
        MapIter { pool: self.pool, items, function, ahead: VecDeque::new(), window }
    }

    /// One job for each item, in order; the values go to the done queue as they come, the failures to the failed queue.
    /// Returns the ids in the order of the items.
    ///
    /// # Errors
    ///
    /// [`MapError`], when the pool does not take one of the jobs.
    pub fn to_done<R>(self) -> Result<Vec<JobId>, MapError>
    where
        I::Item: Send + 'static,
        F: Fn(I::Item) -> R + Send + Sync + 'static,
        R: Outcome<T> + 'static,
    {
        let f = Arc::new(self.function);
        submit_each(self.items, |item| {
            let f = Arc::clone(&f);
            self.pool.submit(move || f(item)).map_err(|error| MapError::new(&error))
        })
    }

    /// One job for each item; each value is given to `on_done` on the worker. Returns the ids in the order of the items.
    ///
    /// # Errors
    ///
    /// As [`Map::to_done`].
    pub fn on_each<R, D>(self, on_done: D) -> Result<Vec<JobId>, MapError>
    where
        I::Item: Send + 'static,
        F: Fn(I::Item) -> R + Send + Sync + 'static,
        R: Outcome<T> + 'static,
        D: Fn(JobId, T) + Send + Sync + 'static,
    {
        let both = Arc::new((self.function, on_done));
        let name = type_name::<F>();
        submit_each(self.items, |item| {
            let (f, on_done) = (Arc::clone(&both), Arc::clone(&both));
            let job = self.pool.job(move || f.0(item)).name(name);
            job.on_done(move |id, value| on_done.1(id, value)).submit().map_err(|error| MapError::new(&error))
        })
    }

    /// One job for each item; the values are dropped. Failures go to the failed queue. Returns the ids in the order of the
    /// items.
    ///
    /// # Errors
    ///
    /// As [`Map::to_done`].
    pub fn discard<R>(self) -> Result<Vec<JobId>, MapError>
    where
        I::Item: Send + 'static,
        F: Fn(I::Item) -> R + Send + Sync + 'static,
        R: Outcome<T> + 'static,
    {
        self.on_each(|_, value| drop(value))
    }
}

impl<T, I, F> fmt::Debug for Map<'_, T, I, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map").finish_non_exhaustive()
    }
}

/// The values of a map in order; from [`Map::iter`]. Dropping it lets what has been begun go on.
#[must_use = "an iterator does nothing until it is iterated"]
pub struct MapIter<'p, T, I, F, U> {
    pool: &'p Pool<T>,
    items: I,
    function: Arc<F>,
    ahead: VecDeque<Ahead<U>>,
    window: usize,
}

/// A value on its way.
enum Ahead<U> {
    Spawned(JoinHandle<U>),
    /// The queue was full: the reader worked it out.
    Here(Result<U, JobError>),
}

impl<T, I, F, U> Iterator for MapIter<'_, T, I, F, U>
where
    T: Send + 'static,
    I: Iterator<Item: Send + 'static>,
    U: Send + 'static,
    F: Fn(I::Item) -> U + Send + Sync + 'static,
{
    type Item = Result<U, JobError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ahead.len() < self.window {
            let Some(item) = self.items.next() else { break };
            let f = Arc::clone(&self.function);
            self.ahead.push_back(match self.pool.spawn(move || f(item)) {
                Ok(handle) => Ahead::Spawned(handle),
                Err(SubmitError::Closed(_)) => Ahead::Here(Err(JobError::Cancelled)),
                Err(refused) => Ahead::Here(each(refused.into_inner())),
            });
        }
        Some(match self.ahead.pop_front()? {
            Ahead::Spawned(handle) => handle.join(),
            Ahead::Here(result) => result,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.items.size_hint();
        let ahead = self.ahead.len();
        (least.saturating_add(ahead), most.and_then(|most| most.checked_add(ahead)))
    }
}

impl<T, I, F, U> fmt::Debug for MapIter<'_, T, I, F, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapIter").field("ahead", &self.ahead.len()).finish_non_exhaustive()
    }
}

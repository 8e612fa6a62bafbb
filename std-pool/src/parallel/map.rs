//! A function over many items.
#![forbid(unsafe_code)]

use std::any::type_name;
use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use fastthreadpool_core::JobId;

use crate::engine::submit_error::SubmitError;
use crate::here::call::catch;
use crate::jobs::call::{Plain, Renamed};
use crate::jobs::enter::Entrance;
use crate::jobs::items::ItemsShape;
use crate::jobs::once::{Discard, Give, Keep, OnceShape, Way};
use crate::jobs::spawned::{JoinHandle, SpawnShape};
use crate::parallel::progress::{Hook, Quiet, Watch, Watched};
use crate::parallel::share;
use crate::parallel::slots::ToVec;
use crate::results::outcome::{JobError, Outcome};

/// Items of a streamed map that are on their way at the same time, for each thread.
const WINDOW: usize = 64;

/// Runs the function for one item; a panic is that item's alone.
#[inline(always)]
fn each<U>(f: impl FnOnce() -> U) -> Result<U, JobError> {
    catch(f).map_err(JobError::Panicked)
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
#[non_exhaustive]
pub struct MapError {
    /// The ids of those that were.
    pub submitted: Vec<JobId>,
    /// Why the next was not.
    pub reason: SubmitError<()>,
}

impl MapError {
    fn new<F>(error: SubmitError<F>) -> Self {
        Self { submitted: Vec::new(), reason: error.split().1 }
    }
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} items were taken, then: {}", self.submitted.len(), self.reason)
    }
}

impl std::error::Error for MapError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // Which is displayed with this.
        self.reason.source()
    }
}

/// Submits the job of one item, which is called what the function of the map is.
fn submit_named<N, T, F, R, W>(entrance: Entrance<'_, T>, function: F, way: W) -> Result<JobId, MapError>
where
    T: Send + 'static,
    F: FnOnce() -> R + Send + 'static,
    R: Outcome<T> + 'static,
    W: Way<T>,
{
    let call = Renamed { call: Plain::new(function), name: type_name::<N>() };
    entrance.append(OnceShape { call, way }).map_err(MapError::new)
}

/// A function over many items that returns an iterator for each.
pub(crate) fn iterators<T, I, F, V, R>(entrance: Entrance<'_, T>, items: I, f: F) -> Result<Vec<JobId>, MapError>
where
    T: Send + 'static,
    I: IntoIterator<Item: Send + 'static>,
    F: Fn(I::Item) -> V + Send + Sync + 'static,
    V: Iterator<Item = R> + Send + 'static,
    R: Outcome<T> + 'static,
{
    let f = Arc::new(f);
    submit_each(items, |item| {
        let f = Arc::clone(&f);
        let shape = ItemsShape { function: move || f(item), items: PhantomData };
        entrance.append(shape).map_err(MapError::new)
    })
}

/// A function over many items, before it is said what becomes of the values; from [`Group::map`](crate::Group::map).
#[must_use = "a map does nothing until it is said what becomes of the values"]
pub struct Map<'p, T, I, F, H = Quiet> {
    pub(crate) entrance: Entrance<'p, T>,
    pub(crate) items: I,
    pub(crate) function: F,
    pub(crate) hook: H,
}

impl<T: Send + 'static, I: IntoIterator, F, H: Watch> Map<'_, T, I, F, H> {
    /// All values in the order of the items; waits for them, and works too. A panic fails its item alone.
    pub fn collect<U>(self) -> Vec<Result<U, JobError>>
    where
        I::Item: Send,
        U: Send,
        F: Fn(I::Item) -> U + Sync,
    {
        let items: Vec<_> = self.items.into_iter().collect();
        let gather = ToVec(|item| each(|| (self.function)(item)));
        share::gather(self.entrance.engine, items, Watched { gather, hook: self.hook })
    }
}

impl<'p, T: Send + 'static, I: IntoIterator, F> Map<'p, T, I, F> {
    /// Tells `hook` how many items are done, failed ones included, and of how many, while they are [collected](Map::collect): as
    /// [`Par::on_progress`](crate::Par::on_progress). How far the jobs of a group are its [counts](crate::Group::counts) say.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// # use std::sync::Mutex;
    /// let pool: Pool = Pool::new()?;
    /// let last = Mutex::new((0, 0));
    /// let roots = pool.map(0..100_u32, u32::isqrt).on_progress(|done, of| *last.lock().unwrap() = (done, of)).collect();
    /// assert_eq!((roots.len(), last.into_inner()?), (100, (100, 100)));
    /// # Ok(()) }
    /// ```
    pub fn on_progress<G: Fn(usize, usize) + Sync>(self, hook: G) -> Map<'p, T, I, F, Hook<G>> {
        let Self { entrance, items, function, .. } = self;
        Map { entrance, items, function, hook: Hook(hook) }
    }

    /// The values in the order of the items, one after the other while the others are computed. Takes items only a little
    /// ahead of what is read, so a long or endless iterator needs little memory. What the pool does not take, since its queue is full or it is
    /// closed, the reader works out; what it has taken and is removed, as by [`shutdown_now`](crate::Pool::shutdown_now), is
    /// [`JobError::Cancelled`].
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
        let window = self.entrance.engine.config.threads.max(1) * WINDOW;
        let (items, function) = (self.items.into_iter(), Arc::new(self.function));
        MapIter { entrance: self.entrance, items, function, ahead: VecDeque::new(), window }
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
        let (entrance, f) = (self.entrance, Arc::new(self.function));
        submit_each(self.items, |item| {
            let f = Arc::clone(&f);
            submit_named::<F, _, _, _, _>(entrance, move || f(item), Keep)
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
        let (entrance, both) = (self.entrance, Arc::new((self.function, on_done)));
        submit_each(self.items, |item| {
            let (f, on_done) = (Arc::clone(&both), Arc::clone(&both));
            submit_named::<F, _, _, _, _>(entrance, move || f.0(item), Give(move |id, value| on_done.1(id, value)))
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
        let (entrance, f) = (self.entrance, Arc::new(self.function));
        submit_each(self.items, |item| {
            let f = Arc::clone(&f);
            submit_named::<F, _, _, _, _>(entrance, move || f(item), Discard)
        })
    }
}

impl<T, I, F, H> fmt::Debug for Map<'_, T, I, F, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map").finish_non_exhaustive()
    }
}

/// The values of a map in order; from [`Map::iter`]. Dropping it lets what has been begun go on.
#[must_use = "an iterator does nothing until it is iterated"]
pub struct MapIter<'p, T, I, F, U> {
    entrance: Entrance<'p, T>,
    items: I,
    function: Arc<F>,
    ahead: VecDeque<Ahead<U>>,
    window: usize,
}

/// A value on its way.
enum Ahead<U> {
    Spawned(JoinHandle<U>),
    /// The pool has not taken it: the reader worked it out.
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
            let (shape, receiver) = SpawnShape::new(Plain::new(move || f(item)));
            let refused = match self.entrance.append(shape) {
                Ok(id) => {
                    self.ahead.push_back(Ahead::Spawned(receiver.into_handle(Arc::clone(self.entrance.engine), id)));
                    continue;
                }
                Err(refused) => refused,
            };
            // Where nobody takes any more the reader goes no further ahead than it reads.
            let is_full = matches!(refused, SubmitError::Full(_));
            self.ahead.push_back(Ahead::Here(each(refused.into_inner())));
            if !is_full {
                break;
            }
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

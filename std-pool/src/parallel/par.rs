//! A parallel loop, before it is said what becomes of the items.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::Arc;

use crate::engine::Engine;
use crate::parallel::gather::Gather;
use crate::parallel::items::{Enumerate, IntoPar, Zip};
use crate::parallel::progress::{Hook, Quiet, Watch, Watched};
use crate::parallel::runs::{Fold, Merged, Reduce};
use crate::parallel::share;
use crate::parallel::slots::ToVec;
use crate::parallel::until::Until;

/// Items of a parallel loop, before it is said what becomes of them; from [`Group::par`](crate::Group::par).
///
/// The caller works, and as many workers as it is worth. All may borrow. What is collected is in the order of the items,
/// whoever did them.
///
/// # Panics
///
/// From the first panic on nobody takes any more items; what somebody has taken goes on: one item, or as many as are known to be
/// over in some microseconds. When all have ended the panic is passed on. Items by value that were not given to the function
/// are dropped, and so are values.
#[must_use = "a loop does nothing until it is said what becomes of the items"]
pub struct Par<'p, I, H = Quiet> {
    engine: &'p Arc<Engine>,
    items: I,
    hook: H,
}

impl<'p, I: IntoPar> Par<'p, I> {
    pub(crate) fn new(engine: &'p Arc<Engine>, items: I) -> Self {
        Self { engine, items, hook: Quiet }
    }

    /// Tells `hook` how many items are done, and of how many: each time when somebody has done what he took, on his thread. Calls
    /// on different threads may overtake each other; but that all are done is told last, once, and by the caller. A loop that stops
    /// at an item need not tell that.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// # use std::sync::Mutex;
    /// let pool: Pool = Pool::new()?;
    /// let last = Mutex::new((0, 0));
    /// pool.par(0..1000).on_progress(|done, of| *last.lock().unwrap() = (done, of)).for_each(|n| assert!(n < 1000));
    /// assert_eq!(last.into_inner()?, (1000, 1000));
    /// # Ok(()) }
    /// ```
    pub fn on_progress<F: Fn(usize, usize) + Sync>(self, hook: F) -> Par<'p, I, Hook<F>> {
        Par { engine: self.engine, items: self.items, hook: Hook(hook) }
    }
}

impl<'p, I: IntoPar, H: Watch> Par<'p, I, H> {
    /// Each item with its number.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// let mut squares = [0; 100];
    /// pool.par(&mut squares).enumerate().for_each(|(n, square)| *square = n * n);
    /// assert_eq!(squares[12], 144);
    /// # Ok(()) }
    /// ```
    pub fn enumerate(self) -> Par<'p, Enumerate<I>, H> {
        Par { engine: self.engine, items: Enumerate { items: self.items }, hook: self.hook }
    }

    /// Pairs of items, as many as the shorter of both has.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// let (pixels, mut lines) = ([1_u32; 64 * 48], [0; 48]);
    /// pool.par_chunks(&pixels, 64).zip(&mut lines).for_each(|(line, sum)| *sum = line.iter().sum());
    /// assert_eq!(lines, [64; 48]);
    /// # Ok(()) }
    /// ```
    pub fn zip<B: IntoPar>(self, other: B) -> Par<'p, Zip<I, B>, H> {
        Par { engine: self.engine, items: Zip { a: self.items, b: other }, hook: self.hook }
    }

    fn gather<G: Gather<I::Item>>(self, gather: G) -> G::Output {
        share::gather(self.engine, self.items, Watched { gather, hook: self.hook })
    }

    /// The function of each item, in the order of the items.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// let words = vec!["by".to_owned(), "value".to_owned()];
    /// assert_eq!(pool.par(words).map(String::into_bytes), [b"by".to_vec(), b"value".to_vec()]);
    /// # Ok(()) }
    /// ```
    pub fn map<U: Send, F: Fn(I::Item) -> U + Sync>(self, f: F) -> Vec<U> {
        self.gather(ToVec(f))
    }

    /// Calls the function for each item.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// let mut numbers = [1, 2, 3];
    /// pool.par(&mut numbers).for_each(|n| *n *= 10);
    /// assert_eq!(numbers, [10, 20, 30]);
    /// # Ok(()) }
    /// ```
    pub fn for_each<F: Fn(I::Item) + Sync>(self, f: F) {
        let accumulate = Fold { identity: || (), function: |(), item| f(item) };
        self.gather(Merged { accumulate, merge: |(), ()| () });
    }

    /// Calls the function for each item, until it fails: then nobody takes any more items, as after a panic.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// let texts = ["1", "2", "three"];
    /// let checked = pool.par(&texts).try_for_each(|text| text.parse::<u32>().map(drop));
    /// assert!(checked.is_err());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// An error of the function. Of several, that of the item that comes first; but another may have come before it, had its item
    /// been done.
    pub fn try_for_each<E: Send, F: Fn(I::Item) -> Result<(), E> + Sync>(self, f: F) -> Result<(), E> {
        self.gather(Until(|item| f(item).err())).map_or(Ok(()), Err)
    }

    /// One value of all items: neighbours are folded by `f` into a value that begins as `identity`, and such values are merged, by
    /// the caller, in the order of the items. If `merge` is associative, and `identity` changes nothing, it is what a sequential
    /// fold gives.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// let digits = pool.par(0..10).fold(String::new, |text, n| text + &n.to_string(), |a, b| a + &b);
    /// assert_eq!(digits, "0123456789");
    /// # Ok(()) }
    /// ```
    pub fn fold<A, N, F, M>(self, identity: N, f: F, merge: M) -> A
    where
        A: Send,
        N: Fn() -> A + Sync,
        F: Fn(A, I::Item) -> A + Sync,
        M: Fn(A, A) -> A + Sync,
    {
        let accumulate = Fold { identity: &identity, function: f };
        self.gather(Merged { accumulate, merge }).unwrap_or_else(identity)
    }

    /// One item made of all of them, two by two, in their order; `None` if there is none. If `f` is associative, it is what a
    /// sequential reduction gives.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// assert_eq!(pool.par(1..=20_u64).reduce(|a, b| a * b), Some(2_432_902_008_176_640_000));
    /// # Ok(()) }
    /// ```
    pub fn reduce<F: Fn(I::Item, I::Item) -> I::Item + Sync>(self, f: F) -> Option<I::Item> {
        self.gather(Merged { accumulate: Reduce(&f), merge: &f })
    }

    /// An item for which `f` is true; not always the first. When one is found nobody takes any more.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// let factor = pool.par(2..1000_u32).find_any(|n| 1_000_001 % n == 0);
    /// assert!([101, 9901].contains(&factor.unwrap_or(0)));
    /// # Ok(()) }
    /// ```
    pub fn find_any<F: Fn(&I::Item) -> bool + Sync>(self, f: F) -> Option<I::Item> {
        self.gather(Until(|item| f(&item).then_some(item)))
    }

    /// Whether `f` is true for an item. When one is found nobody takes any more.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// assert!(pool.par(&["a", "few", "words"]).any(|word| word.len() == 3));
    /// # Ok(()) }
    /// ```
    pub fn any<F: Fn(I::Item) -> bool + Sync>(self, f: F) -> bool {
        self.gather(Until(|item| f(item).then_some(()))).is_some()
    }

    /// Whether `f` is true for all items. When it is not for one, nobody takes any more.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// assert!(pool.par(&["a", "few", "words"]).all(|word| !word.is_empty()));
    /// # Ok(()) }
    /// ```
    pub fn all<F: Fn(I::Item) -> bool + Sync>(self, f: F) -> bool {
        !self.any(|item| !f(item))
    }
}

/// Its items, for [`Par::zip`].
impl<I: IntoPar> IntoPar for Par<'_, I> {
    type Item = I::Item;
    type Source = I::Source;

    fn count(&self) -> usize {
        self.items.count()
    }

    fn open(self, count: usize) -> I::Source {
        self.items.open(count)
    }

    fn in_order(self) -> impl Iterator<Item = I::Item> {
        self.items.in_order()
    }
}

impl<I: IntoPar, H> fmt::Debug for Par<'_, I, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Par").field("items", &self.items.count()).finish_non_exhaustive()
    }
}

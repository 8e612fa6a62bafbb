//! Parallel loops.
#![forbid(unsafe_code)]

use crate::group::Group;
use crate::parallel::items::{Chunks, ChunksMut, IntoPar};
use crate::parallel::par::Par;

impl<T: Send + 'static> Group<T> {
    /// A loop over items that the caller shares with as many workers as it is worth; what becomes of the items is said by what is
    /// called on the [`Par`]. Items and functions may borrow. What the items cost is remembered, so that a loop that is over at
    /// once is a plain loop.
    ///
    /// It works inside of jobs and of other loops; in a pool that is closed the caller does it alone. What is run elsewhere has no
    /// id of its own, and is not counted.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// let (weights, mut values) = (vec![3, 2, 1], vec![1, 10, 100]);
    /// pool.par(&mut values).zip(&weights).for_each(|(value, weight)| *value *= weight);
    /// assert_eq!(pool.par(&values).fold(|| 0, |sum, value| sum + value, |a, b| a + b), 123);
    /// # Ok(()) }
    /// ```
    pub fn par<I: IntoPar>(&self, items: I) -> Par<'_, I> {
        Par::new(&self.engine, items)
    }

    /// The same over parts of a slice, of `size` items each; the last may be shorter.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// assert_eq!(pool.par_chunks(&[1, 2, 3, 4, 5], 2).map(|part| part.iter().sum::<u32>()), [3, 7, 5]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    ///
    /// If `size` is 0.
    pub fn par_chunks<'a, I: Sync>(&self, items: &'a [I], size: usize) -> Par<'_, Chunks<'a, I>> {
        assert!(size > 0, "chunks have items");
        self.par(Chunks { items, size })
    }

    /// The same over parts of a slice that is changed.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::new()?;
    /// let mut image = [0; 64 * 48];
    /// pool.par_chunks_mut(&mut image, 64).enumerate().for_each(|(y, line)| line.fill(y));
    /// assert_eq!(image[64 * 7 + 1], 7);
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    ///
    /// If `size` is 0.
    pub fn par_chunks_mut<'a, I: Send>(&self, items: &'a mut [I], size: usize) -> Par<'_, ChunksMut<'a, I>> {
        assert!(size > 0, "chunks have items");
        self.par(ChunksMut { items, size })
    }

    /// The function of each item, in order: short for [`par`](Group::par) and [`map`](Par::map).
    ///
    /// Where a panic is to fail its item alone, [`Group::map`] and [`Map::collect`](crate::Map::collect) do that.
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
    /// Passes on the first panic of the function, after all threads have ended their work on it; nobody takes any more items from
    /// then on, and the values are dropped.
    pub fn par_map<I, U, F>(&self, items: I, f: F) -> Vec<U>
    where
        I: IntoPar,
        U: Send,
        F: Fn(I::Item) -> U + Sync,
    {
        self.par(items).map(f)
    }
}

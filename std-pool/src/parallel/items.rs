//! What a parallel loop can go over.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::iter;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use crate::parallel::source::{Changed, ChangedChunks, Given, Source, Span};

/// What a parallel loop can go over, see [`Group::par`](crate::Group::par): slices, vectors, arrays and boxes of them, by
/// reference, by mutable reference, and by value; double-ended queues by value; ranges of integers; a [`Par`](crate::Par) itself.
///
/// A function can take whatever can be gone over:
///
/// ```
/// use fastthreadpool::{IntoPar, Pool};
///
/// fn total(pool: &Pool, numbers: impl IntoPar<Item = u64>) -> u64 {
///     pool.par(numbers).reduce(|a, b| a + b).unwrap_or(0)
/// }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool: Pool = Pool::new()?;
/// assert_eq!(total(&pool, 1..=10), 55);
/// assert_eq!(total(&pool, vec![20, 22]), 42);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be divided among threads",
    label = "neither a slice, an array, a vector nor a range",
    note = "what is only an iterator is taken by `pool.map(iterator, f)`, or collected into a vector before"
)]
pub trait IntoPar: Sized {
    /// What each call of the loop's function is given.
    type Item: Send;
    #[doc(hidden)]
    type Source: Source<Item = Self::Item>;

    #[doc(hidden)]
    fn count(&self) -> usize;

    /// The first of them, as many as there are or fewer, for several threads; the others are dropped.
    #[doc(hidden)]
    fn open(self, count: usize) -> Self::Source;

    /// All of them, for one thread.
    #[doc(hidden)]
    fn in_order(self) -> impl Iterator<Item = Self::Item>;
}

/// What lends a slice.
macro_rules! lends {
    ($([$($bound:tt)*] $of:ty),*) => {$(
        impl<'a, T: Sync $($bound)*> IntoPar for &'a $of {
            type Item = &'a T;
            type Source = &'a [T];

            fn count(&self) -> usize {
                self.len()
            }

            fn open(self, count: usize) -> &'a [T] {
                &self[..count]
            }

            fn in_order(self) -> impl Iterator<Item = &'a T> {
                self.iter()
            }
        }
    )*};
}

/// What lends a slice to be changed.
macro_rules! lends_mut {
    ($([$($bound:tt)*] $of:ty),*) => {$(
        impl<'a, T: Send $($bound)*> IntoPar for &'a mut $of {
            type Item = &'a mut T;
            type Source = Changed<'a, T>;

            fn count(&self) -> usize {
                self.len()
            }

            fn open(self, count: usize) -> Changed<'a, T> {
                Changed::new(&mut self[..count])
            }

            fn in_order(self) -> impl Iterator<Item = &'a mut T> {
                self.iter_mut()
            }
        }
    )*};
}

lends!([] [T], [] Vec<T>, [, const N: usize] [T; N], [] Box<[T]>, [+ Send] Arc<[T]>);
lends_mut!([] [T], [] Vec<T>, [, const N: usize] [T; N], [] Box<[T]>);

/// What gives its items away.
macro_rules! gives {
    ($([$($bound:tt)*] $of:ty),*) => {$(
        impl<T: Send $($bound)*> IntoPar for $of {
            type Item = T;
            type Source = Given<T>;

            fn count(&self) -> usize {
                self.len()
            }

            fn open(self, count: usize) -> Given<T> {
                let mut items = Vec::from(self);
                items.truncate(count);
                Given::new(items)
            }

            fn in_order(self) -> impl Iterator<Item = T> {
                self.into_iter()
            }
        }
    )*};
}

gives!([] Vec<T>, [, const N: usize] [T; N], [] Box<[T]>, [] VecDeque<T>);

/// An integer of a range that can be gone over.
pub trait Int: Copy + Send + Sync {
    /// How many there are from this one up to before that one.
    fn up_to(self, end: Self) -> usize;

    #[must_use]
    fn plus(self, number: usize) -> Self;
}

macro_rules! ints {
    ($($int:ty),*) => {$(
        impl Int for $int {
            fn up_to(self, end: Self) -> usize {
                let count = if self < end { end.abs_diff(self) } else { 0 };
                usize::try_from(count).expect("there are no more items than a usize can count")
            }

            #[inline(always)]
            #[allow(clippy::cast_possible_wrap, clippy::cast_lossless, reason = "it stays within the range")]
            fn plus(self, number: usize) -> Self {
                self.wrapping_add(number as $int)
            }
        }
    )*};
}

ints!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);

impl<T: Int> IntoPar for Range<T> {
    type Item = T;
    type Source = Span<T>;

    fn count(&self) -> usize {
        self.start.up_to(self.end)
    }

    fn open(self, count: usize) -> Span<T> {
        Span { first: self.start, len: count }
    }

    fn in_order(self) -> impl Iterator<Item = T> {
        (0..self.count()).map(move |number| self.start.plus(number))
    }
}

impl<T: Int + PartialOrd> IntoPar for RangeInclusive<T> {
    type Item = T;
    type Source = Span<T>;

    fn count(&self) -> usize {
        if self.is_empty() {
            return 0;
        }
        let before = self.start().up_to(*self.end());
        before.checked_add(1).expect("there are no more items than a usize can count")
    }

    fn open(self, count: usize) -> Span<T> {
        Span { first: *self.start(), len: count }
    }

    fn in_order(self) -> impl Iterator<Item = T> {
        let first = *self.start();
        (0..self.count()).map(move |number| first.plus(number))
    }
}

/// Items and their numbers; from [`Par::enumerate`](crate::Par::enumerate).
#[derive(Debug)]
pub struct Enumerate<I> {
    pub(super) items: I,
}

impl<I: IntoPar> IntoPar for Enumerate<I> {
    type Item = (usize, I::Item);
    type Source = Enumerate<I::Source>;

    fn count(&self) -> usize {
        self.items.count()
    }

    fn open(self, count: usize) -> Self::Source {
        Enumerate { items: self.items.open(count) }
    }

    fn in_order(self) -> impl Iterator<Item = Self::Item> {
        self.items.in_order().enumerate()
    }
}

/// Pairs of items; from [`Par::zip`](crate::Par::zip).
#[derive(Debug)]
pub struct Zip<A, B> {
    pub(super) a: A,
    pub(super) b: B,
}

impl<A: IntoPar, B: IntoPar> IntoPar for Zip<A, B> {
    type Item = (A::Item, B::Item);
    type Source = Zip<A::Source, B::Source>;

    fn count(&self) -> usize {
        self.a.count().min(self.b.count())
    }

    fn open(self, count: usize) -> Self::Source {
        Zip { a: self.a.open(count), b: self.b.open(count) }
    }

    fn in_order(self) -> impl Iterator<Item = Self::Item> {
        iter::zip(self.a.in_order(), self.b.in_order())
    }
}

/// Parts of a slice; from [`Group::par_chunks`](crate::Group::par_chunks).
#[derive(Debug)]
pub struct Chunks<'a, T> {
    pub(crate) items: &'a [T],
    pub(crate) size: usize,
}

impl<'a, T: Sync> IntoPar for Chunks<'a, T> {
    type Item = &'a [T];
    type Source = Self;

    fn count(&self) -> usize {
        self.len()
    }

    fn open(self, count: usize) -> Self {
        Self { items: &self.items[..count.saturating_mul(self.size).min(self.items.len())], ..self }
    }

    fn in_order(self) -> impl Iterator<Item = &'a [T]> {
        self.items.chunks(self.size)
    }
}

/// Parts of a slice that is changed; from [`Group::par_chunks_mut`](crate::Group::par_chunks_mut).
#[derive(Debug)]
pub struct ChunksMut<'a, T> {
    pub(crate) items: &'a mut [T],
    pub(crate) size: usize,
}

impl<'a, T: Send> IntoPar for ChunksMut<'a, T> {
    type Item = &'a mut [T];
    type Source = ChangedChunks<'a, T>;

    fn count(&self) -> usize {
        self.items.len().div_ceil(self.size)
    }

    fn open(self, count: usize) -> ChangedChunks<'a, T> {
        let Self { items, size } = self;
        let len = count.saturating_mul(size).min(items.len());
        ChangedChunks::new(Self { items: &mut items[..len], size })
    }

    fn in_order(self) -> impl Iterator<Item = &'a mut [T]> {
        self.items.chunks_mut(self.size)
    }
}

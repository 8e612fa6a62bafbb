//! Joins: the pool's own, in the pool of the present thread.
#![forbid(unsafe_code)]

use std::marker::PhantomData;

use crate::registry;
use crate::unwind::catch;
use crate::worker;

/// What a function of [`join_context`] is told.
#[derive(Debug)]
pub struct FnContext {
    migrated: bool,
    /// Neither `Send` nor `Sync`, like rayon's.
    thread: PhantomData<*mut ()>,
}

impl FnContext {
    #[inline]
    fn new(migrated: bool) -> Self {
        Self { migrated, thread: PhantomData }
    }

    /// Whether the function runs in another thread than the one that has joined.
    #[inline]
    pub fn migrated(&self) -> bool {
        self.migrated
    }
}

/// Runs both functions, perhaps at the same time, and returns what they return. Who waits for the second helps with what that one has
/// joined, and with nothing else.
///
/// ```
/// let (left, right) = rayon_core::join(|| 1 + 1, || 2 + 2);
/// assert_eq!((left, right), (2, 4));
/// ```
///
/// # Panics
///
/// Passes on a panic of the first function, else one of the second, after both were run.
#[inline]
pub fn join<A, B, RA, RB>(oper_a: A, oper_b: B) -> (RA, RB)
where
    A: FnOnce() -> RA + Send,
    B: FnOnce() -> RB + Send,
    RA: Send,
    RB: Send,
{
    registry::in_worker(|registry, _| registry.pool.join(oper_a, Certainly::run(oper_b)))
}

/// The same for functions that are told whether they run in another thread.
///
/// # Panics
///
/// As [`join`].
#[inline]
pub fn join_context<A, B, RA, RB>(oper_a: A, oper_b: B) -> (RA, RB)
where
    A: FnOnce(FnContext) -> RA + Send,
    B: FnOnce(FnContext) -> RB + Send,
    RA: Send,
    RB: Send,
{
    registry::in_worker(|registry, injected| {
        let place = worker::place();
        let oper_b = move || oper_b(FnContext::new(injected || worker::place() != place));
        registry.pool.join(|| oper_a(FnContext::new(injected)), Certainly::run(oper_b))
    })
}

/// A function that is run even if it is dropped, as where the first half of a join has panicked and nobody has begun the second.
struct Certainly<F: FnOnce() -> R, R>(Option<F>);

impl<F: FnOnce() -> R, R> Certainly<F, R> {
    #[inline]
    fn run(function: F) -> impl FnOnce() -> R {
        let mut this = Self(Some(function));
        move || match this.0.take() {
            Some(function) => function(),
            None => unreachable!("it is called once"),
        }
    }
}

impl<F: FnOnce() -> R, R> Drop for Certainly<F, R> {
    #[inline]
    fn drop(&mut self) {
        if let Some(function) = self.0.take() {
            run_dropped(function);
        }
    }
}

#[cold]
fn run_dropped<R>(function: impl FnOnce() -> R) {
    // The first panic goes on, this one is not heard of.
    drop(catch(|| drop(catch(function))));
}

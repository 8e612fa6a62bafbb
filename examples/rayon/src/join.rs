//! Joins: the pool's own, in the pool of the present thread.
#![forbid(unsafe_code)]

use std::marker::PhantomData;
use std::panic::resume_unwind;

use crate::registry::{self, Registry};
use crate::unwind::{Payload, catch};
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
    registry::in_worker(|registry, _| run_both(registry, oper_a, oper_b))
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
        run_both(registry, || oper_a(FnContext::new(injected)), oper_b)
    })
}

/// Whatever the first does the second is run, and not while that unwinds.
#[inline]
fn run_both<A, B, RA, RB>(registry: &Registry, oper_a: A, oper_b: B) -> (RA, RB)
where
    A: FnOnce() -> RA,
    B: FnOnce() -> RB + Send,
    RB: Send,
{
    match registry.pool.join(|| catch(oper_a), || catch(oper_b)) {
        (Ok(a), Ok(b)) => (a, b),
        (Ok(_), Err(panic)) => resume_unwind(panic),
        (Err(panic), late) => resume_after(panic, late),
    }
}

#[cold]
fn resume_after<R>(panic: Payload, late: Result<R, Payload>) -> ! {
    // The first panic goes on, others are not heard of.
    drop(catch(|| drop(late)));
    resume_unwind(panic)
}

//! What may be used after a panic was caught, and in [`catch_unwind`](std::panic::catch_unwind) without an assertion: whatever
//! is the pool's own. User code never runs under a lock of this crate, so none of its panics leaves anything half done here.
#![forbid(unsafe_code)]

use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::here::call::Panic;
use crate::jobs::context::Context;
use crate::jobs::runs::Runs;
use crate::jobs::spawned::JoinHandle;
use crate::parallel::scope::Scope;
use crate::parallel::scope_handle::ScopedJoinHandle;
use crate::parallel::scoped_context::ScopedContext;
use crate::results::queue::Results;
use crate::sync::lock::{FastLock, FastLockGuard};
use crate::sync::owned_permit::OwnedPermit;
use crate::sync::permit::Permit;
use crate::sync::semaphore::Semaphore;
use crate::{Group, Keyed, ManualClock, Pool, WeakPool, WorkerLocal};

macro_rules! unwind_safe {
    ($([$($generics:tt)*] $of:ty),* $(,)?) => {$(
        impl<$($generics)*> UnwindSafe for $of {}
        impl<$($generics)*> RefUnwindSafe for $of {}
    )*};
}

unwind_safe! {
    [T] Pool<T>, [T] Group<T>, [T] WeakPool<T>, [T] Keyed<'_, T>, [T] Context<'_, T>,
    [T] Results<T>, [T] Runs<T>, [T] JoinHandle<T>, [T: 'static] WorkerLocal<T>,
    [] Scope<'_, '_>, [] ScopedContext<'_>, [T] ScopedJoinHandle<'_, T>,
    [] Semaphore, [] Permit<'_>, [] OwnedPermit, [] FastLock, [] FastLockGuard<'_>,
    [] ManualClock, [] Panic,
}

//! Which job is being dropped without having run, and why: what its destructors may say of it.
//!
//! Rule: what is noted is there as long as it is noted, in the thread that has noted it; both end with [`removing`]. What a job was is
//! noted by [`note`] alone, inside of that, where a group of the pool has asked: for the others it is not looked for.

use std::cell::Cell;
use std::ptr;

use fastthreadpool_core::JobId;

use crate::here::call::drop_quietly;
use crate::here::job::RemovedJob;
use crate::sys;

/// Why a job was removed before it ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CancelReason {
    /// Somebody has cancelled it, or its group.
    Cancelled,
    /// Another job of its group has failed.
    FailFast,
    /// The deadline of its group has passed, or the time by which it was to [begin](crate::Job::start_by).
    Expired,
    /// The pool has been shut down, or reset.
    Shutdown,
    /// The queue was full, and a newer job has taken its place: see [`WhenFull::DropOldest`](crate::WhenFull::DropOldest).
    Displaced,
}

impl std::fmt::Display for CancelReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Cancelled => "cancelled",
            Self::FailFast => "another job of its group has failed",
            Self::Expired => "the time by which it was to begin has passed",
            Self::Shutdown => "the pool ends",
            Self::Displaced => "a newer job has taken its place in the queue",
        })
    }
}

/// A job that was removed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Removed {
    pub(crate) id: JobId,
    pub(crate) reason: CancelReason,
}

sys::local! {
    /// Null if nothing is being dropped.
    static REMOVED: Cell<*const Removed> = const { Cell::new(ptr::null()) };
}

sys::local! {
    /// What it was, if a group asks: of the one that is noted there.
    static WAS: Cell<Option<(*const Removed, RemovedJob)>> = const { Cell::new(None) };
}

/// Runs `f`, in which what is left of the job is dropped.
#[inline]
pub(crate) fn removing<R>(id: JobId, reason: CancelReason, f: impl FnOnce() -> R) -> R {
    struct Restore(*const Removed);
    impl Drop for Restore {
        #[inline]
        fn drop(&mut self) {
            REMOVED.with(|removed| removed.set(self.0));
        }
    }
    let present = Removed { id, reason };
    let _restore = Restore(REMOVED.with(|removed| removed.replace(&raw const present)));
    f()
}

/// Drops what is left of a job.
pub(crate) fn bury<T>(id: JobId, reason: CancelReason, payload: T) {
    removing(id, reason, || drop_quietly(payload));
}

/// What the job was that is being dropped is noted as long as this is there.
pub(crate) struct Was(Option<(*const Removed, RemovedJob)>);

impl Drop for Was {
    fn drop(&mut self) {
        WAS.with(|was| was.set(self.0));
    }
}

/// Notes what the job was, in [`removing`].
pub(crate) fn note(job: RemovedJob) -> Was {
    let present = REMOVED.with(Cell::get);
    Was(WAS.with(|was| was.replace(Some((present, job)))))
}

/// What the job was that is being dropped, if that is told.
pub(crate) fn was() -> Option<RemovedJob> {
    let present = REMOVED.with(Cell::get);
    // Not of one in whose destructor this one is removed.
    WAS.with(Cell::get).filter(|(of, _)| ptr::eq(*of, present)).map(|(_, job)| job)
}

/// The job that is being dropped.
pub(crate) fn removed() -> Option<Removed> {
    // SAFETY: the rule above.
    REMOVED.with(|removed| unsafe { removed.get().as_ref() }.copied())
}

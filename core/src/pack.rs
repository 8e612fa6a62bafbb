//! What payloads are made of, and how one that was refused comes back.

use core::mem::MaybeUninit;

/// What a payload is made of, at the last moment, in its slot.
///
/// Every payload is made of itself. [`Pack::pack`] may panic: the job was not accepted then, and its place is given up.
pub trait Pack<P>: Sized {
    /// Whether the job has an owner who waits for it: then it is run, and not removed with all others
    /// ([`Pool::cancel_queued`](crate::Pool::cancel_queued)). In fixed storage no job has.
    const OWNED: bool = false;

    /// Makes the payload.
    fn pack(self) -> P;

    /// Makes it where it is to stay, and returns that place: for who would have to copy what [`Pack::pack`] returns. Calls that by
    /// default. One who returns another place was not accepted, and what is in this one is leaked: the submit panics.
    #[inline(always)]
    fn pack_in(self, place: &mut MaybeUninit<P>) -> &mut P {
        place.write(self.pack())
    }

    /// Makes it undone, when the pool was closed just then.
    ///
    /// # Safety
    ///
    /// The payload is one that [`Pack::pack`] of this type has made, and nothing has been done with it since.
    unsafe fn unpack(payload: P) -> Self;
}

impl<P> Pack<P> for P {
    #[inline(always)]
    fn pack(self) -> P {
        self
    }

    unsafe fn unpack(payload: P) -> Self {
        payload
    }
}

/// A submit that was refused gives the payload back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused<P> {
    /// No room at present.
    Full(P),
    /// The pool does not accept jobs.
    Closed(P),
}

impl<P> Refused<P> {
    /// The payload.
    pub fn into_inner(self) -> P {
        match self {
            Self::Full(payload) | Self::Closed(payload) => payload,
        }
    }

    /// The same refusal of something else.
    pub fn map<Q>(self, f: impl FnOnce(P) -> Q) -> Refused<Q> {
        match self {
            Self::Full(payload) => Refused::Full(f(payload)),
            Self::Closed(payload) => Refused::Closed(f(payload)),
        }
    }
}

#[cfg(all(test, not(loom), feature = "alloc"))]
mod tests {
    use std::boxed::Box;
    use std::panic::{self, AssertUnwindSafe};
    use std::ptr;
    use std::sync::atomic::{AtomicPtr, Ordering};

    use super::*;
    use crate::end::End;
    use crate::hosts::{ScriptedHost, ScriptedMutex};
    use crate::pool::Pool;
    use crate::storage::{Fixed, Growing, Storage};
    use crate::worker::Next;

    struct Unpackable;

    impl Pack<usize> for Unpackable {
        fn pack(self) -> usize {
            // Without the hook, which would print as many lines.
            panic::resume_unwind(Box::new("it cannot be packed"))
        }

        unsafe fn unpack(_: usize) -> Self {
            Self
        }
    }

    /// Between others, and more often than a ring has slots or a block.
    fn is_as_if_it_had_been_handed_back<S: Storage<usize>>(pool: &Pool<usize, ScriptedHost, S>) {
        let mut worker = pool.enlist().unwrap();
        for n in 0..600 {
            let submitted = panic::catch_unwind(AssertUnwindSafe(|| pool.submit_packed(Unpackable).is_ok()));
            assert!(submitted.is_err(), "the panic goes on to the caller");
            let _ = pool.submit(n).unwrap();
            let Next::Run { payload, running, .. } = worker.next() else { panic!("there is a job") };
            assert_eq!(payload, n);
            let _ = pool.end(&running, End::Done, None);
        }
        assert!(matches!(worker.next(), Next::Park(None)));
        assert_eq!(pool.pending(), 0);
        assert_eq!(pool.audit(), Ok(()));
    }

    /// It is not where it is said to be.
    struct Elsewhere;

    static KEPT: AtomicPtr<usize> = AtomicPtr::new(ptr::null_mut());

    impl Pack<usize> for Elsewhere {
        fn pack(self) -> usize {
            unreachable!("it has a place")
        }

        fn pack_in(self, place: &mut MaybeUninit<usize>) -> &mut usize {
            place.write(1);
            let elsewhere = Box::leak(Box::new(2));
            // Nothing is lost: who looks for leaks finds it there.
            KEPT.store(elsewhere, Ordering::Relaxed);
            elsewhere
        }

        unsafe fn unpack(_: usize) -> Self {
            Self
        }
    }

    #[test]
    fn a_job_that_is_packed_elsewhere_was_not_accepted() {
        let pool = Pool::<usize, _, Growing<_, ScriptedMutex>>::growing(ScriptedHost::new(), 1, 0);
        let mut worker = pool.enlist().unwrap();
        let submitted = panic::catch_unwind(AssertUnwindSafe(|| pool.submit_packed(Elsewhere).is_ok()));
        assert!(submitted.is_err());
        assert!(matches!(worker.next(), Next::Park(None)));
        assert_eq!(pool.audit(), Ok(()));
    }

    #[test]
    fn a_job_that_cannot_be_packed_was_not_accepted() {
        let growing = Pool::<usize, _, Growing<_, ScriptedMutex>>::growing(ScriptedHost::new(), 1, 0);
        is_as_if_it_had_been_handed_back(&growing);
        is_as_if_it_had_been_handed_back(&Pool::<usize, _, Fixed<usize, 4, 1, 1>>::fixed(ScriptedHost::new()));
        let account = growing.account();
        assert_eq!((account.accepted, account.done, account.handed_back), (1200, 600, 600));
    }
}

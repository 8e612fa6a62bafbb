//! How a job becomes a payload that waits in a lane: inline, in a berth, or in a box.

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr;

use fastthreadpool_core::{Ran, Run};

use crate::engine::Payload;
use crate::engine::pages::{BERTH, Berth};
use crate::engine::worker::Env;

/// A job in a berth, which holds it as long as this is there.
struct Stowed<J> {
    berth: Berth,
    job: PhantomData<J>,
}

impl<J> Stowed<J> {
    fn new(job: J) -> Self {
        assert!(size_of::<J>() <= BERTH && align_of::<J>() <= BERTH);
        let berth = Berth::take();
        // SAFETY: the berth has the room, and its alignment is its size.
        unsafe { berth.as_ptr().cast::<J>().write(job) };
        Self { berth, job: PhantomData }
    }

    #[inline(always)]
    fn into_job(self) -> J {
        let this = ManuallyDrop::new(self);
        // SAFETY: `new` has put it there. It is out now, and nobody looks at the rest of `this` any more, which is the berth.
        unsafe {
            let job = this.berth.as_ptr().cast::<J>().read();
            drop(ptr::read(&raw const this.berth));
            job
        }
    }
}

impl<J> Drop for Stowed<J> {
    fn drop(&mut self) {
        // SAFETY: it is there as long as this.
        unsafe { self.berth.as_ptr().cast::<J>().drop_in_place() };
    }
}

impl<J: Run<Env>> Run<Env> for Stowed<J> {
    #[inline(always)]
    fn run(self, env: &mut Env) -> Ran<Self> {
        match self.into_job().run(env) {
            Ran::Over(end) => Ran::Over(end),
            Ran::Again(job, end) => Ran::Again(Self::new(job), end),
            Ran::Back(job) => Ran::Back(Self::new(job)),
        }
    }

    fn name(&self) -> &'static str {
        // SAFETY: it is there as long as this.
        unsafe { self.berth.as_ptr().cast::<J>().as_ref() }.name()
    }
}

/// Whether a job is too large for a payload, and not for a berth.
struct Fit<J>(PhantomData<J>);

impl<J> Fit<J> {
    const STOWED: bool = !Payload::holds::<J>() && size_of::<J>() <= BERTH && align_of::<J>() <= BERTH;
}

/// Makes a payload of a job.
///
/// # Safety
///
/// As of [`Task::new_unbounded`](fastthreadpool_core::Task::new_unbounded).
#[inline(always)]
pub(crate) unsafe fn stow<J: Run<Env> + Send>(job: J) -> Payload {
    if const { Fit::<J>::STOWED } {
        // SAFETY: the caller's promise.
        unsafe { Payload::new_unbounded(Stowed::new(job)) }
    } else {
        // SAFETY: the same.
        unsafe { Payload::new_unbounded(job) }
    }
}

/// The job again.
///
/// # Safety
///
/// The payload was made by [`stow`] of a job of this type, and is not spent.
pub(crate) unsafe fn unstow<J: Run<Env>>(payload: Payload) -> J {
    if const { Fit::<J>::STOWED } {
        // SAFETY: the caller's promise.
        unsafe { payload.into_job::<Stowed<J>>() }.into_job()
    } else {
        // SAFETY: the same.
        unsafe { payload.into_job() }
    }
}

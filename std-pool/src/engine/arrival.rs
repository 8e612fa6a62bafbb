//! A job on its way in, what it is made, and how it comes back. Where the way is long it goes without its type: a submit is compiled for
//! each function that is submitted, and what is not the function's own would be compiled, and lie in the program, as often.
//!
//! | a job is | until |
//! |---|---|
//! | an [`Arrival`] | it has what will hold it: a turn of its group's, or nothing |
//! | a [`Submission`], which runs | it is made a payload: [`Made`] |

use std::mem::MaybeUninit;
use std::ptr;

use fastthreadpool_core::{JobId, Pack, Run};

use crate::engine::Payload;
use crate::engine::stow::{stow, unstow};
use crate::engine::submit_error::SubmitError;
use crate::engine::worker::Env;

/// What a submit is made of; a refused one gives the user's function back.
pub(crate) trait Submission: Run<Env> + Send + 'static {
    type Function;
    fn into_function(self) -> Self::Function;
}

/// A job that becomes a payload in its slot.
pub(crate) struct Packed<J>(pub(crate) J);

impl<J: Submission> Pack<Payload> for Packed<J> {
    #[inline(always)]
    fn pack(self) -> Payload {
        // SAFETY: `'static`: nothing that the job borrows can end before the payload.
        unsafe { stow(self.0) }
    }

    unsafe fn unpack(payload: Payload) -> Self {
        // SAFETY: by the contract of the trait the payload was made by `pack` of this type.
        Self(unsafe { unstow(payload) })
    }
}

/// A job that comes back as what it was made, if it was made anything yet, and why.
pub(crate) struct Returned {
    pub(super) made: Option<Made>,
    pub(super) why: SubmitError<()>,
}

/// What a job was made.
pub(crate) enum Made {
    /// What waits in a lane: by [`stow`].
    Stowed(Payload),
    /// In a box: most that wait elsewhere may do so for long, and would keep a page.
    Boxed(Payload),
}

impl Returned {
    /// Nothing has been made of it.
    pub(crate) fn as_it_was(why: SubmitError<()>) -> Self {
        Self { made: None, why }
    }

    /// It may not begin where it is, and waits nowhere.
    pub(crate) fn full(payload: Payload) -> Self {
        Self { made: Some(Made::Boxed(payload)), why: SubmitError::Full(()) }
    }

    /// For who has submitted it.
    ///
    /// # Safety
    ///
    /// If anything was made, it was made of a `J`.
    #[cold]
    #[inline(never)]
    unsafe fn to<J: Submission>(self, as_it_was: impl FnOnce() -> J::Function) -> SubmitError<J::Function> {
        let function = match self.made {
            None => as_it_was(),
            // SAFETY: the caller's promise.
            Some(Made::Stowed(payload)) => unsafe { unstow::<J>(payload) }.into_function(),
            // SAFETY: the same.
            Some(Made::Boxed(payload)) => unsafe { payload.into_job::<J>() }.into_function(),
        };
        self.why.map(|()| function)
    }

    /// The same of one that was accepted.
    ///
    /// # Safety
    ///
    /// It was made of a `J`.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn accepted<J: Submission>(self) -> SubmitError<J::Function> {
        // SAFETY: the caller's promise.
        unsafe { self.to::<J>(|| unreachable!("it was made")) }
    }
}

/// Submits a job, as a payload in a box, by a way that gives that back if it does not accept it.
#[inline(always)]
pub(crate) fn submit_boxed<J: Submission>(
    job: J,
    put: impl FnOnce(Payload) -> Result<JobId, Returned>,
) -> Result<JobId, SubmitError<J::Function>> {
    match put(Payload::new(job)) {
        Ok(ref id) => Ok(id.by_words()),
        // SAFETY: it is what was made here.
        Err(back) => Err(unsafe { back.accepted::<J>() }),
    }
}

/// What is to be known of a job that comes.
pub(crate) struct Kind {
    /// What it is called.
    pub(crate) name: &'static str,
    /// It leaves a result in the done queue, for which there has to be room before it begins.
    pub(crate) leaves: bool,
    /// It may wait again when it has begun.
    pub(crate) goes_back: bool,
}

/// What becomes a job by what holds it: a turn of a slot, or nothing.
pub(crate) trait Arrival<H> {
    type Job: Submission;

    fn kind(&self) -> Kind;
    fn into_job(self, hold: H) -> Self::Job;
    fn into_function(self) -> <Self::Job as Submission>::Function;
}

/// The same without its type: what is not the job's own is one for all.
pub(crate) trait Coming<H> {
    /// Asked before that.
    fn kind(&self) -> Kind;

    /// Makes what is to wait, which happens once, where it is to be: [`Made::Stowed`], or `in_box`.
    fn make<'p>(&mut self, hold: H, in_box: bool, place: &'p mut MaybeUninit<Payload>) -> &'p mut Payload;
}

impl<H> dyn Coming<H> + '_ {
    /// The same, in a box.
    pub(crate) fn make_boxed(&mut self, hold: H) -> Payload {
        made(|place| self.make(hold, true, place))
    }
}

/// What is made in a place, which is here.
fn made(make: impl FnOnce(&mut MaybeUninit<Payload>) -> &mut Payload) -> Payload {
    let mut place = MaybeUninit::uninit();
    let at = ptr::from_mut(make(&mut place));
    assert!(ptr::eq(at, place.as_ptr()), "what was made is elsewhere");
    // SAFETY: it was made there, as just seen.
    unsafe { place.assume_init() }
}

/// As long as nothing was made.
impl<H, A: Arrival<H>> Coming<H> for Option<A> {
    fn kind(&self) -> Kind {
        self.as_ref().unwrap_or_else(|| unreachable!("nothing was made")).kind()
    }

    fn make<'p>(&mut self, hold: H, in_box: bool, place: &'p mut MaybeUninit<Payload>) -> &'p mut Payload {
        let job = self.take().unwrap_or_else(|| unreachable!("it is made once")).into_job(hold);
        place.write(if in_box { Payload::new(job) } else { Packed(job).pack() })
    }
}

/// Submits what becomes a job by a way that gives back what it does not accept.
#[inline(always)]
pub(crate) fn submit_arrival<H, A: Arrival<H>>(
    arrival: A,
    put: impl FnOnce(&mut dyn Coming<H>) -> Result<JobId, Returned>,
) -> Result<JobId, SubmitError<<A::Job as Submission>::Function>> {
    let mut arrival = Some(arrival);
    match put(&mut arrival) {
        Ok(ref id) => Ok(id.by_words()),
        Err(back) => {
            let as_it_was = || arrival.take().unwrap_or_else(|| unreachable!("nothing was made")).into_function();
            // SAFETY: what was made, if anything, was made here.
            Err(unsafe { back.to::<A::Job>(as_it_was) })
        }
    }
}

/// A job that becomes a payload in its slot, without its type.
pub(super) enum Unknown<'j, H> {
    Comes(&'j mut dyn Coming<H>, H),
    Made(Payload),
}

impl<H> Pack<Payload> for Unknown<'_, H> {
    fn pack(self) -> Payload {
        made(|place| self.pack_in(place))
    }

    #[inline(always)]
    fn pack_in(self, place: &mut MaybeUninit<Payload>) -> &mut Payload {
        match self {
            Self::Comes(job, hold) => job.make(hold, false, place),
            Self::Made(payload) => place.write(payload),
        }
    }

    unsafe fn unpack(payload: Payload) -> Self {
        Self::Made(payload)
    }
}

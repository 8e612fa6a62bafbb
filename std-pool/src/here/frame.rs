//! Frames: what user code the present thread is inside of, and of which engine.
//!
//! | kind | of | from | until |
//! |---|---|---|---|
//! | `Worker` | a thread of an engine | before its start hook | its last thread-local destructor, where the platform drops what came first last |
//! | `Job` | a job that something else than the worker's loop runs: a join, the thread of a scope | it begins | it ends |
//! | `Member` | the job that runs, if it belongs to a group and its seat does not show that: a note in which cohort | it begins | it ends |
//! | `Callback` | a callback of an outlet | the call | its return |
//! | `Tasks` | the tasks of a scope that its own thread runs, which is inside of nothing of the pool's | it takes the first | it finds none |
//! | `Removal` | what is dropped while jobs are removed, one after the other: the end of the pool may wait for the rest | the first is removed | the last was |
//! | `Guest` | who joins and is no worker | its outermost join | the end of that |
//! | `Fork` | what was taken of somebody else's join: inside of all that this one was inside of when it forked | it begins | it ends |
//!
//! A worker's loop runs a job without a frame of its own: inside it the worker's frame and the mark of the seat say all.
//!
//! # Rules
//!
//! 1. A frame is linked in its own thread only, and unlinked before it is gone: [`Frame::enter`] does both around a call, a
//!    [`Stay`] as long as it lives. So whoever walks the chain, which is the present thread's, meets frames that are there.
//! 2. What a frame refers to by address is only compared, but the engine of a frame that is no callback's: that, and the employer, are
//!    there as long as the frame is linked.
//! 3. While a fork can be taken or runs, the frames that its owner was inside of are linked; of these others read what is written
//!    before the fork was shown and not again before it is over: `kind`, `engine`, `below`, and the seat, which stays during a job.
//! 4. A gate is there as long as it is the thread's, or kept by a frame that is linked.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::ptr::{self, NonNull};

use fastthreadpool_core::{ForkGate, JobId, NO_SEAT};

use crate::sys;

sys::local! {
    static TOP: Top = const { Top { frame: Cell::new(ptr::null()), gate: Cell::new(ptr::from_ref(&NOWHERE)) } };
}

/// Of who is in the middle of no join: open, and nobody shuts it.
static NOWHERE: ForkGate = ForkGate::new();

/// Where the present thread is.
struct Top {
    /// The innermost frame.
    frame: Cell<*const Frame>,
    /// The gate of the join in the middle of which that is, or [`NOWHERE`].
    gate: Cell<*const ForkGate>,
}

/// What a thread's frames ask of the engine whose worker it is.
pub(crate) trait Employer {
    /// The outermost job that runs on this seat.
    fn base_job(&self, seat: usize) -> Option<JobId>;
    /// The address of the slot of its cohort, if it belongs to a group.
    fn base_member(&self, seat: usize) -> Option<NonNull<()>>;
    /// A job on a seat is about to wait: somebody is to stand in. Returns whether it may wait; false if nobody would be left who
    /// could end the wait.
    fn block(&self) -> bool;
    /// The wait is over.
    fn unblock(&self);
    /// Calls `wait`, in which this thread waits: if nobody else could stand in, it does so itself.
    fn attend(&self, wait: &mut dyn FnMut());
}

/// An address, to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address(*const ());

// SAFETY: it is compared; who makes a reference of it says why that may be.
unsafe impl Send for Address {}
// SAFETY: the same.
unsafe impl Sync for Address {}

impl Address {
    pub(crate) const NONE: Self = Self(ptr::null());

    pub(crate) fn of<T: ?Sized>(thing: &T) -> Self {
        Self(ptr::from_ref(thing).cast())
    }

    /// To shut gates in its name.
    #[inline(always)]
    pub(crate) fn number(self) -> usize {
        self.0.addr()
    }

    /// What is there, for who knows that it is, and what it is.
    pub(crate) const fn get<T>(self) -> *const T {
        self.0.cast()
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// With the number of its thread; 0 for one that is not the pool's.
    Worker(NonNull<dyn Employer>, usize),
    /// With its id.
    Job(JobId),
    /// With the address of its cohort's slot.
    Member(NonNull<()>),
    /// The same of one that repeats.
    Recurring(NonNull<()>),
    /// With the address of the outlet.
    Callback(Address),
    Tasks,
    Removal,
    Guest,
    /// With the frame that its owner was inside of.
    Fork(*const Frame),
}

/// One frame of the chain.
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    /// Whose.
    pub(crate) engine: Address,
    /// Where its jobs submit from; [`NO_SEAT`] if that is no worker.
    seat: Cell<usize>,
    /// Of a worker: somebody stands in for it.
    is_blocked: Cell<bool>,
    /// Of a worker: as many errands as had been given when it last looked for one.
    errands: Cell<u64>,
    below: Cell<*const Frame>,
    /// As what is below was when this came: in this one nobody is in the middle of that join.
    gate_below: Cell<*const ForkGate>,
}

impl Frame {
    pub(crate) fn new(kind: Kind, engine: Address, seat: usize) -> Self {
        let below = Cell::new(ptr::null());
        Self {
            kind,
            engine,
            seat: Cell::new(seat),
            is_blocked: Cell::new(false),
            errands: Cell::new(NO_ERRANDS),
            below,
            gate_below: Cell::new(ptr::from_ref(&NOWHERE)),
        }
    }

    /// Runs `f` inside this frame.
    #[inline]
    pub(crate) fn enter<R>(self, f: impl FnOnce(&Self) -> R) -> R {
        let _link = Link::new(&self);
        f(&self)
    }

    /// Runs `f` inside this frame, or in none.
    #[inline]
    pub(crate) fn enter_some<R>(frame: Option<&Self>, f: impl FnOnce() -> R) -> R {
        let _link = frame.map(Link::new);
        f()
    }

    #[inline(always)]
    pub(super) fn is_on_seat(&self) -> bool {
        self.seat.get() != OUTSIDE
    }

    /// [`OUTSIDE`] if it is on none.
    #[inline(always)]
    pub(super) fn seat(&self) -> usize {
        self.seat.get()
    }

    /// Of a worker: the outermost job that it runs.
    pub(crate) fn base_job(&self) -> Option<JobId> {
        let Kind::Worker(employer, _) = self.kind else { return None };
        // SAFETY: rule 2.
        if self.is_on_seat() { unsafe { employer.as_ref() }.base_job(self.seat.get()) } else { None }
    }

    /// Of a worker: the slot of that, if it belongs to a group.
    pub(crate) fn base_member(&self) -> Option<NonNull<()>> {
        let Kind::Worker(employer, _) = self.kind else { return None };
        // SAFETY: rule 2.
        if self.is_on_seat() { unsafe { employer.as_ref() }.base_member(self.seat.get()) } else { None }
    }

    /// The worker has a seat now, or none any more.
    pub(crate) fn set_seat(&self, seat: usize) {
        self.seat.set(seat);
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.is_blocked.get()
    }

    /// Somebody stands in for this worker, or does not any more.
    pub(crate) fn set_blocked(&self, blocked: bool) {
        self.is_blocked.set(blocked);
    }

    /// The worker is one that does errands, from this one on.
    pub(crate) fn set_errands(&self, errands: u64) {
        self.errands.set(errands);
    }

    pub(crate) fn errands(&self) -> &Cell<u64> {
        &self.errands
    }

    /// The desk of the seat on which something of an engine runs here.
    pub(crate) fn seat_of(&self, engine: Address) -> Option<usize> {
        (self.engine == engine && self.is_on_seat()).then(|| self.seat.get())
    }

    pub(super) fn below(&self) -> Option<&Self> {
        // SAFETY: rule 1: what is below was linked before this one, and is unlinked after it.
        unsafe { self.below.get().as_ref() }
    }
}

/// A frame is in the chain.
struct Link(*const Frame);

impl Link {
    #[inline]
    fn new(frame: &Frame) -> Self {
        TOP.with(|top| {
            frame.below.set(top.frame.replace(frame));
            frame.gate_below.set(top.gate.replace(ptr::from_ref(&NOWHERE)));
        });
        Self(frame)
    }
}

impl Drop for Link {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: rule 1: the frame is there as long as the link.
        let frame = unsafe { &*self.0 };
        TOP.with(|top| {
            top.frame.set(frame.below.get());
            top.gate.set(frame.gate_below.get());
        });
    }
}

/// A frame that stays for the rest of its thread.
pub(crate) struct Stay {
    // Before the frame: fields are dropped in order.
    _link: Link,
    frame: Box<Frame>,
}

impl Stay {
    pub(crate) fn new(frame: Frame) -> Self {
        let frame = Box::new(frame);
        Self { _link: Link::new(&frame), frame }
    }

    pub(crate) fn frame(&self) -> &Frame {
        &self.frame
    }
}

/// The present thread, among those that live.
#[inline]
pub(crate) fn thread() -> Address {
    TOP.with(Address::of)
}

#[inline(always)]
pub(super) fn top<R>(f: impl FnOnce(Option<&Frame>) -> R) -> R {
    TOP.with(|top| {
        // SAFETY: rule 1.
        f(unsafe { top.frame.get().as_ref() })
    })
}

/// Visits the frames, the innermost first.
pub(crate) fn walk<B>(mut visit: impl FnMut(&Frame) -> ControlFlow<B>) -> Option<B> {
    top(|mut frame| {
        while let Some(present) = frame {
            if let ControlFlow::Break(result) = visit(present) {
                return Some(result);
            }
            frame = present.below();
        }
        None
    })
}

/// Visits the frames, the innermost first, and with a fork those that its owner was inside of. Some may be met twice.
pub(crate) fn walk_all<B>(mut visit: impl FnMut(&Frame) -> ControlFlow<B>) -> Option<B> {
    fn from<B>(frame: Option<&Frame>, visit: &mut dyn FnMut(&Frame) -> ControlFlow<B>) -> Option<B> {
        let mut frame = frame;
        while let Some(present) = frame {
            if let ControlFlow::Break(result) = visit(present) {
                return Some(result);
            }
            if let Kind::Fork(owner) = present.kind {
                // SAFETY: rule 3: the fork is not over.
                if let Some(result) = from(Some(unsafe { &*owner }), visit) {
                    return Some(result);
                }
            }
            frame = present.below();
        }
        None
    }
    top(|frame| from(frame, &mut visit))
}

/// Calls `f` with the innermost frame.
pub(crate) fn with_top<R>(f: impl FnOnce(Option<&Frame>) -> R) -> R {
    top(f)
}

/// Calls `f` with the errands that the present thread has done for an engine, if it is a worker of it.
pub(crate) fn with_errands(engine: Address, f: impl FnOnce(&Cell<u64>)) {
    let mut f = Some(f);
    walk(|frame| {
        if !(frame.engine == engine && matches!(frame.kind, Kind::Worker(..))) {
            return ControlFlow::Continue(());
        }
        f.take().into_iter().for_each(|f| f(&frame.errands));
        ControlFlow::Break(())
    });
}

/// Calls `f` with the gate of the join in the middle of which the present thread is; an open one if it is in none, or in a frame
/// that came since.
// A join inside of a join is little more than this and two calls.
#[inline(always)]
pub(super) fn gate<R>(f: impl FnOnce(&ForkGate) -> R) -> R {
    // What models share that run at the same time is none of theirs.
    if cfg!(shuttle) && !joins() {
        return f(&ForkGate::new());
    }
    // SAFETY: rule 4.
    TOP.with(|top| f(unsafe { &*top.gate.get() }))
}

/// Whether it is in the middle of one.
pub(super) fn joins() -> bool {
    TOP.with(|top| top.gate.get() != ptr::from_ref(&NOWHERE))
}

/// Now it is in the middle of the join of this gate. Returns the one before, to be set again before this one is gone.
pub(super) fn set_gate(gate: *const ForkGate) -> *const ForkGate {
    TOP.with(|top| top.gate.replace(gate))
}

/// More errands than there are: for who does none.
pub(crate) const NO_ERRANDS: u64 = u64::MAX;

/// No seat: for frames of those who are no workers.
pub(crate) const OUTSIDE: usize = NO_SEAT;

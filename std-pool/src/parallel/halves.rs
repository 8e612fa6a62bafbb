//! The two halves of a join: one after the other, or the second shown to others while the first runs.
//!
//! # Why borrowing is sound
//!
//! What is forked lies on the stack of its join, which does not return, by value or by panic, before it has taken that back or seen
//! that it is done.

use std::cell::UnsafeCell;
use std::mem;
use std::panic::resume_unwind;
use std::ptr::NonNull;

use fastthreadpool_core::{Desk, Fork, Put};

use crate::engine::Engine;
use crate::engine::host;
use crate::here::blocking;
use crate::here::call::{Panic, Stays, catch, drop_quietly};
use crate::here::frame::{Frame, Kind, OUTSIDE};
use crate::here::place::{AtPlace, Place};
use crate::sync::time::{Deadline, park};
use crate::sys::thread;

/// Looks at a fork that is elsewhere between two pauses that may let other threads run.
const LOOKS: u32 = if cfg!(shuttle) { 1 } else { 64 };

/// Runs both here.
#[inline(always)]
pub(super) fn both<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
where
    A: FnOnce() -> RA,
    B: FnOnce() -> RB,
{
    if !mem::needs_drop::<B>() {
        return (a(), b());
    }
    let mut second = Second(Some(b));
    let ra = a();
    let Some(b) = second.0.take() else { unreachable!("it is run once") };
    (ra, b())
}

/// The second half while the first runs. Dropped with it: that one has panicked.
struct Second<B>(Option<B>);

impl<B> Drop for Second<B> {
    #[inline]
    fn drop(&mut self) {
        if let Some(function) = self.0.take() {
            // A second panic would end the program.
            drop_quietly(function);
        }
    }
}

/// The second half of a join, for whoever takes it.
#[repr(C)]
struct Branch<'j, B, RB> {
    // First, so that its address is that of the branch.
    fork: Fork,
    engine: &'j Engine,
    /// What its owner was inside of.
    frame: *const Frame,
    function: UnsafeCell<Option<B>>,
    result: UnsafeCell<Option<Result<RB, Panic>>>,
}

impl<B: FnOnce() -> RB + Send, RB: Send> Branch<'_, B, RB> {
    /// Runs the function as the owner of a desk who has taken the fork.
    ///
    /// # Safety
    ///
    /// The fork is that of a branch of this type, was taken, and this is called once.
    unsafe fn run(fork: NonNull<Fork>, number: usize) {
        // SAFETY: the branch is there until the fork is done, which is said after this.
        let this = unsafe { fork.cast::<Self>().as_ref() };
        // SAFETY: nobody else touches the function of a fork that was taken.
        let Some(function) = (unsafe { (*this.function.get()).take() }) else { return };
        let engine = this.engine;
        let seat = if number < engine.core.seats_at_most() { number } else { OUTSIDE };
        let result = Frame::new(Kind::Fork(this.frame), engine.address(), seat).enter(|frame| {
            let _at = engine.core.desk(number).map(|desk| AtPlace::new(frame, desk, number));
            catch(function)
        });
        // SAFETY: the owner looks at it when the fork is done.
        unsafe { *this.result.get() = Some(result) };
    }
}

/// A fork that is shown. Dropped: the first half has panicked; the second is ended before that goes on.
struct Shown<'j, B: FnOnce() -> RB + Send, RB: Send> {
    branch: &'j Branch<'j, B, RB>,
    number: usize,
    desk: &'j Desk,
    put: Put,
}

impl<B: FnOnce() -> RB + Send, RB: Send> Shown<'_, B, RB> {
    /// Takes the function back, or waits for its result.
    #[inline]
    fn end(&self) -> Result<Option<B>, Option<Result<RB, Panic>>> {
        if self.desk.pop(self.put) {
            // SAFETY: nobody has taken it, nor can anybody any more.
            Ok(unsafe { (*self.branch.function.get()).take() })
        } else {
            wait(self.branch.engine, self.number, &self.branch.fork);
            // SAFETY: it is done, so nobody else looks at it.
            Err(unsafe { (*self.branch.result.get()).take() })
        }
    }
}

impl<B: FnOnce() -> RB + Send, RB: Send> Drop for Shown<'_, B, RB> {
    #[cold]
    fn drop(&mut self) {
        // A second panic would end the program.
        match self.end() {
            Ok(function) => drop_quietly(function),
            Err(result) => drop_quietly(result),
        }
    }
}

/// Shows the second, runs the first, and takes the second back or waits for who has it.
#[inline(never)]
pub(super) fn fork<A, B, RA, RB>(desk: &Desk, a: A, b: B) -> (RA, RB)
where
    A: FnOnce() -> RA,
    B: FnOnce() -> RB + Send,
    RB: Send,
{
    let place = Place::get();
    if !desk.has_room(place.engine.number()) {
        return both(a, b);
    }
    // SAFETY: rule 1 of places.
    let engine = unsafe { &*place.engine.get::<Engine>() };
    let number = place.number;
    let branch = Branch {
        fork: Fork::new(number, desk.is_eager(), Branch::<B, RB>::run),
        engine,
        frame: place.frame,
        function: UnsafeCell::new(Some(b)),
        result: UnsafeCell::new(None),
    };
    // SAFETY: `Shown` takes it back or waits until it is done, whatever happens; the desk is this thread's.
    let (put, duty) = unsafe { engine.core.show_fork(desk, NonNull::from(&branch).cast()) };
    let shown = Shown { branch: &branch, number, desk, put };
    engine.perform_or_leave(duty);
    let ra = a();
    let ended = shown.end();
    mem::forget(shown);
    let rb = match ended {
        Ok(Some(b)) => b(),
        Err(Some(Ok(rb))) => rb,
        Err(Some(Err(panic))) => resume_unwind(panic.into_payload()),
        Ok(None) | Err(None) => unreachable!("it is run once"),
    };
    (ra, rb)
}

/// Waits until a fork is done that somebody else has, and helps with what was forked inside of it.
#[cold]
#[inline(never)]
fn wait(engine: &Engine, number: usize, fork: &Fork) {
    let stays = Stays;
    let mut round = 0;
    while !fork.is_done() {
        if let Some(taken) = engine.core.help_thief(fork) {
            engine.perform_or_leave(engine.core.run_fork(number, taken));
            round = 0;
            continue;
        }
        if (0..LOOKS).any(|_| (std::hint::spin_loop(), fork.is_done()).1) || host::relax(round) {
            round += 1;
            continue;
        }
        if fork.may_park() {
            // Without a stand-in it waits all the same: somebody is at it.
            blocking::anyway(|| {
                while !fork.is_done() {
                    park(Deadline::NEVER);
                }
            });
        } else {
            // Taken, and not begun: its thief wants to run.
            thread::yield_now();
        }
    }
    mem::forget(stays);
}

//! Joins: two functions, of which the second may be run by somebody else meanwhile.
//!
//! The protocol is the core's ([`Fork`], [`Desk`]). Here it gets closures, panics, and who waits.
//!
//! | a join that is | does |
//! |---|---|
//! | the outermost of a job, or of who is none | takes a desk: that of the worker's seat, or a guest's; without one it runs both |
//! | inside of another, the gate shut | runs both: one load, two calls |
//! | inside of another, the gate open | shows the second, runs the first, takes the second back or waits for who has it |
//!
//! # What is not worth a wake-up
//!
//! An outermost join that was over within [`SHORT`] the last times shows nothing at first: it runs its first half, and looks at the
//! clock. If that was long for once, it forks in the second half. What it has cost is remembered for its place in the program, and
//! a long one is not forgotten soon: so the loss is a first half alone, once in a while. One that takes [`LONG`] calls for many workers
//! at once.
//!
//! # Why borrowing is sound
//!
//! What is forked lies on the stack of its join, which does not return, by value or by panic, before it has taken that back or seen
//! that it is done.

use std::cell::UnsafeCell;
use std::mem;
use std::panic::resume_unwind;
use std::ptr::NonNull;

use fastthreadpool_core::{Desk, Fork, Put, Tick};

use crate::engine::Engine;
use crate::engine::host;
use crate::here::blocking;
use crate::here::call::{Panic, Stays, catch, drop_quietly};
use crate::here::frame::{self, Frame, Kind, OUTSIDE};
use crate::here::inside;
use crate::here::place::{self, AtPlace, Place};
use crate::sync::time::{Deadline, park};
use crate::sys::{self, thread};

/// A join that is over within this many nanoseconds is not worth a wake-up, which costs half of it and comes as late.
const SHORT: u64 = 10_000;

/// One that takes less is tried alone now and then.
const BRIEF: u64 = 100_000;

/// So much is kept in mind of a longer one when others were shorter since: some ten of these, and it is a short one.
const KEPT: u64 = 134_000;

/// One that takes more is worth as many wake-ups at the same time as there are workers: sixteen that get up one after the other, by a
/// wake-up of 10 to 20 us each, take a quarter of it. One of 50 us takes ten times as long that way on 63 simulated cores.
const LONG: u64 = 1_000_000;

/// Looks at a fork that is elsewhere between two pauses that may let other threads run.
const LOOKS: u32 = if cfg!(shuttle) { 1 } else { 64 };

/// Runs both, the second perhaps elsewhere.
#[inline(always)]
pub(crate) fn join<A, B, RA, RB>(engine: &Engine, a: A, b: B) -> (RA, RB)
where
    A: FnOnce() -> RA,
    B: FnOnce() -> RB + Send,
    RB: Send,
{
    if place::is_shut(Some(engine.address())) {
        return both(a, b);
    }
    // SAFETY: until this returns.
    match unsafe { place::desk(Some(engine.address())) } {
        Some(desk) => fork(desk, a, b),
        None => outermost(engine, a, b),
    }
}

/// Runs two functions and returns what they return, as [`Group::join`](crate::Group::join) of the pool whose job calls this. Outside
/// of all jobs, and in a callback, it only calls one after the other.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use fastthreadpool::Pool;
/// fn fib(n: u64) -> u64 {
///     if n < 2 {
///         return n;
///     }
///     let (a, b) = fastthreadpool::join(|| fib(n - 1), || fib(n - 2));
///     a + b
/// }
/// let pool: Pool = Pool::new()?;
/// assert_eq!(pool.run(|| fib(20)), 6765);
/// # Ok(()) }
/// ```
///
/// # Panics
///
/// As [`Group::join`](crate::Group::join).
#[inline]
pub fn join_here<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
where
    A: FnOnce() -> RA,
    B: FnOnce() -> RB + Send,
    RB: Send,
{
    if place::is_shut(None) {
        return both(a, b);
    }
    // SAFETY: until this returns.
    match unsafe { place::desk(None) } {
        Some(desk) => fork(desk, a, b),
        None => match inside::engine() {
            // SAFETY: rule 2 of frames: it is inside of something of that engine.
            Some(engine) => outermost(unsafe { &*engine.get::<Engine>() }, a, b),
            None => both(a, b),
        },
    }
}

/// Runs both here.
#[inline(always)]
fn both<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
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

/// A guest's desk, until dropped.
struct Guest<'e> {
    engine: &'e Engine,
    number: usize,
}

impl<'e> Guest<'e> {
    fn new(engine: &'e Engine) -> Option<Self> {
        let number = engine.core.take_guest()?;
        engine.sit(number, thread::current());
        Some(Self { engine, number })
    }
}

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        self.engine.stand_up(self.number);
        self.engine.core.leave_guest(self.number);
    }
}

/// The outermost join of a job, or of who is none.
#[cold]
#[inline(never)]
fn outermost<A, B, RA, RB>(engine: &Engine, a: A, b: B) -> (RA, RB)
where
    A: FnOnce() -> RA,
    B: FnOnce() -> RB + Send,
    RB: Send,
{
    if engine.is_elsewhere() {
        return both(a, b);
    }
    let code = (outermost::<A, B, RA, RB> as fn(&Engine, A, B) -> (RA, RB) as *const ()).addr();
    let on_seat = |frame: Option<&Frame>, a: A, b: B| -> Result<(RA, RB), (A, B)> {
        let seated = frame.and_then(|frame| Some((frame, frame.seat_of(engine.address())?)));
        let Some((frame, seat)) = seated else { return Err((a, b)) };
        let Some(desk) = engine.core.desk(seat) else { return Err((a, b)) };
        Ok(begin(engine, &AtPlace::new(frame, desk, seat), code, a, b))
    };
    let (a, b) = match frame::with_top(|frame| on_seat(frame, a, b)) {
        Ok(result) => return result,
        Err(functions) => functions,
    };
    let Some(guest) = Guest::new(engine) else { return both(a, b) };
    let Some(desk) = engine.core.desk(guest.number) else { return both(a, b) };
    Frame::new(Kind::Guest, engine.address(), OUTSIDE)
        .enter(|frame| begin(engine, &AtPlace::new(frame, desk, guest.number), code, a, b))
}

/// Forks, unless it is known that this is not worth it; and remembers what it was worth.
fn begin<A, B, RA, RB>(engine: &Engine, at: &AtPlace<'_>, code: usize, a: A, b: B) -> (RA, RB)
where
    A: FnOnce() -> RA,
    B: FnOnce() -> RB + Send,
    RB: Send,
{
    let habit = engine.habits.of(code);
    let cost = habit.map_or(u64::MAX, |habit| habit.per_item);
    // Others make a short one longer. So now and then one that is not far from short is tried alone.
    let is_alone = cost < SHORT || cost < BRIEF && habit.is_some_and(|habit| habit.is_due);
    at.desk.set_eager(habit.is_some() && cost >= LONG);
    let began = sys::now();
    let result = if is_alone {
        both(|| at.quietly(true, a), || at.quietly(since(began) <= SHORT, b))
    } else {
        fork(at.desk, a, b)
    };
    // A long one is not forgotten for one that was shorter with others.
    let kept = cost.min(KEPT);
    let faded = if is_alone { 0 } else { habit.map_or(0, |_| kept - kept / 4) };
    engine.habits.note(code, since(began).max(faded), true);
    result
}

fn since(began: Tick) -> u64 {
    sys::now().since(began)
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

#[inline(never)]
fn fork<A, B, RA, RB>(desk: &Desk, a: A, b: B) -> (RA, RB)
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

#[cfg(all(test, not(shuttle)))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Pool;

    #[test]
    fn what_took_long_the_last_time_calls_for_many_at_once() {
        let pool: Pool = Pool::builder().threads(1).build().unwrap();
        let is_eager = |takes: Duration| {
            let first = || {
                std::thread::sleep(takes);
                // SAFETY: until this returns.
                unsafe { place::desk(None) }.is_some_and(Desk::is_eager)
            };
            pool.join(first, || ()).0
        };
        assert!(!is_eager(Duration::from_nanos(2 * LONG)), "nothing is known of it");
        assert!(is_eager(Duration::ZERO));
    }
}

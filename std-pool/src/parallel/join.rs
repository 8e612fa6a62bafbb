//! Joins: two functions, of which the second may be run by somebody else meanwhile.
//!
//! The protocol is the core's (`Fork`, `Desk`). Here it gets closures, panics, and who waits.
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

use fastthreadpool_core::Tick;

use crate::engine::Engine;
use crate::here::frame::{self, Frame, Kind, OUTSIDE};
use crate::here::inside;
use crate::here::place::{self, AtPlace};
use crate::parallel::halves::{both, fork};
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
    let code = code_of(&a, &b);
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

/// Where habits are kept of joins of these two functions.
fn code_of<A, B, RA, RB>(_: &A, _: &B) -> usize
where
    A: FnOnce() -> RA,
    B: FnOnce() -> RB + Send,
    RB: Send,
{
    (outermost::<A, B, RA, RB> as fn(&Engine, A, B) -> (RA, RB) as *const ()).addr()
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

#[cfg(all(test, not(shuttle)))]
mod tests {
    use fastthreadpool_core::Desk;

    use super::*;
    use crate::Pool;

    #[test]
    fn what_took_long_the_last_time_calls_for_many_at_once() {
        let pool: Pool = Pool::builder().threads(1).build().unwrap();
        // SAFETY: until this returns.
        let is_eager = || unsafe { place::desk(None) }.is_some_and(Desk::is_eager);
        let second = || ();
        assert!(!pool.join(is_eager, second).0, "nothing is known of it");
        for (took, calls) in [(LONG - 1, false), (LONG, true)] {
            pool.engine.habits.note(code_of(&is_eager, &second), took, true);
            assert_eq!(pool.join(is_eager, second).0, calls, "{took} ns");
        }
    }
}

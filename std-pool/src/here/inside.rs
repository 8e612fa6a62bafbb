//! What the present thread is inside of: the questions that are asked of its [frames](super::frame).

use std::ops::ControlFlow;
use std::ptr::NonNull;

use crate::here::frame::{Address, Frame, Kind, OUTSIDE, top, walk, walk_all};

/// The engine of what runs here; `None` if nothing does that is of an engine, or a callback.
pub(crate) fn engine() -> Option<Address> {
    top(|frame| frame.filter(|frame| !matches!(frame.kind, Kind::Callback(_))).map(|frame| frame.engine))
}

/// The seat on which what the present thread is inside of runs for an engine; [`OUTSIDE`] if that is on none; `None` if it is inside
/// of nothing of it. A hook is no job.
#[inline(always)]
pub(crate) fn seat_in(engine: Address) -> Option<usize> {
    seat_where(engine, is_job_or_like_one)
}

/// The same of jobs that the engine has taken, from which others are submitted to it as long as it has not ended: it does not before
/// they have. What it refused, and is called here instead, is none of them, nor what a scope's own thread runs of its tasks.
#[inline(always)]
pub(crate) fn source_in(engine: Address) -> Option<usize> {
    seat_where(engine, is_taken_job)
}

/// Of what is on a seat, or `counts`.
#[inline(always)]
fn seat_where(engine: Address, counts: fn(&Kind) -> bool) -> Option<usize> {
    top(|frame| match frame {
        None => None,
        Some(frame) if frame.engine == engine && frame.is_on_seat() => Some(frame.seat()),
        Some(_) => seat_below(engine, counts),
    })
}

/// Of a frame that is on no seat.
fn is_job_or_like_one(kind: &Kind) -> bool {
    is_taken_job(kind) || matches!(kind, Kind::Member(_) | Kind::Recurring(_) | Kind::Tasks)
}

/// The same. One of a group has a frame of its own below that of its cohort.
fn is_taken_job(kind: &Kind) -> bool {
    matches!(kind, Kind::Job(_))
}

#[cold]
#[inline(never)]
fn seat_below(engine: Address, counts: fn(&Kind) -> bool) -> Option<usize> {
    let is_job = |frame: &Frame| frame.engine == engine && (frame.is_on_seat() || counts(&frame.kind));
    let own = walk(|frame| if is_job(frame) { ControlFlow::Break(frame.seat()) } else { ControlFlow::Continue(()) });
    // What a guest helps with may have been forked by a job.
    let anybody_s =
        || walk_all(|frame| if is_job(frame) { ControlFlow::Break(OUTSIDE) } else { ControlFlow::Continue(()) });
    own.or_else(anybody_s)
}

/// The slot of the innermost job that belongs to a group, if that job is the one that runs.
#[inline]
pub(crate) fn member() -> Option<NonNull<()>> {
    top(|frame| {
        let mut frame = frame?;
        loop {
            return match frame.kind {
                Kind::Member(slot) | Kind::Recurring(slot) => Some(slot),
                Kind::Worker(..) => frame.base_member(),
                Kind::Fork(owner) => {
                    // SAFETY: rule 3: the fork is not over.
                    frame = unsafe { &*owner };
                    continue;
                }
                Kind::Guest | Kind::Tasks | Kind::Removal => {
                    frame = frame.below()?;
                    continue;
                }
                Kind::Job(_) | Kind::Callback(_) => None,
            };
        }
    })
}

/// Whether the present thread is a worker's of an engine, or inside of a job of it, or of something else that its end waits for.
pub(crate) fn is_in(engine: Address) -> bool {
    walk_all(|frame| {
        let is_it = frame.engine == engine && !matches!(frame.kind, Kind::Callback(_) | Kind::Guest);
        if is_it { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .is_some()
}

/// The number of the present thread, if it is one of an engine's own.
pub(crate) fn thread_number(engine: Address) -> Option<usize> {
    walk(|frame| match frame.kind {
        Kind::Worker(_, number) if frame.engine == engine => ControlFlow::Break(number),
        _ => ControlFlow::Continue(()),
    })
    .filter(|number| *number > 0)
}

/// Whether the present thread is inside of anything of any engine.
pub(crate) fn is_in_any() -> bool {
    top(|frame| frame.is_some())
}

/// Whether the present thread is inside of a callback of an outlet.
pub(crate) fn is_in_callback_of(outlet: Address) -> bool {
    let is_it = |frame: &Frame| matches!(frame.kind, Kind::Callback(present) if present == outlet);
    walk_all(|frame| if is_it(frame) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }).is_some()
}

//! The way of a job into a group, without the job's type: what it must find there, and what it takes with it.
#![forbid(unsafe_code)]

use std::sync::Arc;

use fastthreadpool_core::{Gated, JobId, Priority};

use crate::engine::arrival::{Coming, Kind, Returned};
use crate::engine::slot::{Slot, Turn};
use crate::engine::submit::To;
use crate::engine::{Engine, Payload};
use crate::groups::admission::{Admitted, Asks, Refusal, Then};
use crate::groups::inner::GroupCore;
use crate::groups::member::{accept, hand_back};
use crate::groups::ways::How;

/// To the end of the queue.
#[inline(never)]
pub(crate) fn append<'g>(
    engine: &Arc<Engine>,
    core: &'g GroupCore,
    job: &mut dyn Coming<Turn<'g>>,
) -> Result<JobId, Returned> {
    let (mut slot, mut gauge) = (core.slot(engine), None);
    if !slot.is_easy() {
        slot = match pass_with_care(engine, core) {
            Ok(Some(slot)) => slot,
            Ok(None) => return submit_by_ways(engine, core, job, (Priority::Normal, None), To::Back, false),
            Err(refusal) => return Err(Returned::as_it_was(refusal.error())),
        };
        gauge = core.policy.gauge.as_ref();
    }
    match engine.append_unknown(job, accept(core, slot)) {
        Ok(id) => {
            if let Some(gauge) = gauge {
                gauge.submitted(id, &|| engine.core.is_waiting(id));
            }
            Ok(id)
        }
        Err((back, turn)) => {
            if let Some(turn) = turn {
                hand_back(core, turn);
            }
            Err(back)
        }
    }
}

/// Wherever it is to go.
#[inline(never)]
pub(crate) fn submit_by_ways<'g>(
    engine: &Arc<Engine>,
    core: &'g GroupCore,
    job: &mut dyn Coming<Turn<'g>>,
    (class, key): (Priority, Option<u64>),
    to: To,
    has_room: bool,
) -> Result<JobId, Returned> {
    let Kind { name, leaves, goes_back } = job.kind();
    let asks = Asks { has_room, is_listed: !goes_back, may_run: true };
    let (Admitted { slot, then }, gated) = match ask(core, engine, &to, asks, leaves) {
        Ok(admitted) => admitted,
        Err(refusal) => return Err(Returned::as_it_was(refusal.error())),
    };
    let payload = job.make_boxed(accept(core, slot));
    enter(core, engine, (payload, name), (class, to, gated, key), then)
}

/// At a gate of its own.
pub(crate) fn submit_gated<'g>(
    engine: &Arc<Engine>,
    core: &'g GroupCore,
    job: &mut dyn Coming<Turn<'g>>,
    how: How,
) -> Result<JobId, Returned> {
    match (core.ways().admit)(core, engine, Asks::LATER) {
        Ok(Admitted { slot, .. }) => {
            let Kind { name, .. } = job.kind();
            let payload = job.make_boxed(accept(core, slot));
            let put = (core.ways().put)(core, engine, payload, how, engine.is_nested());
            let id = engine.come_of(put)?;
            core.tell_accepted(engine, id, name, &To::Back, true);
            Ok(id)
        }
        Err(refusal) => Err(Returned::as_it_was(refusal.error())),
    }
}

/// The slot, if there is something to look for; `None` if something is to follow.
#[cold]
#[inline(never)]
fn pass_with_care<'s>(engine: &Engine, core: &'s GroupCore) -> Result<Option<&'s Slot>, Refusal> {
    if core.is_followed_up() {
        return Ok(None);
    }
    (core.ways().admit)(core, engine, Asks::LATER).map(|admitted| Some(admitted.slot))
}

/// A job wants to go somewhere; `leaves`: a result. What `asks` says is so if it waits for no time. If it may, comes how it is put in.
#[inline(never)]
fn ask<'s>(
    core: &'s GroupCore,
    engine: &Engine,
    to: &To,
    asks: Asks,
    leaves: bool,
) -> Result<(Admitted<'s>, Option<Gated>), Refusal> {
    let is_timed = matches!(to, To::Later(..));
    // There locks are taken before the job comes to the pool's own door.
    if (is_timed || core.is_gated) && engine.is_elsewhere() {
        return Err(Refusal::Forked);
    }
    let asks = if is_timed { Asks { has_room: asks.has_room, ..Asks::LATER } } else { asks };
    let ways = core.ways();
    let admitted = (ways.admit)(core, engine, asks)?;
    let gated = if is_timed || core.is_gated { (ways.gated)(core, engine, is_timed, leaves) } else { None };
    Ok((admitted, gated))
}

/// It has what it wants. Runs it here, if that is what is to follow: one that may not begin is refused.
#[inline(never)]
fn enter(
    core: &GroupCore,
    engine: &Arc<Engine>,
    (payload, name): (Payload, &'static str),
    how: How,
    then: Then,
) -> Result<JobId, Returned> {
    let ways = core.ways();
    let to = how.1;
    let id = engine.come_of((ways.put)(core, engine, payload, how, engine.is_nested()))?;
    match then {
        Then::Run => {
            if let Some(payload) = (ways.run_or_take_back)(engine, id) {
                return Err(Returned::full(payload));
            }
        }
        Then::List => (ways.list)(core, engine, id),
        Then::Nothing => {}
    }
    core.tell_accepted(engine, id, name, &to, core.is_gated);
    Ok(id)
}

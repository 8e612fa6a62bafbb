//! The way of a job into a group, without the job's type: what it must find there, and what it takes with it.
#![forbid(unsafe_code)]

use std::sync::Arc;

use fastthreadpool_core::{Gated, JobId, Priority};

use crate::engine::arrival::{Coming, Kind, Returned};
use crate::engine::slot::{Slot, Turn};
use crate::engine::submit::{Putting, To};
use crate::engine::{Engine, Payload};
use crate::groups::admission::{Admitted, Asks, Refusal, Then};
use crate::groups::inner::GroupCore;
use crate::groups::member::{accept, hand_back};
use crate::sys;

/// The class of a job, where it goes, at which gate, and its key.
pub(crate) type How = (Priority, To, Option<Gated>, Option<u64>);

/// To the end of the queue.
pub(super) fn append<'g>(
    engine: &Arc<Engine>,
    core: &'g GroupCore,
    job: &mut dyn Coming<Turn<'g>>,
) -> Result<JobId, Returned> {
    debug_assert!(engine.config.carries.is_none(), "what is carried is wrapped, by `put`");
    let (mut slot, mut gauge) = (core.slot(engine), None);
    if !slot.is_easy() {
        slot = match pass_with_care(engine, core) {
            Ok(Some(slot)) => slot,
            Ok(None) => return submit(engine, core, job, (Priority::Normal, None), To::Back, false),
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

/// Wherever it is to go, as a job of that class and with that key. `has_room`: it has waited for its room.
pub(super) fn submit<'g>(
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
pub(super) fn submit_gated<'g>(
    engine: &Arc<Engine>,
    core: &'g GroupCore,
    job: &mut dyn Coming<Turn<'g>>,
    how: How,
) -> Result<JobId, Returned> {
    sys::point();
    match core.admit(engine, Asks::LATER) {
        Ok(Admitted { slot, .. }) => {
            let Kind { name, .. } = job.kind();
            let payload = job.make_boxed(accept(core, slot));
            let put = put(core, engine, payload, how, engine.is_nested());
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
    core.admit(engine, Asks::LATER).map(|admitted| Some(admitted.slot))
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
    let admitted = core.admit(engine, asks)?;
    let gated = if is_timed || core.is_gated { core.gated(engine, is_timed, leaves) } else { None };
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
    let to = how.1;
    let id = engine.come_of(put(core, engine, payload, how, engine.is_nested()))?;
    match then {
        Then::Run => {
            if let Some(payload) = engine.run_or_take_back(id) {
                return Err(Returned::full(payload));
            }
        }
        Then::List => core.list(engine, id),
        Then::Nothing => {}
    }
    core.tell_accepted(engine, id, name, &to, core.is_gated);
    Ok(id)
}

/// Puts a job in. `nested`: a job submits it.
fn put(core: &GroupCore, engine: &Engine, job: Payload, how: How, nested: bool) -> Putting {
    engine.put_carrying(core.policy.name, job, |job| put_in(core, engine, job, how, nested))
}

fn put_in(core: &GroupCore, engine: &Engine, job: Payload, how: How, nested: bool) -> Putting {
    match (how, &core.keys) {
        ((class, to, Some(gated), Some(key)), Some(keys)) => {
            // One gate further from the beginning.
            let room = gated.room + u8::from(gated.room > 0);
            keys.with_gate(engine, gated.gate, key, |gate| {
                engine.put_entry(job, class, &to, Some(&Gated { gate, room, passes: false }), nested)
            })
        }
        // It leaves no result, and so needs no room.
        ((Priority::Normal, To::Back, None, _), _) => engine.put_back(job),
        ((class, to, gated, _), _) => engine.put_entry(job, class, &to, gated.as_ref(), nested),
    }
}

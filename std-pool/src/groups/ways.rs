//! What a group needs that the pool's own one does not as long as that is unbounded: reached through here, so that a program
//! without other groups is spared it. Who builds one installs it.
#![forbid(unsafe_code)]

use std::ptr::NonNull;
use std::sync::Arc;

use fastthreadpool_core::{Duty, Gated, JobId, Priority};

use crate::engine::caller::RunOrTakeBack;
use crate::engine::slot::Slot;
use crate::engine::submit::{Putting, To};
use crate::engine::worker::Env;
use crate::engine::{Engine, Payload};
use crate::groups::admission::{Admitted, Asks, Refusal};
use crate::groups::inner::{GroupCore, Inner};
use crate::groups::{failure, member};
use crate::here::frame;
use crate::sys::atomic::Ordering;

pub(crate) struct Ways {
    drop_handle: fn(&GroupCore, &Engine),
    pub(crate) resume: fn(&GroupCore, &Engine) -> Duty,
    pub(crate) lift: fn(&GroupCore, &Engine) -> Duty,
    pub(crate) turn_away: fn(&GroupCore),
    pub(crate) admit: for<'s> fn(&'s GroupCore, &Engine, Asks) -> Result<Admitted<'s>, Refusal>,
    pub(crate) leave_door: fn(&GroupCore),
    pub(crate) run_or_take_back: RunOrTakeBack,
    pub(crate) list: fn(&GroupCore, &Engine, JobId),
    pub(crate) is_buried: fn(&GroupCore) -> bool,
    pub(crate) give_back: fn(&GroupCore, &Engine),
    slot: for<'s> fn(&'s GroupCore, &Engine) -> &'s Slot,
    pub(crate) gated: fn(&GroupCore, &Engine, bool, bool) -> Option<Gated>,
    pub(crate) put: Put,
    pub(crate) leave_nothing: fn(&GroupCore, &Env) -> bool,
    pub(crate) fail: fn(&GroupCore, &Env, &Slot),
}

/// Puts a job in that does not wait in a lane. Knows its class, its key, if that has one, and whether a job submits it.
type Put = fn(&GroupCore, &Engine, Payload, How, bool) -> Putting;
/// Its class, where it goes, at which gate, and its key.
pub(crate) type How = (Priority, To, Option<Gated>, Option<u64>);

pub(crate) static ALL: Ways = Ways {
    drop_handle: GroupCore::drop_handle,
    resume: GroupCore::resume,
    lift: GroupCore::lift,
    turn_away: GroupCore::turn_away,
    admit: GroupCore::admit,
    leave_door: GroupCore::leave_door,
    run_or_take_back: Engine::run_or_take_back,
    list: GroupCore::list,
    is_buried,
    give_back,
    slot: |core, engine| core.cohorts.slot(engine, core),
    gated: GroupCore::gated,
    put,
    leave_nothing: member::leave_nothing,
    fail: failure::fail,
};

/// What bounds of the pool's own group bring with them.
pub(crate) struct Bounds<T> {
    pub(crate) ways: &'static Ways,
    pub(crate) begin: fn(&Arc<Inner<T>>, &Arc<Engine>),
}

impl<T: Send + 'static> Bounds<T> {
    pub(crate) fn new() -> Self {
        Self { ways: &ALL, begin: Inner::begin }
    }
}

impl GroupCore {
    /// It is the pool's own group, and nothing is bounded.
    pub(crate) fn is_plain(&self) -> bool {
        self.ways.is_none()
    }

    #[inline]
    pub(crate) fn ways(&self) -> &'static Ways {
        self.ways.unwrap_or_else(|| unreachable!("a group that is not plain has them"))
    }

    /// The slot for a job that the present thread submits.
    #[inline]
    pub(crate) fn slot(&self, engine: &Engine) -> &Slot {
        match self.cohorts.present() {
            Some(present) if frame::member().is_none() => present,
            _ => (self.ways().slot)(self, engine),
        }
    }

    /// A slot of this group's.
    pub(super) fn take_slot(&self, engine: &Engine, parent: Option<&Slot>) -> NonNull<Slot> {
        let is_careful = self.door.is_some() || self.policy.deadline.is_some() || self.policy.gauge.is_some();
        engine.slots.take(engine, self.owner(), parent, self.policy.is_fail_fast, is_careful)
    }

    pub(crate) fn add_handle(&self) {
        self.handles.fetch_add(1, Ordering::Relaxed);
    }

    /// A handle is gone.
    pub(crate) fn leave_handle(&self, engine: &Engine) {
        if let Some(ways) = self.ways {
            (ways.drop_handle)(self, engine);
        }
    }
}

/// Asked with the parties locked, which is what a job needs that wants a handle: so where nobody has one, and then there are no
/// jobs, nobody will have any.
fn is_buried(core: &GroupCore) -> bool {
    core.is_orphan.load(Ordering::SeqCst) && core.handles.load(Ordering::SeqCst) == 0 && core.cohorts.is_empty()
}

fn give_back(core: &GroupCore, engine: &Engine) {
    core.cohorts.give_back(engine);
    if let Some(keys) = &core.keys {
        keys.close(engine);
    }
    if let Some(gate) = core.gate() {
        engine.core.close_gate(gate);
    }
    if let Some(alarm) = core.alarm.get() {
        engine.cancel_alarm(*alarm);
    }
}

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

//! What a group needs that the pool's own one does not as long as that is unbounded: reached through here, so that a program
//! without other groups is spared it. Who builds one installs it.
#![forbid(unsafe_code)]

use std::ptr::NonNull;
use std::sync::Arc;

use fastthreadpool_core::{Duty, JobId, Priority};

use crate::engine::Engine;
use crate::engine::arrival::{Coming, Returned};
use crate::engine::slot::{Slot, Turn};
use crate::engine::submit::To;
use crate::engine::worker::Env;
use crate::groups::entering::How;
use crate::groups::inner::{GroupCore, Inner};
use crate::groups::{entering, failure, member};
use crate::here::inside;
use crate::sys::atomic::Ordering;

pub(crate) struct Ways {
    drop_handle: fn(&GroupCore, &Engine),
    pub(crate) resume: fn(&GroupCore, &Engine) -> Duty,
    pub(crate) lift: fn(&GroupCore, &Engine) -> Duty,
    pub(crate) turn_away: fn(&GroupCore),
    pub(crate) append: Append,
    pub(crate) submit: Submit,
    pub(crate) submit_gated: SubmitGated,
    pub(crate) leave_door: fn(&GroupCore),
    pub(crate) is_buried: fn(&GroupCore) -> bool,
    pub(crate) give_back: fn(&GroupCore, &Engine),
    slot: for<'s> fn(&'s GroupCore, &Engine) -> &'s Slot,
    pub(crate) leave_nothing: fn(&GroupCore, &Env) -> bool,
    pub(crate) fail: fn(&GroupCore, &Env, &Slot),
}

/// See [`entering::append`].
type Append = for<'g> fn(&Arc<Engine>, &'g GroupCore, &mut dyn Coming<Turn<'g>>) -> Result<JobId, Returned>;
/// See [`entering::submit`].
type Submit = for<'g> fn(
    &Arc<Engine>,
    &'g GroupCore,
    &mut dyn Coming<Turn<'g>>,
    (Priority, Option<u64>),
    To,
    bool,
) -> Result<JobId, Returned>;
/// See [`entering::submit_gated`].
type SubmitGated = for<'g> fn(&Arc<Engine>, &'g GroupCore, &mut dyn Coming<Turn<'g>>, How) -> Result<JobId, Returned>;

pub(crate) static ALL: Ways = Ways {
    drop_handle: GroupCore::drop_handle,
    resume: GroupCore::resume,
    lift: GroupCore::lift,
    turn_away: GroupCore::turn_away,
    append: entering::append,
    submit: entering::submit,
    submit_gated: entering::submit_gated,
    leave_door: GroupCore::leave_door,
    is_buried,
    give_back,
    slot: |core, engine| core.cohorts.slot(engine, core),
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
            Some(present) if inside::member().is_none() => present,
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

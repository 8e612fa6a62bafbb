//! A failure that ends all that a group has: for those that are told to fail fast.
#![forbid(unsafe_code)]

use fastthreadpool_core::Gate;

use crate::engine::Engine;
use crate::engine::slot::Slot;
use crate::engine::worker::Env;
use crate::groups::inner::GroupCore;
use crate::groups::kin::Cohorts;
use crate::here::removed::CancelReason;

/// A turn ends with a failure; that may be the end of others.
#[cold]
pub(super) fn fail(core: &GroupCore, env: &Env, slot: &Slot) {
    if slot.fail() {
        core.fail(&env.engine);
    }
}

impl GroupCore {
    /// A job has failed, and that was the end of its cohort, or of one around it: and so of all that its group has.
    pub(crate) fn fail(&self, engine: &Engine) {
        let mut gates = Vec::new();
        let mut core = self;
        loop {
            if core.policy.is_fail_fast {
                core.cohorts.fail();
                core.turn_away();
                gates.extend(core.gate());
                core.fail_inside(&mut gates);
            }
            match core.cohorts.parent() {
                Some(parent) => core = parent.core(),
                None => break,
            }
        }
        Cohorts::clear_gates(engine, gates, CancelReason::FailFast);
        engine.tell_stopped();
    }

    fn fail_inside(&self, gates: &mut Vec<Gate>) {
        for inside in self.cohorts.inside() {
            inside.core().turn_away();
            gates.extend(inside.core().gate());
            inside.core().fail_inside(gates);
        }
    }
}

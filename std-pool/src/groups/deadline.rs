//! The deadline of a group: an alarm, which is no job and keeps no pool from its end.
#![forbid(unsafe_code)]

use std::sync::{Arc, Weak};

use fastthreadpool_core::{End, Ran, Run, Task, Tick};

use crate::engine::Engine;
use crate::engine::worker::Env;
use crate::groups::kin::Kin;

/// What has not begun by then is removed, and nothing is accepted afterwards.
pub(super) fn set(engine: &Arc<Engine>, kin: &Arc<dyn Kin>, deadline: Tick) {
    let task = Task::new(Expire(Arc::downgrade(kin)));
    if let Ok((id, duty)) = engine.core.set_alarm(task, deadline) {
        let _ = kin.core().alarm.set(id);
        engine.perform_or_leave(duty);
    }
}

struct Expire(Weak<dyn Kin>);

impl Run<Env> for Expire {
    fn run(self, env: &mut Env) -> Ran<Self> {
        if let Some(kin) = self.0.upgrade() {
            kin.core().expire(&env.engine);
        }
        Ran::Over(End::Done)
    }
}

//! What jobs were that are removed, for groups that have asked; reached through here, so that a program in which none does is
//! spared it.
//!
//! A job is asked for its name before it is dropped, and where it lies for what it waited for. A job of a group that asks was
//! submitted after that was said, so who removes it finds it said.
#![forbid(unsafe_code)]

use fastthreadpool_core::{Gate, JobId, Kinds};

use crate::engine::removal::Keep;
use crate::engine::worker::Env;
use crate::engine::{Engine, Payload};
use crate::here::call::drop_quietly;
use crate::here::job::{JobKind, RemovedJob};
use crate::here::removed::{self, CancelReason};

pub(crate) struct Asked {
    /// Drops what was removed.
    pub(super) bury: fn(JobId, JobKind, CancelReason, Payload),
    /// Removes all jobs, and says what they waited for.
    pub(super) remove_all: fn(&Engine, Kinds, &mut Keep<'_>),
    /// The same of those of a gate.
    pub(super) remove_gated: fn(&Engine, Gate, &mut Keep<'_>),
    /// What a job waits for; asked before it is removed.
    pub(super) kind: fn(&Engine, JobId) -> JobKind,
    /// A job does not begin: calls what drops it.
    pub(super) skip: fn(&Env, &'static str, CancelReason, &mut dyn FnMut()),
}

pub(super) static ASKED: Asked = Asked {
    bury: |id, kind, reason, payload| {
        removed::removing(id, reason, || {
            let _was = removed::note(RemovedJob { id, name: payload.name(), kind });
            drop_quietly(payload);
        });
    },
    remove_all: Engine::remove_each,
    remove_gated,
    // What is no entry lies in the queue.
    kind: |engine, id| engine.core.view(id).and_then(|entry| JobKind::of(&entry)).unwrap_or(JobKind::Queued),
    skip: |env, name, reason, bury| {
        let job = RemovedJob { id: env.id(), name, kind: env.kind() };
        removed::removing(job.id, reason, || {
            let _was = removed::note(job);
            bury();
        });
    },
};

fn remove_gated(engine: &Engine, gate: Gate, keep: &mut Keep<'_>) {
    engine.core.expire();
    // In the order of `remove_each`.
    for (kinds, kind) in [
        (Kinds::Gated, JobKind::Gated),
        (Kinds::Ready, JobKind::Queued),
        (Kinds::Arrived, JobKind::Urgent),
        (Kinds::Delayed, JobKind::Delayed),
        (Kinds::Periodic, JobKind::Periodic),
    ] {
        engine.core.cancel_gated_kinds(gate, kinds, |id, payload| keep(id, kind, payload));
    }
}

impl Engine {
    /// Some group wants to know what the jobs were that are removed, from now on.
    pub(crate) fn ask(&self) {
        let _ = self.asked.set(&ASKED);
    }

    /// Whether one does, and how it is told.
    #[inline]
    pub(crate) fn asked(&self) -> Option<&'static Asked> {
        self.asked.get().copied()
    }
}

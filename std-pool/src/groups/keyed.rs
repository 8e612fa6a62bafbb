//! One job at a time for each key, in order: each key has a gate of its own, of one slot, before that of the group.
//!
//! A key is its hash. Two keys with the same one share a gate, which keeps the promise for both and only costs width: so
//! neither is a key kept, nor is a user's code called, with a lock held.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};

use fastthreadpool_core::Gate;

use crate::engine::Engine;
use crate::sys::Mutex;

/// Gates of keys of which nobody has a job are looked for when there are twice as many as there were left the last time.
const FEWEST: usize = if cfg!(shuttle) { 1 } else { 64 };

#[derive(Default)]
struct Gates {
    of: HashMap<u64, Gate>,
    sweep_at: usize,
}

/// The gates of the keys of a group.
#[derive(Default)]
pub(crate) struct Keys {
    gates: Mutex<Gates>,
    hasher: RandomState,
}

impl Keys {
    /// What a key is known by.
    pub(crate) fn hash<K: Hash + ?Sized>(&self, key: &K) -> u64 {
        self.hasher.hash_one(key)
    }

    /// Calls `put_in` with the gate of a key. Under the lock, so that the gate is there until a job names it.
    pub(crate) fn with_gate<R>(&self, engine: &Engine, group: Gate, key: u64, put_in: impl FnOnce(Gate) -> R) -> R {
        let mut gates = self.gates.lock();
        if gates.of.len() >= gates.sweep_at {
            gates.of.retain(|_, gate| !engine.core.close_idle_gate(*gate));
            gates.sweep_at = (2 * gates.of.len()).max(FEWEST);
        }
        let gate = *gates.of.entry(key).or_insert_with(|| {
            let gate = engine.core.open_gate(1, fastthreadpool_core::WITHOUT_END, Some(group));
            gate.unwrap_or_else(|| unreachable!("growing storage has room, and groups are not too deep"))
        });
        put_in(gate)
    }

    /// The group is gone.
    pub(crate) fn close(&self, engine: &Engine) {
        self.gates.lock().of.drain().for_each(|(_, gate)| engine.core.close_gate(gate));
    }
}

//! Parties: the groups of a pool as its engine knows them, and how they are let go of.
//!
//! | a party | is in the list | is counted as an orphan |
//! |---|---|---|
//! | has a handle | yes | no |
//! | has lost its last one, and maybe has one again by a job of its own | yes | yes |
//! | has none, and all its jobs have ended: is buried | no | no |

use std::any::Any;
use std::sync::{Arc, Weak};

use fastthreadpool_core::Duty;

use crate::engine::Engine;
use crate::here::call::drop_quietly;
use crate::sys::Mutex;
use crate::sys::atomic::{AtomicUsize, Ordering};

/// What the engine asks of a group, without its type.
pub(crate) trait Party: Send + Sync {
    /// The engine has no threads: who waits for results works for it.
    fn attend(&self, engine: &Weak<Engine>);
    /// No more results come in this round.
    fn close(&self, round: u64);
    /// A round begins.
    fn open(&self, round: u64);
    /// Takes out the results that nobody has read; to be dropped with no lock held.
    fn take_results(&self) -> Box<dyn Any + Send>;
    /// Ends a pause for good: nobody is left who could.
    fn end_pause(&self, engine: &Engine) -> Duty;
    /// Nobody is left who could read its results: they take no room any more.
    fn lift(&self, engine: &Engine) -> Duty;
    /// Turns away those who wait to submit.
    fn turn_away(&self);
    /// Wakes those who wait for its results.
    fn wake(&self);
    /// Whether its callbacks have been called with everything.
    fn is_told(&self) -> bool;
    /// Whether nobody has a handle to it, and all its jobs have ended: the last reference may be dropped.
    fn is_buried(&self) -> bool;
    /// Gives back what it has of the engine: it is buried.
    fn give_back(&self, engine: &Engine);
    /// What was reported besides the ends of runs.
    fn reports(&self) -> u64;
}

/// Those of an engine.
pub(super) struct Parties {
    list: Mutex<Vec<Arc<dyn Party>>>,
    /// How many of them have no handle.
    orphans: AtomicUsize,
}

impl Parties {
    pub(super) fn new() -> Self {
        Self { list: Mutex::new(Vec::new()), orphans: AtomicUsize::new(0) }
    }
}

impl Engine {
    pub(crate) fn add_party(&self, party: Arc<dyn Party>) {
        if self.is_threadless() {
            party.attend(&self.this);
        }
        self.parties.list.lock().push(party);
    }

    /// Calls `f` while nobody looks whether a party can go.
    pub(crate) fn with_parties<R>(&self, f: impl FnOnce() -> R) -> R {
        let _parties = self.parties.list.lock();
        f()
    }

    /// A party has lost its last handle.
    pub(crate) fn orphan(&self) {
        self.parties.orphans.fetch_add(1, Ordering::SeqCst);
        self.bury();
    }

    /// Lets go of the parties that have no handle and no jobs any more.
    pub(crate) fn bury(&self) {
        // One may have kept the one around it.
        while self.parties.orphans.load(Ordering::SeqCst) > 0 {
            let buried: Vec<Arc<dyn Party>> = {
                let mut parties = self.parties.list.lock();
                let (buried, others) = parties.drain(..).partition(|party| party.is_buried());
                *parties = others;
                buried
            };
            if buried.is_empty() {
                return;
            }
            self.parties.orphans.fetch_sub(buried.len(), Ordering::SeqCst);
            for party in &buried {
                party.give_back(self);
            }
            // What is left in their queues is the user's.
            drop_quietly(buried);
        }
    }

    pub(crate) fn each_party(&self, f: &mut dyn FnMut(&dyn Party)) {
        // Collected first: a party's last owner may turn out to be this one, and must not be dropped under the lock.
        let parties: Vec<_> = self.parties.list.lock().clone();
        for party in &parties {
            f(&**party);
        }
    }

    /// What was reported besides the ends of runs.
    pub(crate) fn reports(&self) -> u64 {
        self.parties.list.lock().iter().map(|party| party.reports()).sum()
    }
}

//! A group: its policy, its gate, its outlet, and what the engine asks of it.

use std::any::Any;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::{Arc, Weak};

use fastthreadpool_core::{Duty, Gate, Gated, JobId, MAX_GATES, Tick, WITHOUT_END};

use crate::engine::Engine;
use crate::engine::doom::Doom;
use crate::engine::party::Party;
use crate::engine::slot::Slot;
use crate::engine::submit::To;
use crate::groups::deadline;
use crate::groups::door::Door;
use crate::groups::keyed::Keys;
use crate::groups::kin::{Cohorts, Kin};
use crate::groups::policy::{GroupOnDrop, Policy, WhenFull};
use crate::groups::room::Room;
use crate::groups::ways::{self, Ways};
use crate::here::removed::CancelReason;
use crate::results::callback::HasOutlet;
use crate::results::outlet::Outlet;
use crate::sys::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use crate::sys::{Mutex, OnceLock};

/// So many limited groups may be inside each other. One gate more is that of a key, or of a job that waits for more than its turn.
pub(crate) const MAX_LIMITED: usize = MAX_GATES - 1;

/// A group without the type of its results.
pub(crate) struct GroupCore {
    pub(crate) policy: Policy,
    pub(crate) cohorts: Cohorts,
    pub(crate) door: Option<Door>,
    pub(crate) keys: Option<Keys>,
    /// Of a gated group from the beginning; of another from its first timer on, which then only belongs to it.
    gate: OnceLock<Gate>,
    /// The alarm of the deadline.
    pub(super) alarm: OnceLock<fastthreadpool_core::JobId>,
    /// What its slots name as their owner.
    owner: AtomicPtr<()>,
    /// It has a gate from the beginning: its own, or one that stands before one around it.
    pub(crate) is_gated: bool,
    /// Its jobs have more to do than to be accepted.
    pub(crate) is_slow: bool,
    /// All its jobs have to pass that.
    is_limited: bool,
    /// Of a limited one: how many gates its jobs have to pass, its own and those around it.
    gates: u8,
    is_paused: Mutex<bool>,
    /// Of the done queue.
    pub(super) room: Room,
    /// It takes no jobs any more.
    is_closed: AtomicBool,
    /// How many handles there are.
    pub(super) handles: AtomicUsize,
    pub(super) is_orphan: AtomicBool,
    /// None for the pool's own group without bounds.
    pub(super) ways: Option<&'static Ways>,
}

/// A group.
pub(crate) struct Inner<T> {
    /// As the parts of an engine: dropped in one place.
    parts: ManuallyDrop<Parts<T>>,
}

pub(crate) struct Parts<T> {
    pub(crate) core: GroupCore,
    pub(crate) outlet: Outlet<T>,
}

impl<T> Deref for Inner<T> {
    type Target = Parts<T>;

    #[inline(always)]
    fn deref(&self) -> &Parts<T> {
        &self.parts
    }
}

impl<T> Drop for Inner<T> {
    #[inline(never)]
    fn drop(&mut self) {
        // SAFETY: nobody looks at them any more.
        unsafe { ManuallyDrop::drop(&mut self.parts) };
    }
}

impl GroupCore {
    fn new(policy: Policy, parent: Option<Arc<dyn Kin>>, keys: Option<Keys>, ways: Option<&'static Ways>) -> Self {
        let around = parent.as_ref().map_or(0, |parent| parent.core().gates);
        let is_limited = policy.is_limited() || around > 0;
        let is_gated = is_limited || policy.done_capacity.is_some();
        Self {
            is_gated,
            is_slow: is_gated || policy.is_observed,
            is_limited,
            gates: if is_limited { around + 1 } else { 0 },
            cohorts: Cohorts::new(parent),
            door: policy.queue_capacity.map(|jobs| Door::new(jobs, policy.when_full == WhenFull::DropOldest)),
            keys,
            gate: OnceLock::new(),
            alarm: OnceLock::new(),
            owner: AtomicPtr::new(std::ptr::null_mut()),
            is_paused: Mutex::new(false),
            room: Room::default(),
            is_closed: AtomicBool::new(false),
            handles: AtomicUsize::new(1),
            is_orphan: AtomicBool::new(false),
            ways,
            policy,
        }
    }

    /// Whether there may be a group inside: with as many gates around it as there may be it would be one too many for a job that has one of
    /// its own, or of its key.
    pub(crate) fn may_have_groups(&self) -> bool {
        usize::from(self.gates) < MAX_LIMITED
    }

    /// What the slots of this group name as their owner.
    pub(crate) fn owner(&self) -> *mut () {
        self.owner.load(Ordering::Relaxed)
    }

    /// A job was accepted: who observes is told, and who measures.
    #[inline]
    pub(crate) fn tell_accepted(&self, engine: &Engine, id: JobId, name: &'static str, to: &To, is_gated: bool) {
        if let (Some(gauge), To::Back | To::Front) = (&self.policy.gauge, to) {
            gauge.submitted(id, &|| engine.core.is_waiting(id));
        }
        if let Some(observed) = &engine.config.observed {
            observed.accepted(id, name, self.policy.name, to, is_gated);
        }
    }

    /// The gate, if it has one.
    pub(crate) fn gate(&self) -> Option<Gate> {
        self.gate.get().copied()
    }

    /// The gate for a job, which is made if it is only to know what belongs to the group.
    pub(crate) fn gate_or_open(&self, engine: &Engine) -> Gate {
        *self.gate.get_or_init(|| {
            let around = self.cohorts.parent().map(|parent| parent.core()).filter(|around| around.is_limited);
            let parent = around.and_then(Self::gate);
            let gate = engine.core.open_gate(self.policy.slots(), self.policy.room(), parent);
            gate.unwrap_or_else(|| unreachable!("growing storage has room, and groups are not too deep"))
        })
    }

    /// How a job of the group is put in. `leaves`: it leaves a result in the done queue.
    pub(crate) fn gated(&self, engine: &Engine, is_timed: bool, leaves: bool) -> Option<Gated> {
        let needs_room = leaves && self.policy.done_capacity.is_some();
        // What leaves no result does not wait behind what does.
        let is_gated = self.is_limited || needs_room;
        if !is_gated && !is_timed {
            return None;
        }
        Some(Gated { gate: self.gate_or_open(engine), room: u8::from(needs_room), passes: !is_gated })
    }

    /// Whether it takes jobs no more, as far as it is itself concerned. The alarm says so when a worker comes to it, which may be long
    /// after the deadline, or never: so the clock is asked, too.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed) || self.policy.deadline.is_some_and(|deadline| self.is_late(deadline))
    }

    fn is_late(&self, deadline: Tick) -> bool {
        self.policy.time.now() >= deadline
    }

    /// Does nothing if the pool is closed. Returns false if it cannot be paused.
    pub(crate) fn pause(&self, engine: &Engine) -> bool {
        let Some(gate) = self.gate().filter(|_| self.policy.is_pausable) else { return false };
        let mut is_paused = self.is_paused.lock();
        // Asked under the lock: who closes the pool ends all pauses under the same lock afterwards.
        if !*is_paused && !engine.is_closed() {
            // As a debt of slots.
            engine.core.take_slots(gate, WITHOUT_END);
            *is_paused = true;
        }
        true
    }

    /// Returns what is to be done, or nothing if it is not paused.
    pub(crate) fn resume(&self, engine: &Engine) -> Duty {
        let mut is_paused = self.is_paused.lock();
        match self.gate() {
            Some(gate) if *is_paused => {
                *is_paused = false;
                engine.core.give(gate, WITHOUT_END, 0)
            }
            _ => Duty::Nothing,
        }
    }

    pub(crate) fn is_paused(&self) -> bool {
        *self.is_paused.lock()
    }

    /// Cancels what is there; returns how many jobs that are.
    pub(crate) fn cancel(&self, engine: &Engine, doom: Doom) -> usize {
        let (count, gates) = self.cohorts.doom(engine, self, doom);
        Cohorts::clear_gates(engine, gates, doom.reason().unwrap_or(CancelReason::Cancelled));
        engine.tell_stopped();
        count
    }

    /// The deadline has passed.
    pub(super) fn expire(&self, engine: &Engine) {
        self.is_closed.store(true, Ordering::Relaxed);
        self.turn_away();
        self.cancel(engine, Doom::Expired);
    }

    /// How many of its jobs, and of those of the groups inside it, wait for their time, and how many at gates.
    pub(crate) fn waiting(&self, engine: &Engine, inside: &[Arc<dyn Kin>]) -> (usize, usize) {
        let mut sum = self.gate().map_or((0, 0), |gate| engine.core.gate_counts(gate));
        // Else they stand behind the gate of this one, and are in its counts.
        if !self.is_limited {
            for core in inside.iter().map(|kin| kin.core()) {
                let (timed, gated) = core.waiting(engine, &core.cohorts.inside());
                sum = (sum.0 + timed, sum.1 + gated);
            }
        }
        sum
    }

    /// A handle is gone.
    pub(crate) fn drop_handle(&self, engine: &Engine) {
        if self.handles.fetch_sub(1, Ordering::AcqRel) > 1 || self.policy.is_root || engine.is_elsewhere() {
            return;
        }
        if self.policy.on_drop == GroupOnDrop::Cancel {
            self.cancel(engine, Doom::Cancelled);
        }
        engine.perform_or_leave(self.resume(engine));
        engine.perform_or_leave(self.lift(engine));
        // Who waits for room has some.
        engine.quiet.notify();
        self.cohorts.watch_all();
        if self.is_orphan.swap(true, Ordering::SeqCst) {
            // A job had one once more.
            engine.bury();
        } else {
            engine.orphan();
        }
    }
}

impl<T: Send + 'static> Inner<T> {
    /// The pool's own; without `ways` if nothing of it is bounded.
    pub(crate) fn root(policy: Policy, outlet: Outlet<T>, ways: Option<&'static Ways>) -> Arc<Self> {
        Self::with(GroupCore::new(policy, None, None, ways), outlet)
    }

    pub(crate) fn new(policy: Policy, outlet: Outlet<T>, parent: Option<Arc<dyn Kin>>) -> Arc<Self> {
        let keys = policy.is_keyed.then(Keys::default);
        Self::with(GroupCore::new(policy, parent, keys, Some(&ways::ALL)), outlet)
    }

    fn with(core: GroupCore, outlet: Outlet<T>) -> Arc<Self> {
        let inner = Arc::new(Self { parts: ManuallyDrop::new(Parts { core, outlet }) });
        inner.core.owner.store(Arc::as_ptr(&inner).cast_mut().cast(), Ordering::Relaxed);
        inner
    }

    /// A reference more.
    pub(crate) fn share(&self) -> Arc<Self> {
        let this = self.core.owner().cast_const().cast::<Self>();
        // SAFETY: `with` has made that of the reference to this very group, which is there, and so has an owner.
        unsafe {
            Arc::increment_strong_count(this);
            Arc::from_raw(this)
        }
    }

    /// Makes it known to its engine, where it is plain.
    pub(crate) fn begin_plain(self: &Arc<Self>, engine: &Arc<Engine>) {
        engine.add_party(self.clone());
    }

    /// Makes it known to its engine: its first slot, its gate, its deadline.
    pub(crate) fn begin(self: &Arc<Self>, engine: &Arc<Engine>) {
        let kin: Arc<dyn Kin> = self.clone();
        let core = &self.core;
        core.cohorts.begin(engine, &kin);
        if core.is_gated {
            core.gate_or_open(engine);
        }
        if core.policy.done_capacity.is_some() {
            // Weak, since both own the queue.
            let (inner, engine) = (Arc::downgrade(self), Arc::downgrade(engine));
            self.outlet.done().on_taken(move || {
                if let (Some(inner), Some(engine)) = (inner.upgrade(), engine.upgrade()) {
                    inner.give_room(&engine);
                }
            });
        }
        engine.add_party(self.clone());
        if let Some(deadline) = core.policy.deadline {
            deadline::set(engine, &kin, deadline);
        }
    }

    /// A result was read, or was not left after all.
    pub(crate) fn give_room(&self, engine: &Engine) {
        if self.core.give_room(engine) {
            // Those who wait to emit.
            self.outlet.ended.notify();
        }
    }

    /// The group of a slot.
    ///
    /// # Safety
    ///
    /// The slot is one of a group of this type, and has a job that has not ended.
    #[inline]
    pub(crate) unsafe fn of(slot: &Slot) -> &Self {
        // SAFETY: as the caller says: a group is there as long as it has jobs.
        unsafe { &*slot.owner().cast::<Self>() }
    }
}

impl<T: Send + 'static> HasOutlet<T> for Inner<T> {
    fn outlet(&self) -> &Outlet<T> {
        &self.outlet
    }
}

impl<T: Send + 'static> Party for Inner<T> {
    fn attend(&self, engine: &Weak<Engine>) {
        self.outlet.attend(engine);
    }

    fn close(&self, round: u64) {
        self.outlet.close(round);
    }

    fn open(&self, round: u64) {
        self.outlet.open(round);
    }

    fn take_results(&self) -> Box<dyn Any + Send> {
        Box::new(self.outlet.take_all())
    }

    fn end_pause(&self, engine: &Engine) -> Duty {
        self.core.ways.map_or(Duty::Nothing, |ways| (ways.resume)(&self.core, engine))
    }

    fn lift(&self, engine: &Engine) -> Duty {
        let Some(ways) = self.core.ways else { return Duty::Nothing };
        let duty = (ways.lift)(&self.core, engine);
        // Who waits for room has some.
        self.outlet.ended.notify();
        duty
    }

    fn turn_away(&self) {
        if let Some(ways) = self.core.ways {
            (ways.turn_away)(&self.core);
        }
    }

    fn wake(&self) {
        self.outlet.ended.notify();
    }

    fn is_told(&self) -> bool {
        self.outlet.is_told()
    }

    fn is_buried(&self) -> bool {
        self.core.ways.is_some_and(|ways| (ways.is_buried)(&self.core))
    }

    fn give_back(&self, engine: &Engine) {
        if let Some(ways) = self.core.ways {
            (ways.give_back)(&self.core, engine);
        }
    }

    fn reports(&self) -> u64 {
        self.outlet.reports()
    }
}

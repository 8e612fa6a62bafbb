//! Who waits until something is idle, and who is excused: one list for the process, since jobs of several pools may wait for
//! each other.
//!
//! # A moment of idleness is not missed
//!
//! A waiter gets in line, and then looks; who makes something idle does so, and then looks whether anybody waits: so one of the
//! two sees the other. Whoever sees that nothing is pending says so to *all* who were in line before it looked. So it does not
//! matter who wakes first, and what that one does next.
//!
//! # Waits inside jobs
//!
//! A job that waits does not end, and somebody may wait for that, who waits inside a job himself. Such a waiter is *excused*:
//! a wait inside a job is over when nothing is pending but the turns of those who wait for its own turns, directly or by others,
//! and its own. A wait outside of jobs excuses nobody: nobody waits for it.
//!
//! A join excuses nobody either: it wants a value. If the job that it waits for is one of those that wait for it, by joins and
//! scopes alone, it would wait for ever, and says so.
//!
//! # Rules
//!
//! 1. What a waiter in the list refers to is there until it has left the list: it is borrowed from who waits.
//! 2. The lock is held to look, never to wake, and never while an engine's entries are locked.

use std::ptr;
use std::sync::Arc;

use fastthreadpool_core::{Cohort, JobId};

use crate::engine::Engine;
use crate::engine::awaits::Awaits;
use crate::engine::slot::Slot;
use crate::engine::turns::{Turn, turns};
use crate::here::blocking;
use crate::here::frame::Address;
use crate::sync::time::{Deadline, park};
use crate::sys::thread::{self, Thread};
use crate::sys::{Global, Mutex, Scene};

struct Waiter {
    number: u64,
    thread: Thread,
    /// With a lifetime that ends when the waiter leaves the list.
    awaits: Awaits<'static>,
    turns: Vec<Turn>,
    is_over: bool,
    /// It was woken to see that.
    is_told: bool,
    scene: Scene,
}

// SAFETY: what it awaits is shared between threads.
unsafe impl Send for Waiter {}

#[derive(Default)]
struct List {
    waiters: Vec<Waiter>,
    next: u64,
}

static LIST: Global<Mutex<List>> = Global::new(|| Mutex::new(List::default()));

fn list() -> &'static Mutex<List> {
    LIST.get()
}

/// In the child of a fork: the list may be locked by a thread that is not there, and who is in it is not. It gets another.
pub(crate) fn forget_list() {
    LIST.forget();
}

/// One that waits, for who wants to know.
pub(crate) struct Waits {
    /// The innermost job of the engine that it is inside of.
    pub(crate) by: Option<JobId>,
    pub(crate) what: What,
}

/// What it waits for.
pub(crate) enum What {
    Idle,
    Groups,
    Scope,
    Job(JobId),
}

/// Those who wait for something of an engine, or in a job of it.
pub(crate) fn waits(engine: &Engine) -> Vec<Waits> {
    let address = engine.address();
    let of = |waiter: &Waiter| {
        let by = waiter.turns.iter().find(|turn| turn.engine == address).map(|turn| turn.id);
        let (what, is_of) = match &waiter.awaits {
            Awaits::Idle(engine) => (What::Idle, engine.address() == address),
            Awaits::Slots(slots) => (What::Groups, slots.iter().any(|slot| slot.engine().address() == address)),
            Awaits::Scope(slot) => (What::Scope, slot.engine().address() == address),
            Awaits::Job(engine, id) => (What::Job(*id), engine.address() == address),
        };
        (is_of || by.is_some()).then_some(Waits { by, what })
    };
    list().lock().waiters.iter().filter_map(of).collect()
}

impl Waiter {
    /// Whether it can only go on when that turn has ended.
    fn needs(&self, turn: &Turn) -> bool {
        matches!(self.awaits, Awaits::Scope(_) | Awaits::Job(..)) && self.awaits.includes(turn)
    }

    fn is_inside(&self) -> bool {
        !self.turns.is_empty()
    }
}

impl List {
    fn index(&self, number: u64) -> usize {
        self.waiters.iter().position(|waiter| waiter.number == number).unwrap_or_else(|| unreachable!("it is in line"))
    }

    /// Those who wait for the turns of a waiter, directly or by others, and itself.
    fn dependents(&self, of: usize, waits_for: impl Fn(&Waiter, &Turn) -> bool) -> Vec<usize> {
        let mut found = vec![of];
        let mut next = 0;
        while let Some(&index) = found.get(next) {
            next += 1;
            let turns = &self.waiters[index].turns;
            for (other, waiter) in self.waiters.iter().enumerate() {
                if !found.contains(&other) && turns.iter().any(|turn| waits_for(waiter, turn)) {
                    found.push(other);
                }
            }
        }
        found
    }

    /// A waiter has come. The turns of those who wait for one, directly or by others, that have places which that one waits for others to
    /// need; of those for whom the new one waits.
    fn in_the_way(&self, new: usize) -> Vec<(Arc<Engine>, JobId)> {
        let mut found = Vec::new();
        for (index, waiter) in self.waiters.iter().enumerate() {
            let Some(engine) = waiter.awaits.engine().filter(|_| waiter.is_inside()) else { continue };
            let Some(this) = engine.this.upgrade() else { continue };
            let is_in_the_way = |turn: &&Turn| turn.engine == engine.address() && waiter.awaits.may_need(turn);
            let dependents = self.dependents(index, |waiter, turn| waiter.awaits.includes(turn));
            if !dependents.contains(&new) {
                continue;
            }
            for dependent in dependents {
                let turns = self.waiters[dependent].turns.iter().filter(is_in_the_way);
                found.extend(turns.map(|turn| (Arc::clone(&this), turn.id)));
            }
        }
        found
    }

    /// Whether a join waits for one of those that wait for it.
    fn is_circular(&self, this: usize) -> bool {
        let awaits = &self.waiters[this].awaits;
        let is_awaited = |index: usize| self.waiters[index].turns.iter().any(|turn| awaits.includes(turn));
        matches!(awaits, Awaits::Job(..)) && self.dependents(this, Waiter::needs).into_iter().any(is_awaited)
    }

    /// How many turns are excused in the wait of a waiter.
    fn excused(&self, of: usize, counts: impl Fn(&Turn) -> bool) -> usize {
        if !self.waiters[of].is_inside() {
            return 0;
        }
        let dependents = self.dependents(of, |waiter, turn| waiter.awaits.includes(turn));
        dependents.into_iter().flat_map(|index| &self.waiters[index].turns).filter(|turn| counts(turn)).count()
    }

    /// Looks whether the wait of a waiter is over.
    fn look(&mut self, index: usize) -> bool {
        if self.waiters[index].is_over {
            return true;
        }
        let is_over = match &self.waiters[index].awaits {
            Awaits::Idle(engine) => {
                let address = engine.address();
                let pending = engine.core.pending();
                if pending == 0 {
                    self.say_idle(address);
                }
                pending == 0 || pending <= self.excused(index, |turn| turn.engine == address)
            }
            Awaits::Slots(slots) => {
                let left = |slot: &&Slot| {
                    let cohort = Address::of(&slot.cohort);
                    // Turns of what repeats are not among those that are waited for.
                    let excused = || self.excused(index, |turn| !turn.repeats && turn.cohorts.contains(&cohort));
                    let waited_for = slot.waited_for();
                    waited_for > 0 && waited_for > excused()
                };
                let left: Vec<_> = slots.iter().copied().filter(left).collect();
                let is_over = left.is_empty();
                self.waiters[index].awaits = Awaits::Slots(left);
                is_over
            }
            Awaits::Scope(slot) => slot.is_drained(),
            Awaits::Job(..) => false,
        };
        self.waiters[index].is_over |= is_over;
        is_over
    }

    /// Nothing is pending in a pool: all who wait for that know it now.
    fn say_idle(&mut self, address: Address) {
        for waiter in &mut self.waiters {
            if matches!(&waiter.awaits, Awaits::Idle(engine) if engine.address() == address) {
                waiter.is_over = true;
            }
        }
    }

    /// Looks for some of those that are meant, and have not been told. Returns whom to wake.
    fn tell(&mut self, is_meant: impl Fn(&Waiter) -> bool) -> [Option<Thread>; BATCH] {
        let mut woken = [const { None }; BATCH];
        let mut places = woken.iter_mut();
        for index in 0..self.waiters.len() {
            let waiter = &self.waiters[index];
            // Room before the look: what is over awaits nothing any more that could be meant the next time.
            let is_meant = |waiter| is_meant(waiter) && waiter.scene.is_present();
            if waiter.is_told || places.as_slice().is_empty() || !is_meant(waiter) || !self.look(index) {
                continue;
            }
            let waiter = &mut self.waiters[index];
            waiter.is_told = true;
            places.next().into_iter().for_each(|place| *place = Some(waiter.thread.clone()));
        }
        woken
    }
}

/// Waiters that are woken at a time, with the lock released in between.
const BATCH: usize = 4;

fn tell(is_meant: impl Fn(&Waiter) -> bool) {
    loop {
        let woken = list().lock().tell(&is_meant);
        woken.iter().flatten().for_each(Thread::unpark);
        if woken[BATCH - 1].is_none() {
            return;
        }
    }
}

/// Who is told of what becomes of an engine.
pub(crate) struct Tells {
    /// Less is pending.
    pub(super) idle: fn(&Engine),
    /// Nobody works any more.
    pub(super) left_alone: fn(&Engine),
}

pub(super) static TELLS: Tells = Tells { idle: tell_idle, left_alone: tell_left_alone };

/// Less is pending in a pool than before.
fn tell_idle(engine: &Engine) {
    tell(|waiter| matches!(&waiter.awaits, Awaits::Idle(awaited) if ptr::eq(*awaited, engine)));
}

/// Nobody works for a pool any more: who waits for a scope may have to do that.
#[cold]
fn tell_left_alone(engine: &Engine) {
    let is_meant = |waiter: &Waiter| matches!(&waiter.awaits, Awaits::Scope(slot) if ptr::eq(slot.engine(), engine));
    let threads: Vec<_> = {
        let list = list().lock();
        list.waiters.iter().filter(|waiter| is_meant(waiter)).map(|waiter| waiter.thread.clone()).collect()
    };
    threads.iter().for_each(Thread::unpark);
}

/// Less of a cohort is left than before.
pub(crate) fn tell_cohort(cohort: &Cohort) {
    let cohort = Address::of(cohort);
    let is_it = |slot: &Slot| Address::of(&slot.cohort) == cohort;
    tell(|waiter| match &waiter.awaits {
        Awaits::Slots(slots) => slots.iter().any(|slot| is_it(slot)),
        Awaits::Scope(slot) => is_it(slot),
        Awaits::Idle(_) | Awaits::Job(..) => false,
    });
}

/// A place in line, until dropped.
pub(crate) struct InLine<'w> {
    number: u64,
    awaits: Awaits<'w>,
    is_inside: bool,
    /// The wait of a join can never be over, since the job waits for this one.
    pub(crate) is_circular: bool,
}

impl<'w> InLine<'w> {
    /// Gets in line.
    pub(crate) fn enter(awaits: Awaits<'w>) -> Self {
        let turns = turns();
        let is_inside = !turns.is_empty();
        // Said before it is in line: who then has something to tell waits for the lock.
        awaits.count(true, is_inside);
        let (number, is_circular, in_the_way) = {
            let mut list = list().lock();
            let number = list.next;
            list.next += 1;
            let (thread, awaits) = (thread::current(), awaits.forever());
            list.waiters.push(Waiter {
                number,
                thread,
                awaits,
                turns,
                is_over: false,
                is_told: false,
                scene: Scene::present(),
            });
            // At once: of a ring only the last one sees that it is closed.
            let new = list.waiters.len() - 1;
            (number, list.is_circular(new), if is_inside { list.in_the_way(new) } else { Vec::new() })
        };
        for (engine, id) in in_the_way {
            engine.go_without(id);
        }
        if is_inside {
            // Those who are inside of jobs may be over now that this one waits, too.
            tell(Waiter::is_inside);
        }
        if let Awaits::Idle(engine) = &awaits {
            // A worker passes one after its last job, and then asks who waits.
            engine.core.barrier();
        }
        Self { number, awaits, is_inside, is_circular }
    }

    /// Whether the wait is over.
    pub(crate) fn is_over(&self) -> bool {
        if let Awaits::Idle(engine) = &self.awaits {
            // What is due is pending.
            engine.core.expire();
        }
        let is_over = {
            let mut list = list().lock();
            let index = list.index(self.number);
            let is_over = list.look(index);
            list.waiters[index].is_told |= is_over;
            is_over
        };
        if let (true, Awaits::Idle(engine)) = (is_over, &self.awaits) {
            // Others sleep that know it now, too: before anybody looks for them there may be more to do.
            tell_idle(engine);
        }
        is_over
    }

    /// Waits until it is over. Returns false when the time is over, or when nobody is left who could end the wait.
    pub(crate) fn wait(&self, deadline: Deadline<'_>) -> bool {
        let wait = || {
            while !self.is_over() {
                if !park(deadline) {
                    return self.is_over();
                }
            }
            true
        };
        self.is_over() || blocking::maybe(|| self.awaits.attended(wait)).unwrap_or(false)
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        {
            let mut list = list().lock();
            let index = list.index(self.number);
            // In order: who else waits in the process is not to change whom others tell first.
            drop(list.waiters.remove(index));
        }
        self.awaits.count(false, self.is_inside);
    }
}

/// How many are in line.
#[cfg(all(test, shuttle))]
pub(crate) fn in_line() -> usize {
    list().lock().waiters.len()
}

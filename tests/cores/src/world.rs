//! Contexts on cores, in virtual time: the one whose time is the least goes on, so that what one core does it does before all that
//! others do later. Mostly each has a core of its own; where there are more of them, one that is woken comes to a core where
//! nobody is awake, if there is one, and contexts of the same core go on one after the other, when one sleeps or there is
//! something that others do earlier. One thread does it all, and the same seed gives the same run.

use std::cell::RefCell;

use corosensei::{Coroutine, CoroutineResult, Yielder};
use fastthreadpool_core::simulated::{self, Access};

use crate::machine::{Costs, Counts, Machine, Time};

/// What a context hands over to the next with.
type Handing = Yielder<(), ()>;

/// How long others go on to whom one gives way.
const SLICE: Time = 100_000_000;

struct Context {
    core: usize,
    /// When it goes on; never, if it sleeps without an end or has ended.
    at: Option<Time>,
    is_asleep: bool,
    is_woken: bool,
    /// Since when it sleeps, or since when that is counted.
    since: Time,
    /// How long it has slept.
    slept: Time,
    yielder: *const Handing,
}

impl Context {
    /// Nobody has woken it so far.
    fn is_asleep(&self) -> bool {
        self.is_asleep && !self.is_woken
    }
}

struct World {
    machine: Machine,
    contexts: Vec<Context>,
    current: usize,
    /// When the first of the others goes on.
    next: Time,
}

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

fn with<R>(f: impl FnOnce(&mut World) -> R) -> R {
    WORLD.with_borrow_mut(|world| f(world.as_mut().expect("a simulation runs")))
}

/// What runs on one core.
pub type Body = Box<dyn FnOnce()>;

/// Runs each on a core of its own, from time 0 until all have ended.
pub fn run(costs: Costs, seed: u64, bodies: Vec<Body>) {
    run_on(costs, seed, bodies.len(), bodies);
}

/// The same on so many cores; the first so many begin on one each.
pub fn run_on(costs: Costs, seed: u64, cores: usize, bodies: Vec<Body>) {
    simulated::observe(access);
    let context = |number: usize| Context {
        core: number % cores,
        at: Some(0),
        is_asleep: false,
        is_woken: false,
        since: 0,
        slept: 0,
        yielder: std::ptr::null(),
    };
    let contexts = (0..bodies.len()).map(context).collect();
    let machine = Machine::new(costs, cores, seed);
    WORLD.set(Some(World { machine, contexts, current: 0, next: 0 }));
    let coroutine = |(number, body): (usize, Body)| {
        Coroutine::new(move |yielder: &Handing, ()| {
            with(|world| world.contexts[number].yielder = yielder);
            body();
        })
    };
    let mut coroutines: Vec<_> = bodies.into_iter().enumerate().map(coroutine).collect();
    while let Some(number) = with(World::choose) {
        if let CoroutineResult::Return(()) = coroutines[number].resume(()) {
            with(|world| world.contexts[number].at = None);
        }
    }
    assert!(coroutines.iter().all(Coroutine::done), "contexts that sleep and nobody wakes");
    WORLD.set(None);
}

impl World {
    /// Who goes on, if anybody.
    fn choose(&mut self) -> Option<usize> {
        let times = |world: &Self, but: Option<usize>| {
            let contexts = world.contexts.iter().enumerate().filter(|(number, _)| Some(*number) != but);
            // Who is awake goes on no sooner than what its core does already; of those of one core, who has waited longest.
            let time = |context: &Context| {
                let at = context.at?;
                Some((if context.is_asleep() { at } else { at.max(world.machine.now(context.core)) }, at))
            };
            contexts.filter_map(|(number, context)| Some((time(context)?, number))).min()
        };
        loop {
            let ((at, _), number) = times(self, None)?;
            if self.contexts[number].is_asleep() {
                // Its time has come.
                let core = self.core_for(number).unwrap_or(self.contexts[number].core);
                self.contexts[number].core = core;
                self.contexts[number].is_woken = true;
                continue;
            }
            self.current = number;
            self.machine.wait_until(self.core(), at);
            self.next = times(self, Some(number)).map_or(Time::MAX, |((at, _), _)| at);
            return Some(number);
        }
    }

    /// That of the present context.
    fn core(&self) -> usize {
        self.contexts[self.current].core
    }

    fn now(&self) -> Time {
        self.machine.now(self.core())
    }

    /// Where a context goes on that gets up: where it was, unless somebody is awake there; then where nobody is, if there is such a core.
    fn core_for(&self, number: usize) -> Option<usize> {
        let is_free = |core: &usize| {
            let mut others = self.contexts.iter().enumerate();
            !others.any(|(other, context)| {
                other != number && context.core == *core && context.at.is_some() && !context.is_asleep()
            })
        };
        std::iter::once(self.contexts[number].core).chain(0..self.machine.cores()).find(is_free)
    }
}

/// The others go on until it is this one's turn.
fn hand_over() {
    let yielder = with(|world| world.contexts[world.current].yielder);
    // SAFETY: of the coroutine that runs, on whose stack this is.
    unsafe { &*yielder }.suspend(());
}

/// The present context does nothing before all that others do earlier.
fn take_turns() {
    let is_early = with(|world| {
        let now = world.now();
        world.contexts[world.current].at = Some(now);
        now <= world.next
    });
    if !is_early {
        hand_over();
    }
}

fn access(access: Access) {
    if WORLD.with_borrow(Option::is_none) {
        return;
    }
    take_turns();
    with(|world| world.machine.access(world.core(), access));
}

/// The present context's time.
pub fn now() -> Time {
    with(|world| world.now())
}

/// The present context computes.
pub fn pass(time: Time) {
    with(|world| world.machine.pass(world.core(), time));
}

/// What was counted since the last time; and how long the first so many contexts have slept, together.
pub fn take_counts(sleepers: usize) -> (Counts, Time) {
    with(|world| {
        let now = world.now();
        let mut slept = 0;
        for context in &mut world.contexts[..sleepers] {
            if context.is_asleep {
                context.slept += now.saturating_sub(context.since);
                context.since = now.max(context.since);
            }
            slept += std::mem::take(&mut context.slept);
        }
        (world.machine.take_counts(), slept)
    })
}

/// Lets others go on that want this core, for a while, if there are any. Returns whether there are.
pub fn give_way() -> bool {
    take_turns();
    let gives_way = with(|world| {
        let (core, now) = (world.core(), world.now());
        let wants_it = |(number, context): (usize, &Context)| {
            number != world.current && context.core == core && context.at.is_some_and(|at| at <= now)
        };
        let gives_way = world.contexts.iter().enumerate().any(wants_it);
        if gives_way {
            world.contexts[world.current].at = Some(now + SLICE);
        }
        gives_way
    });
    if gives_way {
        hand_over();
    }
    gives_way
}

/// The number of the present context.
pub fn current() -> usize {
    with(|world| world.current)
}

/// Sleeps until woken, or until then.
pub fn park(until: Option<Time>) {
    take_turns();
    let sleeps = with(|world| {
        let now = world.now();
        let sleep = world.machine.costs().sleep;
        let context = &mut world.contexts[world.current];
        if std::mem::take(&mut context.is_woken) {
            return false;
        }
        context.is_asleep = true;
        context.since = now;
        context.at = until.map(|until| until.max(now) + sleep);
        true
    });
    if sleeps {
        hand_over();
        with(|world| {
            let now = world.now();
            let context = &mut world.contexts[world.current];
            context.is_asleep = false;
            context.is_woken = false;
            context.slept += now.saturating_sub(context.since);
        });
    }
}

/// Wakes a context, now or from its next sleep.
pub fn unpark(number: usize) {
    take_turns();
    with(|world| {
        let now = world.now();
        let Costs { wake, woken, .. } = *world.machine.costs();
        // Or else with who has woken it, and may be about to sleep.
        let core = world.core_for(number).unwrap_or(world.core());
        let context = &mut world.contexts[number];
        if !context.is_asleep || context.is_woken {
            context.is_woken = true;
            return;
        }
        context.is_woken = true;
        context.core = core;
        let at = context.at.map_or(now + woken, |at| at.min(now + woken));
        context.at = Some(at);
        world.next = world.next.min(at);
        world.machine.pass(world.core(), wake);
    });
}

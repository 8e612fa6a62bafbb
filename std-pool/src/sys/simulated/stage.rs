//! The stage of a play: its actors, whose turn it is, and what time it is.
//!
//! # The baton
//!
//! One actor of a stage plays; the others wait until it is their turn. Who plays passes the baton on at a *point*: where it would park, wakes
//! somebody, yields, ends, or does what others see: a submit, a permit, the begin or the end of a job. No lock of this crate is held at a
//! point, so nobody ever waits for a lock of one who does not play.
//!
//! | an actor | until |
//! |---|---|
//! | is ready | it is drawn, and plays |
//! | plays | its next point: then it is ready, or parked, or gone |
//! | is parked | it is woken, or its time has come: then it is ready |
//! | is gone | |
//!
//! If nobody is ready the time goes on to the earliest for which one is parked, and nobody waits for it. If there is none, nobody can go on:
//! that is a deadlock, and the first actor hears of it by a panic. From then on, as after a panic of the first actor, the play is over, and
//! all go on by themselves, as threads do.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use fastthreadpool_core::Tick;
use parking_lot::Mutex;

use crate::sys::world;

/// What goes wrong, and how often.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// Of threads that are to be started, and of jobs that are about to begin: how many of 2^32.
    pub(crate) starts: u64,
    pub(crate) jobs: u64,
}

/// Where the time of a play begins: where that of the world does, and an hour.
pub(super) const BEGIN: u64 = 3_600_000_000_000;

pub(crate) struct Stage {
    play: Mutex<Play>,
    /// Who has the baton; [`NOBODY`] when the play is over.
    playing: AtomicUsize,
    now: AtomicU64,
    is_deadlocked: AtomicBool,
}

struct Play {
    random: fastrand::Rng,
    faults: Faults,
    actors: Vec<Actor>,
    /// How often the baton was passed on.
    turns: u64,
    /// The first actor is done, and only waits for the others.
    is_done: bool,
}

struct Actor {
    /// None until it has started.
    thread: Option<world::Thread>,
    state: State,
    /// It was woken when it was not parked: its next park is none.
    is_woken: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Ready,
    Parked(Tick),
    Gone,
}

const NOBODY: usize = usize::MAX;

/// The actor that the present thread is.
struct Present {
    stage: Arc<Stage>,
    number: usize,
}

impl Drop for Present {
    fn drop(&mut self) {
        self.stage.leave(self.number);
    }
}

thread_local! {
    /// Made before any other value of an actor's thread, it is dropped after them, where that is the order.
    static PRESENT: RefCell<Option<Present>> = const { RefCell::new(None) };
}

/// Calls `f` with the stage and the number of the actor that the present thread is, if it is one and the play goes on.
pub(super) fn present<R>(f: impl FnOnce(&Arc<Stage>, usize) -> R) -> Option<R> {
    // Not there any more where a thread ends: then it is one of the world.
    let found = PRESENT.try_with(|present| {
        let present = present.borrow();
        present.as_ref().map(|present| (Arc::clone(&present.stage), present.number))
    });
    let (stage, number) = found.ok().flatten()?;
    (!stage.is_over()).then(|| f(&stage, number))
}

impl Play {
    /// Who plays next, and what time it is then. None, if nobody can.
    fn draw(&mut self, now: u64) -> Option<(usize, u64)> {
        let ready = |actors: &[Actor]| {
            let is_ready = |(number, actor): (usize, &Actor)| (actor.state == State::Ready).then_some(number);
            actors.iter().enumerate().filter_map(is_ready).collect::<Vec<_>>()
        };
        let mut candidates = ready(&self.actors);
        let mut now = now;
        if candidates.is_empty() {
            let until = |actor: &Actor| match actor.state {
                State::Parked(until) if until < Tick::MAX => Some(until),
                _ => None,
            };
            let earliest = self.actors.iter().filter_map(until).min()?;
            now = now.max(earliest.0);
            for actor in self.actors.iter_mut().filter(|actor| until(actor).is_some_and(|until| until.0 <= now)) {
                actor.state = State::Ready;
            }
            candidates = ready(&self.actors);
        }
        self.turns += 1;
        let drawn = self.random.usize(..candidates.len());
        Some((candidates[drawn], now))
    }
}

impl Stage {
    pub(crate) fn new(seed: u64, faults: Faults) -> Arc<Self> {
        let random = fastrand::Rng::with_seed(seed);
        Arc::new(Self {
            play: Mutex::new(Play { random, faults, actors: Vec::new(), turns: 0, is_done: false }),
            playing: AtomicUsize::new(0),
            now: AtomicU64::new(BEGIN),
            is_deadlocked: AtomicBool::new(false),
        })
    }

    /// Calls `f` as the first actor, and lets the others play until none is left, or none can go on. Returns how often the baton was passed
    /// on, too.
    pub(crate) fn play<R>(self: &Arc<Self>, f: impl FnOnce() -> R) -> (R, u64) {
        /// Ends the play, even if `f` panics.
        struct Ends<'s>(&'s Stage);
        impl Drop for Ends<'_> {
            fn drop(&mut self) {
                if !world::panicking() {
                    self.0.play.lock().is_done = true;
                    while !self.0.is_over() && self.0.has_others() {
                        self.0.pass_on(0, State::Parked(Tick::MAX));
                    }
                }
                self.0.end();
                let present = PRESENT.with(RefCell::take);
                drop(present);
            }
        }
        assert!(present(|_, _| ()).is_none(), "a simulation inside of a simulation");
        self.register(Some(world::current()));
        PRESENT.with(|present| *present.borrow_mut() = Some(Present { stage: Arc::clone(self), number: 0 }));
        let ends = Ends(self);
        let result = f();
        drop(ends);
        (result, self.play.lock().turns)
    }

    pub(super) fn is_over(&self) -> bool {
        self.playing.load(Ordering::SeqCst) == NOBODY
    }

    fn has_others(&self) -> bool {
        self.play.lock().actors.iter().skip(1).any(|actor| actor.state != State::Gone)
    }

    /// A new actor, which has not started if it has no thread yet.
    pub(super) fn register(&self, thread: Option<world::Thread>) -> usize {
        let mut play = self.play.lock();
        play.actors.push(Actor { thread, state: State::Ready, is_woken: false });
        play.actors.len() - 1
    }

    /// From here on all go on by themselves.
    fn end(&self) {
        self.playing.store(NOBODY, Ordering::SeqCst);
        let threads: Vec<_> = self.play.lock().actors.iter().filter_map(|actor| actor.thread.clone()).collect();
        threads.iter().for_each(world::Thread::unpark);
    }

    /// The actor has come to a point, and is that from now on; returns when it plays again.
    pub(super) fn pass_on(&self, number: usize, state: State) {
        let (next, is_done) = {
            let mut play = self.play.lock();
            let actor = &mut play.actors[number];
            let is_woken = matches!(state, State::Parked(_)) && std::mem::take(&mut actor.is_woken);
            actor.state = if is_woken { State::Ready } else { state };
            let drawn = play.draw(self.now.load(Ordering::SeqCst));
            let next = drawn.map(|(next, now)| {
                self.now.store(now, Ordering::SeqCst);
                self.playing.store(next, Ordering::SeqCst);
                (next, play.actors[next].thread.clone())
            });
            (next, play.is_done)
        };
        match next {
            Some((next, _)) if next == number => {}
            Some((_, thread)) => {
                // If it has not started yet it finds the baton when it has.
                thread.iter().for_each(world::Thread::unpark);
                if state != State::Gone {
                    self.await_turn(number);
                }
            }
            None => {
                self.is_deadlocked.store(!is_done, Ordering::SeqCst);
                self.end();
            }
        }
        self.hear_of_deadlock(number);
    }

    fn await_turn(&self, number: usize) {
        let has_baton = || [number, NOBODY].contains(&self.playing.load(Ordering::SeqCst));
        // It comes back soon more often than not.
        if (0..200).any(|_| (has_baton(), std::hint::spin_loop()).0) {
            return;
        }
        while !has_baton() {
            world::park();
        }
    }

    fn hear_of_deadlock(&self, number: usize) {
        let is_to_hear = number == 0 && !world::panicking() && self.is_deadlocked.swap(false, Ordering::SeqCst);
        assert!(!is_to_hear, "nobody can go on: all threads of the simulation wait, and for no time");
    }

    pub(super) fn wake(&self, thread: &world::Thread) {
        let mut play = self.play.lock();
        let is_it = |actor: &&mut Actor| actor.thread.as_ref().is_some_and(|present| present.id() == thread.id());
        if let Some(actor) = play.actors.iter_mut().find(is_it) {
            match actor.state {
                State::Parked(_) => actor.state = State::Ready,
                State::Ready => actor.is_woken = true,
                State::Gone => {}
            }
        }
    }

    /// The present thread is this actor from now on, until it ends. Returns when it plays.
    pub(super) fn appear(self: Arc<Self>, number: usize) {
        self.play.lock().actors[number].thread = Some(world::current());
        PRESENT.with(|present| *present.borrow_mut() = Some(Present { stage: Arc::clone(&self), number }));
        self.await_turn(number);
    }

    /// The actor never comes.
    pub(super) fn strike(&self, number: usize) {
        self.play.lock().actors[number].state = State::Gone;
    }

    /// Whether it is gone; `None` when the play is over.
    pub(super) fn is_gone(&self, number: usize) -> Option<bool> {
        (!self.is_over()).then(|| self.play.lock().actors[number].state == State::Gone)
    }

    pub(super) fn random(&self, below: u64) -> u64 {
        self.play.lock().random.u64(..below)
    }

    pub(super) fn now(&self) -> Tick {
        Tick(self.now.load(Ordering::SeqCst))
    }

    fn leave(&self, number: usize) {
        if self.is_over() {
            self.strike(number);
        } else {
            self.pass_on(number, State::Gone);
        }
    }

    /// Whether what happens so many times of 2^32 happens now.
    pub(super) fn happens(&self, often: impl FnOnce(&Faults) -> u64) -> bool {
        let mut play = self.play.lock();
        let often = often(&play.faults);
        often > 0 && u64::from(play.random.u32(..)) < often
    }
}

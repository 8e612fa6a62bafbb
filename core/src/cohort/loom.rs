//! Models of the cohort: who waits is told, and not before all have ended.
//!
//! Who waits does not sleep here: it looks once, and when all threads have returned somebody must have told it, unless there
//! was nothing to wait for. To sleep would add orders, and no way to be forgotten.

use std::sync::Arc;

use ::loom::sync::atomic::{AtomicBool, Ordering};
use ::loom::thread;

use super::Cohort;
use crate::end::End;
use crate::hosts::loom::model;

struct World {
    cohort: Cohort,
    is_told: AtomicBool,
    /// Whether it is over for good once it is said to be.
    is_over: fn(&Cohort) -> bool,
}

impl World {
    fn of(accepted: usize, is_over: fn(&Cohort) -> bool) -> Arc<Self> {
        let world = Self { cohort: Cohort::new(), is_told: AtomicBool::new(false), is_over };
        (0..accepted).for_each(|_| _ = world.cohort.accept());
        Arc::new(world)
    }

    fn spawn(world: &Arc<Self>, run: impl FnOnce(&Self) + 'static) -> thread::JoinHandle<()> {
        let world = Arc::clone(world);
        thread::spawn(move || run(&world))
    }

    fn end(&self, end: End) {
        if self.cohort.end(end) {
            self.tell();
        }
    }

    fn tell(&self) {
        if self.is_drained() {
            self.is_told.store(true, Ordering::Release);
        }
    }

    fn is_drained(&self) -> bool {
        let is_drained = self.cohort.is_drained();
        assert!(!is_drained || (self.is_over)(&self.cohort), "said too early");
        is_drained
    }

    /// Waits for all that the others do.
    fn wait(&self, others: impl IntoIterator<Item = thread::JoinHandle<()>>) {
        self.cohort.watch();
        let is_drained = self.is_drained();
        others.into_iter().for_each(|other| other.join().unwrap());
        assert!(is_drained || self.is_told.load(Ordering::Acquire), "all have ended, and nobody has told");
    }
}

#[test]
fn of_two_that_end_differently_one_tells() {
    model(3, || {
        let world = World::of(2, |cohort| cohort.counts().live() == 0);
        let done = World::spawn(&world, |world| world.end(End::Done));
        let failed = World::spawn(&world, |world| world.end(End::Failed));
        world.wait([done, failed]);
    });
}

#[test]
fn a_wait_covers_what_descends() {
    model(3, || {
        let world = World::of(1, |cohort| cohort.counts().live() == 0);
        let parent = World::spawn(&world, {
            let world = Arc::clone(&world);
            move |parent| {
                parent.cohort.accept();
                let child = World::spawn(&world, |child| child.end(End::Cancelled));
                parent.end(End::Done);
                child.join().unwrap();
            }
        });
        world.wait([parent]);
        let counts = world.cohort.counts();
        assert_eq!((counts.accepted, counts.done, counts.cancelled), (2, 1, 1));
    });
}

#[test]
fn who_waits_is_told_when_the_last_turn_is_one_that_repeats() {
    model(3, || {
        let world = World::of(1, |cohort| cohort.counts().done == 1);
        let once = World::spawn(&world, |world| world.end(End::Done));
        let again = World::spawn(&world, |world| {
            world.cohort.accept();
            if world.cohort.recur() {
                world.tell();
            }
        });
        world.wait([once, again]);
    });
}

#[test]
fn nobody_waits_for_what_repeats_however_it_comes_and_goes() {
    model(2, || {
        // The one that does not repeat is waited for.
        let world = World::of(1, |cohort| cohort.counts().done == 1);
        let once = World::spawn(&world, |world| world.end(End::Done));
        let again = World::spawn(&world, |world| {
            world.cohort.accept();
            if world.cohort.recur() {
                world.tell();
            }
            world.cohort.cease();
            world.end(End::Cancelled);
        });
        world.wait([once, again]);
    });
}

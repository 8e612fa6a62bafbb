//! Models of the cohort: who waits is told, and not before all have ended.
//!
//! Who waits does not sleep here: it looks once, and when all threads have returned somebody must have told it, unless there
//! was nothing to wait for. To sleep would add orders, and no way to be forgotten.

use std::boxed::Box;
use std::sync::Arc;

use ::loom::sync::atomic::{AtomicBool, Ordering};
use ::loom::thread;

use super::{Cohort, Tally};
use crate::end::End;
use crate::hosts::loom::model;
use crate::sync::own_barrier;

struct World {
    // Before the cohort, which they refer to.
    tallies: [Tally<'static, Cohort>; 2],
    cohort: Cohort,
    is_told: AtomicBool,
    /// Jobs that have come to their end, of those with a tally. Not loom's: it is no part of the model.
    ran: std::sync::atomic::AtomicUsize,
    /// Whether it is over for good once it is said to be.
    is_over: fn(&Self) -> bool,
}

impl World {
    fn of(accepted: usize, is_over: fn(&Self) -> bool) -> Arc<Self> {
        let tallies = [Tally::new(), Tally::new()];
        let (is_told, ran) = (AtomicBool::new(false), std::sync::atomic::AtomicUsize::new(0));
        let world = Self { tallies, cohort: Cohort::new(), is_told, ran, is_over };
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

    /// The cohort, for the tallies beside it.
    fn cohort(&self) -> &'static Cohort {
        // SAFETY: the tallies go before it does, and all else that has it is in this world, too.
        unsafe { &*std::ptr::from_ref(&self.cohort) }
    }

    /// A job begins and ends, as one that has a tally.
    fn run(&self, tally: usize) {
        let (tally, cohort) = (&self.tallies[tally], self.cohort());
        let begun = tally.begin(cohort, |_| self.tell()).unwrap();
        self.ran.fetch_add(1, Ordering::Relaxed);
        if !begun.finish(cohort, |_| self.tell()) {
            self.end(End::Done);
        }
    }

    /// How many ends are in tallies.
    fn tallied(&self) -> usize {
        let own = |tally: &Tally<'static, Cohort>| {
            let reading = tally.read().filter(|reading| std::ptr::eq(reading.cohort, &raw const self.cohort));
            reading.map_or(0, |reading| reading.ended)
        };
        self.tallies.iter().map(own).sum()
    }

    /// How many have ended, for when nobody ends any.
    fn ended(&self) -> usize {
        self.cohort.counts().done + self.tallied()
    }

    fn ran(&self) -> usize {
        self.ran.load(Ordering::Relaxed)
    }

    fn watch(&self) {
        if self.cohort.watch() {
            own_barrier();
        }
    }

    fn tell(&self) {
        if self.is_drained() {
            self.is_told.store(true, Ordering::Release);
        }
    }

    fn is_drained(&self) -> bool {
        let is_drained = self.cohort.waited_for(&self.cohort.ended(|| self.tallied())) == 0;
        assert!(!is_drained || (self.is_over)(self), "said too early");
        is_drained
    }

    /// Waits for all that the others do.
    fn wait(&self, others: impl IntoIterator<Item = thread::JoinHandle<()>>) {
        self.watch();
        let is_drained = self.is_drained();
        others.into_iter().for_each(|other| other.join().unwrap());
        assert!(is_drained || self.is_told.load(Ordering::Acquire), "all have ended, and nobody has told");
    }
}

#[test]
fn of_two_that_end_differently_one_tells() {
    model(3, || {
        let world = World::of(2, |world| world.cohort.counts().live() == 0);
        let done = World::spawn(&world, |world| world.end(End::Done));
        let failed = World::spawn(&world, |world| world.end(End::Failed));
        world.wait([done, failed]);
    });
}

#[test]
fn a_wait_covers_what_descends() {
    model(3, || {
        let world = World::of(1, |world| world.cohort.counts().live() == 0);
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
        let world = World::of(1, |world| world.cohort.counts().done == 1);
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
        let world = World::of(1, |world| world.cohort.counts().done == 1);
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

#[test]
fn of_two_that_count_in_tallies_one_tells() {
    model(1, || {
        let world = World::of(2, |world| world.ran() == 2);
        world.cohort.spread();
        let jobs = [0, 1].map(|tally| World::spawn(&world, move |world| world.run(tally)));
        world.wait(jobs);
        assert_eq!(world.ended(), 2);
    });
}

#[test]
fn an_end_in_a_tally_is_found_by_who_ends_without() {
    model(2, || {
        let world = World::of(2, |world| world.ran() == 1 && world.cohort.counts().failed == 1);
        world.cohort.spread();
        let done = World::spawn(&world, |world| world.run(0));
        let failed = World::spawn(&world, |world| world.end(End::Failed));
        world.wait([done, failed]);
    });
}

#[test]
fn what_leaves_a_tally_is_not_counted_twice_and_not_forgotten() {
    model(2, || {
        // There is room for one end in a tally, so each second empties it.
        let world = World::of(3, |_| true);
        world.cohort.spread();
        let job = World::spawn(&world, |world| (0..3).for_each(|_| world.run(0)));
        let read = |world: &World| world.cohort.ended(|| world.tallied()).done;
        let first = read(&world);
        let second = read(&world);
        assert!(first <= second && second <= world.ran(), "first {first}, and then {second}");
        job.join().unwrap();
        assert_eq!(world.ended(), 3);
    });
}

#[test]
fn who_watches_while_it_is_spread_is_told() {
    model(2, || {
        let world = World::of(1, |world| world.ran() == 1);
        let job = World::spawn(&world, |world| {
            world.cohort.spread();
            world.run(0);
        });
        world.wait([job]);
    });
}

#[test]
fn a_tally_that_turns_to_another_cohort_tells() {
    model(2, || {
        let other: &'static Cohort = Box::leak(Box::new(Cohort::new()));
        let world = World::of(1, |world| world.ran() == 1);
        world.cohort.spread();
        let job = World::spawn(&world, |world| {
            world.run(0);
            drop(world.tallies[0].begin(other, |_| world.tell()));
        });
        world.wait([job]);
    });
}

#[test]
fn one_that_serves_again_counts_what_is_left_in_tallies() {
    model(2, || {
        let world = World::of(1, |world| world.ran() >= 1);
        world.cohort.spread();
        let first = World::spawn(&world, |world| world.run(0));
        if world.is_drained() {
            // The first has ended, and may not have looked whether anybody waits.
            let before = world.cohort.drained();
            assert_eq!(before.done, 1);
            world.cohort.renew();
            world.cohort.accept();
            let second = World::spawn(&world, |world| world.run(1));
            world.watch();
            let is_drained = world.cohort.waited_for(&world.cohort.ended(|| world.tallied())) == 0;
            first.join().unwrap();
            second.join().unwrap();
            assert_eq!((world.ended(), world.cohort.counts().accepted), (2, 2));
            assert!(is_drained || world.is_told.load(Ordering::Acquire), "both have ended, and nobody has told");
        } else {
            first.join().unwrap();
        }
    });
}

//! Models of the cohort: who waits is told, and not before all have ended.

use std::sync::Arc;

use ::loom::sync::atomic::{AtomicBool, Ordering};
use ::loom::thread;

use super::Cohort;
use crate::end::End;

struct World {
    cohort: Cohort,
    is_told: AtomicBool,
}

impl World {
    fn of(accepted: usize) -> Arc<Self> {
        let world = Self { cohort: Cohort::new(), is_told: AtomicBool::new(false) };
        (0..accepted).for_each(|_| _ = world.cohort.accept());
        Arc::new(world)
    }

    fn end(&self, end: End) {
        if self.cohort.end(end) {
            self.tell();
        }
    }

    fn tell(&self) {
        if self.cohort.is_drained() {
            self.is_told.store(true, Ordering::Release);
        }
    }

    fn wait(&self) {
        self.cohort.watch();
        while !self.cohort.is_drained() && !self.is_told.load(Ordering::Acquire) {
            thread::yield_now();
        }
    }
}

fn model(run: impl Fn() + Send + Sync + 'static) {
    let mut builder = ::loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(3);
    builder.check(run);
}

/// As `World::wait`, but sleeps on until it is told: it fails where nobody tells.
fn wait_to_be_told(world: &World) {
    world.cohort.watch();
    if !world.cohort.is_drained() {
        while !world.is_told.load(Ordering::Acquire) {
            thread::yield_now();
        }
    }
}

#[test]
fn of_two_that_end_differently_one_tells() {
    model(|| {
        let world = World::of(2);
        let (a, b) = (Arc::clone(&world), Arc::clone(&world));
        let done = thread::spawn(move || a.end(End::Done));
        let failed = thread::spawn(move || b.end(End::Failed));
        wait_to_be_told(&world);
        assert!(world.cohort.is_drained(), "told too early");
        done.join().unwrap();
        failed.join().unwrap();
    });
}

#[test]
fn a_wait_covers_what_descends() {
    model(|| {
        let world = World::of(1);
        let (parent, child) = (Arc::clone(&world), Arc::clone(&world));
        let parent = thread::spawn(move || {
            parent.cohort.accept();
            let running = thread::spawn(move || child.end(End::Cancelled));
            parent.end(End::Done);
            running.join().unwrap();
        });
        world.wait();
        assert_eq!(world.cohort.counts().live(), 0);
        parent.join().unwrap();
        let counts = world.cohort.counts();
        assert_eq!((counts.accepted, counts.done, counts.cancelled), (2, 1, 1));
    });
}

#[test]
fn nobody_waits_for_what_repeats_however_it_comes_and_goes() {
    model(|| {
        let world = World::of(1);
        let (once, again) = (Arc::clone(&world), Arc::clone(&world));
        let once = thread::spawn(move || once.end(End::Done));
        let again = thread::spawn(move || {
            again.cohort.accept();
            if again.cohort.recur() {
                again.tell();
            }
            again.cohort.cease();
            again.end(End::Cancelled);
        });
        wait_to_be_told(&world);
        assert!(world.cohort.counts().done == 1, "the one that does not repeat is waited for");
        once.join().unwrap();
        again.join().unwrap();
    });
}

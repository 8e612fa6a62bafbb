//! Errands against a worker that falls asleep, and one that works.

use std::vec::Vec;

use ::loom::thread;

use super::stage::{Seated, Stage};
use super::{LONG, SHORT, model};
use crate::After;
use crate::pool::Duty;
use crate::running::Running;
use crate::worker::{Rest, Runner};

/// Counts its errands and its jobs.
#[derive(Default)]
struct Counts {
    errands: usize,
    jobs: usize,
    duties: Vec<Duty>,
}

impl Runner<usize> for Counts {
    fn perform(&mut self, duty: Duty) {
        self.duties.push(duty);
    }

    fn run(&mut self, _: &mut usize, _: Running) -> After {
        self.jobs += 1;
        After::Done
    }

    fn errand(&mut self) {
        self.errands += 1;
    }
}

fn work(mut worker: Seated, mut counts: Counts) -> (Seated, Rest, Counts) {
    let rest = worker.work(&mut counts);
    (worker, rest, counts)
}

#[test]
fn an_errand_meets_a_worker_that_falls_asleep() {
    model(2, || {
        let stage = Stage::new(LONG, 1, 0);
        let worker = stage.enlist();
        let falls_asleep = thread::spawn(move || work(worker, Counts::default()));
        stage.pool.begin_errands();
        let is_woken = stage.pool.next_sleeper().is_some();
        let (mut worker, rest, mut counts) = falls_asleep.join().unwrap();
        assert!(!matches!(rest, Rest::Exit { .. }));
        if is_woken {
            (worker, _, counts) = work(worker, counts);
        }
        assert_eq!(counts.errands, 1);
        stage.pool.end_errands();
        (worker, _, counts) = work(worker, counts);
        assert_eq!(counts.errands, 1, "once is enough");
        drop(worker);
    });
}

#[test]
fn an_errand_meets_a_worker_in_the_middle_of_its_jobs() {
    model(2, || {
        let stage = Stage::new(SHORT, 1, 0);
        let worker = stage.enlist();
        let _ = stage.pool.submit(1).unwrap();
        let _ = stage.pool.submit(2).unwrap();
        let works = thread::spawn(move || work(worker, Counts::default()));
        stage.pool.begin_errands();
        let is_woken = stage.pool.next_sleeper().is_some();
        let (mut worker, _, mut counts) = works.join().unwrap();
        if is_woken {
            (worker, _, counts) = work(worker, counts);
        }
        assert_eq!((counts.errands, counts.jobs), (1, 2));
        drop(worker);
    });
}

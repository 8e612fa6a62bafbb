//! Forks against workers that fall asleep and against the end of the pool. Who joins is a guest.

use core::ptr::NonNull;
use std::vec::Vec;

use ::loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use ::loom::thread;

use super::stage::{Seated, Stage};
use super::{Grown, LONG, model};
use crate::After;
use crate::fork::{Desk, Fork, Put};
use crate::pool::Duty;
use crate::running::Running;
use crate::state::Phase;
use crate::worker::{Rest, Runner};

/// A fork that counts its runs.
#[repr(C)]
struct Counted {
    fork: Fork,
    ran: AtomicUsize,
}

impl Counted {
    fn new(owner: usize, desk: &Desk) -> Self {
        Self { fork: Fork::new(owner, desk.is_eager(), Self::run), ran: AtomicUsize::new(0) }
    }

    unsafe fn run(fork: NonNull<Fork>, _: usize) {
        // SAFETY: the fork is its first field.
        unsafe { fork.cast::<Self>().as_ref() }.ran.fetch_add(1, Relaxed);
    }

    fn show(&self, pool: &Grown, desk: &Desk) -> (Put, Duty) {
        // SAFETY: the models take it back, or wait for it.
        unsafe { pool.show_fork(desk, NonNull::from(self).cast()) }
    }
}

/// Keeps the duties.
struct Keeps(Vec<Duty>);

impl Runner<usize> for Keeps {
    fn perform(&mut self, duty: Duty) {
        self.0.push(duty);
    }

    fn run(&mut self, _: &mut usize, _: Running) -> After {
        After::Done
    }
}

fn work(mut worker: Seated) -> (Seated, Rest, Vec<Duty>) {
    let mut keeps = Keeps(Vec::new());
    let rest = worker.work(&mut keeps);
    (worker, rest, keeps.0)
}

fn guest(pool: &'static Grown) -> (usize, &'static Desk) {
    let number = pool.take_guest().expect("there is one");
    (number, pool.desk(number).expect("it has a desk"))
}

fn a_fork_and_a_worker_that_falls_asleep(is_eager: bool) {
    let stage = Stage::new(LONG, 1, 0);
    let worker = stage.enlist();
    let falls_asleep = thread::spawn(move || work(worker));
    let (number, desk) = guest(stage.pool);
    desk.set_eager(is_eager);
    let counted = Counted::new(number, desk);
    let (put, duty) = counted.show(stage.pool, desk);
    let (mut worker, rest, duties) = falls_asleep.join().unwrap();
    assert!(duties.is_empty() && !matches!(rest, Rest::Exit { .. }));
    if duty == Duty::Wake(0) || matches!(rest, Rest::Park(Some(_))) {
        worker = work(worker).0;
    }
    assert!(!desk.pop(put), "somebody has come");
    assert!(counted.fork.is_done());
    assert_eq!(counted.ran.load(Relaxed), 1);
    stage.pool.leave_guest(number);
    drop(worker);
}

#[test]
fn a_fork_meets_a_worker_that_falls_asleep() {
    model(2, || a_fork_and_a_worker_that_falls_asleep(false));
}

#[test]
fn a_fork_of_an_eager_desk_meets_a_worker_that_falls_asleep() {
    model(2, || a_fork_and_a_worker_that_falls_asleep(true));
}

#[test]
fn a_fork_meets_the_end_of_the_pool() {
    model(1, || {
        let stage = Stage::new(LONG, 1, 0);
        let worker = stage.enlist();
        let works = thread::spawn(move || work(worker));
        let closes = stage.spawn(|pool| pool.set_phase(Phase::Draining));
        let (number, desk) = guest(stage.pool);
        let counted = Counted::new(number, desk);
        let (put, _) = counted.show(stage.pool, desk);
        if desk.pop(put) {
            assert_eq!(counted.ran.load(Relaxed), 0);
        } else {
            while !counted.fork.is_done() {
                thread::yield_now();
            }
            assert_eq!(counted.ran.load(Relaxed), 1);
        }
        closes.join().unwrap();
        let (worker, rest, _) = works.join().unwrap();
        if matches!(rest, Rest::Park(_)) {
            assert!(matches!(work(worker).1, Rest::Exit { last: true, .. }), "it is woken, and ends");
        }
        stage.pool.leave_guest(number);
    });
}

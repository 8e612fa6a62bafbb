//! How many workers are wanted changes, and workers end that have nothing to do, while jobs come.

use std::vec::Vec;

use super::stage::{Stage, rested};
use super::{LONG, model};
use crate::host::Tick;
use crate::pool::{Account, Duty};

/// One works, one sleeps, and from now on one is enough.
#[test]
fn a_submit_meets_fewer_workers() {
    model(1, || {
        let stage = Stage::new(LONG, 2, 0);
        let sleeper = stage.asleep();
        let worker = stage.spawn_worker(stage.enlist());
        let changes = stage.spawn(|pool| wanted(pool, 1));
        let (_, duty) = stage.pool.submit(0).unwrap();
        let (mut resting, mut duties) = rested([worker]);
        resting.push(sleeper);
        duties.extend(changes.join().unwrap());
        duties.push(duty);
        stage.perform(&mut resting, &mut duties);
        assert_eq!(stage.pool.state().alive(), 1, "one is left");
        stage.settle(resting, duties);
        stage.assert_over(&[1], Account { accepted: 1, done: 1, ..Account::default() });
    });
}

/// Nobody is wanted, and then somebody is.
#[test]
fn a_submit_meets_a_first_worker() {
    model(2, || {
        let stage = Stage::new(LONG, 1, 0);
        assert!(wanted(stage.pool, 0).is_empty());
        let other = stage.spawn_submit(0);
        let mut duties = wanted(stage.pool, 1);
        duties.push(other.join().unwrap().1);
        stage.settle(Vec::new(), duties);
        stage.assert_over(&[1], Account { accepted: 1, done: 1, ..Account::default() });
    });
}

/// A worker falls asleep while nobody is wanted any more.
#[test]
fn a_worker_that_falls_asleep_is_not_wanted_any_more() {
    model(2, || {
        let stage = Stage::new(LONG, 1, 0);
        let worker = stage.spawn_worker(stage.enlist());
        let mut duties = wanted(stage.pool, 0);
        let (mut resting, more) = rested([worker]);
        duties.extend(more);
        stage.perform(&mut resting, &mut duties);
        assert_eq!(stage.pool.state().alive(), 0, "nobody is left");
    });
}

/// Nobody is wanted any more while a job is there, and then somebody is.
#[test]
fn a_worker_leaves_a_job_behind_and_another_is_wanted() {
    model(2, || {
        let stage = Stage::new(LONG, 1, 0);
        assert!(wanted(stage.pool, 0).is_empty());
        let (_, duty) = stage.pool.submit(0).unwrap();
        assert_eq!(duty, Duty::Nothing);
        let worker = stage.spawn_worker(stage.enlist());
        let mut duties = wanted(stage.pool, 1);
        let (resting, more) = rested([worker]);
        duties.extend(more);
        stage.settle(resting, duties);
        stage.assert_over(&[1], Account { accepted: 1, done: 1, ..Account::default() });
    });
}

/// It has had nothing to do for long, and gets up to end.
#[test]
fn a_submit_meets_a_worker_that_ends_because_it_was_idle() {
    model(3, || {
        let stage = Stage::keeping(1, 0, 0);
        let sleeper = stage.asleep();
        assert_eq!(sleeper.deadline, Some(Tick(1)));
        let worker = stage.spawn_worker(sleeper.worker);
        let (_, duty) = stage.pool.submit(0).unwrap();
        let (resting, mut duties) = rested([worker]);
        duties.push(duty);
        stage.settle(resting, duties);
        stage.assert_over(&[1], Account { accepted: 1, done: 1, ..Account::default() });
    });
}

#[test]
fn two_workers_end_because_they_were_idle_and_one_stays() {
    model(2, || {
        let stage = Stage::keeping(2, 1, 0);
        let sleepers = [stage.enlist(), stage.enlist()].map(|worker| stage.rest(worker).0);
        let up = sleepers.map(|sleeper| stage.spawn_worker(sleeper.worker));
        let (resting, duties) = rested(up);
        assert_eq!(duties, []);
        let parked: Vec<_> = resting.iter().filter(|resting| resting.parked).collect();
        assert_eq!((parked.len(), stage.pool.state().alive()), (1, 1));
        assert_eq!(parked[0].deadline, None, "it stays, and does not get up again");
    });
}

/// One has minded it so far, and both have had nothing to do for long.
#[test]
fn a_timer_meets_two_workers_that_were_idle() {
    model(1, || {
        let stage = Stage::keeping(2, 0, 0);
        let sleepers = [stage.enlist(), stage.enlist()].map(|worker| stage.rest(worker).0);
        let up = sleepers.map(|sleeper| stage.spawn_worker(sleeper.worker));
        let (_, duty) = stage.pool.submit_at(0, false, Tick(50), None).unwrap();
        let (mut resting, mut duties) = rested(up);
        duties.push(duty);
        stage.perform(&mut resting, &mut duties);
        assert!(resting.iter().any(|resting| resting.deadline == Some(Tick(50))), "somebody wakes in time");
        assert_eq!(stage.pool.audit(), Ok(()));
        stage.assert_over(&[0], Account { accepted: 1, waiting: 1, ..Account::default() });
    });
}

/// From now on so many workers are wanted. Returns what is to be done.
fn wanted(pool: &super::Grown, workers: usize) -> Vec<Duty> {
    let mut duties = Vec::new();
    pool.want(workers, &mut |duty| duties.push(duty)).unwrap();
    duties
}

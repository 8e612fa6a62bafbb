//! Visitors: workers that come and go as they please, one more than wanted.

use std::vec;
use std::vec::Vec;

use ::loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::stage::{Resting, Stage, rest, rested};
use super::{Grown, LONG, model};
use crate::end::End;
use crate::pool::{Account, Duty};
use crate::state::Phase;
use crate::worker::Next;

/// Comes, runs one job if there is one, and goes.
fn visit(pool: &'static Grown, ran: &[AtomicUsize; 4]) -> Vec<Duty> {
    let mut visitor = pool.visit().expect("a seat is free");
    let mut duties = Vec::new();
    if let Next::Run { payload, running, duty } = visitor.next() {
        duties.push(duty);
        ran[payload].fetch_add(1, Relaxed);
        duties.push(pool.end(&running, End::Done, None).1);
    }
    duties.push(visitor.leave());
    duties
}

/// The only worker is wanted as before when the visitor is gone, and sees what that one has left.
#[test]
fn two_jobs_meet_a_visitor_that_runs_one() {
    model(1, || {
        let stage = Stage::new(LONG, 1, 1);
        let sleeper = stage.asleep();
        let ran = stage.ran.clone();
        let visitor = stage.spawn(move |pool| visit(pool, &ran));
        let mut duties = vec![stage.pool.submit(0).unwrap().1, stage.pool.submit(1).unwrap().1];
        duties.extend(visitor.join().unwrap());
        assert_eq!((stage.pool.wanted(), stage.pool.size().target), (1, 1));
        let mut resting = vec![sleeper];
        stage.perform(&mut resting, &mut duties);
        assert_eq!(stage.pool.state().alive(), 1, "nobody has made way for the visitor");
        stage.settle(resting, duties);
        stage.assert_over(&[1, 1], Account { accepted: 2, done: 2, ..Account::default() });
    });
}

/// It sees one too many for a moment, and stays.
#[test]
fn a_worker_falls_asleep_while_a_visitor_goes() {
    model(2, || {
        let stage = Stage::new(LONG, 1, 1);
        let visitor = stage.pool.visit().expect("a seat is free");
        let worker = stage.spawn_worker(stage.enlist());
        let mut duties = vec![visitor.leave()];
        let (mut resting, more) = rested([worker]);
        duties.extend(more);
        stage.perform(&mut resting, &mut duties);
        assert!(resting[0].parked, "it has made way for the visitor");
        stage.settle(resting, duties);
    });
}

/// Where nobody is wanted one visitor sleeps, another comes and goes: what that one has not seen wakes the first.
#[test]
fn a_job_meets_a_visitor_that_sleeps_and_one_that_goes() {
    model(2, || {
        let stage = Stage::new(LONG, 0, 2);
        let (sleeper, duties) = stage.rest(stage.pool.visit().expect("a seat is free"));
        assert!(sleeper.parked && duties.is_empty());
        let ran = stage.ran.clone();
        let visitor = stage.spawn(move |pool| visit(pool, &ran));
        let mut duties = vec![stage.pool.submit(0).unwrap().1];
        duties.extend(visitor.join().unwrap());
        assert!(!duties.contains(&Duty::Start), "nobody is wanted");
        stage.settle(vec![sleeper], duties);
        stage.assert_over(&[1], Account { accepted: 1, done: 1, ..Account::default() });
    });
}

/// One falls asleep while another goes that has seen nothing.
#[test]
fn a_job_meets_one_that_falls_asleep_and_one_that_goes() {
    model(1, || {
        let stage = Stage::new(LONG, 0, 2);
        let stays = stage.spawn_worker(stage.pool.visit().expect("a seat is free"));
        let goes = stage.spawn(|pool| {
            let visitor = pool.visit().expect("a seat is free");
            visitor.leave()
        });
        let mut duties = vec![stage.pool.submit(0).unwrap().1];
        let (resting, more) = rested([stays]);
        duties.extend(more);
        duties.push(goes.join().unwrap());
        stage.settle(resting, duties);
        stage.assert_over(&[1], Account { accepted: 1, done: 1, ..Account::default() });
    });
}

/// Fewer are wanted while a visitor is there: it stays, the worker goes.
#[test]
fn nobody_is_wanted_any_more_while_somebody_visits() {
    model(2, || {
        let stage = Stage::new(LONG, 1, 1);
        let worker = stage.asleep();
        let ran = stage.ran.clone();
        let visitor = stage.spawn(move |pool| rest(pool, pool.visit().expect("a seat is free"), &ran));
        let mut duties = Vec::new();
        stage.pool.want(0, &mut |duty| duties.push(duty)).unwrap();
        let (visitor, more) = visitor.join().unwrap();
        duties.extend(more);
        let seat = visitor.worker.seat();
        let mut resting = vec![worker, visitor];
        stage.perform(&mut resting, &mut duties);
        let left: Vec<_> = resting.into_iter().filter(|resting| resting.parked).collect();
        assert!(matches!(&left[..], [Resting { worker, .. }] if worker.seat() == seat), "the visitor is left");
        assert_eq!((stage.pool.wanted(), stage.pool.state().alive()), (0, 1));
        for visitor in left {
            assert_eq!(visitor.worker.leave(), Duty::Nothing);
        }
        assert_eq!((stage.pool.size().target, stage.pool.state().alive()), (0, 0));
    });
}

/// What the last job submits it leaves to the one that stays, which is told when there is nothing more.
#[test]
fn the_last_job_of_a_closed_pool_meets_one_that_stays() {
    model(1, || {
        let stage = Stage::new(LONG, 0, 2);
        let mut goes = stage.pool.visit().expect("a seat is free");
        let mut duties = vec![stage.pool.submit(0).unwrap().1];
        let Next::Run { running, duty, .. } = goes.next() else { panic!("there is a job") };
        duties.push(duty);
        stage.pool.set_phase(Phase::Draining);
        let mut stays = stage.pool.visit().expect("a seat is free");
        stays.stay();
        let stays = stage.spawn_worker(stays);
        duties.push(stage.pool.submit_from(goes.seat(), 1).unwrap().1);
        duties.push(stage.pool.end(&running, End::Done, None).1);
        duties.push(goes.leave());
        let (resting, more) = rested([stays]);
        duties.extend(more);
        stage.settle(resting, duties);
        stage.assert_over(&[0, 1], Account { accepted: 2, done: 2, ..Account::default() });
        assert_eq!(stage.pool.state().alive(), 0, "it has been told");
    });
}

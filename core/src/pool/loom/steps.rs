//! Submits, claims, thieves: each job runs once.

use ::loom::sync::Arc;
use ::loom::sync::atomic::Ordering::Relaxed;
use ::loom::thread;
use std::vec::Vec;

use super::stage::{RUN, Resting, Seated, Stage, rest_after, rested};
use super::{Grown, LONG, SHORT, model};
use crate::end::End;
use crate::pool::{Account, Cancelled, Duty, Pool};
use crate::slots::Slots;
use crate::state::Phase;
use crate::storage::Fixed;
use crate::worker::Next;

#[test]
fn a_submit_meets_a_worker_that_falls_asleep() {
    model(3, || {
        let stage = Stage::new(LONG, 1, 0);
        let worker = stage.spawn_worker(stage.enlist());
        let (_, duty) = stage.pool.submit(0).unwrap();
        let (resting, mut duties) = rested([worker]);
        duties.push(duty);
        stage.settle(resting, duties);
        stage.assert_over(&[1], Account { accepted: 1, done: 1, ..Account::default() });
    });
}

#[test]
fn a_submit_to_fixed_storage_meets_a_worker_that_falls_asleep() {
    model(3, || {
        let pool = Arc::new(Pool::<usize, _, Fixed<usize, 2, 1, 2>>::fixed(LONG));
        let worker = {
            let pool = pool.clone();
            thread::spawn(move || {
                let mut worker = pool.enlist().expect("a seat is free");
                let next = worker.next();
                // It would leave the pool, and somebody would be called.
                core::mem::forget(worker);
                // It naps until what it has claimed is published.
                matches!(next, Next::Run { payload: 0, .. } | Next::Park(Some(_)))
            })
        };
        let (_, duty) = pool.submit(0).unwrap();
        assert!(worker.join().unwrap() || duty != Duty::Nothing, "a job is left and nobody looks");
    });
}

#[test]
fn the_last_job_meets_the_last_of_two_that_fall_asleep() {
    model(3, || {
        let stage = Stage::new(LONG, 2, 0);
        let first = stage.asleep();
        let worker = stage.spawn_worker(stage.enlist());
        let (_, duty) = stage.pool.submit(0).unwrap();
        let (mut resting, mut duties) = rested([worker]);
        resting.push(first);
        duties.push(duty);
        stage.settle(resting, duties);
        stage.assert_over(&[1], Account { accepted: 1, done: 1, ..Account::default() });
    });
}

#[test]
fn two_submits_meet_two_sleepers() {
    model(3, || {
        let stage = Stage::new(LONG, 2, 0);
        let resting = Vec::from([stage.asleep(), stage.asleep()]);
        let other = stage.spawn_submit(1);
        let (_, duty) = stage.pool.submit(0).unwrap();
        let duties = Vec::from([duty, other.join().unwrap().1]);
        assert!(duties.iter().any(|duty| matches!(duty, Duty::Wake(_))));
        stage.settle(resting, duties);
        stage.assert_over(&[1, 1], Account { accepted: 2, done: 2, ..Account::default() });
    });
}

#[test]
fn two_workers_run_each_job_once() {
    model(1, || {
        let stage = Stage::new(LONG, 2, 0);
        for job in 0..2 {
            let _ = stage.pool.submit(job).unwrap();
        }
        let first = stage.spawn_worker(stage.pool.attach().unwrap());
        let (second, duties) = stage.rest(stage.enlist());
        let (mut resting, more) = rested([first]);
        resting.push(second);
        stage.settle(resting, duties.into_iter().chain(more).collect());
        stage.assert_over(&[1, 1], Account { accepted: 2, done: 2, ..Account::default() });
    });
}

#[test]
fn two_workers_claim_by_the_dozen_and_run_each_job_once() {
    model(1, || {
        let stage = Stage::new(SHORT, 2, 0);
        let owner = stage.used_to_short_jobs();
        for job in 0..2 {
            let _ = stage.pool.submit(job).unwrap();
        }
        // It claims both, unless the other comes first.
        let owner = stage.spawn_worker(owner);
        let (other, duties) = stage.rest(stage.enlist());
        let (mut resting, more) = rested([owner]);
        resting.push(other);
        stage.settle(resting, duties.into_iter().chain(more).collect());
        stage.assert_over(&[1, 1], Account { accepted: RUN + 2, done: RUN + 2, ..Account::default() });
    });
}

#[test]
fn a_batch_meets_a_worker_that_falls_asleep() {
    model(2, || {
        let stage = Stage::new(LONG, 1, 0);
        let worker = stage.spawn_worker(stage.enlist());
        let mut jobs = [Some(0), Some(1)];
        let (ids, duty) = stage.pool.submit_all(&mut jobs);
        assert_eq!((ids.len(), jobs), (2, [None; 2]));
        let (resting, mut duties) = rested([worker]);
        duties.push(duty);
        stage.settle(resting, duties);
        stage.assert_over(&[1, 1], Account { accepted: 2, done: 2, ..Account::default() });
    });
}

/// A thread on which a worker notes what it runs until it rests.
fn spawn_noting(stage: &Stage, worker: Seated) -> thread::JoinHandle<(Seated, Vec<usize>)> {
    stage.spawn(move |pool| note(pool, worker, Vec::new()))
}

fn note(pool: &Grown, mut worker: Seated, mut ran: Vec<usize>) -> (Seated, Vec<usize>) {
    while let Next::Run { payload, running, .. } = worker.next() {
        ran.push(payload);
        let _ = pool.end(&running, End::Done, None);
    }
    (worker, ran)
}

#[test]
fn a_worker_alone_begins_the_jobs_of_one_producer_in_their_order() {
    model(2, || {
        let stage = Stage::new(LONG, 1, 0);
        let worker = spawn_noting(&stage, stage.enlist());
        for job in 0..2 {
            let _ = stage.pool.submit(job).unwrap();
        }
        let (worker, ran) = worker.join().unwrap();
        let (_, ran) = note(stage.pool, worker, ran);
        assert_eq!(ran, [0, 1]);
    });
}

#[test]
fn a_worker_alone_begins_the_jobs_of_a_batch_in_their_order() {
    model(2, || {
        let stage = Stage::new(SHORT, 1, 0);
        let worker = spawn_noting(&stage, stage.used_to_short_jobs());
        assert_eq!(stage.pool.submit_all(&mut [Some(0), Some(1), Some(2)]).0.len(), 3);
        let (worker, ran) = worker.join().unwrap();
        let (_, ran) = note(stage.pool, worker, ran);
        assert_eq!(ran, [0, 1, 2]);
    });
}

/// Some run, and some come back.
#[test]
fn a_batch_meets_the_close() {
    model(1, || {
        let stage = Stage::new(LONG, 1, 0);
        let worker = stage.spawn_worker(stage.enlist());
        let closes = stage.spawn(|pool| {
            pool.set_phase(Phase::Draining);
            core::iter::from_fn(|| pool.next_sleeper().map(Duty::Wake)).collect::<Vec<_>>()
        });
        let mut jobs = [Some(0), Some(1)];
        let (_, duty) = stage.pool.submit_all(&mut jobs);
        let (resting, mut duties) = rested([worker]);
        duties.extend(closes.join().unwrap());
        duties.push(duty);
        stage.settle(resting, duties);
        stage.assert_ran(&jobs.map(|job| usize::from(job.is_none())));
        let Account { accepted, done, handed_back, .. } = stage.pool.account();
        assert_eq!((accepted, done), (done + handed_back, jobs.iter().filter(|job| job.is_none()).count()));
    });
}

/// Each sees that the other works, and leaves what comes to it: the last one does not.
#[test]
fn two_step_aside_from_one_job() {
    model(1, || {
        let stage = Stage::new(SHORT, 2, 0);
        let mut workers = [stage.used_to_short_jobs(), stage.used_to_short_jobs()];
        let begun: Vec<_> = workers
            .each_mut()
            .into_iter()
            .enumerate()
            .map(|(job, worker)| {
                // The first wakes the second worker, who looks below.
                let _ = stage.pool.submit(job).unwrap();
                let Next::Run { payload, running, duty: Duty::Nothing } = worker.next() else { panic!("its job") };
                assert_eq!(payload, job);
                running
            })
            .collect();
        let (_, duty) = stage.pool.submit(2).unwrap();
        let threads = begun.into_iter().zip(workers).map(|(running, mut worker)| {
            let ran = stage.ran.clone();
            stage.spawn(move |pool| {
                let (_, duty) = pool.end(&running, End::Done, None);
                let next = worker.next();
                let (worker, mut duties) = rest_after(pool, worker, next, &ran);
                duties.push(duty);
                (worker, duties)
            })
        });
        let threads: Vec<_> = threads.collect();
        let (mut resting, mut duties) = rested(threads);
        duties.push(duty);
        // Before the time of one that naps has come.
        stage.perform(&mut resting, &mut duties);
        assert_eq!(stage.pool.pending(), 0, "all sleep, and a job is left");
        stage.settle(resting, duties);
        let all = 2 * RUN + 3;
        stage.assert_over(&[0, 0, 1], Account { accepted: all, done: all, ..Account::default() });
    });
}

#[test]
fn a_thief_splits_a_claim() {
    model(3, || {
        let stage = Stage::new(SHORT, 2, 0);
        let mut owner = stage.used_to_short_jobs();
        for job in 0..2 {
            let _ = stage.pool.submit(job).unwrap();
        }
        // It claims both and stands before the first; the second worker, whom it has asked for, looks around.
        let Next::Run { payload: 0, running, duty: Duty::Start } = owner.next() else { panic!("the first job") };
        assert_eq!(stage.pool.main().unclaimed(), 0);
        let mut thief = stage.pool.attach().unwrap();
        let thief = stage.spawn(move |_| {
            let next = thief.next();
            (thief, next)
        });
        stage.ran[0].fetch_add(1, Relaxed);
        let (_, end) = stage.pool.end(&running, End::Done, None);
        let next = owner.next();
        let (thief, found) = thief.join().unwrap();
        let (owner, mut duties) = stage.rest_after(owner, next);
        let (thief, more) = stage.rest_after(thief, found);
        duties.extend(more);
        duties.push(end);
        stage.settle(Vec::from([owner, thief]), duties);
        stage.assert_over(&[1, 1], Account { accepted: RUN + 2, done: RUN + 2, ..Account::default() });
    });
}

#[test]
fn a_thief_reads_an_offer_while_its_owner_goes_on_to_the_next_run() {
    model(3, || {
        let stage = Stage::new(SHORT, 2, 0);
        let pool = stage.pool;
        let _ = pool.submit(0).unwrap();
        let late = pool.main().reserve().unwrap();
        let _ = pool.submit(1).unwrap();
        let mut owner = pool.attach().unwrap();
        let Next::Run { payload: 0, running, duty: Duty::Start } = owner.next() else { panic!("the first job") };
        stage.ran[0].fetch_add(1, Relaxed);
        let (_, end) = pool.end(&running, End::Done, None);
        // It goes on at the position that the producer has not published, puts it aside, and claims from the next run.
        let owner = stage.spawn(move |_| match owner.next() {
            Next::Run { payload, running, duty } => (owner, payload, running, duty),
            _ => panic!("there is another job"),
        });
        // SAFETY: reserved above, and published once.
        unsafe { pool.main().slots().publish(late, 2) };
        let inside = pool.inside();
        if let Some((0, start, len)) = pool.unstarted(inside.pinned(), &pool.seats()[0], false) {
            assert!(len > 0 && start / RUN == (start + len - 1) / RUN, "{len} from {start}: a claim lies in one run");
        }
        drop(inside);
        let (owner, payload, running, duty) = owner.join().unwrap();
        stage.ran[payload].fetch_add(1, Relaxed);
        let (_, ended) = pool.end(&running, End::Done, None);
        let demand = pool.demand();
        let (owner, mut duties) = stage.rest(owner);
        duties.extend([Duty::Start, end, duty, ended, demand]);
        stage.settle(Vec::from([owner]), duties);
        stage.assert_over(&[1; 3], Account { accepted: 3, done: 3, ..Account::default() });
    });
}

#[test]
fn a_canceller_and_a_worker_want_the_same_job() {
    model(4, || {
        let stage = Stage::new(LONG, 1, 0);
        let (id, duty) = stage.pool.submit(0).unwrap();
        assert_eq!(duty, Duty::Start);
        let worker = stage.spawn_worker(stage.pool.attach().unwrap());
        let removed = match stage.pool.cancel(id) {
            Cancelled::Removed(_) => 1,
            Cancelled::Stopping => 0,
            Cancelled::TooLate => {
                assert_eq!(stage.ran[0].load(Relaxed), 1, "too late is only what has ended");
                0
            }
        };
        let (resting, duties) = rested([worker]);
        stage.settle(resting, duties);
        let account = Account { accepted: 1, done: 1 - removed, cancelled: removed, ..Account::default() };
        stage.assert_over(&[1 - removed], account);
    });
}

#[test]
fn two_cancel_one_job() {
    model(4, || {
        let stage = Stage::new(LONG, 1, 0);
        let (id, duty) = stage.pool.submit(0).unwrap();
        let other = stage.spawn(move |pool| matches!(pool.cancel(id), Cancelled::Removed(0)));
        let removed = matches!(stage.pool.cancel(id), Cancelled::Removed(0));
        assert!(removed != other.join().unwrap(), "one of the two has removed it");
        stage.settle(Vec::new(), Vec::from([duty]));
        stage.assert_over(&[0], Account { accepted: 1, cancelled: 1, ..Account::default() });
    });
}

#[test]
fn a_joiner_takes_its_own_job_or_a_worker_has_it() {
    model(1, || {
        let stage = Stage::new(LONG, 2, 0);
        let _ = stage.pool.submit(0).unwrap();
        let mut first = stage.pool.attach().unwrap();
        let Next::Run { running, duty: Duty::Nothing, .. } = first.next() else { panic!("the first job") };
        // Inside the first job: another one, which it then joins.
        let (id, duty) = stage.pool.submit_from(first.seat(), 1).unwrap();
        assert_eq!(duty, Duty::Start);
        let other = stage.spawn_worker(stage.pool.attach().unwrap());
        if let Some((job, running)) = stage.pool.take_inside(first.seat(), id) {
            stage.ran[job].fetch_add(1, Relaxed);
            let _ = stage.pool.end(&running, End::Done, None);
        }
        stage.ran[0].fetch_add(1, Relaxed);
        let (_, end) = stage.pool.end(&running, End::Done, None);
        let (one, mut duties) = stage.rest(first);
        let (mut resting, more) = rested([other]);
        resting.push(one);
        duties.extend(more);
        duties.push(end);
        stage.settle(resting, duties);
        stage.assert_over(&[1, 1], Account { accepted: 2, done: 2, ..Account::default() });
    });
}

#[test]
fn a_wake_up_meets_the_end_of_a_sleep() {
    model(3, || {
        let stage = Stage::new(LONG, 1, 0);
        let Resting { worker: sleeper, .. } = stage.asleep();
        // A spurious return from the park, and a submit.
        let getting_up = stage.spawn_worker(sleeper);
        let (_, duty) = stage.pool.submit(0).unwrap();
        let (resting, mut duties) = rested([getting_up]);
        duties.push(duty);
        stage.settle(resting, duties);
        stage.assert_over(&[1], Account { accepted: 1, done: 1, ..Account::default() });
    });
}

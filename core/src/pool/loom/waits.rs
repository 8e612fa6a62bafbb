//! Who sleeps against timers and urgent jobs; jobs that wait inside jobs; what a worker has claimed and nobody has begun.

use ::loom::sync::atomic::Ordering::SeqCst;
use std::vec::Vec;

use super::stage::{Resting, Stage, rested};
use super::{LONG, model};
use crate::end::End;
use crate::host::Tick;
use crate::pool::{Account, Cancelled, Duty};
use crate::slots::Slots;
use crate::worker::Next;

#[test]
fn a_timer_meets_a_worker_that_falls_asleep() {
    model(3, || {
        let stage = Stage::new(LONG, 1, 0);
        let worker = stage.spawn_worker(stage.enlist());
        let (_, duty) = stage.pool.submit_at(0, false, Tick(50), None).unwrap();
        let (mut resting, mut duties) = rested([worker]);
        duties.push(duty);
        stage.perform(&mut resting, &mut duties);
        assert_eq!(resting[0].deadline, Some(Tick(50)), "somebody wakes in time");
        assert_eq!(stage.pool.audit(), Ok(()));
        stage.assert_over(&[0], Account { accepted: 1, waiting: 1, ..Account::default() });
    });
}

#[test]
fn an_earlier_timer_meets_the_deadline_of_the_sentinel() {
    model(3, || {
        let stage = Stage::new(LONG, 2, 0);
        let _ = stage.pool.submit_at(0, false, Tick(90), None).unwrap();
        let sentinel = stage.pool.attach().map(|worker| stage.rest(worker).0).unwrap();
        assert_eq!(sentinel.deadline, Some(Tick(90)));
        // The sentinel gets up by itself while the new timer wants to wake it.
        let getting_up = stage.spawn_worker(sentinel.worker);
        let (_, duty) = stage.pool.submit_at(1, false, Tick(50), None).unwrap();
        let (mut resting, mut duties) = rested([getting_up]);
        duties.push(duty);
        stage.perform(&mut resting, &mut duties);
        assert!(resting.iter().any(|resting| resting.deadline == Some(Tick(50))), "somebody wakes in time");
        assert_eq!(stage.pool.audit(), Ok(()));
        stage.assert_over(&[0, 0], Account { accepted: 2, waiting: 2, ..Account::default() });
    });
}

#[test]
fn urgent_jobs_are_popped_once_whoever_pushes_and_pops() {
    model(2, || {
        let stage = Stage::new(LONG, 1, 0);
        let _ = stage.pool.submit_first(0, false).unwrap();
        let worker = stage.spawn_worker(stage.pool.attach().unwrap());
        let (id, duty) = stage.pool.submit_first(1, false).unwrap();
        let removed = usize::from(matches!(stage.pool.cancel(id), Cancelled::Removed(1)));
        let (resting, mut duties) = rested([worker]);
        duties.push(duty);
        stage.settle(resting, duties);
        let account = Account { accepted: 2, done: 2 - removed, cancelled: removed, ..Account::default() };
        stage.assert_over(&[1, 1 - removed], account);
    });
}

#[test]
fn a_job_of_a_blocked_worker_is_run_by_a_stand_in() {
    model(3, || {
        let stage = Stage::new(LONG, 1, 1);
        let _ = stage.pool.submit(0).unwrap();
        let mut worker = stage.pool.attach().unwrap();
        let Next::Run { running, .. } = worker.next() else { panic!("the first job") };
        // While the job begins to wait another job comes.
        let other = stage.spawn_submit(1);
        let block = stage.pool.block().expect("there is a spare seat");
        let duties = Vec::from([block, other.join().unwrap().1]);
        assert_eq!(duties.iter().filter(|duty| **duty == Duty::Start).count(), 1, "one stand-in");
        let (stand_in, more) = stage.rest(stage.pool.attach().unwrap());
        stage.assert_ran(&[0, 1]);
        stage.pool.unblock();
        stage.ran[0].fetch_add(1, SeqCst);
        let (_, end) = stage.pool.end(&running, End::Done, None);
        let (one, mut duties) = stage.rest(worker);
        duties.extend(more);
        duties.push(end);
        stage.settle(Vec::from([one, stand_in]), duties);
        stage.assert_over(&[1, 1], Account { accepted: 2, done: 2, ..Account::default() });
    });
}

#[test]
fn a_stand_in_leaves_while_the_job_that_it_stood_in_for_waits_for_a_timer() {
    model(2, || {
        let stage = Stage::new(LONG, 1, 1);
        let pool = stage.pool;
        let _ = pool.submit(0).unwrap();
        let mut worker = pool.attach().unwrap();
        let Next::Run { payload: 0, running, duty: Duty::Nothing } = worker.next() else { panic!("the job") };
        // Its job has waited for something, and goes on: now there is one worker more than wanted, who looks for work.
        let (_, asked) = (pool.block(), pool.demand());
        assert_eq!(asked, Duty::Start);
        let stand_in = pool.attach().unwrap();
        pool.unblock();
        let stand_in = stage.spawn_worker(stand_in);
        let (_, added) = pool.submit_at(1, true, Tick(1), None).unwrap();
        let waits = pool.block().expect("there is a seat for another");
        let (mut resting, mut duties) = rested([stand_in]);
        duties.extend([added, waits]);
        stage.perform(&mut resting, &mut duties);
        // One that sleeps until then gets up by itself.
        stage.go_on(&mut resting, &mut duties, |resting| resting.deadline.is_some());
        stage.perform(&mut resting, &mut duties);
        stage.assert_ran(&[0, 1]);
        pool.unblock();
        let (_, ended) = pool.end(&running, End::Done, None);
        let (worker, more) = stage.rest(worker);
        resting.push(worker);
        duties.extend(more);
        duties.push(ended);
        stage.settle(resting, duties);
        stage.assert_over(&[0, 1], Account { accepted: 2, done: 2, ..Account::default() });
    });
}

#[test]
fn a_job_whose_position_is_put_aside_does_not_wait_for_a_long_one() {
    model(3, || {
        let stage = Stage::new(LONG, 2, 0);
        let pool = stage.pool;
        let mut resting = Vec::from([stage.asleep()]);
        let mut worker = stage.enlist();
        let late = pool.main().reserve().unwrap();
        let worker = stage.spawn(move |_| {
            let next = worker.next();
            (worker, next)
        });
        let (_, one) = pool.submit(0).unwrap();
        // SAFETY: reserved above, and published once.
        unsafe { pool.main().slots().publish(late, 1) };
        // The rest of that submit.
        let other = pool.call(false);
        let (worker, next) = worker.join().unwrap();
        let mut duties = Vec::from([one, other]);
        match next {
            Next::Run { payload, running, duty } => {
                stage.ran[payload].fetch_add(1, SeqCst);
                duties.push(duty);
                stage.perform(&mut resting, &mut duties);
                // While the first one runs.
                stage.assert_ran(&[1, 1]);
                duties.push(pool.end(&running, End::Done, None).1);
                let (worker, more) = stage.rest(worker);
                resting.push(worker);
                duties.extend(more);
            }
            Next::Park(deadline) => resting.push(Resting { worker, parked: true, deadline }),
            Next::Exit { .. } => panic!("the pool is open"),
        }
        stage.settle(resting, duties);
        stage.assert_over(&[1, 1], Account { accepted: 2, done: 2, ..Account::default() });
    });
}

//! Who sleeps against timers and urgent jobs; jobs that wait inside jobs; what a worker has claimed and nobody has begun.

use ::loom::sync::atomic::Ordering::Relaxed;
use std::vec::Vec;

use super::stage::{RUN, Resting, Seated, Stage, rested};
use super::{LONG, SHORT, model};
use crate::end::End;
use crate::host::Tick;
use crate::pool::{Account, Cancelled, Duty};
use crate::running::Running;
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

/// It falls due for somebody who is no worker, and who wakes nobody.
#[test]
fn a_timer_that_falls_due_meets_a_worker_that_falls_asleep() {
    model(3, || {
        let stage = Stage::new(LONG, 1, 0);
        let (_, duty) = stage.pool.submit_at(0, false, Tick(1), None).unwrap();
        assert_eq!((stage.pool.timers(), duty), (1, Duty::Start), "it is due, and nobody has looked");
        let worker = stage.spawn_worker(stage.pool.attach().unwrap());
        stage.pool.expire();
        let (resting, duties) = rested([worker]);
        stage.settle(resting, duties);
        stage.assert_over(&[1], Account { accepted: 1, done: 1, ..Account::default() });
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
    model(4, || {
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
        stage.ran[0].fetch_add(1, Relaxed);
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
        stage.perform_in_time(&mut resting, &mut duties);
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
                stage.ran[payload].fetch_add(1, Relaxed);
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

/// While `owner` runs a long job, the job at `late`, which it has claimed and left, is published, and the other worker falls
/// asleep once more. To publish is no barrier: who does so may see that somebody searches, and call nobody, while the searcher
/// does not see what was published.
fn published_behind_a_long_job(stage: &Stage, owner: Seated, running: &Running, late: usize) {
    let pool = stage.pool;
    let (napper, _) = stage.rest(pool.attach().expect("it was asked for"));
    assert!(napper.deadline.is_some(), "something is to come");
    // In a nap no job has ended: whatever was measured before, jobs are long.
    let searcher = stage.spawn_worker(napper.worker);
    // SAFETY: the caller has reserved it, and it is published once.
    unsafe { pool.main().slots().publish(late, 1) };
    // The rest of that submit.
    let duty = pool.call(false);
    let (mut resting, mut duties) = rested([searcher]);
    duties.push(duty);
    stage.perform_in_time(&mut resting, &mut duties);
    stage.assert_ran(&[0, 1]);
    stage.end_and_settle(owner, running, resting, duties);
}

#[test]
fn a_claimed_job_is_published_behind_a_long_one_while_another_worker_falls_asleep() {
    model(3, || {
        let stage = Stage::new(SHORT, 2, 0);
        let mut owner = stage.used_to_short_jobs();
        let _ = stage.pool.submit(0).unwrap();
        let late = stage.pool.main().reserve().unwrap();
        let Next::Run { payload: 0, running, duty: Duty::Start } = owner.next() else { panic!("the first job") };
        assert_eq!(stage.pool.main().unclaimed(), 0, "it has claimed both");
        published_behind_a_long_job(&stage, owner, &running, late);
        stage.assert_over(&[0, 1], Account { accepted: RUN + 2, done: RUN + 2, ..Account::default() });
    });
}

/// While one worker runs, and jobs are known to be short, the other falls asleep for a nap; a submit that sees both calls nobody. The
/// job that runs turns out long: the other finds what was submitted when its nap is over.
#[test]
fn a_submit_meets_a_worker_that_naps_while_another_goes_on() {
    model(2, || {
        let stage = Stage::new(SHORT, 2, 0);
        let mut owner = stage.used_to_short_jobs();
        let _ = stage.pool.submit(0).unwrap();
        let Next::Run { payload: 0, running, .. } = owner.next() else { panic!("the first job") };
        let napper = stage.spawn_worker(stage.enlist());
        let (_, duty) = stage.pool.submit(1).unwrap();
        let (mut resting, mut duties) = rested([napper]);
        duties.push(duty);
        stage.perform_in_time(&mut resting, &mut duties);
        stage.assert_ran(&[0, 1]);
        stage.end_and_settle(owner, &running, resting, duties);
        stage.assert_over(&[0, 1], Account { accepted: RUN + 2, done: RUN + 2, ..Account::default() });
    });
}

#[test]
fn a_job_put_aside_is_published_behind_a_long_one_while_another_worker_falls_asleep() {
    model(3, || {
        let stage = Stage::new(LONG, 2, 0);
        let mut owner = stage.enlist();
        let late = stage.pool.main().reserve().unwrap();
        let _ = stage.pool.submit(0).unwrap();
        let Next::Run { payload: 0, running, duty: Duty::Start } = owner.next() else { panic!("the job behind it") };
        published_behind_a_long_job(&stage, owner, &running, late);
        stage.assert_over(&[0, 1], Account { accepted: 2, done: 2, ..Account::default() });
    });
}

/// One that is to come stands behind another that is put aside. When that has come, and is begun, it is put aside in its place. Its
/// submit has asked before whom to call: it is seen to be published only later.
#[test]
fn a_job_takes_the_place_aside_of_a_long_one_while_another_worker_falls_asleep() {
    model(1, || {
        let stage = Stage::new(LONG, 2, 0);
        let pool = stage.pool;
        let mut owner = stage.enlist();
        let _ = pool.submit(2).unwrap();
        let Next::Run { payload: 2, running, .. } = owner.next() else { panic!("a job that comes before") };
        let (start, _) = pool.main().reserve_some(2).unwrap();
        let _ = pool.end(&running, End::Done, None);
        assert!(matches!(owner.next(), Next::Park(Some(_))));
        let searcher = stage.enlist();
        let publish = |job: usize| {
            // SAFETY: reserved above, and each published once.
            unsafe { pool.main().slots().publish(start.wrapping_add(job), job) };
        };
        publish(0);
        assert_eq!(pool.call(false), Duty::Nothing, "one searches");
        let searcher = stage.spawn_worker(searcher);
        let next = owner.next();
        let (mut resting, mut duties) = rested([searcher]);
        publish(1);
        match next {
            Next::Run { payload, running, duty } => {
                stage.ran[payload].fetch_add(1, Relaxed);
                duties.push(duty);
                stage.perform_in_time(&mut resting, &mut duties);
                // While that one runs.
                stage.assert_ran(&[1, 1]);
                stage.end_and_settle(owner, &running, resting, duties);
            }
            Next::Park(deadline) => {
                resting.push(Resting { worker: owner, parked: true, deadline });
                stage.settle(resting, duties);
            }
            Next::Exit { .. } => panic!("the pool is open"),
        }
        stage.assert_over(&[1, 1], Account { accepted: 3, done: 3, ..Account::default() });
    });
}

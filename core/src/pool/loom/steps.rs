//! Steps: a few calls on a few threads, then a reckoning.
//!
//! A stage holds a pool whose workers stand where a test wants them. Threads make a few calls each, workers among them go
//! on until they would park. Then one thread does every duty that was given out, as hosts must, and nothing else: a job
//! that has not run then would never run.

use ::loom::sync::Arc;
use ::loom::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use ::loom::thread;
use std::boxed::Box;
use std::vec::Vec;

use super::{Grown, LONG, SHORT, Still, model};
use crate::cancel::Cancelled;
use crate::host::Tick;
use crate::hosts::loom::LoomMutex;
use crate::id::JobId;
use crate::period::{MissedTickBehavior, Repeat};
use crate::pool::{Duty, Refused};
use crate::slots::Slots;
use crate::state::Phase;
use crate::storage::{Growing, Storage};
use crate::worker::{Next, Worker};

type Seated = Worker<'static, usize, Still, Growing<usize, LoomMutex>>;

/// A pool that lives until the end of a run of the model.
struct Stage {
    pool: &'static Grown,
    /// How often each job has run.
    ran: Arc<[AtomicUsize; 4]>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        // SAFETY: made by `Box::leak`; threads and workers are gone when a test drops its stage.
        drop(unsafe { Box::from_raw((&raw const *self.pool).cast_mut()) });
    }
}

/// A worker, and how it rests: parked, perhaps until a deadline, or gone.
struct Resting {
    worker: Seated,
    parked: bool,
    deadline: Option<Tick>,
}

type Duties = Vec<Duty>;

impl Stage {
    fn new(host: Still, workers: usize, spares: usize) -> Self {
        let pool = Box::leak(Box::new(Grown::growing(host, workers, spares)));
        Self { pool, ran: Arc::new(core::array::from_fn(|_| AtomicUsize::new(0))) }
    }

    /// A worker that was asked for and has not looked yet.
    fn enlist(&self) -> Seated {
        self.pool.enlist().expect("a seat is free")
    }

    /// A worker that has looked and sleeps.
    fn asleep(&self) -> Resting {
        let (resting, duties) = rest(self.pool, self.enlist(), &self.ran);
        assert!(resting.parked && duties.is_empty());
        resting
    }

    fn spawn<T: 'static>(&self, step: impl FnOnce(&'static Grown) -> T + 'static) -> thread::JoinHandle<T> {
        let pool = self.pool;
        thread::spawn(move || step(pool))
    }

    /// A thread on which a worker goes on until it rests.
    fn spawn_worker(&self, worker: Seated) -> thread::JoinHandle<(Resting, Duties)> {
        let ran = self.ran.clone();
        self.spawn(move |pool| rest(pool, worker, &ran))
    }

    /// A thread that submits a job.
    fn spawn_submit(&self, job: usize) -> thread::JoinHandle<(JobId, Duty)> {
        self.spawn(move |pool| pool.submit(job).expect("it is open"))
    }

    /// Does all duties, and those that come of them. Workers with a deadline look once more: their time comes by itself.
    fn settle(&self, mut resting: Vec<Resting>, mut duties: Duties) {
        loop {
            self.perform(&mut resting, &mut duties);
            if self.pool.pending() == 0 || !resting.iter().any(|resting| resting.parked && resting.deadline.is_some()) {
                break;
            }
            self.go_on(&mut resting, &mut duties, |resting| resting.deadline.is_some());
        }
        assert_eq!(self.pool.pending(), 0, "a job is left and nobody looks");
        // Nobody counts as searching any more, so that the next submit will wake somebody.
        let state = self.pool.state();
        let parked = resting.iter().filter(|resting| resting.parked).count();
        assert_eq!((state.searching(), state.sleeping(), state.alive()), (0, parked, parked));
    }

    /// Does all duties, and those that come of them, and nothing else.
    fn perform(&self, resting: &mut Vec<Resting>, duties: &mut Duties) {
        while let Some(duty) = duties.pop() {
            match duty {
                Duty::Nothing => {}
                Duty::Wake(seat) => self.go_on(resting, duties, |resting| resting.worker.seat() == seat),
                Duty::Start => match self.pool.attach() {
                    Some(worker) => {
                        let (new, more) = rest(self.pool, worker, &self.ran);
                        resting.push(new);
                        duties.extend(more);
                    }
                    None => duties.push(self.pool.start_failed()),
                },
            }
        }
    }

    fn go_on(&self, resting: &mut Vec<Resting>, duties: &mut Duties, which: impl Fn(&Resting) -> bool) {
        let Some(index) = resting.iter().position(|resting| resting.parked && which(resting)) else { return };
        let Resting { worker, .. } = resting.swap_remove(index);
        let (now, more) = rest(self.pool, worker, &self.ran);
        resting.push(now);
        duties.extend(more);
    }

    fn assert_ran(&self, times: &[usize]) {
        for (job, times) in times.iter().enumerate() {
            assert_eq!(self.ran[job].load(SeqCst), *times, "runs of job {job}");
        }
    }
}

/// Lets a worker run what it finds until it rests.
fn rest(pool: &'static Grown, mut worker: Seated, ran: &[AtomicUsize; 4]) -> (Resting, Duties) {
    let mut duties = Vec::new();
    loop {
        let (parked, deadline) = match worker.next() {
            Next::Run { payload, running, duty } => {
                duties.push(duty);
                ran[payload].fetch_add(1, SeqCst);
                let (_, duty) = pool.end(&running, None);
                duties.push(duty);
                continue;
            }
            Next::Park(deadline) => (true, deadline),
            Next::Exit { duty, .. } => {
                duties.push(duty);
                (false, None)
            }
        };
        duties.retain(|duty| *duty != Duty::Nothing);
        return (Resting { worker, parked, deadline }, duties);
    }
}

/// Joins workers' threads.
fn rested(threads: impl IntoIterator<Item = thread::JoinHandle<(Resting, Duties)>>) -> (Vec<Resting>, Duties) {
    let (mut resting, mut duties) = (Vec::new(), Vec::new());
    for thread in threads {
        let (one, more) = thread.join().unwrap();
        resting.push(one);
        duties.extend(more);
    }
    (resting, duties)
}

#[test]
fn a_submit_meets_a_worker_that_falls_asleep() {
    model(3, || {
        let stage = Stage::new(LONG, 1, 0);
        let worker = stage.spawn_worker(stage.enlist());
        let (_, duty) = stage.pool.submit(0).unwrap();
        let (resting, mut duties) = rested([worker]);
        duties.push(duty);
        stage.settle(resting, duties);
        stage.assert_ran(&[1]);
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
        stage.assert_ran(&[1]);
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
        stage.assert_ran(&[1, 1]);
    });
}

/// Two workers, on two threads, find so many jobs.
fn two_workers_find(host: Still, jobs: usize) {
    let stage = Stage::new(host, 2, 0);
    for job in 0..jobs {
        let _ = stage.pool.submit(job).unwrap();
    }
    let first = stage.spawn_worker(stage.pool.attach().unwrap());
    let (second, duties) = rest(stage.pool, stage.enlist(), &stage.ran);
    let (mut resting, more) = rested([first]);
    resting.push(second);
    stage.settle(resting, duties.into_iter().chain(more).collect());
    stage.assert_ran(&[1; 4][..jobs]);
}

#[test]
fn two_workers_run_each_job_once() {
    model(1, || two_workers_find(LONG, 2));
}

#[test]
fn two_workers_claim_by_the_dozen_and_run_each_job_once() {
    model(1, || two_workers_find(SHORT, 2));
}

#[test]
fn a_thief_splits_a_claim() {
    model(1, || {
        let stage = Stage::new(SHORT, 2, 0);
        for job in 0..2 {
            let _ = stage.pool.submit(job).unwrap();
        }
        // The first worker claims both and stands before the first; the second, whom it has asked for, looks around.
        let mut first = stage.pool.attach().unwrap();
        let Next::Run { payload: 0, running, duty: Duty::Start } = first.next() else { panic!("the first job") };
        let thief = stage.spawn_worker(stage.pool.attach().unwrap());
        stage.ran[0].fetch_add(1, SeqCst);
        let (_, end) = stage.pool.end(&running, None);
        let (one, mut duties) = rest(stage.pool, first, &stage.ran);
        let (mut resting, more) = rested([thief]);
        resting.push(one);
        duties.extend(more);
        duties.push(end);
        stage.settle(resting, duties);
        stage.assert_ran(&[1, 1]);
    });
}

#[test]
fn a_thief_reads_an_offer_while_its_owner_goes_on_to_the_next_run() {
    const RUN: usize = <<Growing<usize, LoomMutex> as Storage<usize>>::Slots as Slots<usize>>::RUN;
    model(3, || {
        let stage = Stage::new(SHORT, 2, 0);
        let pool = stage.pool;
        let _ = pool.submit(0).unwrap();
        let late = pool.main().reserve();
        let _ = pool.submit(1).unwrap();
        let mut owner = pool.attach().unwrap();
        let Next::Run { payload: 0, running, duty: Duty::Start } = owner.next() else { panic!("the first job") };
        stage.ran[0].fetch_add(1, SeqCst);
        let (_, end) = pool.end(&running, None);
        // It goes on at the position that the producer has not published, puts it aside, and claims from the next run.
        let owner = stage.spawn(move |_| match owner.next() {
            Next::Run { payload, running, duty } => (owner, payload, running, duty),
            _ => panic!("there is another job"),
        });
        // SAFETY: reserved above, and published once.
        let producer = stage.spawn(move |pool| unsafe { pool.main().slots().publish(late, 2) });
        if let Some((0, start, len)) = pool.unstarted(&pool.storage.seats()[0]) {
            assert!(len > 0 && start / RUN == (start + len - 1) / RUN, "{len} from {start}: a claim lies in one run");
        }
        let (owner, payload, running, duty) = owner.join().unwrap();
        stage.ran[payload].fetch_add(1, SeqCst);
        let (_, ended) = pool.end(&running, None);
        producer.join().unwrap();
        let demand = pool.demand();
        let (owner, mut duties) = rest(pool, owner, &stage.ran);
        duties.extend([Duty::Start, end, duty, ended, demand]);
        stage.settle(Vec::from([owner]), duties);
        stage.assert_ran(&[1; 3]);
    });
}

#[test]
fn a_canceller_and_a_worker_want_the_same_job() {
    model(3, || {
        let stage = Stage::new(LONG, 1, 0);
        let (id, duty) = stage.pool.submit(0).unwrap();
        assert_eq!(duty, Duty::Start);
        let worker = stage.spawn_worker(stage.pool.attach().unwrap());
        let removed = match stage.pool.cancel(id) {
            Cancelled::Removed(_) => 1,
            Cancelled::Stopping => 0,
            Cancelled::TooLate => {
                assert_eq!(stage.ran[0].load(SeqCst), 1, "too late is only what has ended");
                0
            }
        };
        let (resting, duties) = rested([worker]);
        stage.settle(resting, duties);
        stage.assert_ran(&[1 - removed]);
    });
}

#[test]
fn two_cancel_one_job() {
    model(3, || {
        let stage = Stage::new(LONG, 1, 0);
        let (id, duty) = stage.pool.submit(0).unwrap();
        let other = stage.spawn(move |pool| matches!(pool.cancel(id), Cancelled::Removed(0)));
        let removed = matches!(stage.pool.cancel(id), Cancelled::Removed(0));
        assert!(removed != other.join().unwrap(), "one of the two has removed it");
        stage.settle(Vec::new(), Vec::from([duty]));
        stage.assert_ran(&[0]);
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
            stage.ran[job].fetch_add(1, SeqCst);
            let _ = stage.pool.end(&running, None);
        }
        stage.ran[0].fetch_add(1, SeqCst);
        let (_, end) = stage.pool.end(&running, None);
        let (one, mut duties) = rest(stage.pool, first, &stage.ran);
        let (mut resting, more) = rested([other]);
        resting.push(one);
        duties.extend(more);
        duties.push(end);
        stage.settle(resting, duties);
        stage.assert_ran(&[1, 1]);
    });
}

#[test]
fn a_timer_meets_a_worker_that_falls_asleep() {
    model(3, || {
        let stage = Stage::new(LONG, 1, 0);
        let worker = stage.spawn_worker(stage.enlist());
        let (_, duty) = stage.pool.submit_at(0, false, Tick(50), None).unwrap();
        let (mut resting, mut duties) = rested([worker]);
        duties.push(duty);
        while let Some(duty) = duties.pop() {
            let Duty::Wake(_) = duty else { continue };
            stage.go_on(&mut resting, &mut duties, |_| true);
        }
        assert_eq!(resting[0].deadline, Some(Tick(50)), "somebody wakes in time");
        stage.assert_ran(&[0]);
    });
}

#[test]
fn an_earlier_timer_meets_the_deadline_of_the_sentinel() {
    model(3, || {
        let stage = Stage::new(LONG, 2, 0);
        let _ = stage.pool.submit_at(0, false, Tick(90), None).unwrap();
        let sentinel = stage.pool.attach().map(|worker| rest(stage.pool, worker, &stage.ran).0).unwrap();
        assert_eq!(sentinel.deadline, Some(Tick(90)));
        // The sentinel gets up by itself while the new timer wants to wake it.
        let getting_up = stage.spawn_worker(sentinel.worker);
        let (_, duty) = stage.pool.submit_at(1, false, Tick(50), None).unwrap();
        let (mut resting, mut duties) = rested([getting_up]);
        duties.push(duty);
        while let Some(duty) = duties.pop() {
            match duty {
                Duty::Nothing => {}
                Duty::Wake(_) => stage.go_on(&mut resting, &mut duties, |_| true),
                Duty::Start => {
                    let (new, more) = rest(stage.pool, stage.pool.attach().unwrap(), &stage.ran);
                    resting.push(new);
                    duties.extend(more);
                }
            }
        }
        assert!(resting.iter().any(|resting| resting.deadline == Some(Tick(50))), "somebody wakes in time");
    });
}

#[test]
fn a_wake_up_meets_the_end_of_a_sleep() {
    model(3, || {
        let stage = Stage::new(LONG, 1, 0);
        let sleeper = stage.asleep();
        // A spurious return from the park, and a submit.
        let getting_up = stage.spawn_worker(sleeper.worker);
        let (_, duty) = stage.pool.submit(0).unwrap();
        let (resting, mut duties) = rested([getting_up]);
        duties.push(duty);
        stage.settle(resting, duties);
        stage.assert_ran(&[1]);
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
        stage.assert_ran(&[1, 1 - removed]);
    });
}

#[test]
fn a_periodic_job_is_cancelled_while_it_runs_or_goes_back() {
    model(3, || {
        let stage = Stage::new(LONG, 1, 0);
        let period = core::num::NonZeroU64::new(100).unwrap();
        let repeat = Repeat::Rate { period, missed: MissedTickBehavior::Burst };
        let (id, duty) = stage.pool.submit_at(0, false, Tick(1), Some(repeat)).unwrap();
        assert_eq!(duty, Duty::Start);
        let mut worker = stage.pool.attach().unwrap();
        let canceller = stage.spawn(move |pool| pool.cancel(id));
        if let Next::Run { payload, running, .. } = worker.next() {
            let (ended, _) = stage.pool.end(&running, Some(payload));
            match canceller.join().unwrap() {
                Cancelled::Stopping => assert_eq!(ended, Some(0), "told to stop, so it has ended"),
                Cancelled::Removed(_) => assert_eq!(ended, None, "back among the timers, and out again"),
                Cancelled::TooLate => panic!("it has not ended"),
            }
        } else {
            assert_eq!(canceller.join().unwrap(), Cancelled::Removed(0));
        }
        assert_eq!((stage.pool.counts().timers, stage.pool.pending()), (0, 0));
        drop(worker);
    });
}

#[test]
fn a_submit_meets_the_close_and_the_end_of_the_last_worker() {
    model(2, || {
        let stage = Stage::new(LONG, 1, 0);
        let worker = stage.spawn_worker(stage.enlist());
        let closer = stage.spawn(|pool| {
            pool.set_phase(Phase::Draining);
            core::iter::from_fn(|| pool.next_sleeper().map(Duty::Wake)).collect::<Vec<_>>()
        });
        let submitted = stage.pool.submit(0);
        let (resting, mut duties) = rested([worker]);
        duties.extend(closer.join().unwrap());
        let accepted = match submitted {
            Ok((_, duty)) => {
                duties.push(duty);
                1
            }
            Err(refused) => {
                assert_eq!(refused, Refused::Closed(0));
                0
            }
        };
        stage.settle(resting, duties);
        stage.assert_ran(&[accepted]);
        assert_eq!(stage.pool.state().alive(), 0, "all workers of a closed pool end");
    });
}

#[test]
fn a_submit_meets_a_pool_that_is_opened_again() {
    model(3, || {
        let stage = Stage::new(LONG, 1, 0);
        stage.pool.set_phase(Phase::Draining);
        let worker = stage.spawn_worker(stage.enlist());
        let opener = stage.spawn(|pool| pool.set_phase(Phase::Running));
        let submitted = stage.pool.submit(0);
        let (resting, mut duties) = rested([worker]);
        opener.join().unwrap();
        let accepted = usize::from(submitted.is_ok());
        duties.extend(submitted.map(|(_, duty)| duty));
        stage.settle(resting, duties);
        stage.assert_ran(&[accepted]);
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
        let (stand_in, more) = rest(stage.pool, stage.pool.attach().unwrap(), &stage.ran);
        stage.assert_ran(&[0, 1]);
        stage.pool.unblock();
        stage.ran[0].fetch_add(1, SeqCst);
        let (_, end) = stage.pool.end(&running, None);
        let (one, mut duties) = rest(stage.pool, worker, &stage.ran);
        duties.extend(more);
        duties.push(end);
        stage.settle(Vec::from([one, stand_in]), duties);
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
        let (_, ended) = pool.end(&running, None);
        let (worker, more) = rest(pool, worker, &stage.ran);
        resting.push(worker);
        duties.extend(more);
        duties.push(ended);
        stage.settle(resting, duties);
    });
}

#[test]
fn a_job_whose_position_is_put_aside_does_not_wait_for_a_long_one() {
    model(3, || {
        let stage = Stage::new(LONG, 2, 0);
        let pool = stage.pool;
        let mut resting = Vec::from([stage.asleep()]);
        let mut worker = stage.enlist();
        let late = pool.main().reserve();
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
                duties.push(pool.end(&running, None).1);
                let (worker, more) = rest(pool, worker, &stage.ran);
                resting.push(worker);
                duties.extend(more);
            }
            Next::Park(deadline) => resting.push(Resting { worker, parked: true, deadline }),
            Next::Exit { .. } => panic!("the pool is open"),
        }
        stage.settle(resting, duties);
        stage.assert_ran(&[1, 1]);
    });
}

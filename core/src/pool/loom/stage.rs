//! A stage: a pool whose workers stand where a test wants them.
//!
//! Threads make a few calls each, workers among them go on until they would park. Then one thread does every duty that was
//! given out, as hosts must, and nothing else: a job that has not run then would never run.

use ::loom::sync::Arc;
use ::loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use ::loom::thread;
use std::boxed::Box;
use std::vec::Vec;

use super::{Grown, LONG, Still};
use crate::end::End;
use crate::host::Tick;
use crate::hosts::loom::LoomMutex;
use crate::id::JobId;
use crate::pool::{Account, Duty};
use crate::running::Running;
use crate::slots::Slots;
use crate::storage::{Growing, Storage};
use crate::worker::{Next, Worker};

/// Positions of one run, and so the most of one claim.
pub(super) const RUN: usize = <<Growing<usize, LoomMutex> as Storage<usize>>::Slots as Slots<usize>>::RUN;

pub(super) type Seated = Worker<'static, usize, Still, Growing<usize, LoomMutex>>;

/// A pool that lives until the end of a run of the model.
pub(super) struct Stage {
    pub(super) pool: &'static Grown,
    /// How often each job has run.
    pub(super) ran: Arc<[AtomicUsize; 4]>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        // SAFETY: made by `Box::leak`; threads and workers are gone when a test drops its stage.
        drop(unsafe { Box::from_raw((&raw const *self.pool).cast_mut()) });
    }
}

/// A worker, and how it rests: parked, perhaps until a deadline, or gone.
pub(super) struct Resting {
    pub(super) worker: Seated,
    pub(super) parked: bool,
    pub(super) deadline: Option<Tick>,
}

pub(super) type Duties = Vec<Duty>;

impl Stage {
    pub(super) fn new(host: Still, workers: usize, spares: usize) -> Self {
        Self::of(Grown::growing(host, workers, spares))
    }

    /// One whose workers, but `least` of them, end when they have had nothing to do for so many ticks.
    pub(super) fn keeping(workers: usize, least: usize, ticks: u64) -> Self {
        let mut pool = Grown::growing(LONG, workers, 0);
        pool.keep(least, ticks);
        Self::of(pool)
    }

    fn of(pool: Grown) -> Self {
        let pool = Box::leak(Box::new(pool));
        Self { pool, ran: Arc::new(core::array::from_fn(|_| AtomicUsize::new(0))) }
    }

    /// A worker that was asked for and has not looked yet.
    pub(super) fn enlist(&self) -> Seated {
        self.pool.enlist().expect("a seat is free")
    }

    /// A worker that has looked and sleeps.
    pub(super) fn asleep(&self) -> Resting {
        let (resting, duties) = self.rest(self.enlist());
        assert!(resting.parked && duties.is_empty());
        resting
    }

    /// A worker alone in its pool that has measured short jobs: one run of them, of which the last is number 3. It sleeps.
    pub(super) fn used_to_short_jobs(&self) -> Seated {
        let mut worker = self.enlist();
        for _ in 0..RUN {
            let _ = self.pool.submit(3).unwrap();
        }
        loop {
            match worker.next() {
                Next::Run { running, duty, .. } => {
                    if duty == Duty::Start {
                        assert_eq!(self.pool.start_failed(), Duty::Nothing);
                    }
                    let _ = self.pool.end(&running, End::Done, None);
                }
                Next::Park(_) => return worker,
                Next::Exit { .. } => panic!("the pool is open"),
            }
        }
    }

    /// Lets a worker run what it finds until it rests.
    pub(super) fn rest(&self, worker: Seated) -> (Resting, Duties) {
        rest(self.pool, worker, &self.ran)
    }

    /// The same for one that has found something already.
    pub(super) fn rest_after(&self, worker: Seated, next: Next<usize>) -> (Resting, Duties) {
        rest_after(self.pool, worker, next, &self.ran)
    }

    pub(super) fn spawn<T: 'static>(&self, step: impl FnOnce(&'static Grown) -> T + 'static) -> thread::JoinHandle<T> {
        let pool = self.pool;
        thread::spawn(move || step(pool))
    }

    /// A thread on which a worker goes on until it rests.
    pub(super) fn spawn_worker(&self, worker: Seated) -> thread::JoinHandle<(Resting, Duties)> {
        let ran = self.ran.clone();
        self.spawn(move |pool| rest(pool, worker, &ran))
    }

    /// A thread that submits a job.
    pub(super) fn spawn_submit(&self, job: usize) -> thread::JoinHandle<(JobId, Duty)> {
        self.spawn(move |pool| pool.submit(job).expect("it is open"))
    }

    /// Does all duties, and those that come of them. Workers with a deadline look once more: their time comes by itself.
    /// Nothing may be left then.
    pub(super) fn settle(&self, mut resting: Vec<Resting>, mut duties: Duties) {
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
        assert_eq!(self.pool.audit(), Ok(()));
    }

    /// A worker ends its job, goes on until it rests, and then all is settled.
    pub(super) fn end_and_settle(
        &self,
        worker: Seated,
        running: &Running,
        mut resting: Vec<Resting>,
        mut duties: Duties,
    ) {
        duties.push(self.pool.end(running, End::Done, None).1);
        let (worker, more) = self.rest(worker);
        resting.push(worker);
        duties.extend(more);
        self.settle(resting, duties);
    }

    /// Does all duties, and those that come of them, and nothing else.
    pub(super) fn perform(&self, resting: &mut Vec<Resting>, duties: &mut Duties) {
        while let Some(duty) = duties.pop() {
            match duty {
                Duty::Nothing => {}
                Duty::Wake(seat) => self.go_on(resting, duties, |resting| resting.worker.seat() == seat),
                Duty::Start => match self.pool.attach() {
                    Some(worker) => {
                        let (new, more) = self.rest(worker);
                        resting.push(new);
                        duties.extend(more);
                    }
                    None => duties.push(self.pool.start_failed()),
                },
            }
        }
    }

    /// As [`Stage::perform`], and the time of those with a deadline comes. What runs elsewhere runs on.
    pub(super) fn perform_in_time(&self, resting: &mut Vec<Resting>, duties: &mut Duties) {
        self.perform(resting, duties);
        self.go_on(resting, duties, |resting| resting.deadline.is_some());
        self.perform(resting, duties);
    }

    /// The first of those that are meant, if it is parked, gets up.
    pub(super) fn go_on(&self, resting: &mut Vec<Resting>, duties: &mut Duties, which: impl Fn(&Resting) -> bool) {
        let Some(index) = resting.iter().position(|resting| resting.parked && which(resting)) else { return };
        let Resting { worker, .. } = resting.swap_remove(index);
        let (now, more) = self.rest(worker);
        resting.push(now);
        duties.extend(more);
    }

    pub(super) fn assert_ran(&self, times: &[usize]) {
        for (job, times) in times.iter().enumerate() {
            assert_eq!(self.ran[job].load(Relaxed), *times, "runs of job {job}");
        }
    }

    /// Each job has run so often, and the account says what else has become of them.
    pub(super) fn assert_over(&self, times: &[usize], account: Account) {
        self.assert_ran(times);
        assert_eq!(self.pool.account(), account);
    }
}

/// Lets a worker run what it finds until it rests.
pub(super) fn rest(pool: &'static Grown, mut worker: Seated, ran: &[AtomicUsize; 4]) -> (Resting, Duties) {
    let next = worker.next();
    rest_after(pool, worker, next, ran)
}

/// The same for one that has found something already.
pub(super) fn rest_after(
    pool: &'static Grown,
    mut worker: Seated,
    mut next: Next<usize>,
    ran: &[AtomicUsize; 4],
) -> (Resting, Duties) {
    let mut duties = Vec::new();
    let (parked, deadline) = loop {
        match next {
            Next::Run { payload, running, duty } => {
                duties.push(duty);
                ran[payload].fetch_add(1, Relaxed);
                let (_, duty) = pool.end(&running, End::Done, None);
                duties.push(duty);
                next = worker.next();
            }
            Next::Park(deadline) => break (true, deadline),
            Next::Exit { duty, .. } => {
                duties.push(duty);
                break (false, None);
            }
        }
    };
    duties.retain(|duty| *duty != Duty::Nothing);
    (Resting { worker, parked, deadline }, duties)
}

/// Joins workers' threads.
pub(super) fn rested(
    threads: impl IntoIterator<Item = thread::JoinHandle<(Resting, Duties)>>,
) -> (Vec<Resting>, Duties) {
    let (mut resting, mut duties) = (Vec::new(), Vec::new());
    for thread in threads {
        let (one, more) = thread.join().unwrap();
        resting.push(one);
        duties.extend(more);
    }
    (resting, duties)
}

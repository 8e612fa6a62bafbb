//! Whole scenes: workers that park and are woken, until the pool is closed.
//!
//! Each ends only if what it waits for happens: a wake-up that is lost is a deadlock, which the checker reports.

use ::loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use ::loom::sync::{Arc, Mutex};
use ::loom::thread;
use std::vec::Vec;

use super::{Grown, LONG, SHORT, Still, model};
use crate::end::End;
use crate::host::{Park, Tick, Unpark};
use crate::hosts::loom::LoomParker;
use crate::id::JobId;
use crate::pack::Refused;
use crate::period::Repeat;
use crate::pool::{Account, Cancelled, Duty, Pool};
use crate::state::Phase;
use crate::storage::{Fixed, Storage};
use crate::worker::Next;

/// A pool with its workers' contexts, and what its jobs have done.
struct Scene<S: Storage<usize>> {
    pool: Pool<usize, Still, S>,
    parkers: Vec<LoomParker>,
    workers: Mutex<Vec<thread::JoinHandle<()>>>,
    /// How often each job has run.
    ran: [AtomicUsize; 3],
    main: LoomParker,
}

impl<S: Storage<usize> + 'static> Scene<S> {
    fn new(pool: Pool<usize, Still, S>) -> Arc<Self> {
        let parkers = (0..pool.storage.seats().len()).map(|_| LoomParker::new()).collect();
        let ran = core::array::from_fn(|_| AtomicUsize::new(0));
        Arc::new(Self { pool, parkers, workers: Mutex::new(Vec::new()), ran, main: LoomParker::new() })
    }

    fn perform(scene: &Arc<Self>, duty: Duty) {
        match duty {
            Duty::Nothing => {}
            Duty::Wake(seat) => scene.parkers[seat].unparker().unpark(),
            Duty::Start => {
                let worker = Self::work(scene);
                scene.workers.lock().unwrap().push(worker);
            }
        }
    }

    fn submit(scene: &Arc<Self>, job: usize) -> JobId {
        let (id, duty) = scene.pool.submit(job).expect("open, and with room");
        Self::perform(scene, duty);
        id
    }

    /// Waits until a job has run.
    fn await_run(&self, job: usize) {
        while self.ran[job].load(Relaxed) == 0 {
            self.main.park();
        }
    }

    fn close(&self) {
        self.pool.set_phase(Phase::Draining);
        while let Some(seat) = self.pool.next_sleeper() {
            self.parkers[seat].unparker().unpark();
        }
    }

    /// Closes the pool and waits until all workers have ended.
    fn end(&self) {
        self.close();
        loop {
            let worker = self.workers.lock().unwrap().pop();
            match worker {
                Some(worker) => worker.join().unwrap(),
                None => return,
            }
        }
    }

    /// A worker that counts what it runs until the pool is closed.
    fn work(scene: &Arc<Self>) -> thread::JoinHandle<()> {
        let scene = scene.clone();
        thread::spawn(move || {
            let mut worker = scene.pool.attach().expect("it was asked for");
            loop {
                match worker.next() {
                    Next::Run { payload, running, duty } => {
                        Self::perform(&scene, duty);
                        scene.ran[payload].fetch_add(1, Relaxed);
                        let (_, duty) = scene.pool.end(&running, End::Done, None);
                        Self::perform(&scene, duty);
                        scene.main.unparker().unpark();
                    }
                    Next::Park(None) => scene.parkers[worker.seat()].park(),
                    Next::Park(Some(deadline)) => scene.parkers[worker.seat()].park_until(deadline),
                    Next::Exit { duty, .. } => {
                        Self::perform(&scene, duty);
                        return;
                    }
                }
            }
        })
    }

    /// Each job has run so often, and all is over: so many were removed, the others are done.
    fn assert_over(&self, times: &[usize], cancelled: usize) {
        for (job, times) in times.iter().enumerate() {
            assert_eq!(self.ran[job].load(Relaxed), *times, "runs of job {job}");
        }
        assert_eq!(self.pool.pending(), 0);
        assert_eq!(self.pool.state().alive(), 0);
        assert_eq!(self.pool.audit(), Ok(()));
        let done = times.iter().sum();
        let Account { handed_back, .. } = self.pool.account();
        let accepted = done + cancelled + handed_back;
        assert_eq!(self.pool.account(), Account { accepted, done, cancelled, handed_back, ..Account::default() });
    }
}

#[test]
fn one_job_reaches_one_worker() {
    model(3, || {
        let scene = Scene::new(Grown::growing(LONG, 1, 0));
        Scene::submit(&scene, 0);
        scene.await_run(0);
        scene.end();
        scene.assert_over(&[1], 0);
    });
}

#[test]
fn jobs_cross_from_block_to_block() {
    model(2, || {
        let scene = Scene::new(Grown::growing(LONG, 1, 0));
        (0..3).for_each(|job| _ = Scene::submit(&scene, job));
        (0..3).for_each(|job| scene.await_run(job));
        scene.end();
        scene.assert_over(&[1, 1, 1], 0);
    });
}

/// Two producers, one of them on a thread of its own.
fn two_producers<S: Storage<usize> + 'static>(scene: &Arc<Scene<S>>) {
    let producer = {
        let scene = scene.clone();
        thread::spawn(move || _ = Scene::submit(&scene, 1))
    };
    Scene::submit(scene, 0);
    producer.join().unwrap();
    (0..2).for_each(|job| scene.await_run(job));
    scene.end();
    scene.assert_over(&[1, 1], 0);
}

#[test]
fn two_producers_and_short_jobs() {
    model(1, || two_producers(&Scene::new(Grown::growing(SHORT, 1, 0))));
}

#[test]
fn two_producers_and_two_workers_in_fixed_storage() {
    model(1, || two_producers(&Scene::new(Pool::<usize, _, Fixed<usize, 2, 1, 2>>::fixed(LONG))));
}

#[test]
fn a_cancelled_job_is_removed_or_runs_and_not_both() {
    model(3, || {
        let scene = Scene::new(Grown::growing(LONG, 1, 0));
        let id = Scene::submit(&scene, 0);
        let removed = match scene.pool.cancel(id) {
            Cancelled::Removed(job) => job == 0,
            Cancelled::Stopping => false,
            Cancelled::TooLate => {
                assert_eq!(scene.ran[0].load(Relaxed), 1, "too late is only what has ended");
                false
            }
        };
        scene.end();
        scene.assert_over(&[usize::from(!removed)], usize::from(removed));
    });
}

#[test]
fn a_submit_meets_the_end_of_the_pool() {
    model(3, || {
        let scene = Scene::new(Grown::growing(LONG, 1, 0));
        let closer = {
            let scene = scene.clone();
            thread::spawn(move || scene.close())
        };
        let accepted = match scene.pool.submit(0) {
            Ok((_, duty)) => {
                Scene::perform(&scene, duty);
                true
            }
            Err(refused) => {
                assert_eq!(refused, Refused::Closed(0));
                false
            }
        };
        closer.join().unwrap();
        scene.end();
        if scene.pool.pending() > 0 {
            // The last worker had gone: who closed the pool asks for another.
            Scene::perform(&scene, scene.pool.demand());
            scene.end();
        }
        scene.assert_over(&[usize::from(accepted)], 0);
    });
}

#[test]
fn an_urgent_job_and_a_timer_reach_a_sleeper() {
    model(2, || {
        let scene = Scene::new(Grown::growing(LONG, 1, 0));
        let (_, duty) = scene.pool.submit_at(0, false, Tick(1), None::<Repeat>).unwrap();
        Scene::perform(&scene, duty);
        let (_, duty) = scene.pool.submit_first(1, false).unwrap();
        Scene::perform(&scene, duty);
        (0..2).for_each(|job| scene.await_run(job));
        scene.end();
        scene.assert_over(&[1, 1], 0);
    });
}

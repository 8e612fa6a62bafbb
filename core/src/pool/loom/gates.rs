//! Jobs at gates, pauses.

use ::loom::sync::atomic::Ordering::Relaxed;
use ::loom::thread;
use std::vec::Vec;

use super::stage::{Duties, Resting, Seated, Stage, rest, rested};
use super::{LONG, model};
use crate::end::End;
use crate::id::JobId;
use crate::pool::{Account, Cancelled, Duty, Gate, Gated, Start, WITHOUT_END};
use crate::running::Running;
use crate::worker::Next;

impl Stage {
    fn open_gate(&self, room: usize, parent: Option<Gate>) -> Gate {
        self.pool.open_gate(1, room, parent).expect("storage grows")
    }

    /// Puts a job in, as the last at a gate. `room`: which gate of the chain has the room that it needs.
    fn submit_gated(&self, job: usize, gate: Gate, room: u8) -> (JobId, Duty) {
        self.pool.submit_gated(job, false, Start::Last, Gated { gate, room, passes: false }).expect("it is open")
    }

    /// The only worker runs the first job of the gate.
    fn begin(&self, gate: Gate, room: u8) -> (Seated, Running, JobId) {
        let (id, duty) = self.submit_gated(0, gate, room);
        assert_eq!(duty, Duty::Start);
        let mut worker = self.pool.attach().expect("it was asked for");
        let Next::Run { payload: 0, running, .. } = worker.next() else { panic!("the first job") };
        assert!(running.is_gated());
        (worker, running, id)
    }

    /// A thread on which the first job ends; its worker goes on until it rests.
    fn spawn_end(&self, worker: Seated, running: Running) -> thread::JoinHandle<(Resting, Duties)> {
        self.ran[0].fetch_add(1, Relaxed);
        let ran = self.ran.clone();
        self.spawn(move |pool| {
            let (_, duty) = pool.end(&running, End::Done, None);
            let (resting, mut duties) = rest(pool, worker, &ran);
            duties.push(duty);
            (resting, duties)
        })
    }

    /// Cancels a job; returns 1 if it was removed.
    fn cancel(&self, job: usize, id: JobId) -> usize {
        match self.pool.cancel(id) {
            Cancelled::Removed(_) => 1,
            Cancelled::Stopping => 0,
            Cancelled::TooLate => {
                assert_eq!(self.ran[job].load(Relaxed), 1, "too late is only what has ended");
                0
            }
        }
    }

    /// The invariant of gates: who waits at one is not let through.
    fn assert_settled(&self, gate: Gate) {
        let entries = self.pool.entries.lock();
        assert!(entries.first_gated(gate.0).is_none() || entries.free_slots(gate.0) <= 0);
    }

    /// A gate has its slot again; its owner lets go of it, and nobody else names it.
    fn close_gate(&self, gate: Gate) {
        assert_eq!((self.pool.free_slots(gate), self.pool.gate_counts(gate)), (1, (0, 0)));
        self.pool.close_gate(gate);
        assert_eq!(self.pool.free_slots(gate), 0, "it is gone");
    }
}

#[test]
fn a_job_is_cancelled_while_its_gate_lets_it_through() {
    model(4, || {
        let stage = Stage::new(LONG, 1, 0);
        let gate = stage.open_gate(WITHOUT_END, None);
        let (worker, running, _) = stage.begin(gate, 0);
        let (id, duty) = stage.submit_gated(1, gate, 0);
        assert_eq!(duty, Duty::Nothing);
        let ends = stage.spawn_end(worker, running);
        let removed = stage.cancel(1, id);
        stage.assert_settled(gate);
        let (resting, duties) = rested([ends]);
        stage.settle(resting, duties);
        let account = Account { accepted: 2, done: 2 - removed, cancelled: removed, ..Account::default() };
        stage.assert_over(&[1, 1 - removed], account);
        stage.close_gate(gate);
    });
}

#[test]
fn a_pool_is_paused_and_resumed_while_a_gate_lets_a_job_through() {
    model(2, || {
        let stage = Stage::new(LONG, 1, 0);
        let gate = stage.open_gate(WITHOUT_END, None);
        let (worker, running, _) = stage.begin(gate, 0);
        let _ = stage.submit_gated(1, gate, 0);
        let ends = stage.spawn_end(worker, running);
        stage.pool.pause();
        let resumed = stage.pool.resume();
        let (resting, mut duties) = rested([ends]);
        duties.push(resumed);
        stage.settle(resting, duties);
        stage.assert_over(&[1, 1], Account { accepted: 2, done: 2, ..Account::default() });
        stage.close_gate(gate);
    });
}

#[test]
fn a_submit_meets_the_end_of_a_pause() {
    model(4, || {
        let stage = Stage::new(LONG, 1, 0);
        let sleeper = stage.asleep();
        stage.pool.pause();
        let submitter = stage.spawn_submit(0);
        let duties = Vec::from([stage.pool.resume(), submitter.join().unwrap().1]);
        stage.settle(Vec::from([sleeper]), duties);
        stage.assert_over(&[1], Account { accepted: 1, done: 1, ..Account::default() });
    });
}

#[test]
fn a_job_of_a_gate_is_taken_by_a_caller_or_a_worker_has_it() {
    model(2, || {
        let stage = Stage::new(LONG, 1, 0);
        let gate = stage.open_gate(WITHOUT_END, None);
        let (id, duty) = stage.submit_gated(0, gate, 0);
        let _ = stage.submit_gated(1, gate, 0);
        assert_eq!(duty, Duty::Start);
        let worker = stage.spawn_worker(stage.pool.attach().expect("it was asked for"));
        let duty = match stage.pool.take(id) {
            Some((job, taken)) => {
                stage.ran[job].fetch_add(1, Relaxed);
                taken.end(End::Done)
            }
            None => Duty::Nothing,
        };
        let (resting, mut duties) = rested([worker]);
        duties.push(duty);
        stage.settle(resting, duties);
        stage.assert_over(&[1, 1], Account { accepted: 2, done: 2, ..Account::default() });
        stage.close_gate(gate);
    });
}

/// What the end of a run returned, and how its worker rests.
type Back = (Option<usize>, Resting, Duties);

/// A job comes back to its gate, since it wants to leave more than there is room for. Its worker goes on until it rests.
fn comes_back(stage: &Stage) -> (Gate, JobId, thread::JoinHandle<Back>) {
    let gate = stage.open_gate(1, None);
    let (worker, running, id) = stage.begin(gate, 1);
    assert!(!stage.pool.take_room(gate), "it has left something already");
    let ran = stage.ran.clone();
    let thread = stage.spawn(move |pool| {
        let (ended, duty) = pool.end_back(&running, 0);
        let (resting, mut duties) = rest(pool, worker, &ran);
        duties.push(duty);
        (ended, resting, duties)
    });
    (gate, id, thread)
}

#[test]
fn a_job_comes_back_to_its_gate_while_room_is_given() {
    model(4, || {
        let stage = Stage::new(LONG, 1, 0);
        let (gate, _, back) = comes_back(&stage);
        let given = stage.pool.give(gate, 0, 1);
        let (ended, resting, mut duties) = back.join().unwrap();
        assert_eq!(ended, None);
        duties.push(given);
        stage.settle(Vec::from([resting]), duties);
        stage.assert_over(&[1], Account { accepted: 1, done: 1, ..Account::default() });
        assert!(!stage.pool.take_room(gate), "what it leaves in its second run has the room that was given");
        stage.close_gate(gate);
    });
}

#[test]
fn a_job_comes_back_to_its_gate_while_room_is_given_and_it_is_cancelled() {
    model(2, || {
        let stage = Stage::new(LONG, 1, 0);
        let (gate, id, back) = comes_back(&stage);
        let giver = stage.spawn(move |pool| pool.give(gate, 0, 1));
        let cancelled = stage.pool.cancel(id);
        let (ended, resting, mut duties) = back.join().unwrap();
        duties.push(giver.join().unwrap());
        stage.settle(Vec::from([resting]), duties);
        let again = stage.ran[0].load(Relaxed);
        match cancelled {
            Cancelled::Removed(0) => assert_eq!((again, ended), (0, None), "where it waits"),
            Cancelled::Stopping => {
                assert_eq!(again, usize::from(ended.is_none()), "in its first run, or in the second");
            }
            Cancelled::TooLate => assert_eq!((again, ended), (1, None)),
            Cancelled::Removed(_) => panic!("there is no other"),
        }
        stage.assert_over(&[again], Account { accepted: 1, done: again, cancelled: 1 - again, ..Account::default() });
        assert_eq!(stage.pool.take_room(gate), again == 0);
        stage.close_gate(gate);
    });
}

#[test]
fn jobs_are_cancelled_at_two_gates_while_a_third_leaves_both() {
    model(3, || {
        let stage = Stage::new(LONG, 1, 0);
        let group = stage.open_gate(WITHOUT_END, None);
        let key = stage.open_gate(WITHOUT_END, Some(group));
        let (worker, running, _) = stage.begin(key, 0);
        let (behind, _) = stage.submit_gated(1, key, 0);
        let (before, _) = stage.submit_gated(2, group, 0);
        let ends = stage.spawn_end(worker, running);
        let canceller = stage.spawn(move |pool| usize::from(matches!(pool.cancel(before), Cancelled::Removed(2))));
        let removed = stage.cancel(1, behind);
        stage.assert_settled(key);
        stage.assert_settled(group);
        let before_removed = canceller.join().unwrap();
        let (resting, duties) = rested([ends]);
        stage.settle(resting, duties);
        let account = Account {
            accepted: 3,
            done: 3 - removed - before_removed,
            cancelled: removed + before_removed,
            ..Account::default()
        };
        stage.assert_over(&[1, 1 - removed, 1 - before_removed], account);
        stage.close_gate(key);
        stage.close_gate(group);
    });
}

#[test]
fn a_worker_is_dropped_while_it_runs_a_job_of_a_gate() {
    model(2, || {
        let stage = Stage::new(LONG, 2, 0);
        let gate = stage.open_gate(WITHOUT_END, None);
        let (worker, ..) = stage.begin(gate, 0);
        let _ = stage.submit_gated(1, gate, 0);
        let (id, _) = stage.submit_gated(2, gate, 0);
        let other = stage.spawn_worker(stage.pool.attach().expect("it was asked for"));
        let drops = stage.spawn(move |pool| {
            drop(worker);
            pool.demand()
        });
        let removed = stage.cancel(2, id);
        let (resting, mut duties) = rested([other]);
        duties.push(drops.join().unwrap());
        stage.settle(resting, duties);
        let account = Account { accepted: 3, done: 2 - removed, failed: 1, cancelled: removed, ..Account::default() };
        stage.assert_over(&[0, 1, 1 - removed], account);
        stage.close_gate(gate);
    });
}

/// While a job ends, another is let through and begins, and a third is removed.
#[test]
fn an_account_adds_up_while_jobs_come_and_go() {
    model(2, || {
        let stage = Stage::new(LONG, 1, 0);
        let gate = stage.open_gate(WITHOUT_END, None);
        let (worker, running, _) = stage.begin(gate, 0);
        let (id, _) = stage.submit_gated(1, gate, 0);
        let ends = stage.spawn_end(worker, running);
        let canceller = stage.spawn(move |pool| {
            let duty = pool.submit(2).unwrap().1;
            (usize::from(matches!(pool.cancel(id), Cancelled::Removed(1))), duty)
        });
        let account = stage.pool.account();
        assert_eq!(account.accepted, account.sum(), "{account:?}");
        let Account { accepted, gated, queued, running, done, cancelled, .. } = account;
        assert!((2..=3).contains(&accepted), "{account:?}");
        assert!([gated, queued, running, done, cancelled].into_iter().all(|part| part <= accepted), "{account:?}");
        let (removed, duty) = canceller.join().unwrap();
        let (resting, mut duties) = rested([ends]);
        duties.push(duty);
        stage.settle(resting, duties);
        let account = Account { accepted: 3, done: 3 - removed, cancelled: removed, ..Account::default() };
        stage.assert_over(&[1, 1 - removed, 1], account);
        stage.close_gate(gate);
    });
}

//! Timers that are given another time, against whoever falls asleep over them, takes them out, or closes the pool.

use ::loom::sync::atomic::Ordering::Relaxed;
use std::vec::Vec;

use super::stage::{Stage, rested};
use super::{LONG, model};
use crate::end::End;
use crate::entries::NotMoved;
use crate::host::Tick;
use crate::pool::{Account, Cancelled, Duty};
use crate::state::Phase;

/// Of a pool whose only job waits for its time.
fn waits() -> Account {
    Account { accepted: 1, waiting: 1, ..Account::default() }
}

#[test]
fn an_earlier_time_meets_a_worker_that_falls_asleep() {
    model(3, || {
        let stage = Stage::new(LONG, 1, 0);
        let (id, duty) = stage.pool.submit_at(0, false, Tick(90), None).unwrap();
        assert_eq!(duty, Duty::Start);
        let worker = stage.spawn_worker(stage.pool.attach().unwrap());
        let duty = stage.pool.reschedule(id, Tick(50)).unwrap();
        let (mut resting, mut duties) = rested([worker]);
        duties.push(duty);
        stage.perform(&mut resting, &mut duties);
        assert_eq!(resting[0].deadline, Some(Tick(50)), "somebody wakes in time");
        assert_eq!(stage.pool.audit(), Ok(()));
        stage.assert_over(&[0], waits());
    });
}

#[test]
fn a_timer_is_moved_while_it_falls_due() {
    model(3, || {
        let stage = Stage::new(LONG, 1, 0);
        let (id, duty) = stage.pool.submit_at(0, false, Tick(1), None).unwrap();
        assert_eq!(duty, Duty::Start, "it is due, and nobody has looked");
        let worker = stage.spawn_worker(stage.pool.attach().unwrap());
        let moved = stage.pool.reschedule(id, Tick(50));
        let (mut resting, mut duties) = rested([worker]);
        if let Ok(duty) = moved {
            duties.push(duty);
            stage.perform(&mut resting, &mut duties);
            assert_eq!(resting[0].deadline, Some(Tick(50)), "somebody wakes in time");
            assert_eq!(stage.pool.audit(), Ok(()));
            stage.assert_over(&[0], waits());
        } else {
            assert!(matches!(moved, Err(NotMoved::Due | NotMoved::TooLate)));
            stage.settle(resting, duties);
            stage.assert_over(&[1], Account { accepted: 1, done: 1, ..Account::default() });
        }
    });
}

#[test]
fn a_timer_is_moved_while_somebody_takes_it() {
    model(3, || {
        let stage = Stage::new(LONG, 1, 0);
        let (id, _) = stage.pool.submit_at(0, false, Tick(1), None).unwrap();
        let ran = stage.ran.clone();
        let thread = stage.spawn(move |pool| {
            pool.take(id).map(|(job, taken)| {
                ran[job].fetch_add(1, Relaxed);
                taken.end(End::Done)
            })
        });
        let moved = stage.pool.reschedule(id, Tick(50));
        let taken = thread.join().unwrap();
        match moved {
            Ok(_) => assert_eq!(taken, None, "its time has not come"),
            Err(error) => assert!(matches!(error, NotMoved::Due | NotMoved::TooLate) && taken.is_some()),
        }
        assert_eq!(stage.pool.next_due(), moved.is_ok().then_some(Tick(50)));
        assert_eq!(stage.pool.audit(), Ok(()));
        let done = Account { accepted: 1, done: 1, ..Account::default() };
        stage.assert_over(&[usize::from(moved.is_err())], if moved.is_ok() { waits() } else { done });
    });
}

#[test]
fn a_timer_is_moved_while_it_is_cancelled() {
    model(3, || {
        let stage = Stage::new(LONG, 1, 0);
        let (id, _) = stage.pool.submit_at(0, false, Tick(90), None).unwrap();
        let canceller = stage.spawn(move |pool| pool.cancel(id));
        let moved = stage.pool.reschedule(id, Tick(50));
        assert_eq!(canceller.join().unwrap(), Cancelled::Removed(0), "wherever it waits");
        assert!(matches!(moved, Ok(_) | Err(NotMoved::TooLate)));
        assert_eq!(stage.pool.entries.lock().next_deadline(), None, "what is gone is in no wheel");
        assert_eq!(stage.pool.audit(), Ok(()));
        stage.assert_over(&[0], Account { accepted: 1, cancelled: 1, ..Account::default() });
    });
}

/// A pool that is drained waits for its timers: whoever closes it removes those whose time never comes.
#[test]
fn a_timer_is_moved_to_never_while_the_pool_closes() {
    model(3, || {
        let stage = Stage::new(LONG, 1, 0);
        let (id, _) = stage.pool.submit_at(0, false, Tick(90), None).unwrap();
        let closer = stage.spawn(|pool| {
            pool.set_phase(Phase::Draining);
            let mut never = Vec::new();
            pool.visit_entries(|id, entry| never.extend((entry.due == Tick::MAX).then_some(id)));
            for id in never {
                let _ = pool.cancel(id);
            }
        });
        let moved = stage.pool.reschedule(id, Tick::MAX);
        closer.join().unwrap();
        assert!(matches!(moved, Ok(Duty::Nothing) | Err(NotMoved::Closed)));
        assert_eq!(stage.pool.next_due(), moved.is_err().then_some(Tick(90)));
        let cancelled = Account { accepted: 1, cancelled: 1, ..Account::default() };
        stage.assert_over(&[0], if moved.is_ok() { cancelled } else { waits() });
    });
}

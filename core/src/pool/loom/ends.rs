//! Pools that close and open, workers that vanish or do not come, jobs that are removed or cannot be packed.

use std::vec::Vec;

use super::stage::{Stage, rested};
use super::{LONG, model};
use crate::end::End;
use crate::host::Tick;
use crate::pack::Refused;
use crate::period::{MissedTickBehavior, Repeat};
use crate::pool::{Account, Cancelled, Duty};
use crate::state::Phase;
use crate::worker::Next;

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
        let account = if let Next::Run { payload, running, .. } = worker.next() {
            let (ended, _) = stage.pool.end(&running, End::Done, Some(payload));
            match canceller.join().unwrap() {
                Cancelled::Stopping => assert_eq!(ended, Some(0), "told to stop, so it has ended"),
                Cancelled::Removed(_) => assert_eq!(ended, None, "back among the timers, and out again"),
                Cancelled::TooLate => panic!("it has not ended"),
            }
            // The next run was wanted, and is removed.
            Account { accepted: 2, done: 1, cancelled: 1, ..Account::default() }
        } else {
            assert_eq!(canceller.join().unwrap(), Cancelled::Removed(0));
            Account { accepted: 1, cancelled: 1, ..Account::default() }
        };
        assert_eq!((stage.pool.counts().timers, stage.pool.pending()), (0, 0));
        assert_eq!(stage.pool.audit(), Ok(()));
        assert_eq!(stage.pool.account(), account);
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
        let Account { handed_back, .. } = stage.pool.account();
        assert!(handed_back <= 1 - accepted);
        stage.assert_over(
            &[accepted],
            Account { accepted: accepted + handed_back, done: accepted, handed_back, ..Account::default() },
        );
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
        stage.assert_over(&[accepted], Account { accepted, done: accepted, ..Account::default() });
    });
}

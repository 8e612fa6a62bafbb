//! Jobs from outside in the lanes of workers.

use std::vec::Vec;

use super::stage::{Stage, rested};
use super::{LONG, ends, model};
use crate::pool::{Account, Duty};

/// The lane of a worker that has never come, nor will, is opened, and a job put there, while another falls asleep.
#[test]
fn the_first_job_in_a_lane_meets_one_that_falls_asleep() {
    model(2, || {
        let stage = Stage::new(LONG, 2, 0);
        stage.pool.want(1, &mut |duty| assert_eq!(duty, Duty::Nothing)).unwrap();
        let worker = stage.spawn_worker(stage.enlist());
        assert_eq!(stage.pool.open_lanes(), 2);
        let mut duties = Vec::from([stage.pool.submit_packed_to(1, 0).unwrap().1]);
        let (resting, more) = rested([worker]);
        duties.extend(more);
        stage.settle(resting, duties);
        stage.assert_over(&[1], Account { accepted: 1, done: 1, ..Account::default() });
    });
}

#[test]
fn a_job_in_a_lane_meets_the_close_and_the_end_of_its_worker() {
    ends::meets_the_close(|pool| {
        pool.open_lanes();
        pool.submit_packed_to(0, 0)
    });
}

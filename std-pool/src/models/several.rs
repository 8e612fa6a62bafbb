//! Several jobs, of which one is to succeed, and those who win, drop out, or remove them.

use std::time::Duration;

use shuttle::thread;

use super::{Ends, check, check_balance, model, pool};
use crate::sync::race::Race;
use crate::{Attempt, JobError};

#[test]
fn the_winner_meets_those_who_drop_out() {
    model(|| {
        let pool = pool(2).build().unwrap();
        let tries = [Err(1), Ok(2), Err(3)].map(|result: Result<u8, u8>| move || result);
        assert_eq!(pool.invoke_any(tries).unwrap(), 2);
        pool.shutdown();
        check_balance(&pool);
    });
}

#[test]
fn the_last_to_drop_out_tells_so() {
    model(|| {
        let pool = pool(2).build().unwrap();
        let errors = pool.invoke_any([1, 2].map(|n| move || Err::<(), u8>(n))).unwrap_err();
        assert!(matches!(errors[..], [Attempt::Failed(1), Attempt::Failed(2)]));
        pool.shutdown();
        check(&pool, Ends::ran(2));
    });
}

/// It is there, or it is late.
#[test]
fn the_winner_meets_the_end_of_the_time() {
    model(|| {
        let pool = pool(1).build().unwrap();
        match pool.invoke_any_timeout([|| Ok::<u8, u8>(1)], Duration::from_millis(1)) {
            Ok(value) => assert_eq!(value, 1),
            Err(errors) => assert!(matches!(errors[..], [Attempt::Ended(JobError::Expired)])),
        }
        pool.shutdown();
        check_balance(&pool);
    });
}

#[test]
fn several_in_a_job_meet_the_end_of_the_pool() {
    model(|| {
        let pool = pool(1).build().unwrap();
        let inner = pool.clone();
        let handle = pool.spawn(move || inner.invoke_any([1, 2].map(|n| move || Err::<(), u8>(n))).unwrap_err());
        let stops = {
            let pool = pool.clone();
            thread::spawn(move || pool.shutdown_now())
        };
        let Ok(handle) = handle else { return drop(stops.join().unwrap()) };
        let is_known =
            |attempt: &Attempt<u8>| matches!(attempt, Attempt::Failed(_) | Attempt::Ended(JobError::Cancelled));
        assert!(handle.join().is_ok_and(|errors| errors.len() == 2 && errors.iter().all(is_known)) || pool.is_closed());
        stops.join().unwrap();
        pool.shutdown();
        check_balance(&pool);
    });
}

/// Whoever comes after the first finds its value.
#[test]
fn who_is_late_finds_what_the_winner_has_left() {
    model(|| {
        let race = Race::new();
        let (first, second) = (race.enter(), race.enter());
        let other = thread::spawn(move || assert!(first.wins::<u8>(1).is_none()));
        assert!(second.wins::<u8>(2).is_none());
        assert!(race.packet.take().flatten().is_some());
        other.join().unwrap();
    });
}

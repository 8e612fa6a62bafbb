//! What is measured of a group: who notes when a job came, and who begins it.

use std::sync::Arc;

use shuttle::thread;

use super::{Ends, Tally, check, check_group, model, pool};

/// Each job has one run and no more than one wait, whoever is first: where two notes share a place, the first is lost.
#[test]
fn a_note_meets_the_beginning_of_its_job() {
    model(|| {
        let (pool, tally) = (pool(2).metrics(true).build().unwrap(), Tally::default());
        let around = pool.group().build().unwrap();
        let group = Arc::new(around.group().limit(1).build().unwrap());
        let other = {
            let (group, tally) = (group.clone(), tally.clone());
            thread::spawn(move || _ = group.submit(tally.job()).unwrap())
        };
        for _ in 0..2 {
            group.submit(tally.job()).unwrap();
        }
        let id = around.submit(tally.job()).unwrap();
        let is_removed = around.cancel_id(id) == crate::Cancellation::Removed;
        other.join().unwrap();
        assert!(around.wait());
        let ended = if is_removed { Ends { done: 3, cancelled: 1, ..Ends::default() } } else { Ends::ran(4) };
        check_group(&group, Ends::ran(3));
        let [inner, outer] = [&*group, &around].map(crate::Group::metrics);
        assert_eq!(inner.running.count(), 3);
        assert!((1..=3).contains(&inner.waiting.count()), "{inner}");
        let of_around = outer.waiting.count() - inner.waiting.count();
        assert!(of_around <= 1 && (is_removed || of_around == 1), "{outer}");
        // Of what has begun no note is left.
        let is_clear =
            |group: &crate::Group| group.inner.core.policy.gauge.as_ref().is_some_and(|gauge| gauge.is_clear());
        assert!(is_clear(&group) && (is_removed || is_clear(&around)));
        pool.shutdown();
        check(&pool, ended);
    });
}

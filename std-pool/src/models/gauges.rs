//! What is measured of a group: who notes when a job came, and who begins it.

use std::sync::Arc;

use shuttle::thread;

use super::{Ends, Tally, check, check_group, model, pool};

/// Each job has one wait and one run, whoever is first.
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
        assert_eq!(group.metrics().waiting.count(), 3);
        // A run that was long is followed by ones that stand for themselves, as all do here.
        assert_eq!(group.metrics().running.count(), 3);
        // One that was removed may have been noted, and taken back.
        let waits = around.metrics().waiting.count();
        assert!((3..=4).contains(&waits) && (is_removed || waits == 4), "{waits}");
        pool.shutdown();
        check(&pool, ended);
    });
}

//! The first who asks for results, and those who leave some, or close the queues.

use super::{Ends, check, model, pool};
use crate::sys::thread;

/// The job ends before there is a queue, or finds one.
#[test]
fn a_failure_meets_the_first_who_reads() {
    model(|| {
        let pool = pool(1).build().unwrap();
        let id = pool.submit(|| Err::<(), _>("no")).unwrap();
        assert_eq!(pool.failed().pop().map(|failed| failed.id), Some(id));
        pool.shutdown();
        assert!(pool.failed().is_empty());
        check(&pool, Ends { failed: 1, ..Ends::default() });
    });
}

/// Of two who are the first, each reads the same queue.
#[test]
fn the_first_who_read_are_two() {
    model(|| {
        let pool = pool(1).build().unwrap();
        for _ in 0..2 {
            pool.submit(|| Err::<(), _>("no")).unwrap();
        }
        let other = pool.clone();
        let reader = thread::Builder::new().spawn(move || other.failed().pop().is_some()).unwrap();
        assert!(pool.failed().pop().is_some());
        assert!(reader.join().unwrap());
        assert!(pool.failed().is_empty());
        pool.shutdown();
    });
}

/// Nobody waits at a queue that was made while the others were closed.
#[test]
fn the_first_who_reads_meets_the_end() {
    model(|| {
        let pool = pool(1).build().unwrap();
        let id = pool.submit(|| Err::<(), _>("no")).unwrap();
        let other = pool.clone();
        let closer = thread::Builder::new().spawn(move || other.shutdown()).unwrap();
        let read = std::iter::from_fn(|| pool.failed().pop()).map(|failed| failed.id);
        assert_eq!(read.collect::<Vec<_>>(), [id]);
        closer.join().unwrap();
        pool.reset();
        assert!(!pool.failed().is_closed());
    });
}

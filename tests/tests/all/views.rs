//! Several typed views of the same workers.

use std::time::Duration;

use fastthreadpool::{Cancellation, Pool};

use crate::support::{Occupied, pool, values};

#[test]
fn each_view_has_its_own_queues_and_all_share_the_workers() {
    let numbers: Pool<u32> = pool(1);
    let texts = numbers.with_results::<String>();
    let units = texts.with_results::<()>();
    numbers.submit(|| 7).unwrap();
    texts.submit(|| "seven".to_owned()).unwrap();
    texts.submit(|| Err::<String, _>("no")).unwrap();
    units.submit(|| ()).unwrap();
    texts.submit_first(|| "first".to_owned()).unwrap();
    texts.submit_later(Duration::ZERO, || "later".to_owned()).unwrap();
    texts.submit_iter(|| ["a".to_owned()].into_iter()).unwrap();
    assert!(units.wait_idle());
    assert_eq!(values(numbers.done()), [7]);
    assert_eq!(texts.done().len(), 4);
    assert_eq!((texts.failed().len(), numbers.failed().len()), (1, 0));
    assert_eq!((numbers.alive(), numbers.counts()), (1, units.counts()));
}

#[test]
fn ids_are_the_pools_not_the_views() {
    let numbers: Pool<u32> = pool(1);
    let texts = numbers.with_results::<&str>();
    let occupied = Occupied::new(&numbers);
    let a = numbers.submit(|| 1).unwrap();
    let b = texts.submit(|| "two").unwrap();
    assert!(a < b);
    assert_eq!(numbers.cancel(b), Cancellation::Removed);
    assert_eq!(texts.cancel(a), Cancellation::Removed);
    drop(occupied);
}

#[test]
fn the_pool_lives_until_the_last_handle_of_all_views_is_gone() {
    let numbers: Pool<u32> = pool(1);
    let texts = numbers.with_results::<&str>();
    drop(numbers);
    texts.submit(|| "still there").unwrap();
    texts.shutdown();
    assert_eq!(values(texts.done()), ["still there"]);
}

#[test]
fn a_view_may_go_while_its_jobs_wait() {
    let numbers: Pool<u32> = pool(1);
    let occupied = Occupied::new(&numbers);
    let texts = numbers.with_results::<String>();
    texts.submit(|| "for nobody".to_owned()).unwrap();
    drop(texts);
    drop(occupied);
    numbers.wait_idle();
    assert_eq!(numbers.counts().done, 2);
}

#[test]
fn a_shutdown_closes_and_clear_reopens_all_of_them() {
    let numbers: Pool<u32> = pool(1);
    let texts = numbers.with_results::<&str>();
    numbers.shutdown();
    assert!(texts.submit(|| "late").is_err());
    assert_eq!(texts.done().pop(), None);
    texts.reset();
    numbers.submit(|| 7).unwrap();
    texts.submit(|| "again").unwrap();
    assert_eq!(numbers.done().pop().unwrap().value, 7);
    assert_eq!(texts.done().pop().unwrap().value, "again");
}

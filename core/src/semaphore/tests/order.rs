//! In which order those are served who wait, and who may overtake them.

use super::*;

#[test]
fn who_waits_is_served_in_order_and_only_the_served_are_woken() {
    let semaphore = Threads::new(0);
    let mut tasks = [2, 1, 1].map(|count| Task::new(&semaphore, count));
    assert_eq!(semaphore.waiters(), 3);

    semaphore.release(1).unwrap();
    assert!(tasks.iter().all(|task| task.wakes() == 0));
    assert_eq!(semaphore.value(), 1, "gathered for the head");
    assert_eq!(semaphore.try_acquire(1), Err(TryAcquireError::NoPermits), "a newcomer does not overtake");

    semaphore.release(2).unwrap();
    assert_eq!(tasks.each_ref().map(Task::wakes), [1, 1, 0]);
    assert_eq!(tasks.each_mut().map(Task::poll), [GRANTED, GRANTED, Poll::Pending]);
    semaphore.release(2).unwrap();
    assert_eq!(tasks[2].poll(), GRANTED);
    assert_eq!((semaphore.value(), semaphore.waiters()), (1, 0));
    assert_eq!(semaphore.try_acquire(1), Ok(()));
}

#[test]
fn a_free_permit_is_whoevers_comes_until_one_who_waits_was_called_too_often_in_vain() {
    let semaphore = Threads::new(1);
    semaphore.try_acquire(1).unwrap();
    let (mut first, mut second) = (Task::new(&semaphore, 1), Task::new(&semaphore, 1));
    for call in 1..=acquire::PATIENCE {
        semaphore.release(1).unwrap();
        assert_eq!((first.wakes(), second.wakes(), semaphore.waiters()), (call, 0, 2));
        semaphore.try_acquire(1).expect("it is free");
        semaphore.release(1).unwrap();
        assert_eq!(first.wakes(), call, "it is on its way");
        semaphore.try_acquire(1).expect("it is free again");
        assert_eq!(first.poll(), Poll::Pending);
    }
    semaphore.release(1).unwrap();
    assert_eq!(semaphore.try_acquire(1), Err(TryAcquireError::NoPermits), "it is the first one's");
    assert_eq!((first.poll(), second.poll()), (GRANTED, Poll::Pending));
    semaphore.release(1).unwrap();
    semaphore.try_acquire(1).expect("the second has not waited long");
    assert_eq!((second.wakes(), second.poll()), (1, Poll::Pending));
    semaphore.release(1).unwrap();
    assert_eq!((second.wakes(), second.poll()), (2, GRANTED));
    assert_eq!((semaphore.value(), semaphore.waiters()), (0, 0));
}

#[test]
fn a_fair_one_lets_nobody_overtake() {
    let semaphore = Threads::fair(1);
    semaphore.try_acquire(1).unwrap();
    let mut tasks = [1, 1].map(|count| Task::new(&semaphore, count));
    for task in &mut tasks {
        semaphore.release(1).unwrap();
        assert_eq!(semaphore.try_acquire(1), Err(TryAcquireError::NoPermits));
        assert_eq!((task.wakes(), task.poll()), (1, GRANTED));
    }
    semaphore.release(1).unwrap();
    semaphore.try_acquire(1).expect("nobody waits");
    let lock = Lock::<YieldingMutex, Sleeper>::fair();
    assert!(lock.try_acquire() && !lock.try_acquire());
}

#[test]
fn who_was_called_and_is_gone_leaves_the_call_to_the_next() {
    let semaphore = Threads::new(0);
    let (first, mut second) = (Task::new(&semaphore, 1), Task::new(&semaphore, 1));
    semaphore.release(1).unwrap();
    assert_eq!((first.wakes(), second.wakes()), (1, 0));
    drop(first);
    assert_eq!((second.wakes(), second.poll()), (1, GRANTED));
    assert_eq!((semaphore.value(), semaphore.waiters()), (0, 0));
}

#[test]
fn who_finds_more_than_its_own_calls_the_next() {
    let semaphore = Threads::new(0);
    let mut tasks = [1, 2, 1].map(|count| Task::new(&semaphore, count));
    semaphore.release(1).unwrap();
    semaphore.release(3).unwrap();
    assert_eq!(tasks.each_ref().map(Task::wakes), [1, 1, 1]);
    assert_eq!(tasks.each_mut().map(Task::poll), [GRANTED; 3]);
    assert_eq!((semaphore.value(), semaphore.waiters()), (0, 0));
}

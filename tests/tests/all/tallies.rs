//! Groups with so many jobs that workers count the ends for themselves: nobody who waits or counts notices that.

use std::sync::mpsc;

use fastthreadpool::{Group, Pool};

use crate::support::{Shut, Waiting, pool};

/// More than a group counts one by one, and no multiple of what fits where a worker counts.
const MANY: u64 = 3_333;

/// What a group counts: accepted, done, failed; nothing of it is left.
fn assert_ended<T: Send + 'static>(group: &Group<T>, expected: [u64; 3]) {
    let counts = group.counts();
    assert_eq!([counts.accepted, counts.done, counts.failed], expected);
    assert_eq!((counts.accepted, counts.pending, counts.running), (counts.sum(), 0, 0));
}

fn submit(group: &Group, jobs: u64) {
    (0..jobs).for_each(|_| _ = group.submit(|| ()).unwrap());
}

#[test]
fn each_wait_finds_the_last_end_wherever_it_is_counted() {
    let pool: Pool = pool(3);
    let group: Group = pool.group().build().unwrap();
    for round in 1..=20 {
        submit(&group, MANY);
        assert!(group.wait());
        assert_ended(&group, [round * MANY, round * MANY, 0]);
    }
}

#[test]
fn jobs_of_several_groups_take_turns() {
    let pool: Pool = pool(2);
    let groups: [Group; 3] = [(); 3].map(|()| pool.group().build().unwrap());
    for _ in 0..MANY {
        for group in &groups {
            submit(group, 1);
        }
    }
    for group in &groups {
        assert!(group.wait());
        assert_ended(group, [MANY, MANY, 0]);
    }
}

#[test]
fn a_worker_that_is_busy_with_something_else_keeps_nobody_waiting() {
    let pool: Pool = pool(1);
    let group: Group = pool.group().build().unwrap();
    let (lasting, pass) = Shut::new();
    submit(&group, MANY);
    // The worker has the ends of the group's last jobs in its tally, and does not come back for long.
    pool.submit(move || pass.pass()).unwrap();
    assert!(group.wait());
    assert_ended(&group, [MANY, MANY, 0]);
    lasting.open();
    assert!(pool.wait());
}

#[test]
fn who_waits_first_is_woken_by_the_last_end() {
    let pool: Pool = pool(2);
    let group: Group = pool.group().build().unwrap();
    for _ in 0..20 {
        let (before, pass) = Shut::new();
        submit(&group, MANY);
        group.submit(move || pass.pass()).unwrap();
        let waits = group.clone();
        let waiting = Waiting::new(move || waits.wait());
        submit(&group, MANY);
        before.open();
        assert!(waiting.end());
        assert!(group.wait());
    }
    let all = 20 * (2 * MANY + 1);
    assert_ended(&group, [all, all, 0]);
}

#[test]
fn a_group_that_takes_the_place_of_another_counts_from_nothing() {
    let pool: Pool = pool(2);
    for round in 0..50 {
        let first: Group = pool.group().build().unwrap();
        submit(&first, MANY);
        if round % 2 == 0 {
            assert!(first.wait());
        }
        drop(first);
        let second: Group = pool.group().build().unwrap();
        assert_ended(&second, [0, 0, 0]);
        submit(&second, 3);
        assert!(second.wait());
        assert_ended(&second, [3, 3, 0]);
    }
}

#[test]
fn failures_and_jobs_inside_of_others_are_counted_beside() {
    let pool: Pool = pool(2);
    let group: Group = pool.group().build().unwrap();
    for _ in 0..MANY {
        let inner = group.clone();
        group.submit(move || inner.spawn(|| ()).unwrap().join().unwrap()).unwrap();
        group.submit(|| Err::<(), _>("of those that fail")).unwrap();
    }
    assert!(group.wait());
    assert_ended(&group, [3 * MANY, 2 * MANY, MANY]);
}

#[test]
fn what_a_job_of_a_group_submits_counts_where_it_does() {
    let pool: Pool = pool(2);
    let group: Group = pool.group().build().unwrap();
    submit(&group, MANY);
    let (tell, told) = mpsc::channel();
    let inner = group.clone();
    group
        .submit(move || {
            submit(&inner, MANY);
            let own = inner.counts();
            tell.send((own.running >= 1, inner.wait(), inner.counts().pending)).unwrap();
        })
        .unwrap();
    assert!(group.wait());
    assert_eq!(told.recv().unwrap(), (true, true, 1), "a wait inside of a job excuses that");
    assert_ended(&group, [2 * MANY + 1, 2 * MANY + 1, 0]);
}

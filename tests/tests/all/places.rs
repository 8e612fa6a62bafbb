//! Places in limited groups: jobs that wait for others of their group, and what becomes of their places.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastthreadpool::{Group, Pool};

use crate::support::pool;

/// What ran, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    fn add(&self, what: &'static str) {
        self.0.lock().unwrap().push(what);
    }

    fn lines(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().clone()
    }
}

fn strand(pool: &Pool) -> Group {
    pool.group().limit(1).build().unwrap()
}

/// Everything has ended, and nobody holds a place.
fn assert_over(group: &Group, jobs: u64) {
    assert!(group.wait());
    let counts = group.counts();
    assert_eq!((counts.accepted, counts.done, counts.sum()), (jobs, jobs, jobs));
    assert_eq!(group.spawn(|| 1).unwrap().join().unwrap(), 1, "a place is free");
}

#[test]
fn a_job_joins_another_of_its_strand_and_the_others_come_afterwards() {
    for threads in 1..=2 {
        let pool: Pool = pool(threads);
        let (group, log) = (strand(&pool), Log::default());
        let (inner, write) = (group.clone(), log.clone());
        let joined = group.spawn(move || {
            let (before, awaited) = (write.clone(), write.clone());
            inner.submit(move || before.add("before")).unwrap();
            let handle = inner.spawn(move || awaited.add("joined")).unwrap();
            handle.join().unwrap();
            write.add("joiner");
        });
        joined.unwrap().join().unwrap();
        assert_over(&group, 3);
        assert_eq!(log.lines(), ["joined", "joiner", "before"]);
    }
}

#[test]
fn a_job_joins_through_several_of_its_strand() {
    fn descend(group: &Group, levels: u32) -> u32 {
        if levels == 0 {
            return 0;
        }
        let inner = group.clone();
        1 + group.spawn(move || descend(&inner, levels - 1)).unwrap().join().unwrap()
    }
    for threads in 1..=2 {
        let pool: Pool = pool(threads);
        let group = strand(&pool);
        assert_eq!(descend(&group, 40), 40);
        assert_over(&group, 40);
    }
}

#[test]
fn no_more_than_the_limit_run_while_jobs_join() {
    let pool: Pool = pool(4);
    let group: Group = pool.group().limit(2).build().unwrap();
    // Of those that join only the one that is joined goes on.
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let count = move |running: &AtomicUsize, most: &AtomicUsize, work: &dyn Fn()| {
        most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        work();
        running.fetch_sub(1, Ordering::SeqCst);
    };
    for _ in 0..50 {
        let (inner, running, most) = (group.clone(), running.clone(), most.clone());
        let outer = move || {
            count(&running, &most, &std::thread::yield_now);
            let (running, most) = (running.clone(), most.clone());
            let handle = inner.spawn(move || count(&running, &most, &std::thread::yield_now)).unwrap();
            handle.join().unwrap();
        };
        group.submit(outer).unwrap();
    }
    assert_over(&group, 100);
    assert!((1..=2).contains(&most.load(Ordering::SeqCst)), "{most:?} at a time");
}

#[test]
fn a_job_joins_one_that_will_need_its_place() {
    let pool: Pool = pool(1);
    let around = strand(&pool);
    let group: Group = around.group().limit(1).build().unwrap();
    let inner = group.clone();
    let joiner = around.spawn(move || {
        // It waits for the joiner's place, and the joined one for it.
        inner.submit(|| ()).unwrap();
        inner.spawn(|| 7).unwrap().join().unwrap()
    });
    assert_eq!(joiner.unwrap().join().unwrap(), 7);
    assert!(around.wait());
    assert_over(&group, 2);
    assert_over(&around, 4);
}

#[test]
fn a_job_of_a_key_joins_another_of_it() {
    let pool: Pool = pool(1);
    let group: Group = pool.group().keyed().limit(1).build().unwrap();
    let inner = group.clone();
    let joiner = group.keyed("key").unwrap().spawn(move || {
        let other = inner.keyed("other key").unwrap().spawn(|| 1).unwrap();
        let same = inner.keyed("key").unwrap().spawn(|| 2).unwrap();
        same.join().unwrap() + other.join().unwrap()
    });
    assert_eq!(joiner.unwrap().join().unwrap(), 3);
    assert_over(&group, 3);
}

#[test]
fn a_job_waits_for_the_rest_of_its_strand() {
    for threads in 1..=2 {
        let pool: Pool = pool(threads);
        let (group, log) = (strand(&pool), Log::default());
        let (inner, write) = (group.clone(), log.clone());
        let waiter = group.spawn(move || {
            for name in ["first", "second"] {
                let write = write.clone();
                inner.submit(move || write.add(name)).unwrap();
            }
            let late = write.clone();
            inner.job(move || late.add("delayed")).after(Duration::from_millis(2)).submit().unwrap();
            assert!(inner.wait());
            write.add("waiter");
        });
        waiter.unwrap().join().unwrap();
        assert_eq!(log.lines(), ["first", "second", "delayed", "waiter"]);
        assert_over(&group, 4);
    }
}

#[test]
fn a_job_of_a_strand_waits_for_the_pool_or_for_the_group_around() {
    let pool: Arc<Pool> = Arc::new(pool(1));
    let around: Group = pool.group().limit(2).build().unwrap();
    let group: Group = around.group().limit(1).build().unwrap();
    for waits_for_pool in [false, true] {
        let (inner, outer, all) = (group.clone(), around.clone(), Arc::downgrade(&pool));
        let (after, count) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (seen, add) = (after.clone(), count.clone());
        let waiter = group.spawn(move || {
            let again = add.clone();
            inner.submit(move || _ = again.fetch_add(1, Ordering::SeqCst)).unwrap();
            let pool = all.upgrade().unwrap();
            assert!(if waits_for_pool { pool.wait_idle() } else { outer.wait() });
            seen.store(add.load(Ordering::SeqCst), Ordering::SeqCst);
        });
        waiter.unwrap().join().unwrap();
        assert_eq!((after.load(Ordering::SeqCst), count.load(Ordering::SeqCst)), (1, 1));
    }
    assert!(around.wait());
    assert_over(&group, 4);
    assert_eq!(around.counts().done, 5);
}

#[test]
fn two_jobs_of_a_group_for_two_wait_for_it_and_for_each_other() {
    let pool: Pool = pool(2);
    let group: Group = pool.group().limit(2).build().unwrap();
    let both = Arc::new(std::sync::Barrier::new(2));
    for _ in 0..2 {
        let (inner, both) = (group.clone(), both.clone());
        let waiter = move || {
            both.wait();
            inner.submit(|| ()).unwrap();
            assert!(inner.wait());
        };
        group.submit(waiter).unwrap();
    }
    assert_over(&group, 4);
}

#[test]
fn a_place_is_given_up_for_who_is_waited_for_and_waits_for_others_to_need_it() {
    for waits_first in [true, false] {
        let pool: Pool = pool(2);
        let (group, log) = (strand(&pool), Log::default());
        let (inner, handle, write) = (group.clone(), pool.clone(), log.clone());
        // Of no group, and it waits for the one behind this.
        let (begun, begins) = std::sync::mpsc::channel();
        let holder = group.spawn(move || {
            let behind = write.clone();
            inner.submit(move || behind.add("behind")).unwrap();
            let (waits, note) = (inner.clone(), write.clone());
            let waiter = handle.spawn(move || {
                begun.send(()).unwrap();
                waits.wait();
                note.add("waiter");
            });
            if waits_first {
                // It has begun elsewhere; else it is run here, inside of this.
                begins.recv().unwrap();
            }
            waiter.unwrap().join().unwrap();
            write.add("holder");
        });
        holder.unwrap().join().unwrap();
        assert_over(&group, 2);
        assert_eq!(log.lines(), ["behind", "waiter", "holder"]);
    }
}

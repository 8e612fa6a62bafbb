//! State of each thread that runs jobs.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ThreadId};

use fastthreadpool::{Pool, WorkerLocal};

use crate::support::{Bomb, Drops, Meeting, pool, tally, values};

#[test]
fn each_worker_has_one_value_which_its_jobs_share() {
    let pool: Pool<(ThreadId, usize)> = pool(3);
    let local = WorkerLocal::new(|| (thread::current().id(), Cell::new(0)));
    let meeting = Arc::new(Meeting::default());
    for n in 0..300 {
        let (local, meeting) = (local.clone(), Arc::clone(&meeting));
        pool.submit(move || {
            if n < 3 {
                meeting.wait_for(3);
            }
            local.with(|(made_on, count)| {
                assert_eq!(*made_on, thread::current().id());
                count.set(count.get() + 1);
                (*made_on, count.get())
            })
        })
        .unwrap();
    }
    pool.shutdown();
    let mut counted = values(pool.done());
    counted.sort_by_key(|(_, count)| *count);
    let jobs = tally(counted.iter().map(|(id, _)| format!("{id:?}")));
    assert_eq!((jobs.len(), jobs.values().sum::<usize>()), (3, 300));
    for (id, number) in jobs {
        let of_one = counted.iter().filter(|(made_on, _)| format!("{made_on:?}") == id).map(|(_, count)| *count);
        assert!(of_one.eq(1..=number));
    }
}

#[test]
fn values_are_dropped_with_their_threads() {
    let pool: Pool = pool(2);
    let drops = Drops::default();
    let local = {
        let drops = drops.clone();
        WorkerLocal::new(move || drops.one())
    };
    let meeting = Arc::new(Meeting::default());
    for _ in 0..2 {
        let (local, meeting) = (local.clone(), Arc::clone(&meeting));
        pool.submit(move || {
            local.with(|_| ());
            meeting.wait_for(2);
        })
        .unwrap();
    }
    pool.wait_idle();
    assert_eq!(drops.count(), 0);
    pool.shutdown();
    assert_eq!(drops.count(), 2, "both threads are gone, and the local is still there");
    drop(local);
    assert_eq!(drops.count(), 2);
}

#[test]
fn a_value_needs_to_be_neither_send_nor_sync() {
    let pool: Pool = pool(1);
    let local = WorkerLocal::new(|| Rc::new(RefCell::new(Vec::new())));
    for n in 0..3 {
        let local = local.clone();
        pool.spawn(move || local.with(|values| values.borrow_mut().push(n))).unwrap().join().unwrap();
    }
    assert_eq!(pool.spawn(move || local.with(|values| values.borrow().clone())).unwrap().join().unwrap(), [0, 1, 2]);
}

#[test]
fn who_takes_part_and_is_no_worker_has_a_value_of_its_own() {
    let pool: Pool = pool(1);
    let local = WorkerLocal::new(|| thread::current().id());
    let of_worker = {
        let local = local.clone();
        pool.spawn(move || local.with(|id| *id)).unwrap().join().unwrap()
    };
    let own = local.with(|id| *id);
    assert!(own == thread::current().id() && own != of_worker);
    let occupied = crate::support::Occupied::new(&pool);
    // Runs here, as the worker has no time.
    let handle = {
        let local = local.clone();
        pool.spawn(move || local.with(|id| *id)).unwrap()
    };
    assert!(pool.run_one());
    assert_eq!(handle.join().unwrap(), own);
    drop(occupied);
}

#[test]
fn locals_are_told_apart_and_those_that_are_gone_leave_nothing() {
    let drops = Drops::default();
    let make = |number: u8| {
        let drops = drops.clone();
        WorkerLocal::new(move || (number, drops.one()))
    };
    let (one, two) = (make(1), make(2));
    let number = |local: &WorkerLocal<(u8, crate::support::Dropped)>| local.with(|(number, _)| *number);
    assert_eq!((number(&one), number(&two), number(&one.clone())), (1, 2, 1));
    drop(one);
    assert_eq!(drops.count(), 1);
    // Another may be where the first one was.
    let three = make(3);
    assert_eq!((number(&two), number(&three)), (2, 3));
    // What others have made they drop when they make another.
    let pool: Pool = pool(1);
    let (of_worker, next) = (three.clone(), two.clone());
    pool.spawn(move || of_worker.with(|_| ())).unwrap().join().unwrap();
    pool.wait_idle();
    drop(three);
    assert_eq!(drops.count(), 2);
    pool.spawn(move || next.with(|_| ())).unwrap().join().unwrap();
    assert_eq!(drops.count(), 3);
    pool.shutdown();
    assert_eq!(drops.count(), 4);
}

#[test]
fn what_is_used_inside_of_itself_is_the_same() {
    let local = WorkerLocal::new(|| Cell::new(0));
    let inner = WorkerLocal::new({
        let local = local.clone();
        move || local.with(Cell::get) + 10
    });
    local.with(|count| {
        count.set(1);
        local.with(|same| same.set(same.get() + 1));
        assert_eq!((count.get(), inner.with(|value| *value)), (2, 12));
    });
}

#[test]
fn an_initializer_that_panics_is_tried_again() {
    let calls = Arc::new(AtomicUsize::new(0));
    let local = {
        let calls = Arc::clone(&calls);
        WorkerLocal::new(move || {
            assert!(calls.fetch_add(1, Ordering::SeqCst) > 0, "an initializer");
            7
        })
    };
    let pool: Pool<u32> = pool(1);
    for _ in 0..3 {
        let local = local.clone();
        pool.submit(move || local.with(|value| *value)).unwrap();
    }
    pool.shutdown();
    assert_eq!((values(pool.done()), pool.failed().len(), calls.load(Ordering::SeqCst)), (vec![7, 7], 1, 2));
}

#[test]
fn an_initializer_that_uses_its_own_local_panics() {
    let slot = Arc::new(std::sync::OnceLock::<WorkerLocal<u8>>::new());
    let local = {
        // The local is in the slot: if it owned that in turn, neither would ever be dropped.
        let slot = Arc::downgrade(&slot);
        WorkerLocal::new(move || slot.upgrade().unwrap().get().unwrap().with(|value| *value))
    };
    slot.set(local.clone()).unwrap();
    for _ in 0..2 {
        let panic = catch_unwind(AssertUnwindSafe(|| local.with(|value| *value))).unwrap_err();
        assert_eq!(panic.downcast_ref::<String>().unwrap(), "the initializer of a WorkerLocal<u8> uses it itself");
    }
}

#[test]
fn a_value_whose_destructor_panics_ends_nothing_but_itself() {
    let pool: Pool = pool(1);
    let drops = Drops::default();
    let token = drops.clone();
    let (fragile, others) = (WorkerLocal::new(|| Bomb), WorkerLocal::new(move || token.one()));
    let (own, own_others) = (fragile.clone(), others.clone());
    pool.submit(move || own.with(|_| own_others.with(|_| ()))).unwrap();
    pool.shutdown();
    assert_eq!((pool.counts().done, drops.count()), (1, 1));
    fragile.with(|_| ());
    drop(fragile);
}

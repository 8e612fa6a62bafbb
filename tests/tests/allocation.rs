//! What is allocated: nothing, once the pool is warm, for a job of up to 256 bytes in the queue; and nothing while it idles.
//! What is given back: most of what a burst took.
//!
//! In a process of its own without the usual harness, whose threads allocate, too: what is counted is the test's alone.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use fastthreadpool::{JobId, Pool};
use fastthreadpool_core as core;
use fastthreadpool_core::hosts::{ScriptedHost, ScriptedMutex};
use fastthreadpool_core::{End, Growing, Next};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static LIVE_BYTES: AtomicUsize = AtomicUsize::new(0);

fn main() {
    a_warm_pool_allocates_nothing();
    what_a_burst_took_is_given_back_after_a_quieter_time();
    what_a_burst_took_is_given_back_without_a_further_job();
    a_timer_that_is_moved_allocates_nothing_and_stays_one();
    while_one_job_runs_long_memory_and_listings_stay_as_they_are();
    workers_that_are_dropped_before_they_end_keep_no_memory_from_being_used_again();
    println!("ok: what is allocated, and given back");
}

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        LIVE_BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE_BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static RAN: AtomicUsize = AtomicUsize::new(0);

fn allocations(f: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.load(Ordering::SeqCst);
    f();
    ALLOCATIONS.load(Ordering::SeqCst) - before
}

const JOBS: usize = 1000;

/// Makes room for twice as many jobs as a round has, then sees that rounds allocate nothing.
fn assert_none(what: &str, pool: &Pool, mut submit: impl FnMut(usize), mut wait: impl FnMut()) {
    // Both workers are held meanwhile, so that each round has all its jobs in the queue at once: of what a round does not need some is
    // given back. By no semaphore of the pool's, for which others would stand in.
    let barrier = Arc::new(Barrier::new(3));
    let mut submit = |jobs: usize| {
        for _ in 0..2 {
            let barrier = Arc::clone(&barrier);
            pool.submit(move || {
                barrier.wait();
                barrier.wait();
            })
            .unwrap();
        }
        barrier.wait();
        submit(jobs);
        barrier.wait();
    };
    submit(2 * JOBS);
    pool.wait_idle();
    wait();
    // The first that wait make room in the lists of those who wait.
    let rounds = |rounds: usize, submit: &mut dyn FnMut(usize), wait: &mut dyn FnMut()| {
        allocations(|| {
            for _ in 0..rounds {
                submit(JOBS);
                pool.wait_idle();
                wait();
            }
        })
    };
    rounds(20, &mut submit, &mut wait);
    let allocated = rounds(100, &mut submit, &mut wait);
    // The mutex of the host enlarges a table of its own when threads meet there for the first time.
    assert!(allocated <= 8, "{what}: {allocated} allocations for {} jobs", 100 * JOBS);
}

fn a_warm_pool_allocates_nothing() {
    let pool: Pool = Pool::builder().threads(2).build().unwrap();
    let numbers = pool.with_results::<usize>();
    let (five, many, more) = ([1_usize; 5], [1_usize; 31], [1_u8; 257]);
    let run = |n| _ = RAN.fetch_add(n, Ordering::Relaxed);
    let each = |jobs: usize, submit: &dyn Fn(usize) -> JobId| (0..jobs).for_each(|n| _ = submit(n));

    assert_none("no captures", &pool, |jobs| each(jobs, &|_| pool.submit(move || run(1)).unwrap()), || ());
    assert_none("48 bytes", &pool, |jobs| each(jobs, &|n| pool.submit(move || run(n + five[0])).unwrap()), || ());
    assert_none("256 bytes", &pool, |jobs| each(jobs, &|n| pool.submit(move || run(n + many[30])).unwrap()), || ());
    let batch = |jobs: usize| _ = pool.submit_all((0..jobs).map(|n| move || run(n))).unwrap();
    assert_none("batches", &pool, batch, || ());
    assert_none("urgent", &pool, |jobs| each(jobs, &|n| pool.submit_first(move || run(n)).unwrap()), || ());
    let soon = Duration::from_micros(10);
    assert_none(
        "delayed",
        &pool,
        |jobs| each(jobs, &|n| pool.submit_later(soon, move || run(n)).unwrap()),
        || {
            while pool.counts().timers > 0 {
                std::thread::yield_now();
            }
            pool.wait_idle();
        },
    );
    let cancel = |jobs: usize| {
        each(jobs, &|n| {
            let id = pool.submit(move || run(n)).unwrap();
            pool.cancel(id);
            id
        });
    };
    assert_none("cancelled", &pool, cancel, || ());
    let read = || while numbers.done().try_pop().is_some() {};
    assert_none("results", &pool, |jobs| each(jobs, &|n| numbers.submit(move || n).unwrap()), read);
    assert!(RAN.load(Ordering::Relaxed) > 0);

    // A larger one takes one box, and no more.
    let boxed = allocations(|| {
        (0..JOBS).for_each(|n| _ = pool.submit(move || run(n + usize::from(more[0]))).unwrap());
        pool.wait_idle();
    });
    assert_eq!(boxed, JOBS);
}

fn what_a_burst_took_is_given_back_after_a_quieter_time() {
    let pool = core::Pool::<u64, _, Growing<u64, ScriptedMutex>>::growing(ScriptedHost::new(), 1, 0);
    let mut worker = pool.enlist().unwrap();
    // Submits so many, lets the worker do them and fall asleep, and returns how many bytes are in use then.
    let mut round = |jobs: u64| {
        (0..jobs).for_each(|n| _ = pool.submit(n).unwrap());
        let mut ran = 0;
        while let Next::Run { payload, running, .. } = worker.next() {
            assert_eq!(payload, ran);
            let _ = pool.end(&running, End::Done, None);
            ran += 1;
        }
        assert_eq!(ran, jobs);
        LIVE_BYTES.load(Ordering::Relaxed)
    };
    round(10);
    let burst = round(100_000);
    // What was used since the last time all slept is kept; a payload of 8 bytes takes more than that in a block.
    let after = round(10);
    assert!(burst > after + 90_000 * 8, "{burst} bytes after the burst, {after} after the quieter time");
    assert_eq!(round(10), after, "and no more");
    round(100_000);
}

/// Waits until no more is in use than so much.
fn wait_for_bytes(most: usize) {
    // A worker gives back what it can before it goes to sleep.
    while LIVE_BYTES.load(Ordering::SeqCst) > most {
        std::thread::yield_now();
    }
}

/// Occupies a worker until the sender is dropped: its job waits for something that the pool does not know.
fn occupy(pool: &Pool) -> Sender<()> {
    let ((begun, has_begun), (open, gate)) = (channel(), channel());
    drop(pool.spawn(move || {
        begun.send(()).unwrap();
        let _: Result<(), _> = gate.recv();
    }));
    has_begun.recv().unwrap();
    open
}

fn what_a_burst_took_is_given_back_without_a_further_job() {
    const BURST: usize = 100_000;
    let pool: Pool = Pool::builder().threads(2).build().unwrap();
    pool.submit(|| ()).unwrap();
    pool.submit_later(Duration::ZERO, || ()).unwrap();
    pool.wait_idle();
    let before = LIVE_BYTES.load(Ordering::SeqCst);
    for round in 0..10 {
        let occupied = [occupy(&pool), occupy(&pool)];
        let large = [round; 20];
        match round % 5 {
            0 => (0..BURST).for_each(|_| _ = pool.submit(|| ()).unwrap()),
            1 => (0..BURST).for_each(|_| _ = pool.submit_first(|| ()).unwrap()),
            2 => (0..BURST).for_each(|_| _ = pool.submit_later(Duration::ZERO, || ()).unwrap()),
            3 => (0..BURST).for_each(|_| _ = pool.submit_later(Duration::from_hours(1), || ()).unwrap()),
            _ => (0..BURST).for_each(|_| _ = pool.submit(move || _ = black_box(large)).unwrap()),
        }
        let burst = LIVE_BYTES.load(Ordering::SeqCst) - before;
        assert!(burst > BURST * 16, "{burst} bytes of a burst");
        if round % 5 == 3 {
            assert_eq!(pool.cancel_timers().len(), BURST);
        }
        drop(occupied);
        pool.wait_idle();
        wait_for_bytes(before + burst / 8);
    }
}

fn a_timer_that_is_moved_allocates_nothing_and_stays_one() {
    let pool: Pool = Pool::builder().threads(2).build().unwrap();
    let hour = Duration::from_hours(1);
    let id = pool.submit_later(hour, || ()).unwrap();
    pool.reschedule(id, 2 * hour).unwrap();
    let moved =
        allocations(|| (0..100_000).for_each(|n| pool.reschedule(id, hour + n * Duration::from_millis(1)).unwrap()));
    // A worker may be on its way to sleep meanwhile.
    assert!(moved <= 8, "{moved} allocations for 100,000 moves");
    assert_eq!((pool.delayed().len(), pool.counts().accepted, pool.counts().timers), (1, 1, 1));
    pool.cancel(id);
}

fn while_one_job_runs_long_memory_and_listings_stay_as_they_are() {
    let pool: Pool = Pool::builder().threads(2).build().unwrap();
    // Claimed together with others, which are short.
    (0..100).for_each(|_| _ = pool.submit(|| ()).unwrap());
    let occupied = occupy(&pool);
    let round = |jobs: usize| {
        for _ in 0..jobs / 500 {
            (0..500).for_each(|_| _ = pool.submit(|| ()).unwrap());
            while pool.pending() > 1 {
                std::thread::yield_now();
            }
        }
        let listed = allocations(|| assert!(pool.jobs().is_empty()));
        (LIVE_BYTES.load(Ordering::SeqCst), listed)
    };
    let (few, _) = round(10_000);
    let (many, listed) = round(500_000);
    assert!(many < few + 32 * 1024, "{few} bytes after a few jobs, {many} after many");
    assert_eq!(listed, 0, "for a listing of nothing");
    drop(occupied);
    pool.wait_idle();
}

fn workers_that_are_dropped_before_they_end_keep_no_memory_from_being_used_again() {
    let pool = core::Pool::<u64, _, Growing<u64, ScriptedMutex>>::growing(ScriptedHost::new(), 1, 0);
    let round = || {
        for n in 0..1000 {
            let _ = pool.submit(n).unwrap();
            let mut worker = pool.enlist().unwrap();
            let Next::Run { payload, running, .. } = worker.next() else { panic!("a job waits") };
            assert_eq!(payload, n);
            let _ = pool.end(&running, End::Done, None);
        }
        LIVE_BYTES.load(Ordering::Relaxed)
    };
    round();
    let after = round();
    assert_eq!(round(), after);
}

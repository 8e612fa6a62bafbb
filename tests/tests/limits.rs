//! Some threads can be started and some cannot: the address space is as large as a few stacks.
//!
//! One test in a process of its own, since the limit is one of the process.
#![cfg(target_os = "linux")]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use std::time::Duration;

use fastthreadpool::{Group, Pool, Semaphore, SubmitError};

/// Of a stack. Far more than whatever else is mapped meanwhile.
const STACK: usize = 512 << 20;

/// Lets the process map so much more, or as much as before.
fn limit(more: Option<usize>) {
    // SAFETY: a number that the system knows.
    let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap();
    let pages: usize = fs::read_to_string("/proc/self/statm").unwrap().split(' ').next().unwrap().parse().unwrap();
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit is a variable of this function.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) }, 0);
    limit.rlim_cur = more.map_or(limit.rlim_max, |more| (pages * page + more) as libc::rlim_t);
    // SAFETY: as above.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
}

/// Lets all jobs go on when the test is over, and so its pool end, whatever has failed.
struct Opens(Arc<Semaphore>);

impl Drop for Opens {
    fn drop(&mut self) {
        limit(None);
        self.0.close();
    }
}

#[test]
fn a_pool_goes_on_with_the_threads_it_has_until_there_can_be_more() {
    const THREADS: usize = 5;
    let pool: Pool = Pool::builder().threads(THREADS).stack_size(STACK).build().unwrap();
    let (begun, gate, ran) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let _opens = Opens(Arc::clone(&gate));
    // Jobs that each keep a worker, so that each submit asks for one more.
    let submit = || {
        let (begun, gate, ran) = (Arc::clone(&begun), Arc::clone(&gate), Arc::clone(&ran));
        let submitted = pool.submit(move || {
            begun.release(1).unwrap();
            gate.acquire().unwrap().forget();
            ran.fetch_add(1, Ordering::SeqCst);
        });
        submitted.unwrap();
    };

    limit(Some(2 * STACK + STACK / 2));
    submit();
    begun.acquire().unwrap().forget();
    for _ in 0..20 {
        submit();
        // Those who can begin have, before the next asks.
        while begun.value() + 1 < pool.alive() {
            std::thread::yield_now();
        }
    }
    let some = pool.alive();
    assert!((1..=2).contains(&some), "{some} threads");
    assert_eq!((pool.pending(), ran.load(Ordering::SeqCst)), (21, 0), "nothing is lost, and nothing was given back");

    // Of another pool not even one.
    limit(Some(STACK / 2));
    let other: Pool<u32> = Pool::builder().threads(1).stack_size(STACK).build().unwrap();
    let strand: Group<u32> = other.group().limit(1).build().unwrap();
    let hour = Duration::from_hours(1);
    let Err(SubmitError::NoThread(job, _)) = other.submit(|| 7) else { panic!("there is no thread") };
    assert_eq!(job(), 7);
    let Err(SubmitError::NoThread(job, _)) = other.job(|| 8).after(hour).submit() else {
        panic!("nobody waits for it")
    };
    assert_eq!(job(), 8);
    let Err(SubmitError::NoThread(job, _)) = strand.submit(|| 9) else { panic!("there is no thread") };
    assert_eq!(job(), 9);
    let Err(SubmitError::NoThread(mut job, _)) = other.periodic(|| 10).every(hour).submit() else {
        panic!("nobody repeats it")
    };
    assert_eq!(job(), 10);
    let counts = other.counts();
    assert_eq!((counts.accepted, counts.handed_back, counts.sum(), counts.pending), (4, 4, 4, 0));
    assert_eq!((strand.counts().accepted, strand.counts().handed_back), (1, 1));

    limit(None);
    let mut jobs = 21;
    while pool.alive() < THREADS {
        submit();
        jobs += 1;
        std::thread::yield_now();
    }
    gate.release(jobs).unwrap();
    pool.shutdown();
    assert_eq!((ran.load(Ordering::SeqCst), pool.counts().done, pool.alive()), (jobs, jobs as u64, 0));
}

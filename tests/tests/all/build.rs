//! Setting a pool up: numbers of threads, names, and what cannot be built.

use std::thread;

use fastthreadpool::{BuildError, MAX_WORKERS, Pool};

use crate::support::{Occupied, pool};

fn cpus() -> usize {
    thread::available_parallelism().unwrap().get()
}

#[test]
fn numbers_of_threads_that_make_no_pool_are_errors() {
    let build = |threads| Pool::<()>::builder().threads(threads).build();
    assert!(matches!(build(0), Err(BuildError::Threads(0))));
    assert!(matches!(build(MAX_WORKERS), Err(BuildError::Threads(MAX_WORKERS))));
    assert!(build(1).is_ok());
    for less in [cpus(), cpus() + 1, usize::MAX] {
        let error = Pool::<()>::builder().threads_less(less).build().unwrap_err();
        assert!(matches!(error, BuildError::TooFewCpus { cpus, less: all } if cpus == self::cpus() && all == less));
        assert!(error.to_string().contains(&less.to_string()));
    }
    assert!(Pool::<()>::builder().threads_less(cpus() - 1).build().is_ok());
}

#[test]
fn capacities_and_names_that_make_no_pool_are_errors() {
    assert!(matches!(Pool::<u8>::builder().queue_capacity(0).build(), Err(BuildError::NoCapacity)));
    assert!(matches!(Pool::<u8>::builder().done_capacity(0).build(), Err(BuildError::NoCapacity)));
    assert!(matches!(Pool::<u8>::builder().name_prefix("a\0b").build(), Err(BuildError::Name)));
    assert!(Pool::<u8>::builder().queue_capacity(usize::MAX).done_capacity(usize::MAX).build().is_ok());
}

#[test]
fn threads_start_on_demand_and_never_more_than_wanted() {
    let pool: Pool = pool(3);
    assert_eq!(pool.alive(), 0);
    let mut occupied = Vec::new();
    for alive in 1..=3 {
        occupied.push(Occupied::new(&pool));
        assert_eq!((pool.alive(), pool.busy()), (alive, alive));
    }
    for _ in 0..100 {
        pool.submit(|| ()).unwrap();
    }
    assert_eq!(pool.alive(), 3);
    drop(occupied);
    pool.wait_idle();
    assert!(pool.alive() <= 3);
}

#[test]
fn the_default_is_one_thread_for_each_cpu() {
    let pool: Pool = Pool::new().unwrap();
    let occupied: Vec<_> = (0..cpus()).map(|_| Occupied::new(&pool)).collect();
    pool.submit(|| ()).unwrap();
    assert_eq!(pool.alive(), cpus());
    drop(occupied);
}

#[test]
fn threads_are_named_by_prefix_and_number() {
    let name = |pool: &Pool| pool.spawn(|| thread::current().name().map(str::to_owned)).unwrap().join().unwrap();
    assert_eq!(name(&pool(1)).as_deref(), Some("ThreadPool-1"));

    let pool: Pool = Pool::builder().threads(2).name_prefix("crunch").build().unwrap();
    assert_eq!(name(&pool).as_deref(), Some("crunch-1"));
    let _first = Occupied::new(&pool);
    let _second = Occupied::new(&pool);
    assert_eq!(pool.alive(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn the_system_shows_the_names() {
    let pool: Pool = Pool::builder().threads(1).name_prefix("shown").build().unwrap();
    let name = pool.spawn(|| std::fs::read_to_string("/proc/thread-self/comm").unwrap()).unwrap().join().unwrap();
    assert_eq!(name.trim_end(), "shown-1");
}

#[test]
#[expect(clippy::large_stack_arrays, reason = "that is the point")]
fn the_stack_is_as_large_as_asked_for() {
    // More than the default of two megabytes.
    let pool: Pool = Pool::builder().threads(1).stack_size(16 << 20).build().unwrap();
    let sum = pool.spawn(|| {
        let large = std::hint::black_box([1_u8; 4 << 20]);
        large.iter().map(|byte| u64::from(*byte)).sum::<u64>()
    });
    assert_eq!(sum.unwrap().join().unwrap(), 4 << 20);
}

#[test]
fn errors_and_handles_describe_themselves() {
    let error = Pool::<()>::builder().threads(0).build().unwrap_err();
    assert!(error.to_string().contains("not 0"));
    assert!(format!("{:?}", pool::<u8>(1)).starts_with("Pool"));
    assert!(format!("{:?}", Pool::<u8>::builder()).contains("ThreadPool"));
}

#[test]
fn a_pool_that_was_never_used_ends_at_once() {
    let pool: Pool<u8> = pool(4);
    pool.shutdown();
    assert_eq!(pool.done().pop(), None);
    assert_eq!(pool.alive(), 0);
}

//! How many threads there are, what they are called, where they run.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use fastthreadpool::{BuildError, Builder, Pool, TooManyThreads};

use crate::support::{Drops, HOUR, Meeting, NO_STACK, Occupied, Shut, pool, sorted};

#[test]
fn a_pool_counts_its_threads() {
    let pool: Pool = pool(3);
    assert_eq!((pool.threads(), pool.alive(), pool.busy(), pool.idle()), (3, 0, 0, 0));
    let one = Occupied::new(&pool);
    let two = Occupied::new(&pool);
    assert_eq!((pool.threads(), pool.alive(), pool.busy(), pool.idle()), (3, 2, 2, 0));
    drop(one);
    drop(two);
    pool.wait_idle();
    assert_eq!((pool.threads(), pool.alive(), pool.busy(), pool.idle()), (3, 2, 0, 2));
}

#[test]
fn a_thread_knows_whose_it_is_and_its_number() {
    let (one, other): (Pool, Pool) = (pool(2), pool(1));
    let _occupied = Occupied::new(&one);
    let asks = {
        let (one, other) = (one.clone(), other.clone());
        move || {
            let name = thread::current().name().map(str::to_owned);
            // What it waits for runs on another thread.
            let elsewhere = other.clone();
            let of_other = other.spawn(move || elsewhere.thread_number()).unwrap().join().unwrap();
            (name, one.thread_number(), other.thread_number(), of_other)
        }
    };
    let answer = one.spawn(asks).unwrap().join().unwrap();
    assert_eq!(answer, (Some("ThreadPool-2".to_owned()), Some(2), None, Some(1)));
    assert_eq!(one.thread_number(), None);
}

#[test]
fn a_hook_has_the_number_of_its_thread() {
    let handle: Arc<std::sync::OnceLock<Pool>> = Arc::default();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (weak, log) = (Arc::downgrade(&handle), Arc::clone(&seen));
    let see = move |number| {
        let of_pool = weak.upgrade().and_then(|pool| pool.get()?.thread_number());
        log.lock().unwrap().push((number, of_pool));
    };
    let pool: Pool = Pool::builder().threads(1).on_thread_start(see).build().unwrap();
    handle.set(pool.clone()).unwrap();
    pool.run(|| ());
    assert_eq!(*seen.lock().unwrap(), [(1, Some(1))]);
}

#[cfg(target_os = "linux")]
fn shown() -> String {
    std::fs::read_to_string("/proc/thread-self/comm").unwrap().trim_end().to_owned()
}

#[cfg(target_os = "linux")]
#[test]
fn of_a_long_name_the_system_shows_the_number_and_std_all() {
    let prefix = "a rather long prefix";
    let pool: Pool = Pool::builder().threads(2).name_prefix(prefix).build().unwrap();
    let _occupied = Occupied::new(&pool);
    let name = || (shown(), thread::current().name().map(str::to_owned));
    let (shown, whole) = pool.spawn(name).unwrap().join().unwrap();
    assert_eq!((shown.as_str(), whole), ("a rather long-2", Some(format!("{prefix}-2"))));
}

#[cfg(target_os = "linux")]
#[test]
fn the_thread_of_a_callback_is_shown_by_what_it_calls() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let name = move |_| sender.send(shown()).unwrap();
    let pool: Pool<u8> = Pool::builder().threads(1).name_prefix("a rather long prefix").on_done(name).build().unwrap();
    pool.submit(|| 1).unwrap();
    assert_eq!(receiver.recv().unwrap(), "a rather l-done");
}

#[test]
fn names_may_be_made_of_numbers() {
    let name = |pool: &Pool| pool.spawn(|| thread::current().name().map(str::to_owned)).unwrap().join().unwrap();
    let named = |name: fn(usize) -> String| Pool::builder().threads(1).name_prefix("p").thread_name(name).build();
    assert_eq!(name(&named(|number| format!("no. {number}")).unwrap()).as_deref(), Some("no. 1"));
    assert_eq!(name(&named(|_| "a\0b".into()).unwrap()).as_deref(), Some("ab"), "no thread can be called so");
    assert_eq!(name(&named(|_| panic!("no name")).unwrap()).as_deref(), Some("p-1"));
}

#[cfg(target_os = "linux")]
mod affinity {
    use super::*;

    /// The processors on which the present thread may run.
    fn allowed() -> Vec<usize> {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap().trim();
        let parts = list.split(',').map(|part| part.split_once('-').unwrap_or((part, part)));
        parts.flat_map(|(from, to)| from.parse().unwrap()..=to.parse().unwrap()).collect()
    }

    #[test]
    fn a_thread_runs_on_the_processors_of_its_number() {
        let all = allowed();
        let of = {
            let all = all.clone();
            move |number: usize| if number == 3 { Vec::new() } else { vec![all[number % all.len()]] }
        };
        let pool: Pool = Pool::builder().threads(3).affinity(of.clone()).build().unwrap();
        let meeting = Arc::new(Meeting::default());
        let seen: Vec<_> = (0..3)
            .map(|_| {
                let (pool, handle, meeting) = (&pool, pool.clone(), Arc::clone(&meeting));
                let look = move || {
                    meeting.wait_for(3);
                    (handle.thread_number().unwrap(), allowed())
                };
                pool.spawn(look).unwrap()
            })
            .collect();
        for seen in seen {
            let (number, processors) = seen.join().unwrap();
            assert_eq!(processors, if number == 3 { all.clone() } else { of(number) }, "thread {number}");
        }
        assert_eq!(allowed(), all);
    }

    #[test]
    fn a_processor_that_is_not_there_is_an_error() {
        let error = Pool::<()>::builder().threads(2).affinity(|number| vec![number * 100_000]).build().unwrap_err();
        assert!(matches!(error, BuildError::NoProcessor { thread: 1, processor: 100_000 }), "{error}");
        assert!(error.to_string().contains("processor 100000"));
    }

    #[test]
    fn a_stand_in_that_cannot_run_where_it_should_runs_where_it_may() {
        let all = allowed();
        let first = all[0];
        let of = move |number| if number == 1 { vec![first] } else { vec![100_000] };
        let pool: Pool = Pool::builder().threads(1).affinity(of).build().unwrap();
        let handle = pool.clone();
        let waits = pool.spawn(move || handle.spawn(allowed).unwrap().join().unwrap());
        // Whether the job is run by a stand-in, or inside of the one that waits for it.
        let seen = waits.unwrap().join().unwrap();
        assert!(seen == all || seen == [first], "{seen:?}");
        let named = pool.clone();
        let (sender, receiver) = channel();
        let blocks = pool.spawn(move || named.blocking(|| receiver.recv().unwrap())).unwrap();
        pool.submit(move || sender.send(allowed()).unwrap()).unwrap();
        assert_eq!(blocks.join().unwrap(), all);
    }

    #[test]
    fn a_thread_of_one_processor_builds_a_pool_of_one_thread() {
        let first = allowed()[0];
        let one: Pool = Pool::builder().threads(1).affinity(move |_| vec![first]).build().unwrap();
        let threads = one.spawn(|| Pool::<()>::new().unwrap().threads()).unwrap().join().unwrap();
        assert_eq!(threads, 1);
    }
}

/// A builder whose threads tell that they end.
fn telling(threads: usize) -> (Builder<()>, Receiver<usize>) {
    let (sender, receiver) = channel();
    (Pool::builder().threads(threads).on_thread_stop(move |number| _ = sender.send(number)), receiver)
}

fn wait_for_ends(ends: &Receiver<usize>, number: usize) {
    (0..number).for_each(|_| _ = ends.recv().unwrap());
}

const SOON: Duration = Duration::from_millis(1);

#[test]
fn threads_beyond_the_least_end_when_they_have_nothing_to_do() {
    let (builder, ends) = telling(4);
    // Else the first could have ended before the last is there.
    let (all, came) = (Barrier::new(4), AtomicUsize::new(0));
    let meet = move |_| {
        if came.fetch_add(1, Ordering::SeqCst) < 4 {
            all.wait();
        }
    };
    let pool = builder.min_threads(1).keep_alive(SOON).on_thread_start(meet).prestart(4).build().unwrap();
    wait_for_ends(&ends, 3);
    assert_eq!((pool.alive(), pool.threads(), pool.largest()), (1, 4, 4));
    // The one that is left works, and so do new ones.
    let occupied = [(); 3].map(|()| Occupied::new(&pool));
    assert_eq!((pool.alive(), pool.largest()), (3, 4));
    drop(occupied);
    wait_for_ends(&ends, 2);
    assert_eq!(pool.alive(), 1);
    pool.shutdown();
    assert_eq!(ends.iter().take(1).count(), 1);
}

#[test]
fn with_no_least_all_threads_end_and_others_come_by_the_same_numbers() {
    let (builder, ends) = telling(2);
    let pool = builder.keep_alive(SOON).build().unwrap();
    let number = || {
        let handle = pool.clone();
        pool.spawn(move || handle.thread_number()).unwrap().join().unwrap()
    };
    for _ in 0..20 {
        assert!(number().is_some());
        while pool.alive() > 0 {
            ends.recv().unwrap();
        }
    }
    assert!(pool.largest() <= 2);
    // One that has said that it ends may have its number still, until its thread-local values are gone: this waits for that.
    pool.shutdown();
    pool.reset();
    assert_eq!(number(), Some(1));
}

#[test]
fn threads_that_have_something_to_do_stay_however_long_it_takes() {
    let (builder, ends) = telling(3);
    let pool = builder.keep_alive(Duration::ZERO).build().unwrap();
    let one = Occupied::new(&pool);
    let two = Occupied::new(&pool);
    pool.run(|| ());
    wait_for_ends(&ends, 1);
    assert_eq!((pool.alive(), pool.busy()), (2, 2));
    drop((one, two));
    wait_for_ends(&ends, 2);
    assert_eq!(pool.alive(), 0);
}

#[test]
fn one_thread_stays_for_what_waits_for_its_time() {
    let (builder, ends) = telling(3);
    let pool = builder.keep_alive(SOON).prestart(3).build().unwrap();
    let (sender, ran) = channel();
    let later = pool.submit_later(HOUR, || ()).unwrap();
    wait_for_ends(&ends, 2);
    assert_eq!(pool.alive(), 1);
    // Each of its runs comes while the thread is long idle.
    pool.schedule(10 * SOON, move || _ = sender.send(())).unwrap();
    assert_eq!(ran.iter().take(5).count(), 5);
    pool.cancel(later);
}

#[test]
fn without_a_time_for_it_no_thread_ends() {
    let (builder, ends) = telling(2);
    let pool = builder.min_threads(1).prestart(2).build().unwrap();
    let (short, short_ends) = telling(1);
    let other = short.keep_alive(SOON).prestart(1).build().unwrap();
    wait_for_ends(&short_ends, 1);
    assert_eq!((pool.alive(), other.alive(), ends.try_recv().is_err()), (2, 0, true));
}

#[test]
fn threads_are_started_beforehand_as_many_as_there_may_be() {
    let pool: Pool = Pool::builder().threads(3).prestart(2).build().unwrap();
    assert_eq!((pool.alive(), pool.largest()), (2, 2));
    assert_eq!(pool.start_threads(0).unwrap(), 0);
    assert_eq!(pool.start_threads(usize::MAX).unwrap(), 1);
    assert_eq!(pool.start_threads(1).unwrap(), 0);
    assert_eq!((pool.alive(), pool.largest()), (3, 3));
    pool.shutdown();
    assert_eq!((pool.start_threads(1).unwrap(), pool.alive()), (0, 0));
    let all: Pool = Pool::builder().threads(2).prestart(usize::MAX).build().unwrap();
    assert_eq!(all.alive(), 2);
}

/// More than can be counted as starting, and none of them gets on.
#[test]
fn any_number_of_threads_is_started_beforehand() {
    const MANY: usize = if cfg!(target_pointer_width = "64") { 100 } else { 20 };
    let (shut, gate) = Shut::new();
    let gate = Mutex::new(gate);
    let pool: Pool = Pool::builder()
        .threads(MANY)
        .prestart(MANY)
        .on_thread_start(move |_| gate.lock().unwrap().pass())
        .build()
        .unwrap();
    assert_eq!((pool.alive(), pool.busy()), (MANY, 0));
    shut.open();
    let meeting = Arc::new(Meeting::default());
    for _ in 0..MANY {
        let meeting = Arc::clone(&meeting);
        pool.submit(move || meeting.wait_for(MANY)).unwrap();
    }
    pool.wait_idle();
    assert_eq!(pool.largest(), MANY);
}

#[test]
fn a_thread_that_cannot_be_started_beforehand_is_an_error() {
    let cannot = || Pool::<()>::builder().threads(2).stack_size(NO_STACK);
    match cannot().prestart(1).build() {
        Err(error @ BuildError::Start(_)) => assert!(error.to_string().starts_with("a thread cannot be started: ")),
        other => panic!("{other:?}"),
    }
    let pool = cannot().build().unwrap();
    assert!(pool.start_threads(1).is_err());
    assert_eq!(pool.alive(), 0);
}

#[test]
fn numbers_of_threads_that_do_not_fit_are_errors() {
    let build = |min, max| Pool::<()>::builder().min_threads(min).max_threads(max).build();
    let error = build(3, 2).unwrap_err();
    assert!(matches!(error, BuildError::MinThreads { min: 3, max: 2 }) && error.to_string().contains("at least 3"));
    assert!(matches!(build(1, 0), Err(BuildError::Threads(0))));
    assert_eq!(build(2, 2).unwrap().threads(), 2);

    let pool: Pool = pool(2);
    let error = pool.set_threads(usize::MAX).unwrap_err();
    assert_eq!(error.wanted, usize::MAX);
    assert!(error.most > 2 && error.to_string().contains(&error.most.to_string()));
    let one_more = pool.set_threads(error.most + 1).map_err(|TooManyThreads { wanted, most, .. }| (wanted, most));
    assert_eq!(one_more, Err((error.most + 1, error.most)));
    assert_eq!(pool.threads(), 2);
    assert_eq!((pool.set_threads(error.most), pool.threads()), (Ok(()), error.most));
}

#[test]
fn of_too_many_threads_those_end_that_sleep() {
    let (builder, ends) = telling(4);
    let pool = builder.prestart(4).build().unwrap();
    pool.set_threads(1).unwrap();
    wait_for_ends(&ends, 3);
    assert_eq!((pool.threads(), pool.alive(), pool.largest()), (1, 1, 4));
    pool.set_threads(0).unwrap();
    wait_for_ends(&ends, 1);
    assert_eq!((pool.threads(), pool.alive()), (0, 0));
}

#[test]
fn of_too_many_threads_those_end_that_have_worked_before_they_take_another_job() {
    let (builder, ends) = telling(4);
    let pool = builder.build().unwrap();
    let mut occupied: Vec<_> = (0..4).map(|_| Occupied::new(&pool)).collect();
    let ran = Drops::default();
    for _ in 0..100 {
        let one = ran.one();
        pool.submit(move || drop(one)).unwrap();
    }
    pool.set_threads(1).unwrap();
    occupied.truncate(1);
    wait_for_ends(&ends, 3);
    assert_eq!((pool.alive(), pool.busy(), pool.pending(), ran.count()), (1, 1, 101, 0));
    drop(occupied);
    assert!(pool.wait_idle());
    assert_eq!((pool.alive(), ran.count()), (1, 100));
}

#[test]
fn a_pool_without_threads_runs_nothing_until_it_has_some() {
    let (builder, ends) = telling(2);
    let pool = builder.prestart(2).build().unwrap();
    pool.set_threads(0).unwrap();
    wait_for_ends(&ends, 2);
    let jobs: Vec<_> = (0..10).map(|n| pool.spawn(move || n).unwrap()).collect();
    let group = pool.group::<()>().build().unwrap();
    group.submit(|| ()).unwrap();
    assert!(!pool.wait_idle_timeout(SOON) && !group.wait_timeout(SOON));
    assert_eq!((pool.alive(), pool.pending(), pool.counts().running), (0, 11, 0));
    pool.set_threads(2).unwrap();
    assert_eq!(jobs.into_iter().map(|job| job.join().unwrap()).sum::<i32>(), 45);
    assert!(group.wait());
}

#[test]
fn more_threads_than_the_pool_was_built_for_work_at_the_same_time() {
    let (builder, ends) = telling(1);
    let pool = builder.build().unwrap();
    let meeting = Arc::new(Meeting::default());
    for _ in 0..3 {
        let meeting = Arc::clone(&meeting);
        pool.submit(move || meeting.wait_for(3)).unwrap();
    }
    pool.set_threads(3).unwrap();
    assert!(pool.wait_idle());
    assert_eq!((pool.alive(), pool.largest()), (3, 3));
    pool.set_threads(1).unwrap();
    wait_for_ends(&ends, 2);
    assert_eq!(pool.alive(), 1);
}

#[test]
fn a_shutdown_gives_a_pool_without_threads_one() {
    let pool: Pool<u32> = pool(2);
    pool.set_threads(0).unwrap();
    (0..10).for_each(|n| _ = pool.submit(move || n).unwrap());
    pool.submit_later(SOON, || 10).unwrap();
    pool.shutdown();
    assert_eq!((sorted(pool.done()), pool.threads()), ((0..=10).collect(), 1));
    assert_eq!((pool.set_threads(0), pool.threads()), (Ok(()), 1), "it is closed");
    pool.reset();
    pool.set_threads(0).unwrap();
    pool.submit(|| 11).unwrap();
    let done = pool.with_results::<()>();
    drop(pool);
    // The last handle shuts it down, too.
    drop(done);
}

#[test]
fn jobs_are_run_once_however_the_number_of_threads_changes() {
    const JOBS: usize = 2_000;
    let pool: Pool = Pool::builder().threads(3).keep_alive(Duration::ZERO).build().unwrap();
    let runs: Arc<Vec<AtomicUsize>> = Arc::new((0..2 * JOBS).map(|_| AtomicUsize::new(0)).collect());
    let submits = |from: usize| {
        let (pool, runs) = (pool.clone(), Arc::clone(&runs));
        thread::spawn(move || {
            for job in from..from + JOBS {
                let runs = Arc::clone(&runs);
                pool.submit(move || _ = runs[job].fetch_add(1, Ordering::SeqCst)).unwrap();
            }
        })
    };
    let submitters = [submits(0), submits(JOBS)];
    for number in (0..6).cycle().take(300) {
        pool.set_threads(number).unwrap();
        thread::yield_now();
    }
    for submitter in submitters {
        submitter.join().unwrap();
    }
    pool.set_threads(2).unwrap();
    assert!(pool.wait_idle());
    assert!(runs.iter().all(|runs| runs.load(Ordering::SeqCst) == 1));
    assert!(pool.largest() <= 5);
}

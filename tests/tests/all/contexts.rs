//! What jobs of every kind are told about themselves, and what they say about their next run.

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use fastthreadpool::{Cancellation, Context, Group, GroupOnDrop, JobError, MissedTickBehavior, Pool, SubmitError};

use crate::support::{Gate, HOUR, Shut, pool};

const SOON: Duration = Duration::from_micros(300);

#[test]
fn jobs_of_every_kind_see_that_they_are_cancelled() {
    let pool: Pool<&'static str> = Pool::builder().threads(1).on_drop(fastthreadpool::OnDrop::Stop).build().unwrap();
    let (begun, has_begun) = channel();
    let waits = |name: &'static str| {
        let begun = begun.clone();
        move |job: &Context<'_, &'static str>| {
            assert!(!job.is_cancelled());
            begun.send(job.id()).unwrap();
            job.cancelled();
            name
        }
    };
    // Each is cancelled while it runs, by the id that it has told.
    let cancel_running = || assert_eq!(pool.cancel(has_begun.recv().unwrap()), Cancellation::Stopping);

    pool.submit_with(waits("submitted")).unwrap();
    cancel_running();
    pool.job_with(waits("delayed")).after(SOON).submit().unwrap();
    cancel_running();
    pool.periodic_with(waits("periodic")).every(HOUR).starting(Duration::ZERO).submit().unwrap();
    cancel_running();
    let id = pool.overlapping_with(waits("overlapping")).every(HOUR).starting(Duration::ZERO).submit().unwrap();
    cancel_running();
    assert_eq!(pool.cancel(id), Cancellation::Removed);
    // Others stand in for those that wait: they end in any order.
    let mut ended: Vec<_> = pool.done().iter().take(4).map(|done| done.value).collect();
    ended.sort_unstable();
    assert_eq!(ended, ["delayed", "overlapping", "periodic", "submitted"]);

    let spawned = pool.spawn_with(waits("spawned")).unwrap();
    cancel_running();
    assert_eq!(spawned.join().unwrap(), "spawned");
    let described = pool.job_with(waits("described")).name("a name").after(SOON).spawn().unwrap();
    cancel_running();
    assert_eq!(described.join().unwrap(), "described");
}

#[test]
fn a_delayed_job_knows_when_it_was_due() {
    let pool = pool(1);
    let due = Instant::now() + SOON;
    pool.job_with(|job| (job.due(), job.late(), job.run(), Instant::now())).at(due).submit().unwrap();
    let (told, late, run, now) = pool.done().pop().unwrap().value;
    assert_eq!((told, run), (Some(due), 1));
    assert!(due + late <= now);

    let past = Instant::now();
    let handle = pool.job_with(|job| (job.due(), job.late())).at(past).spawn().unwrap();
    let (told, late) = handle.join().unwrap();
    assert!(told == Some(past) && late > Duration::ZERO);

    // No time, no lateness.
    let handle = pool.spawn_with(|job| (job.due(), job.late(), job.run())).unwrap();
    assert_eq!(handle.join().unwrap(), (None, Duration::ZERO, 1));
}

#[test]
fn runs_have_numbers_and_know_when_they_were_due() {
    let pool = pool(1);
    let start = Instant::now() + SOON;
    let id = pool.periodic_with(|job| (job.run(), job.due())).every(SOON).starting(start).submit().unwrap();
    for n in 0..10 {
        assert_eq!(pool.done().pop().unwrap().value, (u64::from(n) + 1, Some(start + n * SOON)));
    }
    pool.cancel(id);
    pool.wait_idle();
    pool.done().drain().for_each(drop);

    let start = Instant::now();
    let id = pool.overlapping_with(|job| (job.run(), job.due())).every(SOON).starting(start).submit().unwrap();
    for n in 0..10 {
        assert_eq!(pool.done().pop().unwrap().value, (u64::from(n) + 1, Some(start + n * SOON)));
    }
    pool.cancel(id);
}

#[test]
fn a_periodic_job_ends_itself() {
    let pool = pool(1);
    let job = pool.periodic_with(|job| {
        if job.run() == 3 {
            job.stop();
        }
        job.run()
    });
    let id = job.every(SOON).submit().unwrap();
    assert!(pool.done().iter().take(3).map(|done| done.value).eq(1..=3));
    pool.wait_idle();
    assert_eq!(pool.cancel(id), Cancellation::TooLate);
    assert!(pool.scheduled().is_empty());
    assert_eq!((pool.counts().done, pool.counts().cancelled), (3, 0));
}

#[test]
fn one_that_stops_and_then_panics_ends_all_the_same() {
    let pool: Pool = pool(1);
    let id = pool
        .periodic_with(|job| {
            job.stop();
            assert!(job.run() > 1, "the last one");
        })
        .every(SOON)
        .submit()
        .unwrap();
    assert!(matches!(pool.failed().pop().unwrap().error, JobError::Panicked(_)));
    pool.wait_idle();
    assert_eq!(pool.cancel(id), Cancellation::TooLate);
}

#[test]
fn a_stop_means_nothing_to_a_job_that_runs_once_and_to_one_that_overlaps() {
    let pool = pool(1);
    let say = |job: &Context<'_, u64>| {
        job.stop();
        job.next_at(Duration::ZERO);
        job.run()
    };
    pool.submit_with(say).unwrap();
    assert_eq!(pool.done().pop().unwrap().value, 1);
    let id = pool.overlapping_with(say).every(SOON).submit().unwrap();
    assert!(pool.done().iter().take(3).map(|done| done.value).eq(1..=3));
    pool.cancel(id);
}

#[test]
fn a_periodic_job_says_when_it_runs_next() {
    let pool = pool(1);
    let start = Instant::now();
    // At square numbers.
    let id = pool
        .periodic_with(move |job| {
            let next = u32::try_from(job.run()).unwrap().pow(2);
            job.next_at(start + HOUR);
            job.next_at(start + next * SOON);
            job.due()
        })
        .every(Duration::MAX)
        .starting(start)
        .submit()
        .unwrap();
    for n in 0..5_u32 {
        assert_eq!(pool.done().pop().unwrap().value, Some(start + n.pow(2) * SOON));
    }
    pool.cancel(id);
}

#[test]
fn without_a_word_it_goes_on_from_there() {
    let pool = pool(1);
    let start = Instant::now();
    let moved = start + 7 * SOON + Duration::from_nanos(1);
    let job = pool.periodic_with(move |job| {
        if job.run() == 1 {
            job.next_at(moved);
        }
        job.due()
    });
    let id = job.every(SOON).missed(MissedTickBehavior::Burst).starting(start).submit().unwrap();
    let due: Vec<_> = pool.done().iter().take(4).map(|done| done.value.unwrap()).collect();
    assert_eq!(due, [start, moved, moved + SOON, moved + 2 * SOON]);
    pool.cancel(id);
}

#[test]
fn a_time_in_the_past_is_now_and_a_cancel_comes_first() {
    let pool = pool(1);
    let (shut, gate) = Shut::new();
    let (begun, has_begun) = channel();
    let id = pool
        .periodic_with(move |job| {
            job.next_at(Instant::now().checked_sub(SOON).unwrap());
            if job.run() == 3 {
                begun.send(()).unwrap();
                Gate::pass(&gate);
            }
            job.run()
        })
        .every(HOUR)
        .starting(Duration::ZERO)
        .submit()
        .unwrap();
    has_begun.recv().unwrap();
    assert_eq!(pool.cancel(id), Cancellation::Stopping);
    shut.open();
    pool.wait_idle();
    assert!(pool.done().drain().map(|done| done.value).eq(1..=3));
    assert!(pool.scheduled().is_empty());
}

#[test]
fn one_that_only_says_its_times_ends_when_it_says_none() {
    let pool = pool(1);
    let id = pool.periodic_with(|job| job.run() * 10).every(Duration::MAX).starting(Duration::ZERO).submit().unwrap();
    assert_eq!(pool.done().pop().unwrap().value, 10);
    pool.wait_idle();
    assert_eq!(pool.cancel(id), Cancellation::TooLate);
}

#[test]
fn a_job_submits_to_its_own_group() {
    let pool: Pool<u32> = pool(2);
    let group: Group<u32> = pool.group().build().unwrap();
    group
        .submit_with(|job| {
            job.group().submit(|| 2).unwrap();
            1
        })
        .unwrap();
    assert!(group.wait());
    assert_eq!((group.done().len(), pool.done().len()), (2, 0));

    pool.submit_with(|job| {
        job.group().submit(|| 2).unwrap();
        1
    })
    .unwrap();
    pool.wait_idle();
    assert_eq!(pool.done().len(), 2);
}

#[test]
fn a_group_without_handles_gets_one_again_by_a_job() {
    for on_drop in [GroupOnDrop::Detach, GroupOnDrop::Cancel] {
        let pool: Pool = pool(2);
        let group: Group<u32> = pool.group().on_drop(on_drop).build().unwrap();
        let ((shut, gate), (sender, receiver)) = (Shut::new(), channel());
        let (begun, has_begun) = channel();
        group
            .submit_with(move |job| {
                begun.send(()).unwrap();
                gate.pass();
                sender.send(job.group()).unwrap();
                1
            })
            .unwrap();
        has_begun.recv().unwrap();
        drop(group);
        shut.open();
        let group = receiver.recv().unwrap();
        assert!(group.wait());
        // It is what it was, though for a while nobody had it.
        for n in 2..100 {
            group.submit(move || n).unwrap();
            assert!(group.wait());
        }
        assert_eq!(group.counts().done, 99);
        assert!(group.done().drain().map(|done| done.value).eq(1..100));
        let other = group.clone();
        drop(group);
        thread::spawn(move || drop(other)).join().unwrap();
        pool.shutdown();
    }
}

#[test]
fn what_is_said_may_be_said_in_any_order() {
    let pool: Pool<u32> = pool(1);
    let group = pool.group::<u32>().build().unwrap();
    let (sender, receiver) = channel();
    let send = move |id, value| sender.send((id, value)).unwrap();
    let id = pool.job(|| 1).group(&group).on_done(send.clone()).name("one").after(SOON).submit().unwrap();
    assert_eq!(receiver.recv().unwrap(), (id, 1));
    let id = pool.job(|| 2).after(SOON).name("two").on_done(send.clone()).group(&group).submit().unwrap();
    assert_eq!(receiver.recv().unwrap(), (id, 2));
    let id = pool.periodic(|| 3).on_done(send).name("three").every(HOUR).starting(SOON).group(&group).submit().unwrap();
    assert_eq!(receiver.recv().unwrap(), (id, 3));
    assert_ne!(pool.cancel(id), Cancellation::TooLate);
    pool.job(|| Err::<u32, _>("no")).name("four").first().group(&group).submit().unwrap();
    assert_eq!(group.failed().pop().unwrap().name, "four");
    assert!(group.wait());
    assert_eq!((group.counts().done, group.counts().failed, pool.done().len(), group.done().len()), (3, 1, 0, 0));
}

#[test]
fn no_more_runs_overlap_than_may() {
    let pool: Pool = pool(4);
    let ((begun, has_begun), (shut, gate)) = (channel(), Shut::new());
    let gate = std::sync::Mutex::new(gate);
    let id = pool
        .overlapping_with(move |job| {
            _ = begun.send(job.run());
            gate.lock().unwrap().pass();
        })
        .every(SOON)
        .at_most(2)
        .submit()
        .unwrap();
    let mut first = [has_begun.recv().unwrap(), has_begun.recv().unwrap()];
    first.sort_unstable();
    assert_eq!(first, [1, 2]);
    // So many turns of the schedule come while two runs have not ended.
    let turns = pool.counts().done + 5;
    while pool.counts().done < turns {
        thread::yield_now();
    }
    assert!(pool.counts().running <= 3 && has_begun.try_recv().is_err());
    shut.open();
    // There is room again, and what was left out has no number.
    let mut left = vec![3, 4];
    while !left.is_empty() {
        let run = has_begun.recv().unwrap();
        assert!(run > 2);
        left.retain(|missing| *missing != run);
    }
    pool.cancel(id);
}

#[test]
fn no_runs_at_all_are_refused_with_the_function() {
    let pool: Pool<u8> = pool(1);
    let error = pool.overlapping(|| 7).every(SOON).at_most(0).submit().unwrap_err();
    assert!(matches!(error, SubmitError::NoRuns(_)));
    assert_eq!(error.into_inner()(), 7);
    let error = pool.periodic_with(|_| 7).submit().unwrap_err();
    assert!(matches!(error, SubmitError::ZeroInterval(_)));
}

#[test]
fn leeways_meet() {
    let (pool, before) = (pool::<()>(1), Instant::now());
    for n in 0..100 {
        let job = pool.job(|| ()).at(before + HOUR + Duration::from_millis(n));
        job.leeway(Duration::from_secs(1)).submit().unwrap();
    }
    let mut times: Vec<_> = pool.delayed().into_iter().map(|job| job.due.unwrap()).collect();
    times.dedup();
    assert!(times.len() <= 4, "{times:?}");
    assert!(times[0] >= before + HOUR);
    // It means nothing to what waits for no time.
    pool.job(|| ()).leeway(HOUR).spawn().unwrap().join().unwrap();
    pool.cancel_timers();
}

#[test]
fn a_handle_yields_what_each_run_returns() {
    let pool: Pool = pool(1);
    let job = pool.periodic_with(|job| {
        assert!(job.run() != 2, "the second");
        if job.run() == 4 {
            job.stop();
        }
        job.run().to_string()
    });
    let runs = job.name("counts").every(SOON).spawn().unwrap();
    assert_eq!(runs.pop().unwrap().unwrap(), "1");
    let Some(Err(JobError::Panicked(panic))) = runs.pop() else { panic!("the second run has not panicked") };
    assert_eq!(panic.message(), "the second");
    // It ends with the job, and what is left can be read.
    assert!(runs.iter().map(Result::unwrap).eq(["3", "4"]));
    assert!(runs.pop().is_none());
    pool.wait_idle();
    assert_eq!(runs.cancel(), Cancellation::TooLate);
    assert_eq!((pool.counts().done, pool.counts().failed, pool.failed().len()), (3, 1, 0));
}

#[test]
fn a_handle_ends_when_its_job_is_removed() {
    let pool: Pool = pool(1);
    let runs = pool.periodic(|| 7).every(HOUR).spawn().unwrap();
    let (begun, has_begun) = channel();
    let reader = thread::spawn(move || {
        begun.send(runs.id()).unwrap();
        runs.iter().count()
    });
    assert_eq!(pool.cancel(has_begun.recv().unwrap()), Cancellation::Removed);
    assert_eq!(reader.join().unwrap(), 0);
    let group: Group = pool.group().build().unwrap();
    let runs = group.periodic(|| 7).every(HOUR).starting(Duration::ZERO).spawn().unwrap();
    assert_eq!(runs.pop().unwrap().unwrap(), 7);
    group.cancel();
    assert!(runs.pop().is_none());
}

#[test]
fn a_handle_that_nobody_reads_keeps_no_more_than_some() {
    let pool: Pool = pool(1);
    let runs = pool.periodic_with(|job| job.run() + 1).every(Duration::from_nanos(1)).spawn().unwrap();
    while runs.lost() < 10 {
        thread::yield_now();
    }
    assert_ne!(runs.cancel(), Cancellation::TooLate);
    pool.wait_idle();
    let all: Vec<_> = runs.iter().map(Result::unwrap).collect();
    assert!(all.len() <= 1024 && all.windows(2).all(|pair| pair[0] + 1 == pair[1]), "the oldest were lost");
    assert!(all[0] > 2);
}

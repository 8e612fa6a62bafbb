//! Submits that wait for room in a bounded queue, and what else may become of a job for which there is none.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use fastthreadpool::{
    BuildError, CancelReason, Cancellation, Group, JobError, MAX_WORKERS, Pool, Priority, SubmitError, WhenFull,
};

use crate::support::{Drops, HOUR, Occupied, Shut, Waiting, pool, sorted, values};

const MOMENT: Duration = Duration::from_millis(2);

fn queue_of(capacity: usize) -> Pool<u32> {
    full(capacity, WhenFull::Refuse)
}

fn full(capacity: usize, when_full: WhenFull) -> Pool<u32> {
    Pool::builder().threads(1).queue_capacity(capacity).when_full(when_full).build().unwrap()
}

/// The bound holds, and nobody waits: so many more are taken and not one else.
fn assert_room(group: &Group<u32>, room: usize) {
    let ids: Vec<_> = (0..room).map(|_| group.submit_later(HOUR, || 0).unwrap()).collect();
    assert!(matches!(group.submit_timeout(Duration::ZERO, || 0), Err(SubmitError::TimedOut(_))));
    for id in ids {
        assert_eq!(group.cancel_id(id), Cancellation::Removed);
    }
}

/// Counts how often it is woken.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wakes {
    fn poll<F: Future + Unpin>(self: &Arc<Self>, future: &mut F) -> Poll<F::Output> {
        let waker = Waker::from(Arc::clone(self));
        pin!(future).poll(&mut Context::from_waker(&waker))
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

// ----- waiting

#[test]
fn a_submit_that_waits_goes_on_when_there_is_room() {
    let pool = queue_of(1);
    let occupied = Occupied::new(&pool);
    pool.submit_wait(|| 1).unwrap();
    assert!(matches!(pool.submit(|| 0), Err(SubmitError::Full(_))));
    let waits = Waiting::new({
        let pool = pool.clone();
        move || pool.submit_wait(|| 2).is_ok()
    });
    drop(occupied);
    assert!(waits.end());
    pool.wait_idle();
    assert_eq!(values(pool.done()), [1, 2]);
    assert_room(&pool, 1);
}

#[test]
fn without_a_bound_nobody_waits() {
    let pool: Pool<u32> = pool(1);
    let group = pool.group::<u32>().deadline(HOUR).when_full(WhenFull::RunHere).build().unwrap();
    let occupied = Occupied::new(&pool);
    for group in [&pool, &group] {
        for _ in 0..100 {
            group.submit(|| 1).unwrap();
            group.submit_wait(|| 1).unwrap();
            group.submit_timeout(Duration::ZERO, || 1).unwrap();
            assert!(matches!(poll(&mut group.submit_async(|| 1)), Poll::Ready(Ok(_))));
        }
    }
    drop(occupied);
    pool.wait_idle();
    assert_eq!((pool.done().len(), group.done().len()), (400, 400));
}

#[test]
fn a_submit_in_time_gives_the_function_back_when_there_was_no_room() {
    let pool = queue_of(2);
    let group = pool.group::<u32>().queue_capacity(1).build().unwrap();
    group.submit_later(HOUR, || 0).unwrap();
    let occupied = Occupied::new(&pool);
    pool.submit(|| 1).unwrap();
    pool.submit_later(HOUR, || 2).unwrap();
    for group in [&pool, &group] {
        for timeout in [Duration::ZERO, MOMENT] {
            let error = group.submit_timeout(timeout, || 3).unwrap_err();
            assert!(matches!(error, SubmitError::TimedOut(_)) && error.to_string().contains("in time"));
            assert_eq!(format!("{error:?}"), "TimedOut(..)");
            assert_eq!(error.into_inner()(), 3);
        }
    }
    drop(occupied);
    pool.submit_timeout(HOUR, || 4).unwrap();
    pool.cancel_timers();
    group.submit_timeout(Duration::MAX, || 5).unwrap();
    pool.wait_idle();
    assert_eq!((values(pool.done()), values(group.done())), (vec![1, 4], vec![5]));
    assert_room(&pool, 2);
    assert_room(&group, 1);
}

#[test]
fn tasks_have_room_in_the_order_in_which_they_come() {
    let pool = queue_of(1);
    let fills = pool.submit_later(HOUR, || 0).unwrap();
    let wakes: Vec<Arc<Wakes>> = (0..3).map(|_| Arc::default()).collect();
    let mut submits: Vec<_> = (1..=3).map(|n| pool.submit_async(move || n)).collect();
    for (wakes, submit) in wakes.iter().zip(&mut submits) {
        assert!(wakes.poll(submit).is_pending());
    }
    // One that gives up is not waited for.
    drop(submits.remove(1));
    pool.cancel(fills);
    assert_eq!([0, 1, 2].map(|n: usize| wakes[n].count()), [1, 0, 0]);
    assert!(matches!(pool.submit(|| 4), Err(SubmitError::Full(_))), "it is meant for who waits");
    assert!(submits[1..].iter_mut().all(|submit| poll(submit).is_pending()));
    assert!(matches!(poll(&mut submits[0]), Poll::Ready(Ok(_))));
    pool.wait_idle();
    assert!(matches!(poll(&mut submits[1]), Poll::Ready(Ok(_))));
    pool.wait_idle();
    assert_eq!(values(pool.done()), [1, 3]);
    assert_room(&pool, 1);
}

#[test]
fn a_task_that_gives_up_loses_its_function_and_nothing_else() {
    let (pool, drops) = (queue_of(1), Drops::default());
    let fills = pool.submit_later(HOUR, || 0).unwrap();
    let mut submits: Vec<_> = (0..3)
        .map(|n| {
            let token = drops.one();
            pool.submit_async(move || (token, n).1)
        })
        .collect();
    drop(submits.pop());
    assert!(submits.iter_mut().all(|submit| poll(submit).is_pending()));
    assert_eq!(format!("{:?}", submits[0]), "Submit { is_in_line: true, .. }");
    pool.cancel(fills);
    // It has the room, and does not know yet.
    drop(submits.remove(0));
    assert_eq!(drops.count(), 2);
    assert!(matches!(poll(&mut submits[0]), Poll::Ready(Ok(_))));
    pool.wait_idle();
    assert_eq!((values(pool.done()), drops.count()), (vec![1], 3));
    assert_room(&pool, 1);
}

#[test]
#[should_panic(expected = "polled after it was ready")]
fn a_task_submits_once() {
    let pool = queue_of(1);
    let mut submit = pool.submit_async(|| 1);
    assert!(poll(&mut submit).is_ready());
    let _ = poll(&mut submit);
}

#[test]
fn nothing_is_lost_under_load_and_the_bound_holds() {
    const EACH: u32 = if cfg!(miri) { 10 } else { 500 };
    let pool = Pool::<u32>::builder().threads(2).queue_capacity(3).build().unwrap();
    let group = pool.group::<u32>().queue_capacity(2).limit(1).build().unwrap();
    let tasks: Pool = Pool::builder().threads(1).build().unwrap();
    for group in [&pool, &group] {
        let [first, second] = [0, 1].map(|of| {
            let group = group.clone();
            let submits = async move {
                for n in 0..EACH {
                    group.submit_async(move || 4 * n + of).await.unwrap();
                }
            };
            tasks.spawn_future(submits).unwrap()
        });
        thread::scope(|scope| {
            scope.spawn(|| (0..EACH).for_each(|n| _ = group.submit_wait(move || 4 * n + 2).unwrap()));
            scope.spawn(|| {
                for n in 0..EACH {
                    let mut submitted = group.submit_timeout(Duration::from_micros(20), move || 4 * n + 3);
                    while let Err(SubmitError::TimedOut(job)) = submitted {
                        submitted = group.submit_timeout(Duration::from_micros(20), job);
                    }
                    submitted.unwrap();
                }
            });
        });
        first.join().unwrap();
        second.join().unwrap();
        group.wait();
        assert!(sorted(group.done()).into_iter().eq(0..4 * EACH));
    }
    assert_room(&pool, 3);
    assert_room(&group, 2);
}

// ----- the end of waiting

#[test]
fn a_pool_that_is_closed_turns_away_who_waits_and_who_comes() {
    let ends: [fn(&Pool<u32>); 3] = [
        |pool| _ = pool.shutdown_timeout(Duration::ZERO),
        |pool| drop(pool.shutdown_now()),
        |pool| pool.clone().detach(),
    ];
    for end in ends {
        let pool = queue_of(1);
        let group = pool.group::<u32>().queue_capacity(1).build().unwrap();
        for group in [&pool, &group] {
            group.submit_later(HOUR, || 0).unwrap();
        }
        let waiting = [&pool, &group].map(|group| {
            let group: Group<u32> = group.clone();
            Waiting::new(move || {
                group.submit_wait(|| 1).map(drop).map_err(|error| (error.to_string(), error.into_inner()()))
            })
        });
        let wakes = Arc::<Wakes>::default();
        let mut tasks = [&pool, &group].map(|group| group.submit_async(|| 1));
        assert!(tasks.iter_mut().all(|task| wakes.poll(task).is_pending()));
        end(&pool);
        assert_eq!(wakes.count(), 2);
        assert!(tasks.iter_mut().all(|task| matches!(poll(task), Poll::Ready(Err(SubmitError::Closed(_))))));
        for waiting in waiting {
            let (text, value) = waiting.end().unwrap_err();
            assert!(text.contains("shut down") && value == 1);
        }
        for group in [&pool, &group] {
            assert!(matches!(group.submit_wait(|| 1), Err(SubmitError::Closed(_))));
            assert!(matches!(group.submit_timeout(HOUR, || 1), Err(SubmitError::Closed(_))));
            assert!(matches!(group.submit_timeout(Duration::ZERO, || 1), Err(SubmitError::Closed(_))));
            assert!(matches!(poll(&mut group.submit_async(|| 1)), Poll::Ready(Err(SubmitError::Closed(_)))));
        }
        pool.shutdown_now();
        pool.reset();
        assert_room(&pool, 1);
        assert_room(&group, 1);
    }
}

#[test]
fn a_pool_that_is_cleared_lets_in_who_waits() {
    let pool = queue_of(1);
    pool.submit_later(HOUR, || 0).unwrap();
    let waits = Waiting::new({
        let pool = pool.clone();
        move || pool.submit_wait(|| 1).is_ok()
    });
    pool.reset();
    assert!(waits.end() && pool.wait_idle());
    pool.submit_later(HOUR, || 0).unwrap();
    let mut task = pool.submit_async(|| 2);
    assert!(poll(&mut task).is_pending());
    pool.reset();
    assert!(matches!(poll(&mut task), Poll::Ready(Ok(_))));
    pool.wait_idle();
    assert_eq!(values(pool.done()), [2]);
}

/// Takes a place in the queue that no cancel makes free: by a schedule, in the middle of a run. `None` if it is refused.
fn fill(group: &Group<u32>) -> Option<Shut> {
    let ((shut, gate), (told, begun)) = (Shut::new(), channel());
    let runs = move || {
        told.send(()).unwrap();
        gate.pass();
        0
    };
    group.schedule(Duration::from_micros(1), runs).ok()?;
    begun.recv().ok()?;
    Some(shut)
}

#[test]
fn a_group_that_fails_turns_away_who_waits_for_it_and_for_those_inside() {
    let pool: Pool<u32> = pool(3);
    let fails = pool.group::<u32>().queue_capacity(1).fail_fast().build().unwrap();
    let inside = fails.group::<u32>().queue_capacity(1).build().unwrap();
    let free = fails.group::<u32>().build().unwrap();
    let groups = [&fails, &inside];
    let fillers = groups.map(|group| fill(group).unwrap());
    let waiting = groups.map(|group| {
        let group = group.clone();
        Waiting::new(move || matches!(group.submit_wait(|| 1), Err(SubmitError::Closed(_))))
    });
    let mut tasks = groups.map(|group| group.submit_async(|| 1));
    assert!(tasks.iter_mut().all(|task| poll(task).is_pending()));
    free.submit(|| Err::<u32, _>("fails")).unwrap();
    assert!(waiting.map(Waiting::end) == [true; 2]);
    assert!(tasks.iter_mut().all(|task| matches!(poll(task), Poll::Ready(Err(SubmitError::Closed(_))))));
    fillers.into_iter().for_each(Shut::open);
    while pool.counts().running > 0 {
        thread::yield_now();
    }
    // There is room, and it stays.
    assert!(matches!(fails.submit(|| 2), Err(SubmitError::Closed(_))));
    assert!(matches!(fails.submit_wait(|| 2), Err(SubmitError::Closed(_))));
    assert!(fails.wait());
    fails.done().drain().for_each(drop);
    fails.submit(|| 7).unwrap();
    assert!(fails.wait());
    assert_eq!(values(fails.done()), [7]);
    assert_room(&fails, 1);
}

#[test]
fn a_group_whose_deadline_comes_turns_away_who_waits() {
    let pool: Pool<u32> = pool(2);
    // Long enough to fill it.
    let (late, filler) = (4..)
        .map(|exponent| Duration::from_millis(1 << exponent))
        .map(|time| pool.group::<u32>().queue_capacity(1).deadline(time).build().unwrap())
        .find_map(|late| fill(&late).map(|filler| (late, filler)))
        .unwrap();
    let tasks: Pool = Pool::builder().threads(1).build().unwrap();
    let submits = late.clone();
    let task =
        tasks.spawn_future(async move { matches!(submits.submit_async(|| 1).await, Err(SubmitError::Closed(_))) });
    assert!(matches!(late.submit_wait(|| 1), Err(SubmitError::Closed(_))));
    assert!(task.unwrap().join().unwrap());
    assert!(matches!(late.submit_timeout(Duration::ZERO, || 1), Err(SubmitError::Closed(_))));
    filler.open();
    assert!(late.wait());
}

#[test]
fn who_waits_for_a_group_that_is_cancelled_is_let_in() {
    let pool: Pool<u32> = pool(1);
    let group = pool.group::<u32>().queue_capacity(1).build().unwrap();
    group.submit_later(HOUR, || 0).unwrap();
    let mut task = group.submit_async(|| 1);
    assert!(poll(&mut task).is_pending());
    assert_eq!(group.cancel(), 1);
    assert!(matches!(poll(&mut task), Poll::Ready(Ok(_))));
    assert!(group.wait());
    assert_eq!(values(group.done()), [1]);
}

// ----- inside jobs

#[test]
fn jobs_that_fill_the_queue_of_their_own_pool_do_not_wait_for_each_other() {
    for when_full in [WhenFull::Refuse, WhenFull::Wait] {
        let pool = full(1, when_full);
        let inner = pool.clone();
        let fills = move || {
            (0..20).for_each(|n| _ = inner.submit_wait(move || n).unwrap());
            100
        };
        pool.submit_wait(fills.clone()).unwrap();
        pool.submit_wait(fills).unwrap();
        pool.wait_idle();
        assert_eq!(sorted(pool.done()).len(), 42);
        assert_room(&pool, 1);
    }
}

#[test]
fn a_job_gives_up_its_place_while_it_waits_for_room_in_its_group() {
    let pool: Pool<u32> = pool(1);
    let around = pool.group::<u32>().limit(1).queue_capacity(1).build().unwrap();
    let inside = around.group::<u32>().limit(1).queue_capacity(1).build().unwrap();
    for (of, to) in [(&around, &around), (&inside, &inside), (&inside, &around), (&around, &inside)] {
        let target = to.clone();
        of.submit(move || {
            (0..5).for_each(|n| _ = target.submit_wait(move || n).unwrap());
            5
        })
        .unwrap();
        assert!(around.wait());
        let mut results = [around.done(), inside.done()].map(values).concat();
        results.sort_unstable();
        assert_eq!(results, [0, 1, 2, 3, 4, 5]);
    }
    assert_room(&around, 1);
    assert_room(&inside, 1);
}

#[test]
fn jobs_of_a_pool_that_is_drained_go_on_waiting_for_room() {
    let pool = queue_of(1);
    let (shut, gate) = Shut::new();
    let inner = pool.clone();
    pool.submit(move || {
        gate.pass();
        (0..20).for_each(|n| _ = inner.submit_wait(move || n).unwrap());
        20
    })
    .unwrap();
    assert!(!pool.shutdown_timeout(Duration::ZERO));
    shut.open();
    pool.shutdown();
    assert!(sorted(pool.done()).into_iter().eq(0..=20));
}

#[test]
fn when_all_workers_wait_that_there_can_be_one_of_them_is_told() {
    // One, and as many as may stand in.
    const WORKERS: usize = 1 + if MAX_WORKERS > 1024 { 1024 } else { MAX_WORKERS - 1 };
    let pool: Pool<bool> = Pool::builder().threads(1).stack_size(64 << 10).build().unwrap();
    let group = pool.group::<u32>().queue_capacity(1).build().unwrap();
    let occupied = Occupied::new(&pool);
    for _ in 0..WORKERS {
        let group = group.clone();
        pool.submit(move || match group.submit_wait(|| 1) {
            Ok(_) => true,
            Err(error) => {
                assert!(matches!(error, SubmitError::WouldDeadlock(_)) && error.to_string().contains("all workers"));
                assert_eq!((format!("{error:?}"), error.into_inner()()), ("WouldDeadlock(..)".into(), 1));
                false
            }
        })
        .unwrap();
    }
    group.submit(|| 0).unwrap();
    drop(occupied);
    assert!(pool.wait_idle());
    let submitted = values(pool.done()).into_iter().filter(|is_submitted| *is_submitted).count();
    assert_eq!((pool.failed().len(), submitted), (0, WORKERS - 1));
    assert_eq!(group.done().len(), WORKERS);
}

// ----- what a full queue means

#[test]
fn where_a_full_queue_means_waiting_every_submit_waits() {
    let pool = full(1, WhenFull::Wait);
    let submits: [fn(&Pool<u32>) -> bool; 6] = [
        |pool| pool.submit(|| 1).is_ok(),
        |pool| pool.submit_first(|| 1).is_ok(),
        |pool| pool.submit_later(Duration::ZERO, || 1).is_ok(),
        |pool| pool.job(|| 1).priority(Priority::High).submit().is_ok(),
        |pool| pool.spawn(|| 1).is_ok_and(|handle| handle.join().is_ok()),
        |pool| pool.spawn_future(async { 1 }).is_ok_and(|handle| handle.join().is_ok()),
    ];
    for submit in submits {
        let occupied = Occupied::new(&pool);
        pool.submit(|| 0).unwrap();
        let waits = Waiting::new({
            let pool = pool.clone();
            move || submit(&pool)
        });
        drop(occupied);
        assert!(waits.end());
        pool.wait_idle();
    }
    assert_eq!(values(pool.done()), [0, 1, 0, 1, 0, 1, 0, 1, 0, 0]);
    assert_eq!(pool.submit_all((0..50).map(|n| move || n)).unwrap(), 50);
    pool.wait_idle();
    pool.done().drain().for_each(drop);
    assert!(pool.map(0..20, |n| n).iter().map(Result::unwrap).eq(0..20));
    pool.shutdown();
    assert!(matches!(pool.submit(|| 1), Err(SubmitError::Closed(_))));
}

#[test]
fn the_oldest_in_the_queue_goes_for_a_new_one() {
    let pool: Pool<u32> = pool(1);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&seen);
    let latest = pool
        .group::<u32>()
        .queue_capacity(3)
        .when_full(WhenFull::DropOldest)
        .on_cancelled(move |id, reason| tell.lock().unwrap().push((id, reason)))
        .build()
        .unwrap();
    let occupied = Occupied::new(&pool);
    let first = latest.spawn(|| 0).unwrap();
    let ids: Vec<_> = (1..6).map(|n| latest.submit(move || n).unwrap()).collect();
    let gone = [first.id(), ids[0], ids[1]];
    assert_eq!(*seen.lock().unwrap(), gone.map(|id| (id, CancelReason::Displaced)));
    assert!(matches!(first.join(), Err(error @ JobError::Displaced) if error.to_string().contains("newer")));
    assert_eq!(CancelReason::Displaced.to_string(), "a newer job has taken its place in the queue");
    // Who waits in any case has nobody go.
    assert!(matches!(latest.submit_timeout(MOMENT, || 6), Err(SubmitError::TimedOut(_))));
    drop(occupied);
    assert!(latest.wait());
    let counts = latest.counts();
    assert_eq!((counts.done, counts.cancelled, counts.accepted, counts.sum()), (3, 3, 6, 6));
    assert_eq!(values(latest.done()), [3, 4, 5]);
    assert_room(&latest, 3);
}

#[test]
fn what_is_no_job_that_waits_for_its_turn_does_not_go() {
    let pool: Pool<u32> = pool(1);
    let group = pool.group::<u32>().queue_capacity(6).when_full(WhenFull::DropOldest).build().unwrap();
    let inside = group.group::<u32>().build().unwrap();
    let occupied = Occupied::new(&pool);
    let delayed = group.submit_later(HOUR, || 1).unwrap();
    group.schedule(HOUR, || 2).unwrap();
    group.submit_iter(|| [3, 4].into_iter()).unwrap();
    let future = group.spawn_future(async { 5 }).unwrap();
    let next = future.then(&group, |five| five.unwrap() + 1).unwrap();
    inside.submit(|| 7).unwrap();
    let job = group.submit(|| 8).unwrap();
    // The one that may go; then there is none.
    group.schedule(HOUR, || 9).unwrap();
    assert_eq!(group.cancel_id(job), Cancellation::TooLate);
    for _ in 0..3 {
        assert!(matches!(group.submit(|| 10), Err(SubmitError::Full(_))));
        assert!(matches!(group.submit_later(HOUR, || 10), Err(SubmitError::Full(_))));
    }
    drop(occupied);
    assert_eq!(next.join().unwrap(), 6);
    assert_eq!(group.cancel_id(delayed), Cancellation::Removed);
    assert!(group.wait());
    assert_eq!((values(group.done()), values(inside.done())), (vec![3, 4], vec![7]));
    assert_eq!(group.counts().cancelled, 2);
    assert_eq!(group.cancel(), 2);
    assert!(group.wait());
    assert_room(&group, 6);
}

#[test]
fn one_that_has_begun_does_not_go() {
    let pool = Pool::<u32>::builder().threads(2).queue_capacity(1).when_full(WhenFull::DropOldest).build().unwrap();
    let (shut, gate) = Shut::new();
    let (told, begun) = channel();
    let runs = pool
        .submit_with(move |job| {
            told.send(()).unwrap();
            gate.pass();
            u32::from(job.is_cancelled())
        })
        .unwrap();
    begun.recv().unwrap();
    let occupied = Occupied::new(&pool);
    let first = pool.submit(|| 10).unwrap();
    let second = pool.submit(|| 20).unwrap();
    assert!(runs < first && first < second);
    shut.open();
    drop(occupied);
    pool.wait_idle();
    assert_eq!(sorted(pool.done()), [0, 20]);
    assert_room(&pool, 1);
}

#[test]
fn the_oldest_at_the_limit_of_a_group_goes_too_and_the_order_stays() {
    let pool: Pool<u32> = pool(2);
    let strand = pool.group::<u32>().limit(1).queue_capacity(2).when_full(WhenFull::DropOldest).build().unwrap();
    let (shut, gate) = Shut::new();
    let (told, begun) = channel();
    strand
        .submit(move || {
            told.send(()).unwrap();
            gate.pass();
            0
        })
        .unwrap();
    begun.recv().unwrap();
    for n in 1..10 {
        strand.submit(move || n).unwrap();
    }
    shut.open();
    assert!(strand.wait());
    assert_eq!(values(strand.done()), [0, 8, 9]);
    assert_room(&strand, 2);
}

#[test]
fn of_many_the_oldest_go_and_those_that_have_begun_are_forgotten() {
    let pool: Pool<u32> = pool(1);
    let group = pool.group::<u32>().queue_capacity(100).when_full(WhenFull::DropOldest).build().unwrap();
    for _ in 0..3 {
        // Many that have gone through.
        for n in 0..500 {
            group.submit_wait(move || n).unwrap();
        }
        assert!(group.wait());
        group.done().drain().for_each(drop);
        let occupied = Occupied::new(&pool);
        for n in 0..350 {
            group.submit(move || n).unwrap();
        }
        drop(occupied);
        assert!(group.wait());
        assert!(values(group.done()).into_iter().eq(250..350));
    }
    assert_room(&group, 100);
}

#[test]
fn many_that_displace_each_other_lose_none_without_a_word() {
    const EACH: u32 = if cfg!(miri) { 20 } else { 2000 };
    let (told, gone) = (Arc::new(AtomicUsize::new(0)), Drops::default());
    let count = Arc::clone(&told);
    let pool: Pool<u32> = pool(2);
    let group = pool
        .group::<u32>()
        .queue_capacity(3)
        .when_full(WhenFull::DropOldest)
        .on_cancelled(move |_, reason| {
            assert_eq!(reason, CancelReason::Displaced);
            count.fetch_add(1, Ordering::SeqCst);
        })
        .build()
        .unwrap();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..EACH {
                    let token = gone.one();
                    group.submit(move || (token, 1).1).unwrap();
                }
            });
        }
    });
    assert!(group.wait());
    let (ran, told) = (group.done().drain().count(), told.load(Ordering::SeqCst));
    assert_eq!((ran + told, gone.count()), (3 * EACH as usize, 3 * EACH as usize));
    assert_room(&group, 3);
}

#[test]
fn who_meets_a_full_queue_runs_the_job() {
    let this = thread::current().id();
    let pool: Pool<thread::ThreadId> =
        Pool::builder().threads(1).queue_capacity(1).when_full(WhenFull::RunHere).build().unwrap();
    let occupied = Occupied::new(&pool);
    let queued = pool.submit(|| thread::current().id()).unwrap();
    let run = pool.submit(|| thread::current().id()).unwrap();
    let done = pool.done().try_pop().unwrap();
    assert_eq!((done.id, done.value), (run, this));
    pool.submit_first(|| thread::current().id()).unwrap();
    pool.job(|| thread::current().id()).priority(Priority::Low).submit().unwrap();
    assert_eq!(values(pool.done()), [this, this]);
    assert_eq!(pool.spawn(|| thread::current().id()).unwrap().join().unwrap(), this);
    let id = pool.submit(|| -> thread::ThreadId { panic!("on purpose") }).unwrap();
    let failed = pool.failed().try_pop().unwrap();
    assert!(failed.id == id && matches!(failed.error, JobError::Panicked(_)));
    let counts = pool.counts();
    assert_eq!((counts.done, counts.failed, counts.queued, counts.running), (4, 1, 1, 1));
    assert!(matches!(pool.submit_later(HOUR, || thread::current().id()), Err(SubmitError::Full(_))));
    assert!(matches!(pool.spawn_future(async {}), Err(SubmitError::Full(_))));
    drop(occupied);
    pool.wait_idle();
    let done = pool.done().try_pop().unwrap();
    assert!(done.id == queued && done.value != this);
    let again = Occupied::new(&pool);
    pool.submit(|| thread::current().id()).unwrap();
    assert!(matches!(pool.submit_timeout(MOMENT, || thread::current().id()), Err(SubmitError::TimedOut(_))));
    drop(again);
    pool.shutdown();
    assert!(matches!(pool.submit(|| thread::current().id()), Err(SubmitError::Closed(_))));
}

#[test]
fn what_may_not_begin_is_not_run_by_who_submits_it() {
    let pool: Pool<u32> = pool(2);
    let set_up = |name: &str| {
        let group = pool.group::<u32>().queue_capacity(1).when_full(WhenFull::RunHere);
        match name {
            "limit" => group.limit(1).build().unwrap(),
            "pause" => group.pausable().build().unwrap(),
            _ => group.done_capacity(1).build().unwrap(),
        }
    };
    let (limited, paused, narrow) = (set_up("limit"), set_up("pause"), set_up("room"));
    let (shut, gate) = Shut::new();
    let (told, begun) = channel();
    limited
        .submit(move || {
            told.send(()).unwrap();
            gate.pass();
            0
        })
        .unwrap();
    begun.recv().unwrap();
    paused.pause().unwrap();
    narrow.submit(|| 0).unwrap();
    narrow.wait();
    for group in [&limited, &paused, &narrow] {
        group.submit(|| 1).unwrap();
        for _ in 0..3 {
            assert!(matches!(group.submit(|| 2), Err(SubmitError::Full(job)) if job() == 2));
        }
    }
    // What leaves nothing needs no room.
    assert!(narrow.spawn(|| 3).unwrap().join().is_ok());
    shut.open();
    paused.resume();
    for (group, all) in [(&limited, vec![0, 1]), (&paused, vec![1])] {
        assert!(group.wait());
        assert_eq!(values(group.done()), all);
        assert_room(group, 1);
    }
    assert_eq!(narrow.done().iter().take(2).map(|done| done.value).collect::<Vec<_>>(), [0, 1]);
    narrow.wait();
    assert_room(&narrow, 1);

    let pool = full(1, WhenFull::RunHere);
    pool.pause();
    pool.submit(|| 1).unwrap();
    assert!(matches!(pool.submit(|| 2), Err(SubmitError::Full(_))));
    pool.resume();
    pool.wait_idle();
    assert_room(&pool, 1);
}

#[test]
fn a_job_that_meets_a_full_queue_runs_what_it_submits() {
    let pool = full(1, WhenFull::RunHere);
    let group = pool.group::<u32>().queue_capacity(1).when_full(WhenFull::RunHere).build().unwrap();
    for to in [&pool, &group] {
        let inner = to.clone();
        to.submit(move || {
            let this = thread::current().id();
            inner.submit(|| 1).unwrap();
            (2..10).for_each(|n| {
                let runs = move || {
                    assert_eq!(thread::current().id(), this);
                    n
                };
                inner.submit(runs).unwrap();
            });
            0
        })
        .unwrap();
        to.wait();
        assert!(sorted(to.done()).into_iter().eq(0..10));
        assert_eq!(to.failed().len(), 0);
        assert_room(&group, 1);
    }
}

#[test]
fn many_that_run_their_own_jobs_keep_the_bound() {
    const EACH: u32 = if cfg!(miri) { 20 } else { 2000 };
    let pool = Pool::<u32>::builder().threads(2).queue_capacity(2).when_full(WhenFull::RunHere).build().unwrap();
    thread::scope(|scope| {
        for of in 0..3 {
            let pool = &pool;
            scope.spawn(move || (0..EACH).for_each(|n| _ = pool.submit(move || 3 * n + of).unwrap()));
        }
    });
    pool.wait_idle();
    assert!(sorted(pool.done()).into_iter().eq(0..3 * EACH));
    let full = pool.submit_wait(|| 0);
    assert!(full.is_ok());
    pool.wait_idle();
    let ids: Vec<_> = (0..2).map(|_| pool.submit_later(HOUR, || 0).unwrap()).collect();
    assert!(matches!(pool.submit_later(HOUR, || 0), Err(SubmitError::Full(_))));
    assert_eq!((ids.len(), pool.cancel_timers().len()), (2, 2));
}

#[test]
fn a_bound_of_nothing_is_refused_whatever_a_full_queue_means() {
    let pool: Pool<u32> = pool(1);
    for when_full in [WhenFull::Refuse, WhenFull::Wait, WhenFull::DropOldest, WhenFull::RunHere] {
        let refused = Pool::<u32>::builder().queue_capacity(0).when_full(when_full).build();
        assert!(matches!(refused, Err(BuildError::NoCapacity)));
        let refused = pool.group::<u32>().queue_capacity(0).when_full(when_full).build();
        assert!(matches!(refused, Err(BuildError::NoCapacity)));
        // All that there can be.
        let wide = pool.group::<u32>().queue_capacity(usize::MAX).when_full(when_full).build().unwrap();
        wide.submit_wait(|| 1).unwrap();
        wide.submit(|| 2).unwrap();
        assert!(wide.wait());
        assert_eq!(values(wide.done()), [1, 2]);
    }
}

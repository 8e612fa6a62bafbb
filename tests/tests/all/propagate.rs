//! What jobs carry along from where they are submitted.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use fastthreadpool::{Builder, Pool, SubmitError, WhenFull};

use crate::support::{Dropped, Drops, HOUR, Occupied, sorted};

/// Not so often that there would be no time for anything else.
const OFTEN: Duration = Duration::from_millis(5);

thread_local! {
    static PRESENT: Cell<u32> = const { Cell::new(0) };
}

fn present() -> u32 {
    PRESENT.get()
}

fn entered(context: &mut u32, job: &mut dyn FnMut()) {
    let before = PRESENT.replace(*context);
    job();
    PRESENT.set(before);
}

fn builder<T: Send + 'static>() -> Builder<T> {
    Pool::builder().threads(1).propagate(present, entered)
}

fn within<R>(number: u32, f: impl FnOnce() -> R) -> R {
    let mut result = None;
    let mut f = Some(f);
    entered(&mut { number }, &mut || result = f.take().map(|f| f()));
    result.unwrap()
}

#[test]
fn a_job_of_any_kind_finds_what_its_submitter_had() {
    let pool: Pool<u32> = builder().build().unwrap();
    let occupied = Occupied::new(&pool);
    let group = pool.group::<u32>().limit(1).build().unwrap();
    let plain = pool.group::<u32>().build().unwrap();
    let (mut handles, mut futures) = (Vec::new(), Vec::new());
    within(1, || pool.submit(present).unwrap());
    within(2, || pool.submit_first(present).unwrap());
    within(3, || pool.submit_later(Duration::from_micros(1), present).unwrap());
    within(4, || pool.submit_all([present, present]).unwrap());
    within(5, || group.submit(present).unwrap());
    within(6, || plain.submit(present).unwrap());
    handles.push(within(7, || pool.spawn(present).unwrap()));
    handles.push(within(8, || pool.job(present).priority(fastthreadpool::Priority::High).spawn().unwrap()));
    let then = within(9, || pool.spawn(|| ()).unwrap().then(&pool, |_| present()).unwrap());
    let is_polled = AtomicBool::new(false);
    let future = poll_fn(move |context| {
        if is_polled.swap(true, Ordering::SeqCst) {
            return Poll::Ready(present());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    });
    futures.push(within(10, || pool.spawn_future(future).unwrap()));
    within(11, || pool.map(0..2_u32, |_| Ok::<_, io::Error>(present())).to_done().unwrap());
    drop(occupied);
    pool.wait_idle();
    assert_eq!(sorted(pool.done()), [1, 2, 3, 4, 4, 11, 11]);
    assert_eq!((sorted(group.done()), sorted(plain.done())), (vec![5], vec![6]));
    let joined: Vec<_> = handles.into_iter().map(|handle| handle.join().unwrap()).collect();
    assert_eq!((joined, then.join().unwrap()), (vec![7, 8], 9));
    assert!(futures.into_iter().map(|future| future.join().unwrap()).eq([10]));
    // Nothing is left on the thread.
    assert_eq!(within(0, || pool.spawn(present).unwrap()).join().unwrap(), 0);
}

#[test]
fn each_run_of_a_periodic_job_finds_it() {
    let pool: Pool<u32> = builder().build().unwrap();
    let id = within(3, || pool.schedule(OFTEN, present).unwrap());
    assert!(pool.done().iter().take(5).all(|done| done.value == 3));
    let overlapping = within(4, || pool.overlapping(present).every(OFTEN).submit().unwrap());
    assert!(pool.done().iter().filter(|done| done.value == 4).take(3).count() == 3);
    pool.cancel(id);
    pool.cancel(overlapping);
}

#[test]
fn what_a_job_submits_inherits_it() {
    let pool: Pool<u32> = builder().build().unwrap();
    let inner = pool.clone();
    let handle = within(5, || pool.spawn(move || inner.spawn(present).unwrap().join().unwrap()).unwrap());
    assert_eq!(handle.join().unwrap(), 5);
}

#[test]
fn what_is_refused_comes_back_without_it() {
    let drops = Drops::default();
    let carried = drops.clone();
    let builder = Pool::<u32>::builder().threads(1).queue_capacity(1);
    let pool = builder.propagate(move || carried.one(), |_: &mut Dropped, job| job()).build().unwrap();
    let occupied = Occupied::new(&pool);
    let waits = pool.submit(|| 1).unwrap();
    let value = Box::new(7);
    let refused = pool.submit(move || *value).unwrap_err();
    let SubmitError::Full(f) = refused else { panic!("{refused:?}") };
    assert_eq!(f(), 7);
    pool.cancel(waits);
    drop(occupied);
    pool.shutdown();
    let value = Box::new(8);
    let refused = pool.submit(move || *value).unwrap_err();
    let SubmitError::Closed(f) = refused else { panic!("{refused:?}") };
    assert_eq!(f(), 8);
    // The occupant's, and that of the one that was cancelled; those of who was refused at the door were never made.
    assert!(drops.count() >= 2);
}

#[test]
fn a_job_that_nobody_could_run_comes_back_as_it_was() {
    let fails = || Pool::<u32>::builder().threads(1).spawn_handler(|_| Err(io::Error::other("none")));
    let drops = Drops::default();
    let carried = drops.clone();
    let pool = fails().propagate(present, entered).propagate(move || carried.one(), |_: &mut Dropped, job| job());
    let pool = pool.build().unwrap();
    for round in 1..=3 {
        let value = Box::new(round);
        let refused = pool.submit(move || u32::try_from(*value).unwrap()).unwrap_err();
        let SubmitError::NoThread(f, _) = refused else { panic!("{refused:?}") };
        assert_eq!((f() as usize, drops.count()), (round, round));
    }
    let refused = pool.submit_later(HOUR, || 4).unwrap_err();
    assert_eq!(refused.into_inner()(), 4);
}

#[test]
fn a_job_that_runs_in_its_submitter_finds_it_too() {
    let pool = builder::<u32>().queue_capacity(1).when_full(WhenFull::RunHere).build().unwrap();
    let occupied = Occupied::new(&pool);
    for number in 1..=3 {
        within(number, || pool.submit(present).unwrap());
    }
    assert_eq!(sorted(pool.done()), [2, 3]);
    drop(occupied);
    assert_eq!(pool.done().pop().unwrap().value, 1);
}

#[test]
fn whatever_is_done_around_a_job_it_runs_once() {
    type Enter = fn(&mut (), &mut dyn FnMut());
    let runs = Arc::new(AtomicUsize::new(0));
    let all: [Enter; 5] = [
        |(), _| (),
        |(), job| {
            job();
            job();
        },
        |(), _| panic!("before"),
        |(), job| {
            job();
            panic!("after");
        },
        |(), job| job(),
    ];
    for enter in all {
        let pool: Pool<u32> = Pool::builder().threads(1).propagate(|| (), enter).build().unwrap();
        let counted = Arc::clone(&runs);
        pool.submit(move || u32::try_from(counted.fetch_add(1, Ordering::SeqCst)).unwrap()).unwrap();
        pool.submit(|| -> u32 { panic!("the job") }).unwrap();
        pool.shutdown();
        assert_eq!((pool.done().len(), pool.failed().len(), pool.counts().done), (1, 1, 1));
    }
    assert_eq!(runs.load(Ordering::SeqCst), 5);
    let pool: Pool<u32> =
        Pool::builder().threads(1).propagate(|| -> u32 { panic!("capture") }, entered).build().unwrap();
    pool.submit(present).unwrap();
    assert_eq!(pool.done().pop().unwrap().value, 0);
}

#[test]
fn what_was_said_last_is_around_the_others() {
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let note = |what: &'static str| {
        let order = Arc::clone(&order);
        move |(): &mut (), job: &mut dyn FnMut()| {
            order.lock().unwrap().push(what);
            job();
        }
    };
    let pool: Pool<()> =
        Pool::builder().threads(1).propagate(|| (), note("inner")).propagate(|| (), note("outer")).build().unwrap();
    pool.spawn(|| ()).unwrap().join().unwrap();
    assert_eq!(*order.lock().unwrap(), ["outer", "inner"]);
}

#[test]
fn a_job_keeps_its_name_and_hears_that_it_is_cancelled() {
    let drops = Drops::default();
    let carried = drops.clone();
    let pool: Pool<u32> =
        Pool::builder().threads(1).propagate(move || carried.one(), |_: &mut Dropped, job| job()).build().unwrap();
    let (begun, has_begun) = std::sync::mpsc::channel();
    let handle = pool.spawn_with(move |job| {
        begun.send(()).unwrap();
        job.cancelled_timeout(HOUR)
    });
    let handle = handle.unwrap();
    has_begun.recv().unwrap();
    pool.job(|| 1).name("named").submit().unwrap();
    handle.cancel();
    // It has not begun before that has ended, or it has: then there is nothing to see.
    let removed = pool.cancel_queued();
    assert!(removed.iter().all(|job| job.name == "named"));
    assert!(handle.join().unwrap());
    pool.job(|| "x".parse()).name("parse").submit().unwrap();
    pool.shutdown();
    assert_eq!(pool.failed().pop().unwrap().name, "parse");
    assert_eq!(drops.count(), 3);
}

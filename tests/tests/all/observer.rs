//! Who observes a pool is told of all that happens to its jobs, once and in order.

use std::any::type_name_of_val;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};

use fastthreadpool::{
    AcceptedJob, Builder, CancelReason, Cancellation, JobId, JobRun, Observer, Pool, RunEnd, WeakPool, WhenFull,
    WorkerEvent,
};

use crate::support::{HOUR, Occupied, Shut};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Accepted(AcceptedJob),
    Begun(JobRun),
    Ended(JobRun, RunEnd),
    Removed(JobId, CancelReason),
    Worker(usize, WorkerEvent),
}

impl Told {
    fn id(&self) -> Option<JobId> {
        match self {
            Self::Accepted(job) => Some(job.id),
            Self::Begun(run) | Self::Ended(run, _) => Some(run.id),
            Self::Removed(id, _) => Some(*id),
            Self::Worker(..) => None,
        }
    }
}

/// Notes what it is told.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<Told>>>);

impl Notes {
    fn note(&self, told: Told) {
        self.0.lock().unwrap().push(told);
    }

    /// What was told of jobs since the last time.
    fn take(&self) -> Vec<Told> {
        let mut all = std::mem::take(&mut *self.0.lock().unwrap());
        all.retain(|told| told.id().is_some());
        all
    }

    /// The same of one job, as words: first that it was accepted, which may be told when it has begun.
    fn of(&self, id: JobId) -> String {
        let all = self.0.lock().unwrap();
        let mut of_it: Vec<_> = all.iter().filter(|told| told.id() == Some(id)).collect();
        of_it.sort_by_key(|told| !matches!(told, Told::Accepted(_)));
        let words = of_it.into_iter().map(|told| match told {
            Told::Accepted(job) => format!("{:?}", job.kind),
            Told::Begun(_) => "begun".into(),
            Told::Ended(_, end) => format!("{end:?}"),
            Told::Removed(_, reason) => format!("removed: {reason:?}"),
            Told::Worker(..) => unreachable!("of a job"),
        });
        words.collect::<Vec<String>>().join(", ")
    }

    fn accepted(&self, id: JobId) -> AcceptedJob {
        let all = self.0.lock().unwrap();
        let mut of_it = all.iter().filter_map(|told| match told {
            Told::Accepted(job) if job.id == id => Some(*job),
            _ => None,
        });
        of_it.next().unwrap()
    }

    fn runs(&self, id: JobId) -> Vec<JobRun> {
        let all = self.0.lock().unwrap();
        let of_it = all.iter().filter_map(|told| match told {
            Told::Begun(run) if run.id == id => Some(*run),
            _ => None,
        });
        of_it.collect()
    }
}

impl Observer for Notes {
    fn accepted(&self, job: &AcceptedJob) {
        self.note(Told::Accepted(*job));
    }

    fn begun(&self, run: &JobRun) {
        self.note(Told::Begun(*run));
    }

    fn ended(&self, run: &JobRun, end: RunEnd) {
        self.note(Told::Ended(*run, end));
    }

    fn removed(&self, id: JobId, reason: CancelReason) {
        self.note(Told::Removed(id, reason));
    }

    fn worker(&self, worker: usize, event: WorkerEvent) {
        self.note(Told::Worker(worker, event));
    }
}

fn builder<T: Send + 'static>(threads: usize) -> (Builder<T>, Notes) {
    let notes = Notes::default();
    (Pool::builder().threads(threads).observer(notes.clone()), notes)
}

fn observed<T: Send + 'static>(threads: usize) -> (Pool<T>, Notes) {
    let (builder, notes) = builder(threads);
    (builder.build().unwrap(), notes)
}

#[test]
fn a_run_is_told_with_the_name_of_its_job() {
    let (pool, notes) = observed::<u32>(1);
    let occupied = Occupied::new(&pool);
    let double = || 2;
    let name = type_name_of_val(&double);
    let id = pool.submit(double).unwrap();
    let named = pool.job(|| "x".parse()).name("parse").submit().unwrap();
    let panics = pool.submit(|| -> u32 { panic!("it does") }).unwrap();
    drop(occupied);
    pool.wait_idle();
    assert_eq!(notes.of(id), "Queued, begun, Done");
    assert_eq!((notes.accepted(id).name, notes.accepted(id).group, notes.accepted(id).due), (name, "", None));
    let run = notes.runs(id)[0];
    assert_eq!((run.id, run.name, run.worker, run.due), (id, name, Some(0), None));
    assert_eq!((notes.of(named).as_str(), notes.runs(named)[0].name), ("Queued, begun, Failed", "parse"));
    assert_eq!(notes.of(panics), "Queued, begun, Failed");
    // Their results are where they are without an observer.
    assert_eq!((pool.done().len(), pool.failed().len()), (1, 2));
}

#[test]
fn jobs_of_every_kind_are_told() {
    let (pool, notes) = observed::<u32>(1);
    let occupied = Occupied::new(&pool);
    let group = pool.group::<u32>().name("few").limit(1).build().unwrap();
    let plain = pool.group::<u32>().name("plain").build().unwrap();
    let before = Instant::now();
    let first = pool.submit_first(|| 1).unwrap();
    let later = pool.submit_later(Duration::from_micros(1), || 2).unwrap();
    let often = pool.schedule(HOUR, || 3).unwrap();
    let gated = group.submit(|| 4).unwrap();
    let member = plain.submit(|| 5).unwrap();
    let spawned = pool.spawn(|| 6).unwrap();
    let low = pool.job(|| 7).priority(fastthreadpool::Priority::Low).submit().unwrap();
    let items = pool.submit_iter(|| 0..3).unwrap();
    let future = pool.spawn_future(async { 8 }).unwrap();
    let several = pool.submit_all([|| 9, || 10]).unwrap();
    drop(occupied);
    pool.wait_idle();
    pool.cancel(often);
    let kinds = [first, later, often, gated, member, spawned.id(), low, items, future.id()].map(|id| notes.of(id));
    assert_eq!(
        kinds,
        [
            "Urgent, begun, Done",
            "Delayed, begun, Done",
            "Periodic, removed: Cancelled",
            "Gated, begun, Done",
            "Queued, begun, Done",
            "Queued, begun, Done",
            "Queued, begun, Done",
            "Queued, begun, Done",
            "Gated, begun, Done",
        ]
    );
    assert_eq!((notes.accepted(gated).group, notes.accepted(member).group), ("few", "plain"));
    let due = notes.accepted(often).due.unwrap();
    assert!(due >= before + HOUR && due <= Instant::now() + HOUR);
    assert!(notes.accepted(later).due.is_some() && notes.accepted(first).due.is_none());
    let due = |id| notes.runs(id)[0].due;
    assert_eq!((due(later), due(first), due(gated)), (notes.accepted(later).due, None, None));
    assert_eq!((several, spawned.join().unwrap(), future.join().unwrap()), (2, 6, 8));
    // The occupant, nine, and two at once.
    let accepted = notes.take().into_iter().filter(|told| matches!(told, Told::Accepted(_))).count();
    assert_eq!(accepted, 12);
}

#[test]
fn each_run_of_a_periodic_job_is_told_with_its_time() {
    let (pool, notes) = observed::<u64>(1);
    let start = Instant::now();
    let every = Duration::from_micros(50);
    let job = pool.periodic_with(|job| {
        if job.run() == 3 {
            job.stop();
        }
        job.run()
    });
    let id = job.every(every).starting(start).submit().unwrap();
    assert!(pool.done().iter().take(3).map(|done| done.value).eq(1..=3));
    pool.shutdown();
    assert_eq!(notes.of(id), "Periodic, begun, Done, begun, Done, begun, Done");
    let due: Vec<_> = notes.runs(id).iter().map(|run| run.due.unwrap()).collect();
    assert!(due[0] >= start && due.windows(2).all(|pair| pair[0] + every <= pair[1]));
}

#[test]
fn a_periodic_job_that_is_cancelled_while_it_runs_is_removed_then() {
    let (pool, notes) = observed::<()>(1);
    let (shut, gate) = Shut::new();
    let (sender, begun) = std::sync::mpsc::channel();
    let id = pool
        .periodic(move || {
            sender.send(()).unwrap();
            gate.pass();
        })
        .every(Duration::from_nanos(1))
        .submit()
        .unwrap();
    begun.recv().unwrap();
    assert_eq!(pool.cancel(id), Cancellation::Stopping);
    shut.open();
    pool.shutdown();
    assert_eq!(notes.of(id), "Periodic, begun, Done, removed: Cancelled");
}

#[test]
fn what_is_removed_is_told_with_the_reason() {
    let (pool, notes) = observed::<()>(1);
    let occupied = Occupied::new(&pool);
    let cancelled = pool.submit(|| ()).unwrap();
    let later = pool.submit_later(HOUR, || ()).unwrap();
    let expired = pool.job(|| ()).start_by(Duration::ZERO).spawn().unwrap();
    let group = pool.group::<()>().limit(1).build().unwrap();
    let at_gate = group.submit(|| ()).unwrap();
    let fast = pool.group::<()>().fail_fast().build().unwrap();
    let fails = fast.job(|| Err::<(), _>("no")).submit().unwrap();
    let met = fast.submit(|| ()).unwrap();
    let swept = pool.submit(|| ()).unwrap();
    pool.cancel(cancelled);
    pool.cancel(later);
    group.cancel();
    let id = expired.id();
    assert!(expired.join().is_err());
    assert_eq!(pool.cancel(swept), Cancellation::Removed);
    drop(occupied);
    pool.wait_idle();
    let occupied = Occupied::new(&pool);
    let ended = [pool.submit(|| ()).unwrap(), pool.schedule(HOUR, || ()).unwrap()];
    // It waits for what runs, and that for this.
    std::thread::scope(|scope| {
        scope.spawn(|| pool.shutdown_now());
        while pool.pending() > 1 {
            std::thread::yield_now();
        }
        drop(occupied);
    });
    assert_eq!(notes.of(cancelled), "Queued, removed: Cancelled");
    assert_eq!(notes.of(later), "Delayed, removed: Cancelled");
    assert_eq!(notes.of(id), "Queued, removed: Expired");
    assert_eq!(notes.of(at_gate), "Gated, removed: Cancelled");
    assert_eq!(notes.of(fails), "Queued, begun, Failed");
    assert_eq!(notes.of(met), "Queued, begun, removed: FailFast, Cancelled");
    assert_eq!(notes.of(ended[0]), "Queued, removed: Shutdown");
    assert_eq!(notes.of(ended[1]), "Periodic, removed: Shutdown");
}

#[test]
fn what_is_refused_was_not_accepted_and_what_is_displaced_was() {
    let notes = Notes::default();
    let builder = Pool::<u32>::builder().threads(1).queue_capacity(1).when_full(WhenFull::DropOldest);
    let pool = builder.observer(notes.clone()).build().unwrap();
    let occupied = Occupied::new(&pool);
    let ids = [1, 2].map(|n| pool.submit(move || n).unwrap());
    drop(occupied);
    pool.shutdown();
    assert!(pool.submit(|| 3).is_err());
    assert_eq!(ids.map(|id| notes.of(id)), ["Queued, removed: Displaced", "Queued, begun, Done"]);
    assert_eq!(notes.take().iter().filter(|told| matches!(told, Told::Accepted(_))).count(), 3);
}

#[test]
fn who_waits_runs_a_job_on_his_own_worker_or_on_none() {
    let (pool, notes) = observed::<()>(1);
    let inner = pool.clone();
    let (outer, joined) = pool
        .spawn_with(move |job| {
            let handle = inner.spawn(|| ()).unwrap();
            let id = handle.id();
            handle.join().unwrap();
            (job.id(), id)
        })
        .unwrap()
        .join()
        .unwrap();
    pool.wait_idle();
    assert_eq!((notes.of(outer).as_str(), notes.of(joined).as_str()), ("Queued, begun, Done", "Queued, begun, Done"));
    let all = notes.take();
    let place = |wanted: &dyn Fn(&Told) -> bool| all.iter().position(wanted).unwrap();
    let ends = |id| place(&move |told| matches!(told, Told::Ended(run, _) if run.id == id));
    assert!(ends(joined) < ends(outer));
    // On a thread that is no worker.
    let notes = Notes::default();
    let builder = Pool::<u32>::builder().threads(1).queue_capacity(1).when_full(WhenFull::RunHere);
    let pool = builder.observer(notes.clone()).build().unwrap();
    let occupied = Occupied::new(&pool);
    let waits = pool.submit(|| 1).unwrap();
    let here = pool.submit(|| 2).unwrap();
    assert_eq!(notes.runs(here)[0].worker, None);
    drop(occupied);
    pool.wait_idle();
    assert_eq!(notes.runs(waits)[0].worker, Some(0));
}

#[test]
fn what_goes_on_later_is_put_off() {
    let (pool, notes) = observed::<()>(1);
    let is_polled = AtomicBool::new(false);
    let handle = pool
        .spawn_future(poll_fn(move |context| {
            if is_polled.swap(true, Ordering::SeqCst) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        }))
        .unwrap();
    let id = handle.id();
    handle.join().unwrap();
    pool.wait_idle();
    assert_eq!(notes.of(id), "Gated, begun, PutOff, begun, Done");
}

#[test]
fn what_belongs_to_another_job_is_not_told() {
    let (pool, notes) = observed::<u32>(2);
    let mut halves = [0; 2];
    let [a, b] = &mut halves;
    pool.scope(|scope| {
        scope.spawn(|| *a = 1);
        scope.spawn(|| *b = 2);
    });
    assert_eq!((halves, pool.join(|| 1, || 2)), ([1, 2], (1, 2)));
    pool.wait_idle();
    assert_eq!(notes.take(), []);
}

#[test]
fn workers_come_sleep_and_go() {
    let (pool, notes) = observed::<()>(1);
    pool.submit(|| ()).unwrap();
    pool.shutdown();
    let told = notes.0.lock().unwrap();
    let events: Vec<_> = told
        .iter()
        .filter_map(|told| match told {
            Told::Worker(worker, event) => Some((*worker, *event)),
            _ => None,
        })
        .collect();
    assert!(events.iter().all(|(worker, _)| *worker == 0), "{events:?}");
    let events: Vec<_> = events.into_iter().map(|(_, event)| event).collect();
    let ([WorkerEvent::Started, between @ .., WorkerEvent::Ended], true) = (&events[..], events.len() % 2 == 0) else {
        panic!("{events:?}")
    };
    assert!(between.chunks(2).all(|pair| pair == [WorkerEvent::Parked, WorkerEvent::Woken]), "{events:?}");
}

#[test]
fn each_of_several_observers_is_told_whatever_another_does() {
    struct Panics;
    impl Observer for Panics {
        fn accepted(&self, _: &AcceptedJob) {
            panic!("accepted");
        }

        fn begun(&self, _: &JobRun) {
            panic!("begun");
        }

        fn ended(&self, _: &JobRun, _: RunEnd) {
            panic!("ended");
        }

        fn removed(&self, _: JobId, _: CancelReason) {
            panic!("removed");
        }

        fn worker(&self, _: usize, _: WorkerEvent) {
            panic!("worker");
        }
    }
    let notes = [Notes::default(), Notes::default()];
    let builder = Pool::<u32>::builder().threads(1).observer(notes[0].clone()).observer(Panics);
    let pool = builder.observer(notes[1].clone()).build().unwrap();
    let occupied = Occupied::new(&pool);
    let runs = pool.submit(|| 1).unwrap();
    let removed = pool.submit(|| 2).unwrap();
    pool.cancel(removed);
    drop(occupied);
    pool.shutdown();
    assert_eq!(pool.done().pop().unwrap().value, 1);
    for notes in &notes {
        assert_eq!([runs, removed].map(|id| notes.of(id)), ["Queued, begun, Done", "Queued, removed: Cancelled"]);
    }
}

#[test]
fn an_observer_may_submit() {
    /// Submits one job more for each that has ended well, to another pool.
    struct Follows(Pool<&'static str>);
    impl Observer for Follows {
        fn ended(&self, run: &JobRun, _: RunEnd) {
            let name = run.name;
            self.0.submit(move || name).unwrap();
        }
    }
    let others = Pool::builder().threads(1).build().unwrap();
    let pool: Pool<u32> = Pool::builder().threads(1).observer(Follows(others.clone())).build().unwrap();
    pool.job(|| 1).name("one").submit().unwrap();
    pool.wait_idle();
    others.wait_idle();
    assert_eq!(others.done().pop().unwrap().value, "one");
}

#[test]
fn whatever_happens_each_job_is_accepted_once_and_over_once() {
    let (pool, notes) = observed::<usize>(3);
    let group = pool.group::<usize>().limit(2).build().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (pool, group) = (&pool, &group);
            scope.spawn(move || {
                for n in 0..200 {
                    let job = move || if n % 7 == 0 { Err("unlucky") } else { Ok(n) };
                    let id = match (n + thread) % 5 {
                        0 => pool.submit(job),
                        1 => pool.submit_later(Duration::from_micros(n as u64), job),
                        2 => group.submit(job),
                        3 => pool.submit_first(job),
                        _ => pool.spawn(job).map(|handle| handle.id()),
                    };
                    let id = id.unwrap();
                    if n % 3 == 0 {
                        pool.cancel(id);
                    }
                }
            });
        }
    });
    group.cancel();
    pool.wait_idle();
    pool.shutdown();
    let mut of_each: BTreeMap<JobId, Vec<Told>> = BTreeMap::new();
    for told in notes.take() {
        of_each.entry(told.id().unwrap()).or_default().push(told);
    }
    assert_eq!(of_each.len(), 600);
    let (mut over, mut removed) = (0, 0);
    for (id, told) in of_each {
        let count = |wanted: &dyn Fn(&Told) -> bool| told.iter().filter(|told| wanted(told)).count();
        assert_eq!(count(&|told| matches!(told, Told::Accepted(_))), 1, "{id}");
        let ran = count(&|told| matches!(told, Told::Ended(_, RunEnd::Done | RunEnd::Failed)));
        let gone = count(&|told| matches!(told, Told::Removed(..)));
        assert_eq!(ran + gone, 1, "{id}: {told:?}");
        let begun = count(&|told| matches!(told, Told::Begun(_)));
        assert_eq!(begun, count(&|told| matches!(told, Told::Ended(..))), "{id}: {told:?}");
        (over, removed) = (over + ran, removed + gone);
    }
    let counts = pool.counts();
    assert_eq!((over as u64, removed as u64), (counts.done + counts.failed, counts.cancelled));
}

#[test]
fn a_future_that_is_cancelled_while_somebody_else_than_a_worker_polls_it_is_removed() {
    let (pool, notes) = observed::<()>(1);
    let inner = pool.clone();
    let id = pool
        .spawn(move || {
            let (sender, receiver) = std::sync::mpsc::channel();
            let to_cancel = inner.clone();
            let pending = poll_fn(move |_| {
                let id: JobId = receiver.recv().unwrap();
                assert_eq!(to_cancel.cancel(id), Cancellation::Stopping);
                Poll::<()>::Pending
            });
            let future = inner.spawn_future(pending).unwrap();
            let id = future.id();
            sender.send(id).unwrap();
            // It is polled here: the only worker waits for it.
            assert!(future.join().is_err());
            id
        })
        .unwrap()
        .join()
        .unwrap();
    pool.wait_idle();
    assert_eq!(notes.of(id), "Gated, begun, PutOff, removed: Cancelled");
}

#[test]
fn what_is_no_job_is_not_removed_and_every_job_has_a_name() {
    let (pool, notes) = observed::<()>(1);
    drop(pool.group::<()>().deadline(HOUR).build().unwrap());
    let keeps = pool.group::<()>().deadline(HOUR).build().unwrap();
    let id = pool.job(|| ()).name("").submit().unwrap();
    pool.shutdown();
    drop((keeps, pool));
    assert_eq!(notes.of(id), "Queued, begun, Done");
    assert!(notes.take().iter().all(|told| told.id() == Some(id)));
}

#[test]
fn an_observer_may_submit_where_that_displaces() {
    /// Submits one job more for the first that is accepted.
    struct Another(std::sync::OnceLock<WeakPool<u32>>, AtomicBool);
    impl Observer for Another {
        fn accepted(&self, _: &AcceptedJob) {
            if let (Some(pool), false) = (self.0.get(), self.1.swap(true, Ordering::SeqCst)) {
                pool.upgrade().unwrap().submit(|| 2).unwrap();
            }
        }
    }
    let another = Arc::new(Another(std::sync::OnceLock::new(), AtomicBool::new(true)));
    let builder = Pool::<u32>::builder().threads(1).queue_capacity(1).when_full(WhenFull::DropOldest);
    let pool = builder.observer(Arc::clone(&another)).build().unwrap();
    let occupied = Occupied::new(&pool);
    another.0.set(pool.downgrade()).unwrap();
    another.1.store(false, Ordering::SeqCst);
    pool.submit(|| 1).unwrap();
    drop(occupied);
    pool.shutdown();
    assert_eq!(pool.done().drain().map(|done| done.value).collect::<Vec<_>>(), [2]);
}

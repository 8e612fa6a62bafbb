//! What a group is told of its jobs that were removed: by whomever, where, and why.

use std::panic::panic_any;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use fastthreadpool::{CancelReason, Group, GroupBuilder, JobError, JobId, JobKind, ManualClock, Pool, WhenFull};

use crate::support::{HOUR, Occupied, pool};

/// Its name, what it waited for, and why it was removed.
type Told = (&'static str, JobKind, CancelReason);

struct Watched {
    group: Group<u8>,
    told: Receiver<(JobId, Told)>,
}

impl Watched {
    fn new(builder: GroupBuilder<'_, u8>) -> Self {
        let (sender, told) = channel();
        let tell =
            move |job: fastthreadpool::RemovedJob, why| sender.send((job.id, (job.name, job.kind, why))).unwrap();
        Self { group: builder.on_removed(tell).build().unwrap(), told }
    }

    /// Jobs of each kind; returns their ids, in the order of their names.
    fn fill(&self) -> Vec<JobId> {
        let group = &self.group;
        vec![
            group.job(|| 1).name("a queued").submit().unwrap(),
            group.job(|| 1).name("b first").first().submit().unwrap(),
            group.job(|| 1).name("c delayed").after(HOUR).submit().unwrap(),
            group.periodic(|| 1).name("d periodic").every(HOUR).submit().unwrap(),
            group.overlapping(|| 1).name("e overlapping").every(HOUR).submit().unwrap(),
            group.job(|| 1).name("f spawned").spawn().unwrap().id(),
        ]
    }

    /// What was told until now, in the order of the names.
    fn all(&self) -> (Vec<JobId>, Vec<Told>) {
        let mut all: Vec<_> = self.told.try_iter().collect();
        all.sort_by_key(|(_, (name, ..))| *name);
        all.into_iter().unzip()
    }
}

fn of_each_kind(why: CancelReason) -> Vec<Told> {
    let kinds = [
        ("a queued", JobKind::Queued),
        ("b first", JobKind::Urgent),
        ("c delayed", JobKind::Delayed),
        ("d periodic", JobKind::Periodic),
        ("e overlapping", JobKind::Periodic),
        ("f spawned", JobKind::Queued),
    ];
    kinds.map(|(name, kind)| (name, kind, why)).to_vec()
}

#[test]
fn a_group_is_told_what_its_cancel_has_removed_here_and_in_the_queue() {
    let pool: Pool = pool(1);
    let watched = Watched::new(pool.group());
    let occupied = Occupied::new(&pool);
    let ids = watched.fill();
    assert_eq!(watched.group.cancel(), 6);
    drop(occupied);
    assert!(watched.group.wait());
    assert_eq!(watched.all(), (ids, of_each_kind(CancelReason::Cancelled)));
}

#[test]
fn a_group_is_told_what_the_one_around_it_has_removed_and_that_of_its_own_jobs_only() {
    let pool: Pool = pool(1);
    let outer = Watched::new(pool.group());
    let inner = Watched::new(outer.group.group());
    let occupied = Occupied::new(&pool);
    let ids = inner.fill();
    let own = outer.group.job(|| 1).name("outer").submit().unwrap();
    assert_eq!(outer.group.cancel(), 7);
    drop(occupied);
    assert!(outer.group.wait());
    assert_eq!(inner.all(), (ids, of_each_kind(CancelReason::Cancelled)));
    assert_eq!(outer.all(), (vec![own], vec![("outer", JobKind::Queued, CancelReason::Cancelled)]));
}

#[test]
fn a_limited_group_is_told_of_what_waited_for_it() {
    let pool: Pool = pool(1);
    let watched = Watched::new(pool.group().limit(1));
    let occupied = Occupied::new(&pool);
    for name in ["a let through", "b gated", "c gated"] {
        watched.group.job(|| 1).name(name).submit().unwrap();
    }
    watched.group.cancel();
    drop(occupied);
    assert!(watched.group.wait());
    let (_, told) = watched.all();
    let kinds = [("a let through", JobKind::Queued), ("b gated", JobKind::Gated), ("c gated", JobKind::Gated)];
    assert_eq!(told, kinds.map(|(name, kind)| (name, kind, CancelReason::Cancelled)));
}

#[test]
fn a_group_is_told_what_a_failure_and_a_deadline_have_removed() {
    let pool: Pool = pool(1);
    let watched = Watched::new(pool.group().fail_fast());
    let occupied = Occupied::new(&pool);
    watched.group.job(|| Err::<u8, _>("the end")).first().submit().unwrap();
    let queued = watched.group.job(|| 1).name("a queued").submit().unwrap();
    let delayed = watched.group.job(|| 1).name("b delayed").after(HOUR).submit().unwrap();
    drop(occupied);
    assert!(watched.group.wait());
    let kinds = [("a queued", JobKind::Queued), ("b delayed", JobKind::Delayed)];
    let told = kinds.map(|(name, kind)| (name, kind, CancelReason::FailFast)).to_vec();
    assert_eq!(watched.all(), (vec![queued, delayed], told));

    let clock = ManualClock::new();
    let pool = Pool::<()>::builder().threads(1).clock(&clock).build().unwrap();
    let occupied = Occupied::new(&pool);
    let watched = Watched::new(pool.group().deadline(HOUR / 2));
    let ids = watched.fill();
    // Nobody is there to see that it has passed.
    clock.jump(HOUR / 2);
    drop(occupied);
    assert!(watched.group.wait());
    // The schedules are removed by the alarm, or are met by nobody before the cancel.
    watched.group.cancel();
    assert_eq!(watched.all().0, ids);
}

#[test]
fn a_group_is_told_what_the_pool_has_removed() {
    type Remove = fn(&Pool);
    let ways: [(Remove, CancelReason); 4] = [
        (|pool| drop((pool.cancel_queued(), pool.cancel_timers())), CancelReason::Cancelled),
        (|pool| _ = Group::cancel(pool), CancelReason::Cancelled),
        (Pool::reset, CancelReason::Shutdown),
        (|pool| drop(pool.shutdown_now()), CancelReason::Shutdown),
    ];
    for (remove, why) in ways {
        let pool: Pool = pool(1);
        let watched = Watched::new(pool.group());
        pool.pause();
        let ids = watched.fill();
        remove(&pool);
        assert_eq!(watched.all(), (ids, of_each_kind(why)));
    }
}

#[test]
fn a_group_is_told_what_the_end_of_the_pool_has_removed() {
    let pool: Pool = pool(1);
    let watched = Watched::new(pool.group());
    let occupied = Occupied::new(&pool);
    let ids = [
        watched.group.job(|| 1).name("a never").after(Duration::MAX).submit().unwrap(),
        watched.group.periodic(|| 1).name("b periodic").every(HOUR).submit().unwrap(),
    ];
    // It leaves what it removes to a worker.
    assert!(!pool.shutdown_timeout(Duration::ZERO));
    drop(occupied);
    pool.shutdown();
    let kinds = [("a never", JobKind::Delayed), ("b periodic", JobKind::Periodic)];
    let told = kinds.map(|(name, kind)| (name, kind, CancelReason::Shutdown)).to_vec();
    assert_eq!(watched.all(), (ids.to_vec(), told));
}

#[test]
fn a_group_is_told_what_came_too_late_or_made_way() {
    let pool: Pool = pool(1);
    let watched = Watched::new(pool.group().queue_capacity(1).when_full(WhenFull::DropOldest));
    let occupied = Occupied::new(&pool);
    let first = watched.group.job(|| 1).name("the oldest").submit().unwrap();
    let late = watched.group.job(|| 1).name("late").start_by(Duration::from_millis(1)).submit().unwrap();
    assert_eq!(watched.told.recv().unwrap(), (first, ("the oldest", JobKind::Queued, CancelReason::Displaced)));
    assert_eq!(watched.told.recv().unwrap(), (late, ("late", JobKind::Queued, CancelReason::Expired)));
    drop(occupied);
    assert!(watched.group.wait());
    assert!(watched.told.try_recv().is_err());
}

/// Cancels a job when it is dropped.
struct Cancels(Pool, JobId);

impl Drop for Cancels {
    fn drop(&mut self) {
        self.0.cancel(self.1);
    }
}

#[test]
fn nobody_is_told_of_one_that_is_cancelled_by_its_id_not_even_inside_of_another() {
    let pool: Pool = pool(1);
    let watched = Watched::new(pool.group());
    let occupied = Occupied::new(&pool);
    let ids = [1, 2].map(|n| watched.group.job(move || n).name("by id").after(HOUR).submit().unwrap());
    pool.cancel(ids[0]);
    let cancels = Cancels(pool.clone(), ids[1]);
    let owns = move || {
        let _ = &cancels;
        1
    };
    let removed = watched.group.job(owns).name("with others").submit().unwrap();
    pool.cancel_queued();
    assert_eq!(watched.all(), (vec![removed], vec![("with others", JobKind::Queued, CancelReason::Cancelled)]));
    assert_eq!(watched.group.counts().cancelled, 3);
    drop(occupied);
}

#[test]
fn the_callback_may_use_pool_and_group_and_its_panic_is_reported() {
    let pool: Pool = pool(1);
    let (sender, receiver) = channel();
    let weak = pool.downgrade();
    let tell = move |job: fastthreadpool::RemovedJob, _| {
        let pool = weak.upgrade().unwrap();
        sender.send(pool.spawn(move || job.id).unwrap()).unwrap();
        pool.cancel_timers();
        panic_any("on purpose");
    };
    let group = pool.group::<u8>().on_removed(tell).build().unwrap();
    let ids = [1, 2].map(|n| group.job(move || n).after(HOUR).submit().unwrap());
    group.cancel();
    for id in ids {
        assert_eq!(receiver.recv().unwrap().join().unwrap(), id);
        let failed = group.failed().pop().unwrap();
        assert!(failed.id == id && failed.name.contains("removed") && matches!(failed.error, JobError::Panicked(_)));
    }
    assert_eq!(group.counts().reports, 2);
}

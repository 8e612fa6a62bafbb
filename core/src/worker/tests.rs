//! A closed pool starts nobody for jobs that another worker has begun meanwhile. What one producer has published is begun in order.

use core::num::NonZeroU64;
use std::boxed::Box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::vec::Vec;

use super::{Next, Rest, Runner};
use crate::end::{After, End};
use crate::host::{Host, Tick};
use crate::hosts::{ScriptedHost, ScriptedMutex};
use crate::id::JobId;
use crate::period::Repeat;
use crate::pool::{Cancelled, Duty, Pool};
use crate::running::Running;
use crate::seat::NO_SEAT;
use crate::slots::Slots;
use crate::state::Phase;
use crate::storage::Growing;

type Action = Box<dyn FnMut() -> bool + Send>;

/// Whoever asks it for something is held up: something happens before it is told, once its time has come.
#[derive(Clone, Default)]
struct HoldsUp(Arc<Mutex<Option<Action>>>, Arc<AtomicU64>);

impl Host for HoldsUp {
    type Mutex = ScriptedMutex;

    fn now(&self) -> Tick {
        // Short jobs, of which one is a handful.
        Tick(self.1.fetch_add(240, Ordering::Relaxed))
    }

    fn wake_cost(&self) -> u64 {
        let action = self.0.lock().unwrap().take();
        if let Some(mut action) = action {
            if !action() {
                *self.0.lock().unwrap() = Some(action);
            }
        }
        1000
    }
}

type Core = Pool<usize, HoldsUp, Growing<usize, ScriptedMutex>>;

/// Runs what there is and keeps it, and what it was asked to do.
#[derive(Default)]
struct Ran(Vec<usize>, Vec<Duty>);

impl Runner<usize> for Ran {
    fn perform(&mut self, duty: Duty) {
        self.1.push(duty);
    }

    fn run(&mut self, payload: &mut usize, _: Running) -> After {
        self.0.push(*payload);
        After::Done
    }
}

#[test]
fn for_what_is_seen_after_a_claim() {
    let host = HoldsUp::default();
    let pool = Arc::new(Core::growing(host.clone(), 2, 0));
    let mut first = pool.enlist().unwrap();
    let _ = pool.submit(0).unwrap();
    let Next::Run { payload: 0, running, .. } = first.next() else { panic!("its job") };
    assert_eq!(pool.submit(1).unwrap().1, Duty::Start);
    let _ = pool.submit(2).unwrap();
    let _ = pool.end(&running, End::Done, None);
    pool.set_phase(Phase::Draining);
    let others = Arc::clone(&pool);
    *host.0.lock().unwrap() = Some(Box::new(move || {
        // When the first has begun the next, and has seen that there is another.
        if others.main().unclaimed() != 1 || others.has_unstarted(others.inside().pinned(), NO_SEAT) {
            return false;
        }
        let mut ran = Ran::default();
        let rest = others.attach().unwrap().work(&mut ran);
        assert_eq!(rest, Rest::Exit { duty: Duty::Nothing, last: false });
        assert_eq!((ran.0, ran.1), (Vec::from([2]), Vec::new()));
        true
    }));
    let Next::Run { payload: 1, running, duty } = first.next() else { panic!("the next") };
    assert!(host.0.lock().unwrap().is_none());
    assert_eq!(duty, Duty::Nothing);
    let _ = pool.end(&running, End::Done, None);
    assert!(matches!(first.next(), Next::Exit { duty: Duty::Nothing, last: true }));
}

#[test]
fn for_what_it_has_tried_to_claim_itself() {
    let pool = Core::growing(HoldsUp::default(), 2, 0);
    let (mut first, mut second) = (pool.enlist().unwrap(), pool.enlist().unwrap());
    let _ = pool.submit(0).unwrap();
    let Next::Run { payload: 0, .. } = first.next() else { panic!("its job") };
    let _ = pool.submit(1).unwrap();
    pool.set_phase(Phase::Draining);
    // Another has got it, and is about to begin it.
    let claim = pool.main().claim(|_| Some(1), |claim| second.this.offer(0, claim.start, claim.len)).unwrap();
    assert_eq!((claim.start, claim.len), (1, 1));
    assert!(matches!(second.next(), Next::Exit { duty: Duty::Nothing, last: false }));
}

/// Claims of one while it does not know yet that jobs are short; then one of all.
#[test]
fn what_was_put_aside_is_begun_before_what_was_published_after_it() {
    for before in [0, 100] {
        let pool = Core::growing(HoldsUp::default(), 1, 0);
        let mut worker = pool.enlist().unwrap();
        for job in 0..before {
            let _ = pool.submit(job).unwrap();
        }
        let mut ran = Ran::default();
        assert!(matches!(worker.work(&mut ran), Rest::Park(_)));
        ran.0.clear();
        let (start, count) = pool.main().reserve_some(9).unwrap();
        assert_eq!(count, 9);
        // More than can be put aside: it waits for the next.
        assert!(matches!(worker.work(&mut ran), Rest::Park(Some(_))));
        let publish = |job: usize| {
            // SAFETY: reserved above, and each published once.
            unsafe { pool.main().slots().publish(start.wrapping_add(job), job) }
        };
        // One producer takes its time, and then another, too.
        [0, 2, 3, 5, 6, 8].into_iter().for_each(publish);
        assert!(matches!(worker.work(&mut ran), Rest::Park(Some(_))));
        [1, 4, 7].into_iter().for_each(publish);
        assert_eq!(worker.work(&mut ran), Rest::Park(None));
        assert_eq!(ran.0, [0, 2, 3, 1, 4, 5, 6, 7, 8], "after {before} jobs");
    }
}

#[test]
fn what_somebody_else_has_taken_from_aside_holds_nothing_up() {
    let pool = Core::growing(HoldsUp::default(), 1, 0);
    let mut worker = pool.enlist().unwrap();
    let (start, _) = pool.main().reserve_some(2).unwrap();
    let mut ran = Ran::default();
    assert!(matches!(worker.work(&mut ran), Rest::Park(Some(_))));
    for job in 0..2 {
        // SAFETY: reserved above, and each published once.
        unsafe { pool.main().slots().publish(start.wrapping_add(job), job) };
    }
    assert_eq!(pool.cancel(JobId::at(0, start)), Cancelled::Removed(0));
    assert_eq!(worker.work(&mut ran), Rest::Park(None));
    assert_eq!(ran.0, [1]);
}

#[test]
fn who_waits_for_two_producers_does_not_count_as_one_that_searches() {
    let pool = Core::growing(HoldsUp::default(), 2, 0);
    let (mut first, mut second) = (pool.enlist().unwrap(), pool.enlist().unwrap());
    let mut ran = Ran::default();
    assert_eq!(second.work(&mut ran), Rest::Park(None));
    let (start, _) = pool.main().reserve_some(2).unwrap();
    assert_eq!(pool.submit(2).unwrap().1, Duty::Nothing, "the first searches");
    assert!(matches!(first.work(&mut ran), Rest::Park(Some(_))));
    assert_eq!((ran.0.len(), ran.1.pop()), (0, Some(Duty::Wake(second.seat()))));
    assert!(matches!(second.work(&mut ran), Rest::Park(Some(_))));
    assert_eq!(ran.0, [2]);
    for job in 0..2 {
        // SAFETY: reserved above, and each published once.
        unsafe { pool.main().slots().publish(start.wrapping_add(job), job) };
    }
    assert!(matches!(first.work(&mut ran), Rest::Park(_)));
    assert_eq!(ran.0, [2, 0, 1]);
}

#[test]
fn a_job_knows_when_it_was_to_begin_and_another_in_its_place_does_not() {
    let host = ScriptedHost::new();
    let pool = Pool::<u64, _, Growing<u64, ScriptedMutex>>::growing(host.clone(), 1, 0);
    let mut worker = pool.enlist().unwrap();
    let mut run = || {
        let Next::Run { payload, running, .. } = worker.next() else { panic!("a job is there") };
        let due = pool.due(&running);
        let _ = worker.finish(&running, After::Done, payload);
        due
    };
    let seat = 0;
    let _ = pool.submit_at(1, false, Tick(5), None).unwrap();
    let _ = pool.submit_at(2, false, Tick(6), Some(Repeat::Delay { period: NonZeroU64::MIN })).unwrap();
    host.set(Tick(7));
    assert_eq!([run(), run()], [Tick(5), Tick(6)]);
    let _ = pool.submit(3).unwrap();
    let _ = pool.submit_first(4, false).unwrap();
    assert_eq!([run(), run()], [Tick::MAX; 2]);
    // One that somebody takes who waits, without a job of his own.
    let _ = pool.submit_at(5, false, Tick(8), None).unwrap();
    host.set(Tick(9));
    assert_eq!(run(), Tick(8));
    let (id, _) = pool.submit_first(6, false).unwrap();
    let (_, running) = pool.take_inside(seat, id).unwrap();
    assert_eq!((running.depth(), pool.due(&running)), (0, Tick::MAX));
    let _ = pool.end(&running, End::Done, None);
}

/// One worker of two has more to do than it can, and the other is busy for ever: what waits in its lane has its turn, whoever has put
/// it there.
#[test]
fn none_waits_in_the_lane_of_one_that_is_busy_for_all_the_others() {
    for (is_nested, to_own) in [(false, false), (false, true), (true, false), (true, true)] {
        let pool = Core::growing(HoldsUp::default(), 2, 0);
        assert_eq!(pool.open_lanes(), 2);
        let (mut worker, busy) = (pool.enlist().unwrap(), pool.enlist().unwrap());
        let waits = if is_nested { Core::submit_from } else { Core::submit_packed_to };
        let _ = waits(&pool, busy.seat(), usize::MAX).unwrap();
        let seat = worker.seat();
        let submit = || _ = if to_own { pool.submit_packed_to(seat, 0) } else { pool.submit(0) }.unwrap();
        // So many that what is claimed at a time is far less.
        (0..10_000).for_each(|_| submit());
        let begun = (0..100_000).position(|_| {
            let Next::Run { payload, running, .. } = worker.next() else { panic!("there is always more") };
            let _ = pool.end(&running, End::Done, None);
            submit();
            payload == usize::MAX
        });
        assert!(begun.is_some(), "it has waited for all the others");
        drop(busy);
    }
}

/// What waits in the lane, claimed already or not, begins once in 64 starts, whatever is due: two schedules again and again, or more jobs than
/// begin here. Beside schedules it is more where many are claimed at a time: who has claimed looks for what is due when the claim is
/// at its end.
#[test]
fn what_is_always_due_leaves_one_start_of_64_to_what_waits() {
    const TIMED: usize = usize::MAX;
    let again = Repeat::Delay { period: NonZeroU64::MIN };
    for (due, repeat, most) in [(2, Some(again), 600), (1000, None, 64 + 10)] {
        for is_claimed in [false, true] {
            let pool = Core::growing(HoldsUp::default(), 1, 0);
            let mut worker = pool.enlist().unwrap();
            (0..1000).for_each(|job| _ = pool.submit(job).unwrap());
            let mut run = || {
                let Next::Run { payload, running, .. } = worker.next() else { panic!("there is always more") };
                let repeats = payload == TIMED && repeat.is_some();
                let _ = worker.finish(&running, if repeats { After::Again } else { After::Done }, payload);
                payload
            };
            if is_claimed {
                // They are short, so a claim is one of many.
                (0..500).for_each(|_| _ = run());
            }
            (0..due).for_each(|_| _ = pool.submit_at(TIMED, false, Tick(1), repeat).unwrap());
            let others = (0..64 * 10).filter(|_| run() != TIMED).count();
            assert!((9..=most).contains(&others), "{others} of {due}, claimed: {is_claimed}");
        }
    }
}

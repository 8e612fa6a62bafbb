//! The core by itself, as a port uses it: fixed storage, a clock turned by hand, workers that step job by job.

use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fastthreadpool_core::hosts::{ScriptedHost, ScriptedMutex};
use fastthreadpool_core::{
    Cancelled, Duty, End, Fixed, Growing, JobId, JobIds, MissedTickBehavior, Next, NotMoved, Pack, Phase, Pool,
    Refused, Repeat, Tick, Worker,
};

type Storage = Fixed<u32, 4, 4, 2>;
type Core = Pool<u32, ScriptedHost, Storage>;

fn pool() -> (ScriptedHost, Core) {
    let host = ScriptedHost::new();
    (host.clone(), Core::fixed(host))
}

fn rate(period: u64, missed: MissedTickBehavior) -> Repeat {
    Repeat::Rate { period: NonZeroU64::new(period).unwrap(), missed }
}

/// How a worker rests.
#[derive(Debug, PartialEq)]
enum Rests {
    Parked,
    ParkedUntil(u64),
    Gone,
}

/// What a worker did until it rested.
fn work(pool: &Core, worker: &mut Worker<'_, u32, ScriptedHost, Storage>) -> (Vec<u32>, Rests) {
    let mut ran = Vec::new();
    loop {
        match worker.next() {
            Next::Run { payload, running, duty } => {
                ran.push(payload);
                if duty == Duty::Start {
                    // There is no other context to start it in.
                    let _ = pool.start_failed();
                }
                let back = running.is_periodic().then_some(payload);
                let _ = pool.end(&running, End::Done, back);
            }
            Next::Park(None) => return (ran, Rests::Parked),
            Next::Park(Some(deadline)) => return (ran, Rests::ParkedUntil(deadline.0)),
            Next::Exit { .. } => return (ran, Rests::Gone),
        }
    }
}

#[test]
fn duties_say_what_a_submit_needs_and_no_more() {
    let (_host, pool) = pool();
    // The first asks for a worker; while that searches nobody else is asked for.
    assert_eq!(pool.submit(1).unwrap().1, Duty::Start);
    assert_eq!(pool.submit(2).unwrap().1, Duty::Nothing);
    let mut first = pool.attach().unwrap();
    // It finds two jobs: one more worker is worth it.
    let Next::Run { payload: 1, running, duty: Duty::Start } = first.next() else { panic!("the first job") };
    let _ = pool.end(&running, End::Done, None);
    let mut second = pool.attach().unwrap();
    assert_eq!(work(&pool, &mut first), (vec![2], Rests::Parked));
    assert_eq!(work(&pool, &mut second), (vec![], Rests::Parked));
    // The one that slept last is woken, once, however many jobs come.
    assert_eq!(pool.submit(3).unwrap().1, Duty::Wake(second.seat()));
    assert_eq!(pool.submit(4).unwrap().1, Duty::Nothing);
    assert_eq!(pool.submit_first(5, false).unwrap().1, Duty::Nothing);
    assert_eq!(work(&pool, &mut second), (vec![5, 3, 4], Rests::Parked));
    assert_eq!(pool.pending(), 0);
    assert_eq!(pool.counts().alive, 2);
}

#[test]
fn a_burst_into_a_sleeping_pool_costs_one_wake_up_for_each_worker() {
    let pool: Pool<u32, _, Growing<u32, ScriptedMutex>> = Pool::growing(ScriptedHost::new(), 4, 0);
    let mut workers: Vec<_> = (0..4).map(|_| pool.enlist().unwrap()).collect();
    for worker in &mut workers {
        assert!(matches!(worker.next(), Next::Park(None)));
    }
    let submits = (0..1000).map(|n| pool.submit(n).unwrap().1);
    let woken: Vec<_> = submits.filter(|duty| *duty != Duty::Nothing).collect();
    let [Duty::Wake(mut seat)] = woken[..] else { panic!("one wake-up, not {woken:?}") };
    // Whoever gets up wakes the next; the last one nobody.
    let mut last = Duty::Nothing;
    for number in 0..4 {
        let Next::Run { running, duty, .. } = workers[seat].next() else { panic!("there is work for all") };
        let _ = pool.end(&running, End::Done, None);
        last = duty;
        match duty {
            Duty::Wake(next) => seat = next,
            Duty::Nothing => assert_eq!(number, 3, "all are awake"),
            Duty::Start => panic!("there are as many as there may be"),
        }
    }
    assert_eq!(last, Duty::Nothing);
    for worker in &mut workers {
        for _ in 0..200 {
            let Next::Run { running, duty, .. } = worker.next() else { panic!("there is work for all") };
            assert_eq!(duty, Duty::Nothing);
            let _ = pool.end(&running, End::Done, None);
        }
    }
}

#[test]
fn fixed_storage_refuses_what_does_not_fit_and_gives_it_back() {
    let (_host, pool) = pool();
    let ids: Vec<JobId> = (0..4).map(|n| pool.submit(n).unwrap().0).collect();
    assert_eq!(pool.submit(9), Err(Refused::Full(9)));
    for n in 10..14 {
        let _ = pool.submit_at(n, false, Tick(100), None).unwrap();
    }
    assert_eq!(pool.submit_at(9, false, Tick(1), None), Err(Refused::Full(9)));
    assert_eq!(pool.submit_first(9, false), Err(Refused::Full(9)));
    // Cancelling makes room in the entries at once, and in the ring when the slot's turn comes.
    assert_eq!(pool.cancel(ids[1]), Cancelled::Removed(1));
    let mut worker = pool.attach().unwrap();
    assert_eq!(work(&pool, &mut worker), (vec![0, 2, 3], Rests::ParkedUntil(100)));
    assert!((0..4).all(|n| pool.submit(n).is_ok()));
    assert_eq!(pool.submit(9), Err(Refused::Full(9)));
}

#[test]
fn seats_run_out() {
    let (_host, pool) = pool();
    let (first, second) = (pool.enlist().unwrap(), pool.enlist().unwrap());
    assert!(pool.enlist().is_none() && pool.attach().is_none());
    drop(first);
    assert_eq!(pool.counts().alive, 1);
    drop((pool.enlist().unwrap(), second));
    assert_eq!(pool.counts().alive, 0);
}

#[test]
fn timers_wake_at_their_tick_and_in_order() {
    let (host, pool) = pool();
    let mut worker = pool.enlist().unwrap();
    assert_eq!(work(&pool, &mut worker), (vec![], Rests::Parked));
    // A sleeper without a deadline must learn of the first one, and of an earlier one, but not of a later one.
    assert_eq!(pool.submit_at(1, false, Tick(100), None).unwrap().1, Duty::Wake(0));
    assert_eq!(work(&pool, &mut worker), (vec![], Rests::ParkedUntil(100)));
    assert_eq!(pool.submit_at(2, false, Tick(200), None).unwrap().1, Duty::Nothing);
    assert_eq!(pool.submit_at(3, false, Tick(50), None).unwrap().1, Duty::Wake(0));
    assert_eq!(work(&pool, &mut worker), (vec![], Rests::ParkedUntil(50)));
    host.set(Tick(49));
    assert_eq!(work(&pool, &mut worker), (vec![], Rests::ParkedUntil(50)), "a spurious wake-up");
    host.set(Tick(50));
    assert_eq!(work(&pool, &mut worker), (vec![3], Rests::ParkedUntil(100)));
    // Late: all that is due, the earliest first, before the queue.
    pool.submit(4).unwrap().0.to_string();
    host.set(Tick(1000));
    assert_eq!(work(&pool, &mut worker), (vec![1, 2, 4], Rests::Parked));
}

#[test]
fn a_time_that_moves_wakes_the_sentinel_only_where_it_is_earlier() {
    let (host, pool) = pool();
    let (id, _) = pool.submit_at(7, false, Tick(100), None).unwrap();
    let mut worker = pool.attach().unwrap();
    assert_eq!(work(&pool, &mut worker), (vec![], Rests::ParkedUntil(100)));
    assert!((101..100_000).all(|due| pool.reschedule(id, Tick(due)) == Ok(Duty::Nothing)));
    assert_eq!((pool.timers(), pool.counts().timers), (1, 1));
    // It gets up once for nothing.
    host.advance(100);
    assert_eq!(work(&pool, &mut worker), (vec![], Rests::ParkedUntil(99_999)));
    assert_eq!(pool.reschedule(id, Tick(200)), Ok(Duty::Wake(worker.seat())));
    assert_eq!(pool.reschedule(id, Tick(150)), Ok(Duty::Nothing), "it is on its way");
    assert_eq!(work(&pool, &mut worker), (vec![], Rests::ParkedUntil(150)));
    assert_eq!(pool.reschedule(id, Tick(3)), Ok(Duty::Wake(worker.seat())));
    assert_eq!(work(&pool, &mut worker), (vec![7], Rests::Parked));
    assert_eq!(pool.reschedule(id, Tick(3)), Err(NotMoved::TooLate));
}

#[test]
fn periodic_jobs_sit_on_their_grid() {
    let runs = |missed: MissedTickBehavior| {
        let (host, pool) = pool();
        let (id, _) = pool.submit_at(7, false, Tick(10), Some(rate(10, missed))).unwrap();
        let mut worker = pool.enlist().unwrap();
        let mut log = Vec::new();
        for now in [9, 10, 15, 20, 55, 56, 60, 70] {
            host.set(Tick(now));
            let (ran, rest) = work(&pool, &mut worker);
            let Rests::ParkedUntil(next) = rest else { panic!("{rest:?}") };
            log.push((now, ran.len(), next));
        }
        assert_eq!(pool.cancel(id), Cancelled::Removed(7));
        assert_eq!(pool.counts().timers, 0);
        log
    };
    // (the time, how many runs, when the next one is due)
    let in_time = [(9, 0, 10), (10, 1, 20), (15, 0, 20), (20, 1, 30)];
    let late = |log: Vec<_>| {
        assert_eq!(log[..4], in_time);
        log[4..].to_vec()
    };
    assert_eq!(late(runs(MissedTickBehavior::Burst)), [(55, 3, 60), (56, 0, 60), (60, 1, 70), (70, 1, 80)]);
    assert_eq!(late(runs(MissedTickBehavior::Skip)), [(55, 1, 60), (56, 0, 60), (60, 1, 70), (70, 1, 80)]);
    assert_eq!(late(runs(MissedTickBehavior::Delay)), [(55, 1, 65), (56, 0, 65), (60, 0, 65), (70, 1, 75)]);
}

#[test]
fn a_periodic_job_that_is_cancelled_while_it_runs_does_not_come_back() {
    let (host, pool) = pool();
    let (id, _) = pool.submit_at(7, false, Tick::ZERO, Some(rate(10, MissedTickBehavior::Burst))).unwrap();
    let mut worker = pool.enlist().unwrap();
    let Next::Run { payload, running, .. } = worker.next() else { panic!("it is due") };
    assert!(!pool.is_cancelled(&running));
    assert_eq!(pool.cancel(id), Cancelled::Stopping);
    assert!(pool.is_cancelled(&running));
    assert_eq!(pool.end(&running, End::Done, Some(payload)), (Some(7), Duty::Nothing));
    host.advance(100);
    assert_eq!(work(&pool, &mut worker), (vec![], Rests::Parked));
    assert_eq!(pool.cancel(id), Cancelled::TooLate);
}

#[test]
fn the_phases_accept_what_their_table_says() {
    for (phase, outside, nested) in
        [(Phase::Running, true, true), (Phase::Draining, false, true), (Phase::Stopping, false, false)]
    {
        let (_host, pool) = pool();
        let worker = pool.enlist().unwrap();
        pool.set_phase(phase);
        assert_eq!(pool.submit(1).is_ok(), outside);
        assert_eq!(pool.submit_from(worker.seat(), 1).is_ok(), nested);
        assert_eq!(pool.submit_first(1, false).is_ok(), outside);
        assert_eq!(pool.submit_first(1, true).is_ok(), nested);
        assert_eq!(pool.submit_at(1, false, Tick(5), None).is_ok(), outside);
        assert_eq!(pool.submit_at(1, true, Tick(5), None).is_ok(), nested);
        if phase != Phase::Running {
            let never = pool.submit_at(1, true, Tick::MAX, None);
            assert_eq!(never, Err(Refused::Closed(1)), "the pool would wait for it for ever");
        }
        assert_eq!(pool.phase(), phase);
        if !outside {
            assert_eq!(pool.submit(7), Err(Refused::Closed(7)));
        }
    }
}

#[test]
fn a_worker_of_a_draining_pool_ends_after_the_last_timer() {
    let (host, pool) = pool();
    let mut worker = pool.enlist().unwrap();
    pool.submit(1).unwrap().0.to_string();
    let _ = pool.submit_at(2, false, Tick(100), None).unwrap();
    pool.set_phase(Phase::Draining);
    assert_eq!(work(&pool, &mut worker), (vec![1], Rests::ParkedUntil(100)));
    host.set(Tick(100));
    assert_eq!(work(&pool, &mut worker), (vec![2], Rests::Gone));
    drop(worker);
    assert_eq!(pool.counts().alive, 0);
    // And it can begin again.
    pool.set_phase(Phase::Running);
    assert_eq!(pool.submit(3).unwrap().1, Duty::Start);
    assert_eq!(work(&pool, &mut pool.attach().unwrap()), (vec![3], Rests::Parked));
}

#[test]
fn a_job_is_taken_out_of_turn() {
    let (_host, pool) = pool();
    let mut worker = pool.enlist().unwrap();
    let ids: Vec<JobId> = (0..3).map(|n| pool.submit(n).unwrap().0).collect();
    let Next::Run { payload: 0, running, .. } = worker.next() else { panic!("the first job") };
    // Inside the first job, the third.
    let (payload, inner) = pool.take_inside(worker.seat(), ids[2]).unwrap();
    assert_eq!((payload, inner.depth(), pool.running_id(&inner)), (2, 1, Some(ids[2])));
    assert_eq!(pool.cancel(ids[2]), Cancelled::Stopping);
    assert!(pool.is_cancelled(&inner) && !pool.is_cancelled(&running));
    assert!(pool.take_inside(worker.seat(), ids[2]).is_none());
    let _ = pool.end(&inner, End::Done, None);
    assert_eq!(pool.running_id(&running), Some(ids[0]));
    let _ = pool.end(&running, End::Done, None);
    let (payload, taken) = pool.take(ids[1]).unwrap();
    assert_eq!((payload, pool.pending()), (1, 1));
    assert_eq!(taken.end(End::Done), Duty::Nothing);
    assert_eq!((pool.pending(), pool.ended()), (0, 3));
    assert_eq!(work(&pool, &mut worker), (vec![], Rests::Parked));
}

#[test]
fn the_last_of_several_that_nobody_has_taken_is_found_through_what_has_gone() {
    // More than a run of them.
    const JOBS: u32 = 1_000;
    let pool: Pool<u32, _, Growing<u32, ScriptedMutex>> = Pool::growing(ScriptedHost::new(), 1, 0);
    let ids: Vec<JobId> = (0..JOBS).map(|job| pool.submit(job).unwrap().0).collect();
    let range = || {
        let mut range = JobIds::of(ids[0]).unwrap();
        assert!(ids[1..].iter().all(|id| range.push(*id)));
        range
    };
    let mut all = range();
    assert_eq!(pool.last_untaken(&mut all), Some(ids[999]));
    assert_eq!((pool.last_untaken(&mut all), all.len()), (Some(ids[998]), 998));
    // Nearly all go, and with them the memory of most.
    let is_left = |id: &JobId| [3, 400, 401].map(|left| ids[left]).contains(id);
    assert!(ids.iter().filter(|id| !is_left(id)).all(|id| pool.withdraw(*id).is_some()));
    let mut all = range();
    let left: Vec<_> = std::iter::from_fn(|| pool.last_untaken(&mut all)).collect();
    assert_eq!(left, [ids[401], ids[400], ids[3]]);
    assert_eq!((pool.last_untaken(&mut all), all.len()), (None, 0));

    // A ring.
    let (_host, pool) = self::pool();
    let ids = [1, 2, 3].map(|job| pool.submit(job).unwrap().0);
    let mut range = JobIds::of(ids[0]).unwrap();
    assert!(range.push(ids[1]) && range.push(ids[2]) && pool.withdraw(ids[2]).is_some());
    assert_eq!(pool.last_untaken(&mut range), Some(ids[1]));
    assert_eq!(pool.last_untaken(&mut range), Some(ids[0]));
    assert_eq!(pool.last_untaken(&mut range), None);
}

#[test]
fn a_start_that_fails_loses_no_job() {
    let (_host, pool) = pool();
    let (id, duty) = pool.submit(1).unwrap();
    assert_eq!(duty, Duty::Start);
    assert_eq!(pool.start_failed(), Duty::Nothing);
    assert_eq!((pool.counts().alive, pool.counts().pending), (0, 1));
    // The next call asks again; or the job is taken back.
    assert_eq!(pool.demand(), Duty::Start);
    assert_eq!(pool.start_failed(), Duty::Nothing);
    assert_eq!(pool.withdraw(id), Some(1));
    let account = pool.account();
    assert_eq!((account.accepted, account.cancelled + account.handed_back), (1, 1));
}

#[test]
fn a_blocked_job_calls_a_stand_in_only_where_there_is_a_seat() {
    let (_host, pool) = pool();
    let (mut first, mut second) = (pool.enlist().unwrap(), pool.enlist().unwrap());
    (0..3).for_each(|n| _ = pool.submit(n).unwrap());
    let Next::Run { running: a, .. } = first.next() else { panic!() };
    let Next::Run { running: b, .. } = second.next() else { panic!() };
    assert!(pool.block().is_some(), "the other may still end the wait");
    assert_eq!(pool.block(), None, "nobody could");
    pool.unblock();
    let _ = pool.end(&a, End::Done, None);
    let _ = pool.end(&b, End::Done, None);
    assert_eq!(work(&pool, &mut first).0, [2]);
}

#[test]
fn a_clock_that_jumps_to_the_end_of_time_runs_what_is_due_once() {
    let (host, pool) = pool();
    let mut worker = pool.enlist().unwrap();
    let _ = pool.submit_at(1, false, Tick(10), Some(rate(10, MissedTickBehavior::Skip))).unwrap();
    let _ = pool.submit_at(2, false, Tick(u64::MAX - 1), None).unwrap();
    let _ = pool.submit_at(3, false, Tick::MAX, None).unwrap();
    host.set(Tick(u64::MAX - 1));
    let (ran, rest) = work(&pool, &mut worker);
    assert_eq!(ran, [1, 2]);
    assert_eq!(rest, Rests::Parked, "what is left is never");
    assert_eq!(pool.cancel_entries(fastthreadpool_core::Kinds::All, |_, job| assert_eq!(job, 3)), 1);
}

#[test]
fn a_clock_that_stands_still_runs_nothing_twice() {
    for missed in [MissedTickBehavior::Burst, MissedTickBehavior::Delay, MissedTickBehavior::Skip] {
        let (host, pool) = pool();
        let mut worker = pool.enlist().unwrap();
        host.set(Tick(1000));
        let _ = pool.submit_at(1, false, Tick(1000), Some(rate(1, missed))).unwrap();
        let _ = pool.submit_at(2, false, Tick(1001), None).unwrap();
        assert_eq!(work(&pool, &mut worker), (vec![1], Rests::ParkedUntil(1001)));
        for _ in 0..5 {
            assert_eq!(work(&pool, &mut worker), (vec![], Rests::ParkedUntil(1001)));
        }
        // What comes while it stands is done.
        pool.submit(3).unwrap().0.to_string();
        let _ = pool.submit_at(4, false, Tick(1000), None).unwrap();
        assert_eq!(work(&pool, &mut worker), (vec![4, 3], Rests::ParkedUntil(1001)));
        host.set(Tick(1001));
        assert_eq!(work(&pool, &mut worker), (vec![2, 1], Rests::ParkedUntil(1002)));
    }
}

#[test]
fn a_sleeper_is_woken_although_somebody_starts() {
    let (_host, pool) = pool();
    // Somebody submits and will say that nobody can be started, but not yet.
    assert_eq!(pool.submit(1).unwrap().1, Duty::Start);
    let mut worker = pool.enlist().unwrap();
    assert_eq!(work(&pool, &mut worker), (vec![1], Rests::Parked));
    // Who is about to come cannot search yet: nobody counts on that one.
    assert_eq!(pool.submit(2).unwrap().1, Duty::Wake(worker.seat()));
    assert_eq!(pool.submit_at(3, false, Tick(50), None).unwrap().1, Duty::Nothing);
    assert_eq!(pool.start_failed(), Duty::Nothing);
    assert_eq!(work(&pool, &mut worker), (vec![2], Rests::ParkedUntil(50)));
}

#[test]
fn a_start_that_fails_sends_nobody_away() {
    let (_host, pool) = pool();
    let mut first = pool.enlist().unwrap();
    assert_eq!(work(&pool, &mut first), (vec![], Rests::Parked));
    let _wake = pool.submit(1).unwrap();
    let Next::Run { running, .. } = first.next() else { panic!("the first job") };
    assert_eq!(pool.submit(2).unwrap().1, Duty::Start);
    let mut second = pool.enlist().unwrap();
    assert_eq!(work(&pool, &mut second), (vec![2], Rests::Parked), "and not gone");
    assert_eq!(pool.start_failed(), Duty::Nothing);
    let _ = pool.end(&running, End::Done, None);
    assert_eq!(pool.counts().alive, 2);
}

#[test]
fn a_worker_takes_over_what_the_one_before_it_on_its_seat_had_claimed() {
    let host = ScriptedHost::new();
    // A measure, in which jobs that take no time are short, and claimed by the dozen.
    host.set_wake_cost(1000);
    let pool: Pool<u32, _, Growing<u32, ScriptedMutex>> = Pool::growing(host, 1, 0);
    let submit = |jobs: std::ops::Range<u32>| jobs.for_each(|n| _ = pool.submit(n).unwrap());
    let run = |worker: &mut Worker<'_, _, _, _>, most: usize| {
        let mut ran = Vec::new();
        while ran.len() < most {
            let Next::Run { payload, running, .. } = worker.next() else { break };
            let _ = pool.end(&running, End::Done, None);
            ran.push(payload);
        }
        ran
    };
    let mut first = pool.enlist().unwrap();
    submit(0..2);
    assert_eq!(run(&mut first, 9), [0, 1]);
    submit(2..12);
    assert_eq!(run(&mut first, 3), [2, 3, 4]);
    // By a panic of its host, say.
    drop(first);
    submit(12..14);
    let mut second = pool.enlist().unwrap();
    assert_eq!(run(&mut second, 99), (5..14).collect::<Vec<_>>());
    assert_eq!(pool.pending(), 0);
}

#[test]
fn a_blocked_worker_gives_away_what_it_has_claimed() {
    let host = ScriptedHost::new();
    host.set_wake_cost(1000);
    let pool: Pool<u32, _, Growing<u32, ScriptedMutex>> = Pool::growing(host, 1, 1);
    let mut worker = pool.enlist().unwrap();
    let submit = |jobs: std::ops::Range<u32>| jobs.for_each(|n| _ = pool.submit(n).unwrap());
    // Short jobs, as is now known.
    submit(0..2);
    for _ in 0..2 {
        let Next::Run { running, .. } = worker.next() else { panic!("a job waits") };
        let _ = pool.end(&running, End::Done, None);
    }
    submit(2..5);
    let Next::Run { payload: 2, running, .. } = worker.next() else { panic!("the first of a claim of three") };
    assert_eq!(pool.block(), Some(Duty::Start), "somebody else has to run the other two");
    let mut stand_in = pool.attach().unwrap();
    let mut ran = Vec::new();
    while let Next::Run { payload, running, .. } = stand_in.next() {
        ran.push(payload);
        let _ = pool.end(&running, End::Done, None);
    }
    ran.sort_unstable();
    assert_eq!(ran, [3, 4]);
    pool.unblock();
    let _ = pool.end(&running, End::Done, None);
    assert_eq!(pool.pending(), 0);
}

#[test]
fn a_payload_that_cannot_be_made_leaves_no_hole() {
    struct Fails;
    impl Pack<u32> for Fails {
        fn pack(self) -> u32 {
            panic!("no payload")
        }
        unsafe fn unpack(_: u32) -> Self {
            Self
        }
    }
    let growing = Pool::<u32, _, Growing<u32, ScriptedMutex>>::growing(ScriptedHost::new(), 1, 0);
    for n in 0..100 {
        assert!(catch_unwind(AssertUnwindSafe(|| growing.submit_packed(Fails).is_ok())).is_err());
        let _ = growing.submit(n).unwrap();
    }
    assert_eq!(growing.pending(), 100);
    let mut worker = growing.enlist().unwrap();
    let mut ran = Vec::new();
    growing.set_phase(Phase::Draining);
    loop {
        match worker.next() {
            Next::Run { payload, running, .. } => {
                ran.push(payload);
                let _ = growing.end(&running, End::Done, None);
            }
            Next::Exit { .. } => break,
            Next::Park(_) => panic!("nothing is to come"),
        }
    }
    assert!(ran.into_iter().eq(0..100));
    assert_eq!((growing.pending(), growing.audit()), (0, Ok(())));
}

//! Who gets hardly anything leaves short jobs to others, and yet none waits for ever.

use std::vec::Vec;

use super::SLACK;
use crate::end::End;
use crate::host::Tick;
use crate::hosts::{ScriptedHost, ScriptedMutex};
use crate::pool::{Duty, Pool};
use crate::running::Running;
use crate::storage::Growing;
use crate::worker::{Next, Worker};

const COST: u64 = 1000;

type Store = Growing<usize, ScriptedMutex>;
type Core = Pool<usize, ScriptedHost, Store>;
type Hand<'p> = Worker<'p, usize, ScriptedHost, Store>;

fn pool(workers: usize) -> (ScriptedHost, Core) {
    let host = ScriptedHost::new();
    host.set_wake_cost(COST);
    (host.clone(), Core::growing(host, workers, 0))
}

fn submit(pool: &Core, job: usize) -> Duty {
    pool.submit(job).unwrap().1
}

fn next(worker: &mut Hand) -> (usize, Running, Duty) {
    let Next::Run { payload, running, duty } = worker.next() else { panic!("there is a job") };
    (payload, running, duty)
}

/// Gets a job at a time, each of which takes no time, so often that it would step aside. The first is not known to be short.
fn gets_crumbs(pool: &Core, worker: &mut Hand) {
    for job in 0..=usize::from(SLACK) {
        let _ = submit(pool, job);
        let (payload, running, _) = next(worker);
        assert_eq!(payload, job, "it looks for the next one each time");
        let _ = pool.end(&running, End::Done, None);
    }
}

#[test]
fn who_gets_crumbs_while_another_works_sleeps_and_looks_again() {
    let (host, pool) = pool(2);
    let (mut long, mut spare) = (pool.enlist().unwrap(), pool.enlist().unwrap());
    let _ = submit(&pool, 100);
    let (_, running, _) = next(&mut long);
    gets_crumbs(&pool, &mut spare);
    let _ = submit(&pool, 1);
    let Next::Park(Some(deadline)) = spare.next() else { panic!("it leaves the job to the other, and naps") };
    assert_eq!(submit(&pool, 2), Duty::Nothing, "nobody is called: it looks again soon");
    assert!(pool.has_visible_work());
    // The other has ended nothing meanwhile: its job is not short, whatever was measured.
    host.set(deadline);
    let (payload, _, _) = next(&mut spare);
    assert_eq!(payload, 1);
    let _ = pool.end(&running, End::Done, None);
    assert_eq!(next(&mut long).0, 2);
}

#[test]
fn who_works_off_a_burst_beside_a_long_job_does_not_sleep_before_its_end() {
    let (_, pool) = pool(2);
    let (mut long, mut spare) = (pool.enlist().unwrap(), pool.enlist().unwrap());
    let _ = submit(&pool, 100);
    let _ = next(&mut long);
    gets_crumbs(&pool, &mut spare);
    spare.slack = 0;
    (0..60).for_each(|job| _ = submit(&pool, job));
    for job in 0..60 {
        let (found, running, _) = next(&mut spare);
        assert_eq!(found, job);
        let _ = pool.end(&running, End::Done, None);
    }
}

#[test]
fn who_naps_goes_on_while_the_other_gets_on() {
    let (host, pool) = pool(2);
    let (mut busy, mut spare) = (pool.enlist().unwrap(), pool.enlist().unwrap());
    let _ = submit(&pool, 100);
    let (_, mut running, _) = next(&mut busy);
    gets_crumbs(&pool, &mut spare);
    for job in 0..4 {
        let _ = submit(&pool, job);
        let Next::Park(Some(deadline)) = spare.next() else { panic!("the other does it") };
        let _ = pool.end(&running, End::Done, None);
        let found = next(&mut busy);
        assert_eq!(found.0, job);
        running = found.1;
        host.set(deadline);
    }
    // Has the other ended nothing, it helps.
    let _ = submit(&pool, 5);
    let Next::Park(Some(deadline)) = spare.next() else { panic!("the other has ended a job") };
    host.set(deadline);
    assert_eq!(next(&mut spare).0, 5);
}

#[test]
fn who_works_alone_does_not_step_aside() {
    let (_, pool) = pool(1);
    let mut only = pool.enlist().unwrap();
    gets_crumbs(&pool, &mut only);
    let _ = submit(&pool, 1);
    assert_eq!(next(&mut only).0, 1);
}

#[test]
fn the_last_to_step_aside_takes_what_there_is() {
    let (_, pool) = pool(2);
    let (mut one, mut other) = (pool.enlist().unwrap(), pool.enlist().unwrap());
    gets_crumbs(&pool, &mut one);
    gets_crumbs(&pool, &mut other);
    let _ = submit(&pool, 1);
    // Each has seen that the other works.
    assert!(matches!(one.next(), Next::Park(Some(_))));
    assert_eq!(next(&mut other).0, 1, "nobody else works");
}

/// Gets up from a nap, and ends what it finds until it naps again.
fn naps_and_helps(host: &ScriptedHost, pool: &Core, worker: &mut Hand, until: Tick) -> (Vec<usize>, Option<Tick>) {
    host.set(until);
    let mut found = Vec::new();
    loop {
        match worker.next() {
            Next::Run { payload, running, .. } => {
                found.push(payload);
                let _ = pool.end(&running, End::Done, None);
            }
            Next::Park(deadline) => return (found, deadline),
            other @ Next::Exit { .. } => panic!("{other:?}"),
        }
    }
}

/// `spare` naps until the returned time, while `long` claims some of eight jobs and runs the first of them, number 0. Who else is
/// there is awake.
fn claims_before_a_nap_is_over(pool: &Core, long: &mut Hand, spare: &mut Hand) -> Tick {
    gets_crumbs(pool, long);
    long.slack = 0;
    gets_crumbs(pool, spare);
    let _ = submit(pool, 100);
    let (_, running, _) = next(long);
    let Next::Park(Some(deadline)) = spare.next() else { panic!("the other is enough") };
    (0..8).for_each(|job| _ = submit(pool, job));
    let _ = pool.end(&running, End::Done, None);
    assert_eq!(next(long).0, 0);
    deadline
}

#[test]
fn who_naps_takes_what_another_has_claimed_behind_a_long_job() {
    let (host, pool) = pool(2);
    let (mut long, mut spare) = (pool.enlist().unwrap(), pool.enlist().unwrap());
    let mut deadline = Some(claims_before_a_nap_is_over(&pool, &mut long, &mut spare));
    assert!(!pool.has_visible_work(), "it has claimed them all");
    let mut found = Vec::new();
    for _ in 0..4 {
        let Some(until) = deadline else { break };
        let (some, next) = naps_and_helps(&host, &pool, &mut spare, until);
        found.extend(some);
        deadline = next;
    }
    found.sort_unstable();
    assert_eq!(found, [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn that_others_get_on_does_not_keep_it_from_that() {
    let (host, pool) = pool(3);
    let (mut long, mut spare, mut quick) = (pool.enlist().unwrap(), pool.enlist().unwrap(), pool.enlist().unwrap());
    gets_crumbs(&pool, &mut quick);
    quick.slack = 0;
    let mut deadline = claims_before_a_nap_is_over(&pool, &mut long, &mut spare);
    let behind = long.claim.left();
    assert!(behind > 0);
    let mut found = Vec::new();
    for job in 200..204 {
        let _ = submit(&pool, job);
        let (_, running, _) = next(&mut quick);
        let (some, next) = naps_and_helps(&host, &pool, &mut spare, deadline);
        found.extend(some);
        deadline = next.expect("there may be more");
        let _ = pool.end(&running, End::Done, None);
    }
    assert!((1..=behind).all(|job| found.contains(&job)), "{found:?}");
}

#[test]
fn who_works_on_and_on_takes_what_another_has_claimed_behind_a_long_job() {
    let (host, pool) = pool(2);
    let (mut long, mut busy) = (pool.enlist().unwrap(), pool.enlist().unwrap());
    gets_crumbs(&pool, &mut busy);
    gets_crumbs(&pool, &mut long);
    (long.slack, busy.slack) = (0, 0);
    (0..8).for_each(|job| _ = submit(&pool, job));
    assert_eq!(next(&mut long).0, 0);
    let behind = long.claim.left();
    assert!(behind > 0);
    let mut found = Vec::new();
    (1000..8000).for_each(|job| _ = submit(&pool, job));
    // The lane does not become empty, and each job takes a hundredth of a wake-up.
    for _ in 0..5000 {
        let (job, running, _) = next(&mut busy);
        host.advance(COST / 100);
        let _ = pool.end(&running, End::Done, None);
        assert!(pool.has_visible_work());
        found.push(job);
    }
    assert!((1..=behind).all(|job| found.contains(&job)));
}

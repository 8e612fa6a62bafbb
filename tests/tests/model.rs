//! The pool of the core against a naive model, on a clock turned by hand: random submits, cancellations, clears, closes and
//! steps of time; every accepted job ends exactly once, at its time, and in its order.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU64;

use fastthreadpool::core::hosts::{ScriptedHost, ScriptedMutex};
use fastthreadpool::core::{
    Cancelled, Growing, Host, JobId, Kinds, MissedTickBehavior, Next, Phase, Pool, Repeat, Tick,
};
use proptest::prelude::*;

type Core = Pool<usize, ScriptedHost, Growing<usize, ScriptedMutex>>;

#[derive(Clone, Debug)]
enum Op {
    Submit,
    First,
    /// After so many ticks.
    Later(u64),
    /// First after so many ticks, then every so many.
    Every(u64, u64),
    /// One of the jobs there ever were.
    Cancel(prop::sample::Index),
    CancelQueued,
    CancelTimers,
    Pass(u64),
    /// The worker does so many jobs, or fewer.
    Work(usize),
    Close(bool),
    Open,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => Just(Op::Submit),
        3 => Just(Op::First),
        4 => (0_u64..40).prop_map(Op::Later),
        2 => (0_u64..40, 1_u64..20).prop_map(|(first, period)| Op::Every(first, period)),
        5 => any::<prop::sample::Index>().prop_map(Op::Cancel),
        1 => Just(Op::CancelQueued),
        1 => Just(Op::CancelTimers),
        5 => (0_u64..30).prop_map(Op::Pass),
        8 => (0_usize..6).prop_map(Op::Work),
        1 => any::<bool>().prop_map(Op::Close),
        1 => Just(Op::Open),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Where {
    Queue,
    Stack,
    Timer(u64),
    Over,
}

#[derive(Clone, Copy, Debug)]
struct Job {
    id: JobId,
    at: Where,
    due: u64,
    period: Option<u64>,
    runs: usize,
}

/// What the pool should be: a queue, a stack, and a list of times.
#[derive(Default)]
struct Model {
    now: u64,
    jobs: Vec<Job>,
    queue: VecDeque<usize>,
    stack: Vec<usize>,
    sequence: u64,
    /// Due time and order of insertion of what waits for its time.
    timers: BTreeMap<(u64, u64), usize>,
}

impl Model {
    fn wait(&mut self, job: usize, due: u64) {
        self.sequence += 1;
        self.timers.insert((due, self.sequence), job);
        self.jobs[job].at = Where::Timer(self.sequence);
        self.jobs[job].due = due;
    }

    /// What is due goes to the stack, the earliest on top.
    fn expire(&mut self) {
        let later = self.timers.split_off(&(self.now + 1, 0));
        for job in std::mem::replace(&mut self.timers, later).into_values().rev() {
            self.jobs[job].at = Where::Stack;
            self.stack.push(job);
        }
    }

    fn remove(&mut self, job: usize) -> bool {
        match self.jobs[job].at {
            Where::Over => return false,
            Where::Queue => self.queue.retain(|other| *other != job),
            Where::Stack => self.stack.retain(|other| *other != job),
            Where::Timer(sequence) => _ = self.timers.remove(&(self.jobs[job].due, sequence)),
        }
        self.jobs[job].at = Where::Over;
        true
    }

    /// The next job that a worker begins.
    fn next(&mut self) -> Option<usize> {
        if self.stack.is_empty() {
            self.expire();
        }
        let job = self.stack.pop().or_else(|| self.queue.pop_front())?;
        self.jobs[job].at = Where::Over;
        self.jobs[job].runs += 1;
        Some(job)
    }
}

#[expect(clippy::too_many_lines, reason = "one arm for each operation")]
fn run(ops: &[Op]) -> Result<(), TestCaseError> {
    let host = ScriptedHost::new();
    let pool = Core::growing(host.clone(), 1, 0);
    let mut model = Model::default();
    let mut worker = pool.enlist().expect("a seat is free");
    for op in ops {
        let accepts = pool.phase() == Phase::Running;
        let number = model.jobs.len();
        match *op {
            Op::Submit | Op::First | Op::Later(_) | Op::Every(..) => {
                let (due, repeat) = match *op {
                    Op::Later(ticks) => (Some(model.now + ticks), None),
                    Op::Every(ticks, period) => (Some(model.now + ticks), Some(period)),
                    _ => (None, None),
                };
                let rate = repeat
                    .and_then(NonZeroU64::new)
                    .map(|period| Repeat::Rate { period, missed: MissedTickBehavior::Skip });
                let submitted = match due {
                    Some(due) => pool.submit_at(number, false, Tick(due), rate),
                    None if matches!(op, Op::First) => pool.submit_first(number, false),
                    None => pool.submit(number),
                };
                prop_assert_eq!(submitted.is_ok(), accepts);
                let Ok((id, _duty)) = submitted else { continue };
                if let Some(last) = model.jobs.last() {
                    prop_assert!(last.id < id, "ids are in the order of submission");
                }
                model.jobs.push(Job { id, at: Where::Queue, due: 0, period: repeat, runs: 0 });
                match due {
                    Some(due) => model.wait(number, due),
                    None if matches!(op, Op::First) => {
                        model.jobs[number].at = Where::Stack;
                        model.stack.push(number);
                    }
                    None => model.queue.push_back(number),
                }
            }
            Op::Cancel(ref which) if number > 0 => {
                let job = which.index(number);
                let expected = if model.remove(job) { Cancelled::Removed(job) } else { Cancelled::TooLate };
                prop_assert_eq!(pool.cancel(model.jobs[job].id), expected);
            }
            Op::Cancel(_) => {}
            Op::CancelQueued => {
                model.expire();
                let gone: Vec<_> = (0..number)
                    .filter(|job| {
                        matches!(model.jobs[*job].at, Where::Queue | Where::Stack)
                            && (model.jobs[*job].period.is_none())
                    })
                    .collect();
                let mut removed = Vec::new();
                prop_assert_eq!(pool.cancel_queued(|_, job| removed.push(job)), gone.len());
                removed.sort_unstable();
                prop_assert_eq!(&removed, &gone);
                for job in gone {
                    model.remove(job);
                }
            }
            Op::CancelTimers => {
                let mut removed = Vec::new();
                pool.cancel_entries(Kinds::Timed, |_, job| removed.push(job));
                for job in removed {
                    prop_assert!(model.remove(job));
                }
                prop_assert!(model.timers.is_empty());
            }
            Op::Pass(ticks) => {
                host.advance(ticks);
                model.now += ticks;
            }
            Op::Work(jobs) => {
                for _ in 0..jobs {
                    match worker.next() {
                        Next::Run { payload, running, .. } => {
                            let expected = model.next();
                            prop_assert_eq!(Some(payload), expected);
                            prop_assert_eq!(pool.running_id(&running), Some(model.jobs[payload].id));
                            let (ended, _duty) = pool.end(&running, running.is_periodic().then_some(payload));
                            match model.jobs[payload].period {
                                Some(period) if pool.phase() == Phase::Running => {
                                    prop_assert_eq!(ended, None);
                                    let behind = model.now.saturating_sub(model.jobs[payload].due) / period;
                                    let due = model.jobs[payload].due + (behind + 1) * period;
                                    model.wait(payload, due);
                                }
                                period => prop_assert_eq!(ended, period.map(|_| payload)),
                            }
                        }
                        Next::Park(deadline) => {
                            prop_assert_eq!(model.next(), None);
                            let next = model.timers.keys().next().map(|(due, _)| *due);
                            prop_assert!(
                                deadline.map(|deadline| deadline.0) <= next && deadline.is_some() == next.is_some()
                            );
                            break;
                        }
                        Next::Exit { last, .. } => {
                            prop_assert_eq!(model.next(), None);
                            prop_assert!(last && model.timers.is_empty() && pool.phase() != Phase::Running);
                            worker = pool.enlist().expect("its seat is free again");
                            break;
                        }
                    }
                }
            }
            Op::Close(now) => {
                pool.set_phase(if now { Phase::Stopping } else { Phase::Draining });
                let kinds = if now { Kinds::All } else { Kinds::Periodic };
                let mut removed = Vec::new();
                if now {
                    pool.cancel_queued(|_, job| removed.push(job));
                }
                pool.cancel_entries(kinds, |_, job| removed.push(job));
                for job in removed {
                    prop_assert!(model.remove(job), "each is handed back once");
                }
                prop_assert!(!now || (model.queue.is_empty() && model.stack.is_empty() && model.timers.is_empty()));
            }
            Op::Open => pool.set_phase(Phase::Running),
        }
        prop_assert_eq!(
            pool.counts().timers + pool.pending(),
            model.timers.len() + model.queue.len() + model.stack.len()
        );
        prop_assert_eq!(pool.host().now(), Tick(model.now));
    }
    for job in &model.jobs {
        prop_assert!(job.period.is_some() || job.runs <= 1);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_pool_is_a_queue_a_stack_and_a_list_of_times(ops in prop::collection::vec(op(), 1..300)) {
        run(&ops)?;
    }
}

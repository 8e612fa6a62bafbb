//! The pool of the core against a naive model, on a clock turned by hand: random submits, cancellations, clears, closes and
//! steps of time; every accepted job ends exactly once, at its time, and in its order.
//!
//! `tests/model.rs` draws the operations by proptest, `fuzz/` by what they reach.

use std::collections::{BTreeMap, VecDeque};
use std::iter;
use std::num::NonZeroU64;

use fastthreadpool_core::hosts::{ScriptedHost, ScriptedMutex};
use fastthreadpool_core::{
    Cancelled, End, Growing, Host, JobId, Kinds, MissedTickBehavior, Next, Phase, Pool, Repeat, Tick,
};

/// The number of a job. Boxed, so that the address sanitizer sees what is kept, or handed out twice.
type Payload = Box<usize>;

type Core = Pool<Payload, ScriptedHost, Growing<Payload, ScriptedMutex>>;

/// What is done to the pool.
#[derive(Clone, Copy, Debug)]
pub enum Op {
    /// To the queue.
    Submit,
    /// Sixteen times as many to the queue: what fills blocks.
    Many(u8),
    /// To the stack.
    First,
    /// After so much time.
    Later(Time),
    /// First after so much time, then with so much, and one tick, between two.
    Every(Time, Time),
    /// One of the jobs there ever were, by its number or a multiple.
    Cancel(u16),
    /// All that wait in the queue and on the stack.
    CancelQueued,
    /// All that wait for their time.
    CancelTimers,
    /// So much time.
    Pass(Time),
    /// The worker does so many jobs, or fewer; 255: all there are.
    Work(u8),
    /// Now, with all that waits removed, or when it has been done.
    Close(bool),
    /// As at the beginning.
    Open,
}

/// A byte says which, so that a fuzzer that changes one changes little else. Each as often as in the property test.
#[cfg(feature = "arbitrary")]
impl arbitrary::Arbitrary<'_> for Op {
    fn arbitrary(bytes: &mut arbitrary::Unstructured<'_>) -> arbitrary::Result<Self> {
        let which = bytes.arbitrary::<u8>()? % 38;
        let mut byte = || bytes.arbitrary::<u8>();
        Ok(match which {
            0..6 => Self::Submit,
            // Few, or several blocks full.
            6 => Self::Many(match byte()? {
                jobs @ ..240 => jobs % 8,
                _ => 80,
            }),
            7..10 => Self::First,
            10..14 => Self::Later(Time(byte()?)),
            14..16 => Self::Every(Time(byte()?), Time(byte()?)),
            16..21 => Self::Cancel(u16::from_le_bytes([byte()?, byte()?])),
            21 => Self::CancelQueued,
            22 => Self::CancelTimers,
            23..28 => Self::Pass(Time(byte()?)),
            28..36 => Self::Work(match byte()? {
                jobs @ ..224 => jobs % 6,
                _ => u8::MAX,
            }),
            36 => Self::Close(byte()? % 2 == 0),
            _ => Self::Open,
        })
    }
}

/// How long something takes. Short mostly, so that what is due meets what is late; or up to 2^39 ticks, of which no list of
/// operations is long enough to reach the end of time.
#[derive(Clone, Copy, Debug)]
pub struct Time(pub u8);

impl Time {
    fn ticks(self) -> u64 {
        let Self(choice) = self;
        if choice < 216 { u64::from(choice % 24) } else { 1 << (choice - 216) }
    }
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

    /// Whether all of them were still to come.
    fn remove(&mut self, gone: &[usize]) -> bool {
        let mut all = true;
        for &job in gone {
            match self.jobs[job].at {
                Where::Over => all = false,
                Where::Timer(sequence) => _ = self.timers.remove(&(self.jobs[job].due, sequence)),
                Where::Queue | Where::Stack => {}
            }
            self.jobs[job].at = Where::Over;
        }
        self.queue.retain(|job| self.jobs[*job].at != Where::Over);
        self.stack.retain(|job| self.jobs[*job].at != Where::Over);
        all
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

/// Does the operations with a pool and with the model.
///
/// # Panics
///
/// When they differ.
#[expect(clippy::too_many_lines, reason = "one arm for each operation")]
pub fn run(ops: &[Op]) {
    let host = ScriptedHost::new();
    let pool = Core::growing(host.clone(), 1, 0);
    let mut model = Model::default();
    let mut worker = pool.enlist().expect("a seat is free");
    let each = ops.iter().flat_map(|op| match *op {
        Op::Many(jobs) => iter::repeat_n(Op::Submit, 16 * usize::from(jobs)),
        op => iter::repeat_n(op, 1),
    });
    for op in each {
        let accepts = pool.phase() == Phase::Running;
        let number = model.jobs.len();
        match op {
            Op::Submit | Op::First | Op::Later(_) | Op::Every(..) => {
                let (due, repeat) = match op {
                    Op::Later(time) => (Some(model.now + time.ticks()), None),
                    Op::Every(time, between) => (Some(model.now + time.ticks()), Some(between.ticks() + 1)),
                    _ => (None, None),
                };
                let rate = repeat
                    .and_then(NonZeroU64::new)
                    .map(|period| Repeat::Rate { period, missed: MissedTickBehavior::Skip });
                let submitted = match due {
                    Some(due) => pool.submit_at(Box::new(number), false, Tick(due), rate),
                    None if matches!(op, Op::First) => pool.submit_first(Box::new(number), false),
                    None => pool.submit(Box::new(number)),
                };
                assert_eq!(submitted.is_ok(), accepts);
                let Ok((id, _duty)) = submitted else { continue };
                if let Some(last) = model.jobs.last() {
                    assert!(last.id < id, "ids are in the order of submission");
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
            Op::Cancel(which) if number > 0 => {
                let job = usize::from(which) % number;
                let expected =
                    if model.remove(&[job]) { Cancelled::Removed(Box::new(job)) } else { Cancelled::TooLate };
                assert_eq!(pool.cancel(model.jobs[job].id), expected);
            }
            Op::Cancel(_) | Op::Many(_) => {}
            Op::CancelQueued => {
                model.expire();
                let gone: Vec<_> = (0..number)
                    .filter(|job| {
                        matches!(model.jobs[*job].at, Where::Queue | Where::Stack)
                            && (model.jobs[*job].period.is_none())
                    })
                    .collect();
                let mut removed = Vec::new();
                assert_eq!(pool.cancel_queued(|_, job| removed.push(*job)), gone.len());
                removed.sort_unstable();
                assert_eq!(&removed, &gone);
                model.remove(&gone);
            }
            Op::CancelTimers => {
                let mut removed = Vec::new();
                pool.cancel_entries(Kinds::Timed, |_, job| removed.push(*job));
                assert!(model.remove(&removed), "each is handed back once");
                assert!(model.timers.is_empty());
            }
            Op::Pass(time) => {
                host.advance(time.ticks());
                model.now += time.ticks();
            }
            Op::Work(jobs) => {
                let jobs = if jobs == u8::MAX { usize::MAX } else { usize::from(jobs) };
                for _ in 0..jobs {
                    match worker.next() {
                        Next::Run { payload, running, .. } => {
                            let job = *payload;
                            assert_eq!(Some(job), model.next());
                            assert_eq!(pool.running_id(&running), Some(model.jobs[job].id));
                            let (ended, _duty) =
                                pool.end(&running, End::Done, running.is_periodic().then_some(payload));
                            match model.jobs[job].period {
                                Some(period) if pool.phase() == Phase::Running => {
                                    assert_eq!(ended, None);
                                    let behind = model.now.saturating_sub(model.jobs[job].due) / period;
                                    model.wait(job, model.jobs[job].due + (behind + 1) * period);
                                }
                                period => assert_eq!(ended.map(|job| *job), period.map(|_| job)),
                            }
                        }
                        Next::Park(deadline) => {
                            assert_eq!(model.next(), None);
                            let next = model.timers.keys().next().map(|(due, _)| *due);
                            assert!(
                                deadline.map(|deadline| deadline.0) <= next && deadline.is_some() == next.is_some()
                            );
                            break;
                        }
                        Next::Exit { last, .. } => {
                            assert_eq!(model.next(), None);
                            assert!(last && model.timers.is_empty() && pool.phase() != Phase::Running);
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
                    pool.cancel_queued(|_, job| removed.push(*job));
                }
                pool.cancel_entries(kinds, |_, job| removed.push(*job));
                assert!(model.remove(&removed), "each is handed back once");
                assert!(!now || (model.queue.is_empty() && model.stack.is_empty() && model.timers.is_empty()));
            }
            Op::Open => pool.set_phase(Phase::Running),
        }
        assert_eq!(pool.counts().timers + pool.pending(), model.timers.len() + model.queue.len() + model.stack.len());
        assert_eq!(pool.host().now(), Tick(model.now));
    }
    for job in &model.jobs {
        assert!(job.period.is_some() || job.runs <= 1);
    }
}

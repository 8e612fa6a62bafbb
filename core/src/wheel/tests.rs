use std::collections::BTreeMap;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

struct Table(Vec<Link>);

impl Table {
    fn new(len: usize) -> Self {
        Self((0..len).map(|_| Link::new(())).collect())
    }
}

impl Links for Table {
    type Tag = ();

    fn link(&self, n: u32) -> &Link {
        &self.0[n as usize]
    }

    fn link_mut(&mut self, n: u32) -> &mut Link {
        &mut self.0[n as usize]
    }
}

fn all<W: Timing>(wheel: &mut W, table: &mut Table, now: Tick) -> Vec<u32> {
    core::iter::from_fn(|| wheel.expire(table, now)).collect()
}

fn on_both(test: impl Fn(&mut dyn FnMut(Step) -> Seen)) {
    fn with<W: Timing>(test: impl Fn(&mut dyn FnMut(Step) -> Seen)) {
        let (mut wheel, mut table) = (W::EMPTY, Table::new(1000));
        test(&mut |step| match step {
            Step::Insert(n, at) => {
                wheel.insert(&mut table, n, Tick(at));
                Seen::default()
            }
            Step::Remove(n) => Seen { removed: wheel.remove(&mut table, n), ..Seen::default() },
            Step::Expire(now) => Seen { expired: all(&mut wheel, &mut table, Tick(now)), ..Seen::default() },
            Step::Next => Seen { next: wheel.next_deadline(&table).map(|next| next.0), ..Seen::default() },
        });
    }
    with::<Wheel<11, 64>>(&test);
    with::<Wheel<32, 4>>(&test);
    with::<Wheel<64, 2>>(&test);
    with::<Line>(&test);
}

enum Step {
    Insert(u32, u64),
    Remove(u32),
    Expire(u64),
    Next,
}

#[derive(Default)]
struct Seen {
    removed: bool,
    expired: Vec<u32>,
    next: Option<u64>,
}

#[test]
fn in_order_of_deadline_then_of_insertion() {
    on_both(|step| {
        for (n, at) in [(0, 70), (1, 5), (2, 1 << 40), (3, 70), (4, 5), (5, 0)] {
            step(Step::Insert(n, at));
        }
        assert_eq!(step(Step::Next).next, Some(0));
        assert_eq!(step(Step::Expire(69)).expired, [5, 1, 4]);
        assert_eq!(step(Step::Next).next, Some(70));
        // A later insertion of the same deadline goes behind, although it is nearer now.
        step(Step::Insert(6, 70));
        assert_eq!(step(Step::Expire(1 << 50)).expired, [0, 3, 6, 2]);
        assert_eq!(step(Step::Next).next, None);
    });
}

#[test]
fn the_past_is_due_at_once_and_the_clock_may_stand_still() {
    on_both(|step| {
        assert_eq!(step(Step::Expire(1000)).expired, []);
        step(Step::Insert(0, 1000));
        step(Step::Insert(1, 3));
        step(Step::Insert(2, 1001));
        assert_eq!(step(Step::Next).next, Some(1000));
        assert_eq!(step(Step::Expire(1000)).expired, [0, 1]);
        assert_eq!(step(Step::Expire(1000)).expired, []);
        assert_eq!(step(Step::Expire(2)).expired, []);
        assert_eq!(step(Step::Expire(1001)).expired, [2]);
    });
}

#[test]
fn never_is_never() {
    on_both(|step| {
        step(Step::Insert(0, u64::MAX));
        step(Step::Insert(1, u64::MAX - 1));
        assert_eq!(step(Step::Next).next, Some(u64::MAX - 1));
        assert_eq!(step(Step::Expire(u64::MAX - 2)).expired, []);
        assert_eq!(step(Step::Expire(u64::MAX)).expired, [1]);
        step(Step::Insert(2, u64::MAX));
        step(Step::Insert(3, 0));
        assert_eq!(step(Step::Expire(u64::MAX)).expired, [3]);
        assert_eq!(step(Step::Next).next, None);
        assert!(step(Step::Remove(0)).removed);
        assert!(!step(Step::Remove(0)).removed);
        assert!(step(Step::Remove(2)).removed);
    });
}

#[test]
fn removal() {
    on_both(|step| {
        for n in 0..5 {
            step(Step::Insert(n, 1_000_000));
        }
        for n in [2, 0, 4] {
            assert!(step(Step::Remove(n)).removed);
            assert!(!step(Step::Remove(n)).removed);
        }
        step(Step::Insert(2, 1_000_000));
        assert_eq!(step(Step::Expire(1_000_000)).expired, [1, 3, 2]);
        assert!(!step(Step::Remove(1)).removed);
    });
}

#[test]
fn a_full_slot_gives_a_bound_and_a_sleeper_gets_there() {
    on_both(|step| {
        let base = 3 << 40;
        for n in 0..1000 {
            step(Step::Insert(n, base + 7 + u64::from(n) * 3));
        }
        // The first insertion is known to be the earliest; once it is gone, someone would have to look.
        assert_eq!(step(Step::Next).next, Some(base + 7));
        step(Step::Remove(0));
        let (mut wakes, mut expired) = (0, 0);
        let mut last = 0;
        while let Some(next) = step(Step::Next).next {
            assert!(next <= base + 7 + (expired + 1) * 3, "a bound is never late");
            assert!(next > last, "every wake-up gets closer");
            last = next;
            expired += step(Step::Expire(next)).expired.len() as u64;
            wakes += 1;
        }
        assert_eq!(expired, 999);
        assert!(wakes < 999 + 999 / 2, "{wakes} wake-ups");
    });
}

#[test]
fn a_removal_makes_a_rough_bound_exact_again() {
    on_both(|step| {
        for n in 0..=SCAN as u32 {
            step(Step::Insert(n, (5 << 40) + 100 + u64::from(n)));
        }
        step(Step::Remove(0));
        assert_eq!(step(Step::Next).next, Some((5 << 40) + 101));
        step(Step::Insert(0, (5 << 40) + 300));
        step(Step::Remove(1));
        step(Step::Insert(1, (5 << 40) + 300));
        // One too many to look through.
        assert!(step(Step::Next).next.unwrap() <= (5 << 40) + 102);
        step(Step::Remove(64));
        assert_eq!(step(Step::Next).next, Some((5 << 40) + 102));
    });
}

/// Every deadline in a map; what the wheel should be.
#[derive(Default)]
struct Model {
    reached: u64,
    sequence: u64,
    entries: BTreeMap<(u64, u64), u32>,
    keys: BTreeMap<u32, (u64, u64)>,
}

impl Model {
    fn insert(&mut self, n: u32, deadline: u64) {
        let key = (if deadline == u64::MAX { deadline } else { deadline.max(self.reached) }, self.sequence);
        self.sequence += 1;
        self.entries.insert(key, n);
        self.keys.insert(n, key);
    }

    fn remove(&mut self, n: u32) -> bool {
        self.keys.remove(&n).and_then(|key| self.entries.remove(&key)).is_some()
    }

    fn next(&self) -> Option<u64> {
        self.entries.keys().next().map(|key| key.0).filter(|at| *at != u64::MAX)
    }

    fn expire(&mut self, now: u64) -> Option<u32> {
        let now = now.min(u64::MAX - 1).max(self.reached);
        let first = self.next().filter(|at| *at <= now);
        self.reached = first.unwrap_or(now);
        first?;
        let (_, n) = self.entries.pop_first()?;
        self.keys.remove(&n);
        Some(n)
    }
}

#[derive(Clone, Debug)]
enum Op {
    /// Inserts at this many ticks after the model's time; what is in already is removed first.
    Insert(u32, u64),
    /// Inserts at this very tick.
    InsertAt(u32, u64),
    Remove(u32),
    Advance(u64),
    ExpireOne(u64),
    Next,
}

/// Numbers of all magnitudes, and the ends of the range.
fn ticks() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 0_u64..200,
        4 => (any::<u64>(), 0_u32..64).prop_map(|(ticks, shift)| ticks >> shift),
        1 => (0_u64..5).prop_map(|ticks| u64::MAX - ticks),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let n = 0_u32..200;
    prop_oneof![
        6 => (n.clone(), ticks()).prop_map(|(n, after)| Op::Insert(n, after)),
        2 => (n.clone(), ticks()).prop_map(|(n, at)| Op::InsertAt(n, at)),
        2 => n.prop_map(Op::Remove),
        1 => ticks().prop_map(|ticks| Op::Advance(ticks >> 1)),
        2 => (0_u64..300).prop_map(Op::Advance),
        2 => ticks().prop_map(|ticks| Op::ExpireOne(ticks >> 8)),
        3 => Just(Op::Next),
    ]
}

fn run<W: Timing>(ops: &[Op]) -> Result<(), TestCaseError> {
    let (mut wheel, mut table, mut model) = (W::EMPTY, Table::new(200), Model::default());
    for op in ops {
        match *op {
            Op::Insert(n, _) | Op::InsertAt(n, _) => {
                prop_assert_eq!(wheel.remove(&mut table, n), model.remove(n));
                let at = match *op {
                    Op::Insert(_, after) => model.reached.saturating_add(after),
                    Op::InsertAt(_, at) => at,
                    _ => unreachable!(),
                };
                wheel.insert(&mut table, n, Tick(at));
                model.insert(n, at);
            }
            Op::Remove(n) => prop_assert_eq!(wheel.remove(&mut table, n), model.remove(n)),
            Op::Advance(by) => {
                let now = model.reached.saturating_add(by);
                loop {
                    let (is, should) = (wheel.expire(&mut table, Tick(now)), model.expire(now));
                    prop_assert_eq!(is, should);
                    if is.is_none() {
                        break;
                    }
                }
            }
            Op::ExpireOne(by) => {
                let now = model.reached.saturating_add(by);
                prop_assert_eq!(wheel.expire(&mut table, Tick(now)), model.expire(now));
            }
            Op::Next => {
                let (is, should) = (wheel.next_deadline(&table).map(|at| at.0), model.next());
                if model.keys.len() <= SCAN {
                    prop_assert_eq!(is, should);
                } else {
                    prop_assert!(is <= should && is.is_some() == should.is_some());
                }
            }
        }
    }
    // Everything comes out in the end, but for what never does.
    loop {
        let (is, should) = (wheel.expire(&mut table, Tick::MAX), model.expire(u64::MAX));
        prop_assert_eq!(is, should);
        if is.is_none() {
            break;
        }
    }
    for n in 0..200 {
        prop_assert_eq!(wheel.remove(&mut table, n), model.remove(n));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { ProptestConfig::default().cases.min(256) }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn like_a_sorted_map_11_64(ops in prop::collection::vec(op(), 1..600)) {
        run::<Wheel<11, 64>>(&ops)?;
    }

    #[test]
    fn like_a_sorted_map_32_4(ops in prop::collection::vec(op(), 1..600)) {
        run::<Wheel<32, 4>>(&ops)?;
    }

    #[test]
    fn like_a_sorted_map_line(ops in prop::collection::vec(op(), 1..600)) {
        run::<Line>(&ops)?;
    }
}

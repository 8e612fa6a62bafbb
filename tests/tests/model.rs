//! The pool of the core against a naive model, by random operations.

use proptest::prelude::*;
use tests::model::{Op, Time, run};

fn time() -> impl Strategy<Value = Time> {
    any::<u8>().prop_map(Time)
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => Just(Op::Submit),
        1 => (0_u8..20).prop_map(Op::Many),
        3 => Just(Op::First),
        4 => time().prop_map(Op::Later),
        2 => (time(), time()).prop_map(|(first, between)| Op::Every(first, between)),
        5 => any::<u16>().prop_map(Op::Cancel),
        1 => Just(Op::CancelQueued),
        1 => Just(Op::CancelTimers),
        5 => time().prop_map(Op::Pass),
        7 => (0_u8..6).prop_map(Op::Work),
        1 => Just(Op::Work(u8::MAX)),
        1 => any::<bool>().prop_map(Op::Close),
        1 => Just(Op::Open),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2 * ProptestConfig::default().cases, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_pool_is_a_queue_a_stack_and_a_list_of_times(ops in prop::collection::vec(op(), 1..300)) {
        run(&ops);
    }
}

//! A thread that stands in for one that waits is of the pool, and has no index of another.

use rayon_core::{ThreadPool, ThreadPoolBuilder, current_num_threads, current_thread_index};

fn one_thread() -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "the only".to_owned()).build().unwrap()
}

#[test]
fn while_the_only_thread_waits_for_another_pool_a_thread_without_an_index_stands_in() {
    let (pool, other) = (one_thread(), one_thread());
    let seen = pool.install(|| {
        assert_eq!(current_thread_index(), Some(0));
        let seen = other.install(|| {
            pool.install(|| {
                let name = std::thread::current().name().map(str::to_owned);
                (current_num_threads(), current_thread_index(), pool.current_thread_has_pending_tasks(), name)
            })
        });
        assert_eq!(current_thread_index(), Some(0));
        seen
    });
    assert_eq!(seen, (1, None, Some(false), Some("the only".to_owned())));
}

#[test]
fn a_broadcast_by_the_second_half_of_a_join_does_not_wait_for_the_thread_of_the_first() {
    let pool = ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let both = std::sync::Barrier::new(2);
    let second = || {
        both.wait();
        rayon_core::broadcast(|context| context.index())
    };
    let (_, indices) = pool.join(|| both.wait(), second);
    assert_eq!(indices, [0, 1]);
}

#[test]
fn both_halves_of_a_join_are_run_though_both_panic_and_the_first_panic_goes_on() {
    let pool = one_thread();
    let mut unwinds = None;
    let second = || {
        unwinds = Some(std::thread::panicking());
        panic!("second")
    };
    let joined = || pool.join(|| panic!("first"), second);
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(joined)).map(|((), ())| ()).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"first"));
    // A lock that the second holds meanwhile would not be poisoned by its panic.
    assert_eq!(unwinds, Some(false));
}

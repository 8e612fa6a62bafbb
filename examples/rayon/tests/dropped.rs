//! What can still be asked of a pool that was dropped: by its members, for which nobody works any more.

use std::thread;

use rayon_core::{ThreadPoolBuilder, broadcast};

#[test]
fn a_member_of_a_dropped_pool_runs_all_parts_of_a_broadcast() {
    let member = || {
        drop(ThreadPoolBuilder::new().num_threads(3).use_current_thread().build().unwrap());
        broadcast(|context| context.index())
    };
    assert_eq!(thread::spawn(member).join().unwrap(), [0, 1, 2]);
}

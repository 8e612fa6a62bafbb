//! What can still be asked of a pool that was dropped: by its members, for which nobody works any more.

use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;

use rayon_core::{ThreadPoolBuilder, broadcast, join};

#[test]
fn a_member_of_a_dropped_pool_runs_all_parts_of_a_broadcast() {
    let member = || {
        drop(ThreadPoolBuilder::new().num_threads(3).use_current_thread().build().unwrap());
        broadcast(|context| context.index())
    };
    assert_eq!(thread::spawn(member).join().unwrap(), [0, 1, 2]);
}

#[test]
fn no_thread_stands_in_for_what_the_last_ones_still_join() {
    let (sender, receiver) = channel();
    let sender = Mutex::new(sender);
    let exit = move |index| {
        join(|| sender.lock().unwrap().send(index).unwrap(), || ());
    };
    drop(ThreadPoolBuilder::new().num_threads(2).exit_handler(exit).build().unwrap());
    // Until the handler is gone, and so the last thread.
    let mut exits: Vec<_> = receiver.iter().collect();
    exits.sort_unstable();
    assert_eq!(exits, [0, 1]);
}

//! What only the store itself can show: blocks beforehand, and what becomes of payloads when it is dropped.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::hosts::ScriptedMutex;

#[test]
fn where_two_have_come_to_one_run_the_next_have_their_blocks_beforehand() {
    let blocks = Blocks::<Option<u32>, ScriptedMutex>::new();
    let is_there = |run: usize| blocks.find(run * BLOCK).is_some();
    (0..4).for_each(|run| _ = blocks.install(run * BLOCK));
    (0..4).for_each(|run| blocks.finish(run * BLOCK, BLOCK));
    blocks.install(4 * BLOCK);
    assert!(!is_there(5), "one comes at a time");
    blocks.install(4 * BLOCK);
    blocks.install(5 * BLOCK);
    assert!(is_there(6) && !is_there(7));
    // It is as any other.
    // SAFETY: nobody else has anything of it.
    unsafe { blocks.publish(6 * BLOCK, Some(1)) };
    assert_eq!(blocks.see(6 * BLOCK), Look::Ready);
    assert_eq!((blocks.see(6 * BLOCK + 1), blocks.see(7 * BLOCK)), (Look::Free, Look::Free));
    blocks.install(7 * BLOCK);
    assert!(!is_there(8), "nobody else has come since");
}

#[test]
fn a_destructor_that_panics_keeps_no_other_payload() {
    struct Counted<'c>(&'c AtomicUsize, bool);
    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
            assert!(!self.1, "on purpose");
        }
    }
    let count = AtomicUsize::new(0);
    let blocks = Blocks::<Counted<'_>, ScriptedMutex>::new();
    for position in 0..3 * BLOCK {
        // SAFETY: nobody else has anything of it.
        unsafe { blocks.publish(position, Counted(&count, position == 3)) };
    }
    assert!(catch_unwind(AssertUnwindSafe(|| drop(blocks))).is_err());
    assert_eq!(count.into_inner(), 3 * BLOCK);
}

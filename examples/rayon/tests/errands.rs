//! What a thread has done itself, nobody comes for later.

use rayon_core::{ThreadPoolBuilder, broadcast, current_thread_has_pending_tasks, scope, scope_fifo};

#[test]
fn a_busy_pool_keeps_nothing_of_scopes_and_broadcasts_that_are_over() {
    let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        scope(|s| (0..10).for_each(|_| s.spawn(|s| s.spawn(|_| ()))));
        assert_eq!(current_thread_has_pending_tasks(), Some(false));
        scope_fifo(|s| (0..10).for_each(|_| s.spawn_fifo(|s| s.spawn_fifo(|_| ()))));
        assert_eq!(current_thread_has_pending_tasks(), Some(false));
        scope(|s| s.spawn_broadcast(|s, _| s.spawn(|_| ())));
        assert_eq!(broadcast(|context| context.index()), [0]);
        assert_eq!(current_thread_has_pending_tasks(), Some(false));
    });
}

//! Jobs that hold all workers, so that what is submitted behind them waits.

use std::sync::{Arc, Condvar, Mutex};

use crate::capability::Executor;

#[derive(Default)]
struct State {
    inside: usize,
    is_open: bool,
}

#[derive(Default)]
pub struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

impl Gate {
    /// Returns when all workers are held.
    pub fn close<E: Executor>(executor: &E, workers: usize) -> Arc<Self> {
        let gate = Arc::new(Self::default());
        for _ in 0..workers {
            let gate = Arc::clone(&gate);
            executor.execute(move || gate.hold());
        }
        gate.wait_for(workers);
        gate
    }

    /// Returns when so many are inside.
    pub fn wait_for(&self, inside: usize) {
        self.wait_until(|state| state.inside >= inside);
    }

    /// Returns when the gate is open.
    pub fn hold(&self) {
        self.state.lock().expect("nobody panics here").inside += 1;
        self.changed.notify_all();
        self.wait_until(|state| state.is_open);
    }

    fn wait_until(&self, is_so: impl Fn(&State) -> bool) {
        let state = self.state.lock().expect("nobody panics here");
        drop(self.changed.wait_while(state, |state| !is_so(state)).expect("nobody panics here"));
    }

    pub fn open(&self) {
        self.state.lock().expect("nobody panics here").is_open = true;
        self.changed.notify_all();
    }
}

//! A worker's thread from its first step to its last: what it was told, its hooks, and how it leaves.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::engine::config::Hook;
use crate::engine::{Engine, naming};
use crate::here::call::{drop_quietly, quietly};
use crate::here::frame::{Employer, Frame, Kind, OUTSIDE, Stay};
use crate::sys;

sys::local! {
    /// Of a worker's thread. Made before any other value of the thread, it is dropped after them, where that is the order.
    static PRESENCE: RefCell<Present> = const { RefCell::new(Present(None)) };
}

/// What a thread is told that is about to be started.
#[derive(Clone, Copy)]
pub(super) struct Hire {
    /// From 1.
    pub(super) number: usize,
    /// Of the pool's life.
    pub(super) round: u64,
    /// It does the errands after this one.
    pub(super) errands: u64,
}

/// A thread is present.
struct Presence {
    engine: Arc<Engine>,
    hire: Hire,
    frame: Stay,
}

/// The same, until dropped.
struct Present(Option<Presence>);

impl Presence {
    fn live(&self) {
        let hook = |hook: &Option<Hook>| {
            if let Some(hook) = hook {
                // The panic hook has reported it; a worker without its thread-local state is better than no worker.
                quietly(|| hook(self.hire.number));
            }
        };
        hook(&self.engine.config.on_thread_start);
        let frame = self.frame.frame();
        self.engine.work(frame);
        self.engine.retire(frame.errands(), true);
        self.engine.bury_morgue();
        self.engine.settle();
        hook(&self.engine.config.on_thread_stop);
    }

    fn leave(self) {
        let Self { engine, hire: Hire { number, round, .. }, frame } = self;
        engine.threads.leave(number);
        engine.life.lock().thread_gone(round);
        engine.quiet.notify();
        // Before the engine: it may be that this is the last that has it.
        drop(frame);
        // What it drops then is the user's, and this may be the destructor of a thread-local value, which must not panic.
        drop_quietly(engine);
    }
}

impl Present {
    fn new(engine: Arc<Engine>, hire: Hire) -> Self {
        let employer: NonNull<dyn Employer> = NonNull::from(&*engine);
        let frame = Stay::new(Frame::new(Kind::Worker(employer, hire.number), engine.address(), OUTSIDE));
        frame.frame().set_errands(hire.errands);
        Self(Some(Presence { engine, hire, frame }))
    }

    fn live(&self) {
        self.0.iter().for_each(Presence::live);
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(Presence::leave);
    }
}

/// The life of a worker's thread.
pub(super) fn live(engine: Arc<Engine>, hire: Hire) {
    if engine.config.thread_name.is_none() {
        naming::show_end();
    }
    if let Some(pin) = &engine.config.pin {
        pin(hire.number);
    }
    PRESENCE.with(|present| *present.borrow_mut() = Present::new(engine, hire));
    PRESENCE.with(|present| present.borrow().live());
}

/// The same on a thread that goes on afterwards.
pub(super) fn live_here(engine: Arc<Engine>, hire: Hire) {
    Present::new(engine, hire).live();
}

//! The pool's own callbacks, each on a thread of its own.
//!
//! The thread reads its queue as any other reader would. It ends with the pool's last handle; a shutdown in between closes
//! the queue, and the thread waits for `reset` to open it again.
#![forbid(unsafe_code)]

use std::io;
use std::sync::Arc;

use crate::engine::Engine;
use crate::here::call::{Panic, catch, drop_quietly};
use crate::here::frame::{Frame, Kind, OUTSIDE};
use crate::results::outcome::JobError;
use crate::results::outlet::{Done, Failed, Outlet};
use crate::results::queue::Results;
use crate::sync::time::Deadline;

/// Where an outlet is found: whoever owns it.
pub(crate) trait HasOutlet<T>: Send + Sync + 'static {
    fn outlet(&self) -> &Outlet<T>;
}

pub(crate) fn on_done<T: Send + 'static>(
    engine: &Arc<Engine>,
    owner: Arc<impl HasOutlet<T>>,
    mut callback: impl FnMut(Done<T>) + Send + 'static,
) -> io::Result<()> {
    // There before the first value.
    owner.outlet().done();
    engine.start_callbacks("done", move |engine| {
        let outlet = owner.outlet();
        each(engine, outlet, outlet.done(), |done| {
            let id = done.id;
            if let Err(panic) = catch(|| callback(done)) {
                outlet.report(engine, id, "the pool's callback for done jobs", JobError::Panicked(panic));
            }
        });
        drop_quietly(callback);
    })
}

pub(crate) fn on_failed<T: Send + 'static>(
    engine: &Arc<Engine>,
    owner: Arc<impl HasOutlet<T>>,
    mut callback: impl FnMut(Failed) + Send + 'static,
) -> io::Result<()> {
    owner.outlet().failed();
    engine.start_callbacks("failed", move |engine| {
        let outlet = owner.outlet();
        each(engine, outlet, outlet.failed(), |failed| {
            // Not into the failed queue: that would call the callback again, and it might panic again.
            let report =
                |panic: Panic| log::error!("{}: the callback for failures: {panic}", engine.config.name_prefix);
            let _ = catch(|| callback(failed)).map_err(report);
        });
        drop_quietly(callback);
    })
}

fn each<T: Send + 'static, E: Send>(
    engine: &Engine,
    outlet: &Outlet<T>,
    results: &Results<E>,
    mut call: impl FnMut(E),
) {
    loop {
        while let Some(entry) = results.pop_for_callback() {
            let frame = Frame::new(Kind::Callback(outlet.address()), engine.address(), OUTSIDE);
            frame.enter(|_| call(entry));
            results.called_back();
            engine.quiet.notify();
        }
        // Closed and empty. Who waits for the callbacks may have looked while this one did.
        engine.quiet.notify();
        // It may be opened, filled and closed again before this thread looks.
        let goes_on = || !results.is_closed() || !results.is_empty();
        outlet.ended.wait(Deadline::NEVER, || goes_on() || engine.is_abandoned());
        if !goes_on() {
            return;
        }
    }
}

//! The pool's own callbacks, each on a thread of its own.
//!
//! The thread reads its queue as any other reader would. It ends with the pool's last handle; a shutdown in between closes
//! the queue, and the thread waits for `clear` to open it again.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::thread;

use crate::outcome::{JobError, Panic, catch, drop_quietly};
use crate::results::Results;
use crate::shared::Shared;
use crate::view::{Done, Failed, View};

thread_local! {
    static IS_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// Whether the present thread calls a callback: it must not wait for the callbacks to be done.
pub(crate) fn is_callback() -> bool {
    IS_CALLBACK.get()
}

pub(crate) fn on_done<T: Send + 'static>(
    shared: &Arc<Shared>,
    view: &Arc<View<T>>,
    mut callback: Box<dyn FnMut(Done<T>) + Send>,
) -> io::Result<()> {
    let view = Arc::clone(view);
    start(shared, "done", move |shared| {
        each(shared, &view, &view.done, |done| {
            let id = done.id;
            if let Err(panic) = catch(|| callback(done)) {
                view.report(shared, id, "the pool's callback for done jobs", JobError::Panicked(panic));
            }
        });
        drop_quietly(callback);
    })
}

pub(crate) fn on_failed<T: Send + 'static>(
    shared: &Arc<Shared>,
    view: &Arc<View<T>>,
    mut callback: Box<dyn FnMut(Failed) + Send>,
) -> io::Result<()> {
    let view = Arc::clone(view);
    start(shared, "failed", move |shared| {
        each(shared, &view, &view.failed, |failed| {
            // Not into the failed queue: that would call the callback again, and it might panic again.
            let report =
                |panic: Panic| log::error!("{}: the callback for failures: {panic}", shared.config.name_prefix);
            let _ = catch(|| callback(failed)).map_err(report);
        });
        drop_quietly(callback);
    })
}

fn start(shared: &Arc<Shared>, what: &str, run: impl FnOnce(&Arc<Shared>) + Send + 'static) -> io::Result<()> {
    shared.settle_here();
    let name = format!("{}-{what}", shared.config.name_prefix);
    let for_thread = Arc::clone(shared);
    let handle = thread::Builder::new().name(name).spawn(move || {
        IS_CALLBACK.set(true);
        run(&for_thread);
    })?;
    shared.callbacks.lock().push(handle);
    Ok(())
}

fn each<T: Send + 'static, E: Send>(
    shared: &Arc<Shared>,
    view: &View<T>,
    results: &Results<E>,
    mut call: impl FnMut(E),
) {
    loop {
        while let Some(entry) = results.pop_for_callback() {
            call(entry);
            results.called_back();
            shared.quiet.notify();
        }
        // Closed and empty. Who waits for the callbacks may have looked while this one did.
        shared.quiet.notify();
        // It may be opened, filled and closed again before this thread looks.
        let goes_on = || !results.is_closed() || !results.is_empty();
        view.ended.wait(None, || goes_on() || shared.is_abandoned());
        if !goes_on() {
            return;
        }
    }
}

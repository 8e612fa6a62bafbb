//! Where the present thread has panicked last: a payload does not say it, only the panic hook is told.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::panic;
use std::sync::Once;
use std::thread;

thread_local! {
    static LAST: Cell<Option<Box<str>>> = const { Cell::new(None) };
}

/// From now on each panic of this process leaves its place here. The hook that there is goes on to be called.
pub(crate) fn record() {
    static HOOK: Once = Once::new();
    // Who panics cannot change the hook.
    if !thread::panicking() {
        HOOK.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                let place = info.location().map(|location| location.to_string().into());
                // A thread that ends has no place for it.
                _ = LAST.try_with(|last| last.set(place));
                before(info);
            }));
        });
    }
}

/// Where it was, once.
pub(crate) fn take() -> Option<Box<str>> {
    LAST.try_with(Cell::take).ok().flatten()
}

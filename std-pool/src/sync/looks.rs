//! Who waits in the middle of a job, and whether that one looks or sleeps between two looks: asked by who turns a clock by hand, since
//! one that was told and has not got up yet is about to go on. Only jobs of pools that follow such a clock are listed.
//!
//! # Nobody is taken for asleep who goes on
//!
//! All waits inside jobs look, park, and look again whatever has woken them. So who was asleep, is woken, and is asleep again, has
//! looked meanwhile, and found nothing.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::ptr;
use std::sync::Arc;

use crate::sys::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sys::thread::{self, Thread};
use crate::sys::{self, Global, Mutex};

/// One who waits.
pub(crate) struct Looks {
    thread: Thread,
    /// The address of the engine whose job it is.
    engine: usize,
    /// Times that it has fallen asleep or got up: odd while it sleeps.
    turns: AtomicUsize,
    /// It waits by other means, and is not to be asked.
    is_abroad: AtomicBool,
}

impl Looks {
    /// Which sleep it is in, if it sleeps.
    pub(crate) fn asleep(&self) -> Option<usize> {
        Some(self.turns.load(Ordering::SeqCst)).filter(|turns| turns % 2 == 1)
    }

    /// Whether it waits by means that are not known here.
    pub(crate) fn is_abroad(&self) -> bool {
        self.is_abroad.load(Ordering::SeqCst)
    }

    /// Has it look once more.
    pub(crate) fn ask(&self) {
        self.thread.unpark();
    }

    /// Whether it waits no more, or its thread has begun something else in the middle of the wait.
    pub(crate) fn is_over(&self) -> bool {
        let last = LIST.get().lock().iter().rfind(|looks| looks.is_of(&self.thread)).cloned();
        last.is_none_or(|looks| !ptr::eq(Arc::as_ptr(&looks), self))
    }

    /// Whether it is the present thread that waits.
    pub(crate) fn is_present(&self) -> bool {
        self.is_of(&thread::current())
    }

    fn is_of(&self, thread: &Thread) -> bool {
        self.thread.id() == thread.id()
    }
}

static LIST: Global<Mutex<Vec<Arc<Looks>>>> = Global::new(|| Mutex::new(Vec::new()));

/// Parks, between two looks.
type Between = fn(&mut dyn FnMut());

sys::local! {
    /// If the present thread is listed. A program in which none ever is has no such function.
    static BETWEEN: Cell<Option<Between>> = const { Cell::new(None) };
}

/// The present thread waits from now on.
pub(crate) fn begin(engine: usize) {
    let looks = Arc::new(Looks {
        thread: thread::current(),
        engine,
        turns: AtomicUsize::new(0),
        is_abroad: AtomicBool::new(false),
    });
    LIST.get().lock().push(looks);
    BETWEEN.with(|between| between.set(Some(asleep)));
}

/// It goes on.
pub(crate) fn end() {
    let (gone, is_last) = {
        let mut list = LIST.get().lock();
        // The innermost, should it wait inside of a wait, as a worker of another pool.
        let index = list.iter().rposition(|looks| looks.is_present());
        let gone = index.map(|index| list.remove(index));
        (gone, !list.iter().any(|looks| looks.is_present()))
    };
    if is_last {
        BETWEEN.with(|between| between.set(None));
    }
    drop(gone);
}

/// Those who wait in jobs of these engines, and in nothing else on top of that.
pub(crate) fn of(engines: &[usize]) -> Vec<Arc<Looks>> {
    let list = LIST.get().lock();
    let is_last = |index: usize, looks: &Looks| !list[index + 1..].iter().any(|later| later.is_of(&looks.thread));
    let is_meant = |(index, looks): &(usize, &Arc<Looks>)| engines.contains(&looks.engine) && is_last(*index, looks);
    list.iter().enumerate().filter(is_meant).map(|(_, looks)| Arc::clone(looks)).collect()
}

/// In the child of a fork: the list may be locked by a thread that is not there. It gets another.
pub(crate) fn forget() {
    LIST.forget();
}

/// Parks by `park`, between two looks.
#[inline]
pub(crate) fn between(mut park: impl FnMut()) {
    match BETWEEN.with(Cell::get) {
        None => park(),
        Some(between) => between(&mut park),
    }
}

fn asleep(park: &mut dyn FnMut()) {
    let Some(looks) = present() else { return park() };
    looks.turns.fetch_add(1, Ordering::SeqCst);
    park();
    looks.turns.fetch_add(1, Ordering::SeqCst);
}

/// Waits by `f`, which is not known here.
pub(crate) fn abroad<R>(f: impl FnOnce() -> R) -> R {
    if BETWEEN.with(Cell::get).is_none() {
        return f();
    }
    let is_abroad = |is_abroad| {
        if let Some(looks) = present() {
            looks.is_abroad.store(is_abroad, Ordering::SeqCst);
        }
    };
    is_abroad(true);
    // If it panics the present one is taken off the list as it is.
    let result = f();
    is_abroad(false);
    result
}

fn present() -> Option<Arc<Looks>> {
    LIST.get().lock().iter().rfind(|looks| looks.is_present()).cloned()
}

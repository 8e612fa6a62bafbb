//! Waiting in the middle of a job: somebody else is to work meanwhile.

use std::ops::ControlFlow;

use crate::here::frame::{self, Employer, Frame, Kind};

/// [`maybe`] for what must be called in any case, once, and is more than a wait: whoever is to work meanwhile, it is not this thread.
pub(crate) fn once<R>(f: impl FnOnce() -> R) -> R {
    let mut f = Some(f);
    let mut call = || f.take().map(|f| f());
    match blocked(&mut call, |_, wait| wait()).flatten().or_else(call) {
        Some(result) => result,
        None => unreachable!("it is called by one of the two"),
    }
}

/// [`maybe`] for those who must wait in any case.
pub(crate) fn anyway<R>(mut f: impl FnMut() -> R) -> R {
    maybe(&mut f).unwrap_or_else(f)
}

/// Waits by `f`, and says so where this thread is a worker's in the middle of a job: somebody stands in for it, whatever it
/// waits for. `None` if nobody is left who could, and so `f` has not been called.
pub(crate) fn maybe<R>(f: impl FnOnce() -> R) -> Option<R> {
    blocked(f, |employer, wait| employer.attend(wait))
}

fn blocked<R>(f: impl FnOnce() -> R, attend: fn(&dyn Employer, &mut dyn FnMut())) -> Option<R> {
    struct Blocked<'f>(&'f Frame, &'f dyn Employer);
    impl Drop for Blocked<'_> {
        fn drop(&mut self) {
            self.0.set_blocked(false);
            self.1.unblock();
        }
    }
    let mut f = Some(f);
    let mut wait = || f.take().map(|f| f());
    let mut is_in_fork = false;
    frame::walk(|frame| {
        is_in_fork |= matches!(frame.kind, Kind::Fork(_));
        let Kind::Worker(employer, _) = frame.kind else { return ControlFlow::Continue(()) };
        if !(frame.is_blocked() || is_in_fork || frame.base_job().is_some()) {
            return ControlFlow::Break(wait());
        }
        // SAFETY: rule 2 of frames.
        let employer = unsafe { employer.as_ref() };
        let mut result = None;
        let mut wait = || result = wait();
        if frame.is_blocked() {
            attend(employer, &mut wait);
            return ControlFlow::Break(result);
        }
        if !employer.block() {
            return ControlFlow::Break(None);
        }
        frame.set_blocked(true);
        let _blocked = Blocked(frame, employer);
        attend(employer, &mut wait);
        ControlFlow::Break(result)
    })
    .unwrap_or_else(wait)
}

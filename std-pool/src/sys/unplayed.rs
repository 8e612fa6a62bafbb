//! What the primitives ask of a simulation, where there is none.
#![forbid(unsafe_code)]

use std::time::SystemTime;

/// The present thread does what others see, and holds no lock: a simulated one lets others play.
#[inline(always)]
pub(crate) fn point() {}

/// A job is about to call the user's function.
#[inline(always)]
pub(crate) fn begin_job() {}

/// Whether the present thread is simulated.
#[inline(always)]
pub(crate) fn is_simulated() -> bool {
    false
}

/// What the clock of the system says.
pub(crate) fn system_now() -> SystemTime {
    SystemTime::now()
}

/// In which play a thread is: there is but one.
pub(crate) struct Scene;

impl Scene {
    pub(crate) fn present() -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "as where there are several")]
    pub(crate) fn is_present(&self) -> bool {
        true
    }
}

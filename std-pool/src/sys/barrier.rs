//! A barrier that all threads of the process are made to pass by one of them, so that the others have nothing to pay for it.
//!
//! Linux: `membarrier` (since 4.14; see its manual page). Where there is none, and under miri, it cannot be had.

#[cfg(all(target_os = "linux", not(miri)))]
mod system {
    use std::sync::OnceLock;

    const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
    const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;

    fn membarrier(command: libc::c_int) -> bool {
        // SAFETY: it takes no pointers.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }

    fn register() -> bool {
        membarrier(REGISTER_PRIVATE_EXPEDITED)
    }

    pub(crate) fn is_available() -> bool {
        static IS_AVAILABLE: OnceLock<bool> = OnceLock::new();
        *IS_AVAILABLE.get_or_init(|| register() && membarrier(PRIVATE_EXPEDITED))
    }

    pub(crate) fn all_threads() {
        let has_passed = membarrier(PRIVATE_EXPEDITED) || register() && membarrier(PRIVATE_EXPEDITED);
        // What relies on it would go wrong unnoticed.
        assert!(has_passed, "the system had granted membarrier, and now refuses it");
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
mod system {
    pub(crate) fn is_available() -> bool {
        false
    }

    pub(crate) fn all_threads() {
        unreachable!("nobody asks for a barrier that cannot be had");
    }
}

pub(crate) use system::*;

//! Timed waits that end when they should.
//!
//! Linux ends those of an ordinary thread up to 50 microseconds late, so that one interrupt serves several (`PR_SET_TIMERSLACK`
//! in the manual page of `prctl`). That is more than most naps of a worker last, and most of what a timer would be late. The
//! pool's own threads ask for less before their first such wait; from then on what their jobs wait for ends in time, too, and threads
//! that a job starts inherit it.

/// From now on the timed waits of the present thread end in time.
pub(crate) fn wake_in_time() {
    #[cfg(all(target_os = "linux", not(any(miri, shuttle))))]
    {
        /// Nanoseconds; 0 would mean the default.
        const LEAST_SLACK: libc::c_ulong = 1;
        // SAFETY: it takes no pointers, and changes nothing but when the timed waits of this thread end. Where it is refused
        // they end as they did.
        let _ = unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, LEAST_SLACK) };
    }
}

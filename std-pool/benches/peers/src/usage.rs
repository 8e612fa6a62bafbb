//! What the operating system has counted for this process.

use std::mem::MaybeUninit;

pub struct Usage {
    /// Processor time of all threads, in microseconds.
    pub cpu_us: f64,
    /// How often a thread gave its processor away to wait.
    pub waits: f64,
}

impl Usage {
    pub fn now() -> Self {
        let mut usage = MaybeUninit::uninit();
        // SAFETY: the call fills the structure that it is given, and says 0.
        let usage: libc::rusage = unsafe {
            assert_eq!(libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()), 0);
            usage.assume_init()
        };
        let us = |time: libc::timeval| time.tv_sec as f64 * 1e6 + time.tv_usec as f64;
        Self { cpu_us: us(usage.ru_utime) + us(usage.ru_stime), waits: usage.ru_nvcsw as f64 }
    }
}

//! A timer on the system's clock that tells of that being set. Linux (`timerfd_create` in the manual); elsewhere there is none.

#[cfg(all(target_os = "linux", not(any(miri, shuttle))))]
mod system {
    use std::fs::File;
    use std::io::{self, Read};
    use std::mem;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    use std::ptr;
    use std::time::{SystemTime, UNIX_EPOCH};

    /// A descriptor, until dropped.
    pub(crate) struct TimerFd(File);

    impl TimerFd {
        /// One that goes off then, and from now on tells when the clock is set.
        pub(crate) fn new(at: SystemTime) -> io::Result<Self> {
            // SAFETY: it takes no pointers.
            let fd = unsafe { libc::timerfd_create(libc::CLOCK_REALTIME, libc::TFD_CLOEXEC) };
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: just made, and nobody else's.
            let timer = Self(File::from(unsafe { OwnedFd::from_raw_fd(fd) }));
            timer.arm(at)?;
            Ok(timer)
        }

        /// Lets it go off at another time. Returns whether the clock was set since it has last told so.
        pub(crate) fn arm(&self, at: SystemTime) -> io::Result<bool> {
            let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
            // SAFETY: of these numbers all may be zero.
            let mut timer: libc::itimerspec = unsafe { mem::zeroed() };
            timer.it_value.tv_sec = since.as_secs().try_into().unwrap_or(i32::MAX.into());
            // Zero of both would be never.
            #[allow(
                clippy::cast_lossless,
                clippy::cast_possible_wrap,
                reason = "less than 2^30; the type is that of the target"
            )]
            let nanos = since.subsec_nanos().max(1) as _;
            timer.it_value.tv_nsec = nanos;
            let flags = libc::TFD_TIMER_ABSTIME | libc::TFD_TIMER_CANCEL_ON_SET;
            // SAFETY: what it reads is there until it returns, and it writes nothing.
            let armed =
                unsafe { libc::timerfd_settime(self.0.as_raw_fd(), flags, &raw const timer, ptr::null_mut()) == 0 };
            // It is armed either way: see the notes in the manual.
            if armed { Ok(false) } else { is_set(io::Error::last_os_error()) }
        }

        /// Waits until it goes off, for a signal, or until the clock is set; returns whether that is so.
        pub(crate) fn wait(&self) -> io::Result<bool> {
            let mut times = [0; 8];
            match (&self.0).read(&mut times) {
                Ok(_) => Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
                Err(error) => is_set(error),
            }
        }
    }

    fn is_set(error: io::Error) -> io::Result<bool> {
        if error.raw_os_error() == Some(libc::ECANCELED) { Ok(true) } else { Err(error) }
    }

    #[cfg(test)]
    mod tests {
        use std::time::Duration;

        use super::*;

        #[test]
        fn a_timer_goes_off_at_its_time_and_can_be_given_an_earlier_one() {
            let later = SystemTime::now() + Duration::from_secs(3600);
            let timer = TimerFd::new(later).unwrap();
            timer.arm(UNIX_EPOCH).unwrap();
            timer.wait().unwrap();
            timer.arm(SystemTime::now() + Duration::from_millis(1)).unwrap();
            timer.wait().unwrap();
        }

        #[test]
        fn only_one_error_says_that_the_clock_was_set() {
            assert!(is_set(io::Error::from_raw_os_error(libc::ECANCELED)).unwrap());
            assert_eq!(
                is_set(io::Error::from_raw_os_error(libc::EINVAL)).unwrap_err().raw_os_error(),
                Some(libc::EINVAL)
            );
        }
    }
}

#[cfg(not(all(target_os = "linux", not(any(miri, shuttle)))))]
mod system {
    use std::io;
    use std::time::SystemTime;

    pub(crate) enum TimerFd {}

    impl TimerFd {
        pub(crate) fn new(_: SystemTime) -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(crate) fn arm(&self, _: SystemTime) -> io::Result<bool> {
            match *self {}
        }

        pub(crate) fn wait(&self) -> io::Result<bool> {
            match *self {}
        }
    }
}

pub(crate) use system::TimerFd;

//! On which processors a thread runs. Linux (`sched_setaffinity` in the manual); elsewhere it cannot be said.

#[cfg(all(target_os = "linux", not(any(miri, shuttle))))]
mod system {
    use std::io;
    use std::mem;

    /// Processors that a set has room for.
    const ROOM: usize = libc::CPU_SETSIZE as usize;

    /// Those on which the present thread may run, in ascending order.
    pub(crate) fn allowed() -> io::Result<Vec<usize>> {
        // SAFETY: of a set of bits all zeros are the empty one.
        let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
        // SAFETY: the set is as large as is said, and there until the call returns.
        if unsafe { libc::sched_getaffinity(0, mem::size_of_val(&set), &raw mut set) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: there are so many bits in it.
        Ok((0..ROOM).filter(|processor| unsafe { libc::CPU_ISSET(*processor, &set) }).collect())
    }

    /// From now on the present thread runs on these.
    pub(crate) fn pin(processors: &[usize]) -> io::Result<()> {
        // SAFETY: of a set of bits all zeros are the empty one.
        let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
        for processor in processors.iter().filter(|processor| **processor < ROOM) {
            // SAFETY: there are so many bits in it.
            unsafe { libc::CPU_SET(*processor, &mut set) };
        }
        // SAFETY: the set is as large as is said, and there until the call returns.
        match unsafe { libc::sched_setaffinity(0, mem::size_of_val(&set), &raw const set) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

#[cfg(not(all(target_os = "linux", not(any(miri, shuttle)))))]
mod system {
    use std::io;

    pub(crate) fn allowed() -> io::Result<Vec<usize>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn pin(_: &[usize]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

pub(crate) use system::{allowed, pin};

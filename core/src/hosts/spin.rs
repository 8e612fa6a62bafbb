//! A raw mutex that spins, for several cores without an operating system.
#![forbid(unsafe_code)]

/// A mutex that spins while it is held elsewhere: the `spin` crate's, with its own manner of waiting.
///
/// Only where no context can interrupt the holder on its own core and then want the mutex: such an interrupt would wait
/// for ever. Together with a spinning [`FlagParker`](super::FlagParker) it makes a host of bare cores.
///
/// ```
/// use fastthreadpool_core::hosts::SpinMutex;
///
/// static COUNT: lock_api::Mutex<SpinMutex, u32> = lock_api::Mutex::new(0);
///
/// *COUNT.lock() += 1;
/// assert_eq!(*COUNT.lock(), 1);
/// ```
pub type SpinMutex = spin::mutex::SpinMutex<()>;

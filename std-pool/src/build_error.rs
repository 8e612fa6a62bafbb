//! What a pool, or a group, cannot be built with.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt;
use std::io;

use fastthreadpool_core::MAX_WORKERS;

#[cfg(feature = "affinity")]
use crate::engine::affinity::Fault;
use crate::groups::inner::MAX_LIMITED;

/// Why a pool, or a group, cannot be built.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The number of threads is 0, or more than a pool can count.
    Threads(usize),
    /// No thread is left when `less` is subtracted from the number of processors.
    TooFewCpus {
        /// Processors available to the process.
        cpus: usize,
        /// What was to be subtracted.
        less: usize,
    },
    /// The number of processors is not known.
    Cpus(io::Error),
    /// The least number of threads is above the most.
    MinThreads {
        /// The least.
        min: usize,
        /// The most.
        max: usize,
    },
    /// A thread that is to be there beforehand cannot be started.
    Start(io::Error),
    /// A thread is to run on a processor that is not there for the thread that builds the pool.
    #[cfg(feature = "affinity")]
    NoProcessor {
        /// The number of the thread.
        thread: usize,
        /// The processor.
        processor: usize,
    },
    /// The system does not say which processors there are.
    #[cfg(feature = "affinity")]
    Processors(io::Error),
    /// A capacity is 0.
    NoCapacity,
    /// The limit of a group is 0.
    NoLimit,
    /// A group would be inside of more others than a job may have to wait for: of 254, counted from the outermost that has a
    /// [limit](crate::GroupBuilder::limit) or [keys](crate::GroupBuilder::keyed), or can be [paused](crate::GroupBuilder::pausable).
    TooDeep,
    /// Due jobs cannot be kept [punctual](crate::Builder::punctual) without any leeway, nor without any thread.
    NotPunctual,
    /// The name prefix contains a zero byte.
    Name,
    /// The thread for a callback cannot be started.
    Callback(io::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Threads(number) => {
                let most = MAX_WORKERS / 2;
                write!(f, "a pool has between 1 and {most} threads, not {number}; or it is built as threadless()")
            }
            Self::TooFewCpus { cpus, less } => write!(f, "{cpus} processors less {less} leave no thread"),
            Self::Cpus(error) => {
                write!(
                    f,
                    "the number of processors is not known: {error}; say threads(..), or threadless() without any"
                )
            }
            Self::MinThreads { min, max } => write!(f, "at least {min} threads are more than the most, {max}"),
            Self::Start(error) => write!(f, "a thread cannot be started: {error}"),
            #[cfg(feature = "affinity")]
            Self::NoProcessor { thread, processor } => {
                write!(f, "thread {thread} cannot run on processor {processor}, which is not there")
            }
            #[cfg(feature = "affinity")]
            Self::Processors(error) => write!(f, "it is not known which processors there are: {error}"),
            Self::NoCapacity => f.write_str("a queue of capacity 0 takes nothing"),
            Self::NoLimit => f.write_str("a group of limit 0 runs nothing"),
            Self::TooDeep => write!(f, "no more than {MAX_LIMITED} groups that limit their jobs are inside each other"),
            Self::NotPunctual => f.write_str("due jobs are kept punctual by one thread at least, and some leeway"),
            Self::Name => f.write_str("a thread's name cannot contain a zero byte"),
            Self::Callback(error) => write!(f, "the thread for a callback cannot be started: {error}"),
        }
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The errors inside are displayed with these.
        match self {
            Self::Cpus(error) | Self::Callback(error) | Self::Start(error) => error.source(),
            #[cfg(feature = "affinity")]
            Self::Processors(error) => error.source(),
            _ => None,
        }
    }
}

#[cfg(feature = "affinity")]
impl BuildError {
    pub(crate) fn of_affinity(fault: Fault) -> Self {
        match fault {
            Fault::Missing { thread, processor } => Self::NoProcessor { thread, processor },
            Fault::System(error) => Self::Processors(error),
        }
    }
}

//! Why a pool cannot be built.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt;
use std::io;

/// Why a pool cannot be built; from [`ThreadPoolBuilder::build`](crate::ThreadPoolBuilder::build).
#[derive(Debug)]
pub struct ThreadPoolBuildError(pub(crate) Kind);

#[derive(Debug)]
pub(crate) enum Kind {
    GlobalIsSet,
    IsMember,
    Io(io::Error),
}

impl From<Kind> for ThreadPoolBuildError {
    fn from(kind: Kind) -> Self {
        Self(kind)
    }
}

impl From<io::Error> for ThreadPoolBuildError {
    fn from(error: io::Error) -> Self {
        Self(Kind::Io(error))
    }
}

impl fmt::Display for ThreadPoolBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            // The words are part of the interface: programs compare them.
            Kind::GlobalIsSet => f.write_str("The global thread pool has already been initialized."),
            Kind::IsMember => f.write_str("The current thread is already part of another thread pool."),
            Kind::Io(error) => error.fmt(f),
        }
    }
}

impl Error for ThreadPoolBuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            Kind::Io(error) => Some(error),
            Kind::GlobalIsSet | Kind::IsMember => None,
        }
    }
}

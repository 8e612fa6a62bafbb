//! Why a job was not accepted, with what was submitted.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt;
use std::io;

/// A job that was not accepted; gives the function back. It is `Sync` only if that is: where `?` is to make a
/// `Box<dyn Error + Send + Sync>` of it and the function is not, [split](SubmitError::split) it.
#[non_exhaustive]
pub enum SubmitError<F> {
    /// The queue is bounded and full.
    Full(F),
    /// The pool has been shut down, or the group takes nothing any more.
    Closed(F),
    /// This process is a child of the one that has the pool's threads.
    Forked(F),
    /// The pool has no thread yet and none can be started.
    NoThread(F, io::Error),
    /// A job cannot repeat without any time in between: it was said to be none, or nothing was said.
    ZeroInterval(F),
    /// A job of which no run may run.
    NoRuns(F),
    /// There was no room in the queue in time.
    TimedOut(F),
    /// Who waits for room is in the middle of a job, all workers of its pool wait, and there can be no more: none would be left
    /// that could make some.
    WouldDeadlock(F),
}

impl<F> SubmitError<F> {
    /// The function.
    pub fn into_inner(self) -> F {
        match self {
            Self::Full(f)
            | Self::Closed(f)
            | Self::Forked(f)
            | Self::NoThread(f, _)
            | Self::ZeroInterval(f)
            | Self::NoRuns(f)
            | Self::TimedOut(f)
            | Self::WouldDeadlock(f) => f,
        }
    }

    /// The same with something else in the place of the function.
    pub(crate) fn map<G>(self, f: impl FnOnce(F) -> G) -> SubmitError<G> {
        match self {
            Self::Full(inner) => SubmitError::Full(f(inner)),
            Self::Closed(inner) => SubmitError::Closed(f(inner)),
            Self::Forked(inner) => SubmitError::Forked(f(inner)),
            Self::NoThread(inner, error) => SubmitError::NoThread(f(inner), error),
            Self::ZeroInterval(inner) => SubmitError::ZeroInterval(f(inner)),
            Self::NoRuns(inner) => SubmitError::NoRuns(f(inner)),
            Self::TimedOut(inner) => SubmitError::TimedOut(f(inner)),
            Self::WouldDeadlock(inner) => SubmitError::WouldDeadlock(f(inner)),
        }
    }

    /// The function, and the error without it, which any box of an error takes.
    ///
    /// ```
    /// use std::error::Error;
    /// use std::sync::mpsc::Receiver;
    ///
    /// use fastthreadpool::Pool;
    ///
    /// // What captures a receiver is not `Sync`.
    /// fn listen(pool: &Pool, receiver: Receiver<u32>) -> Result<(), Box<dyn Error + Send + Sync>> {
    ///     pool.submit(move || println!("{}", receiver.iter().sum::<u32>())).map_err(|error| error.split().1)?;
    ///     Ok(())
    /// }
    /// ```
    pub fn split(self) -> (F, SubmitError<()>) {
        let mut function = None;
        let error = self.map(|f| function = Some(f));
        (function.unwrap_or_else(|| unreachable!("each has one")), error)
    }

    fn text(&self) -> &'static str {
        match self {
            Self::Full(_) => "the job was refused: the queue is full",
            Self::Closed(_) => "the job was refused: the pool has been shut down, or the group has ended",
            Self::Forked(_) => "the job was refused: the pool's threads are in another process",
            Self::NoThread(..) => "the job was refused: the pool has no thread and none can be started",
            Self::ZeroInterval(_) => "the job was refused: it has no interval, or one of zero",
            Self::NoRuns(_) => "the job was refused: none of its runs may run",
            Self::TimedOut(_) => "the job was refused: the queue had no room in time",
            Self::WouldDeadlock(_) => {
                "the job was refused: all workers of the pool wait, no more can stand in, and so none could make room in the queue"
            }
        }
    }
}

impl<F> fmt::Debug for SubmitError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
            Self::Forked(_) => "Forked(..)",
            Self::NoThread(..) => "NoThread(..)",
            Self::ZeroInterval(_) => "ZeroInterval(..)",
            Self::NoRuns(_) => "NoRuns(..)",
            Self::TimedOut(_) => "TimedOut(..)",
            Self::WouldDeadlock(_) => "WouldDeadlock(..)",
        })
    }
}

impl<F> fmt::Display for SubmitError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoThread(_, error) => write!(f, "{}: {error}", self.text()),
            _ => f.write_str(self.text()),
        }
    }
}

impl<F> Error for SubmitError<F> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // Which is displayed with this.
            Self::NoThread(_, error) => error.source(),
            _ => None,
        }
    }
}

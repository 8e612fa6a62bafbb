//! Many jobs at once: some dozens of them by one step of the queue.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt;

use crate::engine::arrival::{Packed, Submission};
use crate::engine::submit_error::SubmitError;
use crate::groups::hold::Root;
use crate::jobs::enter::{Entrance, Shape};

/// Jobs that go into the queue together. They are all there before the first of them has a place: between the places of one
/// step nobody may have to wait for what an iterator does.
const BATCH: usize = 32;

/// Not all jobs of [`Group::submit_all`](crate::Group::submit_all) were accepted.
#[non_exhaustive]
pub struct SubmitAllError<F> {
    /// How many were.
    pub accepted: usize,
    /// What was taken from the iterator and not accepted, in its order.
    pub refused: Vec<F>,
    /// Why the first of them was not.
    pub reason: SubmitError<()>,
}

impl<F> fmt::Debug for SubmitAllError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubmitAllError")
            .field("accepted", &self.accepted)
            .field("refused", &self.refused.len())
            .field("reason", &self.reason)
            .finish()
    }
}

impl<F> fmt::Display for SubmitAllError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} jobs were accepted, then: {}", self.accepted, self.reason)
    }
}

impl<F> Error for SubmitAllError<F> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // Which is displayed with this.
        self.reason.source()
    }
}

impl<T: Send + 'static> Entrance<'_, T> {
    /// Submits jobs to the end of the queue; returns how many.
    pub(crate) fn submit_all<S: Shape<T>>(
        self,
        mut shapes: impl Iterator<Item = S>,
    ) -> Result<usize, SubmitAllError<S::Function>> {
        let mut accepted = 0;
        if !self.is_plain {
            for shape in shapes {
                if let Err(error) = self.append(shape) {
                    let (function, reason) = error.split();
                    return Err(SubmitAllError { accepted, refused: vec![function], reason });
                }
                accepted += 1;
            }
            return Ok(accepted);
        }
        loop {
            let mut batch = [const { None }; BATCH];
            let mut filled = 0;
            for (place, shape) in batch.iter_mut().zip(&mut shapes) {
                *place = Some(Packed(shape.hold(Root)));
                filled += 1;
            }
            let batch = &mut batch[..filled];
            let submitted = self.engine.submit_all(batch);
            let refused: Vec<_> = batch.iter_mut().filter_map(|job| Some(job.take()?.0.into_function())).collect();
            accepted += filled - refused.len();
            if let Err(reason) = submitted {
                return Err(SubmitAllError { accepted, refused, reason });
            }
            if filled < BATCH {
                return Ok(accepted);
            }
        }
    }
}

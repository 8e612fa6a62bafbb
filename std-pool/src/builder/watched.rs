//! How it is said that a pool is watched, and what its jobs carry along.
#![forbid(unsafe_code)]

use std::sync::Arc;

use super::Builder;
use crate::engine::carried::{Carrier, Carry, Functions};
use crate::engine::observed::Observers;
use crate::groups::ways::Bounds;
use crate::here::observer::Observer;
#[cfg(doc)]
use crate::pool::Pool;

impl<T: Send + 'static> Builder<T> {
    /// Tells an observer what happens in the pool, one more if this is said several times. Without one it costs nothing; with one each submit, run
    /// and cancel costs a few calls more, and jobs that are submitted [at once](crate::Group::submit_all) are submitted one by one.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observed.get_or_insert_with(|| Box::new(Observers::default())).add(Box::new(observer));
        self.bounds = Some(Bounds::new());
        self
    }

    /// Each job carries along what `capture` returns where it is submitted, and is run by `enter`, which is given that and has to call the
    /// function that it is given: it may set up what the job is to find on its thread, and take it away again. So what is local to a task
    /// of the submitter's follows the job. Said several times, what was said last is around the others. It costs an allocation for each job.
    ///
    /// A periodic job and a future have one context, which each run, or poll, is called with. What belongs to a job takes part in its context
    /// only on the same thread: tasks of scopes and halves of joins may run on others.
    ///
    /// If `capture` panics, the job is run without; if `enter` does, or does not call the function, the job is run all the same, once.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// use std::cell::Cell;
    ///
    /// thread_local!(static USER: Cell<&'static str> = const { Cell::new("nobody") });
    ///
    /// let pool: Pool<&'static str> = Pool::builder()
    ///     .propagate(|| USER.get(), |user, job| {
    ///         let before = USER.replace(user);
    ///         job();
    ///         USER.set(before);
    ///     })
    ///     .build()?;
    /// USER.set("Ann");
    /// assert_eq!(pool.spawn(|| USER.get())?.join()?, "Ann");
    /// # Ok(()) }
    /// ```
    pub fn propagate<C: Send + 'static>(
        self,
        capture: impl Fn() -> C + Send + Sync + 'static,
        enter: impl Fn(&mut C, &mut dyn FnMut()) + Send + Sync + 'static,
    ) -> Self {
        self.carrying(Functions { capture, enter })
    }

    pub(crate) fn carrying(mut self, carry: impl Carry) -> Self {
        self.carries = Some(Box::new(Carrier { carry: Arc::new(carry), inner: self.carries.take() }));
        self.bounds = Some(Bounds::new());
        self
    }

    /// Measures how long jobs wait and run, and how long workers sleep: see [`Pool::metrics`]. Of jobs that are appended to the queue one in 64 has its
    /// run timed; the others cost a few instructions more, and a submit costs nothing more. The default is not to.
    pub fn metrics(mut self, are_measured: bool) -> Self {
        if are_measured {
            self.observed.get_or_insert_with(|| Box::new(Observers::default())).measure(true);
        } else {
            // Whom nothing is to be told costs nothing.
            self.observed.take_if(|observed| {
                observed.measure(false);
                !observed.tells()
            });
        }
        self
    }
}

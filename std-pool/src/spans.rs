//! Jobs as spans of `tracing`.
#![forbid(unsafe_code)]

use tracing::{Span, info_span};

use crate::builder::Builder;
use crate::engine::carried::{Carry, Carrying};

/// A job carries the span of its submitter, and the name of its group.
struct Spans;

impl Carry for Spans {
    type Context = (Span, &'static str);

    fn capture(&self, group: &'static str) -> Self::Context {
        (Span::current(), group)
    }

    fn enter(&self, (parent, group): &mut Self::Context, run: &Carrying, step: &mut dyn FnMut()) {
        let span = info_span!(parent: &*parent, "job", id = %run.id, name = run.name, group);
        span.in_scope(step);
    }
}

impl<T: Send + 'static> Builder<T> {
    /// Each run of a job, and each poll of a future, is a span `job` of `tracing`'s, with the fields `id`, `name` and `group`, inside of the one
    /// in which the job was submitted. With the feature `tracing`. As [`Builder::propagate`], which says what it costs.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// let pool: Pool = Pool::builder().tracing().build()?;
    /// tracing::info_span!("request", number = 7).in_scope(|| {
    ///     // What is logged in it is logged as of request 7.
    ///     pool.job(|| tracing::info!("it runs")).name("answer").submit().map(drop)
    /// })?;
    /// # Ok(()) }
    /// ```
    pub fn tracing(self) -> Self {
        self.carrying(Spans)
    }
}

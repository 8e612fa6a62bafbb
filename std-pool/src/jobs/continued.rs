//! A job that begins when another has ended.
#![forbid(unsafe_code)]

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::jobs::spawned::JoinHandle;
use crate::results::outcome::JobError;

/// The function with what it waits for: as a future, which is polled when that has ended, so once.
pub(crate) struct Continued<U, F> {
    handle: JoinHandle<U>,
    function: Option<F>,
}

impl<U, F> Continued<U, F> {
    pub(crate) fn new(handle: JoinHandle<U>, function: F) -> Self {
        Self { handle, function: Some(function) }
    }

    /// What it was made of, if it was never polled.
    pub(crate) fn into_parts(self) -> (JoinHandle<U>, F) {
        let function = self.function.unwrap_or_else(|| unreachable!("it is called when it is ready"));
        (self.handle, function)
    }
}

// Neither part is pinned.
impl<U, F> Unpin for Continued<U, F> {}

impl<U, F, V> Future for Continued<U, F>
where
    U: Send + 'static,
    F: FnOnce(Result<U, JobError>) -> V,
{
    type Output = V;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<V> {
        let Poll::Ready(result) = Pin::new(&mut self.handle).poll(context) else { return Poll::Pending };
        let function = self.function.take().unwrap_or_else(|| unreachable!("it is ready once"));
        Poll::Ready(function(result))
    }
}

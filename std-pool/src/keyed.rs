//! A group and a key: where jobs run one at a time.
#![forbid(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use fastthreadpool_core::JobId;

use crate::engine::submit_error::SubmitError;
use crate::jobs::builder::Job;
use crate::jobs::call::{Plain, WithContext};
use crate::jobs::context::Context;
use crate::jobs::enter::Entrance;
use crate::jobs::items::ItemsShape;
use crate::jobs::once::{Keep, OnceShape};
use crate::jobs::schedule::Periodic;
use crate::jobs::spawned::{JoinHandle, SpawnShape};
use crate::results::outcome::Outcome;

/// The jobs of one key of a group, which run one at a time and in order; from [`Group::keyed`](crate::Group::keyed).
pub struct Keyed<'g, T> {
    pub(crate) entrance: Entrance<'g, T>,
}

impl<'g, T: Send + 'static> Keyed<'g, T> {
    /// See [`Group::submit`](crate::Group::submit).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn submit<F, R>(&self, f: F) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Outcome<T> + 'static,
    {
        self.entrance.append(OnceShape { call: Plain::new(f), way: Keep })
    }

    /// See [`Group::submit_iter`](crate::Group::submit_iter).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn submit_iter<F, I, R>(&self, f: F) -> Result<JobId, SubmitError<F>>
    where
        F: FnOnce() -> I + Send + 'static,
        I: Iterator<Item = R> + Send + 'static,
        R: Outcome<T> + 'static,
    {
        self.entrance.append(ItemsShape { function: f, items: PhantomData })
    }

    /// See [`Group::spawn`](crate::Group::spawn).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn spawn<F, U>(&self, f: F) -> Result<JoinHandle<U>, SubmitError<F>>
    where
        F: FnOnce() -> U + Send + 'static,
        U: Send + 'static,
    {
        let (shape, receiver) = SpawnShape::new(Plain::new(f));
        let id = self.entrance.append_by_call(shape)?;
        Ok(receiver.into_handle(Arc::clone(self.entrance.engine), id))
    }

    /// See [`Group::job`](crate::Group::job).
    pub fn job<F, R>(&self, f: F) -> Job<'g, T, Plain<F, R>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: 'static,
    {
        Job::once(self.entrance, Plain::new(f))
    }

    /// See [`Group::job_with`](crate::Group::job_with).
    pub fn job_with<F, R>(&self, f: F) -> Job<'g, T, WithContext<F, R>>
    where
        F: FnOnce(&Context<'_, T>) -> R + Send + 'static,
        R: 'static,
    {
        Job::once(self.entrance, WithContext::new(f))
    }

    /// See [`Group::periodic`](crate::Group::periodic).
    pub fn periodic<F, R>(&self, f: F) -> Job<'g, T, Plain<F, R>, Keep, Periodic>
    where
        F: FnMut() -> R + Send + 'static,
        R: 'static,
    {
        Job::periodic(self.entrance, Plain::new(f))
    }

    /// See [`Group::periodic_with`](crate::Group::periodic_with).
    pub fn periodic_with<F, R>(&self, f: F) -> Job<'g, T, WithContext<F, R>, Keep, Periodic>
    where
        F: FnMut(&Context<'_, T>) -> R + Send + 'static,
        R: 'static,
    {
        Job::periodic(self.entrance, WithContext::new(f))
    }
}

impl<T> fmt::Debug for Keyed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyed").field("key", &self.entrance.key).finish_non_exhaustive()
    }
}

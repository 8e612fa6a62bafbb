//! A handle that does not keep the pool open.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::{Arc, Weak};

use crate::engine::handle::Handle;
use crate::group::Group;
use crate::groups::inner::Inner;
use crate::here::call::drop_quietly;
use crate::jobs::context::Context;
use crate::pool::Pool;

/// A handle to a pool that keeps nothing open: neither the pool, nor the [group](Pool::with_results) that its results go to; from
/// [`Pool::downgrade`] and [`Context::pool`]. Cheap to clone, `Send` and `Sync`. For jobs that have to do with their own pool,
/// periodic ones above all: one that owns a [`Pool`] keeps that for ever.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::time::Duration;
/// use fastthreadpool::{Pool, WeakPool};
///
/// let pool: Pool = Pool::new()?;
/// let weak: WeakPool = pool.downgrade();
/// let feed = move || weak.upgrade().map(|pool| _ = pool.submit(|| println!("fed")));
/// pool.periodic(move || _ = feed()).every(Duration::from_secs(60)).submit()?;
/// let weak = pool.downgrade();
/// drop(pool); // The last handle: the pool ends.
/// assert!(weak.upgrade().is_none());
/// # Ok(()) }
/// ```
pub struct WeakPool<T = ()> {
    handle: Weak<Handle>,
    group: Weak<Inner<T>>,
}

impl<T> Clone for WeakPool<T> {
    fn clone(&self) -> Self {
        Self { handle: Weak::clone(&self.handle), group: Weak::clone(&self.group) }
    }
}

impl<T: Send + 'static> WeakPool<T> {
    /// A handle to the pool, as long as there is another: `None` from the moment on at which the last one is dropped, whatever becomes of
    /// the pool then, and `None` once its group is gone, that is, has neither a handle nor a job. A pool that was shut down and has handles can be had.
    ///
    /// What is returned is a handle like others. While a job has it nobody else's is the last: who drops all others meanwhile does not
    /// wait for the pool, which ends when the job drops this one, and nobody waits for it in the job. So keep it no longer than
    /// needed, or have who ends the pool call [`Pool::shutdown`].
    pub fn upgrade(&self) -> Option<Pool<T>> {
        let group = self.group.upgrade()?;
        let handle = self.handle.upgrade()?;
        match Group::again(&handle.engine, group) {
            Ok(group) => Some(Pool::with(handle, group)),
            Err(group) => {
                // What is left in its queues is the user's.
                drop_quietly(group);
                None
            }
        }
    }
}

impl<T: Send + 'static> Pool<T> {
    /// A handle that does not keep the pool open.
    #[must_use]
    pub fn downgrade(&self) -> WeakPool<T> {
        WeakPool { handle: Arc::downgrade(self.handle()), group: Arc::downgrade(&self.inner) }
    }
}

impl<T: Send + 'static> Context<'_, T> {
    /// The job's pool, which this does not keep open: to cancel others of its jobs, to move them, to shut it down. Of a job in a group the
    /// handle is one as from [`Pool::with_results`]: what is submitted by it belongs to the group of the job, and what it waits for
    /// and ends is the whole pool.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fastthreadpool::Pool;
    /// # use std::time::Duration;
    /// let pool: Pool = Pool::new()?;
    /// let watchdog = pool.submit_later(Duration::from_secs(60), || eprintln!("nothing was heard"))?;
    /// let heartbeat = pool.periodic_with(move |job| {
    ///     if let Some(pool) = job.pool().upgrade() {
    ///         let _ = pool.reschedule(watchdog, Duration::from_secs(60));
    ///     }
    /// });
    /// heartbeat.every(Duration::from_secs(1)).submit()?;
    /// pool.cancel(watchdog);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn pool(&self) -> WeakPool<T> {
        WeakPool { handle: self.engine().weak_handle(), group: Arc::downgrade(&self.inner().share()) }
    }
}

impl<T> fmt::Debug for WeakPool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeakPool(..)")
    }
}

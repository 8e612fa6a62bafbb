//! What the parts that hold jobs say of themselves to who debugs: how many there are, never what, which others may be about to take.
#![forbid(unsafe_code)]

use core::fmt;

use crate::host::Host;
use crate::pool::Pool;
use crate::storage::Storage;
use crate::worker::Worker;

impl<P, H: Host, S: Storage<P>> fmt::Debug for Pool<P, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("phase", &self.phase()).field("counts", &self.counts()).finish_non_exhaustive()
    }
}

impl<P, H: Host, S: Storage<P>> fmt::Debug for Worker<'_, P, H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("seat", &self.seat()).finish_non_exhaustive()
    }
}

#[cfg(feature = "alloc")]
mod growing {
    use super::{Storage, fmt};
    use crate::blocks::Blocks;
    use crate::queue::Queue;
    use crate::storage::Growing;
    use lock_api::RawMutex;

    impl<P, R> fmt::Debug for Blocks<P, R> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Blocks").finish_non_exhaustive()
        }
    }

    impl<T: Send, R: RawMutex> fmt::Debug for Queue<T, R> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Queue").field("len", &self.len()).finish_non_exhaustive()
        }
    }

    impl<P: Send, R: RawMutex> fmt::Debug for Growing<P, R> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Growing")
                .field("workers", &self.workers())
                .field("seats", &self.seats().len())
                .finish_non_exhaustive()
        }
    }
}

//! The peers, each set up as its documents advise.

mod by_hand;
mod channels;
mod chili;
mod floor;
#[cfg(feature = "forte")]
mod forte;
mod futures;
mod orx;
mod ours;
mod rayon;
mod rusty_pool;
mod scheduled;
mod semaphores;
mod threadpool;
mod tokio;
mod wrapped;

pub use by_hand::ByHand;
pub use channels::{Crossbeam, Kanal};
pub use chili::Chili;
pub use floor::{Alone, Heap, Loop, Ring, TwoAtomics};
#[cfg(feature = "forte")]
pub use forte::Forte;
pub use futures::Futures;
pub use orx::Orx;
pub use ours::{Ours, OursByBuilder, OursByProducer, OursInGroup, OursResults};
pub use rayon::Rayon;
pub use rusty_pool::RustyPool;
pub use scheduled::Scheduled;
pub use semaphores::{AsyncLock, ByHandSemaphore, OursSemaphore, ParkingLot, TokioSemaphore};
pub use threadpool::Threads;
pub use tokio::{Tokio, TokioBlocking};
pub use wrapped::{OneShot, Sent};

/// Does the same once for each peer that runs closures, which has the given name in the expression.
#[macro_export]
macro_rules! each_executor {
    ($executor:ident => $each:expr) => {
        $crate::each_executor!(
            $executor => $each;
            Ours, Rayon, Kanal, Crossbeam, RustyPool, Threads, Futures, Tokio, TokioBlocking, Scheduled, ByHand
        )
    };
    ($executor:ident => $each:expr; $first:ident $(, $other:ident)*) => {{
        {
            type $executor = $crate::peers::$first;
            $each;
        }
        $crate::each_executor!($executor => $each; $($other),*);
    }};
    ($executor:ident => $each:expr;) => {};
}

/// The same for those that join.
#[macro_export]
macro_rules! each_join {
    ($join:ident => $each:expr) => {
        $crate::each_executor!($join => $each; Ours, Rayon, Chili);
        #[cfg(feature = "forte")]
        $crate::each_executor!($join => $each; Forte);
    };
}

/// The same for those that have scopes.
#[macro_export]
macro_rules! each_scope {
    ($scope:ident => $each:expr) => {
        $crate::each_executor!($scope => $each; Ours, Rayon, Orx);
        #[cfg(feature = "forte")]
        $crate::each_executor!($scope => $each; Forte);
    };
}

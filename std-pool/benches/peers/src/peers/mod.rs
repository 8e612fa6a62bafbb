//! The peers, each set up as its documents advise.

mod by_hand;
mod channels;
mod floor;
mod futures;
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
pub use floor::{Heap, Loop, Ring, TwoAtomics};
pub use futures::Futures;
pub use ours::{Ours, OursByBuilder, OursInGroup, OursResults};
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
        each_executor!(
            $executor => $each;
            Ours, Rayon, Kanal, Crossbeam, RustyPool, Threads, Futures, Tokio, TokioBlocking, Scheduled, ByHand
        )
    };
    ($executor:ident => $each:expr; $first:ident $(, $other:ident)*) => {{
        {
            type $executor = $crate::peers::$first;
            $each;
        }
        each_executor!($executor => $each; $($other),*);
    }};
    ($executor:ident => $each:expr;) => {};
}

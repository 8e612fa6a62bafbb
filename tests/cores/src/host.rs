//! The host of a simulated pool: its clock is the virtual one of the core that asks; it waits as the host on std does.

use fastthreadpool_core::simulated::{Operation, tell};
use fastthreadpool_core::{Host, Tick};
use lock_api::{GuardSend, RawMutex};
use std::cell::Cell;

use crate::world;

/// A mutex that spins, in virtual time.
pub struct Spin(Cell<bool>);

// SAFETY: all contexts are on one thread.
unsafe impl Sync for Spin {}
// SAFETY: the same.
unsafe impl Send for Spin {}

// SAFETY: who holds it is who turned the flag; contexts hand over only where they tell of an access, which is before.
unsafe impl RawMutex for Spin {
    type GuardMarker = GuardSend;

    #[allow(clippy::declare_interior_mutable_const, reason = "so says the trait")]
    const INIT: Self = Self(Cell::new(false));

    fn lock(&self) {
        while !self.try_lock() {
            tell::<()>(Operation::Pause, std::ptr::null());
        }
    }

    fn try_lock(&self) -> bool {
        tell(Operation::Locked, &raw const self.0);
        !self.0.replace(true)
    }

    unsafe fn unlock(&self) {
        tell(Operation::Locked, &raw const self.0);
        self.0.set(false);
    }
}

/// As the host on std, with its constants: `std-pool/src/engine/host.rs`.
pub struct SimulatedHost;

const WAKE_COST: u64 = 5_000;
const LOOKS: u32 = 12;
const SPINS: u32 = 64;

impl Host for SimulatedHost {
    type Mutex = Spin;

    fn now(&self) -> Tick {
        Tick(world::now() / 1000)
    }

    fn wake_cost(&self) -> u64 {
        WAKE_COST
    }

    fn relax(&self, round: u32) -> bool {
        if round >= LOOKS {
            return false;
        }
        if world::give_way() {
            return true;
        }
        for _ in 0..SPINS {
            tell::<()>(Operation::Pause, std::ptr::null());
        }
        true
    }
}

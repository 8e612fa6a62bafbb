//! The loop that the worker is measured against: one thread reads a batch, does one job after the other, and settles.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::queue::{Fate, Queue};
use crate::work::{BoxError, Work};

/// Until it is told to stop, or something fails.
pub fn run(mut queue: Queue, batch: usize, work: &Work, stop: &AtomicBool) -> Result<(), BoxError> {
    while !stop.load(Ordering::Relaxed) {
        let mut fates = Vec::new();
        for entry in queue.read(batch, Duration::from_millis(500))? {
            work.perform(&entry, &|| false)?;
            fates.push((entry.id, Fate::Done));
        }
        if !fates.is_empty() {
            queue.settle(&fates)?;
        }
    }
    Ok(())
}

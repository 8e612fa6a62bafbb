//! The indices of a pool's threads: each belongs to one thread at a time.
//!
//! There are as many as the pool was asked to have threads. While one of these waits in the middle of a job, and another thread stands
//! in for it, there is one thread more: that has none until one is free.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) struct Indices(Box<[AtomicBool]>);

impl Indices {
    pub(crate) fn new(number: usize) -> Self {
        Self((0..number).map(|_| AtomicBool::new(false)).collect())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes this one; returns whether it was free.
    pub(crate) fn take(&self, index: usize) -> bool {
        !self.0[index].swap(true, Ordering::Acquire)
    }

    /// Takes whichever is free.
    pub(crate) fn take_any(&self) -> Option<usize> {
        let is_free = |index: &usize| !self.0[*index].load(Ordering::Relaxed);
        (0..self.len()).filter(is_free).find(|index| self.take(*index))
    }

    pub(crate) fn give_back(&self, index: usize) {
        self.0[index].store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_had_by_one_at_a_time() {
        let indices = Indices::new(3);
        assert!(indices.take(1) && !indices.take(1));
        assert_eq!([(); 3].map(|()| indices.take_any()), [Some(0), Some(2), None]);
        indices.give_back(2);
        assert_eq!((indices.take(2), indices.take_any()), (true, None));
    }
}

//! What each index has to do of broadcasts.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use crate::unwind::lock;

/// The part of a broadcast that is for one index, which it is given.
pub(crate) type Part = Box<dyn FnOnce(usize) + Send>;

/// For how long a thread that is not meant keeps out of the way. Several times what it takes to wake another.
const MOMENT: Duration = Duration::from_millis(1);

pub(crate) struct Inboxes {
    boxes: Mutex<Box<[VecDeque<Part>]>>,
    emptied: Condvar,
}

impl Inboxes {
    pub(crate) fn new(number: usize) -> Self {
        Self { boxes: Mutex::new((0..number).map(|_| VecDeque::new()).collect()), emptied: Condvar::new() }
    }

    /// One part for each.
    pub(crate) fn put(&self, mut part: impl FnMut() -> Part) {
        let mut boxes = lock(&self.boxes);
        boxes.iter_mut().for_each(|inbox| inbox.push_back(part()));
    }

    /// The oldest part for this index. Without an index the thread stands in for another: then any.
    pub(crate) fn next(&self, index: Option<usize>) -> Option<(usize, Part)> {
        let mut boxes = lock(&self.boxes);
        let index = index.or_else(|| boxes.iter().position(|inbox| !inbox.is_empty()))?;
        let part = boxes[index].pop_front()?;
        if boxes.iter().all(VecDeque::is_empty) {
            self.emptied.notify_all();
        }
        Some((index, part))
    }

    pub(crate) fn are_empty(&self) -> bool {
        lock(&self.boxes).iter().all(VecDeque::is_empty)
    }

    /// Keeps the present thread busy, so that another looks for work; at most for a moment.
    pub(crate) fn wait_a_moment(&self) {
        let boxes = lock(&self.boxes);
        let are_full = |boxes: &mut Box<[VecDeque<Part>]>| boxes.iter().any(|inbox| !inbox.is_empty());
        drop(self.emptied.wait_timeout_while(boxes, MOMENT, are_full));
    }
}

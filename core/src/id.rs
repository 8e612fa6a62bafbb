//! The name of a job: where it was put, which is also when it was submitted.
#![forbid(unsafe_code)]

use core::fmt;
use core::hint::black_box;

/// Names one job for ever: no other job of the same pool, before or after, has the same id.
///
/// Ids compare in the order of submission, whatever the kind of job. The exception are jobs that running jobs, and producers, append to the
/// queues of workers: these compare after all others, and among themselves in order for each worker.
///
/// An id is a position in a queue, so it costs nothing to make and finds its job without a search. Positions are as wide
/// as a pointer: on a 32-bit target they, and with them the ids, repeat after 2^32 submits; on 64 bits never.
// Three words without padding: a padded copy would be read in larger pieces than it was written in, and wait for that.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId {
    /// How many jobs had been appended to the main lane before this one; `usize::MAX` in a worker's lane.
    order: usize,
    /// Orders what shares an `order`: `usize::MAX` for the job of the main lane itself, which comes after everything that
    /// was submitted elsewhere before it; else the position in the worker's lane or the entry's stamp.
    serial: usize,
    /// Lane number, or [`ENTRY`] and the entry's index.
    place: usize,
}

/// Marks a place as one among the timed and urgent entries: the highest bit of what holds an entry's index.
const ENTRY: usize = 1 << 31;

/// Where a job is to be looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Lane { lane: usize, position: usize },
    Entry { index: u32, stamp: usize },
}

impl JobId {
    pub(crate) const fn in_main(position: usize) -> Self {
        Self { order: position, serial: usize::MAX, place: 0 }
    }

    /// In a worker's own lane.
    pub(crate) const fn in_lane(lane: usize, position: usize) -> Self {
        debug_assert!(lane > 0 && lane < ENTRY);
        Self { order: usize::MAX, serial: position, place: lane }
    }

    pub(crate) const fn at(lane: usize, position: usize) -> Self {
        if lane == 0 { Self::in_main(position) } else { Self::in_lane(lane, position) }
    }

    pub(crate) const fn in_entry(index: u32, stamp: usize, order: usize) -> Self {
        debug_assert!((index as usize) < ENTRY);
        Self { order, serial: stamp, place: ENTRY | index as usize }
    }

    /// Which position of its queue it has; `None` of a job that was not appended to a queue.
    #[must_use]
    pub const fn position(self) -> Option<usize> {
        match self.place() {
            Place::Lane { position, .. } => Some(position),
            Place::Entry { .. } => None,
        }
    }

    pub(crate) const fn place(self) -> Place {
        if self.place & ENTRY != 0 {
            Place::Entry { index: (self.place & !ENTRY) as u32, stamp: self.serial }
        } else if self.place == 0 {
            Place::Lane { lane: 0, position: self.order }
        } else {
            Place::Lane { lane: self.place, position: self.serial }
        }
    }

    /// The words as they are, to be kept apart: order, serial and place. The last two tell a job from every other.
    #[inline(always)]
    pub(crate) const fn words(self) -> (usize, usize, usize) {
        (self.order, self.serial, self.place)
    }

    /// A copy that is read in the pieces that it was written in, for who has just been given it: in larger ones that waits for the pieces.
    #[doc(hidden)]
    #[inline(always)]
    #[must_use]
    pub fn by_words(&self) -> Self {
        Self::from_words(black_box(self.order), black_box(self.serial), black_box(self.place))
    }

    #[inline(always)]
    pub(crate) const fn from_words(order: usize, serial: usize, place: usize) -> Self {
        Self { order, serial, place }
    }
}

/// Short for the common case: `17` is the eighteenth job of the main lane, `w2.3` the fourth of the second worker's
/// lane, `17.5` the sixth timed or urgent job, submitted when there had been seventeen in the main lane.
impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place() {
            Place::Lane { lane: 0, position } => write!(f, "{position}"),
            Place::Lane { lane, position } => write!(f, "w{lane}.{position}"),
            Place::Entry { stamp, .. } => write!(f, "{}.{stamp}", self.order),
        }
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobId({self})")
    }
}

/// The ids of jobs that were submitted together, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobIds {
    lane: usize,
    next: usize,
    end: usize,
}

impl JobIds {
    pub(crate) const fn none() -> Self {
        Self { lane: 0, next: 0, end: 0 }
    }

    pub(crate) const fn new(lane: usize, next: usize, end: usize) -> Self {
        Self { lane, next, end }
    }

    /// The id of one job, as the first of several; `None` if it was not appended to a queue.
    pub const fn of(id: JobId) -> Option<Self> {
        match id.place() {
            Place::Lane { lane, position } => Some(Self { lane, next: position, end: position.wrapping_add(1) }),
            Place::Entry { .. } => None,
        }
    }

    /// Takes up the id of the job that follows these. False if it does not.
    pub fn push(&mut self, id: JobId) -> bool {
        let follows = id.place() == Place::Lane { lane: self.lane, position: self.end };
        if follows {
            self.end = self.end.wrapping_add(1);
        }
        follows
    }

    pub(crate) const fn lane(&self) -> usize {
        self.lane
    }

    pub(crate) const fn bounds(&self) -> (usize, usize) {
        (self.next, self.end)
    }

    /// Those from this position on are not meant any more.
    pub(crate) fn cut(&mut self, end: usize) {
        self.end = end;
    }

    pub(crate) fn positions(&self) -> impl Iterator<Item = usize> + use<> {
        let next = self.next;
        (0..self.len()).map(move |ahead| next.wrapping_add(ahead))
    }
}

impl Iterator for JobIds {
    type Item = JobId;

    fn next(&mut self) -> Option<JobId> {
        (self.next != self.end).then(|| {
            let position = self.next;
            self.next = position.wrapping_add(1);
            JobId::at(self.lane, position)
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.end.wrapping_sub(self.next);
        (len, Some(len))
    }
}

impl ExactSizeIterator for JobIds {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn ids_that_follow_each_other_are_one_range() {
        let mut ids = JobIds::of(JobId::in_lane(2, usize::MAX)).unwrap();
        assert!(!ids.push(JobId::in_lane(2, 1)) && !ids.push(JobId::in_main(0)) && ids.push(JobId::in_lane(2, 0)));
        assert!(!ids.push(JobId::in_entry(0, 1, 1)) && JobIds::of(JobId::in_entry(0, 1, 1)).is_none());
        assert!(ids.eq([JobId::in_lane(2, usize::MAX), JobId::in_lane(2, 0)]));
    }

    #[test]
    fn ids_compare_in_the_order_of_submission_whatever_the_place() {
        let first = JobId::in_main(0);
        let urgent = JobId::in_entry(3, 0, 1);
        let timed = JobId::in_entry(1, 1, 1);
        let second = JobId::in_main(1);
        let nested = JobId::in_lane(2, 9);
        let third = JobId::in_main(2);
        let order = [first, urgent, timed, second, third, nested];
        assert!(order.is_sorted());
        assert!(order.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn a_place_survives_the_id() {
        assert_eq!(JobId::in_main(7).place(), Place::Lane { lane: 0, position: 7 });
        assert_eq!(JobId::in_lane(3, 7).place(), Place::Lane { lane: 3, position: 7 });
        assert_eq!(JobId::in_entry(3, 7, 1).place(), Place::Entry { index: 3, stamp: 7 });
    }

    #[test]
    fn ids_print_short() {
        assert_eq!(JobId::in_main(7).to_string(), "7");
        assert_eq!(JobId::in_lane(3, 7).to_string(), "w3.7");
        assert_eq!(JobId::in_entry(3, 7, 1).to_string(), "1.7");
    }
}

//! Classes of jobs, and which of them is next: by shares of the starts, so no class waits for ever, and nobody reads a clock.
//!
//! What is of the [normal](Priority::Normal) class waits in the lanes, and their positions are the time: a start from the main lane
//! moves its head, and one from the lane of a worker is told. The others wait in lists of their own; the list of the normal class has those that gates have let through,
//! which begin where they would have begun in the lane.
//!
//! | class | is next |
//! |---|---|
//! | high | before all others; after [`SHARE`] - 1 in a row one of those others that wait |
//! | normal, from a gate | when all have begun that were in the main lane before it; but after [`SHARE`] - 1 in a row there is a claim from the lane of a worker, and after as many that run again and again one from the main lane |
//! | low | once in [`SHARE`] starts of the normal class and its own |
//! | whose time has come | before all others; but after [`SHARE`] - 1 of these a worker looks at the others first |
//!
//! Where the lane is empty, each is next if nothing stands before it. This is stride scheduling (Waldspurger and Weihl, 1995) with two
//! fixed strides.
#![forbid(unsafe_code)]

use crate::sync::MODEL;

/// How soon a job begins, compared to others that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Priority {
    /// When nothing else waits; and one in 64 starts if something does.
    Low,
    /// In the order of submission.
    #[default]
    Normal,
    /// Before those of the other classes, but for one in 64 starts. What is urgent, and what is of the normal class and due, goes before it; but 63
    /// that are due at most.
    High,
}

/// Of so many starts one is of a class that waits behind another.
pub(crate) const SHARE: u8 = if MODEL { 2 } else { 64 };

/// The lists, by number.
pub(crate) const HIGH: usize = 0;
pub(crate) const NORMAL: usize = 1;
pub(crate) const LOW: usize = 2;

/// Whose turn it is.
#[derive(Debug)]
pub(crate) struct Shares {
    /// Starts in a row of the high class.
    row: u8,
    /// Where the head of the lane has to be before it goes on: it has had its share.
    pauses_until: Option<usize>,
    /// Starts from the list of the normal class, since the head of the lane was where it `stood`, of jobs that run again and again: they stay where they
    /// once were submitted, so each of their runs is before what has come meanwhile.
    again: u8,
    stood: usize,
    /// Starts from the lists but the high one, and from the lanes of workers: with the head of the main lane, the time.
    taken: usize,
    /// The time at which the low class is next, if it waits.
    low_at: Option<usize>,
}

/// Whether the head has come to a position.
fn is_reached(position: usize, head: usize) -> bool {
    head.wrapping_sub(position) <= usize::MAX / 2
}

impl Shares {
    pub(crate) const NEW: Self = Self { row: 0, pauses_until: None, again: 0, stood: 0, taken: 0, low_at: None };

    /// The position of the head at which there is somebody to be taken; `waits`: for each list whether anybody waits there, and the
    /// position before which all have to have begun.
    pub(crate) fn turn(&mut self, head: usize, waits: [Option<usize>; 3]) -> usize {
        if waits[LOW].is_none() {
            self.low_at = None;
        } else if self.low_at.is_none() {
            self.low_at = Some(self.time(head).wrapping_add(usize::from(SHARE) - 1));
        }
        let high = waits[HIGH].map(|_| self.pauses_until.unwrap_or(head));
        let normal = waits[NORMAL]
            .map(|order| if self.pauses(head) && is_reached(order, head) { head.wrapping_add(1) } else { order });
        let low = self.low_at.map(|at| at.wrapping_sub(self.taken));
        let all = [high, normal, low];
        let distance = |turn: usize| if is_reached(turn, head) { 0 } else { turn.wrapping_sub(head) };
        all.into_iter().flatten().map(distance).min().map_or(head, |distance| head.wrapping_add(distance))
    }

    /// Whether those that run again and again have had their share.
    fn pauses(&self, head: usize) -> bool {
        self.again >= SHARE - 1 && self.stood == head
    }

    fn time(&self, head: usize) -> usize {
        head.wrapping_add(self.taken)
    }

    /// The list from which the next is to be taken; `in_turn`: only if it is its turn, since the lane is not empty.
    pub(crate) fn next(&self, head: usize, in_turn: bool, waits: [Option<usize>; 3]) -> Option<usize> {
        let high = self.pauses_until.is_none_or(|until| is_reached(until, head));
        let low = self.low_at.is_some_and(|at| is_reached(at, self.time(head)));
        let normal = waits[NORMAL].is_some_and(|order| is_reached(order, head)) && !self.pauses(head);
        let turns = [(HIGH, high), (LOW, low), (NORMAL, normal)];
        let in_its_turn = turns.into_iter().find(|(list, is_next)| *is_next && waits[*list].is_some());
        // The lane is empty: what had to let others begin has nobody before it but these.
        let whoever = || [NORMAL, LOW, HIGH].into_iter().find(|list| waits[*list].is_some());
        in_its_turn.map(|(list, _)| list).or_else(|| if in_turn { None } else { whoever() })
    }

    /// So many have begun that wait neither in the main lane nor in a list.
    pub(crate) fn pass(&mut self, starts: usize) {
        self.taken = self.taken.wrapping_add(starts);
        self.pauses_until = None;
        self.again = 0;
    }

    /// One was taken from a list; `again`: it runs again and again.
    pub(crate) fn take(&mut self, list: usize, head: usize, again: bool) {
        if list == NORMAL && again {
            let before = if self.stood == head { self.again } else { 0 };
            (self.again, self.stood) = (before.saturating_add(1), head);
        }
        self.taken = self.taken.wrapping_add(usize::from(list != HIGH));
        if list == HIGH && self.row + 1 < SHARE - 1 {
            self.row += 1;
            self.pauses_until = None;
        } else {
            self.row = 0;
            self.pauses_until = (list == HIGH).then(|| head.wrapping_add(1));
        }
        if list == LOW {
            self.low_at = Some(self.time(head).wrapping_add(usize::from(SHARE) - 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A lane of which `lane` are left, and lists of which all are always full that are not `None`; `again`: of the same jobs.
    fn starts_of(mut lane: usize, waits: [bool; 3], again: bool, number: usize) -> std::vec::Vec<Option<usize>> {
        let (mut shares, mut head) = (Shares::NEW, usize::MAX - 10);
        let first = head;
        let mut started = std::vec::Vec::new();
        for _ in 0..number {
            let waits =
                [HIGH, NORMAL, LOW].map(|list| waits[list].then_some(if list == NORMAL { first } else { head }));
            let turn = shares.turn(head, waits);
            let next = shares.next(head, true, waits);
            assert_eq!(next.is_some(), is_reached(turn, head), "the turn says whether a look pays");
            let next = if next.is_none() && lane == 0 { shares.next(head, false, waits) } else { next };
            match next {
                Some(list) => shares.take(list, head, again),
                None if lane > 0 => (lane, head) = (lane - 1, head.wrapping_add(1)),
                None => break,
            }
            started.push(next);
        }
        started
    }

    fn starts(lane: usize, waits: [bool; 3], number: usize) -> std::vec::Vec<Option<usize>> {
        starts_of(lane, waits, false, number)
    }

    fn count(started: &[Option<usize>], list: Option<usize>) -> usize {
        started.iter().filter(|next| **next == list).count()
    }

    #[test]
    fn nobody_waits_for_ever() {
        const MANY: usize = 64 * 100;
        let cases = [
            // The lane, then: who waits; how many of each class begin, and of the lane.
            (MANY, [true, false, false], [6300, 0, 0], 100),
            (MANY, [false, false, true], [0, 0, 100], 6300),
            (0, [true, false, false], [MANY, 0, 0], 0),
            (0, [false, true, false], [0, MANY, 0], 0),
            (0, [false, false, true], [0, 0, MANY], 0),
            (0, [false, true, true], [0, 6300, 100], 0),
            (0, [true, false, true], [6300, 0, 100], 0),
            (MANY, [true, false, true], [6300, 0, 2], 98),
        ];
        for (lane, waits, classes, of_lane) in cases {
            let started = starts(lane, waits, MANY);
            let all = [HIGH, NORMAL, LOW].map(|list| count(&started, Some(list)));
            assert_eq!(started.len(), MANY);
            let is_near = |is: usize, should: usize| is.abs_diff(should) <= 2;
            assert!(
                all.iter().zip(classes).all(|(is, should)| is_near(*is, should))
                    && is_near(count(&started, None), of_lane),
                "{lane}, {waits:?}: {all:?}"
            );
        }
        // All of them.
        let started = starts(MANY, [true, true, true], MANY);
        for list in [Some(HIGH), Some(NORMAL), Some(LOW)] {
            assert!(count(&started, list) >= MANY / 64 / 64, "{list:?}");
        }
    }

    #[test]
    fn what_runs_again_and_again_leaves_the_lane_its_share() {
        const MANY: usize = 64 * 100;
        let started = starts_of(MANY, [false, true, false], true, MANY);
        assert_eq!(count(&started, None), MANY / 64);
        // Others that were before those of the lane have begun before.
        assert_eq!(count(&starts(MANY, [false, true, false], MANY), None), 0);
        // Nobody else is there.
        assert_eq!(starts_of(0, [false, true, false], true, MANY).len(), MANY);
        let started = starts_of(MANY, [true, true, true], true, MANY * 64);
        let (of_lane, low) = (count(&started, None), count(&started, Some(LOW)));
        assert!(of_lane >= MANY / 70 && low >= MANY / 70, "{of_lane}, {low}");
    }

    #[test]
    fn what_begins_in_the_lanes_of_workers_lets_go_on_what_has_had_its_share() {
        let (mut shares, waits) = (Shares::NEW, [None, Some(7), None]);
        for list in [NORMAL; SHARE as usize - 1] {
            assert_eq!(shares.next(7, true, waits), Some(list));
            shares.take(list, 7, true);
        }
        assert_eq!((shares.next(7, true, waits), shares.turn(7, waits)), (None, 8));
        shares.pass(1);
        assert_eq!((shares.next(7, true, waits), shares.turn(7, waits)), (Some(NORMAL), 7));
    }

    #[test]
    fn the_high_class_goes_first_and_the_low_class_last() {
        let started = starts(100, [true, false, true], 62);
        assert_eq!(count(&started, Some(HIGH)), 62);
        let started = starts(63, [false, false, true], 64);
        assert_eq!(count(&started[..63], None), 63);
        assert_eq!(started[63], Some(LOW));
    }
}

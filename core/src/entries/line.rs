//! The lines of those that may begin, one for each class: who gets in, who leaves, whose turn it is.
#![forbid(unsafe_code)]

use super::slab::Marked;
use super::{Entries, Kind, PATIENT, Popped, Slab, State};
use crate::part::Part;
use crate::priority::{HIGH, LOW, NORMAL};
use crate::wheel::{Link, NONE};

impl<P, S: Slab<P>> Entries<P, S> {
    /// Whether it is of another class than the normal one.
    pub(super) fn has_class(&self, n: u32) -> bool {
        self.line_of(n) != NORMAL
    }

    /// The number of its line.
    pub(super) fn line_of(&self, n: u32) -> usize {
        let marks = self.marks(n);
        if marks.has(Marked::HIGH) {
            HIGH
        } else if marks.has(Marked::LOW) {
            LOW
        } else {
            NORMAL
        }
    }

    /// A job that may begin.
    pub(super) fn line_up(&mut self, n: u32) {
        self.slab.link_mut(n).tag.state = State::Ready;
        let class = self.line_of(n);
        let line = &mut self.yard.there().lines[class];
        let last = line.last();
        line.join(&mut self.slab, last, n);
        line.join(&mut self.slab, n, NONE);
        self.yard.there().patient += PATIENT;
    }

    pub(super) fn leave_line(&mut self, n: u32) {
        let (class, &Link { next, prev, .. }) = (self.line_of(n), self.slab.link(n));
        self.yard.there().lines[class].join(&mut self.slab, prev, next);
        self.yard.there().patient -= PATIENT;
    }

    /// Takes the next of the lines, to run it. `head` is the position up to which the main lane has been claimed; `in_turn`: not
    /// what only is next if the lane is empty.
    pub fn pop_ready(&mut self, head: usize, in_turn: bool) -> Option<Popped<P>> {
        if self.is_paused() {
            return None;
        }
        let waits = self.waiting_lines();
        let class = self.yard.get()?.shares.next(head, in_turn, waits)?;
        let n = self.first_in_lines()[class];
        let again = self.slab.link(n).tag.kind == Kind::Periodic;
        self.yard.there().shares.take(class, head, again);
        self.leave_line(n);
        Some(self.begin(n))
    }

    /// So many have begun from other lanes than the main one.
    pub(crate) fn pass(&mut self, starts: usize) {
        if starts > 0 {
            self.yard.there().shares.pass(starts);
        }
    }

    /// The oldest of each line, or [`NONE`].
    pub(super) fn first_in_lines(&self) -> [u32; 3] {
        self.yard.get().map_or([NONE; 3], |yard| [HIGH, NORMAL, LOW].map(|class| yard.lines[class].first()))
    }

    /// The order of the oldest of each line.
    pub(super) fn waiting_lines(&self) -> [Option<usize>; 3] {
        self.first_in_lines().map(|n| (n != NONE).then(|| self.slab.body(n).order))
    }

    /// Where the head of the main lane has to be so that it is the turn of somebody in line.
    pub(crate) fn turn(&mut self, head: usize) -> usize {
        let waits = self.waiting_lines();
        self.yard.there().shares.turn(head, waits)
    }
}

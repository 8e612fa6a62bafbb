//! The account: what was accepted, where it is, and how it ended. One equation:
//!
//! ```text
//! accepted = waiting for time + gated + queued + running + done + failed + cancelled + handed back
//! ```
//!
//! The unit is a *turn*: a job that runs once is one; each time a periodic job is set for a next run that is a new one.
//!
//! # Events
//!
//! Each has one place that counts it.
//!
//! | event | counted by | in |
//! |---|---|---|
//! | accept | a submit to a lane, as it reserves its position | the lane's tail |
//! | | an insertion; the next turn of a periodic job, before the present one ends | `accepted` of the entries |
//! | arrive: it waits for its time no more | an insertion, an expiry | `came` of the entries |
//! | gate, release | what joins or leaves the ring of a gate | `gated` of the entries: no total changes |
//! | begin | a worker, in its mark; who takes one without a seat, as `outside.taken`; that is taken back if it goes on later | no total changes |
//! | end | whose seat it ran on, by how it ended; who has taken it without a seat | a seat's `ended`; `outside.ended` |
//! | remove | who has taken it out of its slot | `outside.removed` |
//! | | who takes it out of its entry | `cancelled` of the entries; if it had arrived, that is taken back |
//! | hand back | who has taken it out for its submitter, who has it back | `outside.handed_back` |
//!
//! Each turn leaves its place by one exchange, of its slot or under the lock of the entries. Whoever wins that owes one of the
//! last three events, and nobody else does.
//!
//! # Reading
//!
//! Later events of a life are read before earlier ones, each with acquire or under the lock: ends, removals; then what
//! the entries know; the tails last. What is seen to have ended was accepted before, and that is seen later. So no part is
//! negative while the pool works, and the parts add up whatever it does meanwhile. Only how many of the pending are
//! *running* is approximate then, since a mark comes a moment before the taking; when the pool stands still it is exact.
#![forbid(unsafe_code)]

use super::{Outside, Pool};
use crate::end::End;
use crate::host::Host;
use crate::part::Part;
use crate::seat::Seat;
use crate::slots::Slots;
use crate::storage::Storage;
use crate::sync::Ordering;

/// How many turns are where: see the equation. The totals wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// All that were ever accepted.
    pub accepted: usize,
    /// Waiting for their time; paused schedules too.
    pub waiting: usize,
    /// Waiting at a gate.
    pub gated: usize,
    /// Waiting for a worker.
    pub queued: usize,
    /// Running.
    pub running: usize,
    /// Ended well.
    pub done: usize,
    /// Ended with an error or a panic.
    pub failed: usize,
    /// Removed before they ran.
    pub cancelled: usize,
    /// Given back to who had submitted them. In storage without gates they are among the cancelled.
    pub handed_back: usize,
}

impl Account {
    /// The right side of the equation.
    #[must_use]
    pub const fn sum(&self) -> usize {
        let present = self.waiting + self.pending();
        present
            .wrapping_add(self.done)
            .wrapping_add(self.failed)
            .wrapping_add(self.cancelled)
            .wrapping_add(self.handed_back)
    }

    /// Those that wait for nothing but their gate or a worker, or run.
    #[must_use]
    pub const fn pending(&self) -> usize {
        self.gated + self.queued + self.running
    }
}

/// How many workers and jobs there are now. Read one after the other while the pool works, so only exact when it stands still.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Workers that exist, those that are about to start included.
    pub alive: usize,
    /// Workers that run a job.
    pub busy: usize,
    /// See [`Pool::pending`].
    pub pending: usize,
    /// Delayed and periodic jobs that wait for their time.
    pub timers: usize,
}

impl<P, H: Host, S: Storage<P>> Pool<P, H, S> {
    /// How many turns are pending: they wait at a gate or for a worker, or run. Delayed and periodic jobs count while they are
    /// due. When it says 0, there was a moment during the call at which nothing was pending.
    pub fn pending(&self) -> usize {
        let [removed, handed_back] = self.removed();
        let gone = self.ended().wrapping_add(removed).wrapping_add(handed_back);
        let came = self.came.load(Ordering::SeqCst);
        let submitted = self.storage.lanes().iter().fold(came, |sum, lane| sum.wrapping_add(lane.tail()));
        submitted.wrapping_sub(gone)
    }

    /// How many turns have been run to their end.
    pub fn ended(&self) -> usize {
        let outside = self.outside.ended.all(Ordering::SeqCst);
        self.seats().iter().map(Seat::all_ended).fold(outside, usize::wrapping_add)
    }

    /// Workers that exist, those that are about to start included.
    pub fn alive(&self) -> usize {
        self.state().alive()
    }

    /// Those of them that do not sleep.
    pub fn awake(&self) -> usize {
        let state = self.state();
        state.alive() - state.sleeping()
    }

    /// Workers whose jobs wait.
    pub fn blocked(&self) -> usize {
        self.state().blocked()
    }

    /// The counts of this moment; O(workers).
    pub fn counts(&self) -> Counts {
        let busy = self.seats().iter().filter(|seat| seat.is_busy()).count();
        Counts { alive: self.alive(), busy, pending: self.pending(), timers: self.timers() }
    }

    /// Delayed and periodic jobs that wait for their time.
    pub fn timers(&self) -> usize {
        let timers = self.timers.load(Ordering::SeqCst);
        // There may be alarms among them.
        if S::GATES && timers > 0 { self.entries.lock().timed() } else { timers }
    }

    /// Where everything is; O(workers).
    ///
    /// Without gates less is kept: all that has ended counts as done, what was handed back as cancelled, and an entry that was
    /// cancelled before it began not at all.
    pub fn account(&self) -> Account {
        let ended = |end: End| {
            let outside = self.outside.ended.get(end, Ordering::SeqCst);
            self.seats().iter().fold(outside, |sum, seat| sum.wrapping_add(seat.ended(end)))
        };
        let (done, failed, skipped) = (ended(End::Done), ended(End::Failed), ended(End::Cancelled));
        let [removed, handed_back] = self.removed();
        let marked = self.running();
        let entries = self.entries.lock();
        let (gated, waiting) = (entries.gated(), entries.timed() + entries.parked());
        let (came, cancelled) = (entries.came(), entries.cancelled());
        let put_in = if S::GATES { entries.accepted() } else { came.wrapping_add(waiting) };
        drop(entries);
        let appended = self.storage.lanes().iter().fold(0_usize, |sum, lane| sum.wrapping_add(lane.tail()));
        let over = done.wrapping_add(failed).wrapping_add(skipped).wrapping_add(removed).wrapping_add(handed_back);
        let pending = appended.wrapping_add(came).wrapping_sub(over);
        let running = marked.min(pending - gated);
        Account {
            accepted: appended.wrapping_add(put_in),
            waiting,
            gated,
            queued: pending - gated - running,
            running,
            done,
            failed,
            cancelled: skipped.wrapping_add(removed).wrapping_add(cancelled),
            handed_back,
        }
    }

    /// Compares the account with what is really there: a sweep of all slots and entries, and the marks of the seats. For when
    /// the pool stands still; else it may say that something is wrong.
    ///
    /// # Errors
    ///
    /// What is wrong.
    #[doc(hidden)]
    #[expect(clippy::result_large_err, reason = "to be looked at, once, when something is wrong")]
    pub fn audit(&self) -> Result<(), Discrepancy> {
        let account = self.account();
        let mut found = Account { running: self.running(), ..account };
        let inside = self.inside();
        found.queued = 0;
        for lane in self.storage.lanes() {
            lane.slots().sweep(inside.pinned(), lane.tail(), &mut |_| found.queued += 1);
        }
        (found.waiting, found.gated) = (0, 0);
        let mut held = 0;
        self.visit_entries(|_, view| {
            use crate::entries::State;
            match view.state {
                State::Waiting | State::Parked => found.waiting += 1,
                State::Gated => found.gated += 1,
                State::Due | State::Ready => found.queued += 1,
                State::Running | State::Cancelled => held += 1,
                State::Free | State::Gate => unreachable!("not shown"),
            }
        });
        if account == found && account.accepted == found.sum() && held <= found.running {
            Ok(())
        } else {
            Err(Discrepancy { account, found })
        }
    }

    /// Turns that are marked as running, or were taken by somebody without a seat.
    fn running(&self) -> usize {
        let ended = self.outside.ended.all(Ordering::SeqCst);
        let outside = self.outside.taken.get().map_or(0, |taken| taken.load(Ordering::SeqCst).wrapping_sub(ended));
        self.seats().iter().map(Seat::running).sum::<usize>() + outside
    }

    /// Jobs of lanes that were removed, and that were handed back.
    fn removed(&self) -> [usize; 2] {
        let Outside { removed, handed_back, .. } = &*self.outside;
        let handed_back = handed_back.get().map_or(0, |handed_back| handed_back.load(Ordering::SeqCst));
        [removed.load(Ordering::SeqCst), handed_back]
    }

    /// A job was removed from a lane.
    #[inline(never)]
    pub(crate) fn count_removed(&self) {
        self.outside.removed.fetch_add(1, Ordering::SeqCst);
    }

    /// A pending job goes back to who had submitted it.
    #[inline(never)]
    pub(crate) fn count_handed_back(&self) {
        let outside = &self.outside;
        outside.handed_back.get().unwrap_or(&outside.removed).fetch_add(1, Ordering::SeqCst);
    }

    /// Somebody without a seat is about to run a job.
    pub(super) fn count_taken(&self) {
        if let Some(taken) = self.outside.taken.get() {
            taken.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// It waits again.
    pub(super) fn count_not_taken(&self) {
        if let Some(taken) = self.outside.taken.get() {
            taken.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// It has ended.
    pub(super) fn count_ended_outside(&self, end: End) {
        self.outside.ended.word(end).fetch_add(1, Ordering::SeqCst);
    }
}

/// What [`Pool::audit`] has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discrepancy {
    /// What the pool says.
    pub account: Account,
    /// What is there.
    pub found: Account,
}

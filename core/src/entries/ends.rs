//! How a job leaves: it ends, is taken, is cancelled, or goes back to who had put it in.
#![forbid(unsafe_code)]

use super::{Body, Cancel, Entries, Key, Kind, Popped, Slab, State};
use crate::host::Tick;
use crate::wheel::{Link, Timing};

impl<P, S: Slab<P>> Entries<P, S> {
    /// Ends a run of a periodic job that was popped: with its payload it waits again, until the time returned, as its
    /// [`Repeat`](crate::period::Repeat) says; if that has passed, it is due at the next [`Entries::expire`]. [`Tick::MAX`] if it is parked.
    ///
    /// With a payload the next run counts as accepted, whatever becomes of it.
    ///
    /// # Errors
    ///
    /// It does not run again and its entry is free: it was cancelled, its time is over ([`Tick::MAX`]), or there is no
    /// payload. The payload is the caller's to drop, with no lock held.
    pub fn finish(&mut self, key: Key, payload: Option<P>, now: Tick) -> Result<Tick, Option<P>> {
        self.finish_as(key, payload, now, None)
    }

    /// The same of one that has `said` when it runs next.
    pub(crate) fn finish_as(
        &mut self,
        key: Key,
        payload: Option<P>,
        now: Tick,
        said: Option<Tick>,
    ) -> Result<Tick, Option<P>> {
        let state = self.state(key);
        let (State::Running | State::Cancelled, n) = (state, key.index) else {
            debug_assert!(false, "only what was popped and repeats is finished, once");
            return Err(payload);
        };
        self.running -= 1;
        if self.is_special(n) {
            self.give_back(n, false);
        }
        let (due, tag) = (self.slab.link(n).deadline(), self.slab.link(n).tag);
        let body = self.slab.body_mut(n);
        let planned = || tag.repeat(body.period).map_or(Tick::MAX, |repeat| repeat.next(due, now));
        let next = said.unwrap_or_else(planned);
        let payload = match payload {
            Some(payload) if state != State::Cancelled && next != Tick::MAX => payload,
            ended => {
                if ended.is_some() {
                    self.count_accepted();
                    self.count_cancelled(false);
                }
                self.release(n);
                return Err(ended);
            }
        };
        body.payload.fill(payload);
        self.count_accepted();
        if self.is_special(n) && self.wait_special(n, next) {
            return Ok(Tick::MAX);
        }
        self.slab.link_mut(n).tag.state = State::Waiting;
        self.wheel.insert(&mut self.slab, n, next);
        self.waiting += 1;
        Ok(next)
    }

    /// Ends the run of a job that was popped and holds slots of gates: these go to those that wait. `leaves`: a result that
    /// keeps the room that it has, until [`Entries::give`].
    pub fn leave(&mut self, key: Key, leaves: bool) {
        let (State::Running | State::Cancelled) = self.state(key) else {
            debug_assert!(false, "only what was popped and holds something leaves, once");
            return;
        };
        self.running -= 1;
        self.give_back(key.index, leaves);
        self.release(key.index);
    }

    /// Whoever ran it is gone, and its payload too: ends the run, if it runs.
    pub(crate) fn abandon(&mut self, key: Key) {
        if let State::Running | State::Cancelled = self.state(key) {
            self.leave(key, false);
        }
    }

    /// Takes a job that could begin now and runs only once, to run it out of turn. Timers fall due by [`Entries::expire`].
    /// `may_hold`: it may be one that is to [leave](Entries::leave) its gates.
    pub fn take(&mut self, key: Key, may_hold: bool) -> Option<Popped<P>> {
        let n = key.index;
        match self.state(key) {
            State::Due if !matches!(self.slab.link(n).tag.kind, Kind::Periodic | Kind::Alarm) => self.unstack(n),
            State::Ready if may_hold && self.slab.body(n).period == 0 => self.leave_line(n),
            _ => return None,
        }
        Some(self.begin(n))
    }

    /// Cancels a job: a constant amount of work.
    pub fn cancel(&mut self, key: Key) -> Cancel<P> {
        match self.state(key) {
            State::Running | State::Cancelled => {
                self.slab.link_mut(key.index).tag.state = State::Cancelled;
                Cancel::Running
            }
            State::Free | State::Gate => Cancel::Unknown,
            _ => Cancel::Removed(self.remove(key.index)),
        }
    }

    /// Whether a job waits, for whatever.
    pub(crate) fn is_waiting(&self, key: Key) -> bool {
        !matches!(self.state(key), State::Free | State::Gate | State::Running | State::Cancelled)
    }

    /// Removes a job that waits; one that runs goes on.
    pub(crate) fn remove_waiting(&mut self, key: Key) -> Option<P> {
        self.is_waiting(key).then(|| self.remove(key.index))
    }

    /// Takes back a job that has not begun, wherever it waits. It has arrived then: the caller counts what became of it.
    pub(crate) fn recall(&mut self, key: Key) -> Option<P> {
        let n = key.index;
        let is_early = match self.state(key) {
            State::Free | State::Gate | State::Running | State::Cancelled => return None,
            _ if self.is_special(n) => self.take_out_special(n) == (true, true),
            State::Waiting => {
                self.unwait(n);
                true
            }
            _ => {
                self.unstack(n);
                false
            }
        };
        self.count_arrived(usize::from(is_early));
        self.release(n);
        Some(Self::payload(self.slab.body_mut(n)))
    }

    /// Takes out and frees an entry that has its payload.
    pub(super) fn remove(&mut self, n: u32) -> P {
        if self.is_special(n) {
            if let (true, is_early) = self.take_out_special(n) {
                self.count_cancelled(!is_early);
            }
            self.release(n);
            return Self::payload(self.slab.body_mut(n));
        }
        if self.slab.link(n).tag.state == State::Waiting {
            self.unwait(n);
            self.count_cancelled(false);
        } else {
            self.unstack(n);
            self.count_cancelled(true);
        }
        self.release_plain(n);
        // Last, so that it goes straight to where it is returned.
        Self::payload(self.slab.body_mut(n))
    }

    #[inline(always)]
    pub(super) fn unwait(&mut self, n: u32) {
        let was_in = self.wheel.remove(&mut self.slab, n);
        debug_assert!(was_in, "what waits is in the wheel");
        self.waiting -= 1;
    }

    #[inline]
    pub(super) fn unstack(&mut self, n: u32) {
        let &Link { next, prev, .. } = self.slab.link(n);
        self.stack.join(&mut self.slab, prev, next);
        self.due -= 1;
    }

    #[inline(never)]
    pub(super) fn payload(body: &mut Body<P, S::Gating>) -> P {
        body.payload.take().unwrap_or_else(|| unreachable!("what waits or is due has its payload: rule 1"))
    }
}

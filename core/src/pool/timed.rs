//! The pool's timed and urgent jobs: the entries behind their lock, and the words that mirror them.
#![forbid(unsafe_code)]

use lock_api::MutexGuard;

use super::{Duty, Line, Pool};
use crate::entries::{Cancel, Entries, Key, Kind, NotMoved, Slab, Trim};
use crate::host::{Host, Tick};
use crate::id::{JobId, Place};
use crate::pack::Refused;
use crate::part::Part;
use crate::period::Repeat;
use crate::running::Running;
use crate::seat::Seat;
use crate::storage::Storage;
use crate::sync::{AtomicUsize, LOOKS_FIRST, Ordering};

impl<P, H: Host, S: Storage<P>> Pool<P, H, S> {
    /// Changes the entries, then the words that mirror them.
    pub(crate) fn with_entries<T>(&self, change: impl FnOnce(&mut Entries<P, S::Slab>) -> T) -> T {
        let mut entries = self.entries.lock();
        let result = change(&mut entries);
        self.mirror(entries);
        result
    }

    /// Lets go of the entries, which have changed.
    #[inline(never)]
    pub(crate) fn mirror(&self, mut entries: MutexGuard<'_, H::Mutex, Entries<P, S::Slab>>) {
        // Written under this lock only.
        let set = |word: &AtomicUsize, now: usize| {
            if !LOOKS_FIRST || word.load(Ordering::Relaxed) != now {
                word.store(now, Ordering::SeqCst);
            }
        };
        set(&self.came, entries.came());
        match self.next.line.get() {
            Some(line) if entries.patient() | line.patient.load(Ordering::Relaxed) != 0 => {
                self.mirror_line(line, &mut entries);
            }
            _ => set(&self.next.urgent, entries.due()),
        }
        // Last: who looks here, and then for jobs, misses none that is on its way from here to there.
        set(&self.timers, entries.waiting());
        drop(entries);
    }

    /// The same for what workers look at, if there is a line or a pause.
    #[cold]
    #[inline(never)]
    fn mirror_line(&self, line: &Line, entries: &mut Entries<P, S::Slab>) {
        let urgent = if entries.is_paused() { 0 } else { entries.due() };
        let errands = if entries.has_errands() { Line::ERRANDS } else { 0 };
        self.next.urgent.store(urgent | errands, Ordering::SeqCst);
        // Before it is said that there is a first one.
        line.turn.store(entries.turn(self.main().head()), Ordering::Relaxed);
        line.patient.store(entries.patient(), Ordering::SeqCst);
    }

    #[inline(always)]
    fn accepts(&self, nested: bool, due: Tick) -> bool {
        let state = self.state();
        // While it drains, what never runs would be waited for for ever.
        state.is_running() || state.takes_nested() && nested && due < Tick::MAX
    }

    /// Puts a job before all others: last in, first out. `nested`: on behalf of a running job, which is accepted while
    /// the pool drains, too.
    ///
    /// # Errors
    ///
    /// [`Refused`] with the payload: no room in fixed storage, or the pool is closed.
    pub fn submit_first(&self, payload: P, nested: bool) -> Result<(JobId, Duty), Refused<P>> {
        self.insert(Kind::Urgent, payload, nested, Tick::ZERO, None)
    }

    /// Runs a job at `due`, and then again as `repeat` says. A time in the past is now; at [`Tick::MAX`] it never runs.
    /// When it falls due it goes before all jobs that wait in the queue.
    ///
    /// # Errors
    ///
    /// As [`Pool::submit_first`]; for one that never runs the pool is closed as soon as it drains.
    pub fn submit_at(
        &self,
        payload: P,
        nested: bool,
        due: Tick,
        repeat: Option<Repeat>,
    ) -> Result<(JobId, Duty), Refused<P>> {
        let kind = if repeat.is_some() { Kind::Periodic } else { Kind::Delayed };
        self.insert(kind, payload, nested, due, repeat)
    }

    /// One for all kinds that need no gate; the time of an urgent job means nothing.
    fn insert(
        &self,
        kind: Kind,
        payload: P,
        nested: bool,
        due: Tick,
        repeat: Option<Repeat>,
    ) -> Result<(JobId, Duty), Refused<P>> {
        self.insert_by(kind, payload, nested, due, |entries, order, payload| {
            entries.put(kind, order, payload, due, repeat)
        })
    }

    /// Makes room, and puts in what the pool accepts.
    #[inline(always)]
    pub(super) fn insert_by(
        &self,
        kind: Kind,
        payload: P,
        nested: bool,
        due: Tick,
        put: impl FnOnce(&mut Entries<P, S::Slab>, usize, P) -> Result<Key, P>,
    ) -> Result<(JobId, Duty), Refused<P>> {
        let order = self.main().tail();
        let is_timed = !matches!(kind, Kind::Urgent | Kind::Queued);
        let mut entries = loop {
            // Where none of the workers are, one that is not there may hold the lock.
            if S::OWN_LANES && self.state().is_elsewhere() {
                return Err(Refused::Closed(payload));
            }
            let entries = self.entries.lock();
            let Some(need) = entries.needs_room() else { break entries };
            drop(entries);
            // Allocated, and what is left dropped, with no lock held.
            let room = S::Slab::allocate(need);
            let left = self.entries.lock().add_room(room);
            drop(left);
        };
        // Asked under the lock: who closes the pool empties the entries under the same lock afterwards.
        if !self.accepts(nested, due) {
            return Err(Refused::Closed(payload));
        }
        // Whoever minds an earlier deadline will see this one then.
        let minded = is_timed && entries.next_deadline().is_some_and(|next| next <= due);
        let key = put(&mut entries, order, payload).map_err(Refused::Full)?;
        self.mirror(entries);
        let duty = if !is_timed {
            self.call(false)
        } else if minded {
            Duty::Nothing
        } else {
            self.timer_added(due)
        };
        Ok((JobId::in_entry(key.index, key.stamp, order), duty))
    }

    /// Lets a job that waits for its time, delayed or periodic, run at `due` instead: a time in the past is now, [`Tick::MAX`]
    /// never. A periodic job goes on from there. Allocates nothing, and makes nobody get up for a later time.
    ///
    /// # Errors
    ///
    /// [`NotMoved`]; the job goes on as if nobody had asked.
    pub fn reschedule(&self, id: JobId, due: Tick) -> Result<Duty, NotMoved> {
        self.reschedule_by(id, due, |entries, key| entries.reschedule(key, due))
    }

    /// The same, if it waits until `former` still: whoever else has moved it has the last word.
    ///
    /// # Errors
    ///
    /// [`NotMoved`]; [`NotMoved::TooLate`], too, when it waits until another time.
    pub fn reschedule_from(&self, id: JobId, former: Tick, due: Tick) -> Result<Duty, NotMoved> {
        self.reschedule_by(id, due, |entries, key| entries.reschedule_from(key, former, due))
    }

    fn reschedule_by(
        &self,
        id: JobId,
        due: Tick,
        reschedule: impl FnOnce(&mut Entries<P, S::Slab>, Key) -> Result<bool, NotMoved>,
    ) -> Result<Duty, NotMoved> {
        let Place::Entry { index, stamp } = id.place() else { return Err(NotMoved::NotTimed) };
        let mut entries = self.entries.lock();
        // Asked under the lock, as in `insert_by`.
        if !self.accepts(true, due) {
            return Err(NotMoved::Closed);
        }
        let is_next = reschedule(&mut entries, Key { index, stamp })?;
        // As many wait as before: there is nothing to mirror.
        drop(entries);
        Ok(if is_next { self.timer_added(due) } else { Duty::Nothing })
    }

    /// Sees to it that a sleeper wakes in time for a new earliest deadline.
    pub(super) fn timer_added(&self, due: Tick) -> Duty {
        let mut sleepers = self.sleepers.lock();
        if sleepers.deadline() <= due {
            return Duty::Nothing;
        }
        if let Some(woken) = sleepers.pop_sentinel(self.storage.seats()) {
            self.wake_up(woken);
            return Duty::Wake(woken.seat);
        }
        drop(sleepers);
        self.call(true)
    }

    /// Makes the timers that are due urgent, and so pending; returns how many. Workers do it by themselves in time: this is
    /// for who wants to be exact about what is due now.
    pub fn expire(&self) -> usize {
        if self.timers.load(Ordering::SeqCst) == 0 { 0 } else { self.expire_some() }
    }

    /// Whether a job that has waited for its time, and goes before all others, was due by then and has not begun. Looks at no more than
    /// some of them.
    pub fn is_late(&self, by: Tick) -> bool {
        self.expire();
        self.entries.lock().has_due(by)
    }

    /// The same, when there are timers.
    pub(crate) fn expire_some(&self) -> usize {
        let now = self.host.time();
        self.with_entries(|entries| entries.expire(now))
    }

    /// Whether there are timers, and no sleeper minds them.
    pub(crate) fn has_unminded_timers(&self) -> bool {
        self.timers.load(Ordering::Relaxed) > 0 && !self.state().has_sentinel()
    }

    /// The deadline of the earliest timer, or a time before it at which to ask again.
    pub fn next_due(&self) -> Option<Tick> {
        Some(self.next_due_or_never()).filter(|due| *due < Tick::MAX)
    }

    /// The same; [`Tick::MAX`] for none.
    pub(crate) fn next_due_or_never(&self) -> Tick {
        if self.timers.load(Ordering::SeqCst) == 0 {
            return Tick::MAX;
        }
        self.entries.lock().next_deadline().unwrap_or(Tick::MAX)
    }

    /// When the delayed or periodic job that runs was to begin, asked by its worker; [`Tick::MAX`] of another job, and of one that runs
    /// inside another. Where there are no gates that is known of periodic jobs only.
    pub fn due(&self, running: &Running) -> Tick {
        let Some(Place::Entry { index, stamp }) = self.running_id(running).map(JobId::place) else { return Tick::MAX };
        let due = if S::GATES {
            self.storage.seats()[running.seat()].due().filter(|_| running.depth() == 0)
        } else {
            let view = self.entries.lock().get(Key { index, stamp });
            view.filter(|view| view.repeat.is_some()).map(|view| view.due)
        };
        due.unwrap_or(Tick::MAX)
    }

    /// The periodic job that runs is to run next at `due`, asked by its worker: a time in the past is now, at [`Tick::MAX`] it does
    /// not run again. From there it goes on as it would have. Where there are no gates it is not heard, see
    /// [`Fixed`](crate::Fixed).
    pub fn set_next(&self, running: &Running, due: Tick) {
        debug_assert!(running.is_periodic() && running.depth() == 0, "it runs by itself");
        self.storage.seats()[running.seat()].say(due);
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn end_periodic(&self, seat: &Seat<S::Gating>, payload: Option<P>) -> (Option<P>, Duty) {
        let Some(Place::Entry { index, stamp }) = seat.id(0).map(JobId::place) else {
            unreachable!("periodic jobs are entries")
        };
        seat.end(0);
        let key = Key { index, stamp };
        let said = if S::GATES { seat.take_said() } else { None };
        let now = self.host.time();
        let finished = self.with_entries(|entries| {
            // Asked under the lock: who closes the pool cancels the periodic jobs under the same lock afterwards.
            if !self.state().is_running() {
                let _ = entries.cancel(key);
            }
            entries.finish_as(key, payload, now, said)
        });
        let (payload, duty) = match finished {
            Ok(due) => (None, self.timer_added(due)),
            Err(payload) => (payload, Duty::Nothing),
        };
        // What it held of its gates may have let somebody through.
        (payload, if S::GATES && duty == Duty::Nothing { self.call(false) } else { duty })
    }

    /// Cancels one job that is an entry.
    pub(super) fn cancel_entry(&self, key: Key) -> Cancel<P> {
        self.with_entries(|entries| entries.cancel(key))
    }

    /// Gives back room of entries; asks only whether there would be any unless it is `long` that none was needed.
    pub(super) fn trim_entries(&self, long: bool) -> bool {
        if !S::OWN_LANES {
            // Fixed storage has none to give.
            return false;
        }
        let mut search = None;
        loop {
            let mut entries = self.entries.lock();
            if !entries.has_surplus() {
                return false;
            }
            if !long {
                return true;
            }
            let trim = entries.trim(search);
            drop(entries);
            match trim {
                Trim::Goes(next) => search = Some(next),
                Trim::Over(surplus) => {
                    drop(surplus);
                    return false;
                }
            }
        }
    }
}

//! The pool's timed and urgent jobs: the entries behind their lock, and the counts that mirror them.
#![forbid(unsafe_code)]

use lock_api::MutexGuard;

use crate::entries::{Cancel, Entries, Key, Kind, Popped, Slab};
use crate::host::{Host, Tick};
use crate::id::{JobId, Place};
use crate::period::Repeat;
use crate::pool::{Duty, Pool, Refused};
use crate::state::Phase;
use crate::storage::Storage;
use crate::sync::{AtomicUsize, LOOKS_FIRST, Ordering};

impl<P, H: Host, S: Storage<P>> Pool<P, H, S> {
    /// Changes the entries, then the counts that mirror them.
    pub(crate) fn with_entries<T>(&self, change: impl FnOnce(&mut Entries<P, S::Slab>) -> T) -> T {
        let mut entries = self.entries.lock();
        let result = change(&mut entries);
        self.mirror(entries);
        result
    }

    /// Lets go of the entries, which have changed.
    #[inline(never)]
    fn mirror(&self, entries: MutexGuard<'_, H::Mutex, Entries<P, S::Slab>>) {
        // Written under this lock only.
        let set = |count: &AtomicUsize, now: usize| {
            if !LOOKS_FIRST || count.load(Ordering::Relaxed) != now {
                count.store(now, Ordering::SeqCst);
            }
        };
        set(&self.urgent, entries.due());
        set(&self.timers, entries.waiting());
        drop(entries);
    }

    fn accepts(&self, nested: bool, due: Tick) -> bool {
        match self.state().phase() {
            Phase::Running => true,
            // What never runs would be waited for for ever.
            Phase::Draining => nested && due < Tick::MAX,
            Phase::Stopping => false,
        }
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

    /// One for all kinds; the time of an urgent job means nothing.
    fn insert(
        &self,
        kind: Kind,
        payload: P,
        nested: bool,
        due: Tick,
        repeat: Option<Repeat>,
    ) -> Result<(JobId, Duty), Refused<P>> {
        let order = self.main().tail();
        loop {
            let mut entries = self.entries.lock();
            if let Some(need) = entries.needs_room() {
                drop(entries);
                // Allocated, and what is left dropped, with no lock held.
                let room = S::Slab::allocate(need);
                let left = self.entries.lock().add_room(room);
                drop(left);
                continue;
            }
            // Asked under the lock: who closes the pool empties the entries under the same lock afterwards.
            if !self.accepts(nested, due) {
                return Err(Refused::Closed(payload));
            }
            // Whoever minds an earlier deadline will see this one then.
            let minded = kind != Kind::Urgent && entries.next_deadline().is_some_and(|next| next <= due);
            let key = entries.put(kind, order, payload, due, repeat).map_err(Refused::Full)?;
            if kind == Kind::Urgent {
                self.became_due.fetch_add(1, Ordering::SeqCst);
            }
            self.mirror(entries);
            let duty = match kind {
                Kind::Urgent => self.call(false),
                Kind::Delayed | Kind::Periodic if minded => Duty::Nothing,
                Kind::Delayed | Kind::Periodic => self.timer_added(due),
            };
            return Ok((JobId::in_entry(key.index, key.stamp, order), duty));
        }
    }

    /// Sees to it that a sleeper wakes in time for a new earliest deadline.
    fn timer_added(&self, due: Tick) -> Duty {
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

    /// The same, when there are timers.
    pub(crate) fn expire_some(&self) -> usize {
        let now = self.host.now();
        self.with_entries(|entries| {
            let expired = entries.expire(now);
            self.became_due.fetch_add(expired, Ordering::SeqCst);
            expired
        })
    }

    /// The top of the urgent stack; `mark` is told its id under the lock.
    pub(crate) fn pop_due(&self, mark: impl FnOnce(JobId)) -> Option<Popped<P>> {
        self.with_entries(|entries| {
            let popped = entries.pop()?;
            mark(JobId::in_entry(popped.key.index, popped.key.stamp, popped.order));
            Some(popped)
        })
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

    #[cold]
    #[inline(never)]
    pub(crate) fn end_periodic(&self, id: JobId, payload: Option<P>) -> (Option<P>, Duty) {
        let Place::Entry { index, stamp } = id.place() else { unreachable!("periodic jobs are entries") };
        let key = Key { index, stamp };
        let now = self.host.now();
        let finished = self.with_entries(|entries| {
            // Asked under the lock: who closes the pool cancels the periodic jobs under the same lock afterwards.
            if self.state().phase() != Phase::Running {
                let _ = entries.cancel(key);
            }
            entries.finish(key, payload, now)
        });
        match finished {
            Ok(due) => (None, self.timer_added(due)),
            Err(payload) => (payload, Duty::Nothing),
        }
    }

    /// Cancels one timed or urgent job.
    pub(crate) fn cancel_entry(&self, key: Key) -> Cancel<P> {
        self.with_entries(|entries| {
            let due = entries.due();
            let cancel = entries.cancel(key);
            if entries.due() < due {
                // It was pending, and is not any more.
                self.count_removed(1);
            }
            cancel
        })
    }
}

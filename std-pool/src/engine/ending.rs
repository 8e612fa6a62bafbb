//! The end of a pool, and its new beginning: what the edges of its life make somebody do.
//!
//! Nobody's code runs and nothing of a user's is dropped with a lock held. Who has a deadline drops nothing of a user's at all,
//! runs no job, and joins no thread that is there: it leaves what it has removed in the *morgue*, for a worker.
#![forbid(unsafe_code)]

use std::ptr::NonNull;
use std::sync::Arc;

use fastthreadpool_core::{JobId, Kinds, Phase};

use crate::engine::config::OnDrop;
use crate::engine::host;
use crate::engine::life::{Close, Duty, Event, Stage};
use crate::engine::removal::Keep;
use crate::engine::{Engine, Payload};
use crate::here::blocking;
use crate::here::call::drop_quietly;
use crate::here::frame::{Employer, Frame, Kind, OUTSIDE};
use crate::here::inside;
use crate::here::job::{JobKind, RemovedJob};
use crate::here::removed::CancelReason;
use crate::sync::event::Event as Signal;
use crate::sync::time::{Deadline, WORLD};
use crate::sys::atomic::Ordering;
use crate::sys::{Mutex, thread};

/// What was removed by somebody who has no time to drop it.
pub(crate) struct Morgue(Mutex<Vec<(JobId, JobKind, Payload)>>);

impl Morgue {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }

    fn bury(&self, engine: &Engine) {
        while let Some((id, kind, payload)) = { self.0.lock().pop() } {
            engine.bury_removed(id, kind, CancelReason::Shutdown, payload);
        }
    }
}

impl Engine {
    /// An edge of the life. The phase of the word follows under the lock, so that the two always agree.
    fn event(&self, event: Event) -> (Duty, u64) {
        let mut life = self.life.lock();
        let duty = life.event(event);
        if duty != Duty::Nothing {
            self.core.set_phase(life.stage.phase());
        }
        (duty, life.round)
    }

    /// Closes the pool; returns its round. `in_time`: whatever takes a user's time is left to a worker.
    fn close(&self, how: Close, in_time: bool) -> u64 {
        let keep = |id, kind, payload| {
            if in_time {
                self.morgue.0.lock().push((id, kind, payload));
            } else {
                self.bury_removed(id, kind, CancelReason::Shutdown, payload);
            }
        };
        self.close_by(how, &mut { keep }, &mut || self.remove_all(Kinds::Jobs, &mut { keep }))
    }

    /// The same: `keep` is given what would never end, `sweep` removes all that has not begun.
    fn close_by(&self, how: Close, keep: &mut Keep<'_>, sweep: &mut dyn FnMut()) -> u64 {
        let (duty, round) = self.event(Event::Close(how));
        if let (Some(want), false) = (self.want_somebody.get(), duty == Duty::Nothing) {
            want(self);
        }
        match duty {
            Duty::Drain => {
                self.end_pauses();
                self.removing(|| self.remove_endless(keep));
            }
            Duty::Sweep => {
                // What a pause holds back does not begin any more.
                self.removing(&mut *sweep);
                self.end_pauses();
                if self.event(Event::Swept(round)) == (Duty::Stop, round) {
                    self.core.stop_running();
                    self.removing(sweep);
                }
            }
            _ => return round,
        }
        self.each_party(&mut |party| party.turn_away());
        if !self.morgue.is_empty() {
            self.perform_or_leave(self.core.demand());
        }
        self.wake_all();
        self.tell_stopped();
        self.has_removed();
        round
    }

    fn end_pauses(&self) {
        self.perform_or_leave(self.core.resume());
        self.each_party(&mut |party| self.perform_or_leave(party.end_pause(self)));
    }

    /// Looks whether the pool has ended: whoever may have been the last to do something calls it.
    pub(crate) fn settle(&self) {
        if self.core.phase() == Phase::Running {
            return;
        }
        let (stage, round) = {
            let life = self.life.lock();
            (life.stage, life.round)
        };
        // Read after the phase was set: nothing is accepted any more but from a job that is there.
        let is_idle = || {
            let account = self.core.account();
            account.pending() == 0 && account.waiting == 0
        };
        let may_end = matches!(stage, Stage::Draining | Stage::Stopping);
        let is_quiet = may_end && self.core.alive() == 0 && self.morgue.is_empty() && is_idle();
        if is_quiet && self.event(Event::Quiet(round)).0 == Duty::Close {
            self.each_party(&mut |party| party.close(round));
            self.quiet.notify();
            self.wake_wall();
        }
    }

    /// What workers of a closed pool do before they leave.
    pub(crate) fn bury_morgue(&self) {
        self.morgue.bury(self);
    }

    /// Waits until a round is over: it was closed, all jobs have ended, all threads are gone, all callbacks have been called.
    /// False when the time is over, or the pool was opened again.
    fn wait_for(self: &Arc<Self>, round: u64, deadline: Deadline<'_>) -> bool {
        let in_time = !deadline.is_never();
        let look = || {
            if !in_time {
                self.help_to_end();
            }
            self.settle();
            self.look(round)
        };
        // A pool that is dropped has often next to nothing left to do, and its threads end sooner than this one would be
        // asleep and up again.
        let soon = (0..).take_while(|look| host::relax(*look)).find_map(|_| look());
        let wait = || self.attended(|| Signal::wait_any(&[&self.quiet], deadline, look));
        let is_over = soon.or_else(|| blocking::anyway(wait)).unwrap_or(false);
        if is_over {
            self.join_gone();
        } else if in_time {
            self.life.lock().give_up(round);
        }
        is_over
    }

    /// Waits for the same, whoever closes the pool.
    pub(crate) fn wait_ended(self: &Arc<Self>, deadline: Deadline<'_>) -> bool {
        if self.is_elsewhere() || inside::is_in(self.address()) {
            return false;
        }
        let round = self.life.lock().round;
        let look = || self.look(round);
        blocking::anyway(|| self.attended(|| Signal::wait_any(&[&self.quiet], deadline, look))).unwrap_or(false)
    }

    /// Whether a round is over, as far as those see it who wait; `Some(false)` if the pool was opened again.
    fn look(&self, round: u64) -> Option<bool> {
        let is_over = self.life.lock().is_over(round);
        match is_over {
            None => Some(false),
            Some(false) => None,
            Some(true) => {
                let mut is_told = true;
                self.each_party(&mut |party| is_told &= party.is_told());
                is_told.then_some(true)
            }
        }
    }

    /// Nobody may be left who works, though there is work: threads could not be started when it came. Then who waits does it.
    fn help_to_end(self: &Arc<Self>) {
        if self.core.alive() > 0 {
            return;
        }
        self.morgue.bury(self);
        // Not whether something is pending: that may be run by the thread of a scope.
        if self.core.phase() == Phase::Running || !(self.core.has_visible_work() || self.core.timers() > 0) {
            return;
        }
        if self.perform(self.core.demand()).is_err() && !std::mem::replace(&mut self.life.lock().is_lent, true) {
            let employer: NonNull<dyn Employer> = NonNull::from(&**self);
            let frame = Frame::new(Kind::Worker(employer, 0), self.address(), OUTSIDE);
            frame.enter(|frame| self.work_in_place(frame));
            self.life.lock().is_lent = false;
            self.quiet.notify();
        }
    }

    /// Closes the pool and waits for its end. From inside of a job, which cannot end while it waits, on a thread of a worker, or by
    /// what a sweep drops, it only closes.
    pub(crate) fn shutdown(self: &Arc<Self>, how: Close, deadline: Deadline<'_>) -> bool {
        if self.is_elsewhere() {
            return false;
        }
        let round = self.close(how, !deadline.is_never());
        !inside::is_in(self.address()) && self.wait_for(round, deadline)
    }

    /// Stops the pool and waits for its end, as [`Engine::shutdown`]. Returns what this call has removed.
    pub(crate) fn shutdown_now(self: &Arc<Self>) -> Vec<RemovedJob> {
        let mut told = Vec::new();
        if self.is_elsewhere() {
            return told;
        }
        let reason = CancelReason::Shutdown;
        let mut bury = |id, kind, payload| self.bury_removed(id, kind, reason, payload);
        let mut sweep = || self.remove_each(Kinds::Jobs, &mut self.telling(reason, &mut told));
        let round = self.close_by(Close::Stop, &mut bury, &mut sweep);
        if !inside::is_in(self.address()) {
            self.wait_for(round, Deadline::NEVER);
        }
        told
    }

    /// Closes the pool; nobody waits for it, nor will the last handle.
    pub(crate) fn detach(&self) {
        if !self.is_elsewhere() {
            let round = self.close(Close::Drain, true);
            // There still is the handle by which it is called.
            self.life.lock().give_up(round);
        }
    }

    fn leave_to_itself(&self) -> bool {
        self.close(Close::Drain, true);
        false
    }

    /// The last handle is gone.
    pub(crate) fn abandon(self: &Arc<Self>) {
        if self.is_elsewhere() {
            return;
        }
        self.abandoned.store(true, Ordering::SeqCst);
        self.each_party(&mut |party| self.perform_or_leave(party.lift(self)));
        let is_given_up = self.life.lock().is_given_up;
        let ended = if thread::panicking() {
            // Whatever is waited for, a panic is not to wait for it.
            self.close(Close::Stop, true);
            false
        } else {
            match self.config.on_drop {
                _ if is_given_up => self.leave_to_itself(),
                OnDrop::Detach => self.leave_to_itself(),
                OnDrop::Wait => self.shutdown(Close::Drain, Deadline::NEVER),
                // Of the world, even if the pool follows another: who would turn that?
                OnDrop::WaitTimeout(limit) => self.shutdown(Close::Drain, WORLD.after(limit)),
                OnDrop::Stop => self.shutdown(Close::Stop, Deadline::NEVER),
            }
        };
        // Callbacks end now that nobody is left who could open the pool again.
        self.quiet.notify();
        self.each_party(&mut |party| party.wake());
        if ended {
            self.join_callbacks();
        }
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::SeqCst)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.core.phase() != Phase::Running
    }

    /// Whether what runs on threads that are no workers is told to stop: not where the pool has only drained.
    pub(crate) fn is_stopped(&self) -> bool {
        self.core.phase() == Phase::Stopping && self.life.lock().is_stopped
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.life.lock().stage == Stage::Ended
    }

    /// Removes everything that waits, empties the queues of results, and accepts jobs again.
    pub(crate) fn reopen(&self) {
        if self.is_elsewhere() {
            return;
        }
        let mut bury = |id, kind, payload| self.bury_removed(id, kind, CancelReason::Shutdown, payload);
        self.removing(|| self.remove_all(Kinds::Jobs, &mut bury));
        self.morgue.bury(self);
        let mut results = Vec::new();
        self.each_party(&mut |party| results.push(party.take_results()));
        let (_, round) = self.event(Event::Reopen);
        self.each_party(&mut |party| party.open(round));
        self.quiet.notify();
        self.has_removed();
        results.into_iter().for_each(drop_quietly);
    }
}

impl Engine {
    /// Ends the process if the account does not balance now that nothing is left: a mistake of this library, which a panic in the
    /// destructors of a thread would hide.
    fn assert_balance(&self) {
        let account = self.core.account();
        let is_empty = account.pending() == 0 && account.waiting == 0;
        if self.core.audit().is_err() || !is_empty || account.accepted != account.sum() {
            eprintln!("the account of a pool does not balance: {account:?}, {:?}", self.core.audit());
            std::process::abort();
        }
        // Groups and scopes count for themselves; who waits for one refers to its engine.
        if let Some(slot) = self.slots.unsettled() {
            eprintln!("the account of a group does not balance: {slot}");
            std::process::abort();
        }
    }
}

impl Engine {
    /// Nobody has a reference any more.
    pub(super) fn conclude(&mut self) {
        if let Some(fork) = self.parts.fork.get_mut() {
            fork.leave();
        }
        if self.is_elsewhere() {
            return;
        }
        // What was never run, because no thread could be started, ends here, while all that it refers to is there.
        let this = &*self;
        this.remove_all(Kinds::All, &mut |id, kind, payload| {
            this.bury_removed(id, kind, CancelReason::Shutdown, payload);
        });
        this.morgue.bury(this);
        if cfg!(debug_assertions) {
            self.assert_balance();
        }
    }
}

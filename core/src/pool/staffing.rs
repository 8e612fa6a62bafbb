//! How many workers there are to be: changes of that, and starts that no work asks for. The order is in `staff`.
#![forbid(unsafe_code)]

use alloc::vec::Vec;

use super::{Duty, Pool};
use crate::host::Host;
use crate::state::{Edge, State};
use crate::storage::{Growing, Storage};
use crate::sync::Ordering;
use crate::worker::Worker;

impl<P: Send, H: Host> Pool<P, H, Growing<P, H::Mutex>> {
    /// How many workers are wanted, those apart whose jobs wait, and [visitors](Pool::visit).
    pub fn wanted(&self) -> usize {
        let _sleepers = self.sleepers.lock();
        self.storage.staff.wanted_of_own()
    }

    /// A worker that nobody asked for, which is one more than wanted: it makes way for nobody, nor anybody for it, until it
    /// [leaves](Worker::leave). `None` when all seats are taken.
    pub fn visit(&self) -> Option<Worker<'_, P, H, Growing<P, H::Mutex>>> {
        let seat = self.take_seat()?;
        let (before, visits) = {
            let _sleepers = self.sleepers.lock();
            // The word first: as long as this one is not counted as wanted nobody is called in its place, since it searches.
            (Edge::ENLIST.take(&self.word), self.storage.staff.visitor_comes())
        };
        self.count_alive(Edge::ENLIST.from(before));
        let mut visitor = self.seated(seat);
        visitor.begin_visit(visits);
        Some(visitor)
    }

    /// The largest number of workers that there were at the same time, those included that were about to start.
    pub fn largest(&self) -> usize {
        self.storage.staff.largest()
    }

    /// Before anybody works: of the workers that are more than `least`, each ends when it has had nothing to do for so many ticks. The
    /// default is that they stay; so does `u64::MAX` say.
    ///
    /// One stays beyond that as long as something waits for its time.
    pub fn keep(&mut self, least: usize, ticks: u64) {
        self.storage.staff.keep(least, ticks);
    }

    /// From now on so many workers are wanted; with 0 none works. Those that are too many end before they would look for their next
    /// job. What is now to be done is given to `perform`.
    ///
    /// Workers on seats beyond the number that the pool was made for have no lane of their own: jobs that their jobs submit go to the
    /// end of the queue.
    ///
    /// # Errors
    ///
    /// When there are not so many seats: how many there are.
    pub fn want(&self, workers: usize, perform: &mut dyn FnMut(Duty)) -> Result<(), usize> {
        let limit = self.storage.limit();
        if workers > limit {
            return Err(limit);
        }
        let woken: Vec<_> = {
            let mut sleepers = self.sleepers.lock();
            let visitors = self.storage.staff.want(workers);
            let surplus = Edge::NONE.take(&self.word).surplus(self.size());
            // Those that do not sleep see it by themselves; and visitors that do are not meant.
            let most = if surplus > 0 { surplus + visitors } else { 0 };
            (0..most).map_while(|_| self.pop_sleeper(&mut sleepers)).collect()
        };
        for seat in woken {
            perform(Duty::Wake(seat));
        }
        let inside = self.inside();
        if self.wants_somebody(inside.pinned()) {
            perform(self.call(true));
        }
        Ok(())
    }

    /// Asks for one worker more although no work does. [`Duty::Nothing`]: there are as many as wanted, or the pool is closed.
    pub fn start_one(&self) -> Duty {
        self.start_if(|state| state.is_running() && state.has_room(self.size()))
    }

    /// The same for one that is more than wanted, if no more than `most` are: it begins what goes before all others, as long as there
    /// is such a job, and ends.
    pub fn start_extra(&self, most: usize) -> Duty {
        self.start_if(|state| {
            let size = self.size();
            state.takes_nested() && state.alive() < size.limit && state.surplus(size) < most
        })
    }

    fn start_if(&self, may_start: impl Fn(State) -> bool) -> Duty {
        let mut seen = self.word.load(Ordering::SeqCst);
        loop {
            let state = State(seen);
            if !may_start(state) {
                return Duty::Nothing;
            }
            let next = state.start_beforehand();
            match self.word.compare_exchange_weak(seen, next.0, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => {
                    self.storage.staff.count(next.alive());
                    return Duty::Start;
                }
                Err(now) => seen = now,
            }
        }
    }
}

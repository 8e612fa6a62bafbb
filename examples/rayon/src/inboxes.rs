//! What each index has to do of broadcasts.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use fastthreadpool::{JobId, Pool};

use crate::errands::Errands;
use crate::jobs::Jobs;
use crate::unwind::lock;

/// The part of a broadcast that is for one index, which it is given.
pub(crate) type Part = Box<dyn FnOnce(usize) + Send>;

/// Who waits for a broadcast: the address of its scope's jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiter(usize);

impl Waiter {
    pub(crate) const NOBODY: Self = Self(0);

    pub(crate) fn new(jobs: &Arc<Jobs>) -> Self {
        Self(Arc::as_ptr(jobs).addr())
    }
}

/// For how long a thread that is not meant keeps out of the way. Several times what it takes to wake another.
const MOMENT: Duration = Duration::from_millis(1);

pub(crate) struct Inboxes {
    state: Mutex<State>,
    emptied: Condvar,
}

struct State {
    boxes: Box<[VecDeque<(Waiter, Part)>]>,
    errands: Errands,
}

impl State {
    /// The oldest part for this index, or else for any.
    fn next(&mut self, index: Option<usize>) -> Option<(usize, Part)> {
        let index = index.or_else(|| self.boxes.iter().position(|inbox| !inbox.is_empty()))?;
        let (_, part) = self.boxes[index].pop_front()?;
        Some((index, part))
    }

    /// The oldest part for this index that this one waits for.
    fn next_of(&mut self, waiter: Waiter, index: usize) -> Option<(usize, Part)> {
        let inbox = &mut self.boxes[index];
        let place = inbox.iter().position(|(whose, _)| *whose == waiter)?;
        let (_, part) = inbox.remove(place)?;
        Some((index, part))
    }

    fn is_empty(&self) -> bool {
        self.boxes.iter().all(VecDeque::is_empty)
    }
}

impl Inboxes {
    pub(crate) fn new(number: usize) -> Self {
        let state = State { boxes: (0..number).map(|_| VecDeque::new()).collect(), errands: Errands::default() };
        Self { state: Mutex::new(state), emptied: Condvar::new() }
    }

    /// One part for each.
    pub(crate) fn put(&self, waiter: Waiter, mut part: impl FnMut() -> Part) {
        lock(&self.state).boxes.iter_mut().for_each(|inbox| inbox.push_back((waiter, part())));
    }

    /// Somebody comes for a part.
    pub(crate) fn sent(&self, errand: JobId) {
        lock(&self.state).errands.sent(errand);
    }

    /// The oldest part for this index, for an errand. Without an index the thread stands in for another: then any.
    pub(crate) fn next(&self, index: Option<usize>) -> Option<(usize, Part)> {
        let mut state = lock(&self.state);
        state.errands.begun();
        let part = state.next(index)?;
        self.tell(&state);
        Some(part)
    }

    /// The oldest part for this index, without an errand of this pool; of what a certain one waits for, or of all.
    pub(crate) fn next_without(&self, pool: &Pool, index: usize, waiter: Option<Waiter>) -> Option<(usize, Part)> {
        let (part, spare) = {
            let mut state = lock(&self.state);
            let part = match waiter {
                Some(waiter) => state.next_of(waiter, index)?,
                None => state.next(Some(index))?,
            };
            self.tell(&state);
            (part, state.errands.spare())
        };
        if let Some(errand) = spare {
            pool.cancel(errand);
        }
        Some(part)
    }

    fn tell(&self, state: &State) {
        if state.is_empty() {
            self.emptied.notify_all();
        }
    }

    pub(crate) fn are_empty(&self) -> bool {
        lock(&self.state).is_empty()
    }

    /// Keeps the present thread busy, so that another looks for work; at most for a moment.
    pub(crate) fn wait_a_moment(&self) {
        let are_full = |state: &mut State| !state.is_empty();
        drop(self.emptied.wait_timeout_while(lock(&self.state), MOMENT, are_full));
    }
}

//! When a job is to run, as its pool sees it: by the ticks; and what follows the system's clock, if the job does.
#![forbid(unsafe_code)]

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use fastthreadpool_core::{JobId, NotMoved, Tick};

use crate::engine::Engine;
use crate::engine::clock::{Clock, Reading, System};

/// A time of the system's clock, and who minds that for jobs of an engine: so that only programs that name such a time have what it
/// takes.
#[derive(Clone, Copy)]
pub(crate) struct WallTime {
    pub(crate) time: SystemTime,
    mind: Mind,
}

type Mind = fn(&Arc<Engine>) -> io::Result<Arc<dyn Follows>>;

impl WallTime {
    pub(crate) fn new(time: SystemTime, mind: Mind) -> Self {
        Self { time, mind }
    }

    /// As the clock stands now.
    pub(crate) fn tick(self) -> Tick {
        System.read().tick_at(self.time)
    }

    /// A job of this engine is about to wait for it.
    ///
    /// # Errors
    ///
    /// When nobody can mind the clock.
    pub(crate) fn due(self, engine: &Arc<Engine>) -> io::Result<Due> {
        let wall = (self.mind)(engine)?;
        let Reading { tick, time } = wall.read();
        if self.time <= time {
            return Ok(Due::at(tick));
        }
        let changes = Arc::clone(&wall).come(engine)?;
        let following = Following { wall, time: self.time, changes };
        Ok(Due { tick: following.wall.read().tick_at(self.time), following: Some(following) })
    }
}

impl PartialEq for WallTime {
    fn eq(&self, other: &Self) -> bool {
        self.time == other.time
    }
}

impl Eq for WallTime {}

impl fmt::Debug for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.time.fmt(f)
    }
}

/// Minds the clock for jobs that follow it.
pub(crate) trait Follows: Send + Sync {
    /// What the clocks say.
    fn read(&self) -> Reading;

    /// A job is about to be listed; said before the clock is read for it. Returns how often that was set until now.
    fn come(self: Arc<Self>, engine: &Arc<Engine>) -> io::Result<u64>;

    /// The job waits until that tick, which is that time by a clock that had been set so often.
    fn list(&self, engine: &Engine, id: JobId, listed: Listed, changes: u64);

    /// The same for one that is moved there.
    fn reschedule(&self, engine: &Engine, id: JobId, listed: Listed, changes: u64) -> Result<(), NotMoved>;

    /// One that was about to be listed was, or will not be.
    fn leave(&self);

    /// Many of the jobs may be gone.
    fn wake(&self);
}

/// Until when a job waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) tick: Tick,
    pub(crate) time: SystemTime,
}

/// When a job is to run.
pub(crate) struct Due {
    pub(crate) tick: Tick,
    following: Option<Following>,
}

/// It is about to be listed, until dropped.
struct Following {
    wall: Arc<dyn Follows>,
    time: SystemTime,
    changes: u64,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.wall.leave();
    }
}

impl Due {
    pub(crate) fn at(tick: Tick) -> Self {
        Self { tick, following: None }
    }

    /// The job was accepted.
    pub(crate) fn accepted(self, engine: &Engine, id: JobId) {
        if let Some(following) = &self.following {
            let listed = Listed { tick: self.tick, time: following.time };
            following.wall.list(engine, id, listed, following.changes);
        }
    }
}

impl Engine {
    /// Gives a job that waits for its time one of the system's clock, which it follows from then on.
    pub(crate) fn reschedule_by_clock(self: &Arc<Self>, id: JobId, when: WallTime) -> Result<(), NotMoved> {
        if self.is_elsewhere() {
            return Err(NotMoved::Closed);
        }
        let due = self.due_or_fixed(id, when);
        match &due.following {
            Some(following) => {
                let listed = Listed { tick: due.tick, time: following.time };
                following.wall.reschedule(self, id, listed, following.changes)
            }
            None => self.reschedule(id, due.tick),
        }
    }

    /// A job that is there waits for a time; as the clock stands now, if nobody can mind it.
    pub(crate) fn due_or_fixed(self: &Arc<Self>, id: JobId, when: WallTime) -> Due {
        when.due(self).unwrap_or_else(|error| {
            log::error!("{}: job {id} does not follow the clock: {error}", self.config.name_prefix);
            Due::at(when.tick())
        })
    }

    /// Many jobs may be gone that have followed the clock.
    pub(crate) fn wake_wall(&self) {
        if let Some(wall) = self.wall.get() {
            wall.wake();
        }
    }
}

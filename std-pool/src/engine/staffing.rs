//! How many threads there are to be: changes of that, and threads that are started beforehand.
#![forbid(unsafe_code)]

use std::io;

use fastthreadpool_core::Duty;

use crate::engine::Engine;
use crate::engine::life::{Life, Stage};

impl Engine {
    /// From now on so many threads are wanted; one at least if the pool is closed, for it is to end. `Err`: the most that there may
    /// be.
    pub(crate) fn set_threads(&self, number: usize) -> Result<(), usize> {
        if self.is_elsewhere() {
            return Ok(());
        }
        if self.is_threadless() {
            return if number == 0 { Ok(()) } else { Err(0) };
        }
        // Before the stage is asked: who closes the pool afterwards calls it.
        self.want_somebody.get_or_init(|| Self::want_somebody);
        let duties = {
            let life = self.life.lock();
            let least = usize::from(life.stage != Stage::Open);
            self.want(number.max(least), &life)?
        };
        self.perform_all(duties);
        Ok(())
    }

    /// The pool was closed just now: somebody is to bring it to its end.
    fn want_somebody(&self) {
        if self.core.wanted() > 0 {
            return;
        }
        let duties = {
            let life = self.life.lock();
            let is_wanted = life.stage == Stage::Open || self.core.wanted() > 0;
            if is_wanted { Vec::new() } else { self.want(1, &life).unwrap_or_default() }
        };
        self.perform_all(duties);
    }

    /// Changes the number; with the life locked, so that it fits the stage. What is to be done, when it is not locked any more.
    fn want(&self, number: usize, _: &Life) -> Result<Vec<Duty>, usize> {
        let mut duties = Vec::new();
        self.core.want(number, &mut |duty| duties.push(duty))?;
        Ok(duties)
    }

    fn perform_all(&self, duties: Vec<Duty>) {
        for duty in duties {
            self.perform_or_leave(duty);
        }
    }

    /// Starts so many threads more, if there may be so many. Returns how many; `Err` when one cannot be started.
    pub(crate) fn start_threads(&self, number: usize) -> io::Result<usize> {
        let mut started = 0;
        while started < number && !self.is_elsewhere() && !self.is_threadless() && self.core.start_one() == Duty::Start
        {
            self.try_start()?;
            started += 1;
        }
        Ok(started)
    }
}

//! Threads that play one at a time, in an order drawn from a seed, in a time of their own: what the primitives of this crate do on
//! such a thread instead. On any other they are the world's.

use std::io;
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fastthreadpool_core::Tick;

use crate::sys::simulated::stage::{BEGIN, State, present};
use crate::sys::world;

mod stage;

pub(crate) use stage::{Faults, Stage};

/// In which play a thread is, if in one.
pub(crate) struct Scene(Option<Arc<Stage>>);

impl Scene {
    /// That of the present thread.
    pub(crate) fn present() -> Self {
        Self(present(|stage, _| Arc::clone(stage)))
    }

    /// Whether the present thread is in the same one, or neither is in one: what is shared by all the process is not to tell of others.
    pub(crate) fn is_present(&self) -> bool {
        let goes_on = |stage: &&Arc<Stage>| !stage.is_over();
        match (self.0.as_ref().filter(goes_on), Self::present().0) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, &other),
            _ => false,
        }
    }
}

/// Whether the present thread is simulated.
pub(crate) fn is_simulated() -> bool {
    present(|_, _| ()).is_some()
}

/// Others may play now.
pub(crate) fn point() {
    present(|stage, number| stage.pass_on(number, State::Ready));
}

/// A job is about to call the user's function, which panics then at times.
pub(crate) fn begin_job() {
    if present(|stage, _| stage.happens(|faults| faults.jobs)) == Some(true) {
        // The panic hook is not called: it is no news.
        resume_unwind(Box::new("a simulated panic"));
    }
}

/// Less than that, drawn from the seed; `None` on a thread that is not simulated.
pub(crate) fn random(below: u64) -> Option<u64> {
    present(|stage, _| stage.random(below.max(1)))
}

/// The time of the play.
pub(crate) fn now() -> Option<Tick> {
    present(|stage, _| stage.now())
}

/// What the clock of the system says; in a play a round time when that begins.
pub(crate) fn system_now() -> SystemTime {
    const ROUND: Duration = Duration::from_secs(1_767_225_600);
    let played = now().map(|now| SystemTime::UNIX_EPOCH + ROUND + Duration::from_nanos(now.0 - BEGIN));
    played.unwrap_or_else(SystemTime::now)
}

/// Parks until that time, or until it is woken. False on a thread that is not simulated.
pub(crate) fn park_until(deadline: Tick) -> bool {
    present(|stage, number| stage.pass_on(number, State::Parked(deadline))).is_some()
}

pub(crate) fn park() {
    if !park_until(Tick::MAX) {
        world::park();
    }
}

pub(crate) fn yield_now() {
    if is_simulated() {
        point();
    } else {
        world::yield_now();
    }
}

/// A thread, be it simulated or not.
#[derive(Clone, Debug)]
pub(crate) struct Thread(world::Thread);

impl Thread {
    pub(crate) fn unpark(&self) {
        present(|stage, _| stage.wake(&self.0));
        self.0.unpark();
        point();
    }
}

impl Deref for Thread {
    type Target = world::Thread;

    fn deref(&self) -> &world::Thread {
        &self.0
    }
}

/// As many processors as a play has, wherever it is played.
const PROCESSORS: NonZeroUsize = NonZeroUsize::new(4).unwrap();

pub(crate) fn available_parallelism() -> io::Result<NonZeroUsize> {
    if is_simulated() { Ok(PROCESSORS) } else { world::available_parallelism() }
}

pub(crate) fn current() -> Thread {
    Thread(world::current())
}

/// What starts a thread. What a simulated thread starts is simulated.
pub(crate) struct Builder(world::Builder);

impl Builder {
    pub(crate) fn new() -> Self {
        Self(world::Builder::new())
    }

    pub(crate) fn name(self, name: String) -> Self {
        Self(self.0.name(name))
    }

    pub(crate) fn stack_size(self, bytes: usize) -> Self {
        Self(self.0.stack_size(bytes))
    }

    pub(crate) fn spawn<T: Send + 'static>(self, f: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
        if present(|stage, _| stage.happens(|faults| faults.starts)) == Some(true) {
            return Err(io::Error::other("a simulated thread that does not start"));
        }
        self.start(f)
    }

    /// The same, but that a simulated thread starts in any case.
    pub(crate) fn start<T: Send + 'static>(self, f: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
        let Some(stage) = present(|stage, _| Arc::clone(stage)) else {
            return self.0.spawn(f).map(|handle| JoinHandle { handle, actor: None });
        };
        let number = stage.register(None);
        let actor = Arc::clone(&stage);
        let live = move || {
            actor.appear(number);
            f()
        };
        let started = self.0.spawn(live);
        if started.is_err() {
            stage.strike(number);
        }
        started.map(|handle| JoinHandle { handle, actor: Some((stage, number)) })
    }
}

/// Of a thread, be it simulated or not.
pub(crate) struct JoinHandle<T> {
    handle: world::JoinHandle<T>,
    actor: Option<(Arc<Stage>, usize)>,
}

impl<T> JoinHandle<T> {
    pub(crate) fn thread(&self) -> &std::thread::Thread {
        self.handle.thread()
    }

    pub(crate) fn is_finished(&self) -> bool {
        let is_gone = self.actor.as_ref().and_then(|(stage, number)| stage.is_gone(*number));
        is_gone.unwrap_or_else(|| self.handle.is_finished())
    }

    /// Of a thread that is about to end.
    pub(crate) fn join(self) -> world::Result<T> {
        while is_simulated() && !self.is_finished() {
            point();
        }
        self.handle.join()
    }
}

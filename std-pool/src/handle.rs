//! A handle to one job of any type: wait for it, ask for it, cancel it, await it.
#![forbid(unsafe_code)]

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use fastthreadpool_core::{JobId, Run};
use parking_lot::Mutex;

use crate::cancellation::Cancellation;
use crate::job::Submission;
use crate::outcome::{JobError, catch};
use crate::shared::Shared;
use crate::worker::Env;

/// Where the value of a spawned job is left.
enum Packet<U> {
    Empty { threads: Vec<Thread>, waker: Option<Waker> },
    Full(Result<U, JobError>),
    Taken,
}

type SharedPacket<U> = Arc<Mutex<Packet<U>>>;

fn fill<U>(packet: &Mutex<Packet<U>>, result: Result<U, JobError>) {
    let waiting = std::mem::replace(&mut *packet.lock(), Packet::Full(result));
    // Not under the lock: whoever wakes wants it.
    let Packet::Empty { threads, waker } = waiting else { unreachable!("a packet is filled once") };
    threads.iter().for_each(Thread::unpark);
    if let Some(waker) = waker {
        // A waker is code of somebody else's.
        let _ = catch(|| waker.wake());
    }
}

/// The other end of a handle: a job that is dropped before it has run leaves word that it was cancelled.
struct Sender<U>(Option<SharedPacket<U>>);

impl<U> Sender<U> {
    fn send(mut self, result: Result<U, JobError>) {
        if let Some(packet) = self.0.take() {
            fill(&packet, result);
        }
    }
}

impl<U> Drop for Sender<U> {
    fn drop(&mut self) {
        if let Some(packet) = self.0.take() {
            fill(&packet, Err(JobError::Cancelled));
        }
    }
}

/// A spawned job.
pub(crate) struct Spawned<U, F> {
    function: F,
    sender: Sender<U>,
}

impl<U: Send + 'static, F: FnOnce() -> U + Send + 'static> Spawned<U, F> {
    pub(crate) fn new(function: F) -> (Self, Receiver<U>) {
        let packet = Arc::new(Mutex::new(Packet::Empty { threads: Vec::new(), waker: None }));
        (Self { function, sender: Sender(Some(Arc::clone(&packet))) }, Receiver(packet))
    }
}

impl<U: Send + 'static, F: FnOnce() -> U + Send + 'static> Run<Env> for Spawned<U, F> {
    fn run(self, env: &mut Env) -> Option<Self> {
        let Self { function, sender } = self;
        let result = catch(function).map_err(|panic| {
            let error = JobError::Panicked(panic);
            env.shared.note_failure(env.id(), std::any::type_name::<F>(), &error);
            error
        });
        sender.send(result);
        None
    }
}

impl<U: Send + 'static, F: FnOnce() -> U + Send + 'static> Submission for Spawned<U, F> {
    type Function = F;

    fn into_function(self) -> F {
        self.function
    }
}

/// What a handle waits on.
pub(crate) struct Receiver<U>(SharedPacket<U>);

impl<U> Receiver<U> {
    pub(crate) fn into_handle(self, shared: Arc<Shared>, id: JobId) -> JoinHandle<U> {
        JoinHandle { shared, id, packet: self.0 }
    }
}

/// A handle to a job of [`Pool::spawn`](crate::Pool::spawn). Dropping it lets the job go on by itself.
///
/// It is a future, too, that needs no particular runtime.
#[must_use = "a handle that is dropped cannot be joined; use `submit` where nobody waits"]
pub struct JoinHandle<U> {
    shared: Arc<Shared>,
    id: JobId,
    packet: SharedPacket<U>,
}

impl<U: Send + 'static> JoinHandle<U> {
    /// The job's id.
    pub fn id(&self) -> JobId {
        self.id
    }

    /// Whether the job has ended, in whatever way.
    pub fn is_finished(&self) -> bool {
        !matches!(*self.packet.lock(), Packet::Empty { .. })
    }

    /// Cancels the job: see [`Pool::cancel`](crate::Pool::cancel).
    pub fn cancel(&self) -> Cancellation {
        self.shared.cancel(self.id)
    }

    /// Waits for the job and returns what it returned.
    ///
    /// Inside a job of the same pool a job that has not begun is run here and now; while one runs elsewhere is waited for,
    /// another worker stands in for this one. So joins inside jobs do not deadlock, however few workers there are.
    ///
    /// # Errors
    ///
    /// [`JobError`], when the job panicked or was cancelled, or when the wait would never end.
    pub fn join(self) -> Result<U, JobError> {
        match self.wait(None) {
            Some(true) => self.take(),
            _ => Err(JobError::WouldDeadlock),
        }
    }

    /// Waits for the job, at most so long.
    ///
    /// # Errors
    ///
    /// The handle itself, when the job has not ended in that time.
    pub fn join_timeout(self, timeout: Duration) -> Result<Result<U, JobError>, Self> {
        match self.wait(Instant::now().checked_add(timeout)) {
            Some(true) => Ok(self.take()),
            Some(false) => Err(self),
            None => Ok(Err(JobError::WouldDeadlock)),
        }
    }

    /// Waits until the job has ended (true) or the time is over (false); `None` when it would never end.
    fn wait(&self, deadline: Option<Instant>) -> Option<bool> {
        if self.is_finished() || self.shared.run_inside(self.id) {
            return Some(true);
        }
        self.shared.blocking(|| {
            let mut listed = false;
            loop {
                match &mut *self.packet.lock() {
                    Packet::Empty { threads, .. } if !listed => threads.push(thread::current()),
                    Packet::Empty { .. } => {}
                    Packet::Full(_) | Packet::Taken => return true,
                }
                listed = true;
                let Some(deadline) = deadline else {
                    thread::park();
                    continue;
                };
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return self.is_finished();
                }
                thread::park_timeout(left);
            }
        })
    }

    fn take(self) -> Result<U, JobError> {
        match std::mem::replace(&mut *self.packet.lock(), Packet::Taken) {
            Packet::Full(result) => result,
            Packet::Empty { .. } | Packet::Taken => unreachable!("only a finished job's value is taken, and once"),
        }
    }
}

impl<U: Send + 'static> Future for JoinHandle<U> {
    type Output = Result<U, JobError>;

    /// # Panics
    ///
    /// When polled again after it was ready.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Cloned before and dropped after the lock is held: a waker is code of somebody else's.
        let fresh = context.waker().clone();
        let mut packet = self.packet.lock();
        if let Packet::Empty { waker, .. } = &mut *packet {
            let former = waker.replace(fresh);
            drop(packet);
            drop(former);
            return Poll::Pending;
        }
        match std::mem::replace(&mut *packet, Packet::Taken) {
            Packet::Full(result) => Poll::Ready(result),
            _ => panic!("a join handle was polled after it was ready"),
        }
    }
}

impl<U> fmt::Debug for JoinHandle<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("id", &self.id).finish_non_exhaustive()
    }
}

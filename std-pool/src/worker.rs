//! A worker's thread: asks the core what to do, and does it.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::thread;

use fastthreadpool_core::{JobId, Next, Park, Running};

use crate::host::ThisThread;
use crate::outcome::{catch, drop_quietly};
use crate::shared::{Payload, Shared};

/// What a job finds around it when it runs.
pub(crate) struct Env {
    pub(crate) shared: Arc<Shared>,
    running: Option<Running>,
    /// A job that was put off and has come back keeps the id it had.
    former: Option<JobId>,
}

impl Env {
    pub(crate) fn id(&self) -> JobId {
        self.former.unwrap_or_else(|| self.running().id())
    }

    pub(crate) fn set_former(&mut self, id: JobId) {
        self.former = Some(id);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.shared.core.is_cancelled(self.running())
    }

    /// Around a job that runs on a thread that is no worker, and does not ask who it is.
    pub(crate) fn outside(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), running: None, former: None }
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("an environment is only seen by a running job")
    }

    /// Runs a job to its end.
    #[inline(always)]
    fn run(&mut self, payload: Payload, running: Running) {
        self.running = Some(running);
        let back = match catch(|| payload.run(self)) {
            Ok(back) => back,
            // Jobs catch their panics; this one comes from a destructor of what the job had captured.
            Err(panic) => {
                drop(panic);
                None
            }
        };
        self.former = None;
        let running = self.running.take().expect("the job does not take it");
        let (ended, duty) = self.shared.core.end(running, back);
        if let Some(ended) = ended {
            self.shared.dispose_ended(ended);
        }
        self.shared.perform_or_leave(duty);
    }
}

impl Shared {
    /// A periodic job that will not run again.
    fn dispose_ended(&self, payload: Payload) {
        self.left_queue();
        drop_quietly(payload);
    }

    /// Runs a job that waits, if it does and the caller is a worker: inside the job that waits for it. Returns whether it
    /// was run.
    pub(crate) fn run_inside(self: &Arc<Self>, id: JobId) -> bool {
        let Some(current) = self.current() else { return false };
        let Some(payload) = self.core.take(id) else { return false };
        self.left_queue();
        let running = self.core.begin(current.seat, id);
        let mut env = Env::outside(self);
        Self::deeper(|| env.run(payload, running));
        true
    }

    /// Runs a job that waits, if it does, on a thread that is no worker.
    pub(crate) fn run_outside(self: &Arc<Self>, id: JobId, run: impl FnOnce(Payload)) -> bool {
        let Some(payload) = self.core.take(id) else { return false };
        self.left_queue();
        run(payload);
        self.core.end_outside();
        self.tell_if_quiet();
        true
    }
}

/// Tells of the end of a thread even if a hook panics.
struct Seated<'s>(&'s Arc<Shared>, usize);

impl Drop for Seated<'_> {
    fn drop(&mut self) {
        self.0.clear_current(self.1);
    }
}

/// The life of a worker. `number` is the one in its thread's name, 0 for a thread that is not the pool's own.
pub(crate) fn work(shared: &Arc<Shared>, number: usize) {
    let worker = if number == 0 { shared.core.enlist() } else { shared.core.attach() };
    let Some(mut worker) = worker else { return };
    shared.set_current(worker.seat());
    let seated = Seated(shared, worker.seat());
    let hook = |hook: &Option<crate::shared::Hook>| {
        if let Some(hook) = hook {
            // The panic hook has reported it; a worker without its thread-local state is better than no worker.
            let _ = catch(|| hook(number));
        }
    };
    hook(&shared.config.on_thread_start);
    let mut env = Env::outside(shared);
    let last = loop {
        match worker.next() {
            Next::Run { payload, running, duty } => {
                shared.perform_or_leave(duty);
                if shared.room.is_some() && !running.is_periodic() {
                    shared.left_queue();
                }
                env.run(payload, running);
            }
            Next::Park(deadline) => {
                shared.tell_if_quiet();
                match deadline {
                    Some(deadline) => ThisThread.park_until(deadline),
                    None => thread::park(),
                }
            }
            Next::Exit { duty, last } => {
                shared.perform_or_leave(duty);
                break last;
            }
        }
    };
    hook(&shared.config.on_thread_stop);
    drop(seated);
    drop(worker);
    if last {
        shared.last_worker_ended();
    }
    shared.tell_if_quiet();
}

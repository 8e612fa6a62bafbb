//! A worker's thread: asks the core what to do, and does it.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::thread;

use fastthreadpool_core::{Duty, JobId, Park, Rest, Runner, Running};

use crate::host::ThisThread;
use crate::outcome::{catch, drop_quietly};
use crate::shared::{Payload, Shared};

/// What a job finds around it when it runs.
pub(crate) struct Env {
    pub(crate) shared: Arc<Shared>,
    running: Option<Running>,
    /// The id of the one job that runs inside another, which the mark of the seat may not tell.
    known: Option<JobId>,
}

impl Env {
    #[inline(always)]
    pub(crate) fn id(&self) -> JobId {
        match self.known {
            Some(id) => id,
            None => self.shared.core.running_id(self.running()).expect("a job inside another is known"),
        }
    }

    /// The job is put off: from here on it is not found where it runs. Returns whether it has been told to stop before.
    pub(crate) fn conceal(&self) -> bool {
        self.shared.core.conceal(self.running())
    }

    /// A job that was put off goes on.
    pub(crate) fn rename(&self, id: JobId) {
        self.shared.core.rename(self.running(), id);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.shared.core.is_cancelled(self.running())
    }

    /// Around a job that runs on a thread that is no worker, and does not ask who it is.
    pub(crate) fn outside(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), running: None, known: None }
    }

    #[inline(always)]
    fn running(&self) -> &Running {
        self.running.as_ref().expect("only a job on a worker asks who it is")
    }
}

impl Runner<Payload> for Env {
    fn perform(&mut self, duty: Duty) {
        self.shared.perform_or_leave(duty);
    }

    #[inline(always)]
    fn run(&mut self, payload: &mut Payload, running: Running) -> bool {
        if !running.is_periodic() {
            self.shared.left_queue();
        }
        if self.running != Some(running) {
            self.running = Some(running);
        }
        // Jobs catch their panics; what arrives here comes from a destructor of what a job had captured.
        let again = catch(|| payload.step(self)).unwrap_or(false);
        if running.is_periodic() && !again {
            self.shared.left_queue();
        }
        again
    }

    fn dispose(&mut self, payload: Payload) {
        self.shared.left_queue();
        drop_quietly(payload);
    }
}

impl Shared {
    /// Runs a job that waits, if it does and the caller is a worker: inside the job that waits for it. Returns whether it
    /// was run.
    pub(crate) fn run_inside(self: &Arc<Self>, id: JobId) -> bool {
        let Some(current) = self.alive() else { return false };
        let Some((mut payload, running)) = self.core.take_inside(current.seat, id) else { return false };
        let mut env = Env { known: Some(id), ..Env::outside(self) };
        let again = Self::deeper(|| env.run(&mut payload, running));
        debug_assert!(!again, "periodic jobs are left to the workers");
        let (_, duty) = self.core.end(&running, None);
        self.perform_or_leave(duty);
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

/// The life of a worker. `number` is the one in its thread's name, 0 for a thread that is not the pool's own.
pub(crate) fn work(shared: &Arc<Shared>, number: usize) {
    let worker = if number == 0 { shared.core.enlist() } else { shared.core.attach() };
    let Some(mut worker) = worker else {
        if number != 0 {
            shared.perform_or_leave(shared.core.start_failed());
        }
        return;
    };
    shared.set_current(worker.seat());
    let hook = |hook: &Option<crate::shared::Hook>| {
        if let Some(hook) = hook {
            // The panic hook has reported it; a worker without its thread-local state is better than no worker.
            let _ = catch(|| hook(number));
        }
    };
    hook(&shared.config.on_thread_start);
    let mut env = Env::outside(shared);
    let last = loop {
        match worker.work(&mut env) {
            Rest::Park(deadline) => {
                shared.tell_if_quiet();
                match deadline {
                    Some(deadline) => ThisThread.park_until(deadline),
                    None => thread::park(),
                }
            }
            Rest::Exit { duty, last } => {
                shared.perform_or_leave(duty);
                break last;
            }
        }
    };
    shared.retire_current(worker.seat());
    hook(&shared.config.on_thread_stop);
    Shared::clear_current();
    drop(worker);
    if last {
        shared.last_worker_ended();
    }
    shared.tell_if_quiet();
}

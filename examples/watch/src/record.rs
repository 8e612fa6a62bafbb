//! A record of what happened in a pool: an observer that notes when it was told what.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use fastthreadpool::{AcceptedJob, CancelReason, JobId, JobRun, Observer, RunEnd, WorkerEvent};

/// Notes what it is told, with the time since it was made.
#[derive(Debug)]
pub struct Recorder {
    start: Instant,
    notes: Mutex<Vec<(Duration, Note)>>,
}

#[derive(Clone, Copy, Debug)]
enum Note {
    Accepted(AcceptedJob),
    Begun(JobRun),
    Ended(JobRun, RunEnd),
    Removed(JobId, CancelReason),
    Worker(usize, WorkerEvent),
}

impl Default for Recorder {
    fn default() -> Self {
        Self { start: Instant::now(), notes: Mutex::default() }
    }
}

impl Recorder {
    fn note(&self, note: Note) {
        // Under the lock: so the notes are in the order of their times.
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.push((self.start.elapsed(), note));
    }

    /// What was noted so far.
    #[must_use]
    pub fn record(&self) -> Record {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        // That a job was accepted may be told when it has begun.
        let accepted = notes.iter().filter_map(|(at, note)| match note {
            Note::Accepted(job) => Some((job.id, self.job(*job, *at))),
            _ => None,
        });
        let jobs = accepted.collect();
        let (begun, asleep) = (HashMap::new(), HashMap::new());
        let mut builder = Builder { start: self.start, jobs, begun, asleep, record: Record::default() };
        for (at, note) in &*notes {
            builder.add(*at, *note);
        }
        builder.finish(self.start.elapsed())
    }

    fn job(&self, job: AcceptedJob, accepted: Duration) -> Job {
        let due = job.due.map(|due| due.saturating_duration_since(self.start));
        Job { id: job.id, name: job.name, group: job.group, accepted, due, removed: None }
    }
}

impl Observer for Recorder {
    fn accepted(&self, job: &AcceptedJob) {
        self.note(Note::Accepted(*job));
    }

    fn begun(&self, run: &JobRun) {
        self.note(Note::Begun(*run));
    }

    fn ended(&self, run: &JobRun, end: RunEnd) {
        self.note(Note::Ended(*run, end));
    }

    fn removed(&self, id: JobId, reason: CancelReason) {
        self.note(Note::Removed(id, reason));
    }

    fn worker(&self, worker: usize, event: WorkerEvent) {
        self.note(Note::Worker(worker, event));
    }
}

/// What happened, in times since the beginning.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// By id.
    pub jobs: Vec<Job>,
    /// In the order of their ends; then those that had not ended.
    pub runs: Vec<Run>,
    /// When workers had nothing to do.
    pub sleeps: Vec<Sleep>,
    /// Where it ends: with what was noted last, or, if something still ran, when it was asked for.
    pub end: Duration,
}

/// A job that was accepted.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Its name.
    pub name: &'static str,
    /// That of its group.
    pub group: &'static str,
    /// When it was.
    pub accepted: Duration,
    /// When it was to begin, if it waited for a time.
    pub due: Option<Duration>,
    /// When it was removed, and why, if it was.
    pub removed: Option<(Duration, CancelReason)>,
}

/// One run of a job.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Of the job.
    pub id: JobId,
    /// That of the job.
    pub name: &'static str,
    /// That of the job; empty if it was not seen to be accepted.
    pub group: &'static str,
    /// The worker that ran it, or none.
    pub worker: Option<usize>,
    /// When it began.
    pub begun: Duration,
    /// When it ended; if it still ran, where the record ends.
    pub ended: Duration,
    /// How; none if it still ran.
    pub end: Option<RunEnd>,
    /// When it could have begun: from its acceptance on, or from the time when it was due. None if its acceptance was not seen.
    pub ready: Option<Duration>,
    /// Whether it was due at a time.
    pub is_timed: bool,
}

impl Run {
    /// How long it took.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.ended.saturating_sub(self.begun)
    }

    /// How long it had waited, since it could have begun.
    #[must_use]
    pub fn waited(&self) -> Option<Duration> {
        self.ready.map(|ready| self.begun.saturating_sub(ready))
    }
}

/// A worker had nothing to do.
#[derive(Clone, Copy, Debug)]
pub struct Sleep {
    /// Which.
    pub worker: usize,
    /// Since when.
    pub from: Duration,
    /// Until when.
    pub to: Duration,
}

/// Makes a record of notes.
struct Builder {
    start: Instant,
    jobs: HashMap<JobId, Job>,
    /// What has begun and not ended.
    begun: HashMap<JobId, (JobRun, Duration)>,
    asleep: HashMap<usize, Duration>,
    record: Record,
}

impl Builder {
    fn add(&mut self, at: Duration, note: Note) {
        self.record.end = at;
        match note {
            Note::Begun(run) => _ = self.begun.insert(run.id, (run, at)),
            Note::Ended(run, end) => {
                if let Some((_, begun)) = self.begun.remove(&run.id) {
                    self.record.runs.push(self.run(&run, begun, at, Some(end)));
                }
            }
            Note::Removed(id, reason) => {
                if let Some(job) = self.jobs.get_mut(&id) {
                    job.removed = Some((at, reason));
                }
            }
            Note::Worker(worker, WorkerEvent::Parked) => _ = self.asleep.insert(worker, at),
            Note::Worker(worker, WorkerEvent::Woken) => {
                let from = self.asleep.remove(&worker);
                self.record.sleeps.extend(from.map(|from| Sleep { worker, from, to: at }));
            }
            Note::Accepted(_) | Note::Worker(..) => {}
        }
    }

    fn run(&self, run: &JobRun, begun: Duration, ended: Duration, end: Option<RunEnd>) -> Run {
        let job = self.jobs.get(&run.id);
        let due = run.due.map(|due| due.saturating_duration_since(self.start)).or_else(|| job?.due);
        let ready = due.or_else(|| Some(job?.accepted));
        Run {
            id: run.id,
            name: run.name,
            group: job.map_or("", |job| job.group),
            worker: run.worker,
            begun,
            ended,
            end,
            ready: ready.map(|ready| ready.min(begun)),
            is_timed: due.is_some(),
        }
    }

    fn finish(self, now: Duration) -> Record {
        let mut still: Vec<_> = self.begun.values().map(|(run, begun)| self.run(run, *begun, now, None)).collect();
        still.sort_by_key(|run| run.begun);
        let Self { jobs, mut record, .. } = self;
        if !still.is_empty() {
            record.end = now;
        }
        record.runs.extend(still);
        record.jobs = jobs.into_values().collect();
        record.jobs.sort_by_key(|job| job.id);
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fastthreadpool::Pool;
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    #[test]
    fn runs_have_the_group_of_their_job_and_begin_when_it_was_ready() {
        let recorder = Arc::new(Recorder::default());
        let pool: Pool = Pool::builder().threads(1).observer(Arc::clone(&recorder)).build().unwrap();
        let group = pool.group::<()>().name("mail").build().unwrap();
        let id = group.job(|| ()).name("send").submit().unwrap();
        let later = pool.job(|| ()).name("later").after(Duration::from_micros(50)).submit().unwrap();
        let never = pool.job(|| ()).after(Duration::MAX).submit().unwrap();
        pool.cancel(never);
        pool.shutdown();
        let record = recorder.record();
        assert_eq!(record.jobs.len(), 3);
        let run = |id| record.runs.iter().find(|run| run.id == id).unwrap();
        assert_eq!((run(id).name, run(id).group, run(id).worker, run(id).is_timed), ("send", "mail", Some(0), false));
        assert_eq!((run(later).name, run(later).group, run(later).is_timed), ("later", "", true));
        assert!(record.runs.iter().all(|run| run.ready.unwrap() <= run.begun && run.begun <= run.ended));
        assert!(record.jobs.iter().any(|job| job.id == never && job.removed.is_some()));
    }

    #[test]
    fn what_still_runs_lasts_until_the_end_of_the_record() {
        let recorder = Arc::new(Recorder::default());
        let pool: Pool = Pool::builder().threads(1).observer(Arc::clone(&recorder)).build().unwrap();
        let ((begins, begun), (end, ended)) = (channel(), channel());
        let id = pool.submit(move || _ = (begins.send(()), ended.recv())).unwrap();
        begun.recv().unwrap();
        let record = recorder.record();
        end.send(()).unwrap();
        assert!(matches!(&record.runs[..], [run] if run.id == id && run.ended == record.end && run.end.is_none()));
    }
}

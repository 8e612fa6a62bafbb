//! A worker: two threads between a queue and a pool.
//!
//! | thread | asks the queue | and |
//! |---|---|---|
//! | the reader | for new entries, when places are free | makes jobs of them |
//! | the keeper | to settle what has ended, to renew what is held, for what others have left | is told of each end by the pool, in a channel |
//!
//! | the worker is | new entries | claims | jobs | leaves when |
//! |---|---|---|---|---|
//! | reading | read | yes | begin | it is told to stop, or the reader cannot go on |
//! | stopping | perhaps a last batch | no | end; none begins, what has not is put back | the reader has ended |
//! | draining | none | no | end; told to stop at half of its time | nothing is held, or the time is over |
//!
//! Places: so many entries that were read are held, and besides as many that were put back as there are threads, and one orphan. No more than
//! these are done once more if the process is killed. One orphan, since if a job ends its process, what ran beside it is counted as tried,
//! too, and should not meet it again and again.

use std::error::Error;
use std::fmt;
use std::io::{Write, stderr};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use fastthreadpool::{Cancellation, JobId, OwnedPermit, Pool, Semaphore};
use redis::RedisResult;

use crate::holding::{Held, Holding, Perform};
use crate::queue::{Fate, Origin, Queue};
use crate::work::BoxError;

/// A read waits so long for new entries, so that the reader sees by then that it is to stop.
const READ: Duration = Duration::from_millis(500);
/// After a request that has failed.
const AGAIN: Duration = Duration::from_millis(100);
/// So often it looks for what others have left, or more often.
const LOOK: Duration = Duration::from_secs(1);

/// How a worker works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Of the pool.
    pub threads: usize,
    /// So many entries that were read wait, run, or are not settled.
    pub places: usize,
    /// A job that has failed or crashed so often goes to the dead letters.
    pub tries: usize,
    /// So long it may take to stop.
    pub drain: Duration,
}

/// What the keeper is told.
enum Event {
    Ended(JobId, End),
    /// At this time: the server may let it wait until it is heard.
    Stop(Instant),
    /// The reader's last word, however it has ended.
    NoReader,
}

enum End {
    Done,
    Failed(String),
    Removed,
}

/// Tells a worker to stop.
#[derive(Clone)]
pub struct Stop {
    events: Sender<Event>,
    places: Arc<Semaphore>,
}

impl Stop {
    /// Returns at once; the worker's [`Worker::run`] returns when it has stopped.
    pub fn stop(&self) {
        self.places.close();
        // Nobody listens once the worker has stopped.
        let _ = self.events.send(Event::Stop(Instant::now()));
    }
}

/// The time to stop in was over.
#[derive(Debug)]
pub struct Unfinished {
    jobs: usize,
    unsettled: usize,
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { jobs, unsettled } = self;
        write!(
            f,
            "{jobs} jobs have not ended in time, and of {unsettled} the server may not know: others will claim them"
        )
    }
}

impl Error for Unfinished {}

/// A worker that has not begun.
pub struct Worker {
    queue: Queue,
    options: Options,
    pool: Pool,
    holding: Arc<Holding>,
    events: Receiver<Event>,
    stop: Stop,
    /// Owed to the server, and the places that they keep until then.
    fates: Vec<(String, Fate)>,
    kept: Vec<OwnedPermit>,
    /// Nothing is asked before.
    resume: Instant,
    renew: Instant,
    claim: Instant,
    stopping: Option<Stopping>,
}

struct Stopping {
    /// When jobs are told, if they were not.
    tell: Option<Instant>,
    until: Instant,
    has_reader: bool,
}

impl Worker {
    /// Of this queue. Its jobs are done by `perform`.
    ///
    /// # Errors
    ///
    /// If there is no such pool.
    pub fn new(queue: Queue, options: Options, perform: Arc<Perform>) -> Result<Self, BoxError> {
        let (told, events) = channel();
        let stop = Stop { events: told.clone(), places: Arc::new(Semaphore::new(options.places)) };
        let pool: Pool = Pool::builder().threads(options.threads).name_prefix("job").build()?;
        // The keeper listens as long as it lives, and afterwards nobody needs to know.
        let tell = move |job, end| _ = told.send(Event::Ended(job, end));
        let (tell_failed, tell_removed) = (tell.clone(), tell.clone());
        let jobs = pool
            .group()
            .on_done(move |done| tell(done.id, End::Done))
            .on_failed(move |failed| tell_failed(failed.id, End::Failed(failed.error.to_string())))
            .on_cancelled(move |job, _| tell_removed(job, End::Removed))
            .build()?;
        let holding = Arc::new(Holding::new(jobs, perform));
        let (fates, kept, now) = (Vec::new(), Vec::new(), Instant::now());
        let (resume, renew, claim) = (now, now, now);
        Ok(Self { queue, options, pool, holding, events, stop, fates, kept, resume, renew, claim, stopping: None })
    }

    /// By which it is told to stop.
    pub fn stopper(&self) -> Stop {
        self.stop.clone()
    }

    /// Works until it has stopped. Where that is [`Unfinished`] jobs still run, and the process is to be ended.
    ///
    /// # Errors
    ///
    /// What the server says to the first request; [`Unfinished`]; what has ended the reader.
    pub fn run(mut self, reading: Queue) -> Result<(), BoxError> {
        self.queue.connect()?;
        let mut reader = Some(self.start_reader(reading)?);
        let mut end = Ok(());
        loop {
            self.hear();
            self.ask();
            let Some(stopping) = &mut self.stopping else { continue };
            let now = Instant::now();
            let (jobs, unsettled) = (self.holding.all(), self.fates.len());
            if !stopping.has_reader {
                // Its last word was its last act.
                if let Some(reader) = reader.take() {
                    end = reader.join().unwrap_or_else(|_| Err("the reader has panicked".into()));
                }
                if jobs.len() + unsettled == 0 {
                    break;
                }
            }
            if now >= stopping.until {
                self.pool.detach();
                return Err(Unfinished { jobs: jobs.len(), unsettled }.into());
            }
            if stopping.tell.take_if(|tell| now >= *tell).is_some() {
                for (job, _) in jobs {
                    self.pool.cancel(job);
                }
            }
        }
        self.pool.shutdown();
        // A name that stays in the group does no harm.
        let _ = self.queue.leave();
        end
    }

    fn start_reader(&self, mut queue: Queue) -> Result<JoinHandle<Result<(), BoxError>>, BoxError> {
        struct LastWord(Sender<Event>);
        impl Drop for LastWord {
            fn drop(&mut self) {
                let _ = self.0.send(Event::NoReader);
            }
        }
        let last_word = LastWord(self.stop.events.clone());
        let (places, holding) = (Arc::clone(&self.stop.places), Arc::clone(&self.holding));
        // Several, so that a read is not for one entry alone; but never does it wait for more places while a thread has nothing to do.
        let Options { places: all, threads, .. } = self.options;
        let batch = (all / 2).min(all.saturating_sub(threads)).max(1);
        let read = move || {
            let _last_word = last_word;
            while let Ok(mut free) = Arc::clone(&places).acquire_many_owned(batch) {
                match queue.read(batch, READ) {
                    Ok(entries) => entries.into_iter().try_for_each(|entry| holding.begin(entry, free.split(1)))?,
                    Err(_) => thread::sleep(AGAIN),
                }
            }
            Ok(())
        };
        Ok(thread::Builder::new().name("reader".into()).spawn(read)?)
    }

    /// Waits for what the keeper is told, until it has something to do.
    fn hear(&mut self) {
        let mut until = self.renew;
        match &self.stopping {
            Some(stopping) => until = until.min(stopping.tell.unwrap_or(stopping.until)),
            None => until = until.min(self.claim),
        }
        if self.resume > Instant::now() {
            until = self.resume;
        }
        // It is never the last who could tell.
        let first = self.events.recv_timeout(until.saturating_duration_since(Instant::now())).ok();
        let all: Vec<Event> = first.into_iter().chain(self.events.try_iter()).collect();
        for event in all {
            match event {
                Event::Ended(job, end) => {
                    if let Some(held) = self.holding.end(job) {
                        self.owe(held, end);
                    }
                }
                Event::Stop(at) => _ = self.stopping(at),
                Event::NoReader => self.stopping(Instant::now()).has_reader = false,
            }
        }
    }

    /// It stops, if it does not already. What has not begun is removed, as of what the reader has brought since.
    fn stopping(&mut self, since: Instant) -> &mut Stopping {
        self.pool.pause();
        self.pool.cancel_queued();
        let drain = self.options.drain;
        let (tell, until) = (since + drain / 2, since + drain);
        self.stopping.get_or_insert(Stopping { tell: Some(tell), until, has_reader: true })
    }

    fn owe(&mut self, held: Held, end: End) {
        let Held { id, origin, deliveries, place } = held;
        let was_told = self.stopping.as_ref().is_some_and(|stopping| stopping.tell.is_none());
        let fate = match end {
            End::Done => Fate::Done,
            End::Removed => Fate::PutBack(deliveries - 1),
            // That is no fault of the job.
            End::Failed(_) if was_told => Fate::PutBack(deliveries - 1),
            End::Failed(why) if deliveries >= self.options.tries => Fate::Dead(deliveries, why),
            End::Failed(_) => Fate::PutBack(deliveries),
        };
        self.fates.push((id, fate));
        self.kept.extend(place);
        if origin != Origin::New {
            self.claim = Instant::now();
        }
    }

    /// Asks the server what is to be asked now. If that fails all of it is asked again, and first of all what is held is renewed.
    fn ask(&mut self) {
        if Instant::now() < self.resume {
            return;
        }
        if self.renew().and_then(|()| self.settle()).and_then(|()| self.claim()).is_err() {
            let now = Instant::now();
            (self.resume, self.renew) = (now + AGAIN, now);
        }
    }

    fn renew(&mut self) -> RedisResult<()> {
        let now = Instant::now();
        if now < self.renew {
            return Ok(());
        }
        let jobs = self.holding.all();
        let ids: Vec<&str> = jobs.iter().map(|(_, id)| &**id).chain(self.fates.iter().map(|(id, _)| &**id)).collect();
        if !ids.is_empty() {
            let lost = self.queue.renew(&ids)?;
            // Whoever has claimed them does them; a job that runs may look, and stop.
            for (job, _) in jobs.into_iter().filter(|(_, id)| lost.contains(id)) {
                if self.pool.cancel(job) == Cancellation::Removed {
                    self.holding.end(job);
                }
            }
        }
        // So that some may come late.
        self.renew = now + self.queue.rules().abandoned / 4;
        Ok(())
    }

    fn settle(&mut self) -> RedisResult<()> {
        if !self.fates.is_empty() {
            self.queue.settle(&self.fates)?;
            self.fates.clear();
            self.kept.clear();
        }
        Ok(())
    }

    fn claim(&mut self) -> RedisResult<()> {
        let now = Instant::now();
        if self.stopping.is_some() || now < self.claim {
            return Ok(());
        }
        let room = |most: usize, origin| most.saturating_sub(self.holding.count(origin));
        let (put_back, orphans) = (room(self.options.threads, Origin::PutBack), room(1, Origin::Orphaned));
        let entries = self.queue.claim(put_back, orphans)?;
        for entry in entries {
            let (id, deliveries) = (entry.id.clone(), entry.deliveries);
            // What was put back after so many has an error of its own, and will have it again.
            if entry.origin == Origin::Orphaned && deliveries > self.options.tries {
                self.fates.push((id, Fate::Dead(deliveries - 1, "its worker has ended each time".into())));
            } else if let Err(error) = self.holding.begin(entry, None) {
                let _ = writeln!(stderr(), "{id} cannot begin: {error}");
                self.fates.push((id, Fate::PutBack(deliveries - 1)));
            }
        }
        self.claim = now + LOOK.min(self.queue.rules().abandoned / 4);
        self.settle()
    }
}

//! What is measured of a group, in a pool that is measured: how long its jobs wait for their turn, at its gate and in the queue, and how
//! long they run. Groups know it by a trait, so that a program in which nothing is measured is spared it.
//!
//! One in [`SAMPLED`] of the jobs is measured, told by its id, and its run stands for as many; after one that took [`LONG`] each is, and
//! stands for itself, until one is short. Who has submitted such a one notes when that was; who begins it takes the note.
//!
//! | a note is | then |
//! |---|---|
//! | empty | the submitter notes a job; one that has begun meanwhile has not waited, and the note is taken back |
//! | of a job | that begins, and has waited since; or another is noted in its place, and nobody knows |
#![forbid(unsafe_code)]

use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use fastthreadpool_core::{JobId, Tick};

use crate::engine::meter::LONG;
use crate::here::histogram::{Buckets, Histogram};
use crate::sys::atomic::{AtomicBool, Ordering};
use crate::sys::{self, Mutex};

/// Of so many jobs one is measured.
const SAMPLED: u64 = if cfg!(shuttle) { 1 } else { 64 };

/// Of jobs that wait so many are known.
const NOTES: usize = 64;

/// What measures a group.
pub(crate) trait Measures: fmt::Debug + Send + Sync {
    /// A job was submitted to begin as soon as it can; `waits`: it has not begun yet.
    fn submitted(&self, id: JobId, waits: &dyn Fn() -> bool);

    /// A job begins. Returns for how many its runs stand, 0 if they are not measured.
    fn begin(&self, id: JobId) -> usize;

    /// A run is over that stands for so many.
    fn ran(&self, stands_for: usize, began: Tick);

    /// Some have waited, or run, in a group inside, which counts here, too.
    fn inside(&self, what: What, nanos: u64, stands_for: usize);

    /// How long jobs have waited, and run.
    fn read(&self) -> (Histogram, Histogram);

    /// Whether nobody waits of whom it is known since when.
    #[cfg(all(test, shuttle))]
    fn is_clear(&self) -> bool;
}

/// Runs `f`, which stands for so many, in a group that may be measured.
#[inline]
pub(crate) fn measured<R>(gauge: Option<&Arc<dyn Measures>>, stands_for: usize, f: impl FnOnce() -> R) -> R {
    match gauge {
        Some(gauge) if stands_for > 0 => {
            let began = sys::now();
            let result = f();
            gauge.ran(stands_for, began);
            result
        }
        _ => f(),
    }
}

/// Of what there is a histogram.
#[derive(Clone, Copy)]
pub(crate) enum What {
    Waiting,
    Running,
}

/// Who was noted, and since when.
type Note = Option<(JobId, Tick)>;

pub(crate) struct Gauge {
    /// Of the group around.
    around: Option<Arc<dyn Measures>>,
    waiting: Buckets,
    running: Buckets,
    /// The last that was measured was long.
    after_long: AtomicBool,
    notes: Box<[Mutex<Note>]>,
}

impl Gauge {
    pub(super) fn new(around: Option<Arc<dyn Measures>>) -> Self {
        Self {
            around,
            waiting: Buckets::default(),
            running: Buckets::default(),
            after_long: AtomicBool::new(false),
            notes: (0..NOTES).map(|_| Mutex::new(None)).collect(),
        }
    }

    /// The note for a job, if it is one of those that are measured.
    fn note_of(&self, id: JobId) -> Option<&Mutex<Note>> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(id);
        (hash.trailing_zeros() >= SAMPLED.trailing_zeros()).then(|| &self.notes[(hash / SAMPLED) as usize % NOTES])
    }

    fn take(note: &Mutex<Note>, id: JobId) -> Option<Tick> {
        note.lock().take_if(|(noted, _)| *noted == id).map(|(_, since)| since)
    }

    fn has_waited(&self, nanos: u64) {
        self.inside(What::Waiting, nanos, 1);
    }
}

impl Measures for Gauge {
    fn submitted(&self, id: JobId, waits: &dyn Fn() -> bool) {
        let Some(note) = self.note_of(id) else { return };
        *note.lock() = Some((id, sys::now()));
        if !waits() && Self::take(note, id).is_some() {
            self.has_waited(0);
        }
    }

    fn begin(&self, id: JobId) -> usize {
        let note = self.note_of(id);
        if let Some(since) = note.and_then(|note| Self::take(note, id)) {
            self.has_waited(sys::now().since(since));
        }
        match (self.after_long.load(Ordering::Relaxed), note) {
            (true, _) => 1,
            (false, Some(_)) => SAMPLED as usize,
            (false, None) => 0,
        }
    }

    fn ran(&self, stands_for: usize, began: Tick) {
        let took = sys::now().since(began);
        self.inside(What::Running, took, stands_for);
        self.after_long.store(took >= LONG, Ordering::Relaxed);
    }

    fn inside(&self, what: What, nanos: u64, stands_for: usize) {
        let buckets = match what {
            What::Waiting => &self.waiting,
            What::Running => &self.running,
        };
        buckets.add(nanos, stands_for);
        if let Some(around) = &self.around {
            around.inside(what, nanos, stands_for);
        }
    }

    #[cfg(all(test, shuttle))]
    fn is_clear(&self) -> bool {
        self.notes.iter().all(|note| note.lock().is_none())
    }

    fn read(&self) -> (Histogram, Histogram) {
        let mut both = (Histogram::default(), Histogram::default());
        self.waiting.add_to(&mut both.0);
        self.running.add_to(&mut both.1);
        both
    }
}

impl fmt::Debug for Gauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gauge").finish_non_exhaustive()
    }
}

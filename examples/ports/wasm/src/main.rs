//! The pool on a target of std that has no threads: `wasm32-wasip1`. It checks itself; `./run` builds it and runs it in node. It runs on
//! any host as well.
//!
//! # What is different there
//!
//! - A pool is built as [`threadless`](fastthreadpool::Builder::threadless): whoever waits for it runs its jobs. Any other cannot be
//!   built, or refuses all jobs and gives them back.
//! - What needs a thread besides is refused in the same way: `on_done`, `on_failed`, `punctual`, limits of jobs, jobs at a `SystemTime`.
//! - A wait that nobody could end ends the program, and says so: there is no other thread that could.
//! - A panic ends the program: nothing is unwound.
//!
//! On `wasm32-unknown-unknown` std has no clock: whoever asks it panics. The pool compiles there, takes jobs, and runs loops; but what
//! runs a job, a scope or a join asks for the time, and so ends the program.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use fastthreadpool::{BuildError, Observer, Pool, SubmitError, WeakPool, WorkerEvent};

type Checked = Result<(), Box<dyn Error>>;

fn main() -> Checked {
    if env::args().nth(1).as_deref() == Some("stuck") {
        return stuck();
    }
    no_threads()?;
    picture()?;
    words()?;
    later()?;
    woken()?;
    println!("\nall checks passed");
    Ok(())
}

fn no_threads() -> Checked {
    let Err(error) = Pool::<usize>::new() else {
        println!("This target has threads.");
        return Ok(());
    };
    println!("Pool::new() says: {error}");
    assert!(matches!(error, BuildError::Cpus(_)));
    assert!(error.to_string().contains("threadless()"));

    let pool: Pool<usize> = Pool::builder().threads(2).build()?;
    let captured = String::from("captured");
    let error = pool.submit(move || captured.len()).expect_err("nobody could run it");
    println!("A pool that is to have threads says: {error}");
    assert!(matches!(error, SubmitError::NoThread(..)));
    let job = error.into_inner();
    assert_eq!((job(), pool.counts().handed_back), (8, 1));
    Ok(())
}

/// One job for each line of a picture of the Mandelbrot set. Nothing runs until somebody says so; then all do, in the order in which
/// they came.
fn picture() -> Checked {
    const ROWS: u32 = 17;
    let pool: Pool<String> = Pool::builder().threadless().build()?;
    for row in 0..ROWS {
        pool.submit(move || line(row))?;
    }
    assert_eq!((pool.counts().queued, pool.done().len()), (17, 0));
    assert!(pool.run_one());
    assert_eq!(pool.run_until_idle(), 16);

    println!("\nThe Mandelbrot set, a job for each line:");
    let lines: Vec<_> = pool.done().drain().map(|done| done.value).collect();
    for line in &lines {
        println!("  {line}");
    }
    assert!(lines.into_iter().eq((0..ROWS).map(line)));
    Ok(())
}

fn line(row: u32) -> String {
    let escapes = |column: u32| {
        let (re, im) = (f64::from(column) / 20.0 - 2.1, f64::from(row) / 7.0 - 8.0 / 7.0);
        let (mut x, mut y) = (0.0, 0.0);
        (0..200).find(|_| {
            (x, y) = (x * x - y * y + re, 2.0 * x * y + im);
            x * x + y * y > 4.0
        })
    };
    let letter = |column| match escapes(column) {
        None => '#',
        Some(6..) => '+',
        Some(3..) => '.',
        Some(_) => ' ',
    };
    (0..56).map(letter).collect()
}

/// Counts words, by what borrows: a parallel map, a fold, a scope.
fn words() -> Checked {
    let text = include_str!("../../../../README.md");
    let paragraphs: Vec<&str> = text.split("\n\n").collect();
    let pool: Pool = Pool::builder().threadless().build()?;

    let lengths = pool.par_map(&paragraphs, |paragraph| paragraph.split_whitespace().count());
    let number: usize = lengths.iter().sum();
    assert_eq!(number, text.split_whitespace().count());

    let add = |mut counts: HashMap<String, usize>, paragraph: &&str| {
        let words = paragraph.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty());
        words.for_each(|word| *counts.entry(word.to_lowercase()).or_default() += 1);
        counts
    };
    let merge = |mut one: HashMap<String, usize>, other: HashMap<String, usize>| {
        for (word, count) in other {
            *one.entry(word).or_default() += count;
        }
        one
    };
    let counts = pool.par(&paragraphs).fold(HashMap::new, add, merge);
    assert_eq!(counts, paragraphs.iter().fold(HashMap::new(), add));

    let (mut longest, mut most) = ("", ("", 0));
    pool.scope(|s| {
        s.spawn(|| longest = counts.keys().max_by_key(|word| (word.len(), *word)).map_or("", |word| word));
        s.spawn(|| {
            let most_frequent = counts.iter().max_by_key(|(word, count)| (**count, *word));
            most = most_frequent.map_or(most, |(word, count)| (word, *count));
        });
    });
    println!("\n{number} words in {} paragraphs, {} of them different", paragraphs.len(), counts.len());
    println!("the longest: {longest}; the most frequent: {}, {} times", most.0, most.1);
    assert!(counts.values().all(|count| *count <= most.1) && counts.keys().all(|word| word.len() <= longest.len()));
    Ok(())
}

/// Jobs that wait for their time, and one that repeats: the only thread becomes the worker, and sleeps in between.
fn later() -> Checked {
    let pool: Pool<u64> = Pool::builder().threadless().build()?;
    let start = Instant::now();
    for ms in [15, 5, 10] {
        pool.submit_later(Duration::from_millis(ms), move || 1000 + ms)?;
    }
    let ticks = pool.periodic_with(|job| {
        if job.run() == 20 {
            job.stop();
        }
        job.run()
    });
    ticks.every(Duration::from_millis(2)).submit()?;

    let mut ran = 0;
    while ran < 23 {
        ran += pool.run_here(Duration::from_millis(10));
    }
    println!("\n{ran} runs in {} ms", start.elapsed().as_millis());
    assert!(start.elapsed() >= Duration::from_millis(40));
    assert_eq!((ran, pool.counts().timers, pool.counts().pending), (23, 0, 0));
    let (delayed, ticks): (Vec<u64>, Vec<u64>) =
        pool.done().drain().map(|done| done.value).partition(|value| *value > 1000);
    assert_eq!(delayed, [1005, 1010, 1015]);
    assert!(ticks.into_iter().eq(1..=20));

    // Whoever waits for something works until it is there.
    let first = pool.spawn(|| "first")?;
    let second = pool.spawn(move || first.join().map(|first| format!("{first}, second")))?;
    assert_eq!(second.join()??, "first, second");
    Ok(())
}

/// Submits a job when somebody is about to sleep.
#[derive(Default)]
struct Restless(OnceLock<WeakPool<u32>>);

impl Observer for Restless {
    fn worker(&self, _: usize, event: WorkerEvent) {
        if event == WorkerEvent::Parked {
            let pool = self.0.get().and_then(WeakPool::upgrade);
            pool.map(|pool| pool.submit(|| 1));
        }
    }
}

/// Who is woken before he sleeps does not: nobody else would do it.
fn woken() -> Checked {
    let restless = Arc::new(Restless::default());
    let pool: Pool<u32> = Pool::builder().threadless().observer(Arc::clone(&restless)).build()?;
    restless.0.get_or_init(|| pool.downgrade());
    assert_eq!(pool.done().pop().map(|done| done.value), Some(1));
    Ok(())
}

/// Waits for what never comes.
fn stuck() -> Checked {
    let pool: Pool<u32> = Pool::builder().threadless().build()?;
    pool.done().pop();
    Err("it has come".into())
}

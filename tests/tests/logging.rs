//! Failed jobs in the log: each once, at the level that was asked for. In a process of its own, since there is one logger.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::sync::Mutex;

use fastthreadpool::Pool;
use fastthreadpool::log::{self, Level, LevelFilter, Log, Metadata, Record};

struct Recorder(Mutex<Vec<(Level, String)>>);

static RECORDER: Recorder = Recorder(Mutex::new(Vec::new()));

impl Log for Recorder {
    fn enabled(&self, _: &Metadata) -> bool {
        true
    }

    fn log(&self, record: &Record) {
        let text = record.args().to_string();
        self.0.lock().unwrap().push((record.level(), text));
    }

    fn flush(&self) {}
}

/// Cannot be displayed.
#[derive(Debug)]
struct Unsaid;

impl Display for Unsaid {
    fn fmt(&self, _: &mut Formatter<'_>) -> fmt::Result {
        panic!("on purpose")
    }
}

impl Error for Unsaid {}

fn recorded() -> Vec<(Level, String)> {
    std::mem::take(&mut RECORDER.0.lock().unwrap())
}

#[test]
fn every_failed_job_is_reported_once() {
    log::set_logger(&RECORDER).unwrap();
    log::set_max_level(LevelFilter::Trace);

    let pool: Pool<u8> = Pool::builder().threads(1).name_prefix("quiet").build().unwrap();
    pool.submit(|| Err::<u8, _>("no")).unwrap();
    pool.shutdown();
    assert_eq!(recorded(), [], "nothing unless asked for");

    let pool: Pool<u8> = Pool::builder()
        .threads(1)
        .name_prefix("loud")
        .log_failures(Level::Warn)
        .on_failed(|_| panic!("oh"))
        .build()
        .unwrap();
    let id = pool.job(|| Err::<u8, _>("no")).name("first").submit().unwrap();
    pool.submit(|| 1).unwrap();
    pool.wait_idle();
    let spawned = pool.spawn(|| -> u8 { panic!("ah") }).unwrap();
    let spawned_id = spawned.id();
    spawned.join().unwrap_err();
    pool.shutdown();
    let mut records = recorded();
    // The failure of the callback itself can only go to the log; it comes from another thread.
    let callback = records.iter().position(|record| record.0 == Level::Error).unwrap();
    assert_eq!(records.remove(callback).1, "loud: the callback for failures: oh");
    assert_eq!(records.len(), 2);
    assert_eq!(records[0], (Level::Warn, format!("loud: job {id} (first): the job failed: no")));
    assert_eq!(records[1].0, Level::Warn);
    assert!(records[1].1.starts_with(&format!("loud: job {spawned_id} (")) && records[1].1.ends_with("panicked: ah"));

    // An error that cannot be said is a failure all the same.
    let pool: Pool<u8> = Pool::builder().threads(1).log_failures(Level::Warn).build().unwrap();
    let group = pool.group::<u8>().build().unwrap();
    group.submit(|| Err::<u8, _>(Unsaid)).unwrap();
    assert!(pool.wait_idle());
    assert_eq!((group.counts().failed, pool.counts().failed, group.failed().len()), (1, 1, 1));
}

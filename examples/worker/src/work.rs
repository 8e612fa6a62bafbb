//! The sample's jobs: what an entry asks for, done. Another program has its own.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::queue::Entry;

/// As it crosses threads.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// An error that does not say what it is.
#[derive(Debug)]
struct Unreadable;

impl Display for Unreadable {
    fn fmt(&self, _: &mut Formatter<'_>) -> fmt::Result {
        Err(fmt::Error)
    }
}

impl Error for Unreadable {}

/// Does what entries say in `work`, and writes a line for each `number`: outside of the server, so that it can be checked.
#[derive(Debug)]
pub struct Work {
    record: Option<File>,
}

impl Work {
    /// Its lines are appended to this file.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened.
    pub fn new(record: Option<&Path>) -> std::io::Result<Self> {
        let open = |path| File::options().create(true).append(true).open(path);
        Ok(Self { record: record.map(open).transpose()? })
    }

    /// Has to be such that a second time does no harm. `is_cancelled` says that nobody wants it any more.
    ///
    /// # Errors
    ///
    /// Those of the work; it is tried again later.
    pub fn perform(&self, entry: &Entry, is_cancelled: &dyn Fn() -> bool) -> Result<(), BoxError> {
        let field = |name: &str| {
            let value = entry.fields.get(name.as_bytes()).ok_or_else(|| format!("no field {name}"))?;
            Ok::<&str, BoxError>(std::str::from_utf8(value)?)
        };
        let (number, work) = (field("number")?, field("work")?);
        let (work, detail) = work.split_once(' ').unwrap_or((work, ""));
        let record = |what: &str| self.record(&format!("{number} {what}\n"));
        match work {
            // As for another server, or a disk.
            "wait" => {
                std::thread::sleep(Duration::from_millis(detail.parse()?));
                record("done")
            }
            "compress" => {
                let length = 1024 * detail.parse::<usize>()?;
                let text: Vec<u8> = (0..).flat_map(|n: u32| format!("{}, ", n * n).into_bytes()).take(length).collect();
                zstd::bulk::compress(&text, 9)?;
                record("done")
            }
            // One that takes as long as somebody likes, and one that stops when it is told.
            "until" => {
                record("begun")?;
                while !Path::new(detail).exists() {
                    std::thread::sleep(Duration::from_millis(5));
                }
                record("done")
            }
            "endless" => {
                record("begun")?;
                while !is_cancelled() {
                    std::thread::sleep(Duration::from_millis(5));
                }
                record("told")?;
                Err("told to stop".into())
            }
            "fail" => {
                record("tried")?;
                Err("it cannot be done".into())
            }
            "mumble" => {
                record("tried")?;
                Err(Unreadable.into())
            }
            "panic" => {
                record("tried")?;
                panic!("nor this")
            }
            "crash" => {
                record("tried")?;
                std::process::abort()
            }
            other => Err(format!("nobody knows how to {other}").into()),
        }
    }

    /// In one write, so that lines stay whole.
    fn record(&self, line: &str) -> Result<(), BoxError> {
        match &self.record {
            Some(file) => Ok((&*file).write_all(line.as_bytes())?),
            None => Ok(()),
        }
    }
}

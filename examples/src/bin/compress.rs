//! Compresses every file under a directory in the pool, and proves each by decompressing it again.
//!
//! A job for each file; files that cannot be read come out of the failed queue. Nothing is kept unless `--out` says where.
#![forbid(unsafe_code)]

use std::collections::hash_map::DefaultHasher;
use std::error::Error;
use std::fmt;
use std::fs::{self, File};
use std::hash::Hasher;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use fastthreadpool::{Done, Failed, JobError, Pool};
use indicatif::{ProgressBar, ProgressStyle};
use walkdir::WalkDir;

/// Compresses every file under a directory, in parallel, and verifies each.
#[derive(Parser)]
struct Arguments {
    /// The directory.
    dir: PathBuf,
    /// How hard zstd tries, from 1 to 22.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(i32).range(1..=22))]
    level: i32,
    /// How many threads; the default is one for each processor.
    #[arg(long)]
    threads: Option<usize>,
    /// Where to write the compressed files, under the same names with `.zst`.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// A file that was compressed and verified.
struct Report {
    bytes: u64,
    compressed: u64,
}

/// A file that was not.
#[derive(Debug)]
enum FileError {
    Unreadable(PathBuf, io::Error),
    NotWritten(PathBuf, io::Error),
    Differs(PathBuf),
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => write!(f, "{} cannot be read: {error}", path.display()),
            Self::NotWritten(path, error) => write!(f, "{} cannot be written: {error}", path.display()),
            Self::Differs(path) => write!(f, "{} is not the same after decompression", path.display()),
        }
    }
}

impl Error for FileError {}

/// Counts and hashes what passes through.
struct Passing<I> {
    inner: I,
    bytes: u64,
    hash: DefaultHasher,
}

impl<I> Passing<I> {
    fn new(inner: I) -> Self {
        Self { inner, bytes: 0, hash: DefaultHasher::new() }
    }

    fn note(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.hash.write(bytes);
    }

    fn seen(&self) -> (u64, u64) {
        (self.bytes, self.hash.finish())
    }
}

impl<I: Read> Read for Passing<I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.note(&buffer[..count]);
        Ok(count)
    }
}

impl<I: Write> Write for Passing<I> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.note(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The job: compresses one file, and compares what decompression gives with what was read.
fn compress(path: &Path, level: i32, out: Option<&Path>) -> Result<Report, FileError> {
    let unreadable = |error| FileError::Unreadable(path.to_owned(), error);
    let mut original = Passing::new(File::open(path).map_err(unreadable)?);
    let mut compressed = Vec::new();
    zstd::stream::copy_encode(&mut original, &mut compressed, level).map_err(unreadable)?;
    let mut again = Passing::new(io::sink());
    let is_same = zstd::stream::copy_decode(&*compressed, &mut again).is_ok() && again.seen() == original.seen();
    if !is_same {
        return Err(FileError::Differs(path.to_owned()));
    }
    if let Some(out) = out {
        write(out, &compressed).map_err(|error| FileError::NotWritten(out.to_owned(), error))?;
    }
    Ok(Report { bytes: original.bytes, compressed: compressed.len() as u64 })
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, bytes)
}

#[derive(Default)]
struct Totals {
    files: u64,
    bytes: u64,
    compressed: u64,
    unreadable: Vec<String>,
    wrong: Vec<String>,
}

impl Totals {
    fn add(&mut self, ended: Result<Done<Report>, Failed>) {
        match ended {
            Ok(Done { value, .. }) => {
                self.files += 1;
                self.bytes += value.bytes;
                self.compressed += value.compressed;
            }
            Err(Failed { error: JobError::Failed(error), .. }) => match error.downcast_ref() {
                Some(FileError::Unreadable(..)) => self.unreadable.push(error.to_string()),
                _ => self.wrong.push(error.to_string()),
            },
            Err(Failed { error, .. }) => self.wrong.push(error.to_string()),
        }
    }
}

fn run(arguments: Arguments) -> Result<Totals, Box<dyn Error>> {
    let Arguments { dir, level, threads, out } = arguments;
    let builder = Pool::builder().name_prefix("compress");
    let pool: Pool<Report> = match threads {
        Some(threads) => builder.threads(threads).build()?,
        None => builder.build()?,
    };
    let progress = ProgressBar::new(0).with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} files")?);
    let mut totals = Totals::default();
    let out = out.map(Arc::new);
    let began = Instant::now();
    for entry in WalkDir::new(&dir) {
        let entry = match entry {
            Ok(entry) if entry.file_type().is_file() => entry,
            Ok(_) => continue,
            Err(error) if error.depth() == 0 => return Err(error.into()),
            Err(error) => {
                totals.unreadable.push(error.to_string());
                continue;
            }
        };
        let target = match &out {
            None => None,
            Some(out) => {
                let mut name = out.join(entry.path().strip_prefix(&dir)?).into_os_string();
                name.push(".zst");
                Some(PathBuf::from(name))
            }
        };
        let path = entry.into_path();
        pool.submit(move || compress(&path, level, target.as_deref()))?;
        progress.inc_length(1);
        // What has ended by now need not wait until all are found.
        for ended in pool.completed().now() {
            totals.add(ended);
            progress.inc(1);
        }
    }
    for ended in pool.completed() {
        totals.add(ended);
        progress.inc(1);
    }
    let took = began.elapsed();
    progress.finish_and_clear();
    println!(
        "{} files of {}, {} bytes, are {} bytes compressed ({}%), each verified; {took:.2?}",
        totals.files,
        dir.display(),
        totals.bytes,
        totals.compressed,
        100 * totals.compressed / totals.bytes.max(1)
    );
    let counts = pool.counts();
    println!("the pool says: {} done, {} failed, {} pending", counts.done, counts.failed, counts.pending);
    examples::check("jobs that the pool counts as done", totals.files, counts.done)?;
    examples::check("pending jobs", 0, counts.pending)?;
    Ok(totals)
}

/// 0 when every readable file was verified; those that cannot be read are listed. 1 otherwise.
fn main() -> ExitCode {
    let result = run(Arguments::parse()).and_then(|totals| {
        for file in &totals.unreadable {
            println!("left out: {file}");
        }
        for file in &totals.wrong {
            eprintln!("{file}");
        }
        examples::check("files that went wrong", 0, totals.wrong.len())
    });
    examples::exit_code("compress", result)
}

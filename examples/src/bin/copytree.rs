//! Copies a directory tree: one scanning job feeds the copying jobs.
//!
//! A file appears under its name when it is whole: it is written under a temporary name beside it, which goes away with
//! whatever ends the copy. Ctrl-C shuts the pool down: jobs that have not begun are dropped, those that run notice.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs::{self, File, Permissions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use clap::Parser;
use fastthreadpool::{Context, Pool};
use tempfile::NamedTempFile;
use walkdir::WalkDir;

/// Copies a directory tree in parallel.
#[derive(Parser)]
struct Arguments {
    /// What to copy.
    source: PathBuf,
    /// Where to; it must not exist, or be an empty directory.
    destination: PathBuf,
    /// How many threads; the default is one for each processor.
    #[arg(long)]
    threads: Option<usize>,
    /// Compare the contents of all files in the end.
    #[arg(long)]
    verify: bool,
}

/// What the jobs leave in the done queue.
enum Step {
    /// One file.
    Copied { bytes: u64 },
    /// All was found: so many files are to come, and directories to be given their permissions at last.
    Scanned { files: u64, links: u64, directories: Vec<(PathBuf, Permissions)> },
}

type JobResult = Result<Step, Box<dyn Error + Send + Sync>>;

/// Bytes between two looks whether to go on.
const CHUNK: usize = 1 << 20;

fn about<E: Error>(path: &Path) -> impl FnOnce(E) -> String {
    move |error| format!("{}: {error}", path.display())
}

/// The scanning job: makes directories and links itself, and submits a job for each file.
fn scan(job: &Context<'_, Step>, pool: &Pool<Step>, source: &Path, destination: &Path) -> JobResult {
    let (mut files, mut links, mut directories) = (0, 0, Vec::new());
    for entry in WalkDir::new(source) {
        if job.is_cancelled() {
            break;
        }
        let entry = entry?;
        let from = entry.path().to_owned();
        let to = destination.join(from.strip_prefix(source)?);
        let kind = entry.file_type();
        if kind.is_dir() {
            // Writable for now: the files are still to come.
            fs::create_dir_all(&to).map_err(about(&to))?;
            directories.push((to, entry.metadata()?.permissions()));
        } else if kind.is_symlink() {
            let target = fs::read_link(&from).map_err(about(&from))?;
            std::os::unix::fs::symlink(target, &to).map_err(about(&to))?;
            links += 1;
        } else if kind.is_file() {
            pool.submit_with(move |job| copy(job, &from, &to)).map_err(|refused| refused.to_string())?;
            files += 1;
        } else {
            return Err(format!("{} is neither file, directory nor link", from.display()).into());
        }
    }
    Ok(Step::Scanned { files, links, directories })
}

/// A copying job.
fn copy(job: &Context<'_, Step>, from: &Path, to: &Path) -> JobResult {
    let source = File::open(from).map_err(about(from))?;
    let directory = to.parent().ok_or("a file lies in a directory")?;
    // Removed when it is dropped: by any error below, and by a panic.
    let mut target = NamedTempFile::new_in(directory).map_err(about(directory))?;
    let mut bytes = 0;
    loop {
        if job.is_cancelled() {
            return Err(format!("{}: interrupted", from.display()).into());
        }
        match io::copy(&mut (&source).take(CHUNK as u64), &mut target).map_err(about(to))? {
            0 => break,
            copied => bytes += copied,
        }
    }
    target.flush().map_err(about(to))?;
    target.as_file().set_permissions(source.metadata()?.permissions()).map_err(about(to))?;
    target.persist_noclobber(to).map_err(|error| about(to)(error.error))?;
    Ok(Step::Copied { bytes })
}

/// Whether two files have the same contents.
fn is_same(a: &Path, b: &Path) -> io::Result<bool> {
    let (mut a, mut b) = (BufReader::new(File::open(a)?), BufReader::new(File::open(b)?));
    let (mut left, mut right) = (vec![0; CHUNK], vec![0; CHUNK]);
    loop {
        let count = a.read(&mut left)?;
        if count == 0 {
            return Ok(b.read(&mut right[..1])? == 0);
        }
        if b.read_exact(&mut right[..count]).is_err() || left[..count] != right[..count] {
            return Ok(false);
        }
    }
}

/// Files and their bytes under a directory.
fn measure(directory: &Path) -> Result<(u64, u64), Box<dyn Error>> {
    let (mut files, mut bytes) = (0, 0);
    for entry in WalkDir::new(directory) {
        let entry = entry?;
        if entry.file_type().is_file() {
            files += 1;
            bytes += entry.metadata()?.len();
        }
    }
    Ok((files, bytes))
}

fn verify(pool: &Pool<Step>, source: &Path, destination: &Path) -> Result<(), Box<dyn Error>> {
    let files: Vec<PathBuf> = WalkDir::new(source)
        .into_iter()
        .filter_map(|entry| entry.ok().filter(|entry| entry.file_type().is_file()))
        .map(walkdir::DirEntry::into_path)
        .collect();
    let same = pool.par_map(&files, |file| {
        let copy = destination.join(file.strip_prefix(source).map_err(io::Error::other)?);
        is_same(file, &copy)
    });
    for (file, same) in files.iter().zip(same) {
        examples::check(&format!("contents of the copy of {}", file.display()), true, same?)?;
    }
    println!("the contents of all {} files are the same", files.len());
    Ok(())
}

/// Returns whether it was interrupted.
fn run(arguments: Arguments) -> Result<bool, Box<dyn Error>> {
    let Arguments { source, destination, threads, verify: compares } = arguments;
    let source = source.canonicalize().map_err(about(&source))?;
    if !source.is_dir() {
        return Err(format!("{} is no directory", source.display()).into());
    }
    if destination.exists() && fs::read_dir(&destination).map_err(about(&destination))?.next().is_some() {
        return Err(format!("{} is not empty", destination.display()).into());
    }
    fs::create_dir_all(&destination).map_err(about(&destination))?;
    let destination = destination.canonicalize().map_err(about(&destination))?;
    if destination.starts_with(&source) {
        return Err("a directory cannot be copied into itself".into());
    }

    let builder = Pool::builder().name_prefix("copytree");
    let pool: Pool<Step> = match threads {
        Some(threads) => builder.threads(threads).build()?,
        None => builder.build()?,
    };
    let interrupted = Arc::new(AtomicBool::new(false));
    {
        let (pool, interrupted) = (pool.clone(), Arc::clone(&interrupted));
        ctrlc::set_handler(move || {
            interrupted.store(true, Ordering::SeqCst);
            pool.shutdown_now();
        })?;
    }

    let began = Instant::now();
    {
        let (feed, source, destination) = (pool.clone(), source.clone(), destination.clone());
        pool.submit_with(move |job| scan(job, &feed, &source, &destination))?;
    }
    let (mut copied, mut bytes, mut found, mut failures) = (0, 0, None, Vec::new());
    for ended in pool.completed() {
        match ended {
            Ok(done) => match done.value {
                Step::Copied { bytes: more } => {
                    copied += 1;
                    bytes += more;
                }
                Step::Scanned { files, links, directories } => found = Some((files, links, directories)),
            },
            Err(failed) => failures.push(failed.error.to_string()),
        }
    }
    if interrupted.load(Ordering::SeqCst) {
        pool.shutdown_now();
        println!("interrupted: {copied} files are whole, and none is there by half");
        return Ok(true);
    }
    for failure in &failures {
        eprintln!("{failure}");
    }
    examples::check("failures", 0, failures.len())?;
    let (files, links, directories) = found.ok_or("the scan did not end")?;
    // The deepest first: a directory that may not be written to can still be entered.
    for (directory, permissions) in directories.iter().rev() {
        fs::set_permissions(directory, permissions.clone()).map_err(about(directory))?;
    }
    println!(
        "{copied} files of {bytes} bytes, {links} links, {} directories; {:.2?}",
        directories.len(),
        began.elapsed()
    );
    examples::check("files found and copied", files, copied)?;
    examples::check("files and bytes in the copy", measure(&source)?, measure(&destination)?)?;
    if compares {
        verify(&pool, &source, &destination)?;
    }
    Ok(false)
}

/// 0 when all was copied, 1 when something was not, 130 after Ctrl-C.
fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(true) => ExitCode::from(130),
        Ok(false) => ExitCode::SUCCESS,
        Err(error) => examples::exit_code("copytree", Err(error)),
    }
}

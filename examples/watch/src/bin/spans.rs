//! What is local to the task of a submitter follows its jobs: spans of `tracing`, and the context of OpenTelemetry.

use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use fastthreadpool::Pool;
use opentelemetry::Context;
use tracing::{info, info_span};

fn main() -> Result<(), Box<dyn Error>> {
    let lines = traced()?;
    for (number, line) in (1..).zip(&lines) {
        println!("{line}");
        let expected =
            format!(r#"request{{number={number}}}:job{{id={} name="answer" group="answers"}}: "#, number - 1);
        if !line.contains(&expected) || !line.ends_with("it runs") {
            return Err(format!("{line} has not the spans {expected}").into());
        }
    }
    for user in with_context()? {
        println!("a job for {user}");
    }
    Ok(())
}

/// What jobs of two requests log.
fn traced() -> Result<Vec<String>, Box<dyn Error>> {
    let log = Log::default();
    let written = log.clone();
    let subscriber = tracing_subscriber::fmt().without_time().with_ansi(false).with_writer(move || written.clone());
    subscriber.try_init().map_err(|error| error.to_string())?;
    let pool: Pool = Pool::builder().threads(1).tracing().build()?;
    let answers = pool.group::<()>().name("answers").build()?;
    for number in 1..=2 {
        let submit = || answers.job(|| info!("it runs")).name("answer").submit();
        info_span!("request", number).in_scope(submit)?;
    }
    pool.shutdown();
    let bytes = log.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(String::from_utf8(bytes)?.lines().map(str::to_owned).collect())
}

/// Whom a job works for: in the context of OpenTelemetry, where a span of its own would be, too.
#[derive(Debug)]
struct User(&'static str);

fn with_context() -> Result<Vec<&'static str>, Box<dyn Error>> {
    let enter = |context: &mut Context, job: &mut dyn FnMut()| {
        let _guard = context.clone().attach();
        job();
    };
    let pool: Pool = Pool::builder().threads(2).propagate(Context::current, enter).build()?;
    let mut jobs = Vec::new();
    for user in ["Ann", "Bob"] {
        let _guard = Context::current_with_value(User(user)).attach();
        jobs.push(pool.spawn(|| Context::current().get::<User>().map(|user| user.0))?);
    }
    let users = jobs.into_iter().map(|job| job.join().map_err(Box::from).and_then(|user| user.ok_or("no user".into())));
    users.collect()
}

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

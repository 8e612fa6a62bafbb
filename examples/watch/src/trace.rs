//! A record in the trace event format, which `chrome://tracing` and <https://ui.perfetto.dev> show: a lane for each worker, an arrow from
//! where a job was accepted to where it began.
//!
//! The format: <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>.

use std::time::Duration;

use fastthreadpool::RunEnd;
use serde_json::{Value, json};

use crate::record::{Record, Run};

/// The lane of those who submit.
const SUBMITS: usize = 0;

/// The lane of jobs that are run by who is no worker.
const OUTSIDE: usize = 1;

/// The record as events.
#[must_use]
pub fn events(record: &Record) -> Value {
    let mut events = Vec::new();
    let lanes = record.runs.iter().map(|run| run.worker).chain(record.sleeps.iter().map(|sleep| Some(sleep.worker)));
    let workers = lanes.flatten().max().map_or(0, |last| last + 1);
    let names = (0..workers).map(|worker| (lane(Some(worker)), format!("worker {worker}")));
    for (lane, name) in [(SUBMITS, "accepted".into()), (OUTSIDE, "run by who waits".into())].into_iter().chain(names) {
        events.push(json!({"ph": "M", "name": "thread_name", "pid": 1, "tid": lane, "args": {"name": name}}));
    }
    for (flow, run) in record.runs.iter().enumerate() {
        events.push(complete(run));
        if let Some(ready) = run.ready {
            let arrow = |phase, at, tid| json!({"ph": phase, "bp": "e", "id": flow, "name": "waits", "cat": "wait", "pid": 1, "tid": tid, "ts": micros(at)});
            events.push(arrow("s", ready, SUBMITS));
            events.push(arrow("f", run.begun, lane(run.worker)));
        }
    }
    for job in &record.jobs {
        let args = json!({"id": job.id.to_string(), "group": job.group});
        events.push(json!({"ph": "X", "name": job.name, "cat": category(job.group), "pid": 1, "tid": SUBMITS,
            "ts": micros(job.accepted), "dur": 0.0, "args": args}));
        if let Some((at, reason)) = job.removed {
            events.push(json!({"ph": "i", "s": "t", "name": format!("{} removed: {reason}", job.name), "cat": category(job.group),
                "pid": 1, "tid": SUBMITS, "ts": micros(at), "args": args}));
        }
    }
    for sleep in &record.sleeps {
        events.push(json!({"ph": "X", "name": "asleep", "cat": "asleep", "pid": 1, "tid": lane(Some(sleep.worker)),
            "ts": micros(sleep.from), "dur": micros(sleep.to.saturating_sub(sleep.from)), "cname": "grey"}));
    }
    json!({"traceEvents": events, "displayTimeUnit": "ms"})
}

fn complete(run: &Run) -> Value {
    let waited = run.waited().map(micros);
    let waited = if run.is_timed { json!({"late us": waited}) } else { json!({"waited us": waited}) };
    let end = match run.end {
        None => "none yet",
        Some(RunEnd::Done) => "done",
        Some(RunEnd::Failed) => "failed",
        Some(RunEnd::Cancelled) => "cancelled",
        Some(_) => "put off",
    };
    json!({"ph": "X", "name": run.name, "cat": category(run.group), "pid": 1, "tid": lane(run.worker), "ts": micros(run.begun),
        "dur": micros(run.took()), "args": {"id": run.id.to_string(), "end": end, "group": run.group, "time": waited}})
}

fn lane(worker: Option<usize>) -> usize {
    worker.map_or(OUTSIDE, |worker| OUTSIDE + 1 + worker)
}

fn category(group: &str) -> &str {
    if group.is_empty() { "pool" } else { group }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use fastthreadpool::Pool;

    use crate::record::Recorder;

    #[test]
    fn each_run_is_an_event_with_an_arrow() {
        let recorder = Arc::new(Recorder::default());
        let pool: Pool<u32> = Pool::builder().threads(2).observer(Arc::clone(&recorder)).build().unwrap();
        (0..10).for_each(|n| _ = pool.job(move || n).name("job").submit().unwrap());
        pool.job(|| Err("no")).name("fails").submit().unwrap();
        pool.shutdown();
        let events = events(&recorder.record());
        let of = |phase: &str| {
            events["traceEvents"].as_array().unwrap().iter().filter(|e| e["ph"] == phase).cloned().collect::<Vec<_>>()
        };
        let runs: Vec<_> = of("X").into_iter().filter(|event| event["args"]["end"].is_string()).collect();
        assert_eq!((runs.len(), of("s").len(), of("f").len()), (11, 11, 11));
        assert_eq!(runs.iter().filter(|run| run["args"]["end"] == "failed" && run["name"] == "fails").count(), 1);
        assert!(runs.iter().all(|run| run["tid"].as_u64().unwrap() > OUTSIDE as u64));
    }
}

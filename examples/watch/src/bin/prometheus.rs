//! What a pool measures, as Prometheus reads it: by the facade of the crate `metrics`. A program that serves it would hand the text out at an
//! address; this one prints it.

use std::error::Error;
use std::hint::black_box;
use std::time::Duration;

use fastthreadpool::{Exporter, Pool};
use metrics_exporter_prometheus::PrometheusBuilder;

fn main() -> Result<(), Box<dyn Error>> {
    let recorder = PrometheusBuilder::new().build_recorder();
    let prometheus = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|error| error.to_string())?;

    let pool: Pool<u64> = Pool::builder().threads(2).metrics(true).build()?;
    let mut exporter = Exporter::new(pool.downgrade(), "sums");
    // As it goes on; and what comes after the last time is told at the end.
    let short = pool.group::<u64>().name("short").build()?;
    let mut last = Exporter::new(pool.downgrade(), "sums at the end").with_group(&short, "short");
    let reports = pool.group::<()>().build()?;
    reports.schedule(Duration::from_millis(5), move || _ = exporter.export())?;
    for n in 0..100_000_u64 {
        let group = if n % 100 < 10 { &short } else { &pool };
        group.submit(
            move || if n == 4_999 { Err("one that fails") } else { Ok((0..n % 100).map(black_box).sum::<u64>()) },
        )?;
    }
    pool.wait_idle();
    pool.cancel_timers();
    last.export();

    let text = prometheus.render();
    println!("{text}");
    for line in [
        r#"fastthreadpool_jobs_failed{pool="sums at the end"} 1"#,
        r#"fastthreadpool_workers_alive{pool="sums at the end"} 2"#,
        r#"fastthreadpool_jobs_queued{pool="sums at the end"} 0"#,
        r#"fastthreadpool_jobs_done{pool="sums at the end",group="short"} 10000"#,
    ] {
        if !text.lines().any(|present| present == line) {
            return Err(format!("there is no line {line}").into());
        }
    }
    let ended = pool.counts();
    let done = format!(r#"fastthreadpool_jobs_done{{pool="sums at the end"}} {}"#, ended.done);
    if !text.contains(&done)
        || !text.contains(r#"fastthreadpool_running_seconds_sum{pool="sums at the end",group="short"}"#)
    {
        return Err(format!("there is no line {done}").into());
    }
    Ok(())
}

//! The figures, for people and for programs.

use std::error::Error;
use std::path::Path;

use crate::works::{self, Measured};

/// A work, and what it cost.
pub struct Row {
    pub work: works::Row,
    pub measured: Measured,
}

/// One line of the table; the first with its head.
pub fn line(row: &Row, is_first: bool) -> String {
    let Row { work, measured } = row;
    let head = if is_first {
        "work             cores  workers   ns/job  awake  transfers/job  locked/job  asked/job  lines: transfers/job, ns waited/job\n"
    } else {
        ""
    };
    let named = measured.lines.iter().filter(|line| line.transfers >= 0.005).take(5);
    let lines: Vec<_> = named.map(|line| format!("{} {:.2}, {:.0}", line.name, line.transfers, line.wait)).collect();
    format!(
        "{head}{:<16} {:>5} {:>8} {:>8.1} {:>6.1} {:>14.2} {:>11.2} {:>10.2}  {}\n",
        work.name,
        work.cores(),
        work.workers,
        measured.time,
        measured.awake,
        measured.transfers,
        measured.locked,
        measured.asked,
        lines.join("; "),
    )
}

/// Writes one record for each line of memory of each work.
pub fn write(rows: &[Row], file: &Path) -> Result<(), Box<dyn Error>> {
    let mut out = csv::Writer::from_path(file)?;
    out.write_record([
        "work",
        "cores",
        "workers",
        "ns_job",
        "awake",
        "transfers_job",
        "locked_job",
        "asked_job",
        "line",
        "line_transfers_job",
        "line_wait_ns_job",
    ])?;
    for Row { work, measured } in rows {
        for line in &measured.lines {
            let figures = [measured.time, measured.awake, measured.transfers, measured.locked, measured.asked];
            let mut record = vec![work.name.to_owned(), work.cores().to_string(), work.workers.to_string()];
            record.extend(figures.iter().map(|figure| format!("{figure:.3}")));
            record.extend([line.name.clone(), format!("{:.3}", line.transfers), format!("{:.1}", line.wait)]);
            out.write_record(record)?;
        }
    }
    Ok(out.flush()?)
}

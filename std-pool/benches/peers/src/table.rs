//! Prints what was measured: as it comes, one line for each cell; in the end, one table.

use crate::rows::{Measured, Row};

/// Three digits that count, and no more.
pub fn number(value: f64) -> String {
    match value.abs() {
        size if !size.is_finite() => "-".into(),
        size if size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// To standard error, while it runs.
pub fn progress(row: &Row) {
    eprintln!("{}, {}: median, quartiles, least, most, ratio", row.title(), row.unit);
    for cell in &row.cells {
        let Some((summary, (_, ratio))) = row.cell(&cell.peer).zip(row.figures(&cell.peer)) else { continue };
        let numbers =
            [summary.median, summary.lower_quartile, summary.upper_quartile, summary.least, summary.most].map(number);
        let [median, lower, upper, least, most] = numbers;
        let ratio = ratio.map_or("-".into(), number);
        eprintln!("  {:<16} {median:>9} {lower:>9} {upper:>9} {least:>9} {most:>9} {ratio:>9}", cell.peer);
    }
}

fn cell(row: &Row, peer: &str) -> String {
    match row.figures(peer) {
        None => "-".into(),
        Some((median, None)) => number(median),
        Some((median, Some(_))) if row.base == peer => number(median),
        Some((median, Some(ratio))) => format!("{} ({})", number(median), number(ratio)),
    }
}

/// Half of the distance between the quartiles of ours, to its median.
fn spread(row: &Row) -> String {
    let ours = crate::peer::Peer::Ours.name();
    match row.cell(ours) {
        Some(summary) if summary.median > 0.0 => {
            format!("{:.0} %", (summary.upper_quartile - summary.lower_quartile) / summary.median * 50.0)
        }
        _ => "-".into(),
    }
}

/// The table, aligned, which is a Markdown table as well.
pub fn table(measured: &Measured) -> String {
    let peers = measured.peers();
    let mut lines: Vec<Vec<String>> = Vec::new();
    let heads = ["work", "unit", "spread of ours"].into_iter().chain(peers.iter().copied());
    lines.push(heads.map(str::to_owned).collect());
    for row in &measured.rows {
        let mut line = vec![row.title(), row.unit.clone(), spread(row)];
        line.extend(peers.iter().map(|peer| cell(row, peer)));
        lines.push(line);
    }
    let widths: Vec<usize> = (0..lines[0].len())
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default())
        .collect();
    let rule = widths.iter().enumerate().map(|(column, width)| match column {
        0 | 1 => "-".repeat(*width),
        _ => format!("{}:", "-".repeat(width - 1)),
    });
    lines.insert(1, rule.collect());

    let mut text =
        format!("{}. Medians; in brackets the ratio to ours, to the floor where ours has one.\n\n", measured.machine);
    for line in lines {
        for (column, (cell, &width)) in line.iter().zip(&widths).enumerate() {
            let aligned = if column < 2 { format!("| {cell:<width$} ") } else { format!("| {cell:>width$} ") };
            text.push_str(&aligned);
        }
        text.push_str("|\n");
    }
    text
}

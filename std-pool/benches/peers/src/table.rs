//! What was measured, as text: every round as comma-separated values, the medians as a table.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io::{BufRead, Write};

use crate::bench::{Row, median};

pub const HEADER: &str = "section,work,quantity,peer,round,figure";

/// The peer that the others are compared with.
pub const OURS: &str = "fastthreadpool";

pub fn write(to: &mut impl Write, rows: &[Row]) -> std::io::Result<()> {
    for row in rows {
        for (peer, figures) in &row.peers {
            for (round, figure) in figures.iter().enumerate() {
                let Row { section, name, quantity, .. } = row;
                // No name has a comma.
                writeln!(to, "{section},{name},{quantity},{peer},{round},{figure}")?;
            }
        }
    }
    Ok(())
}

/// What [`write`] has written.
pub fn read(from: impl BufRead) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut rows: Vec<Row> = Vec::new();
    for line in from.lines().skip(1) {
        let line = line?;
        let [section, name, quantity, peer, _, figure] = line.split(',').collect::<Vec<_>>()[..] else {
            return Err(format!("not a line of figures: {line}").into());
        };
        let is_same = |row: &Row| (&*row.section, &*row.name, &*row.quantity) == (section, name, quantity);
        if !rows.last().is_some_and(is_same) {
            let [section, name, quantity] = [section, name, quantity].map(str::to_owned);
            rows.push(Row { section, name, quantity, peers: Vec::new() });
        }
        let row = rows.last_mut().expect("just pushed if there was none");
        match row.peers.iter_mut().find(|(name, _)| name == peer) {
            Some((_, figures)) => figures.push(figure.parse()?),
            None => row.peers.push((peer.to_owned(), vec![figure.parse()?])),
        }
    }
    Ok(rows)
}

/// With three digits that count.
pub fn figure(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        ..0.995 => format!("{value:.2}"),
        ..99.5 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// The rows of one section: for each peer the median, and how many times ours it is.
pub fn markdown(rows: &[Row]) -> String {
    let mut columns: Vec<&str> = Vec::new();
    for (peer, _) in rows.iter().flat_map(|row| &row.peers) {
        if !columns.contains(&peer.as_str()) {
            columns.push(peer);
        }
    }
    let mut lines =
        vec![[vec![rows[0].section.clone()], columns.iter().map(|name| (*name).to_owned()).collect()].concat()];
    for row in rows {
        let medians: BTreeMap<&str, f64> = row.peers.iter().map(|(peer, all)| (&**peer, median(all))).collect();
        let ours = medians.get(OURS).copied();
        let cell = |peer: &&str| match (medians.get(peer), ours) {
            (None, _) => "-".to_owned(),
            (Some(value), Some(ours)) if *peer != OURS && ours > 0.0 => {
                format!("{} ({}x)", figure(*value), figure(value / ours))
            }
            (Some(value), _) => figure(*value),
        };
        let mut line = vec![format!("{}: {}", row.name, row.quantity)];
        line.extend(columns.iter().map(cell));
        lines.push(line);
    }
    let widths: Vec<usize> = (0..=columns.len())
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (cell, width) in line.iter().zip(&widths) {
            let _ = write!(text, "| {cell:width$} ");
        }
        text.push_str("|\n");
        if number == 0 {
            for width in &widths {
                let _ = write!(text, "|{}", "-".repeat(width + 2));
            }
            text.push_str("|\n");
        }
    }
    text
}

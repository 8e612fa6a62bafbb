//! What was measured: rows of cells of rounds, and the file that keeps them.

use std::error::Error;
use std::path::Path;

use crate::peer::Peer;
use crate::stats::Summary;

pub struct Cell {
    pub peer: String,
    pub rounds: Vec<f64>,
}

/// One figure of one work, for all peers.
pub struct Row {
    pub chart: String,
    pub work: String,
    pub metric: String,
    pub unit: String,
    /// The peer that the ratios are to.
    pub base: String,
    pub cells: Vec<Cell>,
}

impl Row {
    pub fn cell(&self, peer: &str) -> Option<Summary> {
        self.cells.iter().find(|cell| cell.peer == peer).map(|cell| Summary::of(cell.rounds.clone()))
    }

    /// The median of a peer, and its ratio to the base's, if there is one that can be divided by.
    pub fn figures(&self, peer: &str) -> Option<(f64, Option<f64>)> {
        let median = self.cell(peer)?.median;
        let base = self.cell(&self.base).map(|base| base.median).filter(|base| *base >= NOTHING);
        Some((median, base.map(|base| median / base)))
    }

    pub fn title(&self) -> String {
        if self.metric.is_empty() { self.work.clone() } else { format!("{}: {}", self.work, self.metric) }
    }
}

/// All rows, and the line that says where they were measured.
pub struct Measured {
    pub machine: String,
    pub rows: Vec<Row>,
}

/// What is below would be printed as zero, and a ratio to it says nothing.
pub const NOTHING: f64 = 0.005;

const COLUMNS: [&str; 9] = ["machine", "chart", "work", "metric", "unit", "base", "peer", "round", "value"];

impl Measured {
    /// The peers that have a cell, in the order of the columns.
    pub fn peers(&self) -> Vec<&'static str> {
        let has_cell = |peer: &&str| self.rows.iter().any(|row| row.cells.iter().any(|cell| cell.peer == *peer));
        Peer::ALL.into_iter().map(Peer::name).filter(has_cell).collect()
    }

    pub fn write(&self, path: &Path) -> Result<(), Box<dyn Error>> {
        let mut file = csv::Writer::from_path(path)?;
        file.write_record(COLUMNS)?;
        for row in &self.rows {
            for cell in &row.cells {
                for (round, value) in cell.rounds.iter().enumerate() {
                    let texts = [&self.machine, &row.chart, &row.work, &row.metric, &row.unit, &row.base, &cell.peer];
                    let numbers = [round.to_string(), value.to_string()];
                    file.write_record(texts.into_iter().chain(&numbers))?;
                }
            }
        }
        Ok(file.flush()?)
    }

    pub fn read(path: &Path) -> Result<Self, Box<dyn Error>> {
        let mut file = csv::Reader::from_path(path)?;
        let mut measured = Self { machine: String::new(), rows: Vec::new() };
        if file.headers()? != COLUMNS.as_slice() {
            return Err(format!("{} is not a file of `--csv`", path.display()).into());
        }
        for record in file.records() {
            measured.add(&record?)?;
        }
        Ok(measured)
    }

    /// One line; those of a row stand together, and those of a cell.
    fn add(&mut self, record: &csv::StringRecord) -> Result<(), Box<dyn Error>> {
        let text = |column: usize| record[column].to_owned();
        let value = record[8].parse()?;
        self.machine = text(0);
        let is_same = |row: &&mut Row| row.chart == record[1] && row.work == record[2] && row.metric == record[3];
        if self.rows.last_mut().filter(is_same).is_none() {
            let [chart, work, metric, unit, base] = [1, 2, 3, 4, 5].map(text);
            self.rows.push(Row { chart, work, metric, unit, base, cells: Vec::new() });
        }
        let cells = &mut self.rows.last_mut().ok_or("a row was just added")?.cells;
        match cells.last_mut().filter(|cell| cell.peer == record[6]) {
            Some(cell) => cell.rounds.push(value),
            None => cells.push(Cell { peer: text(6), rounds: vec![value] }),
        }
        Ok(())
    }
}

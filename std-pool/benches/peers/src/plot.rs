//! Plots: a file for each group of works, in it a panel for each row of the table, in it a bar for each peer.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::curves;
use crate::peer::Peer;
use crate::rows::{Measured, NOTHING, Row};
use crate::table::number;
use crate::works::scale;

const OURS: RGBColor = RGBColor(214, 69, 24);
const FLOOR: RGBColor = RGBColor(190, 190, 190);
const OTHERS: RGBColor = RGBColor(122, 148, 178);
const TEXT: RGBColor = RGBColor(34, 34, 34);
const FAINT: RGBColor = RGBColor(228, 228, 228);

// All in pixels.
const MARGIN: i32 = 16;
const HEAD: i32 = 52;
const TITLE: i32 = 28;
const LINE: i32 = 18;
const BAR: i32 = 13;
const GAP: i32 = 18;
const NAMES: i32 = 104;
const BARS: i32 = 260;
const VALUES: i32 = 116;
const PANEL: i32 = NAMES + BARS + VALUES;

/// Beyond this ratio the short bars could not be told apart, so that the scale is logarithmic.
const LINEAR: f64 = 20.0;

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn = Result<(), Box<dyn Error>>;

/// One peer of a panel.
struct Bar<'a> {
    peer: &'a str,
    value: f64,
    ratio: Option<f64>,
}

/// From values to lengths.
struct Scale {
    least: f64,
    most: f64,
    is_logarithmic: bool,
}

impl Scale {
    fn of(bars: &[Bar]) -> Self {
        let values = || bars.iter().map(|bar| bar.value).filter(|value| *value > 0.0);
        let (least, most) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
        Self { least, most, is_logarithmic: bars.iter().all(|bar| bar.value >= NOTHING) && most > least * LINEAR }
    }

    fn length(&self, value: f64) -> i32 {
        let share = if self.most <= 0.0 {
            0.0
        } else if self.is_logarithmic {
            // The shortest bar is to be seen: it begins at half of its value.
            let zero = (self.least / 2.0).ln();
            (value.ln() - zero) / (self.most.ln() - zero)
        } else {
            value / self.most
        };
        (share * f64::from(BARS)).round() as i32
    }

    /// Powers of ten between the ends of a logarithmic scale.
    fn lines(&self) -> Vec<f64> {
        if !self.is_logarithmic {
            return Vec::new();
        }
        let decades = (self.least / 2.0).log10().ceil() as i32..=self.most.log10().floor() as i32;
        decades.map(|decade| 10_f64.powi(decade)).collect()
    }
}

/// Ours, the floor, then the others, the best first.
fn bars(row: &Row) -> Vec<Bar<'_>> {
    let place = |peer: &str| [Peer::Ours, Peer::Floor].iter().position(|first| first.name() == peer).unwrap_or(2);
    let mut found: Vec<Bar> = row
        .cells
        .iter()
        .filter_map(|cell| row.figures(&cell.peer).map(|(value, ratio)| Bar { peer: &cell.peer, value, ratio }))
        .filter(|bar| bar.value.is_finite())
        .collect();
    found.sort_by(|a, b| place(a.peer).cmp(&place(b.peer)).then(a.value.total_cmp(&b.value)));
    found
}

fn write(area: &Area, text: &str, size: i32, at: (i32, i32), horizontal: HPos, color: RGBColor) -> Drawn {
    let style = ("sans-serif", size).into_font().color(&color).pos(Pos::new(horizontal, VPos::Center));
    Ok(area.draw(&Text::new(text, at, style))?)
}

fn draw_panel(area: &Area, row: &Row, (left, top): (i32, i32)) -> Drawn {
    let bars = bars(row);
    let scale = Scale::of(&bars);
    let note = if scale.is_logarithmic { ", log scale" } else { "" };
    write(area, &format!("{} ({}{note})", row.title(), row.unit), 13, (left, top + 10), HPos::Left, TEXT)?;
    let (zero, first) = (left + NAMES, top + TITLE);
    let bottom = first + LINE * bars.len() as i32;
    for line in scale.lines() {
        let x = zero + scale.length(line);
        area.draw(&PathElement::new([(x, first - 2), (x, bottom)], FAINT))?;
    }
    for (index, bar) in bars.iter().enumerate() {
        let middle = first + LINE * index as i32 + LINE / 2;
        let color = match bar.peer {
            ours if ours == Peer::Ours.name() => OURS,
            floor if floor == Peer::Floor.name() => FLOOR,
            _ => OTHERS,
        };
        let end = zero + scale.length(bar.value);
        area.draw(&Rectangle::new([(zero, middle - BAR / 2), (end.max(zero + 1), middle + BAR / 2)], color.filled()))?;
        write(area, bar.peer, 12, (zero - 6, middle), HPos::Right, if color == OURS { OURS } else { TEXT })?;
        let ratio =
            bar.ratio.filter(|_| bar.peer != row.base).map_or(String::new(), |ratio| format!(" ({}×)", number(ratio)));
        write(area, &format!("{}{ratio}", number(bar.value)), 12, (end.max(zero + 1) + 5, middle), HPos::Left, TEXT)?;
    }
    Ok(())
}

/// Two panels side by side, so that a plot is no longer than a screen or two.
fn draw_chart(path: &Path, chart: &str, machine: &str, rows: &[&Row]) -> Drawn {
    let columns = rows.len().min(2);
    let height = |row: &&Row| TITLE + LINE * bars(row).len() as i32 + GAP;
    let lines: Vec<i32> = rows.chunks(columns).map(|line| line.iter().map(height).max().unwrap_or_default()).collect();
    let width = MARGIN + (PANEL + MARGIN) * columns as i32;
    let size = (width as u32, (HEAD + lines.iter().sum::<i32>()) as u32);
    let area = SVGBackend::new(path, size).into_drawing_area();
    area.fill(&WHITE)?;
    let base = rows[0].base == Peer::Floor.name();
    let ratio = if base { "the floor" } else { "fastthreadpool" };
    write(&area, &format!("{chart}: shorter is better, (×) is to {ratio}"), 15, (MARGIN, 16), HPos::Left, TEXT)?;
    write(&area, machine, 11, (MARGIN, 35), HPos::Left, RGBColor(110, 110, 110))?;
    let mut top = HEAD;
    for (line, height) in rows.chunks(columns).zip(lines) {
        for (column, row) in line.iter().enumerate() {
            draw_panel(&area, row, (MARGIN + (PANEL + MARGIN) * column as i32, top))?;
        }
        top += height;
    }
    Ok(area.present()?)
}

/// One file for each chart, which is named after it.
pub fn draw(measured: &Measured, directory: &Path) -> Drawn {
    let mut charts: Vec<&str> = measured.rows.iter().map(|row| row.chart.as_str()).collect();
    charts.dedup();
    for chart in charts {
        let rows: Vec<&Row> = measured.rows.iter().filter(|row| row.chart == chart).collect();
        let path = directory.join(format!("{chart}.svg"));
        if chart == scale::CHART {
            curves::draw(&path, &measured.machine, &rows)?;
        } else {
            draw_chart(&path, chart, &measured.machine, &rows)?;
        }
    }
    Ok(())
}

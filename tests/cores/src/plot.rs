//! The curves: time and transfers of a job over the number of cores, one line for each work.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

use crate::table::Row;
use crate::works::Work;

const COLORS: [RGBColor; 6] = [
    RGBColor(214, 69, 24),
    RGBColor(31, 119, 180),
    RGBColor(44, 140, 60),
    RGBColor(120, 90, 170),
    RGBColor(140, 110, 60),
    RGBColor(90, 90, 90),
];

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw_panel(area: &Area, title: &str, rows: &[&Row], figure: impl Fn(&Row) -> f64) -> Result<(), Box<dyn Error>> {
    let cores = || rows.iter().map(|row| row.work.cores() as f64);
    let (least, most) = (cores().fold(f64::INFINITY, f64::min), cores().fold(0.0, f64::max));
    let figures = || rows.iter().map(|row| figure(row));
    let range = figures().fold(f64::INFINITY, f64::min) * 0.8..figures().fold(0.0, f64::max) * 1.2;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15))
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(44)
        .build_cartesian_2d((least..most.max(least + 1.0)).log_scale(), range.log_scale())?;
    chart.configure_mesh().x_desc("cores").light_line_style(WHITE).draw()?;
    let mut names: Vec<&str> = rows.iter().map(|row| row.work.name).collect();
    names.dedup();
    for (name, color) in names.into_iter().zip(COLORS.iter().cycle()) {
        let points = rows.iter().filter(|row| row.work.name == name).map(|row| (row.work.cores() as f64, figure(row)));
        let points: Vec<_> = points.collect();
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, color.filled())))?;
        chart
            .draw_series(LineSeries::new(points, color.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .draw()?;
    Ok(())
}

/// Draws both panels, side by side, of works that are many jobs.
pub fn draw(rows: &[Row], file: &Path) -> Result<(), Box<dyn Error>> {
    let rows = rows.iter().filter(|row| !matches!(row.work.work, Work::Turns { .. } | Work::Join(_)));
    let rows: Vec<&Row> = rows.collect();
    let area = SVGBackend::new(file, (1000, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let (left, right) = area.split_horizontally(500);
    draw_panel(&left, "virtual nanoseconds a job", &rows, |row| row.measured.time)?;
    draw_panel(&right, "transfers of lines a job", &rows, |row| row.measured.transfers)?;
    Ok(area.present()?)
}

//! The plot of what scales: a panel for each work, over the number of cores a curve for each peer, and one for what would be ideal.

use std::error::Error;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::peer::Peer;
use crate::rows::Row;
use crate::works::scale::ON;

const WIDTH: u32 = 480;
const HEIGHT: u32 = 300;
const HEAD: u32 = 28;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error>>;

/// Number of cores, and the median of a peer there.
type Points = Vec<(f64, f64)>;

fn split(row: &Row) -> (&str, f64) {
    let (name, cores) = row.work.rsplit_once(ON).unwrap_or((&row.work, ""));
    (name, cores.parse().unwrap_or(1.0))
}

/// The title of its panel.
fn title(row: &Row) -> String {
    let separator = if row.metric.is_empty() { "" } else { ": " };
    format!("{}{separator}{}", split(row).0, row.metric)
}

fn points(rows: &[&Row], peer: &str) -> Points {
    rows.iter().filter_map(|row| Some((split(row).1, row.figures(peer)?.0))).filter(|point| point.1 > 0.0).collect()
}

/// Ours on the fewest cores, divided among those that work: all but a producer, or all that join or map. A semaphore has none, and
/// would stay as it is, as would processor time.
fn ideal(title: &str, ours: &Points) -> Points {
    let starts = |name: &str| title.starts_with(name);
    let workers = |cores: f64| match cores {
        _ if starts("semaphore") || title.ends_with("time") => 1.0,
        cores if starts("join") || starts("map") => cores,
        cores => (cores - 1.0).max(1.0),
    };
    let Some(&(fewest, first)) = ours.first() else { return Points::new() };
    ours.iter().map(|&(cores, _)| (cores, first * workers(fewest) / workers(cores))).collect()
}

fn draw_panel(area: &Area, title: &str, rows: &[&Row]) -> Drawn {
    let ours = points(rows, Peer::Ours.name());
    let mut curves = vec![("ideal", ideal(title, &ours))];
    curves.extend(Peer::ALL.iter().map(|peer| (peer.name(), points(rows, peer.name()))));
    curves.retain(|(_, points)| !points.is_empty());
    let all = || curves.iter().flat_map(|(_, points)| points.iter().copied());
    let least = |values: &mut dyn Iterator<Item = f64>| values.fold(f64::INFINITY, f64::min);
    let most = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
    let x = least(&mut all().map(|point| point.0))..most(&mut all().map(|point| point.0)) * 1.01;
    let y = least(&mut all().map(|point| point.1)) * 0.8..most(&mut all().map(|point| point.1)) * 1.3;
    let mut chart = ChartBuilder::on(area)
        .caption(format!("{title} ({})", rows[0].unit), ("sans-serif", 13))
        .margin(8)
        .x_label_area_size(26)
        .y_label_area_size(48)
        .build_cartesian_2d(x.log_scale(), y.log_scale())?;
    chart.configure_mesh().x_desc("cores").light_line_style(WHITE).draw()?;
    for (index, (name, points)) in curves.into_iter().enumerate() {
        let width = if name == Peer::Ours.name() { 3 } else { 1 };
        let style = match name {
            "ideal" => RGBColor(170, 170, 170).stroke_width(1),
            ours if ours == Peer::Ours.name() => RGBColor(214, 69, 24).stroke_width(width),
            _ => Palette99::pick(index).stroke_width(width),
        };
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 2, style.filled())))?;
        chart
            .draw_series(LineSeries::new(points, style))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 12, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerLeft)
        .label_font(("sans-serif", 10))
        .background_style(WHITE.mix(0.7))
        .draw()?;
    Ok(())
}

/// Two panels side by side.
pub fn draw(path: &Path, machine: &str, rows: &[&Row]) -> Drawn {
    let mut titles: Vec<String> = Vec::new();
    for title in rows.iter().map(|row| title(row)) {
        if !titles.contains(&title) {
            titles.push(title);
        }
    }
    let lines = titles.len().div_ceil(2);
    let area = SVGBackend::new(path, (2 * WIDTH, HEAD + HEIGHT * lines as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let (head, body) = area.split_vertically(HEAD);
    head.titled(machine, ("sans-serif", 11))?;
    for (name, panel) in titles.iter().zip(body.split_evenly((lines, 2))) {
        let rows: Vec<&Row> = rows.iter().copied().filter(|row| title(row) == *name).collect();
        draw_panel(&panel, name, &rows)?;
    }
    Ok(area.present()?)
}

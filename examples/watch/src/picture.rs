//! A record as a picture, for those without a viewer: a lane for each worker, a bar for each run, in the colour of its group; before it, thin, how long
//! the job has waited.

use std::error::Error;
use std::time::Duration;

use plotters::prelude::*;

use crate::record::{Record, Run};

const WIDTH: u32 = 1000;
const LEFT: i32 = 80;
const LANE: i32 = 34;
const TOP: i32 = 30;

/// Draws the record as SVG.
///
/// # Errors
///
/// Those of the drawing, which there should be none of.
pub fn svg(record: &Record) -> Result<String, Box<dyn Error>> {
    let workers = record.runs.iter().filter_map(|run| run.worker).max().map_or(0, |last| last + 1);
    let groups = groups(record);
    let rows = i32::try_from(workers)? + i32::from(record.runs.iter().any(|run| run.worker.is_none()));
    let height = TOP + rows * LANE + 40;
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, (WIDTH, u32::try_from(height)?)).into_drawing_area();
        root.fill(&WHITE)?;
        let scale = Scale { end: record.end.max(Duration::from_nanos(1)) };
        legend(&root, &groups)?;
        for row in 0..rows {
            let name = if usize::try_from(row)? < workers { format!("worker {row}") } else { "waiters".into() };
            root.draw(&Text::new(name, (6, TOP + row * LANE + 12), font()))?;
            let line = TOP + row * LANE + 26;
            root.draw(&PathElement::new(vec![(LEFT, line), (scale.x(record.end), line)], RGBColor(220, 220, 220)))?;
        }
        for run in &record.runs {
            let row = run.worker.map_or(rows - 1, |worker| i32::try_from(worker).unwrap_or(0));
            draw(&root, &scale, run, TOP + row * LANE, colour(&groups, run))?;
        }
        axis(&root, &scale, TOP + rows * LANE)?;
        root.present()?;
    }
    Ok(text)
}

struct Scale {
    end: Duration,
}

impl Scale {
    #[expect(clippy::cast_possible_truncation, reason = "a place in the picture")]
    fn x(&self, at: Duration) -> i32 {
        let share = at.as_secs_f64() / self.end.as_secs_f64();
        LEFT + (share * f64::from(WIDTH - 120)) as i32
    }
}

fn font() -> TextStyle<'static> {
    ("sans-serif", 13).into_font().color(&BLACK)
}

fn groups(record: &Record) -> Vec<&'static str> {
    let mut groups: Vec<_> = record.runs.iter().map(|run| run.group).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

fn colour(groups: &[&'static str], run: &Run) -> RGBColor {
    pick(groups.iter().position(|group| *group == run.group).unwrap_or(0))
}

/// Dark enough for white letters.
fn pick(index: usize) -> RGBColor {
    const ALL: [RGBColor; 5] = [
        RGBColor(90, 90, 90),
        RGBColor(31, 110, 180),
        RGBColor(200, 90, 20),
        RGBColor(40, 130, 60),
        RGBColor(130, 70, 160),
    ];
    ALL[index % ALL.len()]
}

type Area<'t> = DrawingArea<SVGBackend<'t>, plotters::coord::Shift>;

fn draw(root: &Area<'_>, scale: &Scale, run: &Run, top: i32, colour: RGBColor) -> Result<(), Box<dyn Error>> {
    if let Some(ready) = run.ready {
        root.draw(&Rectangle::new(
            [(scale.x(ready), top + 26), (scale.x(run.begun), top + 28)],
            colour.mix(0.4).filled(),
        ))?;
    }
    let (from, to) = (scale.x(run.begun), scale.x(run.ended).max(scale.x(run.begun) + 1));
    root.draw(&Rectangle::new([(from, top + 4), (to, top + 25)], colour.filled()))?;
    // Where there is room.
    if to - from > 8 * i32::try_from(run.name.len())? {
        root.draw(&Text::new(shown(run.name), (from + 4, top + 9), font().color(&WHITE)))?;
    }
    Ok(())
}

/// A name without what XML has no way to say.
fn shown(name: &str) -> String {
    name.replace(|c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'), "\u{fffd}")
}

fn legend(root: &Area<'_>, groups: &[&'static str]) -> Result<(), Box<dyn Error>> {
    let mut x = LEFT;
    for (index, group) in groups.iter().enumerate() {
        root.draw(&Rectangle::new([(x, 8), (x + 12, 20)], pick(index).filled()))?;
        let name = if group.is_empty() { "the pool's own" } else { group };
        root.draw(&Text::new(shown(name), (x + 17, 8), font()))?;
        x += 40 + 8 * i32::try_from(name.len())?;
    }
    Ok(())
}

fn axis(root: &Area<'_>, scale: &Scale, y: i32) -> Result<(), Box<dyn Error>> {
    for tenth in 0..=10_u32 {
        let at = scale.end * tenth / 10;
        let x = scale.x(at);
        root.draw(&PathElement::new(vec![(x, y), (x, y + 5)], BLACK))?;
        root.draw(&Text::new(format!("{:.0} ms", at.as_secs_f64() * 1e3), (x - 12, y + 10), font()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use fastthreadpool::Pool;

    use crate::record::Recorder;

    #[test]
    fn whatever_is_in_a_name_the_picture_is_well_formed() {
        const NAME: &str = "\u{1}<\u{0}&\u{ffff}";
        let recorder = Arc::new(Recorder::default());
        let pool: Pool = Pool::builder().threads(1).observer(Arc::clone(&recorder)).build().unwrap();
        let group = pool.group::<()>().name(NAME).build().unwrap();
        group.job(|| ()).name(NAME).submit().unwrap();
        pool.shutdown();
        let mut record = recorder.record();
        // So long that there is room for its name.
        record.runs[0].begun = Duration::ZERO;
        record.runs[0].ended = record.end;
        let picture = svg(&record).unwrap();
        assert_eq!(picture.matches("\u{fffd}&lt;\u{fffd}&amp;\u{fffd}").count(), 2);
        assert!(!picture.contains(['\u{1}', '\u{0}', '\u{ffff}']));
    }
}

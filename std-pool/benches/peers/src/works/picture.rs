//! A picture by rows, as a map: some rows cost seventy times what others do. All have as many threads that work.

use crate::capability::Maps;
use crate::peers::{Loop, Orx, Ours, Rayon};
use crate::usage::spent;
use crate::work::{Effort, Work};

/// Steps until a point is taken to stay.
const LIMIT: u8 = 255;

/// The Mandelbrot set, of which the rows in the middle have most points.
fn row(row: u64, size: u64) -> Vec<u8> {
    let coordinate = |place: u64, from: f64| from + 2.5 * place as f64 / size as f64;
    let (imaginary, reals) = (coordinate(row, -1.25), (0..size).map(|column| coordinate(column, -2.0)));
    reals.map(|real| steps(real, imaginary)).collect()
}

fn steps(real: f64, imaginary: f64) -> u8 {
    let (mut x, mut y) = (0.0, 0.0);
    for step in 0..LIMIT {
        if x * x + y * y > 4.0 {
            return step;
        }
        (x, y) = (x * x - y * y + real, 2.0 * x * y + imaginary);
    }
    LIMIT
}

fn enter<M: Maps>(work: &mut Work, workers: usize, size: u64) {
    work.enter(M::PEER, move || {
        let (pool, rows) = (M::new(workers), (0..size).collect::<Vec<_>>());
        let expected: Vec<_> = rows.iter().map(|number| row(*number, size)).collect();
        move || {
            let mut picture = Vec::new();
            let spent = spent(|| picture = pool.map(&rows, |number| row(*number, size)));
            assert!(picture == expected);
            spent.per(1e6)
        }
    });
}

/// On so many threads; `place` follows the name.
pub fn on(effort: Effort, chart: &'static str, threads: usize, place: &str) -> Work {
    let size = effort.either(512, 128);
    let name = format!("map {size} rows of a picture{place}");
    let mut work = Work::new(chart, name, &[("", "ms"), ("processor time", "ms")]).against_floor();
    let enter_each = [enter::<Loop>, enter::<Ours>, enter::<Rayon>, enter::<Orx>];
    enter_each.into_iter().for_each(|enter| enter(&mut work, threads, size));
    work
}

pub fn works(effort: Effort) -> Vec<Work> {
    vec![on(effort, "map-rows", effort.workers, "")]
}

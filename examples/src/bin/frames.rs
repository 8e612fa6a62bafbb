//! A loop of frames, 60 a second, on one thread: each moves the viewer of a map, draws what he sees, and lends what is left of its time to a
//! pool without threads, which makes the terrain, in chunks. What is not made in time is not drawn yet; no frame waits for it.
#![forbid(unsafe_code)]
#![expect(clippy::cast_sign_loss, reason = "nothing that is cast is negative")]

use std::collections::{HashMap, hash_map::Entry};
use std::error::Error;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::io::{IsTerminal, stdout};
use std::time::{Duration, Instant};

use examples::{check, exit_code};
use fastthreadpool::{JobId, Pool};

const FRAMES: i32 = 100;
const FRAME: Duration = Duration::from_micros(16_667);
const SIDE: i32 = 32; // Samples along a side of a chunk.
const REACH: Point = (6, 4); // Chunks that are kept on each side of that of the viewer.
const LETTERS: Point = (36, 9); // What is drawn on each side of him,
const STEP: Point = (4, 8); // and samples from one to the next.
const LAND: &[u8; 16] = b"~~~~~~-.:+o*^AAA"; // From the deep sea to snow.
const HASH: BuildHasherDefault<DefaultHasher> = BuildHasherDefault::new();
type Point = (i32, i32);
/// Heights between 0 and 1, line by line.
type Chunk = Vec<f64>;

fn main() -> std::process::ExitCode {
    exit_code("frames", frames())
}

fn frames() -> Result<(), Box<dyn Error>> {
    let mut world = World { pool: Pool::builder().threadless().build()?, chunks: HashMap::new() };
    let (mut longest, mut whole, mut picture) = (Duration::ZERO, 0, String::new());
    for frame in 0..FRAMES {
        let start = Instant::now();
        // Half-way he is somewhere else all of a sudden, where nothing is made.
        let viewer = (6 * frame + frame / 50 * 10_000, (60.0 * (f64::from(frame) / 16.0).sin()) as i32);
        world.update(viewer)?;
        picture = world.draw(viewer);
        if stdout().is_terminal() {
            print!("{picture}\x1b[{}A", 2 * LETTERS.1);
        }
        // A job that has begun is run to its end: in the last tenth none begins.
        world.work((FRAME * 9 / 10).saturating_sub(start.elapsed()));
        longest = longest.max(start.elapsed());
        whole += i32::from(!picture.contains('?'));
        std::thread::sleep(FRAME.saturating_sub(start.elapsed()));
    }
    println!("{picture}{FRAMES} frames, {whole} of them without a gap; {} chunks", world.pool.counts().done);
    println!("the longest frame took {longest:.1?} of {FRAME:.1?}");

    world.work(Duration::MAX);
    let right = world.chunks.iter().filter(|(at, chunk)| chunk.as_ref().is_ok_and(|chunk| *chunk == make(**at)));
    check("jobs that are left, and chunks that are right", (0, 13 * 9), (world.pool.counts().pending, right.count()))
}

struct World {
    pool: Pool<(Point, Chunk)>,
    /// What is in reach: made, or by which job it will be.
    chunks: HashMap<Point, Result<Chunk, JobId>>,
}

impl World {
    /// Drops what goes out of reach, and asks for what comes, the nearest first.
    fn update(&mut self, viewer: Point) -> Result<(), Box<dyn Error>> {
        let ((x, y), _) = place(viewer);
        let is_far = |at: &Point| (at.0 - x).abs() > REACH.0 || (at.1 - y).abs() > REACH.1;
        let gone = self.chunks.extract_if(|at, _| is_far(at));
        gone.filter_map(|(_, chunk)| chunk.err()).for_each(|id| _ = self.pool.cancel(id));
        let row = |j| (-REACH.0..=REACH.0).map(move |i| (i, j));
        let mut near: Vec<Point> = (-REACH.1..=REACH.1).flat_map(row).collect();
        near.sort_by_key(|(i, j)| i * i + j * j);
        for at in near.into_iter().map(|(i, j)| (x + i, y + j)) {
            if let Entry::Vacant(chunk) = self.chunks.entry(at) {
                chunk.insert(Err(self.pool.submit(move || (at, make(at)))?));
            }
        }
        Ok(())
    }

    /// Makes chunks for so long.
    fn work(&mut self, time: Duration) {
        self.pool.run_for(time);
        self.chunks.extend(self.pool.done().drain().map(|done| (done.value.0, Ok(done.value.1))));
    }

    fn draw(&self, viewer: Point) -> String {
        let letter = |right: i32, down: i32| {
            let (at, sample) = place((viewer.0 + right * STEP.0, viewer.1 + down * STEP.1));
            let Some(Ok(chunk)) = self.chunks.get(&at) else { return '?' };
            if (right, down) == (0, 0) { '@' } else { LAND[(chunk[sample] * 16.0) as usize].into() }
        };
        let line = |down| (-LETTERS.0..LETTERS.0).map(move |right| letter(right, down)).chain(['\n']);
        (-LETTERS.1..LETTERS.1).flat_map(line).collect()
    }
}

/// The chunk of a point, and the number of its sample there.
fn place((x, y): Point) -> (Point, usize) {
    ((x.div_euclid(SIDE), y.div_euclid(SIDE)), (y.rem_euclid(SIDE) * SIDE + x.rem_euclid(SIDE)) as usize)
}

fn make(at: Point) -> Chunk {
    (0..SIDE * SIDE).map(|n| height(at.0 * SIDE + n % SIDE, at.1 * SIDE + n / SIDE)).collect()
}

/// Value noise: random on the points of a grid and smooth in between; on six grids, each half as wide as the last, and counting half.
fn height(x: i32, y: i32) -> f64 {
    let mix = |a: f64, b: f64, t: f64| a + (b - a) * t * t * (3.0 - 2.0 * t);
    let grid = |n: i32| {
        let random = |i: i32, j: i32| f64::from((HASH.hash_one((n, i, j)) >> 32) as u32) / f64::from(u32::MAX);
        let cell = 128 >> n;
        let (i, j) = (x.div_euclid(cell), y.div_euclid(cell));
        let (right, down) = (f64::from(x - i * cell) / f64::from(cell), f64::from(y - j * cell) / f64::from(cell));
        let row = |j| mix(random(i, j), random(i + 1, j), right);
        mix(row(j), row(j + 1), down) / f64::from(2 << n)
    };
    (0..6).map(grid).sum()
}

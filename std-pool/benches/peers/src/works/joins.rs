//! Joins: trees, numbers, sorts, and few long items. The caller works, too, where its library lets it; all have as many threads that
//! work. The floor is the plain recursion, in the same order.

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Duration;

use crate::algorithms::Node;
use crate::capability::Joins;
use crate::each_join;
use crate::peers::Alone;
use crate::usage::spent;
use crate::work::{Effort, Work};
use crate::works::map::{STEPS, work_through};

/// What is done in a round, and for what the time is counted.
#[derive(Clone, Copy)]
enum Task {
    Tree { layers: u32, times: u32 },
    Fib(u32),
    Quicksort(usize),
    Mergesort(usize),
    Long { items: u32, each: Duration },
}

impl Task {
    fn name(self) -> String {
        match self {
            Self::Tree { layers, times: 1 } => format!("join: tree of 2^{layers}"),
            Self::Tree { layers, .. } => format!("join: tree of 2^{layers}, again and again"),
            Self::Fib(n) => format!("join: fib({n})"),
            Self::Quicksort(numbers) => format!("join: quicksort of {numbers}"),
            Self::Mergesort(numbers) => format!("join: mergesort of {numbers}"),
            Self::Long { items, each } => format!("join: {items} x {} ms", each.as_millis()),
        }
    }

    /// What it is counted in, and by how much nanoseconds are divided.
    fn unit(self) -> (&'static str, f64) {
        match self {
            Self::Tree { layers, times } => ("ns/join", ((1_u64 << layers) - 1) as f64 * f64::from(times)),
            Self::Fib(n) => ("ns/join", fibonacci(n + 1) as f64 - 1.0),
            Self::Quicksort(_) | Self::Mergesort(_) | Self::Long { .. } => ("ms", 1e6),
        }
    }
}

fn fibonacci(n: u32) -> u64 {
    (0..n).fold((0, 1), |(a, b), _| (b, a + b)).0
}

/// What it is done with.
struct Matter {
    tree: Box<Node>,
    sum: u64,
    numbers: Vec<u64>,
    buffer: Vec<u64>,
}

impl Matter {
    fn of(task: Task) -> Self {
        let layers = if let Task::Tree { layers, .. } = task { layers } else { 1 };
        let numbers = if let Task::Quicksort(len) | Task::Mergesort(len) = task { len } else { 0 };
        let tree = Node::tree(layers);
        let sum = fold(&tree);
        Self { tree, sum, numbers: vec![0; numbers], buffer: vec![0; numbers] }
    }

    fn shuffle(&mut self) {
        let number = |place: u64| place.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17);
        self.numbers.iter_mut().zip(0..).for_each(|(entry, place)| *entry = number(place));
    }

    fn work<J: Joins>(&mut self, task: Task, pool: &J) {
        match task {
            Task::Tree { times, .. } => {
                (0..times).for_each(|_| assert_eq!(pool.sum(black_box(&self.tree)), self.sum));
            }
            Task::Fib(n) => assert_eq!(pool.fib(black_box(n)), fibonacci(n)),
            Task::Quicksort(_) => pool.quicksort(&mut self.numbers),
            Task::Mergesort(_) => pool.mergesort(&mut self.numbers, &mut self.buffer),
            Task::Long { items, each } => pool.long(items, &|| takes(each)),
        }
    }
}

/// As much work as takes so long where nobody is in the way.
fn takes(time: Duration) {
    black_box(work_through(1, *STEPS * time.as_micros() as u64));
}

fn fold(node: &Node) -> u64 {
    let below = |child: &Option<Box<Node>>| child.as_deref().map_or(0, fold);
    node.value + below(&node.left) + below(&node.right)
}

fn enter<J: Joins>(work: &mut Work, threads: usize, task: Task) {
    work.enter(J::PEER, move || {
        let (pool, mut matter) = (J::new(threads), Matter::of(task));
        LazyLock::force(&STEPS);
        move || {
            matter.shuffle();
            let spent = spent(|| matter.work(task, &pool));
            assert!(matter.numbers.is_sorted());
            spent.per(task.unit().1)
        }
    });
}

/// On so many threads; `place` follows the name.
pub fn on(effort: Effort, chart: &'static str, threads: usize, place: &str) -> Vec<Work> {
    let numbers = effort.either(1_000_000, 10_000);
    let tasks = [
        Task::Tree { layers: effort.either(20, 14), times: 1 },
        Task::Tree { layers: 10, times: effort.either(1000, 100) },
        Task::Fib(effort.either(30, 20)),
        Task::Quicksort(numbers),
        Task::Mergesort(numbers),
        Task::Long { items: 16, each: Duration::from_millis(effort.either(20, 2)) },
    ];
    let work = |task: Task| {
        let (unit, _) = task.unit();
        let mut work = Work::new(chart, task.name() + place, &[("", unit), ("processor time", unit)]);
        enter::<Alone>(&mut work, threads, task);
        each_join!(J => enter::<J>(&mut work, threads, task));
        work
    };
    tasks.map(work).into()
}

pub fn works(effort: Effort) -> Vec<Work> {
    on(effort, "joins", effort.workers, "")
}

//! Joins: trees, numbers, sorts, and few long items. The caller works, too, where its library lets it; all have as many threads that
//! work. The floor is the plain recursion, in the same order.

use std::hint::black_box;
use std::num::NonZero;
use std::time::{Duration, Instant};

use fastthreadpool::Pool;

use crate::peer::Peer;
use crate::work::{Effort, Work};

struct Node {
    value: u64,
    left: Option<Box<Node>>,
    right: Option<Box<Node>>,
}

impl Node {
    /// A balanced tree of 2^layers - 1 nodes.
    fn tree(layers: u32) -> Box<Self> {
        let child = || (layers > 1).then(|| Self::tree(layers - 1));
        Box::new(Self { value: u64::from(layers), left: child(), right: child() })
    }
}

/// Hoare's partition around the median of three; both sides are shorter than the whole.
fn partition(numbers: &mut [u64]) -> usize {
    let (a, b, c) = (numbers[0], numbers[numbers.len() / 2], numbers[numbers.len() - 1]);
    let pivot = a.max(b).min(a.min(b).max(c));
    let (mut i, mut j) = (0, numbers.len() - 1);
    loop {
        while numbers[i] < pivot {
            i += 1;
        }
        while numbers[j] > pivot {
            j -= 1;
        }
        if i >= j {
            return (j + 1).clamp(1, numbers.len() - 1);
        }
        numbers.swap(i, j);
        i += 1;
        j -= 1;
    }
}

const LONG: Duration = Duration::from_millis(10);

/// The works, once for each library: what `$join` does with a context.
macro_rules! algorithms {
    ($name:ident, $context:ty, $join:ident) => {
        mod $name {
            use super::*;

            pub fn sum(context: $context, node: &Node) -> u64 {
                let (left, right) =
                    $join!(context, |context| node.left.as_deref().map_or(0, |node| sum(context, node)), |context| {
                        node.right.as_deref().map_or(0, |node| sum(context, node))
                    });
                node.value + left + right
            }

            pub fn fib(context: $context, n: u32) -> u64 {
                if n < 2 {
                    return u64::from(n);
                }
                let (a, b) = $join!(context, |context| fib(context, n - 1), |context| fib(context, n - 2));
                a + b
            }

            pub fn sort(context: $context, numbers: &mut [u64]) {
                if numbers.len() <= 32 {
                    return numbers.sort_unstable();
                }
                let at = partition(numbers);
                let (a, b) = numbers.split_at_mut(at);
                $join!(context, |context| sort(context, a), |context| sort(context, b));
            }

            pub fn long(context: $context, items: u32) {
                if items == 1 {
                    let began = Instant::now();
                    while began.elapsed() < LONG {}
                } else {
                    $join!(context, |context| long(context, items / 2), |context| long(context, items - items / 2));
                }
            }
        }
    };
}

macro_rules! alone {
    ($context:ident, |$a:ident| $first:expr, |$b:ident| $second:expr) => {{
        let first = {
            let $a = $context;
            $first
        };
        let $b = $context;
        (first, $second)
    }};
}
macro_rules! ours {
    ($context:ident, |$a:ident| $first:expr, |$b:ident| $second:expr) => {
        $context.join(
            || {
                let $a = $context;
                $first
            },
            || {
                let $b = $context;
                $second
            },
        )
    };
}
macro_rules! rayons {
    ($context:ident, |$a:ident| $first:expr, |$b:ident| $second:expr) => {
        ::rayon::join(
            || {
                let $a = $context;
                $first
            },
            || {
                let $b = $context;
                $second
            },
        )
    };
}
macro_rules! chilis {
    // It runs its second half first.
    ($context:ident, |$a:ident| $first:expr, |$b:ident| $second:expr) => {{
        let (second, first) = $context.join(|$b| $second, |$a| $first);
        (first, second)
    }};
}

algorithms!(alone, (), alone);
algorithms!(ours, &Pool, ours);
algorithms!(rayons, (), rayons);
algorithms!(chilis, &mut chili::Scope<'_>, chilis);

/// What is done in a round, and for what the time is counted.
#[derive(Clone, Copy)]
enum Task {
    Tree { layers: u32, times: u32 },
    Fib(u32),
    Sort(usize),
    Long(u32),
}

impl Task {
    fn name(self) -> (String, &'static str) {
        match self {
            Self::Tree { layers, times: 1 } => (format!("join: tree of 2^{layers}"), "ns/join"),
            Self::Tree { layers, .. } => (format!("join: tree of 2^{layers}, again and again"), "ns/join"),
            Self::Fib(n) => (format!("join: fib({n})"), "ns/join"),
            Self::Sort(numbers) => (format!("join: quicksort of {numbers}"), "ms"),
            Self::Long(items) => (format!("join: {items} x {LONG:?}"), "ms"),
        }
    }

    /// By how much nanoseconds are divided.
    fn divisor(self) -> f64 {
        match self {
            Self::Tree { layers, times } => ((1_u64 << layers) - 1) as f64 * f64::from(times),
            Self::Fib(n) => fibonacci(n + 1) as f64 - 1.0,
            Self::Sort(_) | Self::Long(_) => 1e6,
        }
    }
}

/// A round: what is done once before the time counts, and then in it.
macro_rules! rounds {
    ($task:expr, $algorithms:ident, |$run:ident| $context:expr) => {{
        let task = $task;
        let divisor = task.divisor();
        let tree = if let Task::Tree { layers, .. } = task { Node::tree(layers) } else { Node::tree(1) };
        let expected = alone::sum((), &tree);
        move || {
            let mut numbers: Vec<u64> = if let Task::Sort(len) = task {
                (0..len as u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17)).collect()
            } else {
                Vec::new()
            };
            let began = Instant::now();
            match task {
                Task::Tree { times, .. } => {
                    for _ in 0..times {
                        let $run = |context| $algorithms::sum(context, black_box(&tree));
                        assert_eq!($context, expected);
                    }
                }
                Task::Fib(n) => {
                    let $run = |context| $algorithms::fib(context, black_box(n));
                    assert_eq!($context, fibonacci(n));
                }
                Task::Sort(_) => {
                    let numbers = numbers.as_mut_slice();
                    let $run = once(move |context| $algorithms::sort(context, numbers));
                    $context;
                }
                Task::Long(items) => {
                    let $run = |context| $algorithms::long(context, items);
                    $context;
                }
            }
            let time = began.elapsed();
            assert!(numbers.is_sorted());
            vec![time.as_secs_f64() * 1e9 / divisor]
        }
    }};
}

/// So that the compiler does not ask for more.
fn once<C, R>(f: impl FnOnce(C) -> R) -> impl FnOnce(C) -> R {
    f
}

fn fibonacci(n: u32) -> u64 {
    (0..n).fold((0, 1), |(a, b), _| (b, a + b)).0
}

pub fn works(effort: Effort) -> Vec<Work> {
    let workers = effort.workers;
    let tasks = [
        Task::Tree { layers: effort.either(20, 14), times: 1 },
        Task::Tree { layers: 10, times: effort.either(1000, 100) },
        Task::Fib(effort.either(30, 20)),
        Task::Sort(effort.either(1_000_000, 10_000)),
        Task::Long(16),
    ];
    let work = |task: Task| {
        let (name, unit) = task.name();
        let mut work = Work::new("joins", name, &[("", unit)]);
        work.enter(Peer::Floor, move || rounds!(task, alone, |run| run(())));
        work.enter(Peer::Ours, move || {
            // The caller is one more.
            let threads = (workers - 1).max(1);
            let pool: Pool = Pool::builder().threads(threads).build().expect("threads can be had");
            rounds!(task, ours, |run| run(&pool))
        });
        work.enter(Peer::Rayon, move || {
            let pool = ::rayon::ThreadPoolBuilder::new().num_threads(workers).build().expect("threads can be had");
            rounds!(task, rayons, |run| pool.install(|| run(())))
        });
        work.enter(Peer::Chili, move || {
            // With one thread besides the caller's it shares nothing.
            let thread_count = NonZero::new(workers);
            let pool = chili::ThreadPool::with_config(chili::Config { thread_count, ..chili::Config::default() });
            rounds!(task, chilis, |run| run(&mut pool.scope()))
        });
        work
    };
    tasks.map(work).into()
}

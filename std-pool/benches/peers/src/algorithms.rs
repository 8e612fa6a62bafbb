//! What is done by joins: each algorithm once, for whatever joins two functions.

pub struct Node {
    pub value: u64,
    pub left: Option<Box<Node>>,
    pub right: Option<Box<Node>>,
}

impl Node {
    /// A balanced tree of 2^layers - 1 nodes.
    pub fn tree(layers: u32) -> Box<Self> {
        let child = || (layers > 1).then(|| Self::tree(layers - 1));
        Box::new(Self { value: u64::from(layers), left: child(), right: child() })
    }
}

/// So few numbers are sorted in place.
pub const FEW: usize = 32;

/// Hoare's partition around the median of three; both sides are shorter than the whole.
pub fn partition(numbers: &mut [u64]) -> usize {
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

/// Two sorted runs become one.
pub fn merge<'n>(mut a: &'n [u64], mut b: &'n [u64], merged: &mut [u64]) {
    for number in merged {
        let least = match (a.first(), b.first()) {
            (Some(first), Some(second)) if second < first => &mut b,
            (Some(_), _) => &mut a,
            (None, _) => &mut b,
        };
        (*number, *least) = (least[0], &least[1..]);
    }
}

/// Recursions that join their halves. `algorithms!` writes them for a peer.
pub trait Algorithms {
    fn sum(&self, tree: &Node) -> u64;
    fn fib(&self, n: u32) -> u64;
    fn quicksort(&self, numbers: &mut [u64]);
    /// With a buffer of the same length.
    fn mergesort(&self, numbers: &mut [u64], buffer: &mut [u64]);
    /// Calls so often.
    fn long(&self, items: u32, each: &(dyn Fn() + Sync));
    /// Joins `first`, before which fib(n) is computed, and `second`.
    fn halves(&self, n: u32, first: impl FnOnce() + Send, second: impl FnOnce() + Send);
}

/// The algorithms for a peer: how one enters it, which gives a context, and how two functions are joined there that get
/// one each. A function for each would have to be generic over types with lifetimes of their own: chili's context has two.
#[macro_export]
macro_rules! algorithms {
    (
        $peer:ty, $context:ty:
        enter |$entered:pat_param, $run:ident| $enter:expr,
        join |$with:pat_param, $a:ident, $b:ident| $join:expr $(,)?
    ) => {
        const _: () = {
            use $crate::algorithms::{Algorithms, FEW, Node, merge, partition};

            #[inline(always)]
            fn join<RA: Send, RB: Send>(
                $with: $context,
                $a: impl FnOnce($context) -> RA + Send,
                $b: impl FnOnce($context) -> RB + Send,
            ) -> (RA, RB) {
                $join
            }

            fn enter<R: Send>($entered: &$peer, $run: impl FnOnce($context) -> R + Send) -> R {
                $enter
            }

            fn sum(context: $context, node: &Node) -> u64 {
                let (left, right) = join(
                    context,
                    |context| node.left.as_deref().map_or(0, |node| sum(context, node)),
                    |context| node.right.as_deref().map_or(0, |node| sum(context, node)),
                );
                node.value + left + right
            }

            fn fib(context: $context, n: u32) -> u64 {
                if n < 2 {
                    return u64::from(n);
                }
                let (a, b) = join(context, |context| fib(context, n - 1), |context| fib(context, n - 2));
                a + b
            }

            fn quicksort(context: $context, numbers: &mut [u64]) {
                if numbers.len() <= FEW {
                    return numbers.sort_unstable();
                }
                let at = partition(numbers);
                let (a, b) = numbers.split_at_mut(at);
                join(context, |context| quicksort(context, a), |context| quicksort(context, b));
            }

            fn mergesort(context: $context, numbers: &mut [u64], buffer: &mut [u64]) {
                if numbers.len() <= FEW {
                    return numbers.sort_unstable();
                }
                let middle = numbers.len() / 2;
                let (a, b) = numbers.split_at_mut(middle);
                let (c, d) = buffer.split_at_mut(middle);
                join(context, |context| mergesort(context, a, c), |context| mergesort(context, b, d));
                buffer.copy_from_slice(numbers);
                merge(&buffer[..middle], &buffer[middle..], numbers);
            }

            fn long(context: $context, items: u32, each: &(dyn Fn() + Sync)) {
                if items == 1 {
                    return each();
                }
                let half = items / 2;
                join(context, |context| long(context, half, each), |context| long(context, items - half, each));
            }

            impl Algorithms for $peer {
                fn sum(&self, tree: &Node) -> u64 {
                    enter(self, |context| sum(context, tree))
                }

                fn fib(&self, n: u32) -> u64 {
                    enter(self, |context| fib(context, n))
                }

                fn quicksort(&self, numbers: &mut [u64]) {
                    enter(self, |context| quicksort(context, numbers));
                }

                fn mergesort(&self, numbers: &mut [u64], buffer: &mut [u64]) {
                    enter(self, |context| mergesort(context, numbers, buffer));
                }

                fn long(&self, items: u32, each: &(dyn Fn() + Sync)) {
                    enter(self, |context| long(context, items, each));
                }

                fn halves(&self, n: u32, first: impl FnOnce() + Send, second: impl FnOnce() + Send) {
                    let first = |context: $context| {
                        ::std::hint::black_box(fib(context, n));
                        first();
                    };
                    enter(self, |context| join(context, first, |_| second()));
                }
            }
        };
    };
}

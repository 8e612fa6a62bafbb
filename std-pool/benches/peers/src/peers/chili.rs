//! `chili`: the caller and so many threads less one.

use std::num::NonZero;

use crate::algorithms;
use crate::capability::Joins;
use crate::peer::Peer;

pub struct Chili(chili::ThreadPool);

impl Joins for Chili {
    const PEER: Peer = Peer::Chili;

    fn new(threads: usize) -> Self {
        // The caller is one of them.
        let thread_count = NonZero::new(threads);
        Self(chili::ThreadPool::with_config(chili::Config { thread_count, ..chili::Config::default() }))
    }
}

algorithms! {
    Chili, &mut chili::Scope<'_>:
    enter |chili, run| run(&mut chili.0.scope()),
    // It runs its second function first.
    join |scope, a, b| {
        let (second, first) = scope.join(b, a);
        (first, second)
    },
}

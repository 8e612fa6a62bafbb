//! Every tenth of many queued jobs is cancelled; the others run.

use std::time::Instant;

use crate::capability::Cancels;
use crate::peers::{Futures, Ours, Tokio, TokioBlocking};
use crate::tally::{Expected, count};
use crate::work::{Effort, Work};
use crate::works::gate::Gate;

fn round<C: Cancels>(workers: usize, jobs: usize) -> Vec<f64> {
    let executor = C::new(workers);
    let gate = Gate::close(&executor, workers);
    let expected = Expected::new(jobs / 10 * 9, 1);
    let mut ids: Vec<Option<C::Id>> = (0..jobs).map(|_| Some(executor.submit(|| count(1)))).collect();
    executor.execute(expected.last());
    let began = Instant::now();
    ids.iter_mut().step_by(10).filter_map(Option::take).for_each(|id| executor.cancel(id));
    let time = began.elapsed();
    ids.into_iter().flatten().for_each(C::keep);
    gate.open();
    expected.wait();
    vec![time.as_secs_f64() * 1e9 / (jobs / 10) as f64]
}

fn enter<C: Cancels>(work: &mut Work, workers: usize, jobs: usize) {
    work.enter(C::PEER, move || move || round::<C>(workers, jobs));
}

pub fn works(effort: Effort) -> Vec<Work> {
    let jobs = effort.either(1_000_000, 100_000);
    let name = format!("cancel each tenth of {jobs} queued jobs");
    let mut work = Work::new("cancel", name, &[("", "ns/cancel")]).at_most(5);
    let enter_each = [enter::<Ours>, enter::<Futures>, enter::<Tokio>, enter::<TokioBlocking>];
    enter_each.into_iter().for_each(|enter| enter(&mut work, effort.workers, jobs));
    vec![work]
}

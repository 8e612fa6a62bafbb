//! The rounds of a work: each peer once, in turn, so that a moment in which the machine is busy meets them all.

use crate::peer::Peer;
use crate::rows::{Cell, Row};
use crate::usage::wait_until_alone;
use crate::watchdog::Watchdog;
use crate::work::{Contender, Round, Work};

struct Entrant {
    peer: Peer,
    round: Round,
    /// For each metric, its rounds.
    values: Vec<Vec<f64>>,
}

/// Measures a work; one row for each of its metrics.
pub fn measure(work: Work, rounds: usize, watchdog: &Watchdog) -> Vec<Row> {
    let metrics = work.metrics;
    let mut entrants: Vec<Entrant> = Vec::new();
    watchdog.begin(&work.name, "those before");
    wait_until_alone();
    for Contender { peer, start } in work.contenders {
        watchdog.begin(&work.name, peer.name());
        entrants.push(Entrant { peer, round: start(), values: vec![Vec::new(); metrics.len()] });
    }
    let warm_up = usize::from(work.warm_up);
    for round in 0..rounds.min(work.rounds) + warm_up {
        for entrant in &mut entrants {
            watchdog.begin(&work.name, entrant.peer.name());
            let values = (entrant.round)();
            assert_eq!(values.len(), metrics.len(), "one value for each metric");
            if round >= warm_up {
                entrant.values.iter_mut().zip(values).for_each(|(all, value)| all.push(value));
            }
        }
    }
    let row = |(index, metric): (usize, &crate::work::Metric)| Row {
        chart: work.chart.into(),
        work: work.name.clone(),
        metric: metric.name.into(),
        unit: metric.unit.into(),
        base: work.base.name().into(),
        cells: entrants
            .iter()
            .map(|entrant| Cell { peer: entrant.peer.name().into(), rounds: entrant.values[index].clone() })
            .collect(),
    };
    let rows = metrics.iter().enumerate().map(row).collect();
    for entrant in entrants {
        // Its pool is dropped now, which may hang as well.
        watchdog.begin(&work.name, entrant.peer.name());
        drop(entrant);
    }
    rows
}

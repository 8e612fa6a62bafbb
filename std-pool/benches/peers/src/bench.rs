//! One work in several peers, measured in turn.

/// How much is to be done.
pub struct Settings {
    pub quick: bool,
    pub rounds: usize,
}

impl Settings {
    /// So many, or a tenth of it.
    pub fn count(&self, count: usize) -> usize {
        if self.quick { count / 10 } else { count }
    }
}

/// Runs one round; one figure for each quantity of the bench.
pub type Runner = Box<dyn FnMut() -> Vec<f64>>;

pub struct Peer {
    pub name: &'static str,
    pub runner: Runner,
}

impl Peer {
    pub fn new(name: &'static str, runner: impl FnMut() -> Vec<f64> + 'static) -> Self {
        Self { name, runner: Box::new(runner) }
    }
}

/// One work.
pub struct Bench {
    pub section: &'static str,
    pub name: String,
    /// What each figure of a round is, with its unit. Less is better.
    pub quantities: &'static [&'static str],
    /// More rounds give nothing new: each is long, or counts what does not vary.
    pub once: bool,
    pub peers: Vec<Peer>,
}

/// One quantity of one work: of each peer all rounds.
pub struct Row {
    pub section: String,
    pub name: String,
    pub quantity: String,
    pub peers: Vec<(String, Vec<f64>)>,
}

impl Bench {
    pub fn new(section: &'static str, name: impl Into<String>, quantities: &'static [&'static str]) -> Self {
        Self { section, name: name.into(), quantities, once: false, peers: Vec::new() }
    }

    pub fn once(mut self) -> Self {
        self.once = true;
        self
    }

    pub fn with(mut self, peers: impl IntoIterator<Item = Peer>) -> Self {
        self.peers.extend(peers);
        self
    }

    /// All rounds, each peer in turn, so that what the machine does meanwhile meets all of them.
    pub fn measure(self, settings: &Settings, wanted: &[String]) -> Vec<Row> {
        let Self { section, name, quantities, once, mut peers } = self;
        peers.retain(|peer| wanted.is_empty() || wanted.iter().any(|part| peer.name.contains(part.as_str())));
        let mut rows: Vec<Row> = quantities
            .iter()
            .map(|quantity| Row {
                section: section.to_owned(),
                name: name.clone(),
                quantity: (*quantity).to_owned(),
                peers: peers.iter().map(|peer| (peer.name.to_owned(), Vec::new())).collect(),
            })
            .collect();
        let rounds = if once { 1 } else { settings.rounds };
        for round in usize::from(once)..=rounds {
            for (index, peer) in peers.iter_mut().enumerate() {
                let figures = (peer.runner)();
                assert_eq!(figures.len(), rows.len(), "{name}: {} gives a figure for each quantity", peer.name);
                // The first round warms up.
                if round > 0 {
                    rows.iter_mut().zip(figures).for_each(|(row, figure)| row.peers[index].1.push(figure));
                }
            }
        }
        rows
    }
}

/// The value below which so many of a hundred lie.
pub fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() * percent / 100).min(values.len() - 1)]
}

pub fn median(values: &[f64]) -> f64 {
    percentile(&mut values.to_vec(), 50)
}

//! Medians and quantiles.

/// The value below which so much of the samples lies; sorts them.
pub fn quantile(samples: &mut [f64], q: f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    match samples.len() {
        0 => f64::NAN,
        len => samples[((len - 1) as f64 * q).round() as usize],
    }
}

/// The rounds of one cell in a few numbers.
#[derive(Clone, Copy)]
pub struct Summary {
    pub median: f64,
    pub lower_quartile: f64,
    pub upper_quartile: f64,
    pub least: f64,
    pub most: f64,
}

impl Summary {
    pub fn of(mut rounds: Vec<f64>) -> Self {
        let mut at = |q| quantile(&mut rounds, q);
        Self { median: at(0.5), lower_quartile: at(0.25), upper_quartile: at(0.75), least: at(0.0), most: at(1.0) }
    }
}

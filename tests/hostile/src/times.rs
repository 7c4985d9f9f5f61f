//! Many lengths of time in little memory, which stays the same however many there are.

use std::time::Duration;

/// Each bucket is so much wider than the one before: no quantile is off by more.
const STEP: f64 = 1.01;
const BUCKETS: usize = 2400;

/// Lengths of time, from 100 ns on.
#[derive(Clone, Debug)]
pub struct Times {
    buckets: Vec<u64>,
    sum: Duration,
    max: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS], sum: Duration::ZERO, max: Duration::ZERO }
    }
}

impl Times {
    pub fn add(&mut self, time: Duration) {
        let steps = (time.as_secs_f64() / 1e-7).max(1.0).ln() / STEP.ln();
        self.buckets[(steps as usize).min(BUCKETS - 1)] += 1;
        self.sum += time;
        self.max = self.max.max(time);
    }

    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    #[must_use]
    pub fn max(&self) -> Option<Duration> {
        (self.count() > 0).then_some(self.max)
    }

    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        let count = self.count();
        (count > 0).then(|| self.sum.div_f64(count as f64))
    }

    /// What this part of them is not longer than; `0.5` is the median.
    #[must_use]
    pub fn quantile(&self, part: f64) -> Option<Duration> {
        let wanted = ((self.count() as f64 * part).ceil() as u64).max(1);
        let mut seen = 0;
        let bucket = self.buckets.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        Some(Duration::from_secs_f64(1e-7 * STEP.powf(bucket as f64 + 0.5)).min(self.max))
    }
}

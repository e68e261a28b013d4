//! How much of the host re-execution may take: a bucket that fills with time and is drained by runs.
//!
//! Owns the arithmetic. Time is handed in. A run is let begin while the bucket is not empty, and drains what it took, so that the mean
//! over a minute is kept whatever a single run takes.

use std::time::Duration;

/// Most seconds of filling that are kept for later.
const BURST_SECONDS: f64 = 60.0;

/// The bucket.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Seconds of running per second; 0 sets no bound.
    cores: f64,
    balance: f64,
    filled_at: Duration,
}

impl Budget {
    /// A full bucket.
    #[must_use]
    pub fn new(cores: f64) -> Self {
        Self { cores: cores.max(0.0), balance: cores.max(0.0) * BURST_SECONDS, filled_at: Duration::ZERO }
    }

    /// Whether a run may begin, so long after the start.
    pub fn allows(&mut self, now: Duration) -> bool {
        if self.cores == 0.0 {
            return true;
        }
        let passed = now.saturating_sub(self.filled_at).as_secs_f64();
        self.filled_at = self.filled_at.max(now);
        self.balance = (self.balance + passed * self.cores).min(self.cores * BURST_SECONDS);
        self.balance > 0.0
    }

    /// Takes what a run took.
    pub fn spend(&mut self, time: Duration) {
        if self.cores > 0.0 {
            self.balance -= time.as_secs_f64();
        }
    }

    /// Runs at once that the budget comes to, of so many workers.
    #[must_use]
    pub fn capacity(&self, workers: usize) -> f64 {
        let workers = workers.max(1) as f64;
        if self.cores == 0.0 { workers } else { self.cores.min(workers) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs of a second each, as many as are let begin: over an hour they take the share that was asked for, and a minute's burst.
    #[test]
    fn over_an_hour_the_share_is_kept() {
        for cores in [0.25, 0.5, 1.0] {
            let (mut budget, mut ran) = (Budget::new(cores), 0.0);
            for second in 0..3600 {
                if budget.allows(Duration::from_secs(second)) {
                    budget.spend(Duration::from_secs(1));
                    ran += 1.0;
                }
            }
            let most = 3600.0 * cores + BURST_SECONDS * cores + 1.0;
            assert!(ran <= most && ran >= (3600.0 * cores).min(3598.0), "{ran} of {most} seconds");
        }
    }

    #[test]
    fn without_a_bound_everything_may_begin() {
        let mut budget = Budget::new(0.0);
        budget.spend(Duration::from_secs(1_000_000));
        assert!(budget.allows(Duration::ZERO));
        assert_eq!((budget.capacity(3), Budget::new(0.5).capacity(3), Budget::new(8.0).capacity(3)), (3.0, 0.5, 3.0));
    }
}

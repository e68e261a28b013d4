//! The challenger's metrics.
//!
//! Owns their names. Verdicts are one counter with a label, as are skipped and faulty batches of their kinds.

use assay_node::telemetry::Metrics;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use crate::rows::Verdict;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VerdictLabel {
    verdict: &'static str,
}

/// What is counted.
pub struct Meters {
    verdicts: Family<VerdictLabel, Counter>,
    /// Batches whose faces were looked at.
    pub batches: Counter,
    /// Their leaves.
    pub leaves: Counter,
    /// Batches that were too old when they were found.
    pub batches_skipped: Counter,
    /// Their leaves.
    pub leaves_skipped: Counter,
    /// Batches with a face fault.
    pub batches_faulty: Counter,
    /// Proofs of face faults that were submitted.
    pub proofs: Counter,
    /// Chosen leaves that wait or run.
    pub waiting: Gauge,
    /// Batches of which leaves are set aside until their bytes are to be had.
    pub batches_unavailable: Gauge,
    /// Seconds since the oldest batch that is under way was posted.
    pub lag: Gauge,
    /// 1 while what waits can't be run before the first window ends.
    pub behind: Gauge,
    /// Seconds of runs.
    pub run_seconds: Histogram,
}

impl Meters {
    /// Registers them.
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        let bounds = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0];
        let counter = |name, help| metrics.counter(name, help);
        let verdicts = metrics.register(
            "challenger_verdicts",
            "Leaves run again, by what that came to",
            Family::<VerdictLabel, Counter>::default(),
        );
        // Each is there from the start, so that the first wrong result is a rise from zero.
        for verdict in VERDICTS {
            drop(verdicts.get_or_create(&VerdictLabel { verdict: name_of(verdict) }));
        }
        Self {
            verdicts,
            batches: counter("challenger_batches", "Batches whose faces were looked at"),
            leaves: counter("challenger_leaves", "Leaves of these batches"),
            batches_skipped: counter("challenger_batches_skipped", "Batches that were past their windows when found"),
            leaves_skipped: counter("challenger_leaves_skipped", "Leaves of these batches"),
            batches_faulty: counter("challenger_batches_faulty", "Batches with a face fault"),
            proofs: counter("challenger_proofs", "Proofs of face faults that were submitted"),
            waiting: metrics.gauge("challenger_leaves_waiting", "Chosen leaves that wait or run"),
            batches_unavailable: metrics.gauge(
                "challenger_batches_unavailable",
                "Batches with leaves whose bytes are asked for again until the window is over",
            ),
            lag: metrics
                .gauge("challenger_lag_seconds", "Age of the oldest batch of which more is to be done than that"),
            behind: metrics.gauge("challenger_behind", "1 while what waits can't be run before the first window ends"),
            run_seconds: metrics.histogram("challenger_run_seconds", "Time of one run", &bounds),
        }
    }

    /// Counts a verdict.
    pub fn verdict(&self, verdict: Verdict) {
        self.verdicts.get_or_create(&VerdictLabel { verdict: name_of(verdict) }).inc();
    }
}

const VERDICTS: [Verdict; 5] =
    [Verdict::Agreed, Verdict::Wrong, Verdict::Unavailable, Verdict::Declined, Verdict::Missed];

fn name_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Agreed => "agreed",
        Verdict::Wrong => "wrong",
        Verdict::Unavailable => "unavailable",
        Verdict::Declined => "declined",
        Verdict::Missed => "missed",
    }
}

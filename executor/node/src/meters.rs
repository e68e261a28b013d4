//! The executor's metrics.
//!
//! Owns their names.

use assay_node::telemetry::Metrics;
use assay_protocol::rpc::DeclineReason;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

/// A run that is under way, for as long as this is held.
pub struct Running(Gauge);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What is counted.
pub struct Meters {
    declines: Family<ReasonLabel, Counter>,
    open_steps: Gauge,
    /// Steps that can be defended at once.
    pub defensible_steps: Gauge,
    /// Of the refusals, runs that could not be defended.
    pub indefensible: Counter,
    /// Assignments that came.
    pub assignments: Counter,
    /// Results that a sequencer has.
    pub results: Counter,
    /// Of these, sent again as they were signed before.
    pub results_again: Counter,
    /// Results that no sequencer takes any more.
    pub results_refused: Counter,
    /// Results that are lies: test equipment.
    pub lies: Counter,
    /// Assignments that are here.
    pub assigned: Gauge,
    /// Runs under way.
    pub running: Gauge,
    /// Sequencers with a session.
    pub sessions: Gauge,
    /// 1 while L1 knows the stake and the key.
    pub registered: Gauge,
    /// Seconds of runs.
    pub run_seconds: Histogram,
}

impl Meters {
    /// Registers them.
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        let bounds = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0];
        let counter = |name, help| metrics.counter(name, help);
        let declines = metrics.register(
            "executor_declines",
            "Assignments without a result, by reason",
            Family::<ReasonLabel, Counter>::default(),
        );
        // Each is there from the start, so that the first one is a rise from zero.
        for reason in REASONS {
            drop(declines.get_or_create(&ReasonLabel { reason: name_of(reason) }));
        }
        Self {
            declines,
            open_steps: metrics.gauge(
                "executor_open_steps",
                "Steps of the longest runs among open claims, as many as games are expected",
            ),
            defensible_steps: metrics.gauge("executor_defensible_steps", "Steps that can be defended at once"),
            indefensible: counter("executor_indefensible", "Refusals of runs that could not be defended"),
            assignments: counter("executor_assignments", "Assignments that came"),
            results: counter("executor_results", "Results that a sequencer has"),
            results_again: counter("executor_results_again", "Results that were signed before and asked for again"),
            results_refused: counter("executor_results_refused", "Results that no sequencer takes any more"),
            lies: counter("executor_lies", "Results that are lies, of test equipment"),
            assigned: metrics.gauge("executor_assigned", "Assignments that are here"),
            running: metrics.gauge("executor_running", "Runs under way"),
            sessions: metrics.gauge("executor_sessions", "Sequencers with a session"),
            registered: metrics.gauge("executor_registered", "1 while L1 knows the stake and the key"),
            run_seconds: metrics.histogram("executor_run_seconds", "Time of one run", &bounds),
        }
    }

    /// Counts a run, until it is dropped.
    #[must_use]
    pub fn run(&self) -> Running {
        self.running.inc();
        Running(self.running.clone())
    }

    /// Tells the steps of the longest open runs.
    pub fn open(&self, steps: u128) {
        self.open_steps.set(i64::try_from(steps).unwrap_or(i64::MAX));
    }

    /// Counts a refusal.
    pub fn declined(&self, reason: DeclineReason) {
        self.declines.get_or_create(&ReasonLabel { reason: name_of(reason) }).inc();
    }
}

const REASONS: [DeclineReason; 6] = [
    DeclineReason::Busy,
    DeclineReason::Missing,
    DeclineReason::WallClock,
    DeclineReason::Memory,
    DeclineReason::Engine,
    DeclineReason::Request,
];

fn name_of(reason: DeclineReason) -> &'static str {
    match reason {
        DeclineReason::Busy => "busy",
        DeclineReason::Missing => "missing",
        DeclineReason::WallClock => "wall_clock",
        DeclineReason::Memory => "memory",
        DeclineReason::Engine => "engine",
        DeclineReason::Request => "request",
    }
}

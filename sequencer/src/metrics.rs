//! Figures for operators, named after Prometheus' conventions.

use assay_node::telemetry::Metrics;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

/// Bounds in seconds for what takes milliseconds.
const FAST: [f64; 11] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0];
/// Bounds for numbers of leaves.
const LEAVES: [f64; 8] = [1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 8192.0];

/// A sequencer's figures. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SequencerMetrics {
    /// Tasks with a receipt.
    pub tasks_accepted: Counter,
    /// Submissions without one.
    pub tasks_refused: Counter,
    /// Tasks that are final, attested or expired.
    pub tasks_over: Counter,
    /// Of them, those that expired.
    pub tasks_expired: Counter,
    /// Tasks that are not posted.
    pub tasks_live: Gauge,
    /// Those that wait for an executor.
    pub tasks_queued: Gauge,
    /// Those that an executor has.
    pub tasks_running: Gauge,
    /// Results that wait for a batch.
    pub results_unposted: Gauge,
    /// Results that were taken in.
    pub results_accepted: Counter,
    /// Results that were refused.
    pub results_refused: Counter,
    /// Results that were taken in and can't be posted.
    pub results_blocked: Counter,
    /// Executors that are connected.
    pub executors: Gauge,
    /// Leases that run.
    pub leases: Gauge,
    /// Leases that ran out.
    pub leases_expired: Counter,
    /// Assignments that were declined.
    pub declines: Counter,
    /// Batches on L1.
    pub batches_posted: Counter,
    /// Transactions of batches that came to nothing.
    pub posts_failed: Counter,
    /// Leaves in batches that were built.
    pub leaves_posted: Counter,
    /// Bytes of data of batches that were built.
    pub bytes_posted: Counter,
    /// Gas that transactions of batches used.
    pub gas_used: Counter,
    /// Leaves that became void.
    pub leaves_void: Counter,
    /// The newest block that counts.
    pub l1_block: Gauge,
    /// Connections to the RPC.
    pub connections: Gauge,
    /// Connections that were refused.
    pub connections_refused: Counter,
    /// Seconds from a submission to its receipt.
    pub receipt_seconds: Histogram,
    batch_leaves: Histogram,
}

impl SequencerMetrics {
    /// Registers all.
    pub fn new(metrics: &Metrics) -> Self {
        let (count, gauge) =
            (|name: &str, help: &str| metrics.counter(name, help), |name: &str, help: &str| metrics.gauge(name, help));
        Self {
            tasks_accepted: count("tasks_accepted", "Tasks that got a receipt"),
            tasks_refused: count("tasks_refused", "Submissions that got none"),
            tasks_over: count("tasks_over", "Tasks that are final, attested or expired"),
            tasks_expired: count("tasks_expired", "Tasks whose deadlines passed before they were posted"),
            tasks_live: gauge("tasks_live", "Tasks that are not posted"),
            tasks_queued: gauge("tasks_queued", "Tasks that wait for an executor"),
            tasks_running: gauge("tasks_running", "Tasks that an executor has"),
            results_unposted: gauge("results_unposted", "Results that wait for a batch"),
            results_accepted: count("results_accepted", "Results that were taken in"),
            results_refused: count("results_refused", "Results that were refused"),
            results_blocked: count("results_blocked", "Results that can't be posted, whose attempts are run again"),
            executors: gauge("executors", "Executors that are connected"),
            leases: gauge("leases", "Leases that run"),
            leases_expired: count("leases_expired", "Leases that ran out"),
            declines: count("declines", "Assignments that executors declined"),
            batches_posted: count("batches_posted", "Batches on L1"),
            posts_failed: count("posts_failed", "Transactions of batches that came to nothing"),
            leaves_posted: count("leaves_posted", "Leaves of batches that were built"),
            bytes_posted: count("bytes_posted", "Bytes of data of batches that were built"),
            gas_used: count("l1_gas_used", "Gas that transactions of batches used on L1"),
            leaves_void: count("leaves_void", "Leaves that became void, whose tasks are run again"),
            l1_block: gauge("l1_block", "Newest block of L1 that counts"),
            connections: gauge("connections", "Connections to the RPC"),
            connections_refused: count("connections_refused", "Connections that were refused for want of room"),
            receipt_seconds: metrics.histogram("receipt_seconds", "Seconds from a submission to its receipt", &FAST),
            batch_leaves: metrics.histogram("batch_leaves", "Leaves of a batch", &LEAVES),
        }
    }

    /// A batch was built.
    pub fn batch_built(&self, leaves: usize, bytes: usize) {
        self.leaves_posted.inc_by(leaves as u64);
        self.bytes_posted.inc_by(bytes as u64);
        self.batch_leaves.observe(leaves as f64);
    }
}

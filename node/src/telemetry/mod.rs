//! What a process tells about itself: logs, metrics, health.
//!
//! Owns the subscriber, the registry, and a small HTTP server on a port of its own. Assumes that the port is not open to the world;
//! still, what comes in is bounded. Never holds a secret, and never blocks whoever counts.

mod health;
mod http;
mod logs;
mod metrics;

pub use health::{Health, Part};
pub use http::{CONNECTIONS_MAX, serve};
pub use logs::{LogFormat, logs};
pub use metrics::Metrics;

use crate::Remedy;
use thiserror::Error;

/// What can go wrong with telemetry.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// The filter is none.
    #[error("the log filter {filter:?} is wrong: {reason}")]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Logging was set up before.
    #[error("logging is set up already")]
    LogsTwice,
    /// The server's socket broke.
    #[error("the telemetry server stopped: {reason}")]
    Server {
        /// What the system says.
        reason: String,
    },
}

impl TelemetryError {
    /// What helps: an operator.
    pub fn remedy(&self) -> Remedy {
        Remedy::Stop
    }
}

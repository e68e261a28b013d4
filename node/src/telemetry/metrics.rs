//! The process's metrics.
//!
//! Owns the registry. Assumes that metrics are made once, at start-up, and kept by whoever counts; counting takes no lock.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};
use std::sync::{Arc, Mutex, PoisonError};

/// A registry of metrics. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    /// What names begin with behind the registry's prefix.
    part: String,
}

impl Metrics {
    /// An empty registry whose metrics' names begin with a prefix.
    pub fn new(prefix: &str) -> Self {
        Metrics { registry: Arc::new(Mutex::new(Registry::with_prefix(prefix))), part: String::new() }
    }

    /// The same registry for a part of the process, whose metrics' names begin with its name too.
    #[must_use]
    pub fn part(&self, name: &str) -> Self {
        Metrics { registry: self.registry.clone(), part: format!("{}{name}_", self.part) }
    }

    /// Registers any metric, for example a family with labels, and returns it.
    pub fn register<M: Metric + Clone>(&self, name: &str, help: &str, metric: M) -> M {
        let name = format!("{}{name}", self.part);
        self.registry.lock().unwrap_or_else(PoisonError::into_inner).register(name, help, metric.clone());
        metric
    }

    /// A number that only grows. Its name gets `_total` behind it.
    pub fn counter(&self, name: &str, help: &str) -> Counter {
        self.register(name, help, Counter::default())
    }

    /// A number that goes up and down.
    pub fn gauge(&self, name: &str, help: &str) -> Gauge {
        self.register(name, help, Gauge::default())
    }

    /// How often values fell under each of some bounds, which ascend.
    pub fn histogram(&self, name: &str, help: &str, bounds: &[f64]) -> Histogram {
        self.register(name, help, Histogram::new(bounds.iter().copied()))
    }

    /// All metrics as the OpenMetrics text that Prometheus reads.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        encode(&mut text, &registry).expect("a string takes all that is written to it");
        text
    }
}

//! Whether the process works, part by part.
//!
//! Owns what each part last said of itself. Assumes that parts say it when it changes. The process is ready when all of its parts are;
//! it is alive as long as it answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The parts of a process and what keeps each from being ready. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Health {
    parts: Arc<Mutex<BTreeMap<&'static str, Option<String>>>>,
}

/// One part's word on itself.
#[derive(Clone, Debug)]
pub struct Part {
    name: &'static str,
    health: Health,
}

impl Health {
    /// A process without parts, which is ready.
    pub fn new() -> Self {
        Health::default()
    }

    /// Adds a part, which is starting.
    pub fn part(&self, name: &'static str) -> Part {
        let part = Part { name, health: self.clone() };
        part.not_ready("starting");
        part
    }

    /// What keeps the process from being ready, by part. Empty when it is.
    pub fn waits_for(&self) -> BTreeMap<&'static str, String> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.iter().filter_map(|(name, reason)| Some((*name, reason.clone()?))).collect()
    }
}

impl Part {
    /// The part works.
    pub fn ready(&self) {
        self.set(None);
    }

    /// The part does not work, and why.
    pub fn not_ready(&self, reason: impl Into<String>) {
        self.set(Some(reason.into()));
    }

    fn set(&self, reason: Option<String>) {
        self.health.parts.lock().unwrap_or_else(PoisonError::into_inner).insert(self.name, reason);
    }
}

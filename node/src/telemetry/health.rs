//! Whether the process works, part by part.
//!
//! Owns what each part last said of itself, and the log's line whenever that changes. The process is ready when all of its parts are; it is
//! alive as long as it answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::{info, warn};

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
        if !self.note(&reason) {
            return;
        }
        let part = self.name;
        match reason {
            Some(reason) => warn!(part, reason, "a part is not ready"),
            None => info!(part, "a part is ready"),
        }
    }

    /// Notes what a part says. Whether it has said something else before: what a part begins with is no news.
    fn note(&self, reason: &Option<String>) -> bool {
        let mut parts = self.health.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.insert(self.name, reason.clone()).is_some_and(|before| before != *reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reported: why a process was not ready was nowhere in its log.
    #[test]
    fn each_change_of_a_part_is_news_once() {
        let part = Health::new().part("region");
        for (reason, is_news) in [
            (Some("starting"), false),
            (Some("not registered"), true),
            (Some("not registered"), false),
            (Some("not open"), true),
            (None, true),
            (None, false),
            (Some("not open"), true),
        ] {
            assert_eq!(part.note(&reason.map(str::to_owned)), is_news, "{reason:?}");
        }
    }
}

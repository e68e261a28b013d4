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
    parts: Arc<Mutex<BTreeMap<&'static str, Word>>>,
}

/// What a part last said.
#[derive(Clone, Debug, Default)]
struct Word {
    /// What keeps it from being ready.
    reason: Option<String>,
    /// Whether it ever was.
    was_ready: bool,
}

/// How a change of what a part says is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    /// It is none, or what a part begins with.
    Nothing,
    /// It comes up.
    Quiet,
    /// It was ready, and is so no more.
    Loud,
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
        parts.iter().filter_map(|(name, word)| Some((*name, word.reason.clone()?))).collect()
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
        let (news, part) = (self.note(&reason), self.name);
        match (news, reason) {
            (News::Nothing, _) => {}
            (News::Loud, Some(reason)) => warn!(part, reason, "a part is not ready"),
            (_, Some(reason)) => info!(part, reason, "a part is not ready yet"),
            (_, None) => info!(part, "a part is ready"),
        }
    }

    /// Notes what a part says.
    fn note(&self, reason: &Option<String>) -> News {
        let mut parts = self.health.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let (is_first, word) = (!parts.contains_key(self.name), parts.entry(self.name).or_default());
        let (is_same, was_ready) = (word.reason == *reason, word.was_ready);
        *word = Word { reason: reason.clone(), was_ready: was_ready || reason.is_none() };
        match (is_first || is_same, was_ready && reason.is_some()) {
            (true, _) => News::Nothing,
            (false, true) => News::Loud,
            (false, false) => News::Quiet,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reported: why a process was not ready was nowhere in its log.
    #[test]
    fn each_change_of_a_part_is_news_once() {
        let part = Health::new().part("region");
        for (reason, news) in [
            (Some("starting"), News::Nothing),
            (Some("not registered"), News::Quiet),
            (Some("not registered"), News::Nothing),
            (Some("not open"), News::Quiet),
            (None, News::Quiet),
            (None, News::Nothing),
            (Some("not open"), News::Loud),
        ] {
            assert_eq!(part.note(&reason.map(str::to_owned)), news, "{reason:?}");
        }
    }
}

//! What became of the assertions of a file, a set of files, or all.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Counts and failures; an assertion is in exactly one of them.
#[derive(Default)]
pub struct Tally {
    /// Assertions that were checked in both engines, or by admission, and hold.
    pub passed: u64,
    /// Assertions about what is not admitted, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Modules that are not admitted, by reason.
    pub modules_refused: BTreeMap<String, u64>,
    /// Modules that are.
    pub modules_admitted: u64,
    /// What was checked and does not hold.
    pub failures: Vec<String>,
    /// Refusals that no reason explains.
    pub unexplained: Vec<String>,
}

impl Tally {
    pub const HEADING: &str =
        "set                                      modules    run  passed  failed  refused  unexplained";

    pub fn refuse(&mut self, reason: &str) {
        *self.refused.entry(reason.into()).or_default() += 1;
    }

    pub fn failed(&self) -> usize {
        self.failures.len()
    }

    pub fn unexplained(&self) -> usize {
        self.unexplained.len()
    }

    pub fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.modules_admitted += other.modules_admitted;
        self.failures.extend(other.failures.iter().cloned());
        self.unexplained.extend(other.unexplained.iter().cloned());
        for (mine, others) in [(&mut self.refused, &other.refused), (&mut self.modules_refused, &other.modules_refused)]
        {
            for (reason, count) in others {
                *mine.entry(reason.clone()).or_default() += count;
            }
        }
    }

    pub fn row(&self, name: &str) -> String {
        let run = self.passed + self.failed() as u64;
        let refused: u64 = self.refused.values().sum();
        format!(
            "{name:40} {:7} {run:6} {:7} {:7} {refused:8} {:12}",
            self.modules_admitted,
            self.passed,
            self.failed(),
            self.unexplained()
        )
    }

    /// What passed and what was refused, one reason a line: modules and assertions.
    pub fn counts(&self) -> String {
        let mut text = format!("{:52} {:7} {:10}\n", "", "modules", "assertions");
        writeln!(text, "{:52} {:7} {:10}", "checked, and held", self.modules_admitted, self.passed).unwrap();
        let mut reasons: Vec<_> = self.refused.keys().chain(self.modules_refused.keys()).collect();
        reasons.sort();
        reasons.dedup();
        for reason in reasons {
            let count = |counts: &BTreeMap<String, u64>| counts.get(reason).copied().unwrap_or(0);
            let (modules, assertions) = (count(&self.modules_refused), count(&self.refused));
            writeln!(text, "{:52} {modules:7} {assertions:10}", format!("refused: {reason}")).unwrap();
        }
        text
    }

    /// The assertions that are not checked for a reason.
    pub fn refused_for(&self, reason: &str) -> u64 {
        self.refused.get(reason).copied().unwrap_or(0)
    }
}

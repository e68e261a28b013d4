//! Who is not asked about a task, and until when.
//!
//! Owns bars: of an executor, for a task. Those with an end come back by [`Bars::expire`]; the others last until the attempt is over, which
//! is when the task is forgotten here. Pure: time comes in as milliseconds.

use std::collections::{BTreeSet, HashMap};

use alloy_primitives::Address;

/// A bar without an end: it lasts as long as the attempt.
const LASTING: u64 = u64::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bar {
    until_ms: u64,
    /// Whether a result of the executor is not taken either.
    is_refused: bool,
}

/// Bars of all tasks.
#[derive(Debug, Default)]
pub struct Bars {
    tasks: HashMap<u64, HashMap<Address, Bar>>,
    ends: BTreeSet<(u64, u64, Address)>,
}

impl Bars {
    /// An executor is not asked until a time; a bar that lasts longer stays.
    pub fn until(&mut self, sequence: u64, executor: Address, until_ms: u64) {
        self.set(sequence, executor, Bar { until_ms, is_refused: false });
    }

    /// An executor is not asked for as long as the attempt lasts.
    pub fn lasting(&mut self, sequence: u64, executor: Address) {
        self.until(sequence, executor, LASTING);
    }

    /// An executor is not asked for as long as the attempt lasts, and what it says of it is not taken.
    pub fn refuse(&mut self, sequence: u64, executor: Address) {
        self.set(sequence, executor, Bar { until_ms: LASTING, is_refused: true });
    }

    /// Whether an executor is not to be asked.
    pub fn is_barred(&self, sequence: u64, executor: Address) -> bool {
        self.tasks.get(&sequence).is_some_and(|bars| bars.contains_key(&executor))
    }

    /// Whether nothing that an executor says of the attempt is taken.
    pub fn is_refused(&self, sequence: u64, executor: Address) -> bool {
        self.tasks.get(&sequence).and_then(|bars| bars.get(&executor)).is_some_and(|bar| bar.is_refused)
    }

    /// Takes away the bars that have ended; the tasks of which one did.
    pub fn expire(&mut self, now_ms: u64) -> Vec<u64> {
        let mut freed = Vec::new();
        while let Some((_, sequence, executor)) = self.ends.first().copied().filter(|(end, ..)| *end <= now_ms) {
            self.ends.pop_first();
            if let Some(bars) = self.tasks.get_mut(&sequence) {
                bars.remove(&executor);
                if bars.is_empty() {
                    self.tasks.remove(&sequence);
                }
            }
            freed.push(sequence);
        }
        freed
    }

    /// Nothing more is remembered of a task: its attempt is over.
    pub fn forget(&mut self, sequence: u64) {
        for (executor, bar) in self.tasks.remove(&sequence).unwrap_or_default() {
            self.ends.remove(&(bar.until_ms, sequence, executor));
        }
    }

    fn set(&mut self, sequence: u64, executor: Address, bar: Bar) {
        let bars = self.tasks.entry(sequence).or_default();
        let before = bars.get(&executor).copied();
        let is_refused = bar.is_refused || before.is_some_and(|before| before.is_refused);
        let until_ms = before.map_or(bar.until_ms, |before| before.until_ms.max(bar.until_ms));
        bars.insert(executor, Bar { until_ms, is_refused });
        if let Some(before) = before {
            self.ends.remove(&(before.until_ms, sequence, executor));
        }
        if until_ms != LASTING {
            self.ends.insert((until_ms, sequence, executor));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_end_or_last_and_the_longer_one_holds() {
        let (mut bars, one, two) = (Bars::default(), Address::repeat_byte(1), Address::repeat_byte(2));
        bars.until(7, one, 100);
        bars.until(7, one, 50);
        bars.until(8, two, 60);
        bars.lasting(9, one);
        bars.until(9, one, 70);
        assert_eq!(bars.expire(60), [8]);
        assert!(bars.is_barred(7, one) && !bars.is_barred(7, two) && !bars.is_barred(8, two));
        assert_eq!(bars.expire(u64::MAX - 1), [7]);
        assert!(!bars.is_barred(7, one) && bars.is_barred(9, one) && !bars.is_refused(9, one));
        bars.refuse(9, one);
        assert!(bars.is_refused(9, one));
        bars.until(10, two, 500);
        bars.forget(9);
        bars.forget(10);
        assert!(!bars.is_barred(9, one) && bars.expire(u64::MAX).is_empty());
        assert!(bars.tasks.is_empty() && bars.ends.is_empty(), "nothing is remembered");
    }
}

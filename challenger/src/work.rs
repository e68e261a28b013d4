//! What is left to be run again, and in which order.
//!
//! Owns the open batches and the queue of chosen leaves, in memory; rows say the same after a restart. Leaves on a list come first, then
//! those whose windows end first. Batches are drawn from only while the queue has room, oldest first, so that memory is bounded
//! whatever is posted. Pure: time is L1's, and handed in.

use std::collections::{BTreeMap, BTreeSet};

use assay_player::chain::LeafId;
use assay_protocol::B256;

use crate::sampling::Chosen;

/// Longest wait before bytes are asked for again, in seconds of L1.
const WAIT_MAX: u64 = 300;

/// A batch that is under way: posting, region, number.
pub type BatchKey = (u64, B256, u64);

/// An open batch.
#[derive(Clone, Debug)]
struct OpenBatch {
    /// The last L1 time at which its claims can be challenged.
    window_end: u64,
    /// Chosen leaves without a verdict; none while it has not been drawn from.
    left: Option<BTreeSet<u32>>,
}

/// A leaf that waits.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    batch: BatchKey,
    attempts: u32,
    not_before: u64,
}

/// Order of the queue.
type Turn = (Chosen, u64, LeafId);

/// What is left to be done.
#[derive(Clone, Debug, Default)]
pub struct Work {
    batches: BTreeMap<BatchKey, OpenBatch>,
    queue: BTreeMap<Turn, Waiting>,
    running: BTreeMap<LeafId, (Turn, Waiting)>,
}

impl Work {
    /// Adds a batch whose face is clean.
    pub fn open(&mut self, batch: BatchKey, window_end: u64) {
        self.batches.entry(batch).or_insert(OpenBatch { window_end, left: None });
    }

    /// The batch to draw from next, while there is room in the queue.
    #[must_use]
    pub fn undrawn(&self, leaves_max: usize) -> Option<BatchKey> {
        let is_full = self.queue.len() + self.running.len() >= leaves_max.max(1);
        let undrawn = || self.batches.iter().find(|(_, batch)| batch.left.is_none()).map(|(key, _)| *key);
        if is_full { None } else { undrawn() }
    }

    /// Takes what was drawn from a batch. Says whether nothing was, which ends it.
    pub fn drawn(&mut self, key: BatchKey, chosen: &[(u32, Chosen)]) -> bool {
        let Some(batch) = self.batches.get_mut(&key) else { return false };
        batch.left = Some(chosen.iter().map(|(index, _)| *index).collect());
        let (_, region, number) = key;
        for (index, why) in chosen {
            let leaf = LeafId { region, batch: number, index: *index };
            self.queue.insert((*why, batch.window_end, leaf), Waiting { batch: key, attempts: 0, not_before: 0 });
        }
        self.close_if_empty(key)
    }

    /// The next leaf to run.
    pub fn take(&mut self, now: u64) -> Option<LeafId> {
        let (turn, waiting) =
            self.queue.iter().find(|(_, waiting)| waiting.not_before <= now).map(|(t, w)| (*t, *w))?;
        self.queue.remove(&turn);
        self.running.insert(turn.2, (turn, waiting));
        Some(turn.2)
    }

    /// A leaf that was running is to be tried again. Says how often it has been tried.
    pub fn later(&mut self, leaf: LeafId, now: u64) -> u32 {
        let Some((turn, mut waiting)) = self.running.remove(&leaf) else { return 0 };
        if !self.batches.contains_key(&waiting.batch) {
            return 0;
        }
        waiting.attempts += 1;
        waiting.not_before = now + 1_u64.checked_shl(waiting.attempts).unwrap_or(WAIT_MAX).min(WAIT_MAX);
        self.queue.insert(turn, waiting);
        waiting.attempts
    }

    /// A leaf that was put back is given up: it runs again as far as the queue knows, until it has its verdict.
    pub fn take_back(&mut self, leaf: LeafId) {
        let found =
            self.queue.iter().find(|((_, _, waiting), _)| *waiting == leaf).map(|(turn, waiting)| (*turn, *waiting));
        if let Some((turn, waiting)) = found {
            self.queue.remove(&turn);
            self.running.insert(leaf, (turn, waiting));
        }
    }

    /// A leaf that was running has its verdict. Gives its batch, if it was the last of it.
    pub fn finished(&mut self, leaf: LeafId) -> Option<BatchKey> {
        let (_, waiting) = self.running.remove(&leaf)?;
        self.batches.get_mut(&waiting.batch)?.left.as_mut()?.remove(&leaf.index);
        self.close_if_empty(waiting.batch).then_some(waiting.batch)
    }

    /// Whether a leaf that was running still counts: its batch has not gone meanwhile.
    #[must_use]
    pub fn counts(&self, leaf: LeafId) -> bool {
        self.running.get(&leaf).is_some_and(|(_, waiting)| self.batches.contains_key(&waiting.batch))
    }

    /// Forgets a batch and its leaves. Those that run are let run; what they come to counts for nothing.
    pub fn drop_batch(&mut self, key: BatchKey) {
        self.batches.remove(&key);
        self.queue.retain(|_, waiting| waiting.batch != key);
    }

    /// Batches whose windows are over, with the chosen leaves of each that have no verdict. They are forgotten.
    pub fn expire(&mut self, now: u64) -> Vec<(BatchKey, Vec<u32>)> {
        let over = |batch: &OpenBatch| now >= batch.window_end;
        let keys: Vec<BatchKey> = self.batches.iter().filter(|(_, batch)| over(batch)).map(|(key, _)| *key).collect();
        keys.into_iter()
            .map(|key| {
                let left = self.batches[&key].left.iter().flatten().copied().collect();
                self.drop_batch(key);
                (key, left)
            })
            .collect()
    }

    /// All open batches.
    pub fn batches(&self) -> impl Iterator<Item = BatchKey> {
        self.batches.keys().copied()
    }

    /// Whether a batch is open.
    #[cfg(test)]
    fn is_open(&self, key: &BatchKey) -> bool {
        self.batches.contains_key(key)
    }

    /// Chosen leaves that wait or run.
    #[must_use]
    pub fn count(&self) -> usize {
        self.queue.len() + self.running.len()
    }

    /// Batches that were not drawn from yet.
    #[must_use]
    pub fn undrawn_count(&self) -> usize {
        self.batches.values().filter(|batch| batch.left.is_none()).count()
    }

    /// Seconds since the oldest open batch was posted.
    #[must_use]
    pub fn lag(&self, now: u64) -> u64 {
        self.batches.first_key_value().map_or(0, |((posted_at, ..), _)| now.saturating_sub(*posted_at))
    }

    /// Seconds until the first window ends.
    #[must_use]
    pub fn left(&self, now: u64) -> Option<u64> {
        self.batches.values().map(|batch| batch.window_end.saturating_sub(now)).min()
    }

    fn close_if_empty(&mut self, key: BatchKey) -> bool {
        let is_empty = self.batches.get(&key).is_some_and(|batch| batch.left.as_ref().is_some_and(BTreeSet::is_empty));
        if is_empty {
            self.batches.remove(&key);
        }
        is_empty
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGION: B256 = B256::repeat_byte(7);

    fn key(posted_at: u64, number: u64) -> BatchKey {
        (posted_at, REGION, number)
    }

    fn leaf(batch: u64, index: u32) -> LeafId {
        LeafId { region: REGION, batch, index }
    }

    #[test]
    fn listed_leaves_come_first_then_the_earliest_windows() {
        let mut work = Work::default();
        work.open(key(10, 0), 110);
        work.open(key(20, 1), 120);
        assert!(!work.drawn(key(10, 0), &[(3, Chosen::Drawn), (5, Chosen::Drawn)]));
        assert!(!work.drawn(key(20, 1), &[(0, Chosen::Drawn), (1, Chosen::Always)]));
        let order: Vec<LeafId> = std::iter::from_fn(|| work.take(30)).collect();
        assert_eq!(order, [leaf(1, 1), leaf(0, 3), leaf(0, 5), leaf(1, 0)]);
        assert_eq!((work.count(), work.lag(30), work.left(30)), (4, 20, Some(80)));
        assert_eq!(work.finished(leaf(0, 3)), None);
        assert_eq!(work.finished(leaf(0, 5)), Some(key(10, 0)), "the last leaf ends its batch");
        assert!(!work.is_open(&key(10, 0)) && work.is_open(&key(20, 1)));
    }

    #[test]
    fn a_full_queue_draws_no_more() {
        let mut work = Work::default();
        (0..3).for_each(|number| work.open(key(number, number), 100));
        assert_eq!(work.undrawn(2), Some(key(0, 0)));
        assert!(work.drawn(key(0, 0), &[]), "a batch that nothing was drawn from is done");
        assert!(!work.drawn(key(1, 1), &[(0, Chosen::Drawn), (1, Chosen::Drawn)]));
        assert_eq!((work.undrawn(2), work.undrawn(3)), (None, Some(key(2, 2))));
        assert_eq!(work.undrawn_count(), 1);
    }

    #[test]
    fn what_is_not_to_be_had_waits_longer_each_time() {
        let mut work = Work::default();
        work.open(key(0, 0), 10_000);
        work.drawn(key(0, 0), &[(0, Chosen::Drawn)]);
        let mut now = 0;
        for wait in [2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            assert_eq!(work.take(now), Some(leaf(0, 0)));
            work.later(leaf(0, 0), now);
            assert_eq!(work.take(now + wait - 1), None);
            now += wait;
        }
    }

    #[test]
    fn windows_that_end_leave_nothing_but_what_was_missed() {
        let mut work = Work::default();
        work.open(key(0, 0), 60);
        work.open(key(30, 1), 90);
        work.drawn(key(0, 0), &[(0, Chosen::Drawn), (1, Chosen::Drawn), (2, Chosen::Drawn)]);
        assert_eq!(work.take(0), Some(leaf(0, 0)));
        assert_eq!(work.take(0), Some(leaf(0, 1)));
        assert_eq!(work.finished(leaf(0, 0)), None);
        assert_eq!(work.expire(59), []);
        assert_eq!(work.expire(60), [(key(0, 0), vec![1, 2])]);
        assert!(!work.counts(leaf(0, 1)), "a run that comes too late counts for nothing");
        assert_eq!((work.finished(leaf(0, 1)), work.later(leaf(0, 1), 61)), (None, 0));
        assert_eq!((work.count(), work.is_open(&key(30, 1))), (0, true));
    }
}

//! What is left to be run again, and in which order.
//!
//! Owns the open batches and the queue of chosen leaves, in memory; rows say the same after a restart. Leaves on a list come first, then
//! those whose windows end first. Batches are drawn from only while the queue has room, oldest first, so that memory is bounded
//! whatever is posted. Pure: time is L1's, and handed in.
//!
//! A leaf whose bytes are not to be had is tried again until its window is over: from the queue at first, in longer and longer waits, and
//! then set aside. Nothing is held of it then but that its batch is to be drawn from again, when the longest wait is over: who withholds
//! bytes takes no place from other leaves. What is drawn again has places of its own, as many, has every eighth turn, or each that nobody
//! else has, and is tried once each time.

use std::collections::{BTreeMap, BTreeSet};

use assay_player::chain::LeafId;
use assay_protocol::B256;

use crate::sampling::Chosen;

/// Longest wait before bytes are asked for again, in seconds of L1.
const WAIT_MAX: u64 = 300;
/// Attempts at bytes from the queue, about 24 minutes in all; after them a leaf is set aside.
pub const ATTEMPTS_QUICK: u32 = 12;

/// Leaves that are taken for one among those that were drawn again.
const AGAIN_EVERY: u64 = 8;

/// A batch that is under way: posting, region, number.
pub type BatchKey = (u64, B256, u64);

/// An open batch.
#[derive(Clone, Debug)]
struct OpenBatch {
    /// The last L1 time at which its claims can be challenged.
    window_end: u64,
    /// Chosen leaves that wait or run; none while it has not been drawn from.
    left: Option<BTreeSet<u32>>,
    /// If leaves of it are set aside, the L1 time from which on it is drawn from again.
    again_at: Option<u64>,
    /// Whether it was: then nothing is left of it but leaves that were set aside.
    is_again: bool,
}

impl OpenBatch {
    /// Whether nothing of it waits or runs.
    fn is_idle(&self) -> bool {
        self.left.as_ref().is_some_and(BTreeSet::is_empty)
    }

    /// Whether all that is left of it are leaves that were set aside.
    fn is_aside(&self) -> bool {
        self.is_again || (self.is_idle() && self.again_at.is_some())
    }
}

/// A leaf that waits.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    batch: BatchKey,
    attempts: u32,
    not_before: u64,
}

/// Order of the queue: what is drawn again comes last.
type Turn = (bool, Chosen, u64, LeafId);

/// A leaf that could not be run, and is to be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Later {
    /// How often it was tried since it was drawn.
    pub attempts: u32,
    /// Whether it was set aside by that.
    pub is_aside: bool,
}

/// A batch whose window is over, with the leaves that have no verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Over {
    /// Which.
    pub batch: BatchKey,
    /// Leaves that were never run.
    pub missed: BTreeSet<u32>,
    /// Leaves that could not be run.
    pub unavailable: BTreeSet<u32>,
    /// Whether there are more of the latter, set aside, which it takes a draw to name.
    pub has_aside: bool,
}

/// What is left to be done.
#[derive(Clone, Debug, Default)]
pub struct Work {
    /// Leaves that were taken so far.
    taken: u64,
    batches: BTreeMap<BatchKey, OpenBatch>,
    queue: BTreeMap<Turn, Waiting>,
    running: BTreeMap<LeafId, (Turn, Waiting)>,
}

impl Work {
    /// Adds a batch whose face is clean.
    pub fn open(&mut self, batch: BatchKey, window_end: u64) {
        self.batches.entry(batch).or_insert(OpenBatch { window_end, left: None, again_at: None, is_again: false });
    }

    /// The batch to draw from next, while there is room in the queue.
    #[must_use]
    pub fn undrawn(&self, leaves_max: usize) -> Option<BatchKey> {
        let undrawn = || self.batches.iter().find(|(_, batch)| batch.left.is_none()).map(|(key, _)| *key);
        if self.is_full(false, leaves_max) { None } else { undrawn() }
    }

    /// The batch to draw from again, for the leaves of it that are set aside, when no other of it waits or runs: the one that has waited
    /// longest.
    #[must_use]
    pub fn aside(&self, leaves_max: usize, now: u64) -> Option<BatchKey> {
        let idle = self.batches.iter().filter(|(_, batch)| batch.is_idle());
        let due = idle.filter_map(|(key, batch)| Some((batch.again_at?, *key)));
        let first = || due.min().filter(|(again_at, _)| *again_at <= now).map(|(_, key)| key);
        if self.is_full(true, leaves_max) { None } else { first() }
    }

    /// Whether so many leaves wait or run that were drawn again, or that were not.
    fn is_full(&self, is_again: bool, leaves_max: usize) -> bool {
        let turns = self.queue.keys().chain(self.running.values().map(|(turn, _)| turn));
        turns.filter(|(again, ..)| *again == is_again).count() >= leaves_max.max(1)
    }

    /// Takes what was drawn from a batch. Says whether nothing was, which ends it.
    pub fn drawn(&mut self, key: BatchKey, chosen: &[(u32, Chosen)]) -> bool {
        let Some(batch) = self.batches.get_mut(&key) else { return false };
        batch.is_again = batch.again_at.take().is_some();
        batch.left = Some(chosen.iter().map(|(index, _)| *index).collect());
        // One attempt, and it is set aside anew.
        let attempts = if batch.is_again { ATTEMPTS_QUICK } else { 0 };
        let (_, region, number) = key;
        for (index, why) in chosen {
            let turn = (batch.is_again, *why, batch.window_end, LeafId { region, batch: number, index: *index });
            self.queue.insert(turn, Waiting { batch: key, attempts, not_before: 0 });
        }
        self.close_if_empty(key)
    }

    /// The next leaf to run. Every eighth is one that was drawn again, if there is one: bytes that were withheld may be here, and its window
    /// ends.
    pub fn take(&mut self, now: u64) -> Option<LeafId> {
        // One that still runs for a batch that L1 has dropped is not run twice at once.
        let is_next =
            |((.., leaf), waiting): &(&Turn, &Waiting)| waiting.not_before <= now && !self.running.contains_key(leaf);
        let due = || self.queue.iter().filter(is_next);
        let has_turn = (self.taken + 1).is_multiple_of(AGAIN_EVERY);
        let again = due().find(|((is_again, ..), _)| has_turn && *is_again);
        let (turn, waiting) = again.or_else(|| due().next()).map(|(turn, waiting)| (*turn, *waiting))?;
        self.taken += 1;
        self.queue.remove(&turn);
        let (.., leaf) = turn;
        self.running.insert(leaf, (turn, waiting));
        Some(leaf)
    }

    /// A leaf that was running is to be tried again, and not soon: it is set aside at once.
    pub fn much_later(&mut self, leaf: LeafId, now: u64) -> Option<Later> {
        if let Some((_, waiting)) = self.running.get_mut(&leaf) {
            waiting.attempts = ATTEMPTS_QUICK;
        }
        self.later(leaf, now, usize::MAX)
    }

    /// A leaf that was running is to be tried again. It goes back to the queue; after many attempts, or where others wait for its place, it
    /// is set aside. None if its batch has gone.
    pub fn later(&mut self, leaf: LeafId, now: u64, leaves_max: usize) -> Option<Later> {
        let has_others = self.is_full(false, leaves_max) && self.undrawn_count() > 0;
        let (turn, mut waiting) = self.running.remove(&leaf)?;
        let batch = self.batches.get_mut(&waiting.batch)?;
        let left = batch.left.as_mut()?;
        waiting.attempts += 1;
        let is_aside = waiting.attempts >= ATTEMPTS_QUICK || has_others;
        if is_aside {
            left.remove(&leaf.index);
            batch.again_at.get_or_insert(now + WAIT_MAX);
        } else {
            waiting.not_before = now + 1_u64.checked_shl(waiting.attempts).unwrap_or(WAIT_MAX).min(WAIT_MAX);
            self.queue.insert(turn, waiting);
        }
        Some(Later { attempts: waiting.attempts, is_aside })
    }

    /// A leaf that ran, or waits, has its verdict. Gives its batch, if it was the last of it.
    pub fn finished(&mut self, leaf: LeafId) -> Option<BatchKey> {
        let queued = || self.queue.keys().find(|(.., waiting)| *waiting == leaf).copied();
        let waiting = match self.running.remove(&leaf) {
            Some((_, waiting)) => waiting,
            // Its verdict came on the way to another's.
            None => queued().and_then(|turn| self.queue.remove(&turn))?,
        };
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

    /// Batches whose windows are over. They are forgotten.
    pub fn expire(&mut self, now: u64) -> Vec<Over> {
        let is_over = |batch: &OpenBatch| now >= batch.window_end;
        let keys: Vec<BatchKey> =
            self.batches.iter().filter(|(_, batch)| is_over(batch)).map(|(key, _)| *key).collect();
        let over = |key: BatchKey| {
            let batch = &self.batches[&key];
            let queued = self.queue.iter().map(|((.., leaf), waiting)| (leaf, waiting));
            let running = self.running.iter().map(|(leaf, (_, waiting))| (leaf, waiting));
            let tried = queued.chain(running).filter(|(_, waiting)| waiting.batch == key && waiting.attempts > 0);
            let unavailable: BTreeSet<u32> = tried.map(|(leaf, _)| leaf.index).collect();
            let missed = batch.left.iter().flatten().filter(|index| !unavailable.contains(*index)).copied().collect();
            Over { batch: key, missed, unavailable, has_aside: batch.again_at.is_some() }
        };
        let over: Vec<Over> = keys.into_iter().map(over).collect();
        over.iter().for_each(|over| self.drop_batch(over.batch));
        over
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

    /// Whether a leaf runs.
    #[must_use]
    pub fn is_running(&self, leaf: LeafId) -> bool {
        self.running.contains_key(&leaf)
    }

    /// Chosen leaves that wait or run and were not set aside before, and how many batches they are of, those included that were not drawn
    /// from yet.
    #[must_use]
    pub fn ahead(&self) -> (usize, usize) {
        let turns = self.queue.keys().chain(self.running.values().map(|(turn, _)| turn));
        let leaves = turns.filter(|(is_again, ..)| !is_again).count();
        (leaves, self.batches.values().filter(|batch| !batch.is_aside()).count())
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

    /// Batches of which leaves are set aside.
    #[must_use]
    pub fn aside_count(&self) -> usize {
        self.batches.values().filter(|batch| batch.is_again || batch.again_at.is_some()).count()
    }

    /// Seconds since the oldest batch was posted of which something is to be done but to wait for bytes.
    #[must_use]
    pub fn lag(&self, now: u64) -> u64 {
        let oldest = self.batches.iter().find(|(_, batch)| !batch.is_aside());
        oldest.map_or(0, |((posted_at, ..), _)| now.saturating_sub(*posted_at))
    }

    /// Seconds until the first window of such a batch ends.
    #[must_use]
    pub fn left(&self, now: u64) -> Option<u64> {
        let waiting = self.batches.values().filter(|batch| !batch.is_aside());
        waiting.map(|batch| batch.window_end.saturating_sub(now)).min()
    }

    fn close_if_empty(&mut self, key: BatchKey) -> bool {
        let is_empty = self.batches.get(&key).is_some_and(|batch| batch.is_idle() && batch.again_at.is_none());
        if is_empty {
            self.batches.remove(&key);
        }
        is_empty
    }
}

#[cfg(test)]
mod tests;

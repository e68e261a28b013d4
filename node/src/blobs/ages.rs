//! Ages that the tables do not say: of blobs that were renewed, and of those on their way into a commit.
//!
//! Owns both in memory, for as long as they matter, so that a renewal costs no write. Assumes that its lock is held from the look at whether
//! a blob is here to what follows from it, by whoever renews or enters a blob and by whoever throws one away. A start forgets all of it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use assay_protocol::BlobRef;

/// Renewed blobs after which older ones are forgotten, at some hundred bytes each; up to twice as many are remembered.
const RENEWED_MAX: usize = 1 << 18;
/// Seconds for which a blob may be on its way into the tables. If a commit takes longer, the blob may be counted twice until the next start.
const ENTERING_SECONDS: u64 = 10;
/// Seconds from one look for what can be forgotten to the next.
const SWEEP_SECONDS: u64 = 10;

/// Ages in memory, in seconds since 1970.
#[derive(Debug)]
pub(super) struct Ages {
    /// For how long a blob is safe.
    grace_seconds: u64,
    /// When a blob was renewed: the newest, and as many before them.
    renewed: HashMap<BlobRef, u64>,
    renewed_before: HashMap<BlobRef, u64>,
    /// When a blob came that the tables may not show yet.
    entering: HashMap<BlobRef, u64>,
    swept_at: u64,
}

impl Ages {
    pub(super) fn new(grace_seconds: u64) -> Self {
        Self {
            grace_seconds,
            renewed: HashMap::new(),
            renewed_before: HashMap::new(),
            entering: HashMap::new(),
            swept_at: 0,
        }
    }

    /// A blob that is here is young again.
    pub(super) fn renew(&mut self, blob: &BlobRef, now: u64) {
        self.sweep(now);
        if self.renewed.len() >= RENEWED_MAX {
            // Those before are as old as if they had not come again: to pin one takes no longer than some hundred thousand others.
            self.renewed_before = std::mem::take(&mut self.renewed);
        }
        self.renewed.insert(*blob, now);
    }

    /// When a blob was renewed; 0 if it never was, or so long ago that it does not matter.
    pub(super) fn renewed_at(&self, blob: &BlobRef) -> u64 {
        self.renewed.get(blob).or_else(|| self.renewed_before.get(blob)).copied().unwrap_or(0)
    }

    /// A blob that is not here comes: the second under which all its rows are entered, and whether nobody else is entering it.
    pub(super) fn enter(&mut self, blob: &BlobRef, now: u64) -> (u64, bool) {
        self.sweep(now);
        match self.entering.entry(*blob) {
            Entry::Occupied(entry) => (*entry.get(), false),
            Entry::Vacant(entry) => (*entry.insert(now), true),
        }
    }

    /// A blob is here no more.
    pub(super) fn forget(&mut self, blob: &BlobRef) {
        self.renewed.remove(blob);
        self.renewed_before.remove(blob);
        self.entering.remove(blob);
    }

    fn sweep(&mut self, now: u64) {
        if now.abs_diff(self.swept_at) < SWEEP_SECONDS {
            return;
        }
        self.swept_at = now;
        let grace_seconds = self.grace_seconds;
        let is_young = |at: &u64| at.saturating_add(grace_seconds) > now;
        self.renewed.retain(|_, at| is_young(at));
        self.renewed_before.retain(|_, at| is_young(at));
        self.entering.retain(|_, at| at.saturating_add(ENTERING_SECONDS) > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::B256;

    fn blob(length: u64) -> BlobRef {
        BlobRef { root: B256::ZERO, length }
    }

    #[test]
    fn what_does_not_matter_any_more_is_forgotten() {
        let mut ages = Ages::new(600);
        ages.renew(&blob(1), 1000);
        assert_eq!(ages.enter(&blob(2), 1000), (1000, true));
        assert_eq!(ages.enter(&blob(2), 1005), (1000, false), "it is on its way");
        ages.renew(&blob(3), 1599);
        assert_eq!((ages.renewed_at(&blob(1)), ages.entering.len()), (1000, 0));
        ages.renew(&blob(3), 1610);
        assert_eq!((ages.renewed_at(&blob(1)), ages.renewed_at(&blob(3))), (0, 1610));
        assert_eq!(ages.enter(&blob(3), 1610), (1610, true));
        ages.forget(&blob(3));
        assert_eq!((ages.renewed_at(&blob(3)), ages.enter(&blob(3), 1611)), (0, (1611, true)));
    }

    #[test]
    fn of_too_many_the_oldest_are_forgotten() {
        let (mut ages, most) = (Ages::new(600), RENEWED_MAX as u64);
        (0..=most).for_each(|length| ages.renew(&blob(length), 1000));
        assert_eq!((ages.renewed.len(), ages.renewed_at(&blob(0)), ages.renewed_at(&blob(most))), (1, 1000, 1000));
        (0..most).for_each(|length| ages.renew(&blob(most + 1 + length), 1001));
        assert_eq!((ages.renewed_at(&blob(0)), ages.renewed_at(&blob(most + 1))), (0, 1001));
    }
}

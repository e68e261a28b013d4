//! How many blocks to ask for at once.
//!
//! Owns the size of a page of logs. It aims at bytes, for a page is held in memory as a whole. Assumes nothing of a provider's limits,
//! which differ, change and are seldom said: it finds them. What the next blocks hold is not known: they are taken to hold what those
//! of the last page did, so that a page that meets full blocks after quiet ones is larger than it should be.

use super::Log;

/// Blocks of the first page, before which nothing is known.
const BLOCKS_FIRST: u64 = 16;

/// Bytes of logs that a page aims at. An answer has two digits for each: 8 MiB, some seconds of a slow line, and less than the 16 MiB
/// that a frame of a WebSocket may have.
const BYTES_TARGET: u64 = 4 << 20;

/// What a log counts for besides its data: its address, topics, hashes and places.
const LOG_BYTES: u64 = 512;

/// The size of the next page.
#[derive(Clone, Debug)]
pub(super) struct Page {
    blocks: u64,
    max: u64,
}

impl Page {
    /// Begins with few blocks.
    pub(super) fn new(max: u64) -> Self {
        let max = max.max(1);
        Page { blocks: BLOCKS_FIRST.min(max), max }
    }

    /// The last block of a page that begins at `first` and must not go past `last`.
    pub(super) fn end(&self, first: u64, last: u64) -> u64 {
        first.saturating_add(self.blocks - 1).min(last)
    }

    /// The provider refused, or took too long: half of it. One block is the least.
    pub(super) fn shrink(&mut self) {
        self.blocks = (self.blocks / 2).max(1);
    }

    /// The provider answered, for some blocks, with logs of some bytes: a quarter more, but no more blocks than are expected to hold the
    /// target. Doubling would run into a steady limit with every second page.
    pub(super) fn answered(&mut self, blocks: u64, bytes: u64) {
        let grown = self.blocks.saturating_add(self.blocks / 4 + 1);
        let expected = blocks.saturating_mul(BYTES_TARGET) / bytes.max(1);
        self.blocks = grown.min(expected).clamp(1, self.max);
    }
}

/// Bytes that logs count for.
pub(super) fn size_bytes(logs: &[Log]) -> u64 {
    logs.iter().map(|log| log.inner.data.data.len() as u64 + LOG_BYTES).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{Address, Bytes};

    #[test]
    fn pages_halve_down_to_one_block_and_grow_to_their_limit() {
        let mut page = Page::new(1000);
        assert_eq!(page.end(10, 5000), 25);
        assert_eq!(page.end(10, 20), 20);
        page.shrink();
        assert_eq!(page.end(0, u64::MAX), 7);
        (0..20).for_each(|_| page.shrink());
        assert_eq!(page.end(7, u64::MAX), 7);
        page.answered(1, 0);
        assert_eq!(page.end(7, u64::MAX), 8);
        (0..40).for_each(|_| page.answered(1, 0));
        assert_eq!(page.end(0, u64::MAX), 999);
        assert_eq!(page.end(u64::MAX, u64::MAX), u64::MAX);
        assert_eq!(Page::new(3).end(0, u64::MAX), 2, "the first page obeys the limit too");
        assert_eq!(Page::new(0).end(7, u64::MAX), 7);
    }

    /// Against a provider that allows 100 blocks, few pages of a long way are refused.
    #[test]
    fn a_steady_limit_is_seldom_hit() {
        let (mut page, mut first, mut asked, mut refused) = (Page::new(10_000), 0, 0, 0);
        while first < 100_000 {
            let last = page.end(first, 99_999);
            asked += 1;
            if last - first + 1 > 100 {
                refused += 1;
                page.shrink();
            } else {
                page.answered(last - first + 1, 0);
                first = last + 1;
            }
        }
        assert!(refused * 3 < asked, "{refused} of {asked} pages were refused");
        assert!(asked < 2200, "{asked} pages for what 1000 could do");
    }

    #[test]
    fn a_page_is_as_large_as_is_expected_to_hold_the_target() {
        let mut page = Page::new(256);
        let mut next = |blocks: u64, bytes: u64| {
            page.answered(blocks, bytes);
            page.end(1, u64::MAX)
        };
        assert_eq!(next(16, 4 * BYTES_TARGET), 4, "four times the target, a quarter of the blocks");
        assert_eq!(next(4, BYTES_TARGET), 4, "on the target");
        assert_eq!(next(4, BYTES_TARGET / 2), 6, "half of it would be eight blocks, a quarter more is six");
        assert_eq!(next(1, BYTES_TARGET / 5), 5, "a page that was cut short says as much of a block");
        assert_eq!(next(5, 1000 * BYTES_TARGET), 1);
        assert_eq!(next(1, 1000 * BYTES_TARGET), 1, "a block is the least");
        assert_eq!(next(1, 0), 2);
    }

    /// Full blocks after quiet ones: the page that meets them may be too large, and one more if it met only a few of them.
    #[test]
    fn full_blocks_make_no_more_than_two_pages_too_large() {
        for quiet in 1000..1300 {
            let (mut page, mut first, mut too_large) = (Page::new(256), 0, 0);
            while first < 3000 {
                let last = page.end(first, 2999);
                let bytes = (first..=last).filter(|block| *block >= quiet).count() as u64 * (BYTES_TARGET / 5);
                too_large += u64::from(bytes > BYTES_TARGET);
                page.answered(last - first + 1, bytes);
                first = last + 1;
            }
            assert!((1..=2).contains(&too_large), "{too_large} pages were too large, after {quiet} quiet blocks");
        }
    }

    #[test]
    fn logs_count_for_their_data_and_what_is_around_it() {
        let log = |length: usize| Log {
            inner: alloy_primitives::Log::new_unchecked(Address::ZERO, Vec::new(), Bytes::from(vec![0u8; length])),
            ..Log::default()
        };
        assert_eq!(size_bytes(&[]), 0);
        assert_eq!(size_bytes(&[log(0), log(65_536)]), 65_536 + 2 * LOG_BYTES);
    }
}

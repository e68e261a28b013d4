//! How many blocks to ask for at once.
//!
//! Owns the size of a page of logs. Assumes nothing of a provider's limits, which differ, change and are seldom said: it finds them.

/// The size of the next page.
#[derive(Clone, Debug)]
pub(super) struct Page {
    blocks: u64,
    max: u64,
}

impl Page {
    /// Begins with the largest page.
    pub(super) fn new(max: u64) -> Self {
        Page { blocks: max.max(1), max: max.max(1) }
    }

    /// The last block of a page that begins at `first` and must not go past `last`.
    pub(super) fn end(&self, first: u64, last: u64) -> u64 {
        first.saturating_add(self.blocks - 1).min(last)
    }

    /// The provider refused, or took too long: half of it. One block is the least.
    pub(super) fn shrink(&mut self) {
        self.blocks = (self.blocks / 2).max(1);
    }

    /// The provider answered: a quarter more. Doubling would run into a steady limit with every second page.
    pub(super) fn grow(&mut self) {
        self.blocks = self.blocks.saturating_add(self.blocks / 4 + 1).min(self.max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_halve_down_to_one_block_and_grow_to_their_limit() {
        let mut page = Page::new(1000);
        assert_eq!(page.end(10, 5000), 1009);
        assert_eq!(page.end(10, 20), 20);
        page.shrink();
        assert_eq!(page.end(0, u64::MAX), 499);
        (0..20).for_each(|_| page.shrink());
        assert_eq!(page.end(7, u64::MAX), 7);
        page.grow();
        assert_eq!(page.end(7, u64::MAX), 8);
        (0..40).for_each(|_| page.grow());
        assert_eq!(page.end(0, u64::MAX), 999);
        assert_eq!(page.end(u64::MAX, u64::MAX), u64::MAX);
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
                first = last + 1;
                page.grow();
            }
        }
        assert!(refused * 3 < asked, "{refused} of {asked} pages were refused");
        assert!(asked < 2200, "{asked} pages for what 1000 could do");
    }
}

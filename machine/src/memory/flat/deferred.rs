//! The longer part of a commit, for another thread: pages of linear memory, copied out, and the tree that they go into.
//!
//! Owns nothing of the memory it is of, which runs on meanwhile.

use alloc::vec::Vec;

use super::backing::update_each_page;
use crate::memory::{layout::Page, tree::Tree};

/// Pages that wait to be hashed into their tree.
pub struct Deferred {
    pub(super) tree: Tree,
    /// Ascending, and the page of each.
    pub(super) numbers: Vec<u32>,
    pub(super) pages: Vec<Page>,
}

impl Deferred {
    /// Hashes the pages.
    pub fn hash(mut self) -> Tree {
        update_each_page(&mut self.tree, &self.numbers, &self.pages.iter().collect::<Vec<_>>());
        self.tree
    }
}

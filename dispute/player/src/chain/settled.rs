//! The view as of a block that no reorganisation reaches, from which the newest one is folded again when blocks are taken back.
//!
//! Owns that view and where it ends. It follows the newest at the distance that a reader heals, so that a reorganisation costs a copy of
//! the view and a pass over the events of so many blocks, however many there are before them.

use assay_node::store::Store;
use assay_protocol::deployment::Deployment;

use super::error::ChainError;
use super::ingest;
use super::view::View;

/// What events of all blocks before one fold into.
#[derive(Clone, Debug)]
pub struct Settled {
    before: u64,
    view: View,
}

impl Settled {
    /// As of the first block.
    pub fn new(deployment: &Deployment) -> Self {
        Self { before: 0, view: View::new(deployment.contracts.clone()) }
    }

    /// Folds all rows: up to `depth` blocks before the newest that has one, and the newest view.
    ///
    /// # Errors
    /// [`ChainError`]: rows that can't be read, or contradict each other.
    pub fn open(store: &Store, deployment: &Deployment, depth: u64) -> Result<(Self, View), ChainError> {
        let mut settled = Self::new(deployment);
        settled.advance(store, ingest::newest(store)?.map_or(0, |newest| (newest + 1).saturating_sub(depth)))?;
        let view = settled.newest(store)?;
        Ok((settled, view))
    }

    /// Takes the events of all blocks before this one; does nothing if it has them.
    ///
    /// # Errors
    /// As [`Settled::open`]; it is of no use any more.
    pub fn advance(&mut self, store: &Store, before: u64) -> Result<(), ChainError> {
        if before > self.before {
            ingest::take(store, &mut self.view, (self.before, 0)..(before, 0))?;
            self.before = before;
        }
        Ok(())
    }

    /// The view of all rows.
    ///
    /// # Errors
    /// As [`Settled::open`].
    pub fn newest(&self, store: &Store) -> Result<View, ChainError> {
        let mut view = self.view.clone();
        ingest::take(store, &mut view, (self.before, 0)..)?;
        Ok(view)
    }

    /// Whether nothing of a block, or of one after it, is in it.
    pub fn is_before(&self, block: u64) -> bool {
        self.before <= block
    }
}

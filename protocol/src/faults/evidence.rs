//! The bytes that a proof of a fault opens, and what else it shows.
//!
//! Owns which spans of the data those are, what it needs of another batch of the region and of a program. How spans are
//! opened, by pages and siblings, is [`crate::data::data_windows`]'s.

use alloc::vec::Vec;
use core::ops::Range;

use super::{Fault, Need, SourceError};
use crate::B256;
use crate::data::layout::{Area, Layout};
use crate::data::{Data, area_of};
use crate::objects::{Claim, Origin, Place, Source};
use crate::tree::Levels;

/// What a proof shows of a batch besides the accused one, or of that one once more: its header, and a part of its data, if
/// it has that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// Number of the batch, of the region of the accused one and at most its number.
    pub batch: u64,
    /// What of its data.
    pub part: Part,
}

/// A part of a batch's head that a record of another batch can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A record.
    Record(u32),
    /// An entry of the directory.
    Entry(u32),
}

impl Part {
    /// Where it lies; nowhere if there is none.
    #[must_use]
    pub fn span(&self, layout: &Layout) -> Option<Range<u64>> {
        match *self {
            Self::Record(index) => (index < layout.count).then(|| layout.record(index)),
            Self::Entry(index) => (index < layout.blob_count).then(|| layout.entry(index)),
        }
    }
}

impl Fault {
    /// The spans of the accused batch's data that a proof of the fault opens.
    ///
    /// # Panics
    /// If the fault is not one of this data.
    #[must_use]
    pub fn evidence(&self, data: &Data<'_>) -> Vec<Range<u64>> {
        let layout = data.layout();
        let area = |entry: u32| area_of(&data.entry(entry).expect("the fault is of an entry of this data"));
        match *self {
            Self::ClientSignature { leaf, .. }
            | Self::ExecutorSignature { leaf, .. }
            | Self::Bound { leaf, .. }
            | Self::Program { leaf, .. }
            | Self::Repeated { leaf, .. }
            | Self::Predecessor { leaf, .. }
            | Self::Deadline { leaf, .. } => core::iter::once(layout.record(leaf)).collect(),
            Self::Sequence { leaf, .. } => records(&layout, leaf.saturating_sub(1), leaf),
            Self::Source { leaf, need, .. } => of_source(data, leaf, need),
            Self::Leaves { pair, .. } => {
                let first = 2 * pair as u32;
                let node = (layout.leaf_levels().depth() > 1).then(|| layout.leaf_node(1, pair));
                let last = first.saturating_add(1).min(layout.count - 1);
                records(&layout, first, last).into_iter().chain(node).collect()
            }
            Self::LeafNode { level, index, .. } => {
                family(&layout.leaf_levels(), level, index, |level, index| layout.leaf_node(level, index))
            }
            Self::Entry { entry, .. } => (entry.saturating_sub(1)..=entry).map(|entry| layout.entry(entry)).collect(),
            Self::DataLength { .. } => {
                layout.blob_count.checked_sub(1).map(|last| layout.entry(last)).into_iter().collect()
            }
            Self::Page { entry, page, .. } => {
                let area = area(entry);
                let node = (area.pages() > 1).then(|| area.node(0, page));
                let page = (area.pages() > 0).then(|| area.page(page));
                [layout.entry(entry)].into_iter().chain(page).chain(node).collect()
            }
            Self::BlobNode { entry, level, index, .. } => {
                let area: Area = area(entry);
                let nodes = family(&area.levels(), level, index, |level, index| area.node(level, index));
                [layout.entry(entry)].into_iter().chain(nodes).collect()
            }
            Self::Padding { entry, offset } => {
                let entries = (entry.saturating_sub(1)..=entry).map(|entry| layout.entry(entry));
                entries.chain(core::iter::once(offset..offset + 1)).collect()
            }
        }
    }

    /// The batch that a proof of the fault shows besides the accused one.
    ///
    /// # Panics
    /// If the fault is not one of this data.
    #[must_use]
    pub fn named(&self, data: &Data<'_>) -> Option<Named> {
        let number = data.batch().number;
        let claim = |leaf: u32| data.claim(leaf).expect("the fault is of a leaf of this data");
        match *self {
            Self::Repeated { earlier: Place { batch, index }, .. } => Some(Named { batch, part: Part::Record(index) }),
            Self::Predecessor { leaf, .. } => {
                let claim = claim(leaf);
                let Place { batch, index } = claim.predecessor;
                let is_looked_at = claim.result.attempt > 0 && batch < number;
                is_looked_at.then_some(Named { batch, part: Part::Record(index) })
            }
            // What lies beyond the horizon is not looked at.
            Self::Source { cause: SourceError::Horizon { .. }, .. } => None,
            Self::Source { leaf, need, .. } => {
                let claim = claim(leaf);
                match (claim.source(need).origin(), need) {
                    (Ok(Origin::Earlier(Place { batch, index })), _) if batch < number => {
                        Some(Named { batch, part: Part::Entry(index) })
                    }
                    (Ok(Origin::Output(Place { batch, index })), Need::Input) if batch < number => {
                        Some(Named { batch, part: Part::Record(index) })
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The program whose descriptor a proof of the fault shows: where another blob than its WASM is.
    ///
    /// # Panics
    /// If the fault is not one of this data.
    #[must_use]
    pub fn program(&self, data: &Data<'_>) -> Option<B256> {
        let Self::Source { leaf, need: Need::Wasm, cause: SourceError::OtherBlob { .. } } = *self else {
            return None;
        };
        Some(data.claim(leaf).expect("the fault is of a leaf of this data").request.program)
    }
}

fn records(layout: &Layout, first: u32, last: u32) -> Vec<Range<u64>> {
    (first..=last).map(|index| layout.record(index)).collect()
}

/// The record, and the entry or the leaf of this batch that its source names.
fn of_source(data: &Data<'_>, leaf: u32, need: Need) -> Vec<Range<u64>> {
    let layout = data.layout();
    let claim = data.claim(leaf).expect("the fault is of a leaf of this data");
    let named = match claim.source(need).origin() {
        Ok(Origin::Here(index)) if index < layout.blob_count => Some(layout.entry(index)),
        Ok(Origin::Output(place)) if place.batch == data.batch().number && place.index < leaf => {
            Some(layout.record(place.index))
        }
        _ => None,
    };
    [layout.record(leaf)].into_iter().chain(named).collect()
}

/// A node and what it follows from: its children, or for padding nothing. The root is not in the data.
fn family(levels: &Levels, level: u32, index: u64, node: impl Fn(u32, u64) -> Range<u64>) -> Vec<Range<u64>> {
    let has_children = level > 0 && index < levels.width(level);
    let children = has_children.then(|| [node(level - 1, 2 * index), node(level - 1, 2 * index + 1)]);
    let itself = (level < levels.depth()).then(|| node(level, index));
    children.into_iter().flatten().chain(itself).collect()
}

impl Claim {
    /// Where the record says that these bytes are.
    fn source(&self, need: Need) -> Source {
        if need == Need::Input { self.input } else { self.wasm }
    }
}

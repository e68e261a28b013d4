//! The bytes that a proof of a fault opens.
//!
//! Owns which spans of the data those are; how they are opened, pages and siblings, is [`crate::data::page_proof`]'s.

use alloc::vec::Vec;
use core::ops::Range;

use super::{Fault, Need};
use crate::data::layout::{Area, Layout};
use crate::data::{Data, area_of};
use crate::objects::Origin;
use crate::tree::Levels;

impl Fault {
    /// The spans of the accused batch's data that a proof of the fault opens. Of the faults that a leaf alone proves, 1 to 7,
    /// it is the record, which a proof may as well show by the leaf.
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
            Self::Padding { offset } => core::iter::once(offset..offset + 1).collect(),
        }
    }
}

fn records(layout: &Layout, first: u32, last: u32) -> Vec<Range<u64>> {
    (first..=last).map(|index| layout.record(index)).collect()
}

/// The record, and the entry or the leaf of this batch that its source names.
fn of_source(data: &Data<'_>, leaf: u32, need: Need) -> Vec<Range<u64>> {
    let layout = data.layout();
    let claim = data.claim(leaf).expect("the fault is of a leaf of this data");
    let source = if need == Need::Input { claim.input } else { claim.wasm };
    let named = match source.origin() {
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

//! Faults of a batch's bytes alone (specs/12-batches.md, faults 8 to 15): what makes them another encoding than the one.
//!
//! Owns what well-formed data is. It judges no signature and no claim, and needs nothing but the bytes and the header. Work
//! is linear in the data, whatever the directory says.

use alloc::vec::Vec;

use alloy_primitives::B256;

use super::{EntryError, Fault, Need, SourceError};
use crate::data::layout::{Area, PAGE_SIZE, next_page};
use crate::data::{Data, area_of, blob_page_hash};
use crate::objects::{Claim, Origin, Place, Source};
use crate::tree::{BLOB_TREE, EMPTY_BLOB_ROOT, LEAF_TREE, Levels, Tree};
use crate::{BLOB_LENGTH_MAX, BlobRef};

/// Every fault of the bytes. After a fault of the directory nothing behind it is judged: nobody can say where it lies.
#[must_use]
pub fn data_faults(data: &Data<'_>) -> Vec<Fault> {
    let mut found = Vec::new();
    leaves(data, &mut found);
    claims(data, &mut found);
    match areas(data) {
        Err(fault) => found.push(fault),
        Ok(areas) => {
            for (entry, area) in (0..).zip(&areas) {
                blob(data, entry, area, &mut found);
            }
            padding(data, &areas, &mut found);
        }
    }
    found
}

/// Faults 8 and 15: the posted tree against the records, and the root against the tree.
fn leaves(data: &Data<'_>, found: &mut Vec<Fault>) {
    let layout = data.layout();
    let levels = layout.leaf_levels();
    let leaves: Vec<B256> = data.claims().map(|claim| claim.leaf(data.domain())).collect();
    let leaf = |index: u64| leaves.get(index as usize).copied().unwrap_or_default();
    let posted = |level: u32, index: u64| match level {
        0 => leaf(index),
        level if level == levels.depth() => data.batch().leaf_root,
        level => data.node(layout.leaf_node(level, index)),
    };
    if levels.depth() == 0 {
        let (got, wanted) = (data.batch().leaf_root, leaf(0));
        found.extend((got != wanted).then_some(Fault::Leaves { pair: 0, got, wanted }));
    }
    check_tree(&LEAF_TREE, &levels, posted, |level, index, got, wanted| {
        let is_pair = level == 1 && index < levels.width(1);
        found.push(match is_pair {
            true => Fault::Leaves { pair: index, got, wanted },
            false => Fault::LeafNode { level, index, got, wanted },
        });
    });
}

/// Calls `report(level, index, got, wanted)` for each node that does not follow from those below it, padding included. What
/// is on level 0 and no padding follows from elsewhere.
fn check_tree(
    tree: &Tree,
    levels: &Levels,
    posted: impl Fn(u32, u64) -> B256,
    mut report: impl FnMut(u32, u64, B256, B256),
) {
    let mut zero = tree.zero(0);
    for level in 0..=levels.depth() {
        let first = if level == 0 { levels.width(0) } else { 0 };
        for index in first..levels.padded_width(level) {
            let wanted = match index < levels.width(level) {
                true => tree.node(&posted(level - 1, 2 * index), &posted(level - 1, 2 * index + 1)),
                false => zero,
            };
            let got = posted(level, index);
            if got != wanted {
                report(level, index, got, wanted);
            }
        }
        zero = tree.node(&zero, &zero);
    }
}

/// Faults 9 and 10, as far as the bytes show them.
fn claims(data: &Data<'_>, found: &mut Vec<Fault>) {
    let mut last = None;
    for (leaf, claim) in (0..).zip(data.claims()) {
        let got = claim.sequence;
        let (other, is_good) = match last {
            None => (data.batch().first_sequence, got == data.batch().first_sequence),
            Some(last) => (last, got > last),
        };
        found.extend((!is_good).then_some(Fault::Sequence { leaf, got, other }));
        last = Some(got);
        for (need, source) in [(Need::Input, claim.input), (Need::Wasm, claim.wasm)] {
            let cause = check_source(data, leaf, &claim, need, source);
            found.extend(cause.err().map(|cause| Fault::Source { leaf, need, cause }));
        }
    }
}

/// What this batch alone shows of a source. Which blob the WASM must be is a fact of L1.
fn check_source(data: &Data<'_>, leaf: u32, claim: &Claim, need: Need, source: Source) -> Result<(), SourceError> {
    let number = data.batch().number;
    match source.origin()? {
        Origin::Absent => Ok(()),
        Origin::Here(index) => {
            let entry = data.entry(index).ok_or(SourceError::NoEntry(Place { batch: number, index }))?;
            if need == Need::Input { same_blob(&entry.blob, &claim.request.input) } else { Ok(()) }
        }
        Origin::Earlier(Place { batch, .. }) if batch < number => Ok(()),
        Origin::Earlier(Place { batch, .. }) => Err(SourceError::Horizon { batch, first: 0, number }),
        Origin::Output(_) if need == Need::Wasm => Err(SourceError::WasmFromOutput),
        Origin::Output(place) if place.batch == number && place.index < leaf => {
            let feeding = data.claim(place.index).ok_or(SourceError::NoLeaf(place))?;
            same_blob(&feeding.result.output, &claim.request.input)
        }
        Origin::Output(place) if place.batch < number => Ok(()),
        Origin::Output(place) => Err(SourceError::NoLeaf(place)),
    }
}

/// The blob that is there must be the one that is needed.
pub(super) fn same_blob(got: &BlobRef, wanted: &BlobRef) -> Result<(), SourceError> {
    if got == wanted {
        return Ok(());
    }
    Err(SourceError::OtherBlob {
        got: got.root,
        got_length: got.length,
        wanted: wanted.root,
        wanted_length: wanted.length,
    })
}

/// Fault 11: the areas of all blobs, which stand in order, without gaps but to the next page, and fill the data.
fn areas(data: &Data<'_>) -> Result<Vec<Area>, Fault> {
    let layout = data.layout();
    let length = data.batch().data_length;
    let mut end = layout.head_length();
    let mut areas = Vec::with_capacity(layout.blob_count as usize);
    for index in 0..layout.blob_count {
        let entry = data.entry(index).expect("the head has every entry");
        let fault = |cause| Err(Fault::Entry { entry: index, cause });
        if entry.encoding != 0 {
            return fault(EntryError::Encoding { got: entry.encoding });
        }
        if entry.blob.length > BLOB_LENGTH_MAX {
            return fault(EntryError::TooLong { got: entry.blob.length, most: BLOB_LENGTH_MAX });
        }
        if entry.blob.length == 0 && index > 0 {
            return fault(EntryError::Empty);
        }
        let wanted = next_page(end);
        if u64::from(entry.first_page) != wanted {
            return fault(EntryError::FirstPage { got: entry.first_page, wanted });
        }
        let area = area_of(&entry);
        if entry.blob.length > 0 {
            end = area.end();
        }
        if end > u64::from(length) {
            return fault(EntryError::Outside { got: end, most: length });
        }
        areas.push(area);
    }
    if end == u64::from(length) { Ok(areas) } else { Err(Fault::DataLength { got: length, wanted: end }) }
}

/// Faults 12 and 13: a blob's pages against its tree, and its root against the tree.
fn blob(data: &Data<'_>, entry: u32, area: &Area, found: &mut Vec<Fault>) {
    let root = data.entry(entry).expect("every area has an entry").blob.root;
    let levels = area.levels();
    let posted =
        |level: u32, index: u64| if level == levels.depth() { root } else { data.node(area.node(level, index)) };
    for page in 0..area.pages().max(1) {
        let wanted = posted(0, page);
        let got = if area.pages() == 0 { EMPTY_BLOB_ROOT } else { blob_page_hash(data.page(area.page(page))) };
        found.extend((got != wanted).then_some(Fault::Page { entry, page, got, wanted }));
    }
    check_tree(&BLOB_TREE, &levels, posted, |level, index, got, wanted| {
        if level > 0 || index >= levels.width(0) {
            found.push(Fault::BlobNode { entry, level, index, got, wanted });
        }
    });
}

/// Fault 14: zeros between the head, the blobs, their trees and the next area. One fault for a gap.
fn padding(data: &Data<'_>, areas: &[Area], found: &mut Vec<Fault>) {
    let mut gap_start = data.layout().head_length();
    let mut check = |entry: u32, from: u64, to: u64| {
        let gap = &data.bytes()[from as usize..to as usize];
        let at = gap.iter().position(|byte| *byte != 0);
        found.extend(at.map(|at| Fault::Padding { entry, offset: from + at as u64 }));
    };
    for (entry, area) in (0..).zip(areas).filter(|(_, area)| area.length > 0) {
        check(entry, gap_start, area.start);
        if area.pages() > 1 {
            check(entry, area.blob_end(), area.start + area.pages() * PAGE_SIZE as u64);
        }
        gap_start = area.end();
    }
}

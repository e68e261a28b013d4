//! The data of a batch, version 1: the bytes with which a stranger can check it (specs/12-batches.md).
//!
//! ```text
//! layout    offsets and sizes
//! record    records and directory entries as bytes
//! pages     what L1 hashes of the data: pages, their root, parts
//! encode    claims and blobs to bytes
//! ```
//!
//! Owns the reading of untrusted bytes: [`Data`] borrows them, allocates nothing and can be asked for anything that the
//! header admits. What is wrong with them is listed by [`crate::faults`]; [`Data::decode`] refuses them if anything is.

mod encode;
pub mod layout;
mod pages;
mod record;

use core::ops::Range;

use alloy_primitives::B256;
use thiserror::Error;

use crate::faults::{Fault, data_faults};
use crate::objects::{Batch, Claim, Domain};
use layout::{Area, Layout, PAGE_SIZE};

pub use encode::{EncodeError, Encoded, data_length, encode};
pub(crate) use pages::blob_page_hash;
pub use pages::{DataWindow, blob_root, data_root, data_windows, page_hashes, page_proof, parts};
pub use record::{Entry, Record, parse_record, write_record};

/// The data of a batch over borrowed bytes, which are those that the header commits to and have the whole head.
#[derive(Clone, Copy, Debug)]
pub struct Data<'a> {
    batch: Batch,
    domain: Domain,
    layout: Layout,
    bytes: &'a [u8],
}

/// Why bytes are not the data of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DataError {
    /// A batch has a leaf at least.
    #[error("a batch of no leaves")]
    Empty,
    /// Other bytes than the header's, or not all of them.
    #[error("{got} bytes of data, the header says {wanted}")]
    Length {
        /// Bytes given.
        got: usize,
        /// Bytes by the header.
        wanted: u32,
    },
    /// Other bytes than the header's.
    #[error("the data has root {got}, the header says {wanted}")]
    Root {
        /// Root of the bytes given.
        got: B256,
        /// Root by the header.
        wanted: B256,
    },
    /// The header's bytes, but not well-formed: L1 convicts the sequencer of it.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl<'a> Data<'a> {
    /// Takes the bytes of a batch as they are on L1. Beyond the head's being there, nothing is said of what stands in them.
    ///
    /// # Errors
    /// If they are not the bytes that the header commits to, or too few for its records and its directory.
    pub fn open(batch: &Batch, domain: &Domain, bytes: &'a [u8]) -> Result<Self, DataError> {
        if batch.count == 0 {
            return Err(DataError::Empty);
        }
        if bytes.len() as u64 != u64::from(batch.data_length) {
            return Err(DataError::Length { got: bytes.len(), wanted: batch.data_length });
        }
        let got = data_root(bytes);
        if got != batch.data_root {
            return Err(DataError::Root { got, wanted: batch.data_root });
        }
        let layout = Layout { count: batch.count, blob_count: batch.blob_count };
        let wanted = layout.head_length();
        if (bytes.len() as u64) < wanted {
            return Err(Fault::DataLength { got: batch.data_length, wanted }.into());
        }
        Ok(Self { batch: *batch, domain: *domain, layout, bytes })
    }

    /// Takes the bytes of a batch and refuses them unless they are well-formed: then they are the one encoding of what
    /// they hold.
    ///
    /// # Errors
    /// As [`Data::open`], or the first fault of [`data_faults`].
    pub fn decode(batch: &Batch, domain: &Domain, bytes: &'a [u8]) -> Result<Self, DataError> {
        let data = Self::open(batch, domain, bytes)?;
        match data_faults(&data).into_iter().next() {
            None => Ok(data),
            Some(fault) => Err(fault.into()),
        }
    }

    /// The header.
    #[must_use]
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// The domain of the signatures.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Where things lie.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// All bytes.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Record `index`; none past the last.
    #[must_use]
    pub fn record(&self, index: u32) -> Option<&'a Record> {
        (index < self.layout.count).then(|| self.fixed(self.layout.record(index)))
    }

    /// What record `index` claims; none past the last.
    #[must_use]
    pub fn claim(&self, index: u32) -> Option<Claim> {
        Some(parse_record(self.record(index)?, self.batch.region, &self.domain))
    }

    /// All claims, in order.
    pub fn claims(&self) -> impl Iterator<Item = Claim> + '_ {
        (0..self.layout.count).filter_map(|index| self.claim(index))
    }

    /// Entry `index` of the directory; none past the last.
    #[must_use]
    pub fn entry(&self, index: u32) -> Option<Entry> {
        (index < self.layout.blob_count).then(|| Entry::parse(self.fixed(self.layout.entry(index))))
    }

    /// The bytes of the blob of entry `index`; none past the last entry, and none where the entry points out of the data.
    #[must_use]
    pub fn blob(&self, index: u32) -> Option<&'a [u8]> {
        let entry = self.entry(index)?;
        if entry.blob.length == 0 {
            return Some(&[]);
        }
        let area = area_of(&entry);
        self.bytes.get(usize::try_from(area.start).ok()?..usize::try_from(area.blob_end()).ok()?)
    }

    /// A node of a posted tree.
    pub(crate) fn node(&self, at: Range<u64>) -> B256 {
        B256::from(*self.fixed::<32>(at))
    }

    /// The page that begins at a byte of the data, cut where the data ends.
    pub(crate) fn page(&self, at: Range<u64>) -> &'a [u8] {
        &self.bytes[at.start as usize..self.bytes.len().min(at.end as usize)]
    }

    /// Bytes of a fixed layout.
    fn fixed<const N: usize>(&self, at: Range<u64>) -> &'a [u8; N] {
        let bytes = &self.bytes[at.start as usize..at.end as usize];
        bytes.as_array().expect("a span of the layout has the size of what lies there")
    }
}

/// The area that an entry points to.
pub(crate) fn area_of(entry: &Entry) -> Area {
    Area { start: u64::from(entry.first_page) * PAGE_SIZE as u64, length: entry.blob.length }
}

//! Bytes of batches, from the store: whole, or the spans that a question needs.
//!
//! Owns the reading of parts. Data was held against its header when the batch was read from L1, so that spans of it need no check of
//! their own. A batch that L1 has dropped meanwhile is not there: every answer may be none.

use std::ops::Range;
use std::sync::Arc;

use assay_dispute::game::Claimed;
use assay_machine::program::Limits;
use assay_protocol::data::layout::{Layout, PART_SIZE};
use assay_protocol::data::{Data, Entry, parse_record};
use assay_protocol::objects::{Batch, Claim, Domain};
use assay_protocol::{B256, BlobRef, LEAF_TREE, Levels};

use super::error::ChainError;
use super::leaf::LeafId;
use super::rows::{BLOBS, PARTS};
use super::{Chain, view::BatchState};

/// The bytes of a batch, with its header.
#[derive(Clone, Debug)]
pub struct BatchData {
    /// The header.
    pub header: Batch,
    /// All bytes.
    pub bytes: Arc<Vec<u8>>,
    domain: Domain,
}

impl BatchData {
    /// The bytes as data, to be asked about.
    ///
    /// # Errors
    /// [`ChainError::Data`] if the store holds other bytes than those that L1 took.
    pub fn open(&self) -> Result<Data<'_>, ChainError> {
        let (region, number) = (self.header.region, self.header.number);
        let opened = Data::open(&self.header, &self.domain, &self.bytes);
        opened.map_err(|reason| ChainError::Data { region, number, reason })
    }
}

/// A leaf, opened in its batch.
#[derive(Clone, Debug)]
pub struct OpenedLeaf {
    /// The batch.
    pub batch: BatchState,
    /// Its record's bytes.
    pub record: Vec<u8>,
    /// What the record claims.
    pub claim: Claim,
    /// The leaf.
    pub leaf: B256,
    /// Its siblings, bottom-up.
    pub siblings: Vec<B256>,
}

impl OpenedLeaf {
    /// What it claims of its run.
    #[must_use]
    pub fn claimed(&self) -> Claimed {
        let (request, result) = (&self.claim.request, &self.claim.result);
        Claimed {
            status: result.status,
            code: result.code,
            fuel_used: result.fuel_used,
            fuel_limit: request.fuel_limit,
            output: result.output,
        }
    }

    /// What its task adds to its program.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { fuel: self.claim.request.fuel_limit, output_bytes: self.claim.request.output_length_max }
    }
}

impl Chain {
    /// A posted batch.
    #[must_use]
    pub fn batch(&self, region: B256, number: u64) -> Option<BatchState> {
        self.view().batch(region, number).cloned()
    }

    /// The bytes of a batch, held against its header.
    ///
    /// # Errors
    /// [`ChainError`]: the store fails, or does not hold what L1 took.
    pub fn batch_data(&self, region: B256, number: u64) -> Result<Option<BatchData>, ChainError> {
        let Some(batch) = self.batch(region, number) else { return Ok(None) };
        let bytes = self.span(&batch.header, 0..u64::from(batch.header.data_length))?;
        let data = BatchData { header: batch.header, bytes: Arc::new(bytes), domain: self.domain() };
        data.open()?;
        Ok(Some(data))
    }

    /// What a leaf claims.
    ///
    /// # Errors
    /// As [`Chain::batch_data`].
    pub fn claim(&self, leaf: LeafId) -> Result<Option<Claim>, ChainError> {
        let Some(batch) = self.batch(leaf.region, leaf.batch) else { return Ok(None) };
        if leaf.index >= batch.header.count {
            return Ok(None);
        }
        self.claim_in(&batch.header, leaf.index).map(Some)
    }

    /// An entry of a batch's directory.
    ///
    /// # Errors
    /// As [`Chain::batch_data`].
    pub fn entry(&self, region: B256, number: u64, index: u32) -> Result<Option<Entry>, ChainError> {
        let Some(batch) = self.batch(region, number) else { return Ok(None) };
        if index >= batch.header.blob_count {
            return Ok(None);
        }
        let bytes = self.span(&batch.header, layout(&batch.header).entry(index))?;
        Ok(Some(Entry::parse(bytes.as_array().expect("a span has the size that was asked for"))))
    }

    /// The bytes that an entry points to, as far as they lie within the data; whose they are is not checked.
    ///
    /// # Errors
    /// As [`Chain::batch_data`].
    pub fn entry_bytes(&self, region: B256, number: u64, index: u32) -> Result<Option<Vec<u8>>, ChainError> {
        let Some(entry) = self.entry(region, number, index)? else { return Ok(None) };
        let Some(batch) = self.batch(region, number) else { return Ok(None) };
        let start = u64::from(entry.first_page) * assay_protocol::data::layout::PAGE_SIZE as u64;
        let Some(end) = start.checked_add(entry.blob.length) else { return Ok(None) };
        match entry.blob.length {
            0 => Ok(Some(Vec::new())),
            _ if end > u64::from(batch.header.data_length) => Ok(None),
            _ => self.span(&batch.header, start..end).map(Some),
        }
    }

    /// A leaf with its proof. Where the posted data does not open it, which is a fault of the batch, it is as a challenger has shown it
    /// to the court, without siblings: a game can be played to its end whatever the sequencer keeps back.
    ///
    /// # Errors
    /// [`ChainError::Unopenable`] if the batch's tree has another leaf there and nobody has shown it; else as [`Chain::batch_data`].
    pub fn open_leaf(&self, leaf: LeafId) -> Result<Option<OpenedLeaf>, ChainError> {
        let Some(batch) = self.batch(leaf.region, leaf.batch) else { return Ok(None) };
        if leaf.index >= batch.header.count {
            return Ok(None);
        }
        match self.open_posted(leaf, &batch) {
            Err(ChainError::Store(error)) => Err(error.into()),
            Err(error) => self.shown(leaf, batch).map(Some).ok_or(error),
            Ok(opened) => Ok(Some(opened)),
        }
    }

    /// A leaf by the posted data.
    fn open_posted(&self, leaf: LeafId, batch: &BatchState) -> Result<OpenedLeaf, ChainError> {
        let header = batch.header;
        let layout = layout(&header);
        let record = self.span(&header, layout.record(leaf.index))?;
        let claim = self.claim_in(&header, leaf.index)?;
        let own = claim.leaf(&self.domain());
        let siblings = self.siblings(&header, &layout, leaf.index)?;
        let (count, index) = (u64::from(header.count), u64::from(leaf.index));
        if LEAF_TREE.verify(&header.leaf_root, count, index, &own, &siblings).is_err() {
            return Err(ChainError::Unopenable(leaf));
        }
        Ok(OpenedLeaf { batch: batch.clone(), record, claim, leaf: own, siblings })
    }

    /// A leaf by the first game on it: the court has held its record against the batch's tree.
    fn shown(&self, leaf: LeafId, batch: BatchState) -> Option<OpenedLeaf> {
        let (record, own) = {
            let view = self.view();
            let game = view.games_on(leaf.claim()).next()?;
            (game.record.to_vec(), game.challenge.leaf)
        };
        let claim = parse_record(record.as_array()?, leaf.region, &self.domain());
        Some(OpenedLeaf { batch, record, claim, leaf: own, siblings: Vec::new() })
    }

    /// A blob, from wherever it lies on L1.
    ///
    /// # Errors
    /// As [`Chain::batch_data`].
    pub fn blob(&self, blob: &BlobRef) -> Result<Option<Vec<u8>>, ChainError> {
        for row in self.store().prefix(&BLOBS, &blob.root) {
            let ((_, (region, (number, entry))), row) = row?;
            if row.length != blob.length {
                continue;
            }
            if let Some(bytes) = self.entry_bytes(region, number, entry)? {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// Siblings of a leaf: the neighbour's record, hashed, and above it what is posted.
    fn siblings(&self, header: &Batch, layout: &Layout, index: u32) -> Result<Vec<B256>, ChainError> {
        let levels: Levels = layout.leaf_levels();
        let mut siblings = Vec::new();
        for level in 0..levels.depth() {
            let sibling = (u64::from(index) >> level) ^ 1;
            if level > 0 {
                let node = self.span(header, layout.leaf_node(level, sibling))?;
                siblings.push(B256::from_slice(&node));
                continue;
            }
            siblings.push(match u32::try_from(sibling) {
                Ok(sibling) if sibling < header.count => self.claim_in(header, sibling)?.leaf(&self.domain()),
                _ => LEAF_TREE.zero(0),
            });
        }
        Ok(siblings)
    }

    fn claim_in(&self, header: &Batch, index: u32) -> Result<Claim, ChainError> {
        let bytes = self.span(header, layout(header).record(index))?;
        let record = bytes.as_array().expect("a span has the size that was asked for");
        Ok(parse_record(record, header.region, &self.domain()))
    }

    /// Bytes of a batch's data, from the parts that they lie in.
    fn span(&self, header: &Batch, span: Range<u64>) -> Result<Vec<u8>, ChainError> {
        let (region, number) = (header.region, header.number);
        let mut bytes = Vec::with_capacity((span.end - span.start) as usize);
        let size = PART_SIZE as u64;
        for part in span.start / size..span.end.div_ceil(size) {
            let number_of_part = part as u32;
            let (first, last) = ((number_of_part, (0, 0)), (number_of_part, (u64::MAX, u64::MAX)));
            // The one that was posted last is the one that counted.
            let newest = self.store().range_back(&PARTS, ((region, number), first)..=((region, number), last)).next();
            let missing = ChainError::Part { region, number, part: number_of_part };
            let (_, stored) = newest.transpose()?.ok_or(missing)?;
            let from = span.start.saturating_sub(part * size) as usize;
            let to = (span.end - part * size).min(size) as usize;
            let cut = stored.get(from..to.min(stored.len()));
            bytes.extend_from_slice(cut.unwrap_or_default());
        }
        if bytes.len() as u64 != span.end - span.start {
            return Err(ChainError::Part { region, number, part: (span.end / size) as u32 });
        }
        Ok(bytes)
    }
}

fn layout(header: &Batch) -> Layout {
    Layout { count: header.count, blob_count: header.blob_count }
}

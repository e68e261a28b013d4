//! The witness as bytes.
//!
//! Owns the layout and the strictness: a list of opened chunks has one encoding, and parsing accepts no other. It does
//! not know what a step touches.

use super::{CHUNKS_MAX, WitnessError};
use crate::memory::layout::{Kind, Region, SPACE_SIZE, TOP_DEPTH};
use crate::memory::proof::ChunkProof;
use crate::memory::zero::zero;
use alloc::vec::Vec;
use alloy_primitives::B256;

/// Bytes of a sibling.
const HASH_SIZE: usize = 32;

/// Opened chunks in ascending address. An entry's siblings are those of the tree in which all entries before it have
/// been replaced by what the step leaves there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    entries: Vec<ChunkProof>,
}

impl Witness {
    /// A witness that opens these chunks; whether it proves anything is for [`super::verify_step`] to say.
    pub fn new(entries: Vec<ChunkProof>) -> Self {
        Self { entries }
    }

    /// The opened chunks, in ascending address.
    pub fn entries(&self) -> &[ChunkProof] {
        &self.entries
    }

    /// Writes the bytes that L1 reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for entry in &self.entries {
            let kind = Region::of(entry.address).kind();
            bytes.extend_from_slice(&entry.address.to_be_bytes());
            bytes.extend_from_slice(&entry.mask.to_be_bytes());
            bytes.extend_from_slice(&entry.bytes);
            for (position, sibling) in entry.siblings.iter().enumerate() {
                if !is_masked(kind, entry.mask, position) {
                    bytes.extend_from_slice(sibling.as_slice());
                }
            }
        }
        bytes
    }

    /// Reads a witness.
    ///
    /// # Errors
    /// If `bytes` are not the one encoding of some list of chunks.
    pub fn parse(bytes: &[u8]) -> Result<Self, WitnessError> {
        let mut reader = Reader { bytes, offset: 0 };
        let mut entries: Vec<ChunkProof> = Vec::new();
        while reader.offset < bytes.len() {
            if entries.len() == CHUNKS_MAX {
                return Err(WitnessError::TooManyChunks);
            }
            let entry = parse_entry(&mut reader)?;
            if let Some(previous) = entries.last()
                && previous.address >= entry.address
            {
                return Err(WitnessError::NotAscending { previous: previous.address, address: entry.address });
            }
            entries.push(entry);
        }
        Ok(Self { entries })
    }
}

fn parse_entry(reader: &mut Reader<'_>) -> Result<ChunkProof, WitnessError> {
    let address = u64::from_be_bytes(reader.array()?);
    if address >= SPACE_SIZE {
        return Err(WitnessError::AddressOutOfRange { address });
    }
    let kind = Region::of(address).kind();
    let wanted = kind.chunk_size() as u64;
    if !address.is_multiple_of(wanted) {
        return Err(WitnessError::AddressNotAligned { address, wanted });
    }
    let mask = u32::from_be_bytes(reader.array()?);
    let levels = kind.depth();
    if mask >> levels != 0 {
        return Err(WitnessError::MaskOutOfRange { address, mask, levels });
    }
    let bytes = reader.take(kind.chunk_size())?.to_vec();
    let mut siblings = Vec::with_capacity(kind.siblings());
    for position in 0..kind.siblings() {
        siblings.push(parse_sibling(reader, address, mask, position)?);
    }
    Ok(ChunkProof { address, bytes, siblings, mask })
}

/// The sibling at a position from the chunk upwards: read, or the zero subtree that the mask says.
fn parse_sibling(reader: &mut Reader<'_>, address: u64, mask: u32, position: usize) -> Result<B256, WitnessError> {
    let kind = Region::of(address).kind();
    let zero_sibling = level(kind, position).map(|level| (level, zero(kind)[level as usize]));
    if let Some((_, zero_hash)) = zero_sibling
        && is_masked(kind, mask, position)
    {
        return Ok(zero_hash);
    }
    let sibling = B256::new(reader.array::<HASH_SIZE>()?);
    match zero_sibling {
        Some((level, zero_hash)) if sibling == zero_hash => Err(WitnessError::ZeroSiblingPresent { address, level }),
        _ => Ok(sibling),
    }
}

/// The level that a mask gives the sibling at this position, if the mask may name it: siblings inside a page lie below
/// these levels, region roots and their parents above.
fn level(kind: Kind, position: usize) -> Option<u32> {
    let level = position.checked_sub(kind.inner_siblings())? as u32;
    (level < kind.depth()).then_some(level)
}

fn is_masked(kind: Kind, mask: u32, position: usize) -> bool {
    level(kind, position).is_some_and(|level| mask >> level & 1 == 1)
}

const _: () = {
    // Every level that a mask may name has a bit in it and a zero subtree in the table.
    assert!(Kind::Control.depth() < u32::BITS && Kind::Bulk.depth() < u32::BITS);
    assert!(Kind::Control.siblings() == (Kind::Control.depth() + TOP_DEPTH) as usize);
    assert!(Kind::Bulk.siblings() == 2 + (Kind::Bulk.depth() + TOP_DEPTH) as usize);
};

/// Hostile bytes, front to back.
struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, wanted: usize) -> Result<&'a [u8], WitnessError> {
        let left = &self.bytes[self.offset..];
        let taken =
            left.get(..wanted).ok_or(WitnessError::Truncated { offset: self.offset, wanted, got: left.len() })?;
        self.offset += wanted;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WitnessError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }
}

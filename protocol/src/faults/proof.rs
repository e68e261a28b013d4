//! The call by which L1 convicts the sequencer of a fault (`Faults`, specs/12-batches.md, "On its face").
//!
//! Owns how a fault that was found and the bytes that were posted make that call, whatever the fault. It fetches nothing:
//! what a proof needs besides the accused batch, [`Fault::named`] and [`Fault::program`] say beforehand.

use alloc::vec::Vec;
use core::ops::Range;

use alloy_primitives::{B256, Bytes};
use thiserror::Error;

use super::{Fault, Named, Need};
use crate::contracts::Faults::{self, FaultsCalls};
use crate::data::{Data, data_windows};

/// What a proof shows besides the accused batch.
#[derive(Clone, Debug, Default)]
pub struct Exhibits<'a> {
    /// The batch of [`Fault::named`]; not looked at if it is the accused one.
    pub batch: Option<Data<'a>>,
    /// The descriptor of [`Fault::program`].
    pub descriptor: Option<Faults::Descriptor>,
}

/// An exhibit that is missing, or another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ExhibitError {
    /// The fault leans on a batch that was not given.
    #[error("the proof shows batch {wanted} of the region, which was not given")]
    NoBatch {
        /// Its number.
        wanted: u64,
    },
    /// Another batch was given than the one that the fault leans on.
    #[error("batch {got} of region {got_region} was given, the proof shows batch {wanted} of region {wanted_region}")]
    OtherBatch {
        /// Number of the batch given.
        got: u64,
        /// Its region.
        got_region: B256,
        /// Number of the batch that the fault leans on.
        wanted: u64,
        /// Region of the accused batch.
        wanted_region: B256,
    },
    /// The fault leans on a descriptor that was not given. L1 tells whether it is the program's.
    #[error("the proof shows the descriptor of program {wanted}, which was not given")]
    NoDescriptor {
        /// The program.
        wanted: B256,
    },
}

impl Fault {
    /// The call of `Faults` that proves the fault of the accused batch: every field of it follows from the posted data.
    ///
    /// # Errors
    /// [`ExhibitError`], if what the fault leans on besides was not given.
    ///
    /// # Panics
    /// If the fault is not one of this data.
    pub fn proof(&self, accused: &Data<'_>, exhibits: Exhibits<'_>) -> Result<FaultsCalls, ExhibitError> {
        let named = self.named(accused).map(|named| exhibit(accused, &named, exhibits.batch)).transpose()?;
        let descriptor = match (self.program(accused), exhibits.descriptor) {
            (Some(wanted), None) => return Err(ExhibitError::NoDescriptor { wanted }),
            (_, descriptor) => descriptor,
        };
        let shown = evidence(accused, &self.evidence(accused));
        Ok(self.call(shown, named.unwrap_or_else(nothing), descriptor.unwrap_or_else(no_program)))
    }

    fn call(&self, accused: Faults::Evidence, named: Faults::Evidence, descriptor: Faults::Descriptor) -> FaultsCalls {
        use Faults::FaultsCalls as Call;
        match *self {
            Self::ClientSignature { leaf, .. } => {
                Call::proveClientSignature(Faults::proveClientSignatureCall { accused, leaf })
            }
            Self::ExecutorSignature { leaf, .. } => {
                Call::proveExecutorSignature(Faults::proveExecutorSignatureCall { accused, leaf })
            }
            Self::Bound { leaf, .. } => Call::proveBound(Faults::proveBoundCall { accused, leaf }),
            Self::Program { leaf, .. } => Call::proveProgram(Faults::proveProgramCall { accused, leaf }),
            Self::Repeated { leaf, earlier } => Call::proveRepeated(Faults::proveRepeatedCall {
                accused,
                leaf,
                earlier: named,
                earlierLeaf: earlier.index,
            }),
            Self::Predecessor { leaf, .. } => {
                Call::provePredecessor(Faults::provePredecessorCall { accused, leaf, before: named })
            }
            Self::Deadline { leaf, .. } => Call::proveDeadline(Faults::proveDeadlineCall { accused, leaf }),
            Self::Leaves { pair, .. } => Call::proveLeaves(Faults::proveLeavesCall { accused, pair: pair as u32 }),
            Self::Sequence { leaf, .. } => Call::proveSequence(Faults::proveSequenceCall { accused, leaf }),
            Self::Source { leaf, need: Need::Input, .. } => {
                Call::proveInputSource(Faults::proveInputSourceCall { accused, leaf, named })
            }
            Self::Source { leaf, need: Need::Wasm, .. } => {
                Call::proveWasmSource(Faults::proveWasmSourceCall { accused, leaf, named, descriptor })
            }
            Self::Entry { entry, .. } => Call::proveEntry(Faults::proveEntryCall { accused, entry }),
            Self::DataLength { .. } => Call::proveDataLength(Faults::proveDataLengthCall { accused }),
            Self::Page { entry, page, .. } => {
                Call::provePage(Faults::provePageCall { accused, entry, page: page as u32 })
            }
            Self::BlobNode { entry, level, index, .. } => {
                Call::proveBlobNode(Faults::proveBlobNodeCall { accused, entry, level, node: index as u32 })
            }
            Self::Padding { entry, offset } => {
                Call::provePadding(Faults::provePaddingCall { accused, entry, offset: offset as u32 })
            }
            Self::LeafNode { level, index, .. } => {
                Call::proveLeafNode(Faults::proveLeafNodeCall { accused, level, node: index as u32 })
            }
        }
    }
}

/// The batch that a fault leans on, as far as the proof shows it.
fn exhibit(accused: &Data<'_>, named: &Named, given: Option<Data<'_>>) -> Result<Faults::Evidence, ExhibitError> {
    let (wanted, wanted_region) = (named.batch, accused.batch().region);
    let other = if wanted == accused.batch().number { Some(*accused) } else { given };
    let Some(other) = other else { return Err(ExhibitError::NoBatch { wanted }) };
    let (got, got_region) = (other.batch().number, other.batch().region);
    if (got, got_region) != (wanted, wanted_region) {
        return Err(ExhibitError::OtherBatch { got, got_region, wanted, wanted_region });
    }
    let spans: Vec<Range<u64>> = named.part.span(&other.layout()).into_iter().collect();
    Ok(evidence(&other, &spans))
}

/// A batch, and these spans of its data by the pages that hold them.
fn evidence(data: &Data<'_>, spans: &[Range<u64>]) -> Faults::Evidence {
    let windows = data_windows(data.bytes(), spans).into_iter().map(|window| Faults::DataWindow {
        firstPage: window.first_page,
        data: Bytes::copy_from_slice(window.bytes),
        siblings: window.siblings,
    });
    Faults::Evidence { batch: data.batch().into(), windows: windows.collect() }
}

/// Stands where the contract does not look.
fn nothing() -> Faults::Evidence {
    let batch = Faults::Batch {
        region: B256::ZERO,
        number: 0,
        parent: B256::ZERO,
        firstSequence: 0,
        leafRoot: B256::ZERO,
        count: 0,
        dataRoot: B256::ZERO,
        dataLength: 0,
        blobCount: 0,
        asOf: 0,
        minDeadline: 0,
    };
    Faults::Evidence { batch, windows: Vec::new() }
}

/// Stands where the contract does not look.
fn no_program() -> Faults::Descriptor {
    let wasm = Faults::BlobRef { root: B256::ZERO, length: 0 };
    Faults::Descriptor { version: 0, entryPc: 0, memoryPages: 0, memoryPagesMax: 0, wasm, mounts: Vec::new() }
}

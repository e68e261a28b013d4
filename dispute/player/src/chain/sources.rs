//! The bytes that the run of a leaf needs: its program's WASM and its input, from wherever they are (specs/12-batches.md, "Sources").
//!
//! Owns the search and the check against the blob's root, which no place is exempt from. L1 comes first, then the process's own
//! blobs, then, for the output of an earlier leaf, its run. It blocks: ask from a worker thread.
//!
//! Bytes are held once: a run's are shared with whoever runs it. An input that is an output of an earlier leaf takes, while it is made, the
//! input of that leaf besides ([`Sources::input_bytes`]).

use std::sync::Arc;

use assay_dispute::game::Claimed;
use assay_machine::interpreter::Interpreter;
use assay_machine::memory::commit_blob;
use assay_machine::program::{Descriptor, Limits, Program, ProgramError};
use assay_machine::trace::Trace;
use assay_protocol::objects::{Claim, Origin, Source};
use assay_protocol::{B256, BlobRef};
use thiserror::Error;

use super::error::ChainError;
use super::leaf::LeafId;
use super::{Chain, OpenedLeaf};

/// Everything that running a leaf's task again takes.
#[derive(Clone)]
pub struct Run {
    /// The leaf.
    pub leaf: LeafId,
    /// The same, opened in its batch.
    pub opened: OpenedLeaf,
    /// The program, as L1 has it.
    pub descriptor: Descriptor,
    /// Its WASM.
    pub wasm: Arc<[u8]>,
    /// The input, as engines take it.
    pub input: Arc<[u8]>,
}

impl Run {
    /// What the leaf claims of the run.
    #[must_use]
    pub fn claimed(&self) -> Claimed {
        self.opened.claimed()
    }

    /// What the task adds to its program.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.opened.limits()
    }

    /// The run on the machine, at its first state.
    ///
    /// # Errors
    /// [`SourceMissing::Program`] if the WASM is no program, [`SourceMissing::ForeignImage`] if it is another than L1 has.
    pub fn boot(&self) -> Result<Interpreter, SourceMissing> {
        let program = Program::from_wasm(&self.wasm)?;
        let (got, wanted) = (program.id(), self.descriptor.id());
        if got != wanted {
            return Err(SourceMissing::ForeignImage { got, wanted });
        }
        Ok(program.boot(Arc::new(self.input.clone()), self.limits())?)
    }
}

/// Runs the task of an earlier leaf for its output.
pub trait Outputs: Send + Sync {
    /// The bytes that the run outputs.
    ///
    /// # Errors
    /// Why there are none, in words.
    fn output(&self, run: &Run) -> Result<Vec<u8>, String>;
}

/// Bytes by content, off L1.
pub trait Blobs: Send + Sync {
    /// The bytes of a blob, if this place has them. Whose they are is checked by the caller.
    ///
    /// # Errors
    /// Why it can't be said, in words.
    fn fetch(&self, blob: &BlobRef) -> Result<Option<Arc<[u8]>>, String>;
}

/// The place that has nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nowhere;

impl Blobs for Nowhere {
    fn fetch(&self, _: &BlobRef) -> Result<Option<Arc<[u8]>>, String> {
        Ok(None)
    }
}

/// Outputs by the machine's interpreter: right by definition, and slow.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reexecution;

impl Outputs for Reexecution {
    fn output(&self, run: &Run) -> Result<Vec<u8>, String> {
        let mut trace = Trace::new(run.boot().map_err(|error| error.to_string())?);
        Ok(trace.output().map_err(|error| error.to_string())?.to_vec())
    }
}

/// Why the bytes of a run are not to be had.
#[derive(Debug, Error)]
pub enum SourceMissing {
    /// No such leaf, any more.
    #[error("{0} is not on L1")]
    Leaf(LeafId),
    /// The store or L1's data fails.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// More fuel than may be asked for, or used than asked for: a fault on its face, and no matter for a run.
    #[error("{0} claims fuel beyond its bounds")]
    Face(LeafId),
    /// A program that L1 does not know.
    #[error("program {0} is not registered")]
    Unregistered(B256),
    /// No place has the blob.
    #[error("the {what} {} of {} bytes is nowhere to be had: {reason}", blob.root, blob.length)]
    Blob {
        /// Input or WASM.
        what: &'static str,
        /// The blob.
        blob: BlobRef,
        /// What the last place said.
        reason: String,
    },
    /// The input is the output of an earlier leaf, of whose run this host has no result.
    #[error("the input is the output of {leaf}, whose run has no result here: {reason}")]
    Output {
        /// The earlier leaf.
        leaf: LeafId,
        /// What the engines say.
        reason: String,
    },
    /// The input is what an earlier leaf claims to have put out, and its run puts out something else.
    #[error("the input is what {leaf} claims to put out, and its run puts out other bytes: {got}, wanted {}", blob.root)]
    False {
        /// The earlier leaf, which is wrong.
        leaf: LeafId,
        /// What it claims.
        blob: BlobRef,
        /// Root of what its run puts out, or how much that is.
        got: String,
    },
    /// The input is an output of an output, and so on.
    #[error("the input of {leaf} is an output through more than {most} leaves")]
    TooDeep {
        /// The first leaf.
        leaf: LeafId,
        /// Most leaves of a chain.
        most: u8,
    },
    /// The machine does not take the WASM, or this host not the run.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The descriptor on L1 is of an image made by hand: nobody has it, and no honest executor ran it.
    #[error("the WASM is program {got}, L1 has {wanted}")]
    ForeignImage {
        /// Id of the program that the WASM lowers to.
        got: B256,
        /// Id on L1.
        wanted: B256,
    },
}

/// Where a process looks for bytes.
#[derive(Clone)]
pub struct Sources {
    chain: Chain,
    outputs: Arc<dyn Outputs>,
    blobs: Arc<dyn Blobs>,
}

impl Sources {
    /// L1, and these places.
    #[must_use]
    pub fn new(chain: Chain, outputs: Arc<dyn Outputs>, blobs: Arc<dyn Blobs>) -> Self {
        Self { chain, outputs, blobs }
    }

    /// L1 and the interpreter: all that is needed for leaves that can become final.
    #[must_use]
    pub fn of_l1(chain: Chain) -> Self {
        Self::new(chain, Arc::new(Reexecution), Arc::new(Nowhere))
    }

    /// What L1 says.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Everything that running a leaf's task again takes.
    ///
    /// # Errors
    /// [`SourceMissing`].
    pub fn run(&self, leaf: LeafId) -> Result<Run, SourceMissing> {
        self.run_within(leaf, leaf, self.chain.parameters().chain_length_max)
    }

    /// A leaf whose task can be run, and its program as L1 has it.
    ///
    /// # Errors
    /// [`SourceMissing`]: there is no such leaf or program, or the leaf has a fault on its face.
    pub fn opened(&self, leaf: LeafId) -> Result<(OpenedLeaf, Descriptor), SourceMissing> {
        let opened = self.chain.open_leaf(leaf)?.ok_or(SourceMissing::Leaf(leaf))?;
        let (limit, used) = (opened.claim.request.fuel_limit, opened.claim.result.fuel_used);
        if limit > self.chain.parameters().fuel_limit_max || used > limit {
            return Err(SourceMissing::Face(leaf));
        }
        let id = opened.claim.request.program;
        let program = self.chain.view().program(id).cloned().ok_or(SourceMissing::Unregistered(id))?;
        Ok((opened, program.descriptor))
    }

    /// Most bytes of inputs that [`Sources::run`] and the run hold at once for a leaf, by what is claimed: its own and, if that may have
    /// to be made, the one that it is made from. None if there is no such leaf.
    ///
    /// # Errors
    /// As [`Chain::claim`].
    pub fn input_bytes(&self, leaf: LeafId) -> Result<Option<u64>, ChainError> {
        let claims = self.makers(leaf)?;
        let (mut most, mut after) = (0_u64, 0_u64);
        for claim in &claims {
            let own = claim.request.input.length;
            most = most.max(own.saturating_add(after));
            if let Ok(Origin::Output(_)) = claim.input.origin() {
                // Made as one vector, it is copied to where it is shared.
                most = most.max(own.saturating_mul(2));
            }
            after = own;
        }
        Ok((!claims.is_empty()).then_some(most))
    }

    /// All blobs that [`Sources::run`] may ask for: WASM and input of the leaf and, if its input is an output, of every leaf whose run makes
    /// it. Wherever they are, or not.
    ///
    /// # Errors
    /// As [`Chain::claim`].
    pub fn blobs_of_run(&self, leaf: LeafId) -> Result<Vec<BlobRef>, ChainError> {
        let claims = self.makers(leaf)?;
        let view = self.chain.view();
        let mut blobs = Vec::new();
        for Claim { request, .. } in &claims {
            blobs.extend(view.program(request.program).map(|known| known.descriptor.wasm));
            blobs.push(request.input);
        }
        Ok(blobs)
    }

    /// What a leaf claims, and what the leaf claims whose output is its input, and so on, as far as a run may lead.
    fn makers(&self, leaf: LeafId) -> Result<Vec<Claim>, ChainError> {
        let (mut at, mut claims) = (leaf, Vec::new());
        while claims.len() < usize::from(self.chain.parameters().chain_length_max) {
            let Some(claim) = self.chain.claim(at)? else { break };
            claims.push(claim);
            match claim.input.origin() {
                Ok(Origin::Output(place)) if (place.batch, place.index) < (at.batch, at.index) => {
                    at = LeafId::new(at.region, place);
                }
                _ => break,
            }
        }
        Ok(claims)
    }

    /// The same for a leaf that `first` leads to, through at most `depth` leaves, itself included.
    fn run_within(&self, leaf: LeafId, first: LeafId, depth: u8) -> Result<Run, SourceMissing> {
        let most = self.chain.parameters().chain_length_max;
        let deeper = depth.checked_sub(1).ok_or(SourceMissing::TooDeep { leaf: first, most })?;
        let (opened, descriptor) = self.opened(leaf)?;
        let wasm = self.bytes(leaf, first, "WASM", opened.claim.wasm, descriptor.wasm, deeper)?;
        let input = self.bytes(leaf, first, "input", opened.claim.input, opened.claim.request.input, deeper)?;
        Ok(Run { leaf, opened, descriptor, wasm, input })
    }

    fn bytes(
        &self,
        leaf: LeafId,
        first: LeafId,
        what: &'static str,
        source: Source,
        blob: BlobRef,
        depth: u8,
    ) -> Result<Arc<[u8]>, SourceMissing> {
        let origin = source.origin().unwrap_or(Origin::Absent);
        let named = match origin {
            Origin::Here(index) => self.chain.entry_bytes(leaf.region, leaf.batch, index)?,
            Origin::Earlier(place) => self.chain.entry_bytes(leaf.region, place.batch, place.index)?,
            Origin::Output(_) | Origin::Absent => None,
        };
        if let Some(bytes) = named.filter(|bytes| is(&blob, bytes)) {
            return Ok(bytes.into());
        }
        if let Some(bytes) = self.chain.blob(&blob)?.filter(|bytes| is(&blob, bytes)) {
            return Ok(bytes.into());
        }
        let missing = |reason: String| SourceMissing::Blob { what, blob, reason };
        let fetched = match self.blobs.fetch(&blob) {
            Ok(Some(bytes)) if is(&blob, &bytes) => return Ok(bytes),
            Ok(Some(bytes)) => format!("{} other bytes were given for it", bytes.len()),
            Ok(None) => "no place has it".into(),
            Err(reason) => reason,
        };
        let Origin::Output(place) = origin else { return Err(missing(fetched)) };
        // Only what stands before: then no chain of outputs leads back to itself.
        if (place.batch, place.index) >= (leaf.batch, leaf.index) {
            return Err(missing("it is the output of no earlier leaf".into()));
        }
        let earlier = self.run_within(LeafId::new(leaf.region, place), first, depth)?;
        let output = self.outputs.output(&earlier);
        let (made_by, claimed) = (earlier.leaf, earlier.opened.claim.result.output);
        // Its input goes before what it outputs is copied to where it is shared.
        drop(earlier);
        match output {
            Ok(bytes) if is(&blob, &bytes) => Ok(bytes.into()),
            Ok(bytes) if claimed == blob => {
                let got = commit_blob(&bytes).map_or_else(|error| error.to_string(), |got| got.root.to_string());
                Err(SourceMissing::False { leaf: made_by, blob, got })
            }
            Ok(bytes) => Err(missing(format!("{made_by} outputs {} other bytes", bytes.len()))),
            Err(reason) => Err(SourceMissing::Output { leaf: made_by, reason }),
        }
    }
}

/// Whether these are the bytes of a blob.
fn is(blob: &BlobRef, bytes: &[u8]) -> bool {
    bytes.len() as u64 == blob.length && commit_blob(bytes).is_ok_and(|own| own == *blob)
}

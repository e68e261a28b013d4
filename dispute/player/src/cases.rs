//! Cases: claims as L1 is shown them, each with the evidence of its run, which all claims of that run share.
//!
//! Owns the way from a leaf to the two. What is held of runs, and for how long, is up to [`Runs`]; the claim is read from L1's data each
//! time, so that it is never one of a batch that L1 has dropped. It blocks for as long as a pass over the run takes, and longer where there
//! is no room for the run: ask from a worker thread, never from an executor of tasks, and drop one case before asking for the next.

use std::convert::Infallible;
use std::sync::Arc;

use assay_dispute::evidence::runs::{RunId, Runs};
use assay_dispute::game::Evidence;
use assay_dispute::player::Case;
use assay_machine::program::Descriptor;
use assay_protocol::contracts::Court::{self, LeafProof};

use crate::chain::{LeafId, OpenedLeaf, SourceMissing, Sources};

pub use assay_dispute::evidence::runs::RunsConfig;

/// Evidence of a run, whoever gives it.
pub type SharedEvidence = Arc<dyn Evidence<Error = Infallible> + Send + Sync>;

/// A claim and what is true of its run.
#[derive(Clone)]
pub struct OpenCase {
    /// The claim.
    pub case: Case,
    /// The evidence; its run is held for as long as this is.
    pub evidence: SharedEvidence,
}

/// Opens cases.
pub trait CaseSource: Send + Sync {
    /// The case of a leaf, its run surveyed.
    ///
    /// # Errors
    /// [`SourceMissing`]: bytes of the run are not to be had now, or never.
    fn open(&self, leaf: LeafId) -> Result<OpenCase, SourceMissing>;
}

/// The cases of a process.
pub struct Cases {
    sources: Sources,
    runs: Runs,
}

impl Cases {
    /// No run is held yet.
    #[must_use]
    pub fn new(sources: Sources, config: RunsConfig) -> Self {
        Self { sources, runs: Runs::new(config) }
    }

    /// Where bytes come from.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The runs that are held.
    #[must_use]
    pub fn runs(&self) -> &Runs {
        &self.runs
    }
}

impl CaseSource for Cases {
    fn open(&self, leaf: LeafId) -> Result<OpenCase, SourceMissing> {
        let (opened, descriptor) = self.sources.opened(leaf)?;
        let case = case_of(leaf, &opened, &descriptor);
        let request = &opened.claim.request;
        let id = RunId { program: request.program, input: request.input, limits: opened.limits() };
        let lent = self.runs.lend(id, case.claimed.segment(), || self.sources.run(leaf)?.boot())?;
        Ok(OpenCase { case, evidence: Arc::new(lent) })
    }
}

/// The claim of a leaf, as L1 is shown it.
#[must_use]
pub fn case_of(leaf: LeafId, opened: &OpenedLeaf, descriptor: &Descriptor) -> Case {
    let mount = |(region, root): &(u8, assay_protocol::B256)| Court::Mount { region: *region, root: *root };
    Case {
        proof: LeafProof {
            batch: (&opened.batch.header).into(),
            index: leaf.index,
            record: opened.record.clone().into(),
            siblings: opened.siblings.clone(),
        },
        batch_hash: opened.batch.hash,
        leaf: opened.leaf,
        descriptor: Court::Descriptor {
            version: descriptor.version,
            entryPc: descriptor.entry_pc,
            memoryPages: descriptor.memory_pages,
            memoryPagesMax: descriptor.memory_pages_max,
            wasm: Court::BlobRef { root: descriptor.wasm.root, length: descriptor.wasm.length },
            mounts: descriptor.mounts.iter().map(mount).collect(),
        },
        claimed: opened.claimed(),
    }
}

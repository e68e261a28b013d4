//! Cases: claims as L1 is shown them, with the evidence of their runs, shared by all games on a claim.
//!
//! Owns the cache. A case is opened once, however many games ask for it at the same time, and kept while it is among the most
//! recently used. It blocks for as long as a pass over the run takes: ask from a worker thread, never from an executor of tasks.
//!
//! Memory: at most [`CasesConfig::count_max`] cases, whose inputs, WASM, checkpoints and machines are at most [`CasesConfig::bytes_max`], the
//! case in use excepted; what a run itself writes to its memory comes on top. Short runs have small checkpoints, and many of them are held:
//! a case that had to go is run again from its first step by the next game that asks for it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assay_dispute::evidence::{Crowd, TraceEvidence, checkpoint_limits};
use assay_dispute::game::Evidence;
use assay_dispute::player::Case;
use assay_machine::trace::{CheckpointLimits, Trace};
use assay_protocol::contracts::Court::{self, LeafProof};

use crate::chain::{LeafId, Run, SourceMissing, Sources};

/// Evidence of a run, whoever gives it.
pub type SharedEvidence = Arc<dyn Evidence<Error = Infallible> + Send + Sync>;

/// A claim and what is true of its run.
#[derive(Clone)]
pub struct OpenCase {
    /// The claim.
    pub case: Case,
    /// The evidence.
    pub evidence: SharedEvidence,
}

/// Opens cases.
pub trait CaseSource: Send + Sync {
    /// The case of a leaf, ready for so many games.
    ///
    /// # Errors
    /// [`SourceMissing`]: bytes of the run are not to be had now, or never.
    fn open(&self, leaf: LeafId, crowd: Crowd) -> Result<OpenCase, SourceMissing>;
}

/// Bounds of the cache.
#[derive(Clone, Copy, Debug)]
pub struct CasesConfig {
    /// Most cases.
    pub count_max: usize,
    /// Most bytes of all cases.
    pub bytes_max: u64,
    /// Most bytes of one case's checkpoints.
    pub checkpoint_bytes_max: u64,
}

impl Default for CasesConfig {
    /// 512 cases, 4 GiB, 256 MiB of checkpoints in each.
    fn default() -> Self {
        Self { count_max: 512, bytes_max: 4 << 30, checkpoint_bytes_max: 256 << 20 }
    }
}

/// What a machine takes beside what its run writes: flags, tables, code.
const MACHINE_BYTES: u64 = 4 << 20;

/// The cases of a process.
pub struct Cases {
    sources: Sources,
    config: CasesConfig,
    /// Most recently used last.
    slots: Mutex<Vec<(LeafId, Arc<Slot>)>>,
}

/// A place for a case: locked while it is opened, so that whoever comes meanwhile waits for it.
#[derive(Default)]
struct Slot {
    held: Mutex<Option<Held>>,
    bytes: std::sync::atomic::AtomicU64,
}

struct Held {
    case: Case,
    evidence: Arc<TraceEvidence>,
    crowd: Crowd,
    sources_bytes: u64,
}

impl Cases {
    /// No cases yet.
    #[must_use]
    pub fn new(sources: Sources, config: CasesConfig) -> Self {
        Self { sources, config, slots: Mutex::default() }
    }

    /// Where bytes come from.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Cases that are held.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.slots).len()
    }

    /// The slot of a leaf, now the most recently used; the least recently used go.
    fn slot(&self, leaf: LeafId) -> Arc<Slot> {
        let mut slots = lock(&self.slots);
        let found = slots.iter().position(|(held, _)| *held == leaf);
        let slot = found.map_or_else(Arc::default, |index| slots.remove(index).1);
        slots.push((leaf, slot.clone()));
        self.evict(&mut slots);
        slot
    }

    fn evict(&self, slots: &mut Vec<(LeafId, Arc<Slot>)>) {
        let bytes = |slot: &Slot| slot.bytes.load(std::sync::atomic::Ordering::Relaxed);
        let mut total: u64 = slots.iter().map(|(_, slot)| bytes(slot)).sum();
        while slots.len() > 1 && (slots.len() > self.config.count_max || total > self.config.bytes_max) {
            total -= bytes(&slots.remove(0).1);
        }
    }

    fn hold(&self, leaf: LeafId) -> Result<Held, SourceMissing> {
        let run = self.sources.run(leaf)?;
        let case = case_of(&run);
        let limits = CheckpointLimits { bytes_max: self.config.checkpoint_bytes_max, ..checkpoint_limits() };
        let evidence = TraceEvidence::new(Trace::with_limits(run.boot()?, limits));
        evidence.survey(case.claimed.segment(), Crowd::Few);
        let sources_bytes = run.wasm.len() as u64 + run.input.len() as u64;
        Ok(Held { case, evidence: Arc::new(evidence), crowd: Crowd::Few, sources_bytes })
    }
}

impl CaseSource for Cases {
    fn open(&self, leaf: LeafId, crowd: Crowd) -> Result<OpenCase, SourceMissing> {
        let slot = self.slot(leaf);
        let opened = {
            let mut held = lock(&slot.held);
            let held = match &mut *held {
                Some(held) => held,
                empty => empty.insert(self.hold(leaf)?),
            };
            if crowd == Crowd::Many && held.crowd == Crowd::Few {
                held.evidence.survey(held.case.claimed.segment(), Crowd::Many);
                held.crowd = Crowd::Many;
            }
            let bytes = MACHINE_BYTES + held.sources_bytes + held.evidence.checkpoints_bytes();
            slot.bytes.store(bytes, std::sync::atomic::Ordering::Relaxed);
            OpenCase { case: held.case.clone(), evidence: held.evidence.clone() }
        };
        // What it takes is known only now.
        self.evict(&mut lock(&self.slots));
        Ok(opened)
    }
}

/// The claim of a run's leaf, as L1 is shown it.
#[must_use]
pub fn case_of(run: &Run) -> Case {
    let (opened, descriptor) = (&run.opened, &run.descriptor);
    let mount = |(region, root): &(u8, assay_protocol::B256)| Court::Mount { region: *region, root: *root };
    Case {
        proof: LeafProof {
            batch: (&opened.batch.header).into(),
            index: run.leaf.index,
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
        claimed: run.claimed(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while a case is opened leaves none there; the next one opens it anew.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

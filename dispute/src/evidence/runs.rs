//! The evidence of many runs, as much of it as there is room for.
//!
//! Owns which runs are held and what they take. Evidence goes by what is run, not by who claims what of it: all claims of one run
//! share one trace. A run is surveyed once, however many ask for it at the same time, and what is lent stays whole until it is given
//! back. It blocks for as long as a pass over the run takes.
//!
//! ```text
//! lent     somebody asks it: trace and answers
//! idle     nobody does:      trace and answers       beyond the bytes, the trace goes: least recently used first
//! at rest                    answers                 lent again it gets a trace, and needs no survey; beyond the bytes, it goes
//! ```
//!
//! Room is counted by what is resident, while a run is surveyed too. Where what is lent leaves no room for as much again as the largest of
//! it, whoever asks for another run waits until there is room or nothing is lent. So who holds what is lent must not ask for a second
//! run. Those that begin at the same time can't know of each other what they will take: together they may come to more than the bytes, as
//! many as the caller has workers.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use assay_machine::interpreter::{Interpreter, StepProof};
use assay_machine::memory::{ChunkProof, RegionRoots};
use assay_machine::program::Limits;
use assay_machine::record::Record;
use assay_machine::trace::{CheckpointLimits, Trace};
use assay_protocol::{B256, BlobRef};

use super::{TraceEvidence, checkpoint_limits};
use crate::game::{Evidence, Segment};

/// What is run. Everything about a run follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunId {
    /// The program.
    pub program: B256,
    /// The input.
    pub input: BlobRef,
    /// Fuel and output.
    pub limits: Limits,
}

/// Bounds of what is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunsConfig {
    /// Most runs.
    pub count_max: usize,
    /// Most bytes of all runs, what is lent excepted. A run that writes much memory may have checkpoints of half of that.
    pub bytes_max: u64,
    /// Most bytes of the checkpoints of a run that writes less.
    pub checkpoint_bytes_max: u64,
}

impl Default for RunsConfig {
    /// 512 runs, 4 GiB, 256 MiB of checkpoints in each.
    fn default() -> Self {
        Self::of(4 << 30)
    }
}

impl RunsConfig {
    /// 512 runs in so many bytes, a sixteenth of them for the checkpoints of each.
    #[must_use]
    pub fn of(bytes_max: u64) -> Self {
        Self { count_max: 512, bytes_max, checkpoint_bytes_max: bytes_max / 16 }
    }
}

/// The runs of a process.
pub struct Runs {
    shared: Arc<Shared>,
}

struct Shared {
    config: RunsConfig,
    table: Mutex<Table>,
    /// Told when something is given back.
    returned: Condvar,
    surveys: AtomicU64,
}

#[derive(Default)]
struct Table {
    /// Most recently used last.
    places: Vec<Place>,
    /// Steps of runs that went.
    steps_gone: u64,
}

struct Place {
    id: RunId,
    slot: Arc<Slot>,
    users: usize,
}

/// Locked while a run is derived, so that whoever comes meanwhile waits for it.
#[derive(Default)]
struct Slot {
    /// Steps of the longest run that was surveyed: a false claim may say that it is shorter, or longer.
    surveyed: Mutex<u64>,
    evidence: OnceLock<Arc<TraceEvidence>>,
}

/// The evidence of a run, whole for as long as this lives.
pub struct Lent {
    shared: Arc<Shared>,
    slot: Arc<Slot>,
}

impl Runs {
    /// No runs yet.
    #[must_use]
    pub fn new(config: RunsConfig) -> Self {
        let (table, returned, surveys) = (Mutex::default(), Condvar::new(), AtomicU64::default());
        Self { shared: Arc::new(Shared { config, table, returned, surveys }) }
    }

    /// The evidence of a run, surveyed for a claim that it is so long. `boot` gives the run at its first state.
    ///
    /// # Errors
    /// What `boot` says.
    pub fn lend<E>(
        &self,
        id: RunId,
        claimed: Segment,
        boot: impl FnOnce() -> Result<Interpreter, E>,
    ) -> Result<Lent, E> {
        let lent = Lent { shared: self.shared.clone(), slot: self.shared.enter(id) };
        let mut surveyed = lock(&lent.slot.surveyed);
        match lent.slot.evidence.get() {
            Some(evidence) if evidence.is_at_rest() => evidence.resume(self.trace(boot()?)),
            Some(_) => {}
            None => {
                let evidence = Arc::new(TraceEvidence::new(self.trace(boot()?)));
                // The slot is locked: nobody else has set it.
                lent.slot.evidence.get_or_init(|| evidence);
            }
        }
        if claimed.length > *surveyed {
            self.shared.surveys.fetch_add(1, Ordering::Relaxed);
            lent.evidence().survey_watched(claimed, || self.shared.make_room());
            *surveyed = claimed.length;
        }
        drop(surveyed);
        Ok(lent)
    }

    /// Runs of which anything is held.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.shared.table).places.len()
    }

    /// Bytes of all that is held.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        lock(&self.shared.table).places.iter().map(Place::bytes).sum()
    }

    /// Passes that were made to begin with a run, so far.
    #[must_use]
    pub fn surveys(&self) -> u64 {
        self.shared.surveys.load(Ordering::Relaxed)
    }

    /// Steps interpreted so far, over all questions that have been answered.
    #[must_use]
    pub fn interpreted_steps(&self) -> u64 {
        let table = lock(&self.shared.table);
        table.steps_gone + table.places.iter().map(Place::steps).sum::<u64>()
    }

    fn trace(&self, run: Interpreter) -> Trace {
        let RunsConfig { bytes_max, checkpoint_bytes_max, .. } = self.shared.config;
        let limits = CheckpointLimits {
            bytes_max: checkpoint_bytes_max,
            stretched_bytes_max: bytes_max / 2,
            ..checkpoint_limits()
        };
        Trace::with_limits(run, limits)
    }
}

impl Shared {
    /// The slot of a run, which is lent now and the most recently used.
    fn enter(&self, id: RunId) -> Arc<Slot> {
        let mut table = lock(&self.table);
        while table.must_wait(&id, self.config.bytes_max) {
            table = self.returned.wait(table).unwrap_or_else(PoisonError::into_inner);
        }
        let found = table.places.iter().position(|place| place.id == id);
        let place = found.map(|index| table.places.remove(index));
        let mut place = place.unwrap_or_else(|| Place { id, slot: Arc::default(), users: 0 });
        place.users += 1;
        let slot = place.slot.clone();
        table.places.push(place);
        let gone = table.shed(&self.config);
        drop(table);
        drop(gone);
        slot
    }

    /// Lets go of what is beyond the bounds.
    fn make_room(&self) {
        let gone = lock(&self.table).shed(&self.config);
        drop(gone);
    }
}

/// What was let go: it is dropped when the table is free again, for that takes a while.
type Gone = (Vec<Trace>, Vec<Place>);

impl Table {
    /// Whether a run must wait for room. It may take as much as the largest that is lent.
    fn must_wait(&self, id: &RunId, bytes_max: u64) -> bool {
        let own = self.places.iter().find(|place| place.id == *id);
        let others = || self.places.iter().filter(|place| place.users > 0).map(Place::bytes);
        let is_shared = own.is_some_and(|place| place.users > 0);
        let (all, largest) = (others().sum::<u64>(), others().max());
        let expected = largest.map(|largest| largest.max(own.map_or(0, Place::bytes)));
        !is_shared && expected.is_some_and(|expected| all + expected > bytes_max)
    }

    /// Takes out what is idle, the least recently used first, until the rest is within the bounds: traces, then answers.
    fn shed(&mut self, config: &RunsConfig) -> Gone {
        let (mut traces, mut places) = (Vec::new(), Vec::new());
        while self.places.len() > config.count_max
            && let Some(index) = self.places.iter().position(|place| place.users == 0)
        {
            places.push(self.remove(index));
        }
        let mut bytes: u64 = self.places.iter().map(Place::bytes).sum();
        for place in self.places.iter().filter(|place| place.users == 0) {
            if bytes <= config.bytes_max {
                break;
            }
            let before = place.bytes();
            traces.extend(place.slot.evidence.get().and_then(|evidence| evidence.rest()));
            bytes = bytes - before + place.bytes();
        }
        while bytes > config.bytes_max
            && self.places.len() > 1
            && let Some(index) = self.places.iter().position(|place| place.users == 0)
        {
            let place = self.remove(index);
            bytes -= place.bytes();
            places.push(place);
        }
        (traces, places)
    }

    fn remove(&mut self, index: usize) -> Place {
        let place = self.places.remove(index);
        self.steps_gone += place.steps();
        place
    }
}

impl Place {
    fn bytes(&self) -> u64 {
        self.slot.evidence.get().map_or(0, |evidence| evidence.held_bytes())
    }

    fn steps(&self) -> u64 {
        self.slot.evidence.get().map_or(0, |evidence| evidence.interpreted_steps())
    }
}

impl Lent {
    fn evidence(&self) -> &TraceEvidence {
        self.slot.evidence.get().expect("it was set before this was given out")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let gone = {
            let mut table = lock(&self.shared.table);
            let found = table.places.iter().position(|place| Arc::ptr_eq(&place.slot, &self.slot));
            let index = found.expect("what is lent is not removed");
            table.places[index].users -= 1;
            // A run that could not be had leaves nothing behind.
            if table.places[index].users == 0 && self.slot.evidence.get().is_none() {
                table.places.remove(index);
            }
            table.shed(&self.shared.config)
        };
        self.shared.returned.notify_all();
        drop(gone);
    }
}

impl Evidence for Lent {
    type Error = Infallible;

    fn state_hashes(&self, steps: &[u64]) -> Result<Vec<B256>, Infallible> {
        self.evidence().state_hashes(steps)
    }

    fn step_proof(&self, step: u64) -> Result<StepProof, Infallible> {
        self.evidence().step_proof(step)
    }

    fn regions(&self, step: u64) -> Result<(Record, RegionRoots), Infallible> {
        self.evidence().regions(step)
    }

    fn boot_leaf(&self) -> Result<ChunkProof, Infallible> {
        self.evidence().boot_leaf()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic leaves a table whose places are whole, and a run that is surveyed again.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

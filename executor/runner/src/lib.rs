//! Jobs on a host: what an executor and a challenger both do to learn a result.
//!
//! ```text
//! programs   modules made ready, the most recently used kept       run       the native engine, then the interpreter
//! outputs    inputs that are the output of an earlier leaf              fetch     blobs from other processes, and to them
//! inputs     room for them in memory                                l1        how both reach L1
//! ```
//!
//! Owns the order of the engines and the limits of the host. A limit of the host leads to [`Declined`], never to a result: what comes
//! back as [`Ran`] is what the machine computes. Everything here blocks for as long as a run takes: call it from a worker thread.
#![forbid(unsafe_code)]

mod fetch;
mod inputs;
mod l1;
mod outputs;
mod programs;
mod run;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assay_executor::{Engine, EngineConfig};
use assay_machine::memory::commit_blob;
use assay_machine::record::{MEMORY_PAGE_SIZE, MEMORY_PAGES_MAX};
use assay_protocol::BlobRef;
use serde::{Deserialize, Serialize};
use tracing::warn;

pub use assay_executor::{EngineError, Limits, Watch};
pub use fetch::{BlobPeer, FetchError, PeerBlobs, input_of};
pub use inputs::{Inputs, NoRoom, Room};
pub use l1::L1Config;
pub use outputs::NativeOutputs;
pub use programs::{Ready, Unready};
pub use run::{Declined, EngineUsed, Ran};

use programs::Programs;

/// All linear memory that the machine has: no run needs more. 4 GiB.
pub const MEMORY_BYTES_MAX: u64 = MEMORY_PAGES_MAX as u64 * MEMORY_PAGE_SIZE;

/// What a host gives to jobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunnerConfig {
    /// Folder of compiled modules; none, no cache on disk. Nobody but the process's own user may write to it.
    pub cache: Option<PathBuf>,
    /// Most bytes of that folder. 4 GiB.
    pub cache_bytes_max: u64,
    /// Programs that are kept ready in memory. 32.
    pub programs_max: usize,
    /// Longest time of one run in milliseconds, compilation aside. 10 minutes.
    pub wall_clock_ms: u64,
    /// Most bytes of linear memory of one run. 1 GiB.
    pub memory_bytes_max: u64,
}

impl Default for RunnerConfig {
    fn default() -> Self {
        Self {
            cache: None,
            cache_bytes_max: 4 << 30,
            programs_max: 32,
            wall_clock_ms: 600_000,
            memory_bytes_max: 1 << 30,
        }
    }
}

/// Runs jobs. Cheap to clone; clones share programs and engine.
#[derive(Clone)]
pub struct Runner {
    inner: Arc<Inner>,
}

struct Inner {
    /// None where the host has none: then the interpreter does all.
    engine: Option<Engine>,
    programs: Mutex<Programs>,
    wall_clock: Duration,
    memory_bytes_max: u64,
}

impl Runner {
    /// Sets the engine up. A host without one gets the interpreter, with a warning.
    ///
    /// # Errors
    /// [`EngineError::Cache`] if the cache's folder can't be made.
    pub fn new(config: &RunnerConfig) -> Result<Self, EngineError> {
        let asked = EngineConfig { cache: config.cache.clone(), cache_bytes_max: config.cache_bytes_max };
        let engine = match Engine::new(asked) {
            Ok(engine) => Some(engine),
            Err(error @ EngineError::Cache { .. }) => return Err(error),
            Err(error) => {
                warn!(%error, "no native engine on this host, the interpreter runs all jobs");
                None
            }
        };
        let programs = Mutex::new(Programs::new(config.programs_max));
        let wall_clock = Duration::from_millis(config.wall_clock_ms);
        let inner = Inner { engine, programs, wall_clock, memory_bytes_max: config.memory_bytes_max };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Whether jobs run natively here.
    #[must_use]
    pub fn is_native(&self) -> bool {
        self.inner.engine.is_some()
    }
}

/// The blob that bytes are.
///
/// # Panics
/// If there are more than 2^36 of them, which no host holds.
#[must_use]
pub fn blob_of(bytes: &[u8]) -> BlobRef {
    commit_blob(bytes).expect("what lies in memory is shorter than a region of the machine")
}

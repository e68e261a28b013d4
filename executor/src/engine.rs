//! The native engine: wasmtime, configured to run instrumented programs and nothing else.
//!
//! Owns the configuration, compilation and the way to the cache. Assumes a host with signal-based traps and 4 GiB
//! reservations of address space; without them [`Engine::new`] declines.
//! Holds the crate's one unsafe call, which loads a compiled module that the cache vouches for.
#![allow(unsafe_code)]

use std::path::PathBuf;
use std::sync::Arc;

use assay_machine::lower::Image;
use assay_machine::program::Program;
use assay_protocol::B256;
use thiserror::Error;
use wasmtime::{Config, InstancePre, Linker, Module, OptLevel, Strategy, WasmFeatures};

use crate::appetite;
use crate::cache::{Cache, CacheState, Key};
use crate::ending::NotAResult;
use crate::host::{self, Host};
use crate::instrument::{INSTRUMENTER_VERSION, Metering, instrument};
use crate::prepared::{Prepared, Source};

/// Native stack of a run. 2^18 slots need a few tens of bytes each in practice; a program that needs more is not a
/// result here, and the interpreter runs it.
pub(crate) const NATIVE_STACK_BYTES: usize = 256 << 20;
/// Address space kept for a memory, so that no access needs a bounds check.
const MEMORY_RESERVATION_BYTES: u64 = 4 << 30;

/// Bytes of compiled modules on disk, unless the configuration says otherwise.
const CACHE_BYTES_MAX: u64 = 4 << 30;

/// How an engine is set up.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Folder of compiled modules; none, no cache. It holds machine code that the engine will execute, so nobody but
    /// the engine's own user may write to it.
    pub cache: Option<PathBuf>,
    /// Most bytes that the folder may hold; the modules that were used least recently go first.
    pub cache_bytes_max: u64,
}

impl Default for EngineConfig {
    /// No cache; 4 GiB if there comes to be one.
    fn default() -> Self {
        Self { cache: None, cache_bytes_max: CACHE_BYTES_MAX }
    }
}

/// Why there is no engine on this host. Not worth a retry: run the interpreter.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The host lacks what the engine needs.
    #[error("the native engine does not work on this host: {0}")]
    Host(String),
    /// The cache folder can't be made, or others may write to it: what lies there is code that would be run.
    #[error("the cache folder {folder} can't be used: {error}")]
    Cache {
        /// The folder.
        folder: PathBuf,
        /// What the host says.
        error: std::io::Error,
    },
}

/// A native engine; clones share it.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    engine: wasmtime::Engine,
    linker: Linker<Host>,
    cache: Option<Cache>,
}

impl Engine {
    /// Sets up an engine.
    ///
    /// # Errors
    /// [`EngineError`] if the host can't run one.
    pub fn new(config: EngineConfig) -> Result<Self, EngineError> {
        let decline = |error: wasmtime::Error| EngineError::Host(error.to_string());
        let engine = wasmtime::Engine::new(&wasmtime_config()).map_err(decline)?;
        let linker = host::linker(&engine).map_err(decline)?;
        let cache = match config.cache {
            Some(folder) => Some(
                Cache::open(folder.clone(), config.cache_bytes_max)
                    .map_err(|error| EngineError::Cache { folder, error })?,
            ),
            None => None,
        };
        Ok(Self { shared: Arc::new(Shared { engine, linker, cache }) })
    }

    /// Compiles a program, or takes it from the cache.
    ///
    /// # Errors
    /// [`NotAResult`] if the program can't be run natively.
    pub fn prepare_program(&self, program: &Program) -> Result<Prepared, NotAResult> {
        self.prepare(program.normalised(), program.image(), program.id())
    }

    /// Compiles a normalised module, or takes it from the cache. `image` is what `normalised` was lowered to, and `key` names
    /// both: a program's id.
    ///
    /// # Errors
    /// [`NotAResult`] if the module can't be run natively.
    pub fn prepare(&self, normalised: &[u8], image: &Image, key: B256) -> Result<Prepared, NotAResult> {
        let source = Source {
            normalised: normalised.into(),
            plans: image.plans.clone().into(),
            memory_pages_max: image.memory_pages_max,
            key,
        };
        Prepared::new(self.clone(), source)
    }

    /// Compiles a program with one of the two meterings, or takes it from the cache.
    pub(crate) fn compile(
        &self,
        source: &Source,
        metering: Metering,
    ) -> Result<(InstancePre<Host>, CacheState), NotAResult> {
        let refuse = |error: wasmtime::Error| NotAResult::Compile(format!("{error:#}"));
        let (module, state) = match &self.shared.cache {
            None => (self.build(source, metering)?, CacheState::Off),
            Some(cache) => {
                let key = self.cache_key(source, metering);
                let (artifact, mut state) = cache.load(&key);
                match artifact.and_then(|artifact| self.load(&artifact)) {
                    Some(module) => (module, state),
                    None => {
                        let module = self.build(source, metering)?;
                        if state == CacheState::Hit {
                            state = CacheState::Rebuilt;
                        }
                        if cache.store(&key, &module.serialize().map_err(refuse)?).is_err() {
                            state = CacheState::NotWritten;
                        }
                        (module, state)
                    }
                }
            }
        };
        Ok((self.shared.linker.instantiate_pre(&module).map_err(refuse)?, state))
    }

    fn build(&self, source: &Source, metering: Metering) -> Result<Module, NotAResult> {
        appetite::check(&source.normalised)?;
        let module = instrument(&source.normalised, &source.plans, source.memory_pages_max, metering)?;
        appetite::check_points(&module)?;
        Module::from_binary(&self.shared.engine, &module).map_err(|error| NotAResult::Compile(format!("{error:#}")))
    }

    /// The module that an artifact of this engine holds; none if wasmtime does not recognise it.
    fn load(&self, artifact: &[u8]) -> Option<Module> {
        // SAFETY: `deserialize` requires bytes that `Module::serialize` of a compatible engine returned, unmodified.
        // `Cache::load` returns bytes only if their digest is the one stored with them under a key that covers this
        // engine's compatibility hash, and `compile` stores nothing else; EngineConfig::cache says who may write.
        unsafe { Module::deserialize(&self.shared.engine, artifact) }.ok()
    }

    /// Everything that the machine code depends on.
    fn cache_key(&self, source: &Source, metering: Metering) -> Key {
        let mut key = Key::new();
        key.field(source.key.as_slice());
        key.field(&INSTRUMENTER_VERSION.to_le_bytes());
        key.field(&[metering as u8]);
        // Version and settings of wasmtime, target and CPU features.
        key.hash(&self.shared.engine.precompile_compatibility_hash());
        key
    }
}

fn wasmtime_config() -> Config {
    let mut config = Config::new();
    config.wasm_features(WasmFeatures::all(), false);
    let admitted = WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::EXTENDED_CONST
        | WasmFeatures::FLOATS;
    config.wasm_features(admitted, true);
    config.strategy(Strategy::Cranelift).cranelift_opt_level(OptLevel::Speed);
    // NaNs are canonicalised by the instrumented code, where somebody sees them.
    config.cranelift_nan_canonicalization(false).wasm_branch_hinting(true);
    config.consume_fuel(false).epoch_interruption(false);
    config.signals_based_traps(true);
    config.memory_reservation(MEMORY_RESERVATION_BYTES).memory_may_move(false);
    // No run is async, but the larger of the two must be that one.
    config.max_wasm_stack(NATIVE_STACK_BYTES).async_stack_size(NATIVE_STACK_BYTES);
    // A backtrace of 2^18 frames is no use to anybody.
    config.wasm_backtrace_max_frames(None).native_unwind_info(false).generate_address_map(false);
    config
}

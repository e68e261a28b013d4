//! From WASM bytes that came from an enemy to a *normalised module*, which lowering and the native engine both consume.
//!
//! ```text
//! bytes -- survey, explain --> valid, within limits, or refused by name
//!       -- link           --> every import answered by the host or by an adapter that is itself WASM
//!       -- normalise      --> one module under one numbering
//! ```
//!
//! **The contract of a normalised module:**
//!
//! 1. It is valid WebAssembly 1.0 plus mutable globals, sign extension, saturating conversions, multi-value, bulk
//!    memory, funcref tables of reference types; constant expressions are folded to a single instruction.
//! 2. Its imports are exactly the four host functions, in this order, as functions 0 to 3 of module `assay`:
//!    `input_size() -> i64`, `input_read(dst i32, offset i64, len i32) -> i32`, `output_write(src i32, len i32)`,
//!    `exit(code i32)`.
//! 3. Imports appear as targets of direct calls only. Whatever refers to one otherwise (element segments, `ref.func`,
//!    exports) refers to a function that does nothing but call it.
//! 4. It has exactly one memory, and every table and the memory declare their effective maximum.
//! 5. It has no start section. The last function, `() -> ()`, exported as `entry`, calls the original start function,
//!    then a program's `_start`, then `exit(0)`.
//! 6. Active segments fit the initial memory and tables.
//! 7. It has no custom sections. Besides its entry a program exports its memory, as `memory`, and nothing else; a library
//!    keeps its own exports.
//!
//! The same bytes give the same module on every host. Work and memory are linear in the module's size. Admission never
//! runs anything, and never bounds the frame of a function: lowering, which knows its slots, does.

mod constant;
mod error;
mod explain;
mod limits;
mod link;
mod normalise;
mod proposals;
mod survey;

pub use error::AdmissionError;
pub use limits::Limit;
pub use proposals::Proposal;

/// The module name of the host interface.
pub const HOST_MODULE: &str = "assay";
/// How many functions the host interface has; they are functions `0..HOST_FUNCTIONS_COUNT` of a normalised module.
pub const HOST_FUNCTIONS_COUNT: u32 = 4;
/// The export that starts a normalised module.
pub const ENTRY_EXPORT: &str = "entry";
/// The module name of WASI preview 1, which [`admit`] answers with an adapter.
pub const WASI_MODULE: &str = "wasi_snapshot_preview1";

/// The export by which engines find a normalised program's memory.
pub const MEMORY_EXPORT: &str = "memory";
/// The export that makes a module a program.
const START_EXPORT: &str = "_start";
/// WASI preview 1 over the host interface, assembled from `wasi_adapter.wat` beside it.
const WASI_ADAPTER: &[u8] = include_bytes!("wasi_adapter.wasm");
/// The adapter's function that writes, and the global `$streams`, its first.
const WASI_WRITE: &str = "fd_write";
const WASI_STREAMS: usize = 0;

/// A normalised module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Its bytes.
    pub module: Vec<u8>,
    /// The index of the function that runs it, the module's last.
    pub entry_function: u32,
    /// Where a program that can writes to its stderr.
    pub stderr: Option<AdapterStderr>,
}

/// The adapter's part in what a program writes to its stderr, by the module's indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdapterStderr {
    /// The function `fd_write`.
    pub function: u32,
    /// The global that says what each descriptor stands for.
    pub streams: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Program,
    Library,
}

/// Admits a program: a module that exports `_start` and imports from the host interface and WASI preview 1 only.
///
/// # Errors
/// Says by name what is wrong with the module; the same bytes always get the same answer.
pub fn admit(wasm: &[u8]) -> Result<Admitted, AdmissionError> {
    admit_as(wasm, &[(WASI_MODULE, WASI_ADAPTER)], Mode::Program)
}

/// Admits a module for a harness: it needs no `_start`, keeps its exports, and may import functions from the given
/// adapters, each a WASM module under an import name. An adapter has functions and globals only; it may import host
/// functions and `(memory 0)`, which is the module's own memory.
///
/// The entry calls the start function only. It has no export where the module itself has one of that name.
///
/// # Errors
/// Says by name what is wrong with the module or with an adapter that it uses.
pub fn admit_library(wasm: &[u8], adapters: &[(&str, &[u8])]) -> Result<Admitted, AdmissionError> {
    let mut all = adapters.to_vec();
    all.push((WASI_MODULE, WASI_ADAPTER));
    admit_as(wasm, &all, Mode::Library)
}

fn admit_as(wasm: &[u8], adapters: &[(&str, &[u8])], mode: Mode) -> Result<Admitted, AdmissionError> {
    let program = explain::admitted(wasm)?;
    let linked = link::link(program, adapters)?;
    normalise::normalise(&linked, mode)
}

//! The law of Assay: a deterministic register machine that WASM is lowered to, the tree over its memory,
//! and the proof of any one of its steps.
//!
//! ```text
//! WASM -> admission -> lower -> program (image, id) -> interpreter (fast, every state on request)
//!                                                  \-> step (one step, by definition) -> witness (proof, verifier twin)
//! ```
//!
//! No async, no I/O, no clock, no host floats that leak: the same bytes give the same states on every host.
//! Assumes a 64-bit little-endian host.

extern crate alloc;

pub mod admission;
pub mod interpreter;
pub mod isa;
pub mod lower;
pub mod memory;
pub mod program;
pub mod record;
pub mod stderr;
pub mod step;
pub mod trace;
pub mod witness;

#[cfg(not(all(target_pointer_width = "64", target_endian = "little")))]
compile_error!("the machine's flat memory needs a 64-bit little-endian host");

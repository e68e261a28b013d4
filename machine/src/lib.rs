//! The law of Assay: a deterministic register machine that WASM is lowered to, the tree over its memory,
//! and the proof of any one of its steps.
//!
//! No async, no I/O, no clock, no host floats that leak: the same bytes give the same states on every host.
//! Assumes a 64-bit host.

extern crate alloc;

pub mod isa;
pub mod memory;
pub mod record;
pub mod step;
pub mod witness;

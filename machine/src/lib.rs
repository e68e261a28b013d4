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
//!
//! Without the feature `std` (on by default) what remains is what a verifier needs: the step, the definition of the memory's hashes,
//! and the check of a witness. That part is `no_std`, and runs on any host.

#![cfg_attr(not(feature = "std"), no_std)]
#![deny(unsafe_code)]

extern crate alloc;

#[cfg(feature = "std")]
pub mod admission;
#[cfg(feature = "std")]
pub mod interpreter;
pub mod isa;
#[cfg(feature = "std")]
pub mod lower;
pub mod memory;
#[cfg(feature = "std")]
pub mod program;
pub mod record;
#[cfg(feature = "std")]
pub mod stderr;
pub mod step;
#[cfg(feature = "std")]
pub mod trace;
pub mod witness;

#[cfg(all(feature = "std", not(all(target_pointer_width = "64", target_endian = "little"))))]
compile_error!("the machine's flat memory needs a 64-bit little-endian host");

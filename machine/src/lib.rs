//! The law of Assay: memory, instructions, steps and their proofs.
//!
//! Owns the meaning of a program's run. Assumes a 64-bit host. Never does I/O, reads no clock, uses no host floats.
extern crate alloc;

pub mod memory;

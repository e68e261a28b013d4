//! The law of Assay: what a program means, step by step.
//!
//! Owns admission of WASM programs. It does no I/O, reads no clock, spawns nothing and holds no `HashMap`.

pub mod admission;

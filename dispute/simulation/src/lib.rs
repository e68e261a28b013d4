//! Whole disputes against the real contracts.
#![forbid(unsafe_code)]

pub mod world;

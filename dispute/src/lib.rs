//! Disputes: the game on L1 and its player.
//!
//! So far it owns the last move only: [`preflight`], which executes a step in a local EVM with the very bytecode that is
//! deployed, before anybody pays for it on L1.
#![forbid(unsafe_code)]

pub mod preflight;

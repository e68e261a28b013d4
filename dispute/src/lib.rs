//! Disputes: the game on L1 and its player.
//!
//! [`game`] is what to do, as pure functions; [`evidence`] is what a run gives to do it with; [`preflight`] executes a step
//! in a local EVM with the very bytecode that is deployed, before anybody pays for it on L1.
#![forbid(unsafe_code)]

pub mod evidence;
pub mod game;
pub mod player;
pub mod preflight;

//! Whole disputes against the real contracts, with a catalogue of dishonest players.
//!
//! ```text
//! world        a chain in a local EVM          key      accounts
//! deployment   the contracts on it             job      programs with what is true of them
//! stage        a posted batch of claims        liar     evidence, corrupted
//! actor        a player with a key and a habit
//! bout         players on a stage to the end, and what must be true then
//! catalogue    bouts drawn by a seed
//! ```
#![forbid(unsafe_code)]

pub mod actor;
pub mod bout;
pub mod catalogue;
pub mod deployment;
pub mod job;
pub mod key;
pub mod liar;
pub mod stage;
pub mod world;

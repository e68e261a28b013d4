//! Whole disputes against the real contracts, with a catalogue of dishonest players.
//!
//! ```text
//! world        a chain in a local EVM          key      accounts
//! deployment   the contracts on it             job      programs with what is true of them
//! stage        posted batches of claims        image    programs by hand
//! actor        a player with a key and a habit liar     evidence, corrupted
//! bout         players on a stage to the end   tamper   honest calls, garbled
//! referee      what must be true then          ledger   the money by the rules, once more
//! purse        what honesty may cost           rider   who joins a conviction, or evades a stay
//! plan         who plays in a bout             catalogue   plans drawn by a seed
//! shrink       the smallest plan that fails as a plan does
//! ```
#![forbid(unsafe_code)]

pub mod actor;
pub mod bout;
pub mod catalogue;
pub mod deployment;
pub mod dice;
pub mod image;
pub mod job;
pub mod key;
pub mod ledger;
pub mod liar;
pub mod plan;
pub mod purse;
pub mod referee;
pub mod rider;
pub mod shrink;
pub mod stage;
pub mod tamper;
pub mod world;

//! A whole deployment on one machine: L1, contracts, every role, honest and dishonest.
//!
//! ```text
//! anvil <── contracts, devnet preset <── sequencer <── executors: two that are honest, some that lie
//!                                 ^────────── challenger, who runs every result again
//! ```
//!
//! Owns who plays what, with keys that everybody knows, and the order in which all of it starts and stops. Roles run in this process by
//! the same code as by themselves; a dishonest executor is an honest one with one stated corruption. Never to be used on a chain that is
//! worth anything.
#![forbid(unsafe_code)]

mod consumer;
pub mod demo;
mod net;
mod parties;
mod roles;
mod teller;

pub use net::{Devnet, DevnetConfig, Site};
pub use parties::{DISHONEST_MAX, Parties, Party};
pub use teller::{Line, Teller};

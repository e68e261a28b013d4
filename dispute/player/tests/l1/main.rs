//! The player on a real L1: whole disputes on anvil against dishonest players, killed, restarted with its database and without, and
//! through reorganisations; and face faults, each proven in one transaction.
#![allow(clippy::unwrap_used)]

mod arena;
#[path = "../../../simulation/tests/faults/catalogue.rs"]
mod catalogue;
mod crowd;
mod disputes;
mod faults;
mod kill;
#[allow(dead_code, reason = "the simulation's own tests ask it more")]
#[path = "../../../simulation/tests/faults/region.rs"]
mod region;
mod reorganisations;
mod seat;

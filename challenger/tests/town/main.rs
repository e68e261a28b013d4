//! A whole town on anvil: the contracts, a sequencer, executors that are honest or lie in one stated way each, a challenger that runs
//! everything again. Lies are found and slashed, their tasks run again and final; roles are killed at any point and started again, with
//! their databases and without.
#![allow(clippy::unwrap_used)]

#[path = "../../../sequencer/tests/stage/mod.rs"]
mod stage;

mod killed;
mod lies;
mod rate;
mod roles;
mod rounds;

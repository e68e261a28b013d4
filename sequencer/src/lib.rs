//! The sequencer of a region: takes tasks in, orders them, has them run, posts their results to L1 (specs/17-rpc.md, 18-sequencer.md).
//!
//! Owns the region's order and its batches. Assumes that it is the only process that posts with its key. Never answers before it has
//! written down, never posts what would be a face fault, never posts two batches under one number. It runs nothing and judges no result:
//! that is for executors and challengers.
//!
//! ```text
//!   clients, executors ── rpc ──> core ── journal ──> store          one actor knows how far every task is
//!                          │       │ └──── build ───> sender ──> L1  batches, in one commit with their intents
//!                        blobs     └<──── follower <─────────── L1  registrations, postings, games, convictions
//! ```
//!
//! A role in a process: [`Sequencer::start`] with a [`Config`], the deployment and the key.
#![forbid(unsafe_code)]

mod batch;
pub mod config;
mod context;
mod core;
mod gate;
mod journal;
mod l1;
mod metrics;
mod refusal;
mod registrations;
mod rows;
mod rpc;
mod start;
mod workers;

pub use config::Config;
pub use rpc::{Secret, SecretError, document as openrpc};
pub use start::{Sequencer, SequencerError};

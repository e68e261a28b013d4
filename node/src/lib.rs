//! The plumbing that every process of Assay shares: a store, a reader of L1, a sender of transactions, keys, configuration,
//! telemetry, and an orderly stop.
//!
//! Owns what knows nothing of jobs, games or batches and would otherwise be written once per role. Assumes a tokio runtime where a
//! function is `async`. It is the only crate that names RocksDB or an L1 provider, and it never decides anything about a role's
//! protocol.
//!
//! ```text
//!   config ──> keys, telemetry, shutdown            start-up, once a process
//!
//!   L1 node <── endpoint <─┬─ l1::Reader ──> deliveries ──> a role's state ──┐
//!                          │       └── cursor ──────────────────────────┐    │   one atomic batch
//!                          └─ tx::Sender <── intents ───────────────┐   v    v
//!                                   └── slots, fees, outcomes ──> store (RocksDB)
//! ```
//!
//! The two halves that talk to L1 are each a pure core, which decides, and a thin shell, which asks and obeys: [`l1::follow`] and
//! [`tx::pool`]. Every error of a boundary knows its [`Remedy`].

#![forbid(unsafe_code)]

pub mod addresses;
pub mod blobs;
pub mod config;
pub mod endpoint;
pub mod http;
pub mod keys;
pub mod l1;
mod remedy;
pub mod shutdown;
pub mod store;
pub mod stream;
pub mod telemetry;
pub mod tx;

pub use remedy::Remedy;

//! The executor: runs tasks that sequencers assign, signs what they come to, and defends it on L1 (specs/19-executor.md).
//!
//! ```text
//! session, one for each sequencer --> job: check, fetch, run, sign, submit --> ledger: synced before the signature leaves
//! logs of L1 --> chain --> stake: registered? convicted?
//!                    \--> player: games about its results
//! ```
//!
//! Owns what is signed with the executor's key. It believes no sequencer: the client's signature, the limits, the program's id and the input
//! are checked before anything is run, and a limit of this host leads to a refusal, never to a result. It signs no more than it can defend
//! at once. A process that is killed at any point sends again what it had signed, and signs nothing else about it.
//!
//! [`Corruption`] is test equipment: the same executor with one stated lie.
#![forbid(unsafe_code)]

mod check;
mod config;
mod corruption;
mod defensible;
mod error;
mod job;
mod ledger;
mod meters;
mod role;
mod serve;
mod session;
mod stake;
#[cfg(test)]
mod tests;
mod wire;

pub use check::{Refused, Terms, check};
pub use config::{DefenceConfig, ExecutorConfig, JobsConfig};
pub use corruption::{Corruption, CorruptionConfig};
pub use error::ExecutorError;
pub use role::Executor;
pub use stake::Standing;

//! An L1 on this machine: finds anvil, starts it, steers it, and sees to its end.
//!
//! Owns the process and what only a development chain can be asked. Assumes anvil 1.7, which the contracts' lock file names. Never leaves
//! a process behind, however its own ends, and never downloads anything.
//!
//! ```text
//!   Settings ──> binary (path, ASSAY_ANVIL, PATH, bridge-contracts/node_modules) ──> Anvil ──> endpoint(), mine(), reorganise(), …
//! ```
//!
//! Tests begin with [`Anvil::start_or_skip`]: where there is no anvil they count themselves as skipped, aloud, and where
//! `ASSAY_REQUIRE_ANVIL` is set, as in `.ci/run`, they fail.

#![forbid(unsafe_code)]

mod accounts;
mod binary;
mod control;
mod process;
mod skip;

pub use accounts::{ACCOUNTS, account};
pub use binary::{VARIABLE, find};
pub use process::{Anvil, CHAIN_ID, Mining, Settings};
pub use skip::REQUIRED;

use assay_node::Remedy;
use assay_node::endpoint::EndpointError;
use std::path::PathBuf;
use thiserror::Error;

/// What can go wrong with anvil.
#[derive(Debug, Error)]
pub enum AnvilError {
    /// There is no binary.
    #[error("no anvil: {looked}. `npm install --no-save` in bridge-contracts brings it, or {VARIABLE} names it")]
    Missing {
        /// Where it was looked for.
        looked: String,
    },
    /// The binary does not run.
    #[error("{} can't be started: {reason}", path.display())]
    Unstartable {
        /// The binary.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// It ended, or waited too long, before it listened.
    #[error("{} does not listen: {reason}", path.display())]
    Deaf {
        /// The binary.
        path: PathBuf,
        /// What it printed last, or how long it was given.
        reason: String,
    },
    /// It was asked to end, and does not.
    #[error("anvil does not end: {reason}")]
    Unstopped {
        /// What the system says, or how long it was given.
        reason: String,
    },
    /// It listens and does not answer as it should.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}

impl AnvilError {
    /// What helps.
    pub fn remedy(&self) -> Remedy {
        match self {
            AnvilError::Endpoint(error) => error.remedy(),
            AnvilError::Missing { .. }
            | AnvilError::Unstartable { .. }
            | AnvilError::Deaf { .. }
            | AnvilError::Unstopped { .. } => Remedy::Stop,
        }
    }
}

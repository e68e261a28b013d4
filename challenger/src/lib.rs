//! The challenger: reads what L1 has, and nothing else; finds what is wrong with it; and is paid for it (specs/20-challenger.md).
//!
//! ```text
//! logs of L1 --> chain --> survey: faces of new batches --> faces: proof of a fault, one transaction
//!                            \--> sampling: leaves drawn by a keyed hash --> work: most urgent first
//!                                   --> check, on workers: run again, compare --> player: dispute
//! ```
//!
//! Owns what is looked at and in which order, and the verdicts. Derivation and games are `assay-player`'s, engines `assay-runner`'s. It
//! asks no sequencer for anything but blobs that L1 has not, and believes nobody but L1 and its own processor.
//!
//! Whoever starts late derives all, skips what is past its window, counts it, and catches up. A restart repeats nothing that was written
//! down and misses nothing.
#![forbid(unsafe_code)]

mod alarm;
mod budget;
mod check;
mod config;
pub mod detection;
mod error;
mod faces;
mod kept;
mod meters;
mod report;
mod role;
mod rows;
pub mod sampling;
#[cfg(test)]
mod scene;
mod survey;
mod teller;
mod watcher;
mod work;

pub use alarm::{Finding, HookError};
pub use check::difference;
pub use config::{BudgetConfig, ChallengerConfig, DisputesConfig};
pub use error::ChallengerError;
pub use faces::{FaceError, look};
pub use report::{ExecutorReport, Report};
pub use role::Challenger;
pub use rows::{Tally, Totals, Verdict};

/// Name of the report within the data folder.
pub const REPORT_FILE: &str = "report.json";

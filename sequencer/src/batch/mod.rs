//! Batches: what goes into one, how it is built and checked, how it is posted (specs/18-sequencer.md, "Batches").
//!
//! ```text
//! build    results to a batch: sources, data, check of its face
//! facts    the facts of L1 that the check leans on, from the tables
//! leaves   what a batch that was built says: records by place
//! opened   batches that were asked for lately: openings of leaves
//! post     a batch as intents
//! written  what the tables say of a build, and how it is taken back
//! ```

mod build;
mod facts;
mod leaves;
mod opened;
mod post;
mod written;

pub use build::{Blocked, BuildError, Built, Candidate, Plan, build};
pub use leaves::{LeafState, Undecided, claim_id, leaves_of, newest_build};
pub use opened::OpenedBatches;
pub use post::intents;
pub use written::Rows;

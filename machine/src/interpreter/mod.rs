//! The interpreter: the reference engine for lowered programs, and the only one that knows every state.
//!
//! ```text
//! threaded   instructions with their handlers' addresses; registers; the step account
//! handlers   what frequent instructions do;  bulk: moves of many pieces at once
//! machine    a run: fast path, single steps, commits, checkpoints
//! ```
//!
//! Assumes an image that `lower` has made: its frames, targets and tables are right by construction and are not
//! checked again. Any other image runs only by `step`. The meaning of an instruction is that of `step`, state by state.

mod bulk;
mod handlers;
mod machine;
#[cfg(test)]
mod tests;
mod threaded;

pub use machine::{Checkpoint, Interpreter, PreparedCode, StepProof};

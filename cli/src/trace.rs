//! `assay trace`: any state of a run, hashes along it, the proof of any step.
//!
//! Owns the choice of the question; each question is a file of its own.

mod hashes;
mod state;
mod witness;

use clap::builder::RangedU64ValueParser;
use eyre::Result;

use crate::job::Job;

pub use state::InstructionReport;
pub use witness::verify;

/// What `assay trace --help` teaches.
pub const EXAMPLES: &str = "\
Examples, with J standing for jobs/wasm/csv.wasm --input jobs/inputs/csv.csv:
  assay trace J                    how the run ends, and at which step
  assay trace J --at 1000          the state before step 1000, and its instruction
  assay trace J --hashes 9         nine state hashes, the first and the last among them
  assay trace J --witness 1000     the step, its proof, and the contract's answer

State 0 is the state at boot; step N leads from state N to state N + 1. A halted machine
is its own successor, so every step of every run has a state and a proof.

Exit codes: 0 answered, 1 failed, 2 usage, 3 module refused, 130 interrupted.";

/// The command line of `assay trace`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    job: Job,
    #[command(flatten)]
    question: Question,
    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// At most one question; without one, the state at the end.
#[derive(clap::Args)]
#[group(multiple = false)]
struct Question {
    /// The state before this step: record, hash, the instruction to come and the slots it names
    #[arg(long, value_name = "STEP")]
    at: Option<u64>,
    /// This many state hashes at equal distances, the first and the last state included
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u64>::new().range(2..=1 << 20))]
    hashes: Option<u64>,
    /// The proof of this step, and what the contract says to it
    #[arg(long, value_name = "STEP")]
    witness: Option<u64>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { job, question, json } = arguments;
    match (question.hashes, question.witness) {
        (Some(count), _) => hashes::run(job, count, *json),
        (_, Some(step)) => witness::run(job, step, *json),
        _ => state::run(job, question.at.unwrap_or(u64::MAX), *json),
    }
}

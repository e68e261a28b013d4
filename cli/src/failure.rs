//! How a command fails: the message and the exit code.
//!
//! Owns the table of exit codes. The message goes to stderr; where JSON was asked for, stdout has it as JSON too. A broken
//! pipe is no failure: whoever reads our output has read enough.

use std::io::ErrorKind;
use std::process::ExitCode;

use serde::Serialize;
use thiserror::Error;

use crate::console;

/// Failures that have an exit code of their own.
#[derive(Debug, Error)]
pub enum Failure {
    /// The module is refused.
    #[error("{0}")]
    Refused(String),
    /// The module is refused, and why has been printed already.
    #[error("the module is refused")]
    Explained,
    /// The job ended, but not with exit code 0, and `--strict` was given.
    #[error("the job did not end with exit code 0")]
    JobFailed,
}

#[derive(Serialize)]
struct Report<'a> {
    error: &'a str,
    exit_code: u8,
}

/// Prints what went wrong, cause by cause, and chooses the exit code.
pub fn report(error: &eyre::Report, json: bool) -> ExitCode {
    if error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    let failure = error.downcast_ref::<Failure>();
    let exit_code = match failure {
        Some(Failure::Refused(_) | Failure::Explained) => 3,
        Some(Failure::JobFailed) => 4,
        None => 1,
    };
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    let causes = causes.join(": ");
    console::note(&format!("error: {causes}\n"));
    // These two come after an answer.
    let is_answered = matches!(failure, Some(Failure::Explained | Failure::JobFailed));
    if json && !is_answered && console::print_json(&Report { error: &causes, exit_code }).is_err() {
        return ExitCode::from(1);
    }
    ExitCode::from(exit_code)
}

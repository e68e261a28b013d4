//! How a command fails: the message on stderr and the exit code.
//!
//! Owns the table of exit codes. A broken pipe is no failure: whoever reads our output has read enough.

use std::io::ErrorKind;
use std::process::ExitCode;

use thiserror::Error;

/// Failures that have an exit code of their own.
#[derive(Debug, Error)]
pub enum Failure {
    /// The module is refused, and why has been printed already.
    #[error("the module is refused")]
    Refused,
    /// The job ended, but not with exit code 0, and `--strict` was given.
    #[error("the job did not end with exit code 0")]
    JobFailed,
    /// The user interrupted us.
    #[error("interrupted; nothing was written")]
    Interrupted,
}

/// Prints what went wrong, cause by cause, and chooses the exit code.
pub fn report(error: &eyre::Report) -> ExitCode {
    if error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    eprintln!("error: {}", causes.join(": "));
    match error.downcast_ref::<Failure>() {
        Some(Failure::Refused) => ExitCode::from(3),
        Some(Failure::JobFailed) => ExitCode::from(4),
        Some(Failure::Interrupted) => ExitCode::from(130),
        None => ExitCode::from(1),
    }
}

//! How a command fails: the message and the exit code.
//!
//! Owns the table of exit codes. The message goes to stderr; where JSON was asked for, stdout has it as JSON too, and of a role that logs
//! JSON only that, on one line. A broken
//! pipe is no failure: whoever reads our output has read enough.

use std::io::ErrorKind;
use std::process::ExitCode;

use assay_client::ClientError;
use assay_deploy::DeployError;
use assay_node::config::ConfigError;
use assay_node::endpoint::EndpointError;
use assay_operator::OperatorError;
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
    /// What was asked for can't be meant, and clap could not say so.
    #[error("{0}")]
    Usage(String),
    /// The job ended, but not with exit code 0, and `--strict` was given.
    #[error("the job did not end with exit code 0")]
    JobFailed,
    /// A watcher found something that is wrong on L1.
    #[error("{0}")]
    Found(String),
    /// Ctrl-C, where something had to be put in order first.
    #[error("interrupted")]
    Interrupted,
}

/// How a failure is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// In words, on stderr.
    Words,
    /// In words, and as JSON on stdout.
    Json,
    /// As one line of JSON on stdout, and nothing else: stderr has logs of the same kind.
    Line,
}

#[derive(Serialize)]
struct Report<'a> {
    error: &'a str,
    exit_code: u8,
}

/// Whether nobody reads what we print any more.
pub fn is_broken_pipe(error: &eyre::Report) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Prints what went wrong, cause by cause, and chooses the exit code.
pub fn report(error: &eyre::Report, form: Form) -> ExitCode {
    if is_broken_pipe(error) {
        return ExitCode::SUCCESS;
    }
    let failure = error.downcast_ref::<Failure>();
    let exit_code = match failure {
        Some(Failure::Refused(_) | Failure::Explained) => 3,
        Some(Failure::Usage(_)) => 2,
        Some(Failure::JobFailed | Failure::Found(_)) => 4,
        Some(Failure::Interrupted) => 130,
        None => exit_code_of(error),
    };
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    let causes = causes.join(": ");
    if form != Form::Line {
        // Messages name what others have named.
        let lines: Vec<String> = causes.lines().map(console::shown).collect();
        console::note(&format!("error: {}\n", lines.join("\n")));
    }
    // These two come after an answer.
    let is_answered = matches!(failure, Some(Failure::Explained | Failure::JobFailed));
    let told = Report { error: &causes, exit_code };
    let printed = match form {
        _ if is_answered => Ok(()),
        Form::Words => Ok(()),
        Form::Json => console::print_json(&told),
        Form::Line => console::print_json_line(&told),
    };
    if printed.is_err() {
        return ExitCode::from(1);
    }
    ExitCode::from(exit_code)
}

/// Prints why a command line is wrong, or the help that was asked for. Which form is wanted is not known: `--json` has been asked for if
/// it stands there.
pub fn usage(error: &clap::Error) -> ExitCode {
    let told = error.print();
    let exit_code = u8::try_from(error.exit_code()).unwrap_or(2);
    let is_json = error.use_stderr() && std::env::args_os().any(|argument| argument == "--json");
    let text = error.to_string();
    // What is missing stands on the lines below the first, up to an empty one.
    let lines = text.strip_prefix("error: ").unwrap_or(&text).lines().take_while(|line| !line.is_empty());
    let reason = lines.map(str::trim).collect::<Vec<_>>().join(" ");
    let printed = if is_json { console::print_json(&Report { error: &reason, exit_code }) } else { Ok(()) };
    let is_unread = told.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe);
    if told.is_err() && !is_unread || printed.is_err() {
        return ExitCode::from(1);
    }
    ExitCode::from(exit_code)
}

/// What L1, its contracts and sequencers say has exit codes of its own; a setting counts as a part of the command line.
fn exit_code_of(error: &eyre::Report) -> u8 {
    match error.downcast_ref::<ClientError>() {
        Some(error) if error.is_retryable() => return 6,
        Some(ClientError::Refused { .. }) => return 5,
        Some(ClientError::Address { .. }) => return 2,
        _ => {}
    }
    let endpoint = match error.downcast_ref::<OperatorError>() {
        Some(OperatorError::Refused { .. }) => return 5,
        Some(OperatorError::Endpoint(error)) => Some(error),
        _ => None,
    };
    let deploying = match error.downcast_ref::<DeployError>() {
        Some(DeployError::Endpoint(error)) => Some(error),
        _ => None,
    };
    match endpoint.or(deploying).or_else(|| error.downcast_ref::<EndpointError>()) {
        Some(EndpointError::Unreachable { .. } | EndpointError::TimedOut { .. }) => 6,
        Some(EndpointError::Address { .. }) => 2,
        _ => match error.downcast_ref::<ConfigError>() {
            Some(ConfigError::Missing { .. } | ConfigError::Field { .. } | ConfigError::Syntax { .. }) => 2,
            _ => 1,
        },
    }
}

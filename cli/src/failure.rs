//! How a command fails: the message and the exit code.
//!
//! Owns the table of exit codes. The message goes to stderr; where JSON was asked for, stdout has it as JSON too, and of a role that logs
//! JSON only that, on one line. A broken
//! pipe is no failure: whoever reads our output has read enough.

use std::io::ErrorKind;
use std::process::ExitCode;

use alloy_primitives::B256;
use assay_client::ClientError;
use assay_deploy::DeployError;
use assay_node::config::ConfigError;
use assay_node::endpoint::EndpointError;
use assay_operator::OperatorError;
use assay_protocol::rpc::ErrorCode;
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
    /// The answer's file can't be written, and stdout has the answer instead.
    #[error("{0}")]
    Unwritten(String),
    /// Ctrl-C, where something had to be put in order first.
    #[error("interrupted")]
    Interrupted,
}

/// What a failure is about that came after a task was handed in: whoever knows its id finds the task again.
#[derive(Clone, Copy, Debug, Error)]
#[error("task {0} was handed in")]
pub struct HandedIn(pub B256);

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
    /// What a sequencer refuses, by the name that never changes (specs/17-rpc.md).
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// Whether the sequencer may do the same later.
    #[serde(skip_serializing_if = "Option::is_none")]
    retryable: Option<bool>,
    /// The task that was handed in before.
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<String>,
}

impl<'a> Report<'a> {
    /// A failure of the command line itself.
    fn of_usage(error: &'a str, exit_code: u8) -> Self {
        Self { error, exit_code, code: None, retryable: None, task: None }
    }

    fn new(error: &eyre::Report, causes: &'a str, exit_code: u8) -> Self {
        let (code, retryable) = match error.downcast_ref::<ClientError>() {
            Some(ClientError::Refused { code, retryable, .. }) => (code.map(ErrorCode::name), Some(*retryable)),
            _ => (None, None),
        };
        let task = error.downcast_ref::<HandedIn>().map(|handed_in| handed_in.0.to_string());
        Self { error: causes, exit_code, code, retryable, task }
    }
}

/// What JSON-RPC says of a method that a server has not got.
const METHOD_NOT_FOUND: i64 = -32601;

/// Why a server does not answer. One that does not even know the question is another one than was `meant`.
pub fn of_server(error: ClientError, meant: &str) -> eyre::Report {
    match error {
        ClientError::Refused { number: METHOD_NOT_FOUND, .. } => {
            Failure::Usage(format!("what answers at that address is no {meant}")).into()
        }
        error => error.into(),
    }
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
        Some(Failure::Unwritten(_)) => 1,
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
    // These come after an answer.
    let is_answered = matches!(failure, Some(Failure::Explained | Failure::JobFailed | Failure::Unwritten(_)));
    let told = Report::new(error, &causes, exit_code);
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
    let printed = if is_json { console::print_json(&Report::of_usage(&reason, exit_code)) } else { Ok(()) };
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

#[cfg(test)]
mod tests {
    use super::*;
    use eyre::WrapErr;
    use serde_json::json;

    #[test]
    fn json_names_what_a_sequencer_refuses_and_the_task_that_it_has() {
        let told = |error: &eyre::Report| serde_json::to_value(Report::new(error, "why", exit_code_of(error))).unwrap();
        let refused = |code, number| ClientError::Refused { code, number, message: "no".into(), retryable: false };
        let fuel: eyre::Report = refused(Some(ErrorCode::FuelLimit), -39006).into();
        let wanted = json!({ "error": "why", "exit_code": 5, "code": "FUEL_LIMIT", "retryable": false });
        assert_eq!(told(&fuel), wanted);
        let busy = ClientError::Unreachable { reason: "gone".into() };
        let busy = Err::<(), _>(busy).wrap_err(HandedIn(B256::ZERO)).unwrap_err();
        assert_eq!(told(&busy), json!({ "error": "why", "exit_code": 6, "task": B256::ZERO.to_string() }));
        assert!(format!("{busy:#}").starts_with(&format!("task {} was handed in: ", B256::ZERO)), "{busy:#}");
        assert_eq!(told(&eyre::eyre!("broken")), json!({ "error": "why", "exit_code": 1 }));

        let another = of_server(refused(None, METHOD_NOT_FOUND), "sequencer");
        assert!(
            matches!(another.downcast_ref::<Failure>(), Some(Failure::Usage(why)) if why.ends_with("is no sequencer"))
        );
        assert_eq!(exit_code_of(&of_server(refused(None, -32602), "sequencer")), 5);
    }
}

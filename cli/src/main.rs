//! `assay`: the one binary. Runs jobs, looks inside the machine, shows that L1 agrees, and acts on a deployment.
//!
//! Owns the command line, what is printed and how the process ends. It computes nothing itself: results come from the engines,
//! states and proofs from the machine, L1's answers from the contracts.
#![forbid(unsafe_code)]

mod admin;
mod bond;
mod completions;
mod console;
mod demo;
mod deploy;
mod devnet;
mod diagnosis;
mod disassembly;
mod dispute;
mod failure;
mod interrupt;
mod job;
mod keys;
mod l1;
mod program;
mod progress;
mod report;
mod role;
mod run;
mod task;
mod trace;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// How the process ends, told under every command's `--help`.
macro_rules! exit_codes {
    () => {
        "\
Exit codes:
  0    the question is answered; how the job itself ended is part of the answer
  1    something is missing or broken: a file, the host, an engine
  2    the command line is wrong, or a setting from a file or the environment is wrong or missing
  3    the module is refused; the message names the reason
  4    `run --strict`: the job ended otherwise than with exit code 0; `challenger --watch-only`: a result is wrong
  5    a contract or a sequencer refuses; nothing was done
  6    L1 or a sequencer can't be reached, or is busy; the same command may succeed later
  130  interrupted; stdout has no answer, or a part of one"
    };
}
const EXIT_CODES: &str = exit_codes!();

/// Runs jobs on the Assay machine, looks at any state of a run, and proves any step of it.
///
/// A job is an ordinary WASI program (`wasm32-wasip1`): it reads its input from stdin and writes its output to stdout.
/// The same bytes and the same input give the same output, exit code and fuel on every host.
#[derive(Parser)]
#[command(name = "assay", version, after_help = EXIT_CODES, after_long_help = EXAMPLES, disable_help_subcommand = true)]
struct Assay {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = concat!(
    "\
Examples:
  assay run jobs/wasm/sha256.wasm --input README.md        the job's output, and what it cost
  assay trace jobs/wasm/sha256.wasm --hashes 5             five state hashes along the run
  assay trace jobs/wasm/sha256.wasm --witness 1000         step 1000, proven to the contract
  assay program inspect jobs/wasm/sha256.wasm              what the module becomes, or why it is refused
  assay demo                                               all of it, on a sample job

",
    exit_codes!()
);

#[derive(Subcommand)]
enum Command {
    /// Run a job here and print its output and what it cost
    #[command(after_help = EXIT_CODES, after_long_help = run::EXAMPLES)]
    Run(run::Arguments),
    /// Look inside the machine: any state of a run, its hash, the proof of any step
    #[command(after_help = EXIT_CODES, after_long_help = trace::EXAMPLES)]
    Trace(trace::Arguments),
    /// What a module becomes as a program, or why it is refused
    #[command(subcommand, after_help = EXIT_CODES)]
    Program(program::Command),
    /// Run a sample job, hash its states, and have the contract execute one of its steps
    Demo(demo::Arguments),
    /// Jobs on a sequencer, from a request to a proof on L1; and new projects
    #[command(subcommand, after_help = l1::SETTINGS)]
    Job(task::Command),
    #[command(flatten)]
    Role(role::Command),
    /// Everything on this machine: a devnet, and the story that shows it at work
    #[command(subcommand, after_help = EXIT_CODES)]
    Devnet(devnet::Command),
    /// Keys in encrypted files
    #[command(subcommand, after_help = EXIT_CODES)]
    Keys(keys::Command),
    /// Stakes, hot keys and credits on a deployment
    #[command(subcommand, after_help = l1::SETTINGS)]
    Bond(bond::Command),
    /// Games on a deployment: whose turn it is, clocks, who is ahead
    #[command(subcommand, after_help = l1::SETTINGS)]
    Dispute(dispute::Command),
    /// What a sequencer's operator asks of it: how it stands, pause, resume, a batch now
    #[command(subcommand, after_help = admin::EXAMPLES)]
    Admin(admin::Command),
    /// Put the contracts on an L1 and write the file that every process reads
    #[command(after_help = deploy::EXAMPLES, after_long_help = deploy::EXAMPLES)]
    Deploy(deploy::Arguments),
    /// Print a script by which a shell completes the command line
    #[command(after_help = completions::EXAMPLES)]
    Completions(completions::Arguments),
}

impl Command {
    /// Whether the answer is wanted as JSON.
    fn json(&self) -> bool {
        match self {
            Self::Run(arguments) => arguments.json,
            Self::Trace(arguments) => arguments.json,
            Self::Program(command) => command.json(),
            Self::Demo(arguments) => arguments.json,
            Self::Role(command) => command.json(),
            Self::Admin(command) => command.json(),
            // A script for a shell is no answer.
            Self::Completions(_) => false,
            Self::Job(command) => command.json(),
            Self::Devnet(command) => command.json(),
            Self::Keys(command) => command.json(),
            Self::Bond(command) => command.json(),
            Self::Dispute(command) => command.json(),
            Self::Deploy(arguments) => arguments.json,
        }
    }
}

fn main() -> ExitCode {
    let arguments = match Assay::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return failure::usage(&error),
    };
    let form = match (&arguments.command, arguments.command.json()) {
        (_, false) => failure::Form::Words,
        (Command::Role(_), true) => failure::Form::Line,
        (_, true) => failure::Form::Json,
    };
    // Roles hear signals themselves: they have something to put in order.
    let is_role = matches!(arguments.command, Command::Role(_) | Command::Devnet(_));
    let listening = if is_role { Ok(()) } else { interrupt::listen() };
    let done = listening.and_then(|()| match arguments.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Trace(arguments) => trace::run(&arguments),
        Command::Program(command) => program::run(&command),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Job(command) => task::run(&command),
        Command::Role(command) => role::run(&command),
        Command::Admin(command) => admin::run(&command),
        Command::Devnet(command) => devnet::run(&command),
        Command::Keys(command) => keys::run(&command),
        Command::Bond(command) => bond::run(&command),
        Command::Dispute(command) => dispute::run(&command),
        Command::Deploy(arguments) => deploy::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments, Assay::command()),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error, form),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Assay::command().debug_assert();
    }
}

//! `assay`: the one binary. Runs jobs, looks inside the machine, shows that L1 agrees.
//!
//! Owns the command line, what is printed and how the process ends. It computes nothing itself: results come from the engines,
//! states and proofs from the machine, L1's answers from the contract.
#![forbid(unsafe_code)]

mod console;
mod demo;
mod disassembly;
mod failure;
mod interrupt;
mod job;
mod program;
mod progress;
mod report;
mod run;
mod trace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// How the process ends, told under every command's `--help`.
const EXIT_CODES: &str = "\
Exit codes:
  0    the question is answered; how the job itself ended is part of the answer
  1    something is missing or broken: a file, the host, an engine
  2    the command line is wrong
  3    the module is refused; the message names the reason
  4    `run --strict`: the job ended otherwise than with exit code 0
  130  interrupted";

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

const EXAMPLES: &str = "\
Examples:
  assay run jobs/wasm/sha256.wasm --input README.md        the job's output, and what it cost
  assay trace jobs/wasm/sha256.wasm --hashes 5             five state hashes along the run
  assay trace jobs/wasm/sha256.wasm --witness 1000         step 1000, proven to the contract
  assay program inspect jobs/wasm/sha256.wasm              what the module becomes, or why it is refused
  assay demo                                               all of it, on a sample job

Exit codes:
  0    the question is answered; how the job itself ended is part of the answer
  1    something is missing or broken: a file, the host, an engine
  2    the command line is wrong
  3    the module is refused; the message names the reason
  4    `run --strict`: the job ended otherwise than with exit code 0
  130  interrupted";

#[derive(Subcommand)]
enum Command {
    /// Run a job here and print its output and what it cost
    #[command(after_help = EXIT_CODES, after_long_help = run::EXAMPLES)]
    Run(run::Arguments),
    /// Look inside the machine: any state of a run, its hash, the proof of any step
    #[command(after_help = EXIT_CODES, after_long_help = trace::EXAMPLES)]
    Trace(trace::Arguments),
    /// What a module becomes as a program, or why it is refused
    #[command(subcommand)]
    Program(program::Command),
    /// Run a sample job, hash its states, and have the contract execute one of its steps
    Demo(demo::Arguments),
}

impl Command {
    /// Whether the answer is wanted as JSON.
    fn json(&self) -> bool {
        match self {
            Self::Run(arguments) => arguments.json,
            Self::Trace(arguments) => arguments.json,
            Self::Program(command) => command.json(),
            Self::Demo(_) => false,
        }
    }
}

fn main() -> ExitCode {
    let arguments = Assay::parse();
    let json = arguments.command.json();
    let done = interrupt::listen().and_then(|()| match arguments.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Trace(arguments) => trace::run(&arguments),
        Command::Program(command) => program::run(&command),
        Command::Demo(arguments) => demo::run(&arguments),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error, json),
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

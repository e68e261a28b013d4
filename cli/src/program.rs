//! `assay program`: what a module becomes as a program, or why it is refused; and its registration on L1.

mod inspect;
mod module;
mod register;

pub use module::ModuleFacts;

use std::path::PathBuf;

use assay_machine::program::Program;
use clap::Subcommand;
use eyre::Result;
use serde::Serialize;

use crate::console;
use crate::job::admit;

/// What to ask about a module.
#[derive(Subcommand)]
pub enum Command {
    /// Print the program's id, by which jobs and disputes name it
    #[command(
        after_help = "Example:\n  assay program id jobs/wasm/sha256.wasm\n\nExit codes: 0 done, 1 a file is missing, 2 usage, 3 module refused."
    )]
    Id(Arguments),
    /// Print the descriptor, sizes, functions and instructions, or why the module is refused
    #[command(after_help = inspect::EXAMPLES)]
    Inspect(inspect::Arguments),
    /// Register the program on L1, so that jobs there can name it
    #[command(after_help = register::EXAMPLES)]
    Register(register::Arguments),
}

impl Command {
    /// Whether the answer is wanted as JSON.
    pub fn json(&self) -> bool {
        match self {
            Self::Id(arguments) => arguments.json,
            Self::Inspect(arguments) => arguments.module.json,
            Self::Register(arguments) => arguments.module.json,
        }
    }
}

/// A module on the command line.
#[derive(clap::Args)]
pub struct Arguments {
    /// The module: a WASI program as a compiler wrote it (.wasm)
    #[arg(value_name = "FILE.wasm")]
    pub module: PathBuf,
    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct IdReport {
    program: String,
}

/// Runs the command.
pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Id(arguments) => print_id(&admit(&arguments.module)?, arguments.json),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Register(arguments) => register::run(arguments),
    }
}

fn print_id(program: &Program, json: bool) -> Result<()> {
    let program = program.id().to_string();
    if json { console::print_json(&IdReport { program }) } else { console::print(&format!("{program}\n")) }
}

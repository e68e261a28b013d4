//! `assay completions`: scripts by which shells complete the command line.

use clap::{Command, value_parser};
use clap_complete::Shell;
use eyre::Result;

use crate::console;

/// What `assay completions --help` teaches.
pub const EXAMPLES: &str = "\
Examples:
  assay completions bash > ~/.local/share/bash-completion/completions/assay
  assay completions zsh > \"${fpath[1]}/_assay\"
  assay completions fish > ~/.config/fish/completions/assay.fish";

/// The command line of `assay completions`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Which shell
    #[arg(value_parser = value_parser!(Shell))]
    shell: Shell,
}

/// Runs the command.
pub fn run(arguments: &Arguments, mut command: Command) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "assay", &mut script);
    console::print(&String::from_utf8_lossy(&script))
}

//! `assay job consumer`: a contract that acts on final results of one program, to try proofs with and to copy from.

use std::path::{Path, PathBuf};

use alloy_primitives::B256;
use assay_deploy::deploy_consumer;
use eyre::Result;
use serde::Serialize;

use super::program_id;
use crate::console;
use crate::job::{explain, lower, read_module};
use crate::l1::{Connection, KeyFlags, block_on};
use crate::report::grouped;

/// What `assay job consumer --help` teaches.
pub const EXAMPLES: &str = "\
Examples:
  assay job consumer --program 0x8a…PROGRAM        deploys it, and prints its address
  assay job consumer --program job.wasm            the same for a module's program
  assay job prove 0x5a…TASK --wait --consumer 0x…  hands it the proof of a result, once that is final

It is bridge-contracts/src/examples/ResultConsumer.sol: it takes final results of this program, each once, and remembers
their outputs. Nobody owns it.";

/// The command line of `assay job consumer`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Whose results it acts on: a program's id, or its module (.wasm)
    #[arg(long, value_name = "PROGRAM_ID|FILE.wasm")]
    program: PathBuf,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    key: KeyFlags,
    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Report {
    consumer: String,
    program: String,
    batches: String,
    transaction: String,
    gas: u64,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let program = program(&arguments.program)?;
    let wallet = arguments.key.open(&arguments.connection)?;
    let told = block_on(async {
        let l1 = arguments.connection.open().await?;
        console::note(&format!("creating a consumer from {} …\n", wallet.address()));
        let created = deploy_consumer(&l1.endpoint, &wallet, &l1.deployment, program).await?;
        Ok(Report {
            consumer: created.address.to_string(),
            program: program.to_string(),
            batches: l1.deployment.contracts.batches.to_string(),
            transaction: created.transaction.to_string(),
            gas: created.gas,
        })
    })?;
    if arguments.json {
        return console::print_json(&told);
    }
    console::note(&format!("transaction {}, {} gas\n", told.transaction, grouped(told.gas)));
    console::print(&format!("{}\n", told.consumer))
}

fn program(given: &Path) -> Result<B256> {
    match program_id(given)? {
        Some(id) => Ok(id),
        None => Ok(lower(&read_module(given)?).map_err(|error| explain(error, given))?.id()),
    }
}

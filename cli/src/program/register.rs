//! `assay program register`: lets jobs and disputes on L1 name a program.

use alloy_primitives::U256;
use alloy_sol_types::SolCall;
use assay_machine::program::Descriptor;
use assay_node::endpoint::{BlockId, BlockNumberOrTag};
use assay_operator::call;
use assay_protocol::contracts::Programs;
use eyre::Result;
use serde::Serialize;

use crate::console;
use crate::job::admit;
use crate::l1::{Connection, KeyFlags, block_on};
use crate::report::grouped;

/// What `assay program register --help` teaches.
pub const EXAMPLES: &str = "\
Examples:
  assay program register job.wasm --l1 http://127.0.0.1:8545 --deployment deployment.json --keystore key.json
  assay program register job.wasm --json

Anybody may register any program; once is enough, and again changes nothing. L1 gets the descriptor, not the module.";

/// The command line of `assay program register`.
#[derive(clap::Args)]
#[group(skip)]
pub struct Arguments {
    #[command(flatten)]
    pub module: super::Arguments,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    key: KeyFlags,
}

#[derive(Serialize)]
struct Report {
    program: String,
    is_new: bool,
    registered_at: Option<u64>,
    transaction: Option<String>,
    block: Option<u64>,
    gas: Option<u64>,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let program = admit(&arguments.module.module)?;
    let id = program.id();
    let report = block_on(async {
        let l1 = arguments.connection.open().await?;
        let programs = l1.deployment.contracts.programs;
        let (head, asked) = (BlockId::Number(BlockNumberOrTag::Latest), Programs::registeredAtCall { program: id });
        let known = l1.endpoint.view("ask for a program", programs, &asked, head).await?;
        if known != 0 {
            let program = id.to_string();
            let registered_at = Some(known);
            return Ok(Report { program, is_new: false, registered_at, transaction: None, block: None, gas: None });
        }
        let wallet = arguments.key.open(&arguments.connection)?;
        let wanted = register_call(program.descriptor());
        let mined = call(&l1, &wallet, "register the program", programs, U256::ZERO, &wanted).await?;
        let registered_at = l1.endpoint.view("ask for a program", programs, &asked, head).await?;
        Ok(Report {
            program: id.to_string(),
            is_new: true,
            registered_at: Some(registered_at),
            transaction: Some(mined.transaction.to_string()),
            block: Some(mined.block),
            gas: Some(mined.gas),
        })
    })?;
    if arguments.module.json {
        return console::print_json(&report);
    }
    let how = match (&report.transaction, report.block, report.gas) {
        (Some(transaction), Some(block), Some(gas)) => {
            format!("registered by transaction {transaction} in block {block}, {} gas", grouped(gas))
        }
        _ => "registered before".into(),
    };
    console::print(&format!("{}\n  {how}\n", report.program))
}

/// The call that registers a descriptor.
fn register_call(descriptor: &Descriptor) -> impl SolCall {
    let mounts = descriptor.mounts.iter().map(|(region, root)| Programs::Mount { region: *region, root: *root });
    Programs::registerCall {
        descriptor: Programs::Descriptor {
            version: descriptor.version,
            entryPc: descriptor.entry_pc,
            memoryPages: descriptor.memory_pages,
            memoryPagesMax: descriptor.memory_pages_max,
            wasm: Programs::BlobRef { root: descriptor.wasm.root, length: descriptor.wasm.length },
            mounts: mounts.collect(),
        },
    }
}

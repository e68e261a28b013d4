//! `assay job prove`: the proof of a task's result, what L1 makes of it, and a contract that acts on it.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall;
use assay_client::{AssayApi, Goal, domain, wait_for};
use assay_node::endpoint::{BlockId, BlockNumberOrTag};
use assay_operator::call;
use assay_protocol::contracts::{Batches, ResultConsumer};
use assay_protocol::data::{Record, parse_record};
use assay_protocol::objects::Domain;
use assay_protocol::rpc::LeafProof;
use eyre::{Result, WrapErr, bail, eyre};
use serde::Serialize;

use super::{Sequencer, TaskId, known, state_name};
use crate::failure::Failure;
use crate::l1::{KeyFlags, address, block_on};
use crate::report::grouped;
use crate::{console, report};

/// What `assay job prove --help` teaches.
pub const EXAMPLES: &str = "\
Examples:
  assay job prove 0x5a…                                 the proof, and what L1 says of it
  assay job prove 0x5a… --wait --consumer 0xC0…         waits until it is final, and calls act(proof) of a contract
  cast send 0xC0… $(assay job prove 0x5a… --calldata)   the same call, by a wallet of your own

What L1 says holds for whoever relies on the programs that are listed: all that the result came through. A consumer is
a contract that names those that it relies on; bridge-contracts/src/examples/ResultConsumer.sol, which
`assay job consumer` deploys, names one.";

/// The command line of `assay job prove`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The task's id
    #[arg(value_name = "TASK_ID")]
    task: TaskId,
    /// Wait until the result stands
    #[arg(long)]
    wait: bool,
    /// Call act(proof) of this contract, with the key
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    consumer: Option<Address>,
    /// Print the calldata of act(proof), and nothing else
    #[arg(long, conflicts_with_all = ["consumer", "json"])]
    calldata: bool,
    #[command(flatten)]
    sequencer: Sequencer,
    #[command(flatten)]
    key: KeyFlags,
    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Report {
    task: String,
    state: &'static str,
    fate: Option<&'static str>,
    relies_on: Vec<String>,
    proof: LeafProof,
    calldata: String,
    transaction: Option<String>,
    gas: Option<u64>,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    block_on(async {
        let open = arguments.sequencer.open().await?;
        let task = arguments.task.0;
        let view = match arguments.wait {
            true => wait_for(&open.api, task, Goal::Final).await?,
            false => known(&open, task).await?,
        };
        let proof = open.api.get_proof(task).await?;
        let proof = proof.ok_or_else(|| eyre!("task {task} is {}: it is not on L1 yet", state_name(view.state)))?;
        let calldata = Bytes::from(act_call(&proof).abi_encode());
        if arguments.calldata {
            return console::print(&format!("{calldata}\n"));
        }
        let programs = programs_of(&proof, &domain(&open.status))?;
        let mut told = Report {
            task: task.to_string(),
            state: state_name(view.state),
            fate: None,
            relies_on: programs.iter().map(B256::to_string).collect(),
            calldata: report::hex(&calldata),
            proof,
            transaction: None,
            gas: None,
        };
        let connection = &arguments.sequencer.l1;
        if connection.is_named()? {
            let l1 = connection.open().await?;
            let wanted = Batches::fateOfCall { chain: chain_of(&told.proof), programs };
            let head = BlockId::Number(BlockNumberOrTag::Latest);
            let fate = l1.endpoint.view("ask for a fate", l1.deployment.contracts.batches, &wanted, head).await?;
            told.fate = Some(fate_name(fate));
            if let Some(consumer) = arguments.consumer {
                let wallet = arguments.key.open(connection)?;
                // Whether that is enough is the contract's to say.
                let mined = call(&l1, &wallet, "act on the result", consumer, U256::ZERO, &act_call(&told.proof))
                    .await
                    .wrap_err_with(|| {
                        let programs = told.relies_on.join(", ");
                        format!("L1 says that the result is {} for whoever relies on {programs}", fate_name(fate))
                    })?;
                (told.transaction, told.gas) = (Some(mined.transaction.to_string()), Some(mined.gas));
            }
        } else if arguments.consumer.is_some() {
            bail!(Failure::Usage("--consumer needs L1: name --l1 and --deployment".into()));
        }
        if arguments.json { console::print_json(&told) } else { console::print(&text(&told)) }
    })
}

fn text(told: &Report) -> String {
    let mut text = format!("task {}\n", told.task);
    let mut line = |name: &str, value: &str| text += &format!("  {name:<12} {value}\n");
    line("state", told.state);
    if let Some(fate) = told.fate {
        line("L1 says", &format!("{fate}, to whoever relies on what is named here"));
    }
    for program in &told.relies_on {
        line("relies on", &format!("program {program}"));
    }
    for (number, opening) in told.proof.chain.iter().enumerate() {
        let name = if number == 0 { "proof" } else { "its input" };
        let (batch, siblings) = (opening.batch.number, opening.siblings.len());
        line(
            name,
            &format!(
                "batch {batch}, leaf {}, {siblings} siblings, record of {} bytes",
                opening.index,
                opening.record.len()
            ),
        );
    }
    if let (Some(transaction), Some(gas)) = (&told.transaction, told.gas) {
        line("acted", &format!("transaction {transaction}, {} gas", grouped(gas)));
    }
    text
}

/// The programs that the leaves of a proof run, each once: whoever acts on the result relies on all of them.
fn programs_of(proof: &LeafProof, domain: &Domain) -> Result<Vec<B256>> {
    let mut programs = Vec::new();
    for opening in &proof.chain {
        let record = <&Record>::try_from(&opening.record[..])
            .map_err(|_| eyre!("the sequencer's proof has a record of {} bytes", opening.record.len()))?;
        let program = parse_record(record, opening.batch.region, domain).request.program;
        if !programs.contains(&program) {
            programs.push(program);
        }
    }
    Ok(programs)
}

/// The proof as the contract of batches takes it.
fn chain_of(proof: &LeafProof) -> Vec<Batches::LeafProof> {
    proof.chain.iter().map(Into::into).collect()
}

/// The call of a consumer. It is encoded as the contract of batches encodes the same argument.
fn act_call(proof: &LeafProof) -> ResultConsumer::actCall {
    ResultConsumer::actCall { chain: proof.chain.iter().map(Into::into).collect() }
}

/// The fate as chapter 12 names it.
fn fate_name(fate: u8) -> &'static str {
    match fate {
        0 => "pending",
        1 => "challenged",
        2 => "void",
        3 => "attested",
        4 => "final",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::objects::{Batch, Place};
    use assay_protocol::rpc::LeafOpening;

    /// A leaf of a program, as a sequencer opens it.
    fn opening(program: u8) -> LeafOpening {
        let mut record = [0; size_of::<Record>()];
        // Offset of the field: specs/12-batches.md, "Records".
        record[28..60].fill(program);
        let batch = Batch {
            region: B256::ZERO,
            number: 0,
            parent: B256::ZERO,
            first_sequence: 0,
            leaf_root: B256::ZERO,
            count: 1,
            data_root: B256::ZERO,
            data_length: 393,
            blob_count: 0,
            as_of: 0,
            min_deadline: 0,
        };
        LeafOpening { batch, index: 0, record: Bytes::copy_from_slice(&record), siblings: Vec::new() }
    }

    #[test]
    fn each_program_of_a_chain_is_relied_on_once() {
        let domain = Domain { chain_id: 1, contract: Address::ZERO };
        let place = Place { batch: 0, index: 0 };
        let mut proof = LeafProof { place, chain: [2, 1, 2].map(opening).into() };
        let programs = programs_of(&proof, &domain).unwrap();
        assert_eq!(programs, [2, 1].map(B256::repeat_byte));
        proof.chain[1].record = Bytes::from_static(&[0; 392]);
        let error = programs_of(&proof, &domain).unwrap_err();
        assert!(error.to_string().contains("a record of 392 bytes"), "{error}");
    }
}

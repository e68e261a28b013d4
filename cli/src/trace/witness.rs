//! The proof of one step, its parts, and the answers of the two verifiers.

use assay_dispute::preflight::{Preflight, Verified};
use assay_machine::interpreter::StepProof;
use assay_machine::memory::Region;
use assay_machine::memory::layout::offset_in_region;
use assay_machine::witness::{Witness, verify_step};
use eyre::{Result, ensure};
use serde::Serialize;

use super::InstructionReport;
use crate::console;
use crate::job::{Job, walk};
use crate::progress::Progress;
use crate::report::{State, grouped, hex, region_name};

#[derive(Serialize)]
struct Report {
    program: String,
    step: u64,
    /// The step at which the machine has halted, if that is before the one asked for: every state from there on is the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    halted_at: Option<u64>,
    before: State,
    instruction: Option<InstructionReport>,
    after: State,
    witness: WitnessReport,
    contract: ContractReport,
}

#[derive(Serialize)]
struct WitnessReport {
    size: usize,
    entries: Vec<EntryReport>,
    bytes: String,
}

#[derive(Serialize)]
struct EntryReport {
    address: String,
    region: String,
    offset: u64,
    size: usize,
    mask: String,
}

#[derive(Serialize)]
struct ContractReport {
    agrees: bool,
    execution_gas: u64,
    calldata_size: usize,
}

/// Answers the question.
pub fn run(job: &Job, step: u64, json: bool) -> Result<()> {
    let program = job.program()?;
    let mut run = job.boot(&program, &job.read_input()?)?;
    walk(&mut run, step, &mut Progress::start())?;
    let halted_at = Some(run.steps()).filter(|at| *at < step);
    let instruction = InstructionReport::of(&program, &mut run);
    let proof = run.prove_one();
    let Verified { gas, calldata_bytes, .. } = verify(&proof)?;
    let report = Report {
        program: program.id().to_string(),
        step,
        halted_at,
        before: State::from(&proof.before),
        instruction,
        after: State::from(&proof.after),
        witness: WitnessReport::of(&proof.witness)?,
        contract: ContractReport { agrees: true, execution_gas: gas, calldata_size: calldata_bytes },
    };
    if json { console::print_json(&report) } else { console::print(&report.text()) }
}

/// Has both verifiers make the step.
///
/// # Errors
/// If one refuses the witness or comes to another state: a fault of ours that must not be overlooked.
pub fn verify(proof: &StepProof) -> Result<Verified> {
    let twin = verify_step(proof.before, &proof.witness)?;
    ensure!(twin == proof.after, "the machine and the verifier in Rust disagree: {:?}, {twin:?}", proof.after);
    let contract = Preflight::new().step(&proof.before, &proof.witness)?;
    ensure!(
        contract.next == proof.after,
        "the machine and the contract disagree: {:?}, {:?}",
        proof.after,
        contract.next
    );
    Ok(contract)
}

impl WitnessReport {
    fn of(bytes: &[u8]) -> Result<Self> {
        let witness = Witness::parse(bytes)?;
        let entry = |entry: &assay_machine::memory::ChunkProof| EntryReport {
            address: format!("{:#012x}", entry.address),
            region: region_name(Region::of(entry.address)),
            offset: offset_in_region(entry.address),
            size: entry.bytes.len(),
            mask: format!("{:#010x}", entry.mask),
        };
        Ok(Self { size: bytes.len(), entries: witness.entries().iter().map(entry).collect(), bytes: hex(bytes) })
    }
}

impl Report {
    fn text(&self) -> String {
        let halted = self.halted_at.map(|at| format!(", as since step {}, where the machine has halted", grouped(at)));
        let step = grouped(self.step);
        let mut text = format!("state before step {step}{}\n{}", halted.unwrap_or_default(), self.before.text());
        if let Some(instruction) = &self.instruction {
            text += &instruction.text();
        }
        text += &format!("\nwitness, {} bytes\n", grouped(self.witness.size as u64));
        for EntryReport { address, region, offset, size, mask } in &self.witness.entries {
            text += &format!("  {address}     {region:<8} + {offset:#x}, {size} bytes, zero siblings {mask}\n");
        }
        text += &format!("\nstate after it\n{}", self.after.text());
        let ContractReport { execution_gas, calldata_size, .. } = &self.contract;
        let (gas, calldata) = (grouped(*execution_gas), grouped(*calldata_size as u64));
        text + &format!("\nthe contract comes to the same state: {gas} gas, {calldata} bytes of calldata\n")
    }
}

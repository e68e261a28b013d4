//! `assay demo`: the whole idea on one sample job. It runs natively and on the machine, its states are hashed, and one of its steps
//! is executed by the contract that L1 would call.
//!
//! Owns the story and nothing else; every figure in it is measured here and now. The job and its input are part of the binary. Who wants
//! JSON has the figures at the end and hears nothing before.

use std::sync::Arc;

use assay_dispute::preflight::{Preflight, PreflightError};
use assay_machine::interpreter::{Interpreter, StepProof};
use assay_machine::isa::name_of;
use assay_machine::memory::commit_blob;
use assay_machine::program::Program;
use eyre::{Result, bail, ensure};
use serde::Serialize;

use crate::console;
use crate::job::{Allowance, boot, walk};
use crate::progress::Progress;
use crate::report::{Blob, State, grouped, status_name};
use crate::run::{Finished, engine_name, natively, on_machine, summary};
use crate::trace::{InstructionReport, verify};

/// Sorts and aggregates a CSV, in exact decimals.
const MODULE: &[u8] = include_bytes!("../../jobs/wasm/csv.wasm");
/// 800 lines of it.
const INPUT: &[u8] = include_bytes!("../../jobs/inputs/csv.csv");
/// State hashes that are shown.
const HASHES: u64 = 5;

/// The command line of `assay demo`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Prove this step instead of the first store after the middle of the run
    #[arg(long, value_name = "STEP")]
    step: Option<u64>,
    /// Print the figures as JSON, at the end
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Report {
    program: String,
    module_bytes: usize,
    input_bytes: usize,
    runs: [RunReport; 2],
    hashes: Vec<HashReport>,
    step: StepReport,
    changed_witness: &'static str,
    refusal: Option<String>,
}

/// What one engine came to; both come to the same.
#[derive(Serialize)]
struct RunReport {
    engine: &'static str,
    status: &'static str,
    code: u32,
    fuel_used: u64,
    steps: Option<u64>,
    output: Blob,
    run_ms: f64,
}

#[derive(Serialize)]
struct HashReport {
    step: u64,
    state_hash: String,
}

/// The step that the contract executed.
#[derive(Serialize)]
struct StepReport {
    step: u64,
    before: State,
    instruction: Option<InstructionReport>,
    after: State,
    witness_bytes: usize,
    contract_bytes: usize,
    execution_gas: u64,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<()> {
    let tell = |text: &str| if arguments.json { Ok(()) } else { console::print(text) };
    let program = crate::job::lower(MODULE)?;
    let input: Arc<[u8]> = INPUT.into();
    let allowance = Allowance::default();
    tell(&format!(
        "1. A job: jobs/wasm/csv.wasm, an ordinary WASI program of {} bytes, over a CSV of {} bytes.\n\n",
        grouped(MODULE.len() as u64),
        grouped(INPUT.len() as u64)
    ))?;
    let native = natively(&program, allowance, input.clone(), None)?;
    tell(&indented(&String::from_utf8_lossy(&native.output)))?;
    tell(&indented(&summary(&program, &native)))?;

    let machine = on_machine(&program, allowance, input.clone(), None)?;
    let steps = machine.steps.unwrap_or_default();
    tell("\n2. The machine decides what is right. It runs the same job, step by step, to the same result.\n\n")?;
    tell(&indented(&summary(&program, &machine)))?;
    ensure!(is_same(&native, &machine), "the native engine and the machine disagree: report this as a fault");

    tell("\n3. Every state has a hash. A dispute halves the run by these until one step is left.\n\n")?;
    let mut hashes = Vec::new();
    let mut run = boot(&program, &input, allowance)?;
    for i in 0..HASHES {
        walk(&mut run, steps * i / (HASHES - 1), &mut Progress::start())?;
        let hash = HashReport { step: run.steps(), state_hash: run.state_hash().to_string() };
        tell(&format!("  {:>12}  {}\n", grouped(hash.step), hash.state_hash))?;
        hashes.push(hash);
    }

    let mut run = boot(&program, &input, allowance)?;
    match arguments.step {
        Some(step) => walk(&mut run, step, &mut Progress::start())?,
        None => walk_to_store(&program, &mut run, steps / 2)?,
    }
    let (step, proof) = prove(&program, &mut run)?;
    tell(&text(&step))?;
    let refusal = lie(&proof)?;
    if let Some(reason) = &refusal {
        tell(&format!("\n5. With one bit of the witness changed, the contract refuses: {reason}\n"))?;
    }
    if !arguments.json {
        return Ok(());
    }
    console::print_json(&Report {
        program: program.id().to_string(),
        module_bytes: MODULE.len(),
        input_bytes: INPUT.len(),
        runs: [report(&native)?, report(&machine)?],
        hashes,
        step,
        changed_witness: if refusal.is_some() { "refused" } else { "empty" },
        refusal,
    })
}

/// Goes to the first store at or after a step, or to the end.
fn walk_to_store(program: &Program, run: &mut Interpreter, step: u64) -> Result<()> {
    walk(run, step, &mut Progress::start())?;
    let code = &program.image().code;
    let is_store = |pc: u32| name_of(code[pc as usize].opcode).is_some_and(|name| name.contains(".store"));
    while run.record().is_running() && !is_store(run.record().pc_or_code) {
        run.run_one();
    }
    Ok(())
}

fn prove(program: &Program, run: &mut Interpreter) -> Result<(StepReport, StepProof)> {
    let step = run.steps();
    let instruction = InstructionReport::of(program, run);
    let proof = run.prove_one();
    let verified = verify(&proof)?;
    let told = StepReport {
        step,
        before: State::from(&proof.before),
        instruction,
        after: State::from(&proof.after),
        witness_bytes: proof.witness.len(),
        contract_bytes: Preflight::verifier_bytes(),
        execution_gas: verified.gas,
    };
    Ok((told, proof))
}

fn text(told: &StepReport) -> String {
    let instruction = told.instruction.as_ref().map_or(String::new(), InstructionReport::text);
    format!(
        "\n4. L1 executes step {}, and nothing but this step.\n\n{}{instruction}\n  -> the contract ({} bytes of code, in revm), \
         given these 64 bytes and a witness of {} bytes: {} gas\n\n{}\n  It is the state that the machine comes to, bit for bit.\n",
        grouped(told.step),
        told.before.text(),
        grouped(told.contract_bytes as u64),
        grouped(told.witness_bytes as u64),
        grouped(told.execution_gas),
        told.after.text()
    )
}

/// What the contract says to a witness with one bit changed; nothing if there is no bit to change.
fn lie(proof: &StepProof) -> Result<Option<String>> {
    let mut lie = proof.witness.clone();
    let Some(last) = lie.last_mut() else { return Ok(None) };
    *last ^= 1;
    match Preflight::new().step(&proof.before, &lie) {
        Err(PreflightError::Refused(reason)) => Ok(Some(first_word(&reason).to_owned())),
        other => bail!("the contract takes a changed witness: {other:?}"),
    }
}

fn report(finished: &Finished) -> Result<RunReport> {
    Ok(RunReport {
        engine: engine_name(finished.engine),
        status: status_name(finished.outcome.status as u8),
        code: finished.outcome.code,
        fuel_used: finished.outcome.fuel_used,
        steps: finished.steps,
        output: commit_blob(&finished.output)?.into(),
        run_ms: finished.run_ms,
    })
}

fn is_same(one: &Finished, other: &Finished) -> bool {
    one.outcome == other.outcome && one.output == other.output
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

fn first_word(reason: &str) -> &str {
    reason.split(|c: char| !c.is_alphanumeric()).next().unwrap_or(reason)
}

//! `assay demo`: the whole idea on one sample job. It runs natively and on the machine, its states are hashed, and one of its steps
//! is executed by the contract that L1 would call.
//!
//! Owns the story and nothing else; every figure in it is measured here and now. The job and its input are part of the binary.

use std::sync::Arc;

use assay_dispute::preflight::{Preflight, PreflightError};
use assay_machine::interpreter::Interpreter;
use assay_machine::isa::name_of;
use assay_machine::program::Program;
use eyre::{Result, bail, ensure};

use crate::console;
use crate::job::{Allowance, walk};
use crate::progress::Progress;
use crate::report::{State, grouped};
use crate::run::{Finished, natively, on_machine, summary};
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
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<()> {
    let program = crate::job::lower(MODULE)?;
    let input: Arc<[u8]> = INPUT.into();
    let allowance = Allowance::default();
    console::print(&format!(
        "1. A job: jobs/wasm/csv.wasm, an ordinary WASI program of {} bytes, over a CSV of {} bytes.\n\n",
        grouped(MODULE.len() as u64),
        grouped(INPUT.len() as u64)
    ))?;
    let native = natively(&program, allowance, input.clone(), None)?;
    console::print(&indented(&String::from_utf8_lossy(&native.output)))?;
    console::print(&indented(&summary(&program, &native)))?;

    let machine = on_machine(&program, allowance, input.clone(), None)?;
    let steps = machine.steps.unwrap_or_default();
    console::print(
        "\n2. The machine decides what is right. It runs the same job, step by step, to the same result.\n\n",
    )?;
    console::print(&indented(&summary(&program, &machine)))?;
    ensure!(is_same(&native, &machine), "the native engine and the machine disagree: report this as a fault");

    console::print("\n3. Every state has a hash. A dispute halves the run by these until one step is left.\n\n")?;
    let mut run = program.boot(Arc::new(input.clone()), allowance.limits())?;
    for i in 0..HASHES {
        walk(&mut run, steps * i / (HASHES - 1), &mut Progress::start())?;
        console::print(&format!("  {:>12}  {}\n", grouped(run.steps()), run.state_hash()))?;
    }

    let mut run = program.boot(Arc::new(input), allowance.limits())?;
    match arguments.step {
        Some(step) => walk(&mut run, step, &mut Progress::start())?,
        None => walk_to_store(&program, &mut run, steps / 2)?,
    }
    prove(&program, &mut run)
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

fn prove(program: &Program, run: &mut Interpreter) -> Result<()> {
    let step = run.steps();
    let instruction = InstructionReport::of(program, run).map_or(String::new(), |instruction| instruction.text());
    let proof = run.prove_one();
    let verified = verify(&proof)?;
    console::print(&format!("\n4. L1 executes step {}, and nothing but this step.\n\n", grouped(step)))?;
    console::print(&format!("{}{instruction}\n", State::from(&proof.before).text()))?;
    console::print(&format!(
        "  -> the contract ({} bytes of code, in revm), given these 64 bytes and a witness of {} bytes: {} gas\n\n",
        grouped(Preflight::verifier_bytes() as u64),
        grouped(proof.witness.len() as u64),
        grouped(verified.gas)
    ))?;
    console::print(&State::from(&proof.after).text())?;
    console::print("\n  It is the state that the machine comes to, bit for bit.\n")?;

    let mut lie = proof.witness.clone();
    let Some(last) = lie.last_mut() else { return Ok(()) };
    *last ^= 1;
    match Preflight::new().step(&proof.before, &lie) {
        Err(PreflightError::Refused(reason)) => console::print(&format!(
            "\n5. With one bit of the witness changed, the contract refuses: {}\n",
            first_word(&reason)
        )),
        other => bail!("the contract takes a changed witness: {other:?}"),
    }
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

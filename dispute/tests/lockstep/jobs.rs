//! Steps of real runs: the sample jobs on their sample inputs, at steps drawn from a seed.
//!
//! The fast interpreter passes over the run once and leaves the state hash before and after each drawn step; the proof
//! of the step, made from the nearest checkpoint, must lead from the one to the other.

use super::images::Random;
use super::three::{Three, next_opcode};
use assay_machine::isa::Instruction;
use assay_machine::memory::layout::chunk_address;
use assay_machine::program::{Limits, Program};
use assay_machine::trace::Trace;
use assay_machine::witness::Witness;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SEED: u64 = 0x10b5;
/// Steps drawn anywhere in a run.
const DRAWN: usize = 96;
/// Steps at its start and before its end.
const AT_THE_ENDS: u64 = 12;

/// Every case of the jobs' table whose run ends well.
pub fn all(three: &mut Three) {
    println!("steps of jobs: seed {SEED:#x}");
    let mut random = Random(SEED);
    for line in read("cases.txt", String::from_utf8).lines() {
        let mut columns = line.split_whitespace();
        let (Some(job), Some(input), Some(exit)) = (columns.next(), columns.next(), columns.next()) else { continue };
        if job != "#" && exit != "2" {
            run(three, &mut random, job, input);
        }
    }
}

fn run(three: &mut Three, random: &mut Random, job: &str, input: &str) {
    let program =
        Program::from_wasm(&read(&format!("wasm/{job}.wasm"), Ok::<_, ()>)).expect("sample jobs are programs");
    let input_bytes = read(&format!("inputs/{input}"), Ok::<_, ()>);
    let run = program.boot(Arc::new(input_bytes), Limits::default()).expect("this host can hold a machine");
    let mut trace = Trace::new(run);
    let end = trace.halt_step();
    let mut drawn: BTreeSet<u64> = (0..DRAWN).map(|_| random.below(end)).collect();
    drawn.extend((0..AT_THE_ENDS).flat_map(|i| [i.min(end), end - i.min(end)]));

    let around: BTreeSet<u64> = drawn.iter().flat_map(|step| [*step, step + 1]).collect();
    let around: Vec<u64> = around.into_iter().collect();
    let hashes = trace.state_hashes(&around);
    let hash_at = |step: u64| hashes[around.binary_search(&step).expect("the hash was asked for")];
    for step in drawn {
        let proof = trace.prove(step);
        let name = format!("step {step} of {end} of {job} on {input}");
        if (proof.before.hash(), proof.after.hash()) != (hash_at(step), hash_at(step + 1)) {
            three.disagree(format!("the fast interpreter and the proof, {name}"));
        }
        let opcode = next_opcode(&proof.before, |address| instruction(&proof.witness, address));
        three.agree(opcode, proof.before, &proof.witness, proof.after, &name);
    }
    println!("  {job} on {input}: {end} steps");
}

/// The instruction at an address, from the witness that opens its leaf.
fn instruction(witness: &[u8], address: u64) -> [u8; Instruction::SIZE] {
    let witness = Witness::parse(witness).expect("a proof holds a witness");
    let mut entries = witness.entries().iter();
    let entry = entries.find(|entry| entry.address == chunk_address(address)).expect("a step opens its instruction");
    let offset = (address - entry.address) as usize;
    entry.bytes[offset..offset + Instruction::SIZE].try_into().expect("instructions lie in one leaf")
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../jobs").join(name)
}

fn read<T, E: std::fmt::Debug>(name: &str, parse: impl FnOnce(Vec<u8>) -> Result<T, E>) -> T {
    let bytes = std::fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    parse(bytes).expect("the file is as the jobs' table says")
}

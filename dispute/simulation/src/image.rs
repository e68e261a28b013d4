//! Images by hand: programs that no lowering makes, as their enemies would register them, with what is true of their runs.
//!
//! Owns their evidence, which comes from the definition of a step alone: the fast interpreter runs lowered programs only.
//! The images are those of `specs/vectors/images.json` that a descriptor can name, and a few more.

use std::convert::Infallible;
use std::sync::Arc;

use assay_dispute::game::{Claimed, Evidence};
use assay_machine::interpreter::StepProof;
use assay_machine::isa::{Instruction, name_of};
use assay_machine::memory::{ChunkProof, Memory, Region, RegionRoots, SparseMemory, commit_blob, mount_blob};
use assay_machine::program::{Descriptor, Limits};
use assay_machine::record::{Record, VERSION};
use assay_machine::witness::{prove_step, step_in_place};
use assay_protocol::{B256, Status};
use serde_json::Value;

use crate::job::Job;

const IMAGES: &str = include_str!("../../../specs/vectors/images.json");
/// In the same form: what only whole disputes can tell apart.
const MORE: &str = r#"[
  {"name": "charges less than it runs", "record": {"fuel": "100"}, "code": {
    "0": {"op": "fuel", "imm": "3"}, "1": {"op": "const", "d": 1, "imm": "5"}, "2": {"op": "const", "d": 2, "imm": "5"},
    "3": {"op": "const", "d": 3, "imm": "5"}, "4": {"op": "const", "d": 4, "imm": "5"}, "5": {"op": "exit", "a": 1}}},
  {"name": "charges what it runs", "record": {"fuel": "100"}, "code": {
    "0": {"op": "fuel", "imm": "3"}, "1": {"op": "const", "d": 1, "imm": "5"}, "2": {"op": "exit", "a": 1}}},
  {"name": "a leaf where L1 writes its own", "record": {"fuel": "9"}, "system": {"0": "77", "31": "78", "32": "79"}, "code": {
    "0": {"op": "fuel", "imm": "2"}, "1": {"op": "exit"}}}
]"#;
/// Steps that are followed: the longest run that a claim about these images is about.
const STEPS_MAX: u64 = 1 << 11;

/// The run of an image, state by state.
struct Handwritten {
    /// The memory at step 0.
    boot: SparseMemory,
    /// The first leaf of SYSTEM in the image.
    leaf: ChunkProof,
    /// From the first to the last that differs from the one before, or to the longest followed.
    records: Vec<Record>,
}

impl Handwritten {
    fn record(&self, step: u64) -> Record {
        assert!(step <= STEPS_MAX, "runs of images are followed for {STEPS_MAX} steps");
        self.records[(step as usize).min(self.records.len() - 1)]
    }

    /// The memory at a step.
    fn memory(&self, step: u64) -> SparseMemory {
        let mut memory = self.boot.clone();
        for record in &self.records[..(step as usize).min(self.records.len() - 1)] {
            step_in_place(*record, &mut memory);
        }
        memory.commit();
        memory
    }
}

impl Evidence for Handwritten {
    type Error = Infallible;

    fn state_hashes(&self, steps: &[u64]) -> Result<Vec<B256>, Infallible> {
        Ok(steps.iter().map(|step| self.record(*step).hash()).collect())
    }

    fn step_proof(&self, step: u64) -> Result<StepProof, Infallible> {
        let before = self.record(step);
        let (witness, after) = prove_step(before, &mut self.memory(step));
        Ok(StepProof { before, witness, after })
    }

    fn regions(&self, step: u64) -> Result<(Record, RegionRoots), Infallible> {
        let (memory, mut roots) = (self.memory(step), RegionRoots::default());
        Region::all().for_each(|region| roots.set(region, memory.region_root(region)));
        Ok((self.record(step), roots))
    }

    fn boot_leaf(&self) -> Result<ChunkProof, Infallible> {
        Ok(self.leaf.clone())
    }
}

/// All images that a program can boot with.
///
/// # Panics
/// If the file of images is not as it says.
#[must_use]
pub fn all() -> Vec<Job> {
    let file: Value = serde_json::from_str(IMAGES).expect("the images are JSON");
    let more: Value = serde_json::from_str(MORE).expect("the images are JSON");
    let images = [&file["images"], &more].into_iter().flat_map(|images| images.as_array().expect("a list"));
    let bootable = images.filter(|image| fields(image, "record").all(|(name, _)| matches!(name, "pc" | "fuel")));
    bootable.map(job).collect()
}

fn job(image: &Value) -> Job {
    let name = image["name"].as_str().expect("images have names");
    let field =
        |wanted: &str| fields(image, "record").find(|(name, _)| *name == wanted).map(|(_, value)| number(value));
    let limits = Limits { fuel: field("fuel").unwrap_or(1000).min(1000), output_bytes: 1 << 10 };
    // More pages than there can be are refused at registration, and nothing else of a boot record can fail to be canonical.
    let (entry_pc, pages) = (field("pc").unwrap_or(0) as u32, 1);
    let mut memory = memory_of(image);
    memory.commit();
    let (wasm, input) = (name.as_bytes().to_vec(), Arc::new(b"input".to_vec()));
    let empty = RegionRoots::default();
    let descriptor = Descriptor {
        version: VERSION,
        mounts: Region::all()
            .map(|region| (region, memory.region_root(region)))
            .filter(|(region, root)| *root != empty.get(*region))
            .map(|(region, root)| (region.number() as u8, root))
            .collect(),
        entry_pc,
        memory_pages: pages,
        memory_pages_max: pages,
        wasm: commit_blob(&wasm).expect("names are short"),
    };
    let leaf = memory.chunk_proof(0);
    let input_ref = commit_blob(&input).expect("inputs are short");
    let mut boot_leaf = [0; 256];
    boot_leaf[..8].copy_from_slice(&input_ref.length.to_le_bytes());
    boot_leaf[8..16].copy_from_slice(&limits.output_bytes.to_le_bytes());
    memory.write(0, &boot_leaf);
    memory.write(Region::INPUT.base(), &input);
    let root = memory.commit();
    assert_eq!(memory.region_root(Region::INPUT), mount_blob(&input_ref), "the input lies in memory as it is mounted");

    let boot = memory.clone();
    let mut records = vec![Record::boot(entry_pc, pages, limits.fuel, root)];
    while records.len() <= STEPS_MAX as usize && records[records.len() - 1].is_running() {
        let next = step_in_place(records[records.len() - 1], &mut memory);
        records.push(Record { memory_root: memory.commit(), ..next });
    }
    let halt_step = records.len() as u64 - 1;
    let evidence = Handwritten { boot, leaf, records };
    let end = evidence.record(halt_step);
    let truth = result_of(&end, &memory, limits.fuel);
    let Ok((last, regions)) = evidence.regions(truth.segment().length);
    let has_truth = truth.is_implied_by(&last, &regions);
    let (name, evidence) = (name.into(), Arc::new(evidence));
    Job { name, descriptor, wasm, input, input_ref, limits, truth, has_truth, evidence, halt_step }
}

/// The result that the last state would imply, if a result can have its status; else one that ends in the same place.
fn result_of(end: &Record, memory: &SparseMemory, fuel_limit: u64) -> Claimed {
    let status = Status::from_byte(end.status)
        .filter(|status| matches!(status, Status::Exit | Status::Trap | Status::OutOfFuel));
    let mut output = vec![0; end.output_length as usize];
    memory.read(Region::OUTPUT.base(), &mut output);
    Claimed {
        status: status.unwrap_or(Status::Exit) as u8,
        code: end.pc_or_code,
        fuel_used: fuel_limit - end.fuel,
        fuel_limit,
        output: commit_blob(&output).expect("outputs are short"),
    }
}

fn memory_of(image: &Value) -> SparseMemory {
    let mut memory = SparseMemory::new();
    for (pc, coded) in fields(image, "code") {
        let pc: u64 = pc.parse().expect("a pc in decimal");
        memory.write(Region::CODE.base() + 16 * pc, &instruction(coded).to_bytes());
    }
    for (name, base) in [("slots", Region::STACK.base()), ("system", Region::SYSTEM.base())] {
        for (word, value) in fields(image, name) {
            memory.write(base + 8 * word_of(word), &number(value).to_le_bytes());
        }
    }
    memory
}

fn instruction(coded: &Value) -> Instruction {
    let op = coded["op"].as_str().expect("instructions have opcodes");
    let opcode = match op.strip_prefix("0x") {
        Some(digits) => u16::from_str_radix(digits, 16).expect("an opcode in hexadecimal"),
        None => {
            (0..=u16::MAX).find(|opcode| name_of(*opcode).as_deref() == Some(op)).expect("an instruction has this name")
        }
    };
    let slot = |name: &str| coded.get(name).map_or(0, |value| value.as_u64().expect("a slot") as u16);
    let imm = coded.get("imm").map_or(0, number);
    Instruction { opcode, d: slot("d"), a: slot("a"), b: slot("b"), imm }
}

fn fields<'a>(image: &'a Value, name: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    image[name].as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn number(value: &Value) -> u64 {
    word_of(value.as_str().expect("numbers are text"))
}

/// A number in decimal or hexadecimal.
fn word_of(text: &str) -> u64 {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.expect("a number")
}

//! Execution gas of a step, by opcode: the most that was found, and the witness of that step.
//!
//! For each opcode: an image whose slots, words and chunks all lie apart and whose accesses straddle pages; images from a
//! seed; for numeric operators all operands of specs/vectors/numeric.json. The costliest of them are measured again in
//! a dense memory, in which no sibling of any chunk that the step opens is a zero subtree, so that none is left out.
//! Gas is what the contract burns, without the transaction's base cost and calldata.

use super::hostile;
use super::images::{self, Image, Random, is_numeric, opcodes};
use assay_dispute::preflight::Preflight;
use assay_machine::isa::{Instruction, Slots, form_of, name_of, op};
use assay_machine::memory::layout::Kind;
use assay_machine::memory::{Memory, Region, SparseMemory};
use assay_machine::record::Record;
use assay_machine::witness::{Witness, prove_step};
use assay_protocol::B256;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Seed of the random images.
const SEED: u64 = 0x6a5;
const IMAGES_PER_OTHER_OPCODE: usize = 96;
const IMAGES_PER_NUMERIC_OPCODE: usize = 4;
/// The costliest images of an opcode, which are made dense.
const DENSE: usize = 4;

/// A measured step.
#[derive(Clone)]
pub struct Measured {
    /// Gas of the execution.
    pub gas: u64,
    /// Bytes of the witness.
    pub witness_bytes: usize,
    /// Chunks opened in control regions and in bulk regions.
    pub chunks: (usize, usize),
}

/// The costliest step of every opcode, in order of opcode, and of the hostile images by name.
pub struct Table {
    /// By opcode.
    pub opcodes: BTreeMap<u16, Measured>,
    /// The costliest load or store that opens one chunk of memory only.
    pub access_in_one_chunk: Measured,
    /// All steps that were measured: whose witnesses are short, since siblings are zero, as well as those made dense.
    pub all: Vec<(u16, Measured)>,
    /// The costliest step of a hostile image.
    pub hostile: (String, Measured),
}

#[derive(Deserialize)]
struct File {
    operators: Vec<Operator>,
}

#[derive(Deserialize)]
struct Operator {
    opcode: u16,
    a: Vec<String>,
    #[serde(default)]
    b: Vec<String>,
}

/// Operands of each numeric operator.
type Operands = BTreeMap<u16, Vec<(u64, u64)>>;

impl Table {
    /// Measures everything.
    pub fn measure() -> Self {
        let mut evm = Preflight::new();
        let mut random = Random(SEED);
        let operands = operands();
        let (mut opcodes_measured, mut all) = (BTreeMap::new(), Vec::new());
        let mut access_in_one_chunk = Measured { gas: 0, witness_bytes: 0, chunks: (0, 0) };
        for opcode in opcodes() {
            let mut candidates = if is_numeric(opcode) {
                operands[&(opcode & 0xff)].iter().map(|(a, b)| apart(opcode, *a, *b)).collect()
            } else {
                vec![
                    apart(opcode, PAGE_END, SOURCE),
                    apart(opcode, DESTINATION, SOURCE),
                    apart(opcode, SOURCE, DESTINATION),
                    apart(opcode, 3, 1),
                ]
            };
            let furnished = images::furnished(&mut random);
            let count = if is_numeric(opcode) { IMAGES_PER_NUMERIC_OPCODE } else { IMAGES_PER_OTHER_OPCODE };
            candidates.extend((0..count).map(|_| images::image(&mut random, opcode, &furnished)));
            let mut measured: Vec<(Measured, Image)> =
                candidates.into_iter().map(|image| (measure(&mut evm, image.clone()), image)).collect();
            measured.sort_by_key(|(measured, _)| std::cmp::Reverse(measured.gas));
            let dense: Vec<_> =
                measured.iter().take(DENSE).map(|(_, image)| measure(&mut evm, densified(image.clone()))).collect();
            if (op::I32_LOAD..=op::I64_STORE32).contains(&opcode) {
                let one_chunk: Vec<_> = measured.iter().filter(|(measured, _)| measured.chunks.1 == 1).collect();
                for (_, image) in one_chunk.into_iter().take(DENSE) {
                    let measured = measure(&mut evm, densified(image.clone()));
                    keep(&mut access_in_one_chunk, measured);
                }
            }
            all.extend(measured.iter().map(|(measured, _)| (opcode, measured.clone())));
            all.extend(dense.iter().map(|measured| (opcode, measured.clone())));
            let mut most = measured.swap_remove(0).0;
            dense.into_iter().for_each(|measured| keep(&mut most, measured));
            opcodes_measured.insert(opcode, most);
        }
        let hostile = hostile::read().into_iter();
        let hostile = hostile.map(|hostile| (hostile.name.clone(), costliest_step(&mut evm, hostile.image())));
        let hostile = hostile.max_by_key(|(_, measured)| measured.gas).expect("there are hostile images");
        Self { opcodes: opcodes_measured, access_in_one_chunk, all, hostile }
    }

    /// The costliest of some opcodes.
    pub fn most(&self, of: impl Fn(u16) -> bool) -> (u16, &Measured) {
        let some = self.opcodes.iter().filter(|(opcode, _)| of(**opcode));
        let (opcode, measured) = some.max_by_key(|(_, measured)| measured.gas).expect("some opcode is meant");
        (*opcode, measured)
    }

    /// The committed file.
    pub fn to_markdown(&self) -> String {
        let mut text = String::from(HEAD);
        let mut line = |label: &str, measured: &Measured| {
            let Measured { gas, witness_bytes, chunks: (control, bulk) } = measured;
            writeln!(text, "| {label} | {gas} | {witness_bytes} | {control} | {bulk} |")
                .expect("strings take any text");
        };
        let name = |opcode: u16| name_of(opcode).expect("measured opcodes are defined");
        let summary: [(&str, (u16, &Measured)); 3] = [
            ("slots alone", self.most(is_on_slots_alone)),
            ("load or store", self.most(is_access)),
            ("any opcode", self.most(|_| true)),
        ];
        for (what, (opcode, measured)) in summary {
            line(&format!("most of: {what} (`{}`)", name(opcode)), measured);
        }
        line("most of: load or store within one chunk", &self.access_in_one_chunk);
        line(&format!("most of: hostile images ({})", self.hostile.0), &self.hostile.1);
        for (opcode, measured) in &self.opcodes {
            line(&format!("{opcode:#06x} `{}`", name(*opcode)), measured);
        }
        text
    }
}

const HEAD: &str = "\
# Execution gas of one step

Written by `cargo run -p assay-dispute --example gas_table`; `dispute/tests/gas` holds it equal. The most that was found
for each opcode, over operands, placements that straddle leaves, chunks and pages, and memories in which no sibling is a zero
subtree. Gas is the contract's execution: without the transaction's base cost and calldata.

| step | gas | witness, bytes | control chunks | bulk chunks |
| --- | ---: | ---: | ---: | ---: |
";

/// Loads and stores.
pub fn is_access(opcode: u16) -> bool {
    (op::I32_LOAD..=op::I64_STORE32).contains(&opcode)
}

/// Opcodes that touch their instruction and slots only.
pub fn is_on_slots_alone(opcode: u16) -> bool {
    let elsewhere = matches!(
        opcode,
        op::CALL_INDIRECT
            | op::SYSTEM_GET
            | op::SYSTEM_SET
            | op::MEMORY_COPY..=op::MEMORY_INIT
            | op::TABLE_GET..=op::TABLE_INIT
            | op::INPUT_SIZE..=op::OUTPUT_WRITE
    );
    !is_access(opcode) && !elsewhere
}

fn keep(most: &mut Measured, measured: Measured) {
    if measured.gas > most.gas {
        *most = measured;
    }
}

/// The costliest of an image's steps, until it halts or the files' longest run ends.
fn costliest_step(evm: &mut Preflight, mut image: Image) -> Measured {
    let mut most = measure(evm, densified(image.clone()));
    for _ in 1..hostile::STEPS_MAX {
        let (_, next) = prove_step(image.record, &mut image.memory);
        image.record = next;
        if !next.is_running() {
            break;
        }
        keep(&mut most, measure(evm, densified(image.clone())));
    }
    most
}

fn operands() -> Operands {
    let file: File = serde_json::from_str(include_str!("../../../specs/vectors/numeric.json"))
        .expect("the vectors are of this form");
    let word = |hex: &String| u64::from_str_radix(hex.trim_start_matches("0x"), 16).expect("words are hexadecimal");
    let pairs = |operator: &Operator| {
        let b = |index: usize| operator.b.get(index).map_or(0, word);
        operator.a.iter().enumerate().map(|(index, a)| (word(a), b(index))).collect()
    };
    file.operators.iter().map(|operator| (operator.opcode, pairs(operator))).collect()
}

/// Last byte of a page, so that what is longer straddles it and the next.
const PAGE_END: u64 = 4095;
/// First bytes of chunks in pages apart: a change there leaves the two hashes of a chunk nothing in common.
const DESTINATION: u64 = 5 * 4096;
const SOURCE: u64 = 2 * 4096;
/// Words of SYSTEM, leaves apart, at which tables begin.
const TABLE: u64 = 1000;
const OTHER_TABLE: u64 = 9000;

/// An image whose slots lie in leaves apart, a and b being the operands; a, a + 1 and a + 2 in two leaves.
fn apart(opcode: u16, a: u64, b: u64) -> Image {
    let form = form_of(opcode).expect("images are of defined opcodes");
    let or_zero = |used: bool, value: u16| if used { value } else { 0 };
    let several = matches!(form.slots, Slots::Pair | Slots::Triple | Slots::DTriple | Slots::Quad);
    let mut instruction = Instruction {
        opcode,
        d: or_zero(form.fields.d, 200),
        a: or_zero(form.fields.a, if several { 31 } else { 40 }),
        b: or_zero(form.fields.b, 80),
        imm: 0,
    };
    instruction.imm = match opcode {
        op::TRAP => 1,
        op::SELECT => 120,
        op::ENTER => 1 << 32,
        op::CALL_INDIRECT | op::SYSTEM_GET | op::SYSTEM_SET => TABLE,
        op::TABLE_GET | op::TABLE_SET | op::TABLE_FILL | op::MEMORY_INIT => TABLE,
        op::TABLE_COPY | op::TABLE_INIT => TABLE | OTHER_TABLE << 32,
        op::TABLE_GROW => TABLE | u64::from(u32::MAX) << 32,
        op::MEMORY_GROW => 65_536,
        _ if is_numeric(opcode) => form.imm_end.map_or(b, |end| if end == 1 << 32 { b & 0xffff_ffff } else { 0 }),
        _ => 0,
    };
    if matches!(opcode, op::ENTER | op::CLEAR) {
        (instruction.a, instruction.b) = (17, 32);
    }
    let mut memory = SparseMemory::new();
    let mut put =
        |slot: u16, value: u64| memory.write(Region::STACK.base() + 8 * u64::from(slot), &value.to_le_bytes());
    for slot in 0..64 {
        put(slot, u64::MAX / 3);
    }
    let (a, b) = match opcode {
        // No byte of the value is what it replaces.
        op::I32_STORE..=op::I64_STORE32 => (a, u64::MAX / 17 * 6),
        op::CALL_INDIRECT => (0, 3000),
        op::RETURN => (7, 0),
        op::TABLE_GET | op::TABLE_SET => (3000, 1),
        op::TABLE_FILL => (3000, 9),
        // Both ways, entries apart from both sizes.
        op::TABLE_COPY | op::TABLE_INIT if a > b => (5000, 3000),
        op::TABLE_COPY | op::TABLE_INIT => (3000, 5000),
        op::TABLE_GROW => (0, 0),
        _ => (a, b),
    };
    put(instruction.b, b);
    if opcode == op::SELECT {
        put(120, 1);
    }
    if several {
        put(32, if opcode == op::OUTPUT_WRITE { 32 } else { b });
        put(33, 32);
        put(34, 32);
    }
    if form.fields.a && !matches!(opcode, op::ENTER | op::CLEAR) {
        put(instruction.a, a);
    }
    for (word, value) in [(0, 1 << 30), (1, 1 << 30), (TABLE, 1 << 20), (OTHER_TABLE, 1 << 20), (TABLE + 3001, 5)] {
        memory.write(8 * word, &u64::to_le_bytes(value));
    }
    for region in [Region::SYSTEM, Region::MEMORY, Region::INPUT] {
        let first = if region == Region::SYSTEM { 8 * 12_000 } else { 0 };
        for at in (first..first + 8192 * 4).step_by(8) {
            memory.write(region.base() + at, &(at | 0xa5a5_0000_0000).to_le_bytes());
        }
    }
    Image::new(Record::boot(100, 65_536, 1 << 40, B256::ZERO), instruction, memory)
}

/// The image with something beside every chunk that its next step opens, at every level of the tree.
fn densified(image: Image) -> Image {
    let Image { record, mut memory } = image;
    let (witness, _) = prove_step(record, &mut memory.clone());
    let witness = Witness::parse(&witness).expect("a proof holds a witness");
    let opened: Vec<u64> = witness.entries().iter().map(|entry| entry.address).collect();
    for address in &opened {
        let kind = Region::of(*address).kind();
        let chunk_size = kind.chunk_size() as u64;
        let inside_page = match kind {
            Kind::Control => vec![],
            Kind::Bulk => vec![address ^ 1024, address ^ 2048],
        };
        let beside = (0..kind.depth()).map(|level| address ^ (kind.leaf_size() as u64) << level).chain(inside_page);
        for beside in beside.filter(|beside| !opened.contains(&(beside - beside % chunk_size))) {
            memory.write(beside, &beside.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        }
    }
    let memory_root = memory.commit();
    Image { record: Record { memory_root, ..record }, memory }
}

fn measure(evm: &mut Preflight, image: Image) -> Measured {
    let Image { record, mut memory } = image;
    let (witness, next) = prove_step(record, &mut memory);
    let verified = evm.step(&record, &witness).expect("the contract accepts every proof");
    assert_eq!(verified.next, next, "the contract makes the step from {record:?}");
    let parsed = Witness::parse(&witness).expect("a proof holds a witness");
    let bulk = parsed.entries().iter().filter(|entry| Region::of(entry.address).kind() == Kind::Bulk).count();
    Measured { gas: verified.gas, witness_bytes: witness.len(), chunks: (parsed.entries().len() - bulk, bulk) }
}

//! Changed witnesses: whatever is changed, the twin and the contract both refuse, and the contract by an error of its own,
//! never by running out of gas, by a panic or by accepting.

use super::images::{self, Image, Random, image, is_numeric, opcodes};
use assay_dispute::preflight::{Preflight, PreflightError};
use assay_machine::isa::{Instruction, name_of, num, op};
use assay_machine::memory::layout::{Region, SPACE_SIZE};
use assay_machine::memory::proof::ChunkProof;
use assay_machine::memory::{Memory, SparseMemory};
use assay_machine::record::Record;
use assay_machine::witness::{Witness, prove_step, verify_step};
use assay_protocol::B256;
use std::collections::BTreeMap;

const SEED: u64 = 0x7a3;
/// Bits flipped in each sampled witness, besides those flipped one by one.
const BITS_PER_WITNESS: u64 = 24;
const WITNESSES_PER_NUMERIC_OPCODE: u64 = 1;
const WITNESSES_PER_OTHER_OPCODE: u64 = 6;

/// Refusals by kind of change.
struct Judges {
    evm: Preflight,
    refused: BTreeMap<&'static str, u64>,
    accepted: Vec<String>,
}

impl Judges {
    fn new() -> Self {
        Self { evm: Preflight::new(), refused: BTreeMap::new(), accepted: Vec::new() }
    }

    /// Both must refuse, and the contract must say why.
    fn refuse(&mut self, record: &Record, witness: &[u8], change: &'static str, of: &str) {
        *self.refused.entry(change).or_default() += 1;
        if let Ok(next) = verify_step(*record, witness) {
            self.accepted.push(format!("the twin: {change} of {of} gives {next:?}"));
        }
        let by_name = |reason: &str| !reason.starts_with("0x") && !reason.contains("anic");
        match self.evm.step(record, witness) {
            Err(PreflightError::Refused(reason)) if by_name(&reason) => {}
            Err(error) => self.accepted.push(format!("the contract: {change} of {of}: {error}")),
            Ok(verified) => self.accepted.push(format!("the contract: {change} of {of} gives {:?}", verified.next)),
        }
    }

    fn conclude(self) {
        for (change, count) in &self.refused {
            println!("  {change:<36} {count:>6}");
        }
        println!("{} changed witnesses refused by both", self.refused.values().sum::<u64>());
        assert!(
            self.accepted.is_empty(),
            "{} not refused: {:#?}",
            self.accepted.len(),
            &self.accepted[..self.accepted.len().min(10)]
        );
    }
}

/// Images of one instruction each with short witnesses: of no slot, of slots, of floats, of a bulk chunk, and of two of them.
fn short_images() -> Vec<(&'static str, Image)> {
    let record = Record::boot(3, 1, 100, B256::ZERO);
    let one = |opcode, imm| Instruction { opcode, imm, ..Instruction::default() };
    let mut ones = SparseMemory::new();
    for slot in 0..40u64 {
        ones.write(Region::STACK.base() + 8 * slot, &(slot + 1).to_le_bytes());
    }
    ones.write(Region::MEMORY.base() + 5000, &[7; 64]);
    let slots = |words: &[u64]| {
        let mut memory = SparseMemory::new();
        for (slot, word) in (0..).zip(words) {
            memory.write(Region::STACK.base() + 8 * slot, &word.to_le_bytes());
        }
        memory
    };
    let floats = slots(&[1.5_f64.to_bits(), (-0.1_f64).to_bits()]);
    // From one chunk to the last 14 bytes of another, with 18 to go.
    let mut pieces = slots(&[1010, 5000, 32]);
    pieces.write(Region::MEMORY.base() + 5000, &[7; 64]);
    vec![
        ("jump", Image::new(record, one(op::JUMP, 7 << 32 | 9), SparseMemory::new())),
        ("copy", Image::new(record, Instruction { d: 2, a: 1, ..one(op::COPY, 0) }, ones.clone())),
        ("f64.add", Image::new(record, Instruction { d: 2, a: 0, b: 1, ..one(num::F64_ADD, 0) }, floats)),
        ("i32.store8", Image::new(record, Instruction { a: 0, b: 1, ..one(op::I32_STORE8, 5000) }, ones)),
        ("memory.copy", Image::new(record, one(op::MEMORY_COPY, 0), pieces)),
    ]
}

#[test]
fn every_flipped_bit_is_refused() {
    let mut judges = Judges::new();
    for (name, Image { record, mut memory }) in short_images() {
        let (witness, _) = prove_step(record, &mut memory);
        for bit in 0..8 * witness.len() {
            let mut flipped = witness.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            judges.refuse(&record, &flipped, "a bit flipped", &format!("bit {bit}, {name}"));
        }
    }
    judges.conclude();
}

#[test]
fn every_change_to_a_witness_is_refused() {
    println!("changed witnesses: seed {SEED:#x}");
    let mut judges = Judges::new();
    let mut random = Random(SEED);
    for opcode in opcodes() {
        let furnished = images::furnished(&mut random);
        let count = if is_numeric(opcode) { WITNESSES_PER_NUMERIC_OPCODE } else { WITNESSES_PER_OTHER_OPCODE };
        for index in 0..count {
            let Image { record, mut memory } = image(&mut random, opcode, &furnished);
            let (witness, _) = prove_step(record, &mut memory);
            let name = name_of(opcode).expect("defined opcodes have names");
            let of = format!("witness {index} of {name} from {record:?}");
            change_bytes(&mut judges, &mut random, &record, &witness, &of);
            change_entries(&mut judges, &mut random, &record, &witness, &of);
        }
    }
    judges.conclude();
}

fn change_bytes(judges: &mut Judges, random: &mut Random, record: &Record, witness: &[u8], of: &str) {
    let longer = [witness, &[0]].concat();
    judges.refuse(record, &longer, "a byte more", of);
    if witness.is_empty() {
        return;
    }
    judges.refuse(record, &witness[..witness.len() - 1], "a byte less", of);
    judges.refuse(record, &witness[1..], "the first byte removed", of);
    judges.refuse(record, &[], "everything removed", of);
    // The bit of 2^40 in the first entry's address.
    let mut outside = witness.to_vec();
    outside[2] ^= 1;
    judges.refuse(record, &outside, "an address out of range", of);
    let cut = random.below(witness.len() as u64) as usize;
    judges.refuse(record, &witness[..cut], "cut anywhere", of);
    judges.refuse(record, &[witness, witness].concat(), "said twice", of);
    for _ in 0..BITS_PER_WITNESS {
        let bit = random.below(8 * witness.len() as u64) as usize;
        let mut flipped = witness.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        judges.refuse(record, &flipped, "a bit flipped", of);
    }
    let mut root = record.memory_root;
    root.0[random.below(32) as usize] ^= 1 << random.below(8);
    judges.refuse(&Record { memory_root: root, ..*record }, witness, "the old root changed", of);
}

fn change_entries(judges: &mut Judges, random: &mut Random, record: &Record, witness: &[u8], of: &str) {
    let parsed = Witness::parse(witness).expect("a proof holds a witness");
    let entries = parsed.entries();
    let mut refuse = |entries: Vec<ChunkProof>, change| {
        judges.refuse(record, &Witness::new(entries).to_bytes(), change, of);
    };
    let untouched = SparseMemory::new().chunk_proof(SPACE_SIZE - 1024);
    refuse([entries, &[untouched]].concat(), "an untouched chunk added");
    for (i, entry) in entries.iter().enumerate() {
        let with = |changed: ChunkProof| {
            let mut all = entries.to_vec();
            all[i] = changed;
            all
        };
        let mut without = entries.to_vec();
        without.remove(i);
        refuse(without, "an entry removed");
        let mut twice = entries.to_vec();
        twice.insert(i, entry.clone());
        refuse(twice, "an entry duplicated");
        if i > 0 {
            let mut swapped = entries.to_vec();
            swapped.swap(i - 1, i);
            refuse(swapped, "two entries swapped");
        }
        let kind = Region::of(entry.address).kind();
        refuse(with(ChunkProof { mask: entry.mask | 1 << kind.depth(), ..entry.clone() }), "a mask bit out of range");
        if entry.mask != 0 {
            let nth = random.below(u64::from(entry.mask.count_ones()));
            let level = (0..kind.depth()).filter(|level| entry.mask >> level & 1 == 1).nth(nth as usize);
            let level = level.expect("the mask has more bits");
            let spelled_out = ChunkProof { mask: entry.mask & !(1 << level), ..entry.clone() };
            refuse(with(spelled_out), "a zero sibling spelled out");
        }
        // A level that is not zero, left out: its sibling is then read as zero.
        if let Some(level) = (0..kind.depth()).find(|level| entry.mask >> level & 1 == 0) {
            refuse(with(ChunkProof { mask: entry.mask | 1 << level, ..entry.clone() }), "a sibling left out");
        }
        let mut siblings = entry.siblings.clone();
        let at = random.below(siblings.len() as u64 - 1) as usize;
        if siblings[at] != siblings[at + 1] && mask_allows(entry, at) && mask_allows(entry, at + 1) {
            siblings.swap(at, at + 1);
            refuse(with(ChunkProof { siblings, ..entry.clone() }), "two siblings swapped");
        }
        let mut lied = entry.clone();
        let byte = random.below(lied.bytes.len() as u64) as usize;
        lied.bytes[byte] = lied.bytes[byte].wrapping_add(1 + random.below(255) as u8);
        refuse(with(lied), "a byte of a chunk changed");
    }
}

/// Whether the sibling at a position is spelled out.
fn mask_allows(entry: &ChunkProof, position: usize) -> bool {
    let inner = Region::of(entry.address).kind().inner_siblings();
    position < inner || position - inner >= 32 || entry.mask >> (position - inner) & 1 == 0
}

#[test]
fn a_step_that_touches_nothing_opens_nothing() {
    let mut judges = Judges::new();
    let running = Record::boot(3, 1, 100, SparseMemory::new().commit());
    let witness = Witness::new(vec![SparseMemory::new().chunk_proof(0)]).to_bytes();
    for record in [
        running.exit(1),
        running.illegal(),
        Record { pc_or_code: u32::MAX, ..running },
        Record { fp: 1 << 18, ..running },
    ] {
        judges.refuse(&record, &witness, "an untouched chunk added", &format!("{record:?}"));
        judges.refuse(&record, &[0], "a byte more", &format!("{record:?}"));
    }
    judges.conclude();
}

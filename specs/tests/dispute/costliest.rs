//! The step that costs the most as a transaction, by `bridge-contracts/gas/steps.md`: an `output.write` whose instruction,
//! two slots and output limit lie in four leaves, and whose piece is read from one chunk and written into another, in a
//! memory in which no sibling of any of them is a zero subtree.
//!
//! Owns the image of that step. The disputes of `bridge-contracts/gas/disputes.md` end with it.

use assay_machine::isa::{Instruction, op};
use assay_machine::memory::layout::Kind;
use assay_machine::memory::{Memory, Region, SparseMemory};
use assay_machine::record::Record;
use assay_machine::witness::{Witness, prove_step};
use assay_protocol::B256;
use serde_json::{Value, json};

use super::run::{hex, word};

const PC: u32 = 100;
/// The last slot of a leaf, so that the slot after it lies in another one.
const SLOT: u16 = 31;
/// Bytes that are written: as many as one step moves.
const PIECE: u64 = 32;
/// Where they are read, whole pages from the start of MEMORY.
const SOURCE: u64 = 2 * 4096;
const OUTPUT_LIMIT: u64 = 1 << 30;

/// The step as a vector.
pub fn step() -> Value {
    let (record, mut memory) = image();
    let (witness, next) = prove_step(record, &mut memory);
    assert_eq!(next.output_length, PIECE, "the step writes a whole piece");
    json!({
        "name": "output.write",
        "head": hex(&record.to_bytes()[..32]),
        "root": word(&record.memory_root),
        "witness": hex(&witness),
        "nextHead": hex(&next.to_bytes()[..32]),
        "nextRoot": word(&next.memory_root),
    })
}

fn image() -> (Record, SparseMemory) {
    let mut memory = SparseMemory::new();
    let instruction = Instruction { opcode: op::OUTPUT_WRITE, d: 0, a: SLOT, b: 0, imm: 0 };
    memory.write(Region::CODE.base() + Instruction::SIZE as u64 * u64::from(PC), &instruction.to_bytes());
    for slot in 0..64 {
        memory.write(Region::STACK.base() + 8 * slot, &(u64::MAX / 3).to_le_bytes());
    }
    memory.write(Region::STACK.base() + 8 * u64::from(SLOT), &SOURCE.to_le_bytes());
    memory.write(Region::STACK.base() + 8 * u64::from(SLOT + 1), &PIECE.to_le_bytes());
    for word in [0, 1] {
        memory.write(8 * word, &OUTPUT_LIMIT.to_le_bytes());
    }
    for region in [Region::SYSTEM, Region::MEMORY] {
        let first = if region == Region::SYSTEM { 8 * 12_000 } else { 0 };
        for at in (first..first + 4 * 8192).step_by(8) {
            memory.write(region.base() + at, &(at | 0xa5a5_0000_0000).to_le_bytes());
        }
    }
    let memory_root = memory.commit();
    let record = Record::boot(PC, 65_536, 1 << 40, memory_root);
    let (witness, _) = prove_step(record, &mut memory.clone());
    let memory_root = crowd(&mut memory, &Witness::parse(&witness).expect("a proof holds a witness"));
    (Record { memory_root, ..record }, memory)
}

/// Writes something beside every chunk that a witness opens, at every level of the tree.
fn crowd(memory: &mut SparseMemory, witness: &Witness) -> B256 {
    let opened: Vec<u64> = witness.entries().iter().map(|entry| entry.address).collect();
    for address in &opened {
        let kind = Region::of(*address).kind();
        let within_page: &[u64] = if kind == Kind::Bulk { &[1024, 2048] } else { &[] };
        let levels = (0..kind.depth()).map(|level| (kind.leaf_size() as u64) << level);
        for beside in levels.chain(within_page.iter().copied()).map(|distance| address ^ distance) {
            let chunk = beside - beside % kind.chunk_size() as u64;
            if !opened.contains(&chunk) {
                memory.write(beside, &beside.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
            }
        }
    }
    memory.commit()
}

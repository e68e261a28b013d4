//! Examples that are one step with its witness, over an image made by hand.

use assay_machine::isa::{Instruction, num, op};
use assay_machine::memory::layout::{Kind, Region};
use assay_machine::memory::{Memory, SparseMemory};
use assay_machine::record::Record;
use assay_machine::witness::{Witness, prove_step};
use assay_protocol::{B256, keccak256};

use super::text_block;
use crate::listing::line;

/// First slot of the frame in both examples.
const FP: u32 = 4;
/// The instruction's index in both examples.
const PC: u32 = 10;
/// Bytes in a line of a dump.
const LINE_SIZE: usize = 32;

/// An addition of two slots into a third.
pub fn slots_only() -> String {
    let instruction = Instruction { opcode: num::I32_ADD, d: 2, a: 0, b: 1, imm: 0 };
    example(instruction, &[(0, 7), (1, 0xffff_ffff)], &[])
}

/// A store of 8 bytes whose middle is the end of MEMORY's first chunk.
pub fn straddling_store() -> String {
    let instruction = Instruction { opcode: op::I64_STORE, d: 0, a: 0, b: 1, imm: 0x3fc };
    let around: Vec<u8> = (0xa0..0xb0).collect();
    example(instruction, &[(1, 0x1122_3344_5566_7788)], &[(0x3f8, &around)])
}

fn example(instruction: Instruction, slots: &[(u32, u64)], bytes: &[(u64, &[u8])]) -> String {
    let mut memory = SparseMemory::new();
    memory.write(Region::CODE.base() + u64::from(PC) * Instruction::SIZE as u64, &instruction.to_bytes());
    for (slot, value) in slots {
        memory.write(Region::STACK.base() + 8 * u64::from(FP + slot), &value.to_le_bytes());
    }
    for (offset, bytes) in bytes {
        memory.write(Region::MEMORY.base() + offset, bytes);
    }
    let before = Record { fp: FP, ..Record::boot(PC, 1, 1000, memory.commit()) };
    let (witness, after) = prove_step(before, &mut memory);

    let mut text = format!("instruction  {}\n", line(&instruction));
    text.push_str(&record("before", &before));
    let parsed = Witness::parse(&witness).expect("what was proved is well-formed");
    for (index, entry) in parsed.entries().iter().enumerate() {
        let kind = Region::of(entry.address).kind();
        let left_out = entry.mask.count_ones() as usize;
        text.push_str(&format!(
            "entry {index}\n  address    {:016x}  region {}\n  mask       {:08x}\n  old bytes\n{}",
            entry.address,
            Region::of(entry.address).number(),
            entry.mask,
            dump(&entry.bytes),
        ));
        text.push_str(&format!("  siblings   {} written, {left_out} left out\n", entry.siblings.len() - left_out));
        for (level, sibling) in entry.siblings.iter().enumerate() {
            if !is_left_out(kind, entry.mask, level) {
                text.push_str(&format!("    {:>2}  {}\n", level, hex::encode(sibling)));
            }
        }
        let mut new = vec![0; entry.bytes.len()];
        memory.read(entry.address, &mut new);
        text.push_str(&format!("  old root   {}\n", hex::encode(entry.fold(&entry.bytes))));
        if new != entry.bytes {
            text.push_str(&format!("  new bytes\n{}", dump(&new)));
        }
        text.push_str(&format!("  new root   {}\n", hex::encode(entry.fold(&new))));
    }
    text.push_str(&format!("witness  {} bytes, keccak256 {}\n", witness.len(), hex::encode(keccak256(&witness))));
    text.push_str(&record("after", &after));
    text_block(&text)
}

/// Whether the sibling at a position from the chunk upwards is not among the witness's bytes.
fn is_left_out(kind: Kind, mask: u32, position: usize) -> bool {
    let level = position.checked_sub(kind.inner_siblings());
    level.is_some_and(|level| level < kind.depth() as usize && mask >> level & 1 == 1)
}

fn record(name: &str, record: &Record) -> String {
    let bytes = record.to_bytes();
    let hash: B256 = record.hash();
    format!(
        "{name}\n  head  {}\n  root  {}\n  hash  {}\n",
        hex::encode(&bytes[..32]),
        hex::encode(&bytes[32..]),
        hex::encode(hash)
    )
}

/// Lines that are not all zero, each with its offset in the chunk.
fn dump(bytes: &[u8]) -> String {
    let lines = bytes.chunks(LINE_SIZE).enumerate().filter(|(_, line)| line.iter().any(|byte| *byte != 0));
    lines.map(|(index, line)| format!("    {:03x}  {}\n", index * LINE_SIZE, hex::encode(line))).collect()
}

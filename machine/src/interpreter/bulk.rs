//! Bulk instructions as one move: many pieces at once, counted as the steps that they stand for.
//!
//! A repeating instruction of n bytes takes as many steps as there are pieces; when the step account allows all of
//! them, the bytes are moved at once and the slots get their last values. Otherwise `machine` does single steps.

use assay_protocol::TrapCode;

use super::machine::{ColdSteps, Vm};
use super::threaded::{Leave, Op};
use crate::isa::op;
use crate::memory::FlatMemory;
use crate::memory::layout::CHUNK_SIZE;
use crate::record::OUTPUT_LENGTH_MAX;

/// Bytes that one step moves at most.
const PIECE: u64 = 32;

/// Runs an instruction that has a fast form; `None` if it has none.
pub(super) fn run(
    vm: &mut Vm,
    memory: &mut FlatMemory,
    op: &Op,
    fp: *mut u64,
    budget: u64,
) -> Option<Result<ColdSteps, Leave>> {
    // SAFETY: the slots that the instruction names belong to the frame, by lowering, and STACK has spare ones behind.
    let slots = unsafe { &mut *fp.add(usize::from(op.a)).cast::<[u64; 3]>() };
    Some(match op.opcode {
        op::MEMORY_COPY => copy(vm, memory, slots, budget),
        op::MEMORY_FILL => fill(vm, memory, slots, budget),
        op::INPUT_COPY => input_copy(vm, memory, slots, budget),
        op::OUTPUT_WRITE => output_write(vm, memory, slots, budget),
        _ => return None,
    })
}

fn copy(vm: &Vm, memory: &mut FlatMemory, slots: &mut [u64; 3], budget: u64) -> Result<ColdSteps, Leave> {
    let [to, from, count] = slots.map(low);
    if to + count > vm.memory_size || from + count > vm.memory_size {
        return Err(Leave::Trap(TrapCode::MemoryOutOfBounds));
    }
    let steps = within(pieces(to, Some(from), count, to <= from), budget)?;
    memory.copy_linear(from, to, count);
    // The destination is not above the source: the copy ran forwards and moved all three.
    if count > 0 && to <= from {
        *slots = [low(to + count), low(from + count), 0];
    } else if count > 0 {
        slots[2] = 0;
    }
    Ok(steps)
}

fn fill(vm: &Vm, memory: &mut FlatMemory, slots: &mut [u64; 3], budget: u64) -> Result<ColdSteps, Leave> {
    let [to, value, count] = slots.map(low);
    if to + count > vm.memory_size {
        return Err(Leave::Trap(TrapCode::MemoryOutOfBounds));
    }
    let steps = within(pieces(to, None, count, true), budget)?;
    memory.fill_linear(to, count, value as u8);
    if count > 0 {
        *slots = [low(to + count), slots[1], 0];
    }
    Ok(steps)
}

fn input_copy(vm: &Vm, memory: &mut FlatMemory, slots: &mut [u64; 3], budget: u64) -> Result<ColdSteps, Leave> {
    let [to, _, count] = slots.map(low);
    let from = slots[1];
    if to + count > vm.memory_size {
        return Err(Leave::Trap(TrapCode::MemoryOutOfBounds));
    }
    let steps = within(pieces(to, Some(from), count, true), budget)?;
    memory.copy_input(from, to, count);
    if count > 0 {
        *slots = [low(to + count), from + count, 0];
    }
    Ok(steps)
}

fn output_write(vm: &mut Vm, memory: &mut FlatMemory, slots: &mut [u64; 3], budget: u64) -> Result<ColdSteps, Leave> {
    let (from, count) = (low(slots[0]), low(slots[1]));
    if from + count > vm.memory_size {
        return Err(Leave::Trap(TrapCode::MemoryOutOfBounds));
    }
    let length = vm.record.output_length;
    if length + count > output_limit(vm) {
        return Err(Leave::Trap(TrapCode::OutputLimit));
    }
    let steps = within(pieces(length, Some(from), count, true), budget)?;
    memory.copy_output(from, length, count);
    vm.record.output_length += count;
    if count > 0 {
        slots[0] = low(from + count);
        slots[1] = 0;
    }
    Ok(steps)
}

/// Word 1 of the boot leaf, or the region's end.
fn output_limit(vm: &Vm) -> u64 {
    // SAFETY: SYSTEM has at least the boot leaf.
    unsafe { *vm.system.add(1) }.min(OUTPUT_LENGTH_MAX)
}

fn low(slot: u64) -> u64 {
    slot & 0xffff_ffff
}

/// The steps of a whole instruction, if the account allows them.
fn within(pieces: u64, budget: u64) -> Result<ColdSteps, Leave> {
    if pieces > budget {
        return Err(Leave::Pause);
    }
    Ok(ColdSteps { repeats: pieces - 1, is_done: true })
}

/// Steps that it takes to move `count` bytes: pieces of up to 32 that never cross a chunk's end on either side; one
/// step if there is nothing to move.
fn pieces(to: u64, from: Option<u64>, count: u64, forward: bool) -> u64 {
    let (mut moved, mut steps) = (0, 0);
    while moved < count {
        let room = |start: u64| match forward {
            true => CHUNK_SIZE as u64 - (start + moved) % CHUNK_SIZE as u64,
            false => (start + count - moved - 1) % CHUNK_SIZE as u64 + 1,
        };
        let span = room(to).min(from.map_or(u64::MAX, room)).min(count - moved);
        steps += span.div_ceil(PIECE);
        moved += span;
    }
    steps.max(1)
}

//! Bulk instructions as one move: many pieces at once, counted as the steps that they stand for.
//!
//! A repeating instruction of n bytes takes as many steps as there are pieces. As many pieces as the step account allows are
//! moved at once, and the slots get the values that the last of these steps leaves.
//!
//! Unsafe: slots of the frame and words of SYSTEM through the pointers of [`Vm`], on its invariants.
#![allow(unsafe_code)]

use assay_protocol::TrapCode;

use super::machine::{ColdSteps, Vm};
use super::threaded::{Leave, Op};
use crate::isa::op;
use crate::memory::FlatMemory;
use crate::memory::layout::CHUNK_SIZE;
use crate::record::OUTPUT_LENGTH_MAX;

/// Bytes that one step moves at most.
pub(super) const PIECE: u64 = 32;

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
    let forward = to <= from;
    let part = part(to, Some(from), count, forward, budget);
    // Backwards, what is moved are the last bytes of both ranges, and only the count changes.
    let skipped = if forward { 0 } else { count - part.moved };
    memory.copy_linear(from + skipped, to + skipped, part.moved);
    if part.moved > 0 && forward {
        *slots = [low(to + part.moved), low(from + part.moved), count - part.moved];
    } else if part.moved > 0 {
        slots[2] = count - part.moved;
    }
    Ok(part.steps)
}

fn fill(vm: &Vm, memory: &mut FlatMemory, slots: &mut [u64; 3], budget: u64) -> Result<ColdSteps, Leave> {
    let [to, value, count] = slots.map(low);
    if to + count > vm.memory_size {
        return Err(Leave::Trap(TrapCode::MemoryOutOfBounds));
    }
    let part = part(to, None, count, true, budget);
    memory.fill_linear(to, part.moved, value as u8);
    if part.moved > 0 {
        *slots = [low(to + part.moved), slots[1], count - part.moved];
    }
    Ok(part.steps)
}

fn input_copy(vm: &Vm, memory: &mut FlatMemory, slots: &mut [u64; 3], budget: u64) -> Result<ColdSteps, Leave> {
    let [to, _, count] = slots.map(low);
    let from = slots[1];
    if to + count > vm.memory_size {
        return Err(Leave::Trap(TrapCode::MemoryOutOfBounds));
    }
    let part = part(to, Some(from), count, true, budget);
    memory.copy_input(from, to, part.moved);
    if part.moved > 0 {
        *slots = [low(to + part.moved), from + part.moved, count - part.moved];
    }
    Ok(part.steps)
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
    let part = part(length, Some(from), count, true, budget);
    if memory.make_output_room(length + part.moved).is_err() {
        // Left undone: single steps go as far as the host goes along, and say where it does not.
        return Err(Leave::Pause);
    }
    memory.copy_output(from, length, part.moved);
    vm.record.output_length += part.moved;
    if part.moved > 0 {
        slots[0] = low(from + part.moved);
        slots[1] = count - part.moved;
    }
    Ok(part.steps)
}

/// Word 1 of the boot leaf, or the region's end.
fn output_limit(vm: &Vm) -> u64 {
    // SAFETY: SYSTEM has at least the boot leaf.
    unsafe { *vm.system.add(1) }.min(OUTPUT_LENGTH_MAX)
}

fn low(slot: u64) -> u64 {
    slot & 0xffff_ffff
}

/// What one run of the handler does of an instruction.
struct Part {
    /// Bytes to move now.
    moved: u64,
    /// The steps that this takes.
    steps: ColdSteps,
}

/// How far an instruction of `count` bytes gets in `budget` steps, at least one: each moves a piece of up to 32 bytes that
/// never crosses a chunk's end on either side. An instruction that has nothing to move takes one step.
fn part(to: u64, from: Option<u64>, count: u64, forward: bool, budget: u64) -> Part {
    let (mut moved, mut steps) = (0, 0);
    while moved < count {
        let room = |start: u64| match forward {
            true => CHUNK_SIZE as u64 - (start + moved) % CHUNK_SIZE as u64,
            false => (start + count - moved - 1) % CHUNK_SIZE as u64 + 1,
        };
        let span = room(to).min(from.map_or(u64::MAX, room)).min(count - moved);
        let pieces = span.div_ceil(PIECE);
        if pieces > budget - steps {
            // Whole pieces only: the one that would end the span is not among them.
            moved += (budget - steps) * PIECE;
            return Part { moved, steps: ColdSteps { repeats: budget, is_done: false } };
        }
        steps += pieces;
        moved += span;
    }
    Part { moved, steps: ColdSteps { repeats: steps.max(1) - 1, is_done: true } }
}

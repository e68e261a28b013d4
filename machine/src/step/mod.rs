//! The step function: the definition of the machine (specs/04-instructions.md).
//!
//! ```text
//! mod       access to memory, the order of a step, which effect an opcode has
//! machine   a step in progress: slots, words of SYSTEM, fuel, the ways to stop
//! numeric   operators, immediates, branches        (numeric::unary and binary: the operators themselves)
//! control   calls, jumps, moves between slots and SYSTEM, charges
//! memory    loads, stores, copy, fill, init        (piece: how much of a repeating instruction one step does)
//! table     tables of references;  io: the job's input and output
//! ```
//!
//! Total: every record over every memory has exactly one successor. A step reads and writes exactly the chunks that
//! the chapter says, in its order, so that a witness is the list of what [`Access`] was asked for.
//! It hashes nothing: the memory root of its result is that of its argument, and the caller recomputes it.

mod control;
mod io;
mod machine;
mod memory;
pub mod numeric;
mod operators;
mod piece;
mod table;

use crate::isa::{BRANCH, BRANCH_IMMEDIATE, Form, IMMEDIATE, Instruction, Slots, form_of, is_well_formed, op};
use crate::record::{Record, STACK_SLOTS};
use machine::{Effect, Machine, Stop};

/// The memory that a step runs over. Each call stays within one chunk (specs/02-memory.md), whose address is below
/// 2^40; a call with no bytes is never made.
pub trait Access {
    /// Why bytes can't be had, if they can't.
    type Error;

    /// Copies the bytes at `address` out.
    fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), Self::Error>;

    /// Copies `bytes` to `address`.
    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Self::Error>;
}

/// The successor of `record`, except for its memory root, which is left as it was.
///
/// # Errors
/// Only those of `access`; what has been written by then is unspecified.
pub fn step<A: Access>(record: Record, access: &mut A) -> Result<Record, A::Error> {
    if !record.is_running() {
        return Ok(record);
    }
    if !record.is_canonical() {
        return Ok(record.illegal());
    }
    let mut machine = Machine::new(record, access);
    let stop = match execute(&mut machine) {
        Ok(()) => return Ok(machine.record),
        Err(stop) => stop,
    };
    match stop {
        Stop::Exit(code) => Ok(machine.record.exit(code)),
        Stop::Trap(code) => Ok(machine.record.trap(code)),
        Stop::OutOfFuel => Ok(machine.record.out_of_fuel()),
        Stop::Illegal => Ok(machine.record.illegal()),
        Stop::Access(error) => Err(error),
    }
}

/// Fetch, decode, slots; then operands and effect, which each instruction's function does.
fn execute<A: Access>(machine: &mut Machine<'_, A>) -> Effect<A> {
    // The last index has no successor, so no instruction is there.
    if machine.pc == u32::MAX {
        return Err(Stop::Illegal);
    }
    let instruction = machine.fetch()?;
    let form = form_of(instruction.opcode).ok_or(Stop::Illegal)?;
    if !is_well_formed(&instruction) {
        return Err(Stop::Illegal);
    }
    if let Some(slot) = last_slot(&form, &instruction)
        && machine.record.fp + slot >= STACK_SLOTS
    {
        return Err(Stop::Illegal);
    }
    machine.record.pc_or_code = machine.pc + 1;
    effect(machine, &instruction)
}

/// The highest slot that a well-formed instruction names, relative to fp, if it names any.
fn last_slot(form: &Form, instruction: &Instruction) -> Option<u32> {
    let (d, a, b) = (u32::from(instruction.d), u32::from(instruction.a), u32::from(instruction.b));
    Some(match form.slots {
        Slots::None => return None,
        Slots::D => d,
        Slots::A => a,
        Slots::DA => d.max(a),
        Slots::AB => a.max(b),
        Slots::DAB => d.max(a).max(b),
        // The immediate of such a form is below 2^16.
        Slots::DABImm => d.max(a).max(b).max(instruction.imm as u32),
        Slots::Pair => a + 1,
        Slots::Triple => a + 2,
        Slots::DTriple => d.max(a + 2),
        Slots::Quad => a + 3,
        // Well-formed ranges are not empty.
        Slots::Range => a + b - 1,
        Slots::Link => d + a,
        Slots::BLink => b.max(d + a),
    })
}

/// Executes an instruction that is well-formed and whose slots exist.
fn effect<A: Access>(machine: &mut Machine<'_, A>, instruction: &Instruction) -> Effect<A> {
    match instruction.opcode {
        op::I32_LOAD..=op::I64_LOAD32_U => machine.load(instruction),
        op::I32_STORE..=op::I64_STORE32 => machine.store(instruction),
        op::TRAP => machine.trap(instruction),
        op::FUEL => machine.fuel(instruction),
        op::JUMP => machine.jump(instruction),
        op::BR_TABLE => machine.br_table(instruction),
        op::ENTER => machine.enter(instruction),
        op::CLEAR => machine.clear(instruction),
        op::CALL => machine.call(instruction),
        op::CALL_INDIRECT => machine.call_indirect(instruction),
        op::RETURN => machine.return_(instruction),
        op::EXIT => machine.exit(instruction),
        op::CHARGE => machine.charge_length(instruction),
        op::CONST => machine.const_(instruction),
        op::COPY => machine.copy(instruction),
        op::SELECT => machine.select(instruction),
        op::SYSTEM_GET => machine.system_get(instruction),
        op::SYSTEM_SET => machine.system_set(instruction),
        op::MEMORY_SIZE => machine.memory_size(instruction),
        op::MEMORY_GROW => machine.memory_grow(instruction),
        op::MEMORY_COPY => machine.memory_copy(instruction),
        op::MEMORY_FILL => machine.memory_fill(instruction),
        op::MEMORY_INIT => machine.memory_init(instruction),
        op::TABLE_GET => machine.table_get(instruction),
        op::TABLE_SET => machine.table_set(instruction),
        op::TABLE_GROW => machine.table_grow(instruction),
        op::TABLE_FILL => machine.table_fill(instruction),
        op::TABLE_COPY => machine.table_copy(instruction),
        op::TABLE_INIT => machine.table_init(instruction),
        op::INPUT_SIZE => machine.input_size(instruction),
        op::INPUT_BEGIN => machine.input_begin(instruction),
        op::INPUT_COPY => machine.input_copy(instruction),
        op::OUTPUT_WRITE => machine.output_write(instruction),
        numeric => match numeric & 0xff00 {
            0 => machine.operator(instruction),
            IMMEDIATE => machine.operator_immediate(instruction),
            BRANCH => machine.branch(instruction),
            BRANCH_IMMEDIATE => machine.branch_immediate(instruction),
            _ => unreachable!("the opcode has a form and every form is above"),
        },
    }
}

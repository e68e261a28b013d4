//! Every numeric operator in every family that has it, on the operands of specs/vectors/numeric.json.
//!
//! The results in the file are exact arithmetic by another program; what an instruction does with them is spelled out
//! here from chapter 4. So these steps are held against an expectation that no code of the machine has made.

use super::images::Image;
use super::three::Three;
use super::vectors;
use assay_machine::isa::{BRANCH, BRANCH_IMMEDIATE, IMMEDIATE, Instruction, Numeric, name_of, numeric_kind};
use assay_machine::memory::{Memory, Region, SparseMemory};
use assay_machine::record::Record;
use assay_protocol::{B256, TrapCode};

/// The slots of the operands and the result. The result's lies in another leaf than the operands'.
const A: u16 = 3;
const B: u16 = 4;
const D: u16 = 40;
const FP: u32 = 5;
const PC: u32 = 18;
const TARGET: u32 = 0xfedc_ba98;
const TAKEN: u64 = 3;
const NOT_TAKEN: u64 = 5;

/// One operator on one pair of operands, and what the file says it gives.
struct Case {
    opcode: u16,
    a: u64,
    b: u64,
    wanted: Result<u64, TrapCode>,
}

/// All vectors, in all families.
pub fn all(three: &mut Three) {
    for operator in vectors::exact() {
        let kind = numeric_kind(operator.opcode).expect("the vectors are of numeric operators");
        for vectors::Case { a, b, result } in operator.cases {
            families(three, kind, &Case { opcode: operator.opcode, a, b, wanted: result });
        }
    }
}

fn families(three: &mut Three, kind: Numeric, case: &Case) {
    let plain = Instruction { opcode: case.opcode, d: D, a: A, ..Instruction::default() };
    if kind == Numeric::Unary {
        return operator(three, case, plain);
    }
    operator(three, case, Instruction { b: B, ..plain });
    let is_32_bit = matches!(kind, Numeric::Binary32 | Numeric::Compare32);
    let imm = if is_32_bit { case.b & 0xffff_ffff } else { case.b };
    operator(three, case, Instruction { opcode: case.opcode + IMMEDIATE, imm, ..plain });
    if !matches!(kind, Numeric::Compare32 | Numeric::Compare64) {
        return;
    }
    let imm = u64::from(TARGET) | TAKEN << 32 | NOT_TAKEN << 48;
    let branch_opcode = case.opcode + BRANCH;
    branch(three, case, Instruction { opcode: branch_opcode, a: A, b: B, imm, ..Instruction::default() });
    let sign_extended = case.b as u16 as i16;
    let fits =
        if is_32_bit { i32::from(sign_extended) as u32 == case.b as u32 } else { sign_extended as u64 == case.b };
    if fits {
        let opcode = case.opcode + BRANCH_IMMEDIATE;
        branch(three, case, Instruction { opcode, a: A, b: sign_extended as u16, imm, ..Instruction::default() });
    }
}

fn image(case: &Case, instruction: Instruction, fuel: u64) -> Image {
    let mut memory = SparseMemory::new();
    for (slot, value) in [(A, case.a), (B, case.b)] {
        memory.write(slot_address(slot), &value.to_le_bytes());
    }
    let record = Record { fp: FP, ..Record::boot(PC, 1, fuel, B256::ZERO) };
    Image::new(record, instruction, memory)
}

fn slot_address(slot: u16) -> u64 {
    Region::STACK.base() + 8 * (u64::from(FP) + u64::from(slot))
}

/// Stores the result in d, or traps.
fn operator(three: &mut Three, case: &Case, instruction: Instruction) {
    let mut image = image(case, instruction, 0);
    let before = image.record;
    let mut memory = image.memory.clone();
    let wanted = match case.wanted {
        Ok(result) => {
            memory.write(slot_address(D), &result.to_le_bytes());
            Record { pc_or_code: PC + 1, memory_root: memory.commit(), ..before }
        }
        Err(code) => before.trap(code),
    };
    check(three, &mut image, wanted, case, instruction);
}

/// Goes to the target for one charge, or on for another.
fn branch(three: &mut Three, case: &Case, instruction: Instruction) {
    let mut image = image(case, instruction, 5);
    let wanted = match case.wanted {
        Ok(0) => Record { pc_or_code: PC + 1, fuel: 5 - NOT_TAKEN, ..image.record },
        _ => Record { pc_or_code: TARGET, fuel: 5 - TAKEN, ..image.record },
    };
    check(three, &mut image, wanted, case, instruction);
}

fn check(three: &mut Three, image: &mut Image, wanted: Record, case: &Case, instruction: Instruction) {
    let name = name_of(instruction.opcode).expect("the operator has this family");
    let name = format!("{name} of {:#x} and {:#x}", case.a, case.b);
    let next = three.step(image, &name);
    three.expect(next, wanted, &name);
}

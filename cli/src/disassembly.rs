//! Instructions and slot values as text (specs/04-instructions.md).
//!
//! Owns the notation: `s5` is slot 5 of the frame, `-> 120` a target pc. It reads the instruction set's own table, so it can't name
//! an opcode that the machine does not know.

use assay_machine::isa::{BRANCH, BRANCH_IMMEDIATE, IMMEDIATE, Instruction, Slots, form_of, name_of, op};
use serde::Serialize;

use crate::report::trap_name;

/// An instruction as text and field by field.
#[derive(Serialize)]
pub struct Disassembled {
    /// Name and operands.
    pub text: String,
    opcode: u16,
    name: String,
    d: u16,
    a: u16,
    b: u16,
    imm: String,
}

/// Writes an instruction as text.
pub fn disassemble(instruction: &Instruction) -> Disassembled {
    let Instruction { opcode, d, a, b, imm } = *instruction;
    let name = name_of(opcode).unwrap_or_else(|| format!("undefined {opcode:#06x}"));
    let text = format!("{name:<20} {}", operands(instruction)).trim_end().to_owned();
    Disassembled { text, opcode, name, d, a, b, imm: format!("{imm:#x}") }
}

fn operands(instruction: &Instruction) -> String {
    let Instruction { opcode, d, a, b, imm } = *instruction;
    let (low, high) = (imm & u64::from(u32::MAX), imm >> 32);
    match opcode {
        0x28..=0x35 => format!("s{d} = [s{a} + {imm}]"),
        0x36..=0x3e => format!("[s{a} + {imm}] = s{b}"),
        op::TRAP => trap_name(imm as u32).into(),
        op::FUEL => format!("charge {imm}"),
        op::JUMP => format!("-> {low}, charge {high}"),
        op::BR_TABLE => format!("-> pc + 1 + min(s{a}, {imm})"),
        op::ENTER if b == 0 => format!("charge {low}, frame {high}"),
        op::ENTER => format!("charge {low}, frame {high}, {} = 0", range(a, b)),
        op::CLEAR => format!("{} = 0", range(a, b)),
        op::CALL => format!("-> {imm}, fp + {d}, link s{}", link(d, a)),
        op::CALL_INDIRECT => format!("-> table at {low} [s{b}] of type {high}, fp + {d}, link s{}", link(d, a)),
        op::RETURN => format!("link s{a}"),
        op::EXIT => format!("code s{a}"),
        op::CHARGE => format!("2 + s{a} / {}", 1_u64 << (imm & 63)),
        op::CONST => format!("s{d} = {imm:#x}"),
        op::COPY => format!("s{d} = s{a}"),
        op::SELECT => format!("s{d} = s{imm} ? s{a} : s{b}"),
        op::SYSTEM_GET => format!("s{d} = system[{imm}]"),
        op::SYSTEM_SET => format!("system[{imm}] = s{a}"),
        op::MEMORY_SIZE | op::INPUT_SIZE => format!("s{d}"),
        op::MEMORY_GROW => format!("s{d} = s{a}, at most {imm} pages"),
        op::MEMORY_COPY | op::MEMORY_FILL | op::INPUT_COPY => range(a, 3),
        op::INPUT_BEGIN => range(a, 4),
        op::OUTPUT_WRITE => range(a, 2),
        op::MEMORY_INIT => format!("{}, segment at {imm}", range(a, 3)),
        op::TABLE_GET => format!("s{d} = table at {imm} [s{a}]"),
        op::TABLE_SET => format!("table at {imm} [s{a}] = s{b}"),
        op::TABLE_GROW => format!("s{d}, {}, table at {low}, at most {high}", range(a, 3)),
        op::TABLE_FILL => format!("{}, table at {imm}", range(a, 3)),
        op::TABLE_COPY => format!("{}, table at {low} from table at {high}", range(a, 3)),
        op::TABLE_INIT => format!("{}, table at {low} from segment at {high}", range(a, 3)),
        _ => numeric(instruction),
    }
}

fn numeric(instruction: &Instruction) -> String {
    let Instruction { opcode, d, a, b, imm } = *instruction;
    let branch = || {
        let (target, taken, passed) = (imm & u64::from(u32::MAX), imm >> 32 & 0xffff, imm >> 48);
        format!("-> {target}, charge {taken} | {passed}")
    };
    match (opcode & 0xff00, form_of(opcode)) {
        (_, None) => format!("d {d}, a {a}, b {b}, imm {imm:#x}"),
        (IMMEDIATE, _) => format!("s{d} = s{a}, {imm:#x}"),
        (BRANCH, _) => format!("s{a}, s{b} {}", branch()),
        (BRANCH_IMMEDIATE, _) => format!("s{a}, {} {}", b as i16, branch()),
        (_, Some(form)) if form.fields.b => format!("s{d} = s{a}, s{b}"),
        _ => format!("s{d} = s{a}"),
    }
}

fn range(first: u16, count: u16) -> String {
    match count {
        1 => format!("s{first}"),
        _ => format!("s{first}..=s{}", u32::from(first) + u32::from(count) - 1),
    }
}

fn link(d: u16, a: u16) -> u32 {
    u32::from(d) + u32::from(a)
}

/// The slots that an instruction names, by the field that names them.
pub fn slots(instruction: &Instruction) -> Vec<(&'static str, u32)> {
    let Instruction { opcode, d, a, b, imm } = *instruction;
    let Some(form) = form_of(opcode) else { return Vec::new() };
    let (d, b) = (("d", u32::from(d)), ("b", u32::from(b)));
    let from_a = |count: u32| (0..count).map(|i| ("a", u32::from(a) + i));
    let link = ("link", link(instruction.d, a));
    match form.slots {
        Slots::None => Vec::new(),
        Slots::D => vec![d],
        Slots::A => from_a(1).collect(),
        Slots::DA => [d].into_iter().chain(from_a(1)).collect(),
        Slots::AB => from_a(1).chain([b]).collect(),
        Slots::DAB => [d].into_iter().chain(from_a(1)).chain([b]).collect(),
        Slots::DABImm => [d].into_iter().chain(from_a(1)).chain([b, ("imm", imm as u32)]).collect(),
        Slots::Pair => from_a(2).collect(),
        Slots::Triple => from_a(3).collect(),
        Slots::DTriple => [d].into_iter().chain(from_a(3)).collect(),
        Slots::Quad => from_a(4).collect(),
        Slots::Range => from_a(b.1).collect(),
        Slots::Link => vec![link],
        Slots::BLink => vec![b, link],
    }
}

/// A slot's value as the instruction may read it: a float for float operators, else an integer.
pub fn value(instruction: &Instruction, value: u64) -> String {
    let name = name_of(instruction.opcode).unwrap_or_default();
    let name = name.trim_start_matches("br.");
    match &name[..name.len().min(4)] {
        "f64." if !name.contains("load") && !name.contains("store") => format!("f64 {:?}", f64::from_bits(value)),
        "f32." if !name.contains("load") && !name.contains("store") => {
            format!("f32 {:?}", f32::from_bits(value as u32))
        }
        "i32." => format!("i32 {}", value as u32 as i32),
        _ => format!("i64 {}", value as i64),
    }
}

#[cfg(test)]
mod tests {
    use assay_machine::isa::{FORMS, NUMERIC, num};

    use super::*;

    fn text(opcode: u16, d: u16, a: u16, b: u16, imm: u64) -> String {
        let text = disassemble(&Instruction { opcode, d, a, b, imm }).text;
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn operands_read_as_in_the_chapter() {
        assert_eq!(text(num::I32_ADD, 5, 3, 4, 0), "i32.add s5 = s3, s4");
        assert_eq!(text(num::I32_CLZ, 5, 3, 0, 0), "i32.clz s5 = s3");
        assert_eq!(text(IMMEDIATE | num::I64_MUL, 1, 2, 0, 255), "i64.mul_imm s1 = s2, 0xff");
        assert_eq!(
            text(BRANCH | num::I32_LT_U, 0, 1, 2, 120 | 3 << 32 | 4 << 48),
            "br.i32.lt_u s1, s2 -> 120, charge 3 | 4"
        );
        assert_eq!(text(BRANCH_IMMEDIATE | num::I32_EQ, 0, 1, 0xffff, 7), "br.i32.eq_imm s1, -1 -> 7, charge 0 | 0");
        assert_eq!(text(op::I32_LOAD8_U, 1, 2, 0, 16), "i32.load8_u s1 = [s2 + 16]");
        assert_eq!(text(op::F64_STORE, 0, 2, 3, 8), "f64.store [s2 + 8] = s3");
        assert_eq!(text(op::ENTER, 0, 4, 2, 9 | 12 << 32), "enter charge 9, frame 12, s4..=s5 = 0");
        assert_eq!(text(op::CALL, 6, 1, 0, 99), "call -> 99, fp + 6, link s7");
        assert_eq!(text(op::TRAP, 0, 0, 0, 1), "trap unreachable");
        assert_eq!(text(0, 0, 0, 0, 0), "undefined 0x0000 d 0, a 0, b 0, imm 0x0");
    }

    #[test]
    fn every_opcode_has_a_text_and_names_its_slots() {
        let families = [0, IMMEDIATE, BRANCH, BRANCH_IMMEDIATE];
        let numeric = NUMERIC.iter().flat_map(|entry| families.map(|family| entry.0 | family));
        for opcode in numeric.chain(FORMS.iter().map(|entry| entry.0)) {
            let Some(form) = form_of(opcode) else { continue };
            let instruction = Instruction { opcode, d: 1, a: 2, b: 3, imm: 4 };
            assert!(!disassemble(&instruction).text.contains("undefined"), "{opcode:#x}");
            assert_eq!(slots(&instruction).is_empty(), form.slots == Slots::None, "{opcode:#x}");
        }
    }

    #[test]
    fn slot_values_are_shown_as_the_operator_reads_them() {
        let of = |opcode| Instruction { opcode, ..Instruction::default() };
        assert_eq!(value(&of(num::F64_ADD), 1.5_f64.to_bits()), "f64 1.5");
        assert_eq!(value(&of(num::F32_ADD), u64::from(0.5_f32.to_bits())), "f32 0.5");
        assert_eq!(value(&of(num::I32_SUB), 0xffff_ffff), "i32 -1");
        assert_eq!(value(&of(op::COPY), u64::MAX), "i64 -1");
    }
}

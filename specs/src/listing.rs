//! Instructions as the chapters write them: one line each, fields by name, immediates taken apart.
//!
//! Owns the notation of listings (chapter 0). It shows what is there and checks nothing.

use assay_machine::isa::{BRANCH, IMMEDIATE, Instruction, form_of, name_of, op};
use assay_machine::lower::Image;

/// A lowered image: functions by their first pc, then each instruction.
#[must_use]
pub fn listing(image: &Image, title_of: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    let mut function = 0;
    for (pc, instruction) in image.code.iter().enumerate() {
        while image.functions.get(function).is_some_and(|first| *first as usize == pc) {
            text.push_str(&format!("{}\n", title_of(function)));
            function += 1;
        }
        text.push_str(&format!("{pc:5}  {}\n", line(instruction)));
    }
    text
}

/// One instruction.
#[must_use]
pub fn line(instruction: &Instruction) -> String {
    let Instruction { opcode, d, a, b, imm } = *instruction;
    let Some(form) = form_of(opcode) else { return format!("{opcode:#06x} (undefined)") };
    let name = name_of(opcode).expect("an opcode with a form has a name");
    let mut fields: Vec<String> = Vec::new();
    for (used, field, value) in [(form.fields.d, "d", d), (form.fields.a, "a", a)] {
        if used {
            fields.push(format!("{field}={value}"));
        }
    }
    let is_branch_immediate = (BRANCH | IMMEDIATE..0x0400).contains(&opcode);
    if is_branch_immediate {
        fields.push(format!("b={}", b as i16));
    } else if form.fields.b {
        fields.push(format!("b={b}"));
    }
    let (low, high) = (imm as u32, imm >> 32);
    match opcode {
        BRANCH..0x0400 => {
            fields.push(format!("to {low} charge {} else {}", high & 0xffff, high >> 16));
        }
        op::JUMP => fields.push(format!("to {low} charge {high}")),
        op::ENTER => fields.push(format!("charge {low} frame {high}")),
        op::CALL => fields.push(format!("to {low}")),
        op::CALL_INDIRECT => fields.push(format!("table {low} type {high}")),
        _ if form.imm_end != Some(0) => fields.push(format!("imm={imm:#x}")),
        _ => {}
    }
    format!("{name:<18} {}", fields.join(" ")).trim_end().to_owned()
}

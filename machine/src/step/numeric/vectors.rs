//! The operators against both files of numeric vectors: specs/vectors/numeric.json, exact arithmetic in another language, and
//! specs/vectors/numeric_hardware.json, the arithmetic of a processor.

use super::{binary, unary};
use crate::isa::NUMERIC;
use assay_protocol::TrapCode;
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    operators: Vec<Operator>,
}

#[derive(Deserialize)]
struct Operator {
    opcode: u16,
    name: String,
    operands: u8,
    a: Vec<String>,
    #[serde(default)]
    b: Vec<String>,
    result: Vec<String>,
    trap: Vec<u32>,
}

fn slot(hex: &str) -> u64 {
    u64::from_str_radix(hex.strip_prefix("0x").unwrap(), 16).unwrap()
}

fn wanted(result: &str, trap: u32) -> Result<u64, TrapCode> {
    TrapCode::from_code(trap).map_or(Ok(slot(result)), Err)
}

#[test]
fn operators_agree_with_exact_arithmetic() {
    let file: File = serde_json::from_str(include_str!("../../../../specs/vectors/numeric.json")).unwrap();
    let listed: Vec<_> = file.operators.iter().map(|operator| (operator.opcode, operator.name.as_str())).collect();
    let defined: Vec<_> = NUMERIC.iter().map(|(opcode, name, _)| (*opcode, *name)).collect();
    assert_eq!(listed, defined, "every numeric operator has vectors");

    for operator in &file.operators {
        assert!(operator.a.len() >= 16, "{} has vectors", operator.name);
        for i in 0..operator.a.len() {
            let a = slot(&operator.a[i]);
            let (b, got) = match operator.operands {
                1 => (0, unary(operator.opcode, a)),
                _ => (slot(&operator.b[i]), binary(operator.opcode, a, slot(&operator.b[i]))),
            };
            assert_eq!(got, wanted(&operator.result[i], operator.trap[i]), "{} of {a:#x} and {b:#x}", operator.name);
        }
    }
}

#[derive(Deserialize)]
struct HardwareFile {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    operation: String,
    opcode: String,
    arity: usize,
    /// For each case the operands, the result, the trap code.
    values: Vec<String>,
}

#[test]
fn operators_agree_with_hardware() {
    let file: HardwareFile =
        serde_json::from_str(include_str!("../../../../specs/vectors/numeric_hardware.json")).unwrap();
    let listed: Vec<_> =
        file.groups.iter().map(|group| (slot(&group.opcode) as u16, group.operation.as_str())).collect();
    let defined: Vec<_> = NUMERIC.iter().map(|(opcode, name, _)| (*opcode, *name)).collect();
    assert_eq!(listed, defined, "every numeric operator has vectors");

    for (group, (opcode, _)) in file.groups.iter().zip(&listed) {
        assert!(group.values.len() >= 16 * (group.arity + 2), "{} has vectors", group.operation);
        for case in group.values.chunks_exact(group.arity + 2) {
            let (got, rest) = match case {
                [a, rest @ ..] if group.arity == 1 => (unary(*opcode, slot(a)), rest),
                [a, b, rest @ ..] => (binary(*opcode, slot(a), slot(b)), rest),
                _ => unreachable!("a case has operands"),
            };
            assert_eq!(got, wanted(&rest[0], slot(&rest[1]) as u32), "{} of {case:?}", group.operation);
        }
    }
}

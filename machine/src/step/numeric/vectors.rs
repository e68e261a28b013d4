//! The operators against specs/vectors/numeric.json, whose expectations are exact arithmetic in another language.

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
            let wanted = match TrapCode::from_code(operator.trap[i]) {
                Some(code) => Err(code),
                None => Ok(slot(&operator.result[i])),
            };
            assert_eq!(got, wanted, "{} of {a:#x} and {b:#x}", operator.name);
        }
    }
}

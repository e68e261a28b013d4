//! The two files of numeric vectors, as one list: exact arithmetic, and the arithmetic of an x86-64 processor.
//!
//! Owns both files' forms. Assumes nothing of the machine but the numbers of its operators.

use assay_machine::isa::{NUMERIC, Numeric, numeric_kind};
use assay_protocol::TrapCode;
use serde::Deserialize;

/// Operands and what they give; `b` is 0 for an operator of one.
#[derive(Clone, Debug)]
pub struct Case {
    pub a: u64,
    pub b: u64,
    pub result: Result<u64, TrapCode>,
}

/// An operator with its cases.
pub struct Operator {
    pub name: String,
    pub opcode: u16,
    pub is_binary: bool,
    pub cases: Vec<Case>,
}

impl Operator {
    /// Whether it compares two operands, so that it is also a branch.
    pub fn is_comparison(&self) -> bool {
        matches!(numeric_kind(self.opcode), Some(Numeric::Compare32 | Numeric::Compare64))
    }

    /// WASM's type of its operands: named by a conversion, else the operator's own.
    pub fn operand_type(&self) -> &str {
        let (own, operation) = self.name.split_once('.').expect("an operator's name has a type");
        ["i32", "i64", "f32", "f64"].into_iter().find(|other| operation.contains(other)).unwrap_or(own)
    }

    /// WASM's type of its result.
    pub fn result_type(&self) -> &str {
        let (own, operation) = self.name.split_once('.').expect("an operator's name has a type");
        let operation = operation.split_once('_').map_or(operation, |(operation, _)| operation);
        if matches!(operation, "eqz" | "eq" | "ne" | "lt" | "gt" | "le" | "ge") { "i32" } else { own }
    }
}

#[derive(Deserialize)]
struct Exact {
    operators: Vec<ExactOperator>,
}

#[derive(Deserialize)]
struct ExactOperator {
    opcode: u16,
    a: Vec<String>,
    #[serde(default)]
    b: Vec<String>,
    result: Vec<String>,
    trap: Vec<u32>,
}

#[derive(Deserialize)]
struct Hardware {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    opcode: String,
    arity: usize,
    /// For each case the operands, the result, the trap code.
    values: Vec<String>,
}

/// Exact arithmetic: `specs/vectors/numeric.json`.
pub fn exact() -> Vec<Operator> {
    let file: Exact = serde_json::from_str(include_str!("../../../specs/vectors/numeric.json"))
        .expect("the vectors are of this form");
    let operator = |operator: ExactOperator| {
        let case = |index: usize| {
            let b = operator.b.get(index).map_or(0, |b| word(b));
            case(word(&operator.a[index]), b, word(&operator.result[index]), operator.trap[index])
        };
        named(operator.opcode, (0..operator.a.len()).map(case).collect())
    };
    file.operators.into_iter().map(operator).collect()
}

/// A processor's arithmetic: `specs/vectors/numeric_hardware.json`.
pub fn hardware() -> Vec<Operator> {
    let file: Hardware = serde_json::from_str(include_str!("../../../specs/vectors/numeric_hardware.json"))
        .expect("the vectors are of this form");
    let operator = |group: Group| {
        let words: Vec<u64> = group.values.iter().map(|value| word(value)).collect();
        let cases = words.chunks_exact(group.arity + 2).map(|words| {
            let [.., result, trap] = words else { unreachable!("chunks have their length") };
            case(words[0], if group.arity == 2 { words[1] } else { 0 }, *result, *trap as u32)
        });
        let operator = named(word(&group.opcode) as u16, cases.collect());
        assert_eq!(operator.is_binary, group.arity == 2, "{}", operator.name);
        operator
    };
    file.groups.into_iter().map(operator).collect()
}

/// Both, one file after the other.
pub fn all() -> Vec<Operator> {
    exact().into_iter().chain(hardware()).collect()
}

fn named(opcode: u16, cases: Vec<Case>) -> Operator {
    let (_, name, kind) = NUMERIC.iter().find(|entry| entry.0 == opcode).expect("the vectors are of numeric operators");
    Operator { name: (*name).into(), opcode, is_binary: *kind != Numeric::Unary, cases }
}

fn case(a: u64, b: u64, result: u64, trap: u32) -> Case {
    Case { a, b, result: TrapCode::from_code(trap).map_or(Ok(result), Err) }
}

fn word(hex: &str) -> u64 {
    u64::from_str_radix(hex.strip_prefix("0x").expect("words are hexadecimal"), 16).expect("words have 64 bits")
}

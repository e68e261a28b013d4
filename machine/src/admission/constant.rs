//! Constant expressions, folded: every offset and initial value becomes one instruction.
//!
//! Assumes a validated expression. Extended constants are evaluated here, so that nobody after admission has to.

use wasmparser::{ConstExpr, Operator};

use super::AdmissionError;

/// The value of a constant expression. Floats are bits: folding never computes with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Constant {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
    /// A null function reference.
    Null,
    /// A reference to a function, by the index that it has in its own module.
    Function(u32),
}

/// Evaluates a validated constant expression with a stack of its own.
///
/// # Errors
/// An expression that is not constant under the admitted features, which validation has excluded.
pub(super) fn fold(expression: &ConstExpr<'_>) -> Result<Constant, AdmissionError> {
    let mut reader = expression.get_operators_reader();
    let mut stack = Vec::new();
    let mut offset = reader.original_position();
    while !reader.eof() {
        let operator;
        (operator, offset) = reader.read_with_offset()?;
        let value = match operator {
            Operator::I32Const { value } => Constant::I32(value),
            Operator::I64Const { value } => Constant::I64(value),
            Operator::F32Const { value } => Constant::F32(value.bits()),
            Operator::F64Const { value } => Constant::F64(value.bits()),
            Operator::RefNull { .. } => Constant::Null,
            Operator::RefFunc { function_index } => Constant::Function(function_index),
            Operator::End => break,
            operator => {
                let (right, left) = (stack.pop(), stack.pop());
                combine(&operator, left, right).ok_or_else(|| not_constant(offset))?
            }
        };
        stack.push(value);
    }
    match stack.as_slice() {
        [value] => Ok(*value),
        _ => Err(not_constant(offset)),
    }
}

fn combine(operator: &Operator<'_>, left: Option<Constant>, right: Option<Constant>) -> Option<Constant> {
    use Constant::{I32, I64};
    Some(match (operator, left?, right?) {
        (Operator::I32Add, I32(left), I32(right)) => I32(left.wrapping_add(right)),
        (Operator::I32Sub, I32(left), I32(right)) => I32(left.wrapping_sub(right)),
        (Operator::I32Mul, I32(left), I32(right)) => I32(left.wrapping_mul(right)),
        (Operator::I64Add, I64(left), I64(right)) => I64(left.wrapping_add(right)),
        (Operator::I64Sub, I64(left), I64(right)) => I64(left.wrapping_sub(right)),
        (Operator::I64Mul, I64(left), I64(right)) => I64(left.wrapping_mul(right)),
        _ => return None,
    })
}

/// Folds the offset of an active segment, an unsigned 32-bit number.
pub(super) fn fold_offset(expression: &ConstExpr<'_>) -> Result<u32, AdmissionError> {
    match fold(expression)? {
        Constant::I32(offset) => Ok(offset.cast_unsigned()),
        _ => Err(not_constant(expression.get_binary_reader().original_position())),
    }
}

fn not_constant(offset: usize) -> AdmissionError {
    AdmissionError::Invalid { offset: offset as u64, message: "constant expression expected".to_owned() }
}

//! Integer operators and comparisons, 32 and 64 bits wide.
//!
//! Owns their meaning, traps included. Shift and rotation counts are taken modulo the width.

use super::{Operand, Outcome, binary_operators, unary_operators};
use crate::isa::num;
use assay_protocol::TrapCode;

unary_operators! {
    I32_EQZ i32_eqz(a: u32) -> bool = a == 0;
    I64_EQZ i64_eqz(a: u64) -> bool = a == 0;
    I32_CLZ i32_clz(a: u32) -> u32 = a.leading_zeros();
    I32_CTZ i32_ctz(a: u32) -> u32 = a.trailing_zeros();
    I32_POPCNT i32_popcnt(a: u32) -> u32 = a.count_ones();
    I64_CLZ i64_clz(a: u64) -> u32 = a.leading_zeros();
    I64_CTZ i64_ctz(a: u64) -> u32 = a.trailing_zeros();
    I64_POPCNT i64_popcnt(a: u64) -> u32 = a.count_ones();
    I32_WRAP_I64 i32_wrap_i64(a: u64) -> u32 = a as u32;
    I64_EXTEND_I32_S i64_extend_i32_s(a: i32) -> i64 = i64::from(a);
    I64_EXTEND_I32_U i64_extend_i32_u(a: u32) -> u64 = u64::from(a);
    I32_EXTEND8_S i32_extend8_s(a: i32) -> i32 = i32::from(a as i8);
    I32_EXTEND16_S i32_extend16_s(a: i32) -> i32 = i32::from(a as i16);
    I64_EXTEND8_S i64_extend8_s(a: i64) -> i64 = i64::from(a as i8);
    I64_EXTEND16_S i64_extend16_s(a: i64) -> i64 = i64::from(a as i16);
    I64_EXTEND32_S i64_extend32_s(a: i64) -> i64 = i64::from(a as i32);
}

binary_operators! {
    I32_EQ i32_eq(a: u32, b: u32) -> bool = a == b;
    I32_NE i32_ne(a: u32, b: u32) -> bool = a != b;
    I32_LT_S i32_lt_s(a: i32, b: i32) -> bool = a < b;
    I32_LT_U i32_lt_u(a: u32, b: u32) -> bool = a < b;
    I32_GT_S i32_gt_s(a: i32, b: i32) -> bool = a > b;
    I32_GT_U i32_gt_u(a: u32, b: u32) -> bool = a > b;
    I32_LE_S i32_le_s(a: i32, b: i32) -> bool = a <= b;
    I32_LE_U i32_le_u(a: u32, b: u32) -> bool = a <= b;
    I32_GE_S i32_ge_s(a: i32, b: i32) -> bool = a >= b;
    I32_GE_U i32_ge_u(a: u32, b: u32) -> bool = a >= b;

    I64_EQ i64_eq(a: u64, b: u64) -> bool = a == b;
    I64_NE i64_ne(a: u64, b: u64) -> bool = a != b;
    I64_LT_S i64_lt_s(a: i64, b: i64) -> bool = a < b;
    I64_LT_U i64_lt_u(a: u64, b: u64) -> bool = a < b;
    I64_GT_S i64_gt_s(a: i64, b: i64) -> bool = a > b;
    I64_GT_U i64_gt_u(a: u64, b: u64) -> bool = a > b;
    I64_LE_S i64_le_s(a: i64, b: i64) -> bool = a <= b;
    I64_LE_U i64_le_u(a: u64, b: u64) -> bool = a <= b;
    I64_GE_S i64_ge_s(a: i64, b: i64) -> bool = a >= b;
    I64_GE_U i64_ge_u(a: u64, b: u64) -> bool = a >= b;

    I32_ADD i32_add(a: u32, b: u32) -> u32 = a.wrapping_add(b);
    I32_SUB i32_sub(a: u32, b: u32) -> u32 = a.wrapping_sub(b);
    I32_MUL i32_mul(a: u32, b: u32) -> u32 = a.wrapping_mul(b);
    I32_DIV_S i32_div_s(a: i32, b: i32) -> Result<i32, TrapCode> = quotient(b == 0, a.checked_div(b));
    I32_DIV_U i32_div_u(a: u32, b: u32) -> Result<u32, TrapCode> = quotient(b == 0, a.checked_div(b));
    I32_REM_S i32_rem_s(a: i32, b: i32) -> Result<i32, TrapCode> = remainder(b == 0, || a.wrapping_rem(b));
    I32_REM_U i32_rem_u(a: u32, b: u32) -> Result<u32, TrapCode> = remainder(b == 0, || a.wrapping_rem(b));
    I32_AND i32_and(a: u32, b: u32) -> u32 = a & b;
    I32_OR i32_or(a: u32, b: u32) -> u32 = a | b;
    I32_XOR i32_xor(a: u32, b: u32) -> u32 = a ^ b;
    I32_SHL i32_shl(a: u32, b: u32) -> u32 = a.wrapping_shl(b);
    I32_SHR_S i32_shr_s(a: i32, b: u32) -> i32 = a.wrapping_shr(b);
    I32_SHR_U i32_shr_u(a: u32, b: u32) -> u32 = a.wrapping_shr(b);
    I32_ROTL i32_rotl(a: u32, b: u32) -> u32 = a.rotate_left(b % 32);
    I32_ROTR i32_rotr(a: u32, b: u32) -> u32 = a.rotate_right(b % 32);

    I64_ADD i64_add(a: u64, b: u64) -> u64 = a.wrapping_add(b);
    I64_SUB i64_sub(a: u64, b: u64) -> u64 = a.wrapping_sub(b);
    I64_MUL i64_mul(a: u64, b: u64) -> u64 = a.wrapping_mul(b);
    I64_DIV_S i64_div_s(a: i64, b: i64) -> Result<i64, TrapCode> = quotient(b == 0, a.checked_div(b));
    I64_DIV_U i64_div_u(a: u64, b: u64) -> Result<u64, TrapCode> = quotient(b == 0, a.checked_div(b));
    I64_REM_S i64_rem_s(a: i64, b: i64) -> Result<i64, TrapCode> = remainder(b == 0, || a.wrapping_rem(b));
    I64_REM_U i64_rem_u(a: u64, b: u64) -> Result<u64, TrapCode> = remainder(b == 0, || a.wrapping_rem(b));
    I64_AND i64_and(a: u64, b: u64) -> u64 = a & b;
    I64_OR i64_or(a: u64, b: u64) -> u64 = a | b;
    I64_XOR i64_xor(a: u64, b: u64) -> u64 = a ^ b;
    // The counts' low 6 bits are those of their low halves.
    I64_SHL i64_shl(a: u64, b: u32) -> u64 = a.wrapping_shl(b);
    I64_SHR_S i64_shr_s(a: i64, b: u32) -> i64 = a.wrapping_shr(b);
    I64_SHR_U i64_shr_u(a: u64, b: u32) -> u64 = a.wrapping_shr(b);
    I64_ROTL i64_rotl(a: u64, b: u32) -> u64 = a.rotate_left(b % 64);
    I64_ROTR i64_rotr(a: u64, b: u32) -> u64 = a.rotate_right(b % 64);
}

/// A checked division has no result for two reasons; the divisor tells them apart.
#[inline(always)]
fn quotient<T>(divisor_is_zero: bool, result: Option<T>) -> Result<T, TrapCode> {
    match result {
        Some(result) => Ok(result),
        None if divisor_is_zero => Err(TrapCode::DivisionByZero),
        None => Err(TrapCode::IntegerOverflow),
    }
}

/// `MIN rem -1` is 0, which is what the wrapping remainder gives.
#[inline(always)]
fn remainder<T>(divisor_is_zero: bool, result: impl FnOnce() -> T) -> Result<T, TrapCode> {
    if divisor_is_zero { Err(TrapCode::DivisionByZero) } else { Ok(result()) }
}

//! Float operators and comparisons: IEEE 754 binary32 and binary64, round to nearest, ties to even.
//!
//! Owns their meaning. `+ - * /` and comparisons are the language's own, which are IEEE 754 on every target; square
//! roots and roundings come from `libm`, which is the same code everywhere. A result of a float type has its NaN made
//! canonical on the way out; `abs`, `neg` and `copysign` are written on bits because they keep every NaN.

use super::{Operand, Outcome, binary_operators, unary_operators};
use crate::isa::num;
use assay_protocol::TrapCode;
use core::cmp::Ordering;

const SIGN32: u32 = 1 << 31;
const SIGN64: u64 = 1 << 63;

/// The lesser of two numbers, a NaN if either is; of two zeros the negative one: equal floats that differ at all are
/// zeros that differ in the sign bit.
macro_rules! minimum {
    ($type:ty, $a:ident, $b:ident) => {
        match $a.partial_cmp(&$b) {
            None => <$type>::NAN,
            Some(Ordering::Less) => $a,
            Some(Ordering::Greater) => $b,
            Some(Ordering::Equal) => <$type>::from_bits($a.to_bits() | $b.to_bits()),
        }
    };
}

/// The greater of two numbers, a NaN if either is; of two zeros the positive one.
macro_rules! maximum {
    ($type:ty, $a:ident, $b:ident) => {
        match $a.partial_cmp(&$b) {
            None => <$type>::NAN,
            Some(Ordering::Less) => $b,
            Some(Ordering::Greater) => $a,
            Some(Ordering::Equal) => <$type>::from_bits($a.to_bits() & $b.to_bits()),
        }
    };
}

unary_operators! {
    F32_ABS f32_abs(a: u32) -> u32 = a & !SIGN32;
    F32_NEG f32_neg(a: u32) -> u32 = a ^ SIGN32;
    F32_CEIL f32_ceil(a: f32) -> f32 = libm::ceilf(a);
    F32_FLOOR f32_floor(a: f32) -> f32 = libm::floorf(a);
    F32_TRUNC f32_trunc(a: f32) -> f32 = libm::truncf(a);
    F32_NEAREST f32_nearest(a: f32) -> f32 = libm::roundevenf(a);
    F32_SQRT f32_sqrt(a: f32) -> f32 = libm::sqrtf(a);

    F64_ABS f64_abs(a: u64) -> u64 = a & !SIGN64;
    F64_NEG f64_neg(a: u64) -> u64 = a ^ SIGN64;
    F64_CEIL f64_ceil(a: f64) -> f64 = libm::ceil(a);
    F64_FLOOR f64_floor(a: f64) -> f64 = libm::floor(a);
    F64_TRUNC f64_trunc(a: f64) -> f64 = libm::trunc(a);
    F64_NEAREST f64_nearest(a: f64) -> f64 = libm::roundeven(a);
    F64_SQRT f64_sqrt(a: f64) -> f64 = libm::sqrt(a);
}

binary_operators! {
    F32_EQ f32_eq(a: f32, b: f32) -> bool = a == b;
    F32_NE f32_ne(a: f32, b: f32) -> bool = a != b;
    F32_LT f32_lt(a: f32, b: f32) -> bool = a < b;
    F32_GT f32_gt(a: f32, b: f32) -> bool = a > b;
    F32_LE f32_le(a: f32, b: f32) -> bool = a <= b;
    F32_GE f32_ge(a: f32, b: f32) -> bool = a >= b;
    F32_ADD f32_add(a: f32, b: f32) -> f32 = a + b;
    F32_SUB f32_sub(a: f32, b: f32) -> f32 = a - b;
    F32_MUL f32_mul(a: f32, b: f32) -> f32 = a * b;
    F32_DIV f32_div(a: f32, b: f32) -> f32 = a / b;
    F32_MIN f32_min(a: f32, b: f32) -> f32 = minimum!(f32, a, b);
    F32_MAX f32_max(a: f32, b: f32) -> f32 = maximum!(f32, a, b);
    F32_COPYSIGN f32_copysign(a: u32, b: u32) -> u32 = a & !SIGN32 | b & SIGN32;

    F64_EQ f64_eq(a: f64, b: f64) -> bool = a == b;
    F64_NE f64_ne(a: f64, b: f64) -> bool = a != b;
    F64_LT f64_lt(a: f64, b: f64) -> bool = a < b;
    F64_GT f64_gt(a: f64, b: f64) -> bool = a > b;
    F64_LE f64_le(a: f64, b: f64) -> bool = a <= b;
    F64_GE f64_ge(a: f64, b: f64) -> bool = a >= b;
    F64_ADD f64_add(a: f64, b: f64) -> f64 = a + b;
    F64_SUB f64_sub(a: f64, b: f64) -> f64 = a - b;
    F64_MUL f64_mul(a: f64, b: f64) -> f64 = a * b;
    F64_DIV f64_div(a: f64, b: f64) -> f64 = a / b;
    F64_MIN f64_min(a: f64, b: f64) -> f64 = minimum!(f64, a, b);
    F64_MAX f64_max(a: f64, b: f64) -> f64 = maximum!(f64, a, b);
    F64_COPYSIGN f64_copysign(a: u64, b: u64) -> u64 = a & !SIGN64 | b & SIGN64;
}

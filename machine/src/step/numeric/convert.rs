//! Conversions between floats and integers, and between the two float widths.
//!
//! Owns their meaning, traps included. The language's own casts are defined on every target: integer to float rounds
//! to nearest, ties to even; float to integer truncates and saturates, with NaN to 0, which is what WASM's saturating
//! conversions do.

use super::{Operand, Outcome, unary_operators};
use crate::isa::num;
use assay_protocol::TrapCode;

/// The trapping truncation of `$a` to `$integer`, which exists if `$above < $a < $below`. `$above` is the greatest
/// float of its type whose truncation is too small: one below the integer type's least value where the float type
/// has it, else the next float below that.
macro_rules! truncate {
    ($a:ident as $integer:ty, above $above:literal, below $below:literal) => {
        if $a > $above && $a < $below {
            Ok($a as $integer)
        } else if $a.is_nan() {
            Err(TrapCode::InvalidConversion)
        } else {
            Err(TrapCode::IntegerOverflow)
        }
    };
}

type Truncated<T> = Result<T, TrapCode>;

unary_operators! {
    I32_TRUNC_F32_S i32_trunc_f32_s(a: f32) -> Truncated<i32> = truncate!(a as i32, above -2147483904.0, below 2147483648.0);
    I32_TRUNC_F32_U i32_trunc_f32_u(a: f32) -> Truncated<u32> = truncate!(a as u32, above -1.0, below 4294967296.0);
    I32_TRUNC_F64_S i32_trunc_f64_s(a: f64) -> Truncated<i32> = truncate!(a as i32, above -2147483649.0, below 2147483648.0);
    I32_TRUNC_F64_U i32_trunc_f64_u(a: f64) -> Truncated<u32> = truncate!(a as u32, above -1.0, below 4294967296.0);
    I64_TRUNC_F32_S i64_trunc_f32_s(a: f32) -> Truncated<i64> =
        truncate!(a as i64, above -9223373136366403584.0, below 9223372036854775808.0);
    I64_TRUNC_F32_U i64_trunc_f32_u(a: f32) -> Truncated<u64> = truncate!(a as u64, above -1.0, below 18446744073709551616.0);
    I64_TRUNC_F64_S i64_trunc_f64_s(a: f64) -> Truncated<i64> =
        truncate!(a as i64, above -9223372036854777856.0, below 9223372036854775808.0);
    I64_TRUNC_F64_U i64_trunc_f64_u(a: f64) -> Truncated<u64> = truncate!(a as u64, above -1.0, below 18446744073709551616.0);

    I32_TRUNC_SAT_F32_S i32_trunc_sat_f32_s(a: f32) -> i32 = a as i32;
    I32_TRUNC_SAT_F32_U i32_trunc_sat_f32_u(a: f32) -> u32 = a as u32;
    I32_TRUNC_SAT_F64_S i32_trunc_sat_f64_s(a: f64) -> i32 = a as i32;
    I32_TRUNC_SAT_F64_U i32_trunc_sat_f64_u(a: f64) -> u32 = a as u32;
    I64_TRUNC_SAT_F32_S i64_trunc_sat_f32_s(a: f32) -> i64 = a as i64;
    I64_TRUNC_SAT_F32_U i64_trunc_sat_f32_u(a: f32) -> u64 = a as u64;
    I64_TRUNC_SAT_F64_S i64_trunc_sat_f64_s(a: f64) -> i64 = a as i64;
    I64_TRUNC_SAT_F64_U i64_trunc_sat_f64_u(a: f64) -> u64 = a as u64;

    F32_CONVERT_I32_S f32_convert_i32_s(a: i32) -> f32 = a as f32;
    F32_CONVERT_I32_U f32_convert_i32_u(a: u32) -> f32 = a as f32;
    F32_CONVERT_I64_S f32_convert_i64_s(a: i64) -> f32 = a as f32;
    F32_CONVERT_I64_U f32_convert_i64_u(a: u64) -> f32 = a as f32;
    F64_CONVERT_I32_S f64_convert_i32_s(a: i32) -> f64 = f64::from(a);
    F64_CONVERT_I32_U f64_convert_i32_u(a: u32) -> f64 = f64::from(a);
    F64_CONVERT_I64_S f64_convert_i64_s(a: i64) -> f64 = a as f64;
    F64_CONVERT_I64_U f64_convert_i64_u(a: u64) -> f64 = a as f64;
    F32_DEMOTE_F64 f32_demote_f64(a: f64) -> f32 = a as f32;
    F64_PROMOTE_F32 f64_promote_f32(a: f32) -> f64 = f64::from(a);

    // A reinterpretation keeps the bits, of which a 32-bit one has only the lower half.
    I32_REINTERPRET_F32 i32_reinterpret_f32(a: u32) -> u32 = a;
    I64_REINTERPRET_F64 i64_reinterpret_f64(a: u64) -> u64 = a;
    F32_REINTERPRET_I32 f32_reinterpret_i32(a: u32) -> u32 = a;
    F64_REINTERPRET_I64 f64_reinterpret_i64(a: u64) -> u64 = a;
}

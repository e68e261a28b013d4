//! The operators against independent arithmetic: 128-bit integers, and LLVM's soft floats.

use super::{binary, unary};
use crate::isa::{NUMERIC, Numeric, num::*};
use assay_protocol::TrapCode;
use rustc_apfloat::ieee::{Double, Single};
use rustc_apfloat::{Float, FloatConvert, Round, Status};
use std::cmp::Ordering;

/// Operand pairs tried for each operator beyond the edges.
const RANDOM_PAIRS: usize = 20_000;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A slot of any of the shapes that operators tell apart.
    fn slot(&mut self) -> u64 {
        let x = self.next();
        match self.next() % 8 {
            0 => EDGES[x as usize % EDGES.len()],
            1 => EDGES[x as usize % EDGES.len()].wrapping_add(self.next() % 5).wrapping_sub(2),
            2 => x >> (self.next() % 64),
            3 => (x as i64 >> (self.next() % 64)) as u64,
            // Floats of moderate size, where operations meet.
            4 => u64::from(f32::to_bits((x as i32 as f32) / 1024.0)),
            5 => f64::to_bits((x as i64 >> (self.next() % 60)) as f64 / 1024.0),
            6 => f64::to_bits(f64::from(f32::from_bits(x as u32))).wrapping_add(self.next() % 5).wrapping_sub(2),
            _ => x,
        }
    }
}

const EDGES: &[u64] = &[
    0,
    1,
    31,
    32,
    63,
    64,
    0x7f,
    0x80,
    0x7fff,
    0x8000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0xffff_ffff_ffff_ffff,
    // binary32: least and greatest subnormal, least normal, halves, one, 2^23, 2^31, 2^32, 2^63, greatest, infinity, NaNs.
    0x007f_ffff,
    0x0080_0000,
    0x3f00_0000,
    0xbf00_0000,
    0x3f80_0000,
    0xbf80_0000,
    0x3fc0_0000,
    0x4020_0000,
    0x4b00_0000,
    0x4f00_0000,
    0xcf00_0000,
    0x4f80_0000,
    0x5f00_0000,
    0xdf00_0000,
    0x5f80_0000,
    0x7f7f_ffff,
    0x7f80_0000,
    0xff80_0000,
    0x7fc0_0000,
    0x7f80_0001,
    0xffc1_2345,
    // The same of binary64.
    0x000f_ffff_ffff_ffff,
    0x0010_0000_0000_0000,
    0x3fe0_0000_0000_0000,
    0xbfe0_0000_0000_0000,
    0x3ff0_0000_0000_0000,
    0xbff0_0000_0000_0000,
    0x3ff8_0000_0000_0000,
    0x4004_0000_0000_0000,
    0x4330_0000_0000_0000,
    0x41df_ffff_ffc0_0000,
    0x41e0_0000_0000_0000,
    0xc1e0_0000_0020_0000,
    0x41f0_0000_0000_0000,
    0x43e0_0000_0000_0000,
    0xc3e0_0000_0000_0000,
    0x43f0_0000_0000_0000,
    0x7fef_ffff_ffff_ffff,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
    0x7ff8_0000_0000_0000,
    0x7ff0_0000_0000_0001,
    0xfff8_1234_5678_9abc,
];

/// Calls `check` with all pairs of edges and many random pairs.
fn for_pairs(seed: u64, mut check: impl FnMut(u64, u64)) {
    for a in EDGES {
        for b in EDGES {
            check(*a, *b);
        }
    }
    let mut random = Random(seed);
    for _ in 0..RANDOM_PAIRS {
        check(random.slot(), random.slot());
    }
}

/// Bits of an operator's operands, by its name.
fn width(name: &str) -> u32 {
    if name[1..].starts_with("32") { 32 } else { 64 }
}

// Integers. Operands come sign- and zero-extended to 128 bits; results are cut to the width.

fn extended(x: u64, bits: u32) -> (i128, i128) {
    match bits {
        32 => (i128::from(x as i32), i128::from(x as u32)),
        _ => (i128::from(x as i64), i128::from(x)),
    }
}

fn cut(x: i128, bits: u32) -> u64 {
    (x as u128 % (1 << bits)) as u64
}

/// The operator after its width, on mathematical integers; `None` if it is no integer operator of two operands.
fn integer_oracle(operator: &str, bits: u32, a: u64, b: u64) -> Option<Result<u64, TrapCode>> {
    let ((sa, ua), (sb, ub)) = (extended(a, bits), extended(b, bits));
    let modulus = 1i128 << bits;
    let count = (ub % i128::from(bits)) as u32;
    let (signed, (x, y)) = match operator.strip_suffix("_s") {
        Some(_) => (true, (sa, sb)),
        None => (false, (ua, ub)),
    };
    let operator = operator.trim_end_matches("_s").trim_end_matches("_u");
    if matches!(operator, "div" | "rem") && y == 0 {
        return Some(Err(TrapCode::DivisionByZero));
    }
    if operator == "div" && signed && x / y == modulus / 2 {
        return Some(Err(TrapCode::IntegerOverflow));
    }
    let result = match operator {
        "eq" => i128::from(x == y),
        "ne" => i128::from(x != y),
        "lt" => i128::from(x < y),
        "gt" => i128::from(x > y),
        "le" => i128::from(x <= y),
        "ge" => i128::from(x >= y),
        "add" => x + y,
        "sub" => x - y,
        "mul" => x.wrapping_mul(y),
        "div" => x / y,
        "rem" => x % y,
        "and" => x & y,
        "or" => x | y,
        "xor" => x ^ y,
        "shl" => x.wrapping_mul(1 << count),
        "shr" => x >> count,
        "rotl" => x.wrapping_mul(1 << count) | x >> (bits - count),
        "rotr" => x >> count | x.wrapping_mul(1 << (bits - count)),
        _ => return None,
    };
    Some(Ok(cut(result, bits)))
}

#[test]
fn binary_integer_operators_agree_with_128_bit_arithmetic() {
    let mut checked = 0;
    for (opcode, name, kind) in NUMERIC.iter().filter(|(_, name, _)| name.starts_with('i')) {
        if *kind == Numeric::Unary {
            continue;
        }
        checked += 1;
        for_pairs(u64::from(*opcode), |a, b| {
            let wanted = integer_oracle(&name[4..], width(name), a, b).expect("an integer operator of two operands");
            assert_eq!(binary(*opcode, a, b), wanted, "{name} of {a:#x} and {b:#x}");
        });
    }
    assert_eq!(checked, 2 * (10 + 15), "comparisons and arithmetic of both widths");
}

/// Bit by bit, as a definition would have it.
fn unary_integer_oracle(name: &str, a: u64) -> Option<u64> {
    let bits = width(name);
    let bit = |i: u32| a >> i & 1 == 1;
    let extend = |from: u32| cut(extended_from(a, from), bits);
    Some(match &name[4..] {
        "eqz" => u64::from((0..bits).all(|i| !bit(i))),
        "clz" => (0..bits).rev().take_while(|i| !bit(*i)).count() as u64,
        "ctz" => (0..bits).take_while(|i| !bit(*i)).count() as u64,
        "popcnt" => (0..bits).filter(|i| bit(*i)).count() as u64,
        "extend8_s" => extend(8),
        "extend16_s" => extend(16),
        "extend32_s" | "extend_i32_s" => extend(32),
        "extend_i32_u" | "wrap_i64" => a % (1 << 32),
        "reinterpret_f32" | "reinterpret_i32" => a % (1 << 32),
        "reinterpret_f64" | "reinterpret_i64" => a,
        _ => return None,
    })
}

/// The low `bits` bits of `a` as a two's complement number.
fn extended_from(a: u64, bits: u32) -> i128 {
    let value = i128::from(a) % (1 << bits);
    if value >= 1 << (bits - 1) { value - (1 << bits) } else { value }
}

#[test]
fn unary_integer_operators_agree_with_their_definitions() {
    let mut checked = 0;
    for (opcode, name, kind) in NUMERIC {
        if *kind != Numeric::Unary || unary_integer_oracle(name, 0).is_none() {
            continue;
        }
        checked += 1;
        for_pairs(u64::from(*opcode), |a, _| {
            assert_eq!(unary(*opcode, a).ok(), unary_integer_oracle(name, a), "{name} of {a:#x}");
        });
    }
    assert_eq!(checked, 2 * 4 + 3 + 5 + 4, "counts, width changes, sign extensions, reinterpretations");
}

// Floats, by LLVM's soft floats.

/// What both formats share.
trait Format: Float {
    const CANONICAL_NAN: u64;

    fn of(slot: u64) -> Self {
        Self::from_bits(u128::from(slot) % (1 << Self::BITS))
    }

    /// An arithmetic result's slot.
    fn slot(self) -> u64 {
        if self.is_nan() { Self::CANONICAL_NAN } else { self.to_bits() as u64 }
    }
}

impl Format for Single {
    const CANONICAL_NAN: u64 = 0x7fc0_0000;
}

impl Format for Double {
    const CANONICAL_NAN: u64 = 0x7ff8_0000_0000_0000;
}

fn float_oracle<F: Format>(operator: &str, a_slot: u64, b_slot: u64) -> u64 {
    let (a, b) = (F::of(a_slot), F::of(b_slot));
    let order = a.partial_cmp(&b);
    let zeros = a.is_zero() && b.is_zero();
    match operator {
        "eq" => u64::from(order == Some(Ordering::Equal)),
        "ne" => u64::from(order != Some(Ordering::Equal)),
        "lt" => u64::from(order == Some(Ordering::Less)),
        "gt" => u64::from(order == Some(Ordering::Greater)),
        "le" => u64::from(matches!(order, Some(Ordering::Less | Ordering::Equal))),
        "ge" => u64::from(matches!(order, Some(Ordering::Greater | Ordering::Equal))),
        "add" => (a + b).value.slot(),
        "sub" => (a - b).value.slot(),
        "mul" => (a * b).value.slot(),
        "div" => (a / b).value.slot(),
        "min" | "max" if order.is_none() => F::CANONICAL_NAN,
        "min" if zeros => if a.is_negative() { a } else { b }.slot(),
        "max" if zeros => if a.is_negative() { b } else { a }.slot(),
        "min" => a.min(b).slot(),
        "max" => a.max(b).slot(),
        "copysign" => a.copy_sign(b).to_bits() as u64,
        _ => panic!("{operator} is no float operator of two operands"),
    }
}

#[test]
fn binary_float_operators_agree_with_soft_floats() {
    let mut checked = 0;
    for (opcode, name, kind) in NUMERIC.iter().filter(|(_, name, _)| name.starts_with('f')) {
        if *kind == Numeric::Unary {
            continue;
        }
        checked += 1;
        let oracle = if width(name) == 32 { float_oracle::<Single> } else { float_oracle::<Double> };
        for_pairs(u64::from(*opcode), |a, b| {
            assert_eq!(binary(*opcode, a, b), Ok(oracle(&name[4..], a, b)), "{name} of {a:#x} and {b:#x}");
        });
    }
    assert_eq!(checked, 2 * 13, "comparisons and arithmetic of both formats");
}

fn unary_float_oracle<F: Format>(operator: &str, slot: u64) -> u64 {
    let a = F::of(slot);
    let whole = |round| a.round_to_integral(round).value.slot();
    match operator {
        "abs" => a.abs().to_bits() as u64,
        "neg" => (-a).to_bits() as u64,
        "ceil" => whole(Round::TowardPositive),
        "floor" => whole(Round::TowardNegative),
        "trunc" => whole(Round::TowardZero),
        "nearest" => whole(Round::NearestTiesToEven),
        _ => panic!("{operator} is no float operator of one operand"),
    }
}

#[test]
fn unary_float_operators_agree_with_soft_floats() {
    for (opcode, name) in [F32_ABS, F32_NEG, F32_CEIL, F32_FLOOR, F32_TRUNC, F32_NEAREST]
        .into_iter()
        .zip(["abs", "neg", "ceil", "floor", "trunc", "nearest"])
    {
        for_pairs(u64::from(opcode), |a, _| {
            assert_eq!(unary(opcode, a), Ok(unary_float_oracle::<Single>(name, a)), "f32.{name} of {a:#x}");
            let wide = opcode + (F64_ABS - F32_ABS);
            assert_eq!(unary(wide, a), Ok(unary_float_oracle::<Double>(name, a)), "f64.{name} of {a:#x}");
        });
    }
}

/// A root is right if no neighbour is closer: the squares of the two midpoints around it enclose the operand. In
/// integers: with `a = m * 4^k` and a root `r * 2^k`, (2r - 1)^2 <= 4m <= (2r + 1)^2, and never equal.
#[test]
fn square_roots_are_nearest() {
    let check = |opcode: u16, slot: u64, fraction_bits: u32, bits: u32| {
        let value = (u128::from(slot) % (1 << bits)) as u64;
        let (root, infinity) = (unary(opcode, slot).unwrap(), ((1 << (bits - 1 - fraction_bits)) - 1) << fraction_bits);
        let nan = infinity | 1 << (fraction_bits - 1);
        let sign = 1 << (bits - 1);
        if value & !sign == 0 || value == infinity {
            return assert_eq!(root, value, "zeros and infinity are their own roots");
        }
        if value & sign != 0 || value > infinity {
            return assert_eq!(root, nan, "no root of {value:#x}");
        }
        // Fraction and exponent: value = fraction * 2^exponent.
        let split = |x: u64| match x >> fraction_bits {
            0 => (x, 1),
            field => (x % (1 << fraction_bits) + (1 << fraction_bits), field as i64),
        };
        let bias = (1i64 << (bits - 2 - fraction_bits)) - 1 + i64::from(fraction_bits);
        let ((m, m_field), (r, r_field)) = (split(value), split(root));
        let shift = (m_field - bias) - 2 * (r_field - bias);
        assert!((0..=106).contains(&shift), "the operand is a multiple of the square of the root's unit");
        let (four_m, r) = (u128::from(m) << (shift + 2), u128::from(r));
        assert!((2 * r - 1).pow(2) < four_m && four_m < (2 * r + 1).pow(2), "root of {value:#x} is {root:#x}");
    };
    for_pairs(u64::from(F64_SQRT), |a, _| {
        check(F32_SQRT, a, 23, 32);
        check(F64_SQRT, a, 52, 64);
    });
}

/// The exact truncation by soft floats, and whether it fits.
fn truncate_oracle<F: Format>(slot: u64, bits: usize, signed: bool) -> (u64, bool) {
    let a = F::of(slot);
    let mut exact = false;
    if signed {
        let result = a.to_i128_r(bits, Round::TowardZero, &mut exact);
        (cut(result.value, bits as u32), !result.status.contains(Status::INVALID_OP))
    } else {
        let result = a.to_u128_r(bits, Round::TowardZero, &mut exact);
        (result.value as u64, !result.status.contains(Status::INVALID_OP))
    }
}

#[test]
fn truncations_agree_with_soft_floats() {
    let mut checked = 0;
    for (opcode, name, _) in NUMERIC.iter().filter(|(_, name, _)| name.starts_with('i') && name.contains(".trunc")) {
        checked += 1;
        let (bits, signed, saturating) = (width(name) as usize, name.ends_with("_s"), name.contains("sat"));
        let single = name.contains("f32");
        for_pairs(u64::from(*opcode), |slot, _| {
            let (value, fits) = match single {
                true => truncate_oracle::<Single>(slot, bits, signed),
                false => truncate_oracle::<Double>(slot, bits, signed),
            };
            let nan = if single { Single::of(slot).is_nan() } else { Double::of(slot).is_nan() };
            let wanted = match (nan, fits || saturating) {
                (true, _) if saturating => Ok(0),
                (true, _) => Err(TrapCode::InvalidConversion),
                (false, true) => Ok(value),
                (false, false) => Err(TrapCode::IntegerOverflow),
            };
            assert_eq!(unary(*opcode, slot), wanted, "{name} of {slot:#x}");
        });
    }
    assert_eq!(checked, 16);
}

#[test]
fn conversions_to_floats_agree_with_soft_floats() {
    let check =
        |opcode: u16, slot: u64, wanted: u64| assert_eq!(unary(opcode, slot), Ok(wanted), "{opcode:#x} {slot:#x}");
    for_pairs(u64::from(F32_CONVERT_I32_S), |slot, _| {
        let (s32, u32) = extended(slot, 32);
        let (s64, u64) = extended(slot, 64);
        for (i, value) in [s32, u32, s64, u64].into_iter().enumerate() {
            check(F32_CONVERT_I32_S + i as u16, slot, Single::from_i128(value).value.slot());
            check(F64_CONVERT_I32_S + i as u16, slot, Double::from_i128(value).value.slot());
        }
        let mut loses = false;
        let demoted: Single = Double::of(slot).convert(&mut loses).value;
        check(F32_DEMOTE_F64, slot, demoted.slot());
        let promoted: Double = Single::of(slot).convert(&mut loses).value;
        check(F64_PROMOTE_F32, slot, promoted.slot());
    });
}

#[test]
#[should_panic(expected = "no unary operator")]
fn a_binary_opcode_is_no_unary_operator() {
    let _ = unary(I32_ADD, 0);
}

#[test]
#[should_panic(expected = "no binary operator")]
fn a_unary_opcode_is_no_binary_operator() {
    let _ = binary(I32_EQZ, 0, 0);
}

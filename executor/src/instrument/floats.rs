//! Late canonicalisation of NaNs: which values of a function body may hold bits that the machine would not.
//!
//! The machine canonicalises the result of every arithmetic operation; a native instruction leaves any NaN it likes.
//! A value may keep those bits as long as nobody sees them: arithmetic, comparisons and conversions only ask whether
//! a value is a NaN. So a value is canonicalised where it flows to where bits count, not where it is computed.
//! Owns the classes of values and what each operator makes of them; emits nothing.

use wasmparser::ValType;

/// What is known about the bits of a value, compared with the machine's. Ordered: a value of a class may stand where
/// a later class is expected, except that [`Class::Arithmetic`] must be canonicalised to become [`Class::Exact`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// The machine's bits, and if they are a NaN then the canonical one. All that is not a float is of this class.
    Clean,
    /// If the machine's bits are a NaN then they are the canonical one, and these may be any NaN. Else equal.
    Arithmetic,
    /// The machine's bits, and they may be any NaN.
    Exact,
}

/// An operand of the body's stack, or a local.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub ty: ValType,
    pub class: Class,
}

impl Value {
    /// A value that is not a result of arithmetic here: a parameter, a result of a call, a load.
    pub fn exact(ty: ValType) -> Self {
        Self { ty, class: if is_float(ty) { Class::Exact } else { Class::Clean } }
    }

    /// The constant with these bits.
    pub fn f32(bits: u32) -> Self {
        let other_nan = bits & 0x7fff_ffff > 0x7f80_0000 && bits != CANONICAL_F32;
        Self { ty: ValType::F32, class: if other_nan { Class::Exact } else { Class::Clean } }
    }

    /// The constant with these bits.
    pub fn f64(bits: u64) -> Self {
        let other_nan = bits & (u64::MAX >> 1) > 0x7ff0_0000_0000_0000 && bits != CANONICAL_F64;
        Self { ty: ValType::F64, class: if other_nan { Class::Exact } else { Class::Clean } }
    }
}

/// The canonical NaN.
pub(super) const CANONICAL_F32: u32 = 0x7fc0_0000;
/// The canonical NaN.
pub(super) const CANONICAL_F64: u64 = 0x7ff8_0000_0000_0000;

/// Whether values of a type are floats.
pub(super) fn is_float(ty: ValType) -> bool {
    matches!(ty, ValType::F32 | ValType::F64)
}

/// What a numeric operator does with its operands' bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bits {
    /// It does not see them, and its result is of this class.
    Ignored(Class),
    /// It sees them: operands must be exact, and so is the result.
    Seen,
    /// It clears the sign and passes the class on.
    Absolute,
}

/// Result type of a numeric operator with a single-byte opcode, 0x45 to 0xc4, and what it does with bits.
pub(super) fn numeric(opcode: u8) -> (ValType, Bits) {
    use Bits::{Absolute, Ignored, Seen};
    use Class::{Arithmetic, Clean};
    use ValType::{F32, F64, I32, I64};
    match opcode {
        0x45..=0x78 => (I32, Ignored(Clean)),
        0x79..=0x8a => (I64, Ignored(Clean)),
        0x8b => (F32, Absolute),
        0x8c | 0x98 => (F32, Seen),
        0x8d..=0x97 => (F32, Ignored(Arithmetic)),
        0x99 => (F64, Absolute),
        0x9a | 0xa6 => (F64, Seen),
        0x9b..=0xa5 => (F64, Ignored(Arithmetic)),
        0xa7..=0xab => (I32, Ignored(Clean)),
        0xac..=0xb1 => (I64, Ignored(Clean)),
        0xb2..=0xb5 => (F32, Ignored(Clean)),
        0xb6 => (F32, Ignored(Arithmetic)),
        0xb7..=0xba => (F64, Ignored(Clean)),
        0xbb => (F64, Ignored(Arithmetic)),
        0xbc => (I32, Seen),
        0xbd => (I64, Seen),
        0xbe => (F32, Seen),
        0xbf => (F64, Seen),
        0xc0 | 0xc1 => (I32, Ignored(Clean)),
        _ => (I64, Ignored(Clean)),
    }
}

/// Result type of a load, opcodes 0x28 to 0x35.
pub(super) fn loaded(opcode: u8) -> ValType {
    match opcode {
        0x28 | 0x2c..=0x2f => ValType::I32,
        0x2a => ValType::F32,
        0x2b => ValType::F64,
        _ => ValType::I64,
    }
}

//! The numeric operators as pure functions of slots: the one definition that the step, the interpreter and the
//! tests call (specs/04-instructions.md, "Numeric instructions").
//!
//! Owns how a slot becomes an operand and how a result becomes a slot, NaNs included. Each operator is a function
//! named after it, slots in and slot out; [`unary`] and [`binary`] find it by opcode. All of them inline away when
//! the opcode is a constant. Nothing here reads memory or knows instructions.

mod convert;
mod float;
mod integer;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;

use assay_protocol::TrapCode;

/// A type that operators take: how it is read from a slot.
trait Operand {
    /// Reads the operand; 32-bit operands ignore the upper half of the slot.
    fn from_slot(slot: u64) -> Self;
}

/// A type that operators give: how it is written to a slot.
trait Outcome {
    /// The slot that holds the result, 32-bit results zero-extended.
    fn into_slot(self) -> Result<u64, TrapCode>;
}

macro_rules! integer_values {
    ($($type:ty as $unsigned:ty),*) => {$(
        impl Operand for $type {
            #[inline(always)]
            fn from_slot(slot: u64) -> Self {
                slot as $type
            }
        }
        impl Outcome for $type {
            #[inline(always)]
            fn into_slot(self) -> Result<u64, TrapCode> {
                Ok(self as $unsigned as u64)
            }
        }
    )*};
}

integer_values!(i32 as u32, u32 as u32, i64 as u64, u64 as u64);

macro_rules! float_values {
    ($($type:ty as $bits:ty, nan $nan:literal),*) => {$(
        impl Operand for $type {
            #[inline(always)]
            fn from_slot(slot: u64) -> Self {
                <$type>::from_bits(slot as $bits)
            }
        }
        /// A result of this type is arithmetic: a NaN becomes the canonical one. Operators that only move bits
        /// are written on integers.
        impl Outcome for $type {
            #[inline(always)]
            fn into_slot(self) -> Result<u64, TrapCode> {
                Ok(if self.is_nan() { $nan } else { u64::from(self.to_bits()) })
            }
        }
    )*};
}

float_values!(f32 as u32, nan 0x7fc0_0000, f64 as u64, nan 0x7ff8_0000_0000_0000);

impl Outcome for bool {
    #[inline(always)]
    fn into_slot(self) -> Result<u64, TrapCode> {
        Ok(u64::from(self))
    }
}

impl<T: Outcome> Outcome for Result<T, TrapCode> {
    #[inline(always)]
    fn into_slot(self) -> Result<u64, TrapCode> {
        self.and_then(Outcome::into_slot)
    }
}

/// Makes one function per operator from `OPCODE name(operand: type) -> result = expression`, and the file's
/// `unary`, which finds it by opcode.
macro_rules! unary_operators {
    ($($opcode:ident $name:ident($a:ident: $type:ty) -> $result:ty = $body:expr;)*) => {
        $(
            #[inline(always)]
            fn $name($a: u64) -> Result<u64, TrapCode> {
                let $a = <$type as Operand>::from_slot($a);
                let result: $result = $body;
                result.into_slot()
            }
        )*

        #[inline(always)]
        pub(super) fn unary(opcode: u16, a: u64) -> Option<Result<u64, TrapCode>> {
            Some(match opcode {
                $(num::$opcode => $name(a),)*
                _ => return None,
            })
        }
    };
}

/// As [`unary_operators`], for two operands.
macro_rules! binary_operators {
    ($($opcode:ident $name:ident($a:ident: $a_type:ty, $b:ident: $b_type:ty) -> $result:ty = $body:expr;)*) => {
        $(
            #[inline(always)]
            fn $name($a: u64, $b: u64) -> Result<u64, TrapCode> {
                let ($a, $b) = (<$a_type as Operand>::from_slot($a), <$b_type as Operand>::from_slot($b));
                let result: $result = $body;
                result.into_slot()
            }
        )*

        #[inline(always)]
        pub(super) fn binary(opcode: u16, a: u64, b: u64) -> Option<Result<u64, TrapCode>> {
            Some(match opcode {
                $(num::$opcode => $name(a, b),)*
                _ => return None,
            })
        }
    };
}

use {binary_operators, unary_operators};

/// The unary operator `opcode`, of a slot to a slot.
///
/// # Panics
/// If `opcode` is no unary operator; decoding has ruled that out.
#[inline(always)]
pub fn unary(opcode: u16, a: u64) -> Result<u64, TrapCode> {
    // No closures: with a constant opcode all but one operator must fold away.
    if let Some(result) = integer::unary(opcode, a) {
        return result;
    }
    if let Some(result) = float::unary(opcode, a) {
        return result;
    }
    match convert::unary(opcode, a) {
        Some(result) => result,
        None => no_operator(opcode, "unary"),
    }
}

/// The binary operator or comparison `opcode`, of two slots to a slot.
///
/// # Panics
/// If `opcode` is no binary operator; decoding has ruled that out.
#[inline(always)]
pub fn binary(opcode: u16, a: u64, b: u64) -> Result<u64, TrapCode> {
    if let Some(result) = integer::binary(opcode, a, b) {
        return result;
    }
    match float::binary(opcode, a, b) {
        Some(result) => result,
        None => no_operator(opcode, "binary"),
    }
}

#[cold]
fn no_operator(opcode: u16, kind: &str) -> ! {
    panic!("{opcode:#06x} is no {kind} operator")
}

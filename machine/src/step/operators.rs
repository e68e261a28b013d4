//! Numeric instructions: an operator with slots or an immediate, and branches on a comparison.
//!
//! Owns how the four families take their operands; the operators are those of `numeric`.

use super::machine::{Effect, Machine, Stop};
use super::{Access, numeric};
use crate::isa::{Instruction, Numeric, numeric_kind};

impl<A: Access> Machine<'_, A> {
    /// `d = op(a)` or `d = op(a, b)`.
    pub(super) fn operator(&mut self, i: &Instruction) -> Effect<A> {
        let a = self.slot(i.a)?;
        let result = match numeric_kind(i.opcode) {
            Some(Numeric::Unary) => numeric::unary(i.opcode, a),
            _ => numeric::binary(i.opcode, a, self.slot(i.b)?),
        };
        self.set_slot(i.d, result.map_err(Stop::Trap)?)
    }

    /// `d = op(a, imm)`.
    pub(super) fn operator_immediate(&mut self, i: &Instruction) -> Effect<A> {
        let a = self.slot(i.a)?;
        let result = numeric::binary(i.opcode & 0xff, a, i.imm).map_err(Stop::Trap)?;
        self.set_slot(i.d, result)
    }

    /// Branches if `op(a, b)`.
    pub(super) fn branch(&mut self, i: &Instruction) -> Effect<A> {
        let a = self.slot(i.a)?;
        let b = self.slot(i.b)?;
        self.branch_on(i, a, b)
    }

    /// Branches if `op(a, b)`, b being the field itself. A 32-bit operator ignores the upper half of the extension.
    pub(super) fn branch_immediate(&mut self, i: &Instruction) -> Effect<A> {
        let a = self.slot(i.a)?;
        self.branch_on(i, a, i.b as i16 as u64)
    }

    fn branch_on(&mut self, i: &Instruction, a: u64, b: u64) -> Effect<A> {
        let holds = numeric::binary(i.opcode & 0xff, a, b).map_err(Stop::Trap)? != 0;
        if holds {
            self.charge(i.imm >> 32 & 0xffff)?;
            self.go_to(i.imm as u32);
        } else {
            self.charge(i.imm >> 48)?;
        }
        Ok(())
    }
}

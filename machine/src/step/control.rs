//! Control instructions, and moves between slots and SYSTEM.
//!
//! Owns the frame: how `enter` checks and clears it, how calls link and `return` unlinks.

use super::Access;
use super::machine::{Effect, Machine, Stop, high, low};
use crate::isa::Instruction;
use crate::record::STACK_SLOTS;
use assay_protocol::TrapCode;

impl<A: Access> Machine<'_, A> {
    pub(super) fn trap(&mut self, i: &Instruction) -> Effect<A> {
        let code = TrapCode::from_code(i.imm as u32).expect("a well-formed trap names one of the ten codes");
        Err(Stop::Trap(code))
    }

    pub(super) fn fuel(&mut self, i: &Instruction) -> Effect<A> {
        self.charge(i.imm)
    }

    pub(super) fn jump(&mut self, i: &Instruction) -> Effect<A> {
        self.charge(high(i.imm))?;
        self.go_to(i.imm as u32);
        Ok(())
    }

    pub(super) fn br_table(&mut self, i: &Instruction) -> Effect<A> {
        let index = low(self.slot(i.a)?).min(i.imm);
        let target = u64::from(self.pc) + 1 + index;
        self.go_to(u32::try_from(target).map_err(|_| Stop::Illegal)?);
        Ok(())
    }

    pub(super) fn enter(&mut self, i: &Instruction) -> Effect<A> {
        self.charge(low(i.imm))?;
        let fp = u64::from(self.record.fp);
        if fp + high(i.imm) > u64::from(STACK_SLOTS) {
            return Err(Stop::Trap(TrapCode::StackOverflow));
        }
        if fp + u64::from(i.a) + u64::from(i.b) > u64::from(STACK_SLOTS) {
            return Err(Stop::Illegal);
        }
        self.clear(i)
    }

    /// Also the last part of `enter`, where the range may be empty.
    pub(super) fn clear(&mut self, i: &Instruction) -> Effect<A> {
        let first = u32::from(i.a);
        for slot in first..first + u32::from(i.b) {
            self.set_slot(slot, 0)?;
        }
        Ok(())
    }

    pub(super) fn call(&mut self, i: &Instruction) -> Effect<A> {
        self.call_to(i, i.imm as u32)
    }

    pub(super) fn call_indirect(&mut self, i: &Instruction) -> Effect<A> {
        let index = low(self.slot(i.b)?);
        let table = low(i.imm);
        if index >= self.system(table)? {
            return Err(Stop::Trap(TrapCode::TableOutOfBounds));
        }
        let reference = self.system(table + 1 + index)?;
        if reference == 0 {
            return Err(Stop::Trap(TrapCode::IndirectCallToNull));
        }
        if high(reference) != high(i.imm) {
            return Err(Stop::Trap(TrapCode::BadSignature));
        }
        self.call_to(i, reference as u32)
    }

    /// Writes the link into the callee's frame, whose first slot is d, and enters the callee.
    fn call_to(&mut self, i: &Instruction, target: u32) -> Effect<A> {
        let link = (u64::from(self.pc) + 1) | (u64::from(i.d) << 32);
        self.set_slot(u32::from(i.d) + u32::from(i.a), link)?;
        self.record.fp += u32::from(i.d);
        self.go_to(target);
        Ok(())
    }

    pub(super) fn return_(&mut self, i: &Instruction) -> Effect<A> {
        let link = self.slot(i.a)?;
        self.record.fp = self.record.fp.checked_sub(high(link) as u32).ok_or(Stop::Illegal)?;
        self.go_to(link as u32);
        Ok(())
    }

    pub(super) fn exit(&mut self, i: &Instruction) -> Effect<A> {
        Err(Stop::Exit(self.slot(i.a)? as u32))
    }

    pub(super) fn charge_length(&mut self, i: &Instruction) -> Effect<A> {
        let length = low(self.slot(i.a)?);
        self.charge(2 + (length >> i.imm))
    }

    pub(super) fn const_(&mut self, i: &Instruction) -> Effect<A> {
        self.set_slot(i.d, i.imm)
    }

    pub(super) fn copy(&mut self, i: &Instruction) -> Effect<A> {
        let a = self.slot(i.a)?;
        self.set_slot(i.d, a)
    }

    pub(super) fn select(&mut self, i: &Instruction) -> Effect<A> {
        let a = self.slot(i.a)?;
        let b = self.slot(i.b)?;
        let condition = low(self.slot(i.imm as u16)?);
        self.set_slot(i.d, if condition != 0 { a } else { b })
    }

    pub(super) fn system_get(&mut self, i: &Instruction) -> Effect<A> {
        let value = self.system(i.imm)?;
        self.set_slot(i.d, value)
    }

    pub(super) fn system_set(&mut self, i: &Instruction) -> Effect<A> {
        let a = self.slot(i.a)?;
        self.set_system(i.imm, a)
    }
}

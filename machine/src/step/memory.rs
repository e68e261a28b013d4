//! Linear memory: loads, stores, its size, and the repeating copy, fill and init.
//!
//! Owns the bounds check of MEMORY. Addresses are 32-bit and offsets too, so no sum here wraps.

use super::Access;
use super::machine::{Effect, Machine, Stop, low, system_address};
use super::piece::BYTE;
use crate::isa::{Instruction, op};
use crate::memory::layout::Region;
use crate::record::Record;
use assay_protocol::TrapCode;

/// What a failed `grow` gives.
pub(super) const GROW_FAILED: u64 = u32::MAX as u64;

/// Address of byte `offset` of linear memory.
pub(super) fn memory_address(offset: u64) -> u64 {
    Region::MEMORY.base() + offset
}

/// Traps unless `offset..offset + length` lies within linear memory.
pub(super) fn check_memory<E>(record: &Record, offset: u64, length: u64) -> Result<(), Stop<E>> {
    if offset + length > record.memory_size() { Err(Stop::Trap(TrapCode::MemoryOutOfBounds)) } else { Ok(()) }
}

impl<A: Access> Machine<'_, A> {
    pub(super) fn load(&mut self, i: &Instruction) -> Effect<A> {
        let offset = low(self.slot(i.a)?) + i.imm;
        let length = access_bytes(i.opcode);
        check_memory(&self.record, offset, length as u64)?;
        let mut bytes = [0; 8];
        self.read(memory_address(offset), &mut bytes[..length])?;
        self.set_slot(i.d, extend(i.opcode, u64::from_le_bytes(bytes)))
    }

    pub(super) fn store(&mut self, i: &Instruction) -> Effect<A> {
        let offset = low(self.slot(i.a)?) + i.imm;
        let value = self.slot(i.b)?;
        let length = access_bytes(i.opcode);
        check_memory(&self.record, offset, length as u64)?;
        self.write(memory_address(offset), &value.to_le_bytes()[..length])
    }

    pub(super) fn memory_size(&mut self, i: &Instruction) -> Effect<A> {
        self.set_slot(i.d, u64::from(self.record.memory_pages))
    }

    pub(super) fn memory_grow(&mut self, i: &Instruction) -> Effect<A> {
        let pages = u64::from(self.record.memory_pages);
        let pages_grown = pages + low(self.slot(i.a)?);
        if pages_grown > i.imm {
            return self.set_slot(i.d, GROW_FAILED);
        }
        self.set_slot(i.d, pages)?;
        // At most the immediate, which is at most 65536.
        self.record.memory_pages = pages_grown as u32;
        Ok(())
    }

    pub(super) fn memory_copy(&mut self, i: &Instruction) -> Effect<A> {
        let [d, s, n] = self.slots(i.a)?.map(low);
        check_memory(&self.record, d, n)?;
        check_memory(&self.record, s, n)?;
        let (to, from) = (memory_address(d), memory_address(s));
        if d <= s {
            self.copy_forward(i.a, BYTE, to, from, [d, s, n])
        } else {
            self.copy_backward(i.a, BYTE, to, from, n)
        }
    }

    pub(super) fn memory_fill(&mut self, i: &Instruction) -> Effect<A> {
        let [d, v, n] = self.slots(i.a)?.map(low);
        check_memory(&self.record, d, n)?;
        if n == 0 {
            return Ok(());
        }
        let k = self.fill_forward(memory_address(d), n, [v as u8])?;
        self.set_slot(i.a, low(d + k))?;
        self.count_down(u32::from(i.a) + 2, n - k)
    }

    pub(super) fn memory_init(&mut self, i: &Instruction) -> Effect<A> {
        let [d, s, n] = self.slots(i.a)?.map(low);
        if s + n > self.system(i.imm)? {
            return Err(Stop::Trap(TrapCode::MemoryOutOfBounds));
        }
        check_memory(&self.record, d, n)?;
        self.copy_forward(i.a, BYTE, memory_address(d), system_address(i.imm + 1) + s, [d, s, n])
    }
}

/// Bytes that a load or a store moves.
fn access_bytes(opcode: u16) -> usize {
    match opcode {
        op::I32_LOAD8_S | op::I32_LOAD8_U | op::I64_LOAD8_S | op::I64_LOAD8_U => 1,
        op::I32_LOAD16_S | op::I32_LOAD16_U | op::I64_LOAD16_S | op::I64_LOAD16_U => 2,
        op::I32_LOAD | op::F32_LOAD | op::I64_LOAD32_S | op::I64_LOAD32_U => 4,
        op::I64_LOAD | op::F64_LOAD => 8,
        op::I32_STORE8 | op::I64_STORE8 => 1,
        op::I32_STORE16 | op::I64_STORE16 => 2,
        op::I32_STORE | op::F32_STORE | op::I64_STORE32 => 4,
        op::I64_STORE | op::F64_STORE => 8,
        _ => unreachable!("{opcode:#06x} is neither a load nor a store"),
    }
}

/// The slot that a load makes of its bytes, zero-extended to `value`.
fn extend(opcode: u16, value: u64) -> u64 {
    match opcode {
        op::I32_LOAD8_S => u64::from(value as i8 as u32),
        op::I32_LOAD16_S => u64::from(value as i16 as u32),
        op::I64_LOAD8_S => value as i8 as u64,
        op::I64_LOAD16_S => value as i16 as u64,
        op::I64_LOAD32_S => value as i32 as u64,
        _ => value,
    }
}

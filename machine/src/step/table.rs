//! Tables of references: a size in words of SYSTEM, its entries after it.
//!
//! Owns their bounds checks and the repeating fill, copy and init. Sizes and segment lengths are full 64-bit words;
//! indices and counts are 32-bit, so the sum of two never wraps, and `entry` is always a word of SYSTEM.

use super::Access;
use super::machine::{Effect, Machine, Stop, high, low, system_address};
use super::memory::GROW_FAILED;
use super::piece::WORD;
use crate::isa::Instruction;
use assay_protocol::TrapCode;

/// Words in SYSTEM.
const SYSTEM_WORDS: u64 = 1 << 33;

/// The word of entry `index` of the table or segment whose size is at word `table`.
fn entry(table: u64, index: u64) -> u64 {
    table + 1 + index
}

impl<A: Access> Machine<'_, A> {
    pub(super) fn table_get(&mut self, i: &Instruction) -> Effect<A> {
        let index = low(self.slot(i.a)?);
        self.check_entry(i.imm, index)?;
        let value = self.system(entry(i.imm, index))?;
        self.set_slot(i.d, value)
    }

    pub(super) fn table_set(&mut self, i: &Instruction) -> Effect<A> {
        let index = low(self.slot(i.a)?);
        let value = self.slot(i.b)?;
        self.check_entry(i.imm, index)?;
        self.set_system(entry(i.imm, index), value)
    }

    fn check_entry(&mut self, table: u64, index: u64) -> Effect<A> {
        if index >= self.system(table)? { Err(Stop::Trap(TrapCode::TableOutOfBounds)) } else { Ok(()) }
    }

    /// Grows the size only and leaves i and n to the fill that follows, with n = 0 if the table did not grow.
    pub(super) fn table_grow(&mut self, i: &Instruction) -> Effect<A> {
        let (table, maximum) = (low(i.imm), high(i.imm));
        let n = low(self.slot(u32::from(i.a) + 2)?);
        let size = self.system(table)?;
        match size.checked_add(n) {
            Some(grown) if grown <= maximum => {
                self.set_system(table, grown)?;
                self.set_slot(i.d, low(size))?;
                self.set_slot(i.a, low(size))
            }
            _ => {
                self.set_slot(i.d, GROW_FAILED)?;
                self.set_slot(i.a, 0)?;
                self.set_slot(u32::from(i.a) + 2, 0)
            }
        }
    }

    pub(super) fn table_fill(&mut self, i: &Instruction) -> Effect<A> {
        let [index, value, n] = self.slots(i.a)?;
        let (index, n) = (low(index), low(n));
        if index + n > self.system(i.imm)? {
            return Err(Stop::Trap(TrapCode::TableOutOfBounds));
        }
        if n == 0 {
            return Ok(());
        }
        let k = self.fill_forward(system_address(entry(i.imm, index)), n, value.to_le_bytes())?;
        self.set_slot(i.a, low(index + k))?;
        self.count_down(u32::from(i.a) + 2, n - k)
    }

    pub(super) fn table_copy(&mut self, i: &Instruction) -> Effect<A> {
        let [d, s, n] = self.slots(i.a)?.map(low);
        let (destination, source) = (low(i.imm), high(i.imm));
        self.check_ranges((source, s), (destination, d), n)?;
        let (to, from) = (entry(destination, d), entry(source, s));
        if d <= s {
            return self.copy_forward(i.a, WORD, system_address(to), system_address(from), [d, s, n]);
        }
        // A size that lies lets the end of a range leave SYSTEM; no such word can be read or written.
        if to.max(from) + n > SYSTEM_WORDS {
            return Err(Stop::Illegal);
        }
        self.copy_backward(i.a, WORD, system_address(to), system_address(from), n)
    }

    pub(super) fn table_init(&mut self, i: &Instruction) -> Effect<A> {
        let [d, s, n] = self.slots(i.a)?.map(low);
        let (table, segment) = (low(i.imm), high(i.imm));
        self.check_ranges((segment, s), (table, d), n)?;
        let (to, from) = (system_address(entry(table, d)), system_address(entry(segment, s)));
        self.copy_forward(i.a, WORD, to, from, [d, s, n])
    }

    /// Traps unless n entries from each (table or segment, index) exist. Both sizes are read before either is compared.
    fn check_ranges(&mut self, source: (u64, u64), destination: (u64, u64), n: u64) -> Effect<A> {
        let source_size = self.system(source.0)?;
        let destination_size = self.system(destination.0)?;
        if source.1 + n > source_size || destination.1 + n > destination_size {
            return Err(Stop::Trap(TrapCode::TableOutOfBounds));
        }
        Ok(())
    }
}

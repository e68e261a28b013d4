//! A step in progress: the record as it changes, and what instructions do to slots, SYSTEM and fuel.
//!
//! Owns the addresses of slots and words and the splitting of accesses that straddle a chunk's end. It assumes that
//! slots have been checked; it knows no instruction.

use super::Access;
use crate::isa::Instruction;
use crate::memory::layout::Region;
use crate::record::{Record, STACK_SLOTS};
use assay_protocol::TrapCode;

/// Why a step ends otherwise than at the next instruction.
pub(super) enum Stop<E> {
    /// Halt EXIT.
    Exit(u32),
    /// Halt TRAP.
    Trap(TrapCode),
    /// Halt OUT_OF_FUEL.
    OutOfFuel,
    /// Halt ILLEGAL.
    Illegal,
    /// No step: the memory could not be had.
    Access(E),
}

/// What an instruction's function returns, and what its parts do.
pub(super) type Effect<A, T = ()> = Result<T, Stop<<A as Access>::Error>>;

/// A step in progress.
pub(super) struct Machine<'a, A> {
    /// The record. Only fuel has changed when an instruction halts.
    pub(super) record: Record,
    /// Index of the instruction, below 2^32 - 1 once it is fetched.
    pub(super) pc: u32,
    access: &'a mut A,
}

/// The low 32 bits of a slot, as a number that sums don't wrap.
pub(super) fn low(slot: u64) -> u64 {
    slot & 0xffff_ffff
}

/// The high 32 bits of a slot, an immediate or a link.
pub(super) fn high(slot: u64) -> u64 {
    slot >> 32
}

impl<'a, A: Access> Machine<'a, A> {
    pub(super) fn new(record: Record, access: &'a mut A) -> Self {
        Self { record, pc: record.pc_or_code, access }
    }

    /// The instruction at pc. Its 16 bytes lie in one leaf.
    pub(super) fn fetch(&mut self) -> Effect<A, Instruction> {
        let mut bytes = [0; Instruction::SIZE];
        self.read(Region::CODE.base() + Instruction::SIZE as u64 * u64::from(self.pc), &mut bytes)?;
        Ok(Instruction::from_bytes(&bytes))
    }

    /// Reads bytes, chunk by chunk in ascending address.
    pub(super) fn read(&mut self, address: u64, bytes: &mut [u8]) -> Effect<A> {
        let mut at = address;
        let mut left = bytes;
        while !left.is_empty() {
            let length = left.len().min(bytes_to_chunk_end(at) as usize);
            let (now, later) = left.split_at_mut(length);
            self.access.read(at, now).map_err(Stop::Access)?;
            at += length as u64;
            left = later;
        }
        Ok(())
    }

    /// Writes bytes, chunk by chunk in ascending address.
    pub(super) fn write(&mut self, address: u64, bytes: &[u8]) -> Effect<A> {
        let mut at = address;
        let mut left = bytes;
        while !left.is_empty() {
            let (now, later) = left.split_at(left.len().min(bytes_to_chunk_end(at) as usize));
            self.access.write(at, now).map_err(Stop::Access)?;
            at += now.len() as u64;
            left = later;
        }
        Ok(())
    }

    fn read_word(&mut self, address: u64) -> Effect<A, u64> {
        let mut bytes = [0; 8];
        self.read(address, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn slot_address(&self, slot: u32) -> u64 {
        let index = self.record.fp + slot;
        debug_assert!(index < STACK_SLOTS, "slots are checked before they are used, got {index}");
        Region::STACK.base() + 8 * u64::from(index)
    }

    /// Slot `slot` of the frame.
    pub(super) fn slot(&mut self, slot: impl Into<u32>) -> Effect<A, u64> {
        self.read_word(self.slot_address(slot.into()))
    }

    /// The slots `first`, `first + 1`, ... of the frame.
    pub(super) fn slots<const N: usize>(&mut self, first: u16) -> Effect<A, [u64; N]> {
        let mut values = [0; N];
        for (slot, value) in (u32::from(first)..).zip(&mut values) {
            *value = self.slot(slot)?;
        }
        Ok(values)
    }

    /// Writes slot `slot` of the frame.
    pub(super) fn set_slot(&mut self, slot: impl Into<u32>, value: u64) -> Effect<A> {
        self.write(self.slot_address(slot.into()), &value.to_le_bytes())
    }

    /// `system[word]`, word < 2^33.
    pub(super) fn system(&mut self, word: u64) -> Effect<A, u64> {
        self.read_word(system_address(word))
    }

    /// Writes `system[word]`, word < 2^33.
    pub(super) fn set_system(&mut self, word: u64, value: u64) -> Effect<A> {
        self.write(system_address(word), &value.to_le_bytes())
    }

    /// `charge`: pays, or halts without paying.
    pub(super) fn charge(&mut self, cost: u64) -> Effect<A> {
        self.record.fuel = self.record.fuel.checked_sub(cost).ok_or(Stop::OutOfFuel)?;
        Ok(())
    }

    /// Sets pc.
    pub(super) fn go_to(&mut self, pc: u32) {
        self.record.pc_or_code = pc;
    }
}

/// Address of `system[word]`.
pub(super) fn system_address(word: u64) -> u64 {
    debug_assert!(word < 1 << 33, "a word of SYSTEM, got {word}");
    Region::SYSTEM.base() + 8 * word
}

/// Bytes from `address` to the end of its chunk, at least 1.
pub(super) fn bytes_to_chunk_end(address: u64) -> u64 {
    let size = Region::of(address).kind().chunk_size() as u64;
    size - address % size
}

/// Bytes from the first byte of the chunk that holds the byte before `end`, to `end`; at least 1.
pub(super) fn bytes_from_chunk_start(end: u64) -> u64 {
    let size = Region::of(end - 1).kind().chunk_size() as u64;
    (end - 1) % size + 1
}

//! The job's input and output: sizes from the boot leaf, and the repeating copies from INPUT and to OUTPUT.
//!
//! Owns the clipping of reads to the input's length and the output's limit. Bytes of INPUT past its length are read
//! as they are in the tree.

use super::Access;
use super::machine::{Effect, Machine, Stop, low};
use super::memory::{check_memory, memory_address};
use super::piece::BYTE;
use crate::isa::Instruction;
use crate::memory::layout::{REGION_SIZE, Region};
use crate::record::OUTPUT_LENGTH_MAX;
use assay_protocol::TrapCode;

/// Word of SYSTEM that holds the input's length in bytes.
const INPUT_LENGTH: u64 = 0;
/// Word of SYSTEM that holds the output's limit in bytes.
const OUTPUT_LIMIT: u64 = 1;

impl<A: Access> Machine<'_, A> {
    pub(super) fn input_size(&mut self, i: &Instruction) -> Effect<A> {
        let length = self.system(INPUT_LENGTH)?;
        self.set_slot(i.d, length)
    }

    pub(super) fn input_begin(&mut self, i: &Instruction) -> Effect<A> {
        let [d, o, n] = self.slots(i.a)?;
        let (d, n) = (low(d), low(n));
        check_memory(&self.record, d, n)?;
        let m = self.system(INPUT_LENGTH)?.saturating_sub(o).min(n);
        self.set_slot(u32::from(i.a) + 2, m)?;
        self.set_slot(u32::from(i.a) + 3, m)
    }

    pub(super) fn input_copy(&mut self, i: &Instruction) -> Effect<A> {
        let [d, o, n] = self.slots(i.a)?;
        let (d, n) = (low(d), low(n));
        check_memory(&self.record, d, n)?;
        if n == 0 {
            return Ok(());
        }
        if o.checked_add(n).is_none_or(|end| end > REGION_SIZE) {
            return Err(Stop::Illegal);
        }
        let k = self.move_forward(BYTE, memory_address(d), Region::INPUT.base() + o, n)?;
        self.set_slot(i.a, low(d + k))?;
        self.set_slot(u32::from(i.a) + 1, o + k)?;
        self.count_down(u32::from(i.a) + 2, n - k)
    }

    pub(super) fn output_write(&mut self, i: &Instruction) -> Effect<A> {
        let [s, n] = self.slots(i.a)?.map(low);
        check_memory(&self.record, s, n)?;
        let length = self.record.output_length;
        if length + n > self.system(OUTPUT_LIMIT)?.min(OUTPUT_LENGTH_MAX) {
            return Err(Stop::Trap(TrapCode::OutputLimit));
        }
        if n == 0 {
            return Ok(());
        }
        let k = self.move_forward(BYTE, Region::OUTPUT.base() + length, memory_address(s), n)?;
        self.set_slot(i.a, low(s + k))?;
        self.record.output_length = length + k;
        self.count_down(u32::from(i.a) + 1, n - k)
    }
}

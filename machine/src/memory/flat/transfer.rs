//! Moves of many bytes at once, for bulk instructions whose bounds have been checked.
//!
//! Each move marks what it writes dirty, as `Memory::write` does.

use super::{Backing, FlatMemory};

impl FlatMemory {
    /// Copies `count` bytes of linear memory, as if through a buffer.
    ///
    /// # Panics
    /// If a range leaves the memory.
    pub fn copy_linear(&mut self, from: u64, to: u64, count: u64) {
        self.linear.copy_within(from, to, count);
    }

    /// Sets `count` bytes of linear memory.
    ///
    /// # Panics
    /// If the range leaves the memory.
    pub fn fill_linear(&mut self, to: u64, count: u64, value: u8) {
        self.linear.fill(to, count, value);
    }

    /// Copies from INPUT, which is zero behind its bytes, to linear memory.
    ///
    /// # Panics
    /// If the destination leaves the memory.
    pub fn copy_input(&mut self, from: u64, to: u64, count: u64) {
        let input = self.input.bytes();
        let start = (from as usize).min(input.len());
        let known = (input.len() - start).min(count as usize);
        self.linear.write(to, &input[start..start + known]);
        self.linear.fill(to + known as u64, count - known as u64, 0);
    }

    /// Copies from linear memory to OUTPUT.
    ///
    /// # Panics
    /// If a range leaves its region, or OUTPUT what the host gives ([`FlatMemory::make_output_room`]).
    pub fn copy_output(&mut self, from: u64, to: u64, count: u64) {
        self.output.write(to, self.linear.slice(from, count));
    }
}

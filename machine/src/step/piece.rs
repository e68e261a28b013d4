//! Repeating instructions: how much of a copy or a fill one step does, and how it goes on.
//!
//! Owns the clipping of pieces at chunk ends. A unit is a byte of memory or a word of a table; a whole piece is 32 bytes
//! either way, and as words never straddle chunks, clipping in bytes is clipping in units.

use super::Access;
use super::machine::{Effect, Machine, bytes_from_chunk_start, bytes_to_chunk_end, low};

/// Most bytes in a piece.
const PIECE_BYTES: u64 = 32;

/// Bytes in a unit of linear memory, of input and output.
pub(super) const BYTE: u64 = 1;
/// Bytes in a unit of a table.
pub(super) const WORD: u64 = 8;

/// Bytes of the forward piece of `left` bytes that begins at each of these addresses.
fn forward_bytes<const N: usize>(left: u64, starts: [u64; N]) -> u64 {
    starts.into_iter().map(bytes_to_chunk_end).fold(left.min(PIECE_BYTES), u64::min)
}

/// Bytes of the backward piece of `left` bytes that ends before each of these addresses.
fn backward_bytes<const N: usize>(left: u64, ends: [u64; N]) -> u64 {
    ends.into_iter().map(bytes_from_chunk_start).fold(left.min(PIECE_BYTES), u64::min)
}

impl<A: Access> Machine<'_, A> {
    /// Copies the first piece of `n > 0` units to `destination`; returns its units.
    pub(super) fn move_forward(&mut self, unit: u64, destination: u64, source: u64, n: u64) -> Effect<A, u64> {
        let length = forward_bytes(unit * n, [destination, source]);
        self.move_bytes(destination, source, length)?;
        Ok(length / unit)
    }

    /// Copies the last piece of `n > 0` units to where it belongs in the `n` units from `destination`; returns its units.
    fn move_backward(&mut self, unit: u64, destination: u64, source: u64, n: u64) -> Effect<A, u64> {
        let (destination_end, source_end) = (destination + unit * n, source + unit * n);
        let length = backward_bytes(unit * n, [destination_end, source_end]);
        self.move_bytes(destination_end - length, source_end - length, length)?;
        Ok(length / unit)
    }

    fn move_bytes(&mut self, destination: u64, source: u64, length: u64) -> Effect<A> {
        let mut buffer = [0; PIECE_BYTES as usize];
        let bytes = &mut buffer[..length as usize];
        self.read(source, bytes)?;
        self.write(destination, bytes)
    }

    /// Repeats `unit` over the first piece of `n > 0` units at `destination`; returns its units.
    pub(super) fn fill_forward<const N: usize>(&mut self, destination: u64, n: u64, unit: [u8; N]) -> Effect<A, u64> {
        let length = forward_bytes(N as u64 * n, [destination]);
        let mut buffer = [0; PIECE_BYTES as usize];
        for (byte, value) in buffer.iter_mut().zip(unit.iter().cycle()) {
            *byte = *value;
        }
        self.write(destination, &buffer[..length as usize])?;
        Ok(length / N as u64)
    }

    /// One step of a forward copy whose 32-bit indices d, s and count n stand in the slots from `a`.
    pub(super) fn copy_forward(&mut self, a: u16, unit: u64, to: u64, from: u64, [d, s, n]: [u64; 3]) -> Effect<A> {
        if n == 0 {
            return Ok(());
        }
        let k = self.move_forward(unit, to, from, n)?;
        self.set_slot(a, low(d + k))?;
        self.set_slot(u32::from(a) + 1, low(s + k))?;
        self.count_down(u32::from(a) + 2, n - k)
    }

    /// As [`Self::copy_forward`], from the end.
    pub(super) fn copy_backward(&mut self, a: u16, unit: u64, to: u64, from: u64, n: u64) -> Effect<A> {
        if n == 0 {
            return Ok(());
        }
        let k = self.move_backward(unit, to, from, n)?;
        self.count_down(u32::from(a) + 2, n - k)
    }

    /// Writes what is left of a repeating instruction to its count's slot, and stays at it unless that is nothing.
    pub(super) fn count_down(&mut self, slot: u32, left: u64) -> Effect<A> {
        self.set_slot(slot, left)?;
        if left != 0 {
            self.go_to(self.pc);
        }
        Ok(())
    }
}

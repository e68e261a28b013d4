//! What a job writes to its stderr, for people who ask why it failed (specs/07-host-interface.md, "stderr").
//!
//! No part of the machine: the adapter counts these bytes and does not look at them, and no state tells whether anybody
//! did. So this only reads, at the step that enters the adapter's `fd_write`. What the program names is hostile: what lies
//! outside of memory is passed over, and what is read and kept is bounded.

use crate::memory::{FlatMemory, Memory, Region};
use crate::record::Record;

/// Most bytes that are kept of a run.
pub const STDERR_BYTES_MAX: usize = 1 << 16;
/// Most vectors that are read of one call.
const VECTORS_MAX: u32 = 1024;
/// What stands for the stream that is discarded (`wasi_adapter.wat`, `$streams`).
const DISCARD: u32 = 3;

/// Where a program writes to its stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StderrSource {
    /// First pc of the adapter's `fd_write`.
    pub entry_pc: u32,
    /// Word of SYSTEM that says what each descriptor stands for, a byte each.
    pub streams_word: u32,
}

/// What was read of a run's stderr.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StderrLog {
    /// The bytes, at most [`STDERR_BYTES_MAX`].
    pub bytes: Vec<u8>,
    /// Whether there were more.
    pub is_cut: bool,
}

impl StderrSource {
    /// Reads what the step to come writes to stderr, if it enters `fd_write`.
    pub fn read(&self, record: &Record, memory: &FlatMemory, log: &mut StderrLog) {
        if !record.is_running() || record.pc_or_code != self.entry_pc {
            return;
        }
        let slot = |number: u64| word(memory, Region::STACK.base() + 8 * (u64::from(record.fp) + number));
        let (descriptor, vectors, count) = (slot(0), u64::from(slot(1)), slot(2));
        let streams = word(memory, Region::SYSTEM.base() + 8 * u64::from(self.streams_word));
        if descriptor > 2 || streams >> (8 * descriptor) & 0xff != DISCARD {
            return;
        }
        let linear = Region::MEMORY.base();
        for vector in 0..u64::from(count.min(VECTORS_MAX)) {
            let at = vectors + 8 * vector;
            if at + 8 > memory.linear_size() {
                return;
            }
            let (start, length) = (u64::from(word(memory, linear + at)), word(memory, linear + at + 4) as usize);
            let room = STDERR_BYTES_MAX - log.bytes.len();
            let backed = memory.linear_size().saturating_sub(start) as usize;
            let kept = length.min(backed).min(room);
            let end = log.bytes.len();
            log.bytes.resize(end + kept, 0);
            memory.read(linear + start, &mut log.bytes[end..]);
            log.is_cut |= length > room;
        }
        log.is_cut |= count > VECTORS_MAX;
    }
}

/// The low half of a word, or any four bytes of linear memory.
fn word(memory: &FlatMemory, address: u64) -> u32 {
    let mut bytes = [0; 4];
    memory.read(address, &mut bytes);
    u32::from_le_bytes(bytes)
}

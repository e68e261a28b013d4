//! The machine's state record: 64 bytes under keccak256 with a domain tag (specs/03-state.md).
//!
//! Owns the layout, the canonical form and how a record halts. It never reads memory.

use assay_protocol::{B256, Status, TrapCode, keccak256};

/// The one machine version.
pub const VERSION: u8 = 1;
/// Slots of STACK.
pub const STACK_SLOTS: u32 = 1 << 18;
/// Most pages of linear memory, of 64 KiB each.
pub const MEMORY_PAGES_MAX: u32 = 1 << 16;
/// Bytes of a page of linear memory.
pub const MEMORY_PAGE_SIZE: u64 = 1 << 16;
/// Longest output in bytes: one region.
pub const OUTPUT_LENGTH_MAX: u64 = 1 << 36;

const _: () = assert!(MEMORY_PAGES_MAX as u64 * MEMORY_PAGE_SIZE == 1 << 32);

/// Domain tag of state hashes.
const TAG: &[u8] = b"assay.machine.state.v1";

/// One state of the machine, memory by its root. Any 64 bytes are a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Status byte; see [`Status`].
    pub status: u8,
    /// Machine version.
    pub version: u8,
    /// Zero in canonical records.
    pub reserved: u16,
    /// pc while running, code when halted.
    pub pc_or_code: u32,
    /// First slot of the frame.
    pub fp: u32,
    /// Pages of linear memory, of 64 KiB.
    pub memory_pages: u32,
    /// Fuel left.
    pub fuel: u64,
    /// Bytes of output written.
    pub output_length: u64,
    /// Root of the memory tree.
    pub memory_root: B256,
}

impl Record {
    /// Size in bytes.
    pub const SIZE: usize = 64;

    /// The running record that a program boots with.
    pub fn boot(entry_pc: u32, memory_pages: u32, fuel_limit: u64, memory_root: B256) -> Self {
        Self {
            status: Status::Running as u8,
            version: VERSION,
            reserved: 0,
            pc_or_code: entry_pc,
            fp: 0,
            memory_pages,
            fuel: fuel_limit,
            output_length: 0,
            memory_root,
        }
    }

    /// Writes the 64 bytes, little-endian.
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[0] = self.status;
        bytes[1] = self.version;
        bytes[2..4].copy_from_slice(&self.reserved.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.pc_or_code.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.fp.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.memory_pages.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.fuel.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.output_length.to_le_bytes());
        bytes[32..64].copy_from_slice(self.memory_root.as_slice());
        bytes
    }

    /// Reads 64 bytes, little-endian; every value is a record, canonical or not.
    pub fn from_bytes(bytes: &[u8; Self::SIZE]) -> Self {
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(word)
        };
        let half = |at: usize| (word(at & !7) >> (8 * (at & 7))) as u32;
        Self {
            status: bytes[0],
            version: bytes[1],
            reserved: u16::from_le_bytes([bytes[2], bytes[3]]),
            pc_or_code: half(4),
            fp: half(8),
            memory_pages: half(12),
            fuel: word(16),
            output_length: word(24),
            memory_root: B256::from_slice(&bytes[32..64]),
        }
    }

    /// The state hash: keccak256(keccak256(tag) || record), 96 bytes in.
    pub fn hash(&self) -> B256 {
        let mut bytes = [0; 96];
        bytes[..32].copy_from_slice(keccak256(TAG).as_slice());
        bytes[32..].copy_from_slice(&self.to_bytes());
        keccak256(bytes)
    }

    /// Whether the machine has a next step.
    pub fn is_running(&self) -> bool {
        self.status == Status::Running as u8
    }

    /// Whether a running record may execute: every field in its range (specs/03-state.md).
    pub fn is_canonical(&self) -> bool {
        Status::from_byte(self.status).is_some()
            && self.version == VERSION
            && self.reserved == 0
            && self.fp < STACK_SLOTS
            && self.memory_pages <= MEMORY_PAGES_MAX
            && self.output_length <= OUTPUT_LENGTH_MAX
    }

    /// Bytes of linear memory of a canonical record.
    pub fn memory_size(&self) -> u64 {
        u64::from(self.memory_pages) * MEMORY_PAGE_SIZE
    }

    /// This record, ended with an exit code.
    pub fn exit(self, code: u32) -> Self {
        Self { status: Status::Exit as u8, pc_or_code: code, ..self }
    }

    /// This record, ended by a trap.
    pub fn trap(self, code: TrapCode) -> Self {
        Self { status: Status::Trap as u8, pc_or_code: code as u32, ..self }
    }

    /// This record, ended by exhaustion: no fuel, no output.
    pub fn out_of_fuel(self) -> Self {
        Self { status: Status::OutOfFuel as u8, pc_or_code: 0, fuel: 0, output_length: 0, ..self }
    }

    /// This record, ended because its image has no next step.
    pub fn illegal(self) -> Self {
        Self { status: Status::Illegal as u8, pc_or_code: 0, ..self }
    }
}

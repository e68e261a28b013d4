//! The shape of the address space: sizes, regions, and which page, leaf or chunk an address falls in.
//!
//! Owns the constants of specs/02-memory.md. Pure arithmetic, no hashes, `no_std`.
//! Functions that take an address assume that it is below [`SPACE_SIZE`].

/// Bytes in a page, the unit that bulk regions hash at once.
pub const PAGE_SIZE: usize = 1 << 12;
/// Bytes in a leaf of a control region.
pub const LEAF_SIZE: usize = 1 << 8;
/// Bytes in a chunk of a bulk region: one BLAKE3 chunk.
pub const CHUNK_SIZE: usize = 1 << 10;
/// Bytes in a region.
pub const REGION_SIZE: u64 = 1 << 36;
/// Number of regions.
pub const REGION_COUNT: usize = 16;
/// Bytes in the whole address space.
pub const SPACE_SIZE: u64 = REGION_SIZE * REGION_COUNT as u64;
/// Slots of STACK that a machine ever uses.
pub const STACK_SLOTS: usize = crate::record::STACK_SLOTS as usize;
/// Levels of the tree above the region roots.
pub const TOP_DEPTH: u32 = 4;
/// Levels of keccak between a page of a bulk region and its region root.
pub const BULK_DEPTH: u32 = 24;
/// Levels of keccak between a leaf of a control region and its region root.
pub const CONTROL_DEPTH: u32 = 28;

const _: () = {
    assert!(1 << TOP_DEPTH == REGION_COUNT);
    assert!((PAGE_SIZE as u64) << BULK_DEPTH == REGION_SIZE);
    assert!((LEAF_SIZE as u64) << CONTROL_DEPTH == REGION_SIZE);
    assert!(PAGE_SIZE == 4 * CHUNK_SIZE);
};

/// A page's bytes.
pub type Page = [u8; PAGE_SIZE];
/// A control leaf's bytes.
pub type Leaf = [u8; LEAF_SIZE];
/// A bulk chunk's bytes.
pub type Chunk = [u8; CHUNK_SIZE];

/// The page that was never written.
pub static ZERO_PAGE: Page = [0; PAGE_SIZE];

/// How a region is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Keccak down to leaves of 256 bytes: cheap to open, for what every step touches.
    Control,
    /// BLAKE3 pages: fast to hash, for data.
    Bulk,
}

impl Kind {
    /// Bytes that one tree leaf hashes: a control leaf, or a bulk page.
    #[must_use]
    pub const fn leaf_size(self) -> usize {
        match self {
            Self::Control => LEAF_SIZE,
            Self::Bulk => PAGE_SIZE,
        }
    }

    /// Bytes that a witness opens at once.
    #[must_use]
    pub const fn chunk_size(self) -> usize {
        match self {
            Self::Control => LEAF_SIZE,
            Self::Bulk => CHUNK_SIZE,
        }
    }

    /// Levels of keccak from a tree leaf to the region root; the levels that a mask may name.
    #[must_use]
    pub const fn depth(self) -> u32 {
        match self {
            Self::Control => CONTROL_DEPTH,
            Self::Bulk => BULK_DEPTH,
        }
    }

    /// Siblings inside a page, below the levels that a mask may name.
    #[must_use]
    pub const fn inner_siblings(self) -> usize {
        match self {
            Self::Control => 0,
            Self::Bulk => 2,
        }
    }

    /// All siblings of a chunk, from the chunk to the memory root.
    #[must_use]
    pub const fn siblings(self) -> usize {
        self.inner_siblings() + (self.depth() + TOP_DEPTH) as usize
    }
}

/// One of the sixteen regions, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Region(u8);

impl Region {
    /// Boot leaf, globals, tables, passive segments.
    pub const SYSTEM: Self = Self(0);
    /// Instructions.
    pub const CODE: Self = Self(1);
    /// Frames.
    pub const STACK: Self = Self(2);
    /// WASM linear memory 0.
    pub const MEMORY: Self = Self(3);
    /// The job's input.
    pub const INPUT: Self = Self(4);
    /// The job's output.
    pub const OUTPUT: Self = Self(5);
    /// Reserved: persistent state.
    pub const STATE: Self = Self(6);
    /// Reserved: the first of nine read-only buffers.
    pub const BUFFER: Self = Self(7);

    /// The region of a number, if it is below 16.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if (number as usize) < REGION_COUNT { Some(Self(number)) } else { None }
    }

    /// All regions in ascending order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..REGION_COUNT as u8).map(Self)
    }

    /// The region that holds an address below 2^40.
    ///
    /// # Panics
    /// If the address is outside the space: the caller parses addresses at its edge.
    #[must_use]
    pub const fn of(address: u64) -> Self {
        assert!(address < SPACE_SIZE, "an address below 2^40");
        Self((address / REGION_SIZE) as u8)
    }

    /// The region's number, 0..16.
    #[must_use]
    pub const fn number(self) -> usize {
        self.0 as usize
    }

    /// The region's first address.
    #[must_use]
    pub const fn base(self) -> u64 {
        self.0 as u64 * REGION_SIZE
    }

    /// How the region is hashed.
    #[must_use]
    pub const fn kind(self) -> Kind {
        if self.0 <= Self::STACK.0 { Kind::Control } else { Kind::Bulk }
    }

    /// Whether a step may write to the region.
    #[must_use]
    pub const fn writable(self) -> bool {
        matches!(self, Self::SYSTEM | Self::STACK | Self::MEMORY | Self::OUTPUT)
    }
}

/// Bytes from the first byte of its region to `address`.
#[must_use]
pub const fn offset_in_region(address: u64) -> u64 {
    address % REGION_SIZE
}

/// Number of the page that holds `address`, over the whole space: 28 bits.
#[must_use]
pub const fn page_index(address: u64) -> u32 {
    assert!(address < SPACE_SIZE, "an address below 2^40");
    (address / PAGE_SIZE as u64) as u32
}

/// First address of the chunk that a witness opens to show `address`.
#[must_use]
pub const fn chunk_address(address: u64) -> u64 {
    address - address % Region::of(address).kind().chunk_size() as u64
}

/// Number, within its region, of the tree leaf (control leaf or bulk page) that holds `address`.
#[must_use]
pub const fn tree_leaf(address: u64) -> u64 {
    offset_in_region(address) / Region::of(address).kind().leaf_size() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_those_of_the_chapter() {
        let table = [
            (Region::SYSTEM, 0, Kind::Control, true),
            (Region::CODE, 1, Kind::Control, false),
            (Region::STACK, 2, Kind::Control, true),
            (Region::MEMORY, 3, Kind::Bulk, true),
            (Region::INPUT, 4, Kind::Bulk, false),
            (Region::OUTPUT, 5, Kind::Bulk, true),
            (Region::STATE, 6, Kind::Bulk, false),
            (Region::BUFFER, 7, Kind::Bulk, false),
        ];
        for (region, number, kind, writable) in table {
            assert_eq!((region.number(), region.kind(), region.writable()), (number, kind, writable));
            assert_eq!(region.base(), number as u64 * (1 << 36));
        }
        assert_eq!(Region::new(15).map(Region::kind), Some(Kind::Bulk));
        assert_eq!(Region::new(15).map(Region::writable), Some(false));
        assert_eq!(Region::new(16), None);
    }

    #[test]
    fn addresses_fall_where_they_should() {
        let memory = 3 << 36;
        assert_eq!(Region::of((1 << 40) - 1).number(), 15);
        assert_eq!(Region::of(memory - 1), Region::STACK);
        assert_eq!(chunk_address(memory - 1), memory - 256);
        assert_eq!(chunk_address(memory + 1023), memory);
        assert_eq!(chunk_address(memory + 1024), memory + 1024);
        assert_eq!(tree_leaf(memory - 1), (1 << 28) - 1);
        assert_eq!(tree_leaf(memory + 4096), 1);
        assert_eq!(page_index((1 << 40) - 1), (1 << 28) - 1);
        assert_eq!((Kind::Control.siblings(), Kind::Bulk.siblings()), (32, 30));
    }
}

//! What tests expect: the chapter's definitions, recomputed naively with plain BLAKE3 and keccak, and seeded bytes.
//!
//! Shares no code with what it checks.

use std::collections::BTreeMap;

use alloy_primitives::{B256, keccak256};

/// `length` bytes that depend on `seed` alone (splitmix64).
pub fn bytes_of(length: usize, seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    (0..length).map(|_| random.next() as u8).collect()
}

/// A seeded stream of words (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// The whole memory as single bytes that are not zero, hashed by recursion over the definition.
#[derive(Clone, Default)]
pub struct Naive(pub BTreeMap<u64, u8>);

impl Naive {
    pub fn write(&mut self, address: u64, bytes: &[u8]) {
        for (i, byte) in bytes.iter().enumerate() {
            match *byte {
                0 => self.0.remove(&(address + i as u64)),
                byte => self.0.insert(address + i as u64, byte),
            };
        }
    }

    pub fn read(&self, address: u64, length: usize) -> Vec<u8> {
        (address..address + length as u64).map(|a| self.0.get(&a).copied().unwrap_or(0)).collect()
    }

    pub fn root(&self) -> B256 {
        self.node(0, 1 << 40, &mut BTreeMap::new())
    }

    /// Root of the subtree over `address..address + size`. Zero subtrees are hashed once per size and kind.
    fn node(&self, address: u64, size: u64, zeros: &mut BTreeMap<(bool, u64), B256>) -> B256 {
        let control = address < 3 << 36;
        let leaf = if control { 256 } else { 4096 };
        let empty = self.0.range(address..address + size).next().is_none();
        // Above a region's root the two kinds mix, so that a zero subtree has no single hash there.
        if empty
            && size <= 1 << 36
            && let Some(hash) = zeros.get(&(control, size))
        {
            return *hash;
        }
        let hash = if size == leaf {
            let bytes = self.read(address, leaf as usize);
            if control { keccak256(bytes) } else { B256::new(*blake3::hash(&bytes).as_bytes()) }
        } else {
            let left = self.node(address, size / 2, zeros);
            let right = self.node(address + size / 2, size / 2, zeros);
            keccak256([left, right].concat())
        };
        if empty && size <= 1 << 36 {
            zeros.insert((control, size), hash);
        }
        hash
    }
}

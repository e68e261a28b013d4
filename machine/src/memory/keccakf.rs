//! Keccak-f\[1600\] in numbers (FIPS 202), and the sponge of Keccak-256 over lanes: what its vector forms share.
//!
//! A vector form brings a vector type and the permutation on 25 of them; `sponge` makes the rest. Its unsafe code becomes that of the file
//! where it stands, which says so.

/// Bytes that one permutation absorbs.
pub const RATE: usize = 136;
const ROUNDS: usize = 24;

/// Constants of the step iota (FIPS 202, section 3.2.5).
pub const IOTA: [u64; ROUNDS] = [
    0x0000_0000_0000_0001,
    0x0000_0000_0000_8082,
    0x8000_0000_0000_808a,
    0x8000_0000_8000_8000,
    0x0000_0000_0000_808b,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8009,
    0x0000_0000_0000_008a,
    0x0000_0000_0000_0088,
    0x0000_0000_8000_8009,
    0x0000_0000_8000_000a,
    0x0000_0000_8000_808b,
    0x8000_0000_0000_008b,
    0x8000_0000_0000_8089,
    0x8000_0000_0000_8003,
    0x8000_0000_0000_8002,
    0x8000_0000_0000_0080,
    0x0000_0000_0000_800a,
    0x8000_0000_8000_000a,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8080,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8008,
];

/// Rotations of the step rho, word `x + 5 * y` (FIPS 202, section 3.2.2).
pub const RHO: [i64; 25] =
    [0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14];

/// The last block of a message that ends in these bytes, fewer than [`RATE`]: Keccak's own padding, not SHA-3's.
pub fn last_block(rest: &[u8]) -> [u8; RATE] {
    let mut block = [0; RATE];
    block[..rest.len()].copy_from_slice(rest);
    block[rest.len()] = 0x01;
    block[RATE - 1] |= 0x80;
    block
}

/// Keccak-256 of as many equally long messages at once as a vector has words of 64 bits. Where it stands there are `permute`, on 25 vectors,
/// and the two functions that are named: a vector of zeros, and the exclusive or of two.
macro_rules! sponge {
    ($lanes:literal lanes of $feature:tt: $vector:ty, $zeros:ident, $xor:ident) => {
        /// Messages hashed together.
        pub const LANES: usize = $lanes;

        /// Whether this host has the lanes.
        pub fn available() -> bool {
            std::arch::is_x86_feature_detected!($feature)
        }

        /// Keccak-256 of each of at most [`LANES`] messages, in order; what lies past their number means nothing.
        pub fn hash<const N: usize>(messages: &[[u8; N]]) -> [B256; LANES] {
            assert!(available() && !messages.is_empty() && messages.len() <= LANES, "callers ask and group");
            // SAFETY: `hash_lanes` needs the feature that `available` has just found.
            unsafe { hash_lanes(messages) }
        }

        #[target_feature(enable = $feature)]
        fn hash_lanes<const N: usize>(messages: &[[u8; N]]) -> [B256; LANES] {
            // Lanes without a message of their own repeat the first: the work is the same.
            let lane: [&[u8; N]; LANES] = core::array::from_fn(|i| messages.get(i).unwrap_or(&messages[0]));
            let mut state = [$zeros(); 25];
            let mut blocks = lane.map(|message| message.chunks_exact(RATE));
            for _ in 0..N / RATE {
                let block: [&[u8]; LANES] = blocks.each_mut().map(|b| b.next().expect("N / RATE whole blocks"));
                absorb(&mut state, block);
            }
            let tail = blocks.map(|b| last_block(b.remainder()));
            absorb(&mut state, tail.each_ref().map(|t| &t[..]));

            let mut hashes = [B256::ZERO; LANES];
            for (word, lanes) in state[..4].iter().enumerate() {
                // SAFETY: the vector and its words have the same size, and any bits are valid words.
                let lanes: [u64; LANES] = unsafe { core::mem::transmute(*lanes) };
                for (hash, lane) in hashes.iter_mut().zip(lanes) {
                    hash[8 * word..][..8].copy_from_slice(&lane.to_le_bytes());
                }
            }
            hashes
        }

        /// Takes one block of [`RATE`] bytes into each lane and permutes.
        #[target_feature(enable = $feature)]
        #[inline]
        fn absorb(state: &mut [$vector; 25], block: [&[u8]; LANES]) {
            for (word, lanes) in state[..RATE / 8].iter_mut().enumerate() {
                let words: [u64; LANES] = block
                    .map(|bytes| u64::from_le_bytes(bytes[8 * word..][..8].try_into().expect("a word is eight bytes")));
                // SAFETY: the vector and its words have the same size, and any bits are a valid vector.
                *lanes = $xor(*lanes, unsafe { core::mem::transmute::<[u64; LANES], $vector>(words) });
            }
            permute(state);
        }
    };
}
pub(super) use sponge;

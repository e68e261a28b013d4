//! Keccak-256 of four equally long messages at once, one in each 64-bit lane of AVX2: for hosts without AVX-512.
//!
//! Four take about as long as one and a half alone take. Owns the permutation and nothing else, as `keccak8` does.
//!
//! Unsafe is used here for two things: calling code compiled for AVX2 after asking for it, and viewing a vector as its
//! four words.

use core::arch::x86_64::{
    __m256i, _mm256_andnot_si256, _mm256_or_si256, _mm256_set_epi64x, _mm256_set1_epi64x, _mm256_setzero_si256,
    _mm256_slli_epi64, _mm256_srli_epi64, _mm256_xor_si256,
};

use alloy_primitives::B256;

use super::keccakf::{IOTA, RATE, last_block};

/// Messages hashed together.
pub const LANES: usize = 4;
/// Fewer messages than this are faster one at a time.
pub const WORTHWHILE: usize = 2;

/// Whether this host has the lanes.
pub fn available() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
}

/// Keccak-256 of each of at most [`LANES`] messages, in order; what lies past their number means nothing.
pub fn hash<const N: usize>(messages: &[[u8; N]]) -> [B256; LANES] {
    assert!(available() && !messages.is_empty() && messages.len() <= LANES, "callers ask and group");
    // SAFETY: `hash_avx2` needs AVX2, which `available` has just found.
    unsafe { hash_avx2(messages) }
}

#[target_feature(enable = "avx2")]
fn hash_avx2<const N: usize>(messages: &[[u8; N]]) -> [B256; LANES] {
    // Lanes without a message of their own repeat the first: the work is the same.
    let lane: [&[u8; N]; LANES] = core::array::from_fn(|i| messages.get(i).unwrap_or(&messages[0]));
    let mut state = [_mm256_setzero_si256(); 25];
    let mut blocks = lane.map(|message| message.chunks_exact(RATE));
    for _ in 0..N / RATE {
        let block: [&[u8]; LANES] = blocks.each_mut().map(|b| b.next().expect("N / RATE whole blocks"));
        absorb(&mut state, block);
    }
    let tail = blocks.map(|b| last_block(b.remainder()));
    absorb(&mut state, tail.each_ref().map(|t| &t[..]));

    let mut hashes = [B256::ZERO; LANES];
    for (word, lanes) in state[..4].iter().enumerate() {
        // SAFETY: a vector of 256 bits and four words have the same size, and any bits are valid words.
        let lanes: [u64; LANES] = unsafe { core::mem::transmute(*lanes) };
        for (hash, lane) in hashes.iter_mut().zip(lanes) {
            hash[8 * word..][..8].copy_from_slice(&lane.to_le_bytes());
        }
    }
    hashes
}

/// Takes one block of [`RATE`] bytes into each lane and permutes.
#[target_feature(enable = "avx2")]
#[inline]
fn absorb(state: &mut [__m256i; 25], block: [&[u8]; LANES]) {
    for (word, lanes) in state[..RATE / 8].iter_mut().enumerate() {
        let [a, b, c, d] = block.map(|bytes| {
            let bytes = bytes[8 * word..][..8].try_into().expect("a word is eight bytes");
            i64::from_le_bytes(bytes)
        });
        *lanes = _mm256_xor_si256(*lanes, _mm256_set_epi64x(d, c, b, a));
    }
    permute(state);
}

/// Rotates each word; by a constant, for AVX2 has no rotation that takes a number.
macro_rules! rotate {
    ($words:expr, 0) => {
        $words
    };
    ($words:expr, $by:literal) => {{
        let words = $words;
        _mm256_or_si256(_mm256_slli_epi64::<$by>(words), _mm256_srli_epi64::<{ 64 - $by }>(words))
    }};
}

/// Keccak-f\[1600\] on four states (FIPS 202, section 3.3). Spelled out: as loops over words it is three times as slow.
#[target_feature(enable = "avx2")]
fn permute(state: &mut [__m256i; 25]) {
    let mut a = *state;
    for iota in IOTA {
        macro_rules! column {
            ($x:literal) => {{
                let upper = _mm256_xor_si256(_mm256_xor_si256(a[$x], a[$x + 5]), a[$x + 10]);
                _mm256_xor_si256(upper, _mm256_xor_si256(a[$x + 15], a[$x + 20]))
            }};
        }
        let column = [column!(0), column!(1), column!(2), column!(3), column!(4)];
        macro_rules! difference {
            ($before:literal, $after:literal) => {
                _mm256_xor_si256(column[$before], rotate!(column[$after], 1))
            };
        }
        let difference =
            [difference!(4, 1), difference!(0, 2), difference!(1, 3), difference!(2, 4), difference!(3, 0)];
        // theta, rho and pi in one: word (x, y), of index x + 5y and with RHO's rotation, moves to (y, 2x + 3y).
        macro_rules! moved {
            ($word:literal, $x:literal, $rho:tt) => {
                rotate!(_mm256_xor_si256(a[$word], difference[$x]), $rho)
            };
        }
        let row0 = [moved!(0, 0, 0), moved!(6, 1, 44), moved!(12, 2, 43), moved!(18, 3, 21), moved!(24, 4, 14)];
        let row1 = [moved!(3, 3, 28), moved!(9, 4, 20), moved!(10, 0, 3), moved!(16, 1, 45), moved!(22, 2, 61)];
        let row2 = [moved!(1, 1, 1), moved!(7, 2, 6), moved!(13, 3, 25), moved!(19, 4, 8), moved!(20, 0, 18)];
        let row3 = [moved!(4, 4, 27), moved!(5, 0, 36), moved!(11, 1, 10), moved!(17, 2, 15), moved!(23, 3, 56)];
        let row4 = [moved!(2, 2, 62), moved!(8, 3, 55), moved!(14, 4, 39), moved!(15, 0, 41), moved!(21, 1, 2)];
        macro_rules! chi {
            ($row:ident, $x:literal, $next:literal, $after:literal) => {
                _mm256_xor_si256($row[$x], _mm256_andnot_si256($row[$next], $row[$after]))
            };
            ($row:ident) => {
                [
                    chi!($row, 0, 1, 2),
                    chi!($row, 1, 2, 3),
                    chi!($row, 2, 3, 4),
                    chi!($row, 3, 4, 0),
                    chi!($row, 4, 0, 1),
                ]
            };
        }
        a.as_chunks_mut().0.copy_from_slice(&[chi!(row0), chi!(row1), chi!(row2), chi!(row3), chi!(row4)]);
        a[0] = _mm256_xor_si256(a[0], _mm256_set1_epi64x(iota as i64));
    }
    *state = a;
}

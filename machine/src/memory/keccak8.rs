//! Keccak-256 of eight equally long messages at once, one in each 64-bit lane of AVX-512.
//!
//! A node of the tree is one permutation; eight in the lanes take little longer than one alone, and the memory root is
//! on the path of every commit. Owns the permutation and nothing else. Hosts without AVX-512 have
//! `keccak4`, or hash one at a time.
//!
//! Unsafe is used here for two things: calling code compiled for AVX-512 after asking for it, and viewing a vector as
//! its eight words.

use core::arch::x86_64::{
    __m512i, _mm512_rol_epi64, _mm512_rolv_epi64, _mm512_set_epi64, _mm512_set1_epi64, _mm512_setzero_si512,
    _mm512_ternarylogic_epi64, _mm512_xor_si512,
};

use alloy_primitives::B256;

use super::keccakf::{IOTA, RATE, RHO, last_block};

/// Messages hashed together.
pub const LANES: usize = 8;
/// Fewer messages than this are faster one at a time.
pub const WORTHWHILE: usize = 2;
/// Truth tables of `_mm512_ternarylogic_epi64`: a ^ b ^ c, and a ^ (!b & c).
const XOR3: i32 = 0x96;
const CHI: i32 = 0xd2;

/// Whether this host has the lanes.
pub fn available() -> bool {
    std::arch::is_x86_feature_detected!("avx512f")
}

/// Keccak-256 of each of at most [`LANES`] messages, in order; what lies past their number means nothing.
pub fn hash<const N: usize>(messages: &[[u8; N]]) -> [B256; LANES] {
    assert!(available() && !messages.is_empty() && messages.len() <= LANES, "callers ask and group");
    // SAFETY: `hash_avx512` needs AVX-512F, which `available` has just found.
    unsafe { hash_avx512(messages) }
}

#[target_feature(enable = "avx512f")]
fn hash_avx512<const N: usize>(messages: &[[u8; N]]) -> [B256; LANES] {
    // Lanes without a message of their own repeat the first: the work is the same.
    let lane: [&[u8; N]; LANES] = core::array::from_fn(|i| messages.get(i).unwrap_or(&messages[0]));
    let mut state = [_mm512_setzero_si512(); 25];
    let mut blocks = lane.map(|message| message.chunks_exact(RATE));
    for _ in 0..N / RATE {
        let block: [&[u8]; LANES] = blocks.each_mut().map(|b| b.next().expect("N / RATE whole blocks"));
        absorb(&mut state, block);
    }
    let tail = blocks.map(|b| last_block(b.remainder()));
    absorb(&mut state, tail.each_ref().map(|t| &t[..]));

    let mut hashes = [B256::ZERO; LANES];
    for (word, lanes) in state[..4].iter().enumerate() {
        // SAFETY: a vector of 512 bits and eight words have the same size, and any bits are valid words.
        let lanes: [u64; LANES] = unsafe { core::mem::transmute(*lanes) };
        for (hash, lane) in hashes.iter_mut().zip(lanes) {
            hash[8 * word..][..8].copy_from_slice(&lane.to_le_bytes());
        }
    }
    hashes
}

/// Takes one block of [`RATE`] bytes into each lane and permutes.
#[target_feature(enable = "avx512f")]
#[inline]
fn absorb(state: &mut [__m512i; 25], block: [&[u8]; LANES]) {
    for (word, lanes) in state[..RATE / 8].iter_mut().enumerate() {
        let [a, b, c, d, e, f, g, h] = block.map(|bytes| {
            let bytes = bytes[8 * word..][..8].try_into().expect("a word is eight bytes");
            i64::from_le_bytes(bytes)
        });
        *lanes = _mm512_xor_si512(*lanes, _mm512_set_epi64(h, g, f, e, d, c, b, a));
    }
    permute(state);
}

/// Keccak-f\[1600\] on eight states (FIPS 202, section 3.3).
#[target_feature(enable = "avx512f")]
fn permute(state: &mut [__m512i; 25]) {
    let mut a = *state;
    for iota in IOTA {
        let mut column = [_mm512_setzero_si512(); 5];
        for x in 0..5 {
            let upper = _mm512_ternarylogic_epi64::<XOR3>(a[x], a[x + 5], a[x + 10]);
            column[x] = _mm512_ternarylogic_epi64::<XOR3>(upper, a[x + 15], a[x + 20]);
        }
        // theta, rho and pi in one: word (x, y) moves to (y, 2x + 3y).
        let mut b = [_mm512_setzero_si512(); 25];
        for x in 0..5 {
            let next = _mm512_rol_epi64::<1>(column[(x + 1) % 5]);
            for y in 0..5 {
                let mixed = _mm512_ternarylogic_epi64::<XOR3>(a[x + 5 * y], column[(x + 4) % 5], next);
                b[y + 5 * ((2 * x + 3 * y) % 5)] = _mm512_rolv_epi64(mixed, _mm512_set1_epi64(RHO[x + 5 * y]));
            }
        }
        for y in 0..5 {
            for x in 0..5 {
                a[x + 5 * y] =
                    _mm512_ternarylogic_epi64::<CHI>(b[x + 5 * y], b[(x + 1) % 5 + 5 * y], b[(x + 2) % 5 + 5 * y]);
            }
        }
        a[0] = _mm512_xor_si512(a[0], _mm512_set1_epi64(iota as i64));
    }
    *state = a;
}

//! Keccak-256 of eight equally long messages at once, one in each 64-bit lane of AVX-512.
//!
//! A node of the tree is one permutation; eight in the lanes take little longer than one alone, and the memory root is
//! on the path of every commit. Owns the permutation and nothing else; the sponge is `keccakf`'s. Hosts without AVX-512 have
//! `keccak4`, or hash one at a time.
//!
//! Unsafe is used here for two things: calling code compiled for AVX-512 after asking for it, and viewing a vector as
//! its eight words.
#![allow(unsafe_code)]

use core::arch::x86_64::{
    __m512i, _mm512_rol_epi64, _mm512_rolv_epi64, _mm512_set1_epi64, _mm512_setzero_si512, _mm512_ternarylogic_epi64,
    _mm512_xor_si512,
};

use alloy_primitives::B256;

use super::keccakf::{IOTA, RATE, RHO, last_block, sponge};

/// Fewer messages than this are faster one at a time.
pub const WORTHWHILE: usize = 2;
/// Truth tables of `_mm512_ternarylogic_epi64`: a ^ b ^ c, and a ^ (!b & c).
const XOR3: i32 = 0x96;
const CHI: i32 = 0xd2;

sponge!(8 lanes of "avx512f": __m512i, _mm512_setzero_si512, _mm512_xor_si512);

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

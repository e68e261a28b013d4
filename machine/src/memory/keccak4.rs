//! Keccak-256 of four equally long messages at once, one in each 64-bit lane of AVX2: for hosts without AVX-512.
//!
//! Four take about as long as one and a half alone take. Owns the permutation and nothing else; the sponge is `keccakf`'s.
//!
//! Unsafe is used here for two things: calling code compiled for AVX2 after asking for it, and viewing a vector as its
//! four words.
#![allow(unsafe_code)]

use core::arch::x86_64::{
    __m256i, _mm256_andnot_si256, _mm256_or_si256, _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_slli_epi64,
    _mm256_srli_epi64, _mm256_xor_si256,
};

use alloy_primitives::B256;

use super::keccakf::{IOTA, RATE, last_block, sponge};

/// Fewer messages than this are faster one at a time.
pub const WORTHWHILE: usize = 2;

sponge!(4 lanes of "avx2": __m256i, _mm256_setzero_si256, _mm256_xor_si256);

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

//! Many hashes at once: BLAKE3 pages and keccak nodes and leaves across SIMD lanes.
//!
//! Owns speed only. Every function equals its one-at-a-time twin in `hash`; tests compare them.
//! Uses blake3's own lane dispatch (`blake3::platform`, hidden from its documentation, hence the exact version in the
//! workspace table): the public interface hashes one message at a time and can't fill sixteen lanes with 4 KiB.

use alloc::vec::Vec;

use alloy_primitives::{B256, keccak256};
use blake3::{IncrementCounter, platform::Platform};

use super::{
    hash::{self, PAGE_CHUNKS},
    layout::{CHUNK_SIZE, Chunk, Page},
};
#[cfg(all(target_arch = "x86_64", not(miri)))]
use super::{keccak4, keccak8};

/// Pages hashed together: the widest SIMD has sixteen lanes, and each takes one chunk.
const PAGE_LANES: usize = 16;
/// With fewer pages than this the four chunks of one page fill the lanes better than the same chunk of many.
const PAGE_LANES_MIN: usize = 5;

/// BLAKE3's initial chaining value (its specification, section 2.2; that of SHA-256).
const IV: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
/// Domain flags of BLAKE3 (its specification, section 2.2).
const CHUNK_START: u8 = 1 << 0;
const CHUNK_END: u8 = 1 << 1;
const PARENT: u8 = 1 << 2;
const ROOT: u8 = 1 << 3;

/// Appends the digest of each page to `digests`, in order.
pub fn page_digests(pages: &[&Page], digests: &mut Vec<B256>) {
    let platform = Platform::detect();
    for group in pages.chunks(PAGE_LANES) {
        if group.len() < PAGE_LANES_MIN {
            digests.extend(group.iter().map(|page| hash::page(page)));
        } else {
            page_group(platform, group, digests);
        }
    }
}

/// Appends the digests of at most [`PAGE_LANES`] pages.
///
/// ```text
/// chunks   one pass per counter 0..4      cvs[counter][page]
/// pairs    left = (0, 1), right = (2, 3)  parents[page][left, right]
/// digest   parent of the two, ROOT
/// ```
fn page_group(platform: Platform, pages: &[&Page], digests: &mut Vec<B256>) {
    let count = pages.len();
    let mut cvs = [[0u8; 32 * PAGE_LANES]; PAGE_CHUNKS];
    for (counter, cvs) in cvs.iter_mut().enumerate() {
        let mut chunks: [&Chunk; PAGE_LANES] = [&[0; CHUNK_SIZE]; PAGE_LANES];
        for (chunk, page) in chunks.iter_mut().zip(pages) {
            *chunk = &page.as_chunks::<CHUNK_SIZE>().0[counter];
        }
        platform.hash_many(&chunks[..count], &IV, counter as u64, IncrementCounter::No, 0, CHUNK_START, CHUNK_END, cvs);
    }
    let mut pairs = [[0u8; 64]; 2 * PAGE_LANES];
    for (i, pair) in pairs[..2 * count].iter_mut().enumerate() {
        let (page, side) = (i / 2, i % 2);
        pair[..32].copy_from_slice(&cvs[2 * side][32 * page..][..32]);
        pair[32..].copy_from_slice(&cvs[2 * side + 1][32 * page..][..32]);
    }
    let mut halves = [[0u8; 64]; PAGE_LANES];
    parents(platform, &pairs[..2 * count], PARENT, halves.as_flattened_mut());
    let mut roots = [0u8; 32 * PAGE_LANES];
    parents(platform, &halves[..count], PARENT | ROOT, &mut roots);
    digests.extend(roots.as_chunks::<32>().0[..count].iter().map(|digest| B256::new(*digest)));
}

/// BLAKE3 parents of at most twice [`PAGE_LANES`] pairs of chaining values, 32 bytes each into `out`.
fn parents(platform: Platform, pairs: &[[u8; 64]], flags: u8, out: &mut [u8]) {
    let mut blocks: [&[u8; 64]; 2 * PAGE_LANES] = [&[0; 64]; 2 * PAGE_LANES];
    for (block, pair) in blocks.iter_mut().zip(pairs) {
        *block = pair;
    }
    platform.hash_many(&blocks[..pairs.len()], &IV, 0, IncrementCounter::No, flags, 0, 0, out);
}

/// Appends the keccak256 of each input to `hashes`, in order: nodes for `N` = 64, control leaves for `N` = 256.
pub fn keccak_many<const N: usize>(inputs: &[[u8; N]], hashes: &mut Vec<B256>) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if keccak8::available() {
        return in_groups(inputs, keccak8::WORTHWHILE, hashes, keccak8::hash);
    } else if keccak4::available() {
        return in_groups(inputs, keccak4::WORTHWHILE, hashes, keccak4::hash);
    }
    hashes.extend(inputs.iter().map(keccak256));
}

/// Hashes as many inputs together as there are lanes, and what is left alone if it is too few.
#[cfg(all(target_arch = "x86_64", not(miri)))]
fn in_groups<const N: usize, const LANES: usize>(
    inputs: &[[u8; N]],
    worthwhile: usize,
    hashes: &mut Vec<B256>,
    hash: fn(&[[u8; N]]) -> [B256; LANES],
) {
    let mut rest = inputs;
    while rest.len() >= worthwhile {
        let (group, tail) = rest.split_at(rest.len().min(LANES));
        hashes.extend_from_slice(&hash(group)[..group.len()]);
        rest = tail;
    }
    hashes.extend(rest.iter().map(keccak256));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::reference::bytes_of;

    #[test]
    fn wide_pages_equal_plain_blake3_for_every_group_size() {
        let data = bytes_of(4096 * 37, 1);
        let pages: Vec<&Page> = data.as_chunks().0.iter().collect();
        for count in 0..=pages.len() {
            let mut digests = Vec::new();
            page_digests(&pages[..count], &mut digests);
            let plain: Vec<B256> =
                pages[..count].iter().map(|page| B256::new(*blake3::hash(&page[..]).as_bytes())).collect();
            assert_eq!(digests, plain, "{count} pages");
        }
    }

    #[test]
    fn every_platform_of_this_host_agrees() {
        let data = bytes_of(4096 * 16, 2);
        let pages: Vec<&Page> = data.as_chunks().0.iter().collect();
        let plain: Vec<B256> = pages.iter().map(|page| hash::page(page)).collect();
        let mut platforms = vec![Platform::portable(), Platform::detect()];
        #[cfg(target_arch = "x86_64")]
        platforms.extend([Platform::sse2(), Platform::sse41(), Platform::avx2()].into_iter().flatten());
        for platform in platforms {
            let mut digests = Vec::new();
            page_group(platform, &pages, &mut digests);
            assert_eq!(digests, plain, "{platform:?}");
        }
    }

    #[test]
    fn wide_keccak_equals_plain_keccak_for_every_group_size() {
        fn check<const N: usize>() {
            let data = bytes_of(N * 21, 3);
            let inputs = data.as_chunks::<N>().0;
            for count in 0..=inputs.len() {
                let mut hashes = Vec::new();
                keccak_many(&inputs[..count], &mut hashes);
                let plain: Vec<B256> = inputs[..count].iter().map(keccak256).collect();
                assert_eq!(hashes, plain, "{count} inputs of {N} bytes");
            }
        }
        check::<64>();
        check::<256>();
        // One byte short of a block, a whole block and one byte more: the padding's three cases.
        check::<135>();
        check::<136>();
        check::<137>();
    }

    /// A host with eight lanes would never come to the four.
    #[test]
    #[cfg(target_arch = "x86_64")]
    fn four_lanes_equal_plain_keccak() {
        if !keccak4::available() {
            return println!("skipped (1): this host has no AVX2");
        }
        fn check<const N: usize>() {
            let data = bytes_of(N * 11, 4);
            let inputs = data.as_chunks::<N>().0;
            for count in 0..=inputs.len() {
                let mut hashes = Vec::new();
                in_groups(&inputs[..count], keccak4::WORTHWHILE, &mut hashes, keccak4::hash);
                let plain: Vec<B256> = inputs[..count].iter().map(keccak256).collect();
                assert_eq!(hashes, plain, "{count} inputs of {N} bytes");
            }
        }
        check::<64>();
        check::<136>();
        check::<256>();
        check::<271>();
    }
}

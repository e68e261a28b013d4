//! One small module that has every section, and what becomes of it under cuts and changes.
//!
//! What is random comes from SplitMix64 with the seed that the caller gives.

use super::bytes::{function, text};

/// A small program that has every section.
#[must_use]
pub fn full() -> Vec<u8> {
    text(
        r#"(module (import "assay" "exit" (func $exit (param i32)))
             (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
             (memory (export "m") 1 2) (table $t 3 funcref) (global $g (mut i32) (i32.add (i32.const 1) (i32.const 2)))
             (export "_start" (func $main)) (start $first) (elem (i32.const 1) $exit $main)
             (elem $p funcref (ref.func $first) (ref.null func))
             (data (i32.const 8) "data") (data $d "more") (func $first)
             (func $main (local i64 f32 f32)
               (block (result i32) (i32.const 3) (br_table 0 0 (i32.const 1))) (global.set $g)
               (memory.init $d (i32.const 0) (i32.const 0) (i32.const 4))
               (table.init $t $p (i32.const 0) (i32.const 0) (i32.const 2))
               (drop (call $write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))))"#,
    )
}

struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// [`full`], cut at every byte.
pub fn truncated() -> impl Iterator<Item = Vec<u8>> {
    let whole = full();
    (0..whole.len()).map(move |length| whole[..length].to_vec())
}

/// [`full`], with each byte changed to some that mean much.
pub fn changed_everywhere() -> impl Iterator<Item = Vec<u8>> {
    let whole = full();
    (0..whole.len()).flat_map(move |at| {
        let whole = whole.clone();
        [0x00, 0x01, 0x7f, 0x80, 0xff, whole[at] ^ 1, whole[at] ^ 0x40].into_iter().map(move |value| {
            let mut changed = whole.clone();
            changed[at] = value;
            changed
        })
    })
}

/// [`full`] with a few bytes changed, put in or taken out, and every other time random bytes behind a header.
pub fn random_changes(seed: u64) -> impl Iterator<Item = Vec<u8>> {
    let mut random = SplitMix(seed);
    let whole = full();
    (0..).map(move |round| {
        if round % 2 == 1 {
            let mut bytes = b"\0asm\x01\0\0\0".to_vec();
            bytes.extend((0..random.below(200)).map(|_| random.next() as u8));
            return bytes;
        }
        let mut bytes = whole.clone();
        for _ in 0..=random.below(6) {
            let at = random.below(bytes.len());
            match random.below(3) {
                0 => bytes[at] = random.next() as u8,
                1 => bytes.insert(at, random.next() as u8),
                _ => drop(bytes.remove(at)),
            }
        }
        bytes
    })
}

/// Random operators in a body: what the proposals' encodings look like, among them.
pub fn random_bodies(seed: u64) -> impl Iterator<Item = Vec<u8>> {
    const PREFIXES: [u8; 15] =
        [0xfb, 0xfc, 0xfd, 0xfe, 0x06, 0x08, 0x12, 0x14, 0x1f, 0xd0, 0xd2, 0xe0, 0xe3, 0x02, 0x0e];
    let mut random = SplitMix(seed);
    std::iter::repeat_with(move || {
        let mut body = vec![0];
        for _ in 0..random.below(40) {
            body.push(match random.below(3) {
                0 => PREFIXES[random.below(PREFIXES.len())],
                1 => random.below(8) as u8,
                _ => random.next() as u8,
            });
        }
        body.push(0x0b);
        function(&body)
    })
}

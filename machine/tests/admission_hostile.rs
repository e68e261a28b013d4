//! Modules made by enemies: each gets a refusal or a correct module, in bounded time, and never a panic.
//!
//! What is random here comes from SplitMix64 with the seed in the test.

use std::time::{Duration, Instant};

use assay_machine::admission::{AdmissionError, Admitted, admit, admit_library};
use wasmparser::{Validator, WasmFeatures};

/// Far above what any of these takes, far below what an unbounded algorithm would.
const PATIENCE: Duration = Duration::from_secs(20);

fn wasm(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).unwrap_or_else(|error| panic!("the test's own text: {error}"))
}

/// Admits as a library, and holds what comes to the time and to validity.
fn library(module: &[u8]) -> Result<Admitted, AdmissionError> {
    let begin = Instant::now();
    let result = admit_library(module, &[]);
    assert!(begin.elapsed() < PATIENCE, "took {:?}", begin.elapsed());
    if let Ok(admitted) = &result {
        let mut validator = Validator::new_with_features(WasmFeatures::WASM2);
        if let Err(error) = validator.validate_all(&admitted.module) {
            panic!("admitted, and written as an invalid module: {error}");
        }
    }
    result
}

fn reason(module: &[u8]) -> &'static str {
    library(module).map_or_else(|error| error.reason(), |_| "admitted")
}

/// An unsigned LEB128 number.
fn leb(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id][..], &leb(content.len() as u64), content].concat()
}

fn module(sections: &[Vec<u8>]) -> Vec<u8> {
    [b"\0asm\x01\0\0\0".to_vec(), sections.concat()].concat()
}

/// A module with one function `() -> ()` of these bytes: locals, operators, end.
fn function(body: &[u8]) -> Vec<u8> {
    functions(&[0x60, 0, 0], body, 1)
}

/// A module with one type, and `count` functions of that type and of the same body.
fn functions(ty: &[u8], body: &[u8], count: usize) -> Vec<u8> {
    let sized = [leb(body.len() as u64), body.to_vec()].concat();
    module(&[
        section(1, &[&[1], ty].concat()),
        section(3, &[leb(count as u64), vec![0; count]].concat()),
        section(10, &[leb(count as u64), sized.repeat(count)].concat()),
    ])
}

/// A small module that has every section.
fn full() -> Vec<u8> {
    wasm(
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

/// Cut anywhere, it is invalid, except where a whole number of sections is a module of its own.
#[test]
fn truncated_at_every_byte() {
    let whole = full();
    assert_eq!(reason(&whole), "admitted");
    let mut admitted = 0;
    for length in 0..whole.len() {
        match reason(&whole[..length]) {
            "admitted" => admitted += 1,
            reason => assert_eq!(reason, "invalid", "cut to {length}"),
        }
    }
    // Header alone; with types; with imports. Then functions without code are missing their bodies.
    assert!((3..=8).contains(&admitted), "{admitted}");
}

#[test]
fn every_byte_changed() {
    let whole = full();
    for at in 0..whole.len() {
        for value in [0x00, 0x01, 0x7f, 0x80, 0xff, whole[at] ^ 1, whole[at] ^ 0x40] {
            let mut changed = whole.clone();
            changed[at] = value;
            reason(&changed);
        }
    }
}

#[test]
fn random_changes_and_random_bytes() {
    let seed = 0x5eed_0001;
    let mut random = SplitMix(seed);
    let whole = full();
    for round in 0..20_000 {
        let mut bytes = if round % 2 == 0 { whole.clone() } else { b"\0asm\x01\0\0\0".to_vec() };
        if round % 2 == 0 {
            for _ in 0..=random.below(6) {
                let at = random.below(bytes.len());
                match random.below(3) {
                    0 => bytes[at] = random.next() as u8,
                    1 => bytes.insert(at, random.next() as u8),
                    _ => drop(bytes.remove(at)),
                }
            }
        } else {
            bytes.extend((0..random.below(200)).map(|_| random.next() as u8));
        }
        reason(&bytes);
    }
}

/// Random operators in a body: what the proposals' encodings look like, among them.
#[test]
fn random_bodies() {
    let mut random = SplitMix(0x5eed_0002);
    let prefixes = [0xfb, 0xfc, 0xfd, 0xfe, 0x06, 0x08, 0x12, 0x14, 0x1f, 0xd0, 0xd2, 0xe0, 0xe3, 0x02, 0x0e];
    for _ in 0..20_000 {
        let mut body = vec![0];
        for _ in 0..random.below(40) {
            body.push(match random.below(3) {
                0 => prefixes[random.below(prefixes.len())],
                1 => random.below(8) as u8,
                _ => random.next() as u8,
            });
        }
        body.push(0x0b);
        reason(&function(&body));
    }
}

#[test]
fn deep_nesting() {
    for opcode in [0x02, 0x03] {
        let body = [&[0][..], &[opcode, 0x40].repeat(100_000), &[0x0b].repeat(100_001)].concat();
        assert_eq!(reason(&function(&body)), "admitted");
        let open = [&[0][..], &[opcode, 0x40].repeat(500_000), &[0x0b]].concat();
        assert_eq!(reason(&function(&open)), "invalid");
    }
    let ifs = [&[0][..], &[0x41, 0, 0x04, 0x40].repeat(100_000), &[0x0b].repeat(100_001)].concat();
    assert_eq!(reason(&function(&ifs)), "admitted");
}

#[test]
fn many_locals() {
    let locals = |count: u64| function(&[&[1][..], &leb(count), &[0x7f, 0x0b]].concat());
    assert_eq!(reason(&locals(50_000)), "admitted");
    assert_eq!(reason(&locals(50_001)), "locals");
    assert_eq!(reason(&locals(u64::from(u32::MAX))), "locals");
    // Two declarations whose sum does not fit 32 bits.
    let most = leb(u64::from(u32::MAX));
    assert_eq!(reason(&function(&[&[2][..], &most, &[0x7f], &most, &[0x7e, 0x0b]].concat())), "locals");
    // A hundred thousand declarations of nothing.
    let nothing = [&leb(100_000)[..], &[0, 0x7f].repeat(100_000), &[0x0b]].concat();
    assert_eq!(reason(&function(&nothing)), "admitted");
    // Fifty thousand locals in each of a thousand functions: nothing is allocated for each.
    assert_eq!(reason(&functions(&[0x60, 0, 0], &[1, 0xd0, 0x86, 0x03, 0x7f, 0x0b], 1000)), "admitted");
}

#[test]
fn giant_branch_tables() {
    let table = |targets: u64, depth: u8| {
        let targets = [&[0x0e][..], &leb(targets), &vec![depth; targets as usize + 1]].concat();
        [&[0, 0x41, 0][..], &targets, &[0x0b]].concat()
    };
    assert_eq!(reason(&function(&table(1_000_000, 0))), "admitted");
    assert_eq!(reason(&function(&table(1_048_576, 0))), "function body bytes");
    // More targets declared than there are bytes.
    assert_eq!(
        reason(&function(&[&[0, 0x41, 0, 0x0e][..], &leb(u64::from(u32::MAX)), &[0, 0x0b]].concat())),
        "invalid"
    );
    // A million targets that carry 990 values each, in dead code, where there is nothing to carry.
    let results = [&[0x60, 0][..], &leb(990), &[0x7f].repeat(990)].concat();
    let body = [&[0, 0x00][..], &table(1_000_000, 0)[1..]].concat();
    assert_eq!(reason(&functions(&results, &body, 1)), "transferred values");
}

/// Two bytes can push 990 values, two others pop them.
#[test]
fn wide_calls() {
    let results = [&[0x60, 0][..], &leb(990), &[0x7f].repeat(990)].concat();
    let pushing = [&[0][..], &[0x10, 0].repeat(500_000), &[0x00, 0x0b]].concat();
    assert_eq!(reason(&functions(&results, &pushing, 1)), "operand stack");
    let through = [&[0x60][..], &leb(990), &[0x7f].repeat(990), &leb(990), &[0x7f].repeat(990)].concat();
    let calling = [&[0, 0x00][..], &[0x10, 0].repeat(500_000), &[0x0b]].concat();
    assert_eq!(reason(&functions(&through, &calling, 40)), "transferred values");
}

#[test]
fn giant_memories_tables_and_segments() {
    assert_eq!(reason(&wasm("(module (memory 65536))")), "admitted");
    assert_eq!(reason(&module(&[section(5, &[&[1, 0][..], &leb(65_537)].concat())])), "memory pages");
    assert_eq!(reason(&module(&[section(5, &[&[1, 1, 0][..], &leb(u64::from(u32::MAX))].concat())])), "memory pages");
    assert_eq!(reason(&wasm("(module (table 1048576 0xffffffff funcref))")), "admitted");
    assert_eq!(
        reason(&module(&[section(4, &[&[1, 0x70, 0][..], &leb(u64::from(u32::MAX))].concat())])),
        "table elements"
    );
    // A data segment that declares 4 GiB and has 3 bytes; more segments than bytes.
    let memory = section(5, &[1, 0, 1]);
    let declared = [&[1, 0, 0x41, 0, 0x0b][..], &leb(u64::from(u32::MAX)), b"abc"].concat();
    assert_eq!(reason(&module(&[memory.clone(), section(11, &declared)])), "invalid");
    assert_eq!(reason(&module(&[memory.clone(), section(11, &leb(60_000))])), "invalid");
    assert_eq!(reason(&module(&[memory, section(11, &leb(u64::from(u32::MAX)))])), "data segments");
    // Forty megabytes of data that are there.
    let data = vec![0x55; 40 << 20];
    let segment = [&[1, 0, 0x41, 0, 0x0b][..], &leb(data.len() as u64), &data].concat();
    let large = module(&[section(5, &[&[1, 0][..], &leb(640)].concat()), section(11, &segment)]);
    assert_eq!(reason(&large), "admitted");
    // Every section, declaring as much as a number can say.
    for id in 1..=13 {
        let reason = reason(&module(&[section(id, &leb(u64::from(u32::MAX)))]));
        assert_ne!(reason, "admitted", "section {id}");
    }
    // A section longer than the module.
    assert_eq!(reason(&[&b"\0asm\x01\0\0\0\x01"[..], &leb(u64::from(u32::MAX))].concat()), "invalid");
}

/// The specification makes the name of a custom section part of the format, and nothing behind it.
#[test]
fn names_in_invalid_utf_8() {
    let custom =
        |name: &[u8], content: &[u8]| module(&[section(0, &[&leb(name.len() as u64)[..], name, content].concat())]);
    assert_eq!(reason(&custom(b"name", b"\xff\xff\xff")), "admitted");
    assert_eq!(reason(&custom(b"name", b"\x00\x03\x02\xff\xfe")), "admitted");
    assert_eq!(reason(&custom(b"producers", &[0x80; 100])), "admitted");
    assert_eq!(reason(&custom(b".debug_info", b"")), "admitted");
    assert_eq!(reason(&custom(b"\xff\xfe", b"")), "invalid");
    // An export and an import under a name that is none.
    let export = [section(1, &[1, 0x60, 0, 0]), section(3, &[1, 0]), section(7, b"\x01\x02\xc3\x28\x00\x00")];
    assert_eq!(reason(&module(&[&export[..], &[section(10, &[1, 2, 0, 0x0b])]].concat())), "invalid");
    let import = [section(1, &[1, 0x60, 0, 0]), section(2, b"\x01\x02\xc3\x28\x01a\x00\x00")];
    assert_eq!(reason(&module(&import)), "invalid");
}

/// Numbers may be padded up to their full width, and no further.
#[test]
fn overlong_numbers() {
    let constant = |number: &[u8]| function(&[&[0, 0x41][..], number, &[0x1a, 0x0b]].concat());
    assert_eq!(reason(&constant(&[0x80, 0x80, 0x80, 0x80, 0x00])), "admitted");
    assert_eq!(reason(&constant(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x00])), "invalid");
    assert_eq!(reason(&constant(&[0xff, 0xff, 0xff, 0xff, 0x7f])), "admitted");
    assert_eq!(reason(&constant(&[0xff, 0xff, 0xff, 0xff, 0x4f])), "invalid");
    let types = [&[0x81, 0x80, 0x80, 0x80, 0x00][..], &[0x60, 0, 0]].concat();
    assert_eq!(reason(&module(&[section(1, &types)])), "admitted");
    let types = [&[0x81, 0x80, 0x80, 0x80, 0x80, 0x00][..], &[0x60, 0, 0]].concat();
    assert_eq!(reason(&module(&[section(1, &types)])), "invalid");
}

/// Long constant expressions, and many: folding has no recursion.
#[test]
fn long_constant_expressions() {
    let sum = [&[0x41, 1][..], &[0x41, 1, 0x6a].repeat(1_000_000), &[0x0b]].concat();
    assert_eq!(reason(&module(&[section(6, &[&[1, 0x7f, 0][..], &sum].concat())])), "admitted");
    let tall = [&[0x41, 1].repeat(1_000_000)[..], &[0x6a].repeat(999_999), &[0x0b]].concat();
    assert_eq!(reason(&module(&[section(6, &[&[1, 0x7f, 0][..], &tall].concat())])), "admitted");
}

/// The search for a missing proposal walks a module many times: it stays bounded where each walk is long.
#[test]
fn refusals_that_come_late() {
    // Two thousand large bodies, each with an operator of SIMD, tail calls and exceptions at its end.
    let ends: [&[u8]; 3] =
        [&[0xfd, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x1a], &[0x12, 0], &[0x08, 0]];
    for end in ends {
        let body = [&[0][..], &[0x41, 0, 0x1a].repeat(4000), end, &[0x0b]].concat();
        let reason = reason(&functions(&[0x60, 0, 0], &body, 2000));
        assert!(["SIMD", "tail calls", "invalid"].contains(&reason), "{reason}");
    }
    // Types by the ten thousand, and an unknown section behind them.
    let types = [&leb(60_000)[..], &[0x60, 4, 0x7f, 0x7e, 0x7d, 0x7c, 1, 0x7f].repeat(60_000)].concat();
    assert_eq!(reason(&module(&[section(1, &types), section(42, &[])])), "invalid");
}

/// Sixty megabytes of small functions, and of element items.
#[test]
fn large_and_admitted() {
    let body = [&[0][..], &[0x41, 0, 0x1a].repeat(70), &[0x0b]].concat();
    assert_eq!(reason(&functions(&[0x60, 0, 0], &body, 1 << 18)), "admitted");
    let items = [&[1, 5, 0x70][..], &leb(2 << 20), &[0xd0, 0x70, 0x0b].repeat(2 << 20)].concat();
    assert_eq!(reason(&module(&[section(9, &items)])), "admitted");
}

#[test]
fn programs_are_held_to_the_same() {
    let bytes = full();
    let admitted: Vec<_> = (0..=bytes.len()).filter(|&length| admit(&bytes[..length]).is_ok()).collect();
    // The whole, and the whole without the assembler's names at its end.
    assert_eq!(admitted.len(), 2, "{admitted:?}");
    assert_eq!(admitted[1], bytes.len());
}

//! Shapes that admission turns down.
//!
//! Owns each shape's reason, which is the one of specs/05-lowering.md.

use super::Shape;
use super::bytes::{NOTHING, function, functions, leb, module, program, section, text};

const MOST: u64 = u32::MAX as u64;

pub fn shapes() -> Vec<Shape> {
    let mut shapes = vec![
        Shape::refused("half a million blocks left open", "invalid", || {
            function(&[&[0][..], &[0x02, 0x40].repeat(500_000), &[0x0b]].concat())
        }),
        Shape::refused("half a million loops left open", "invalid", || {
            function(&[&[0][..], &[0x03, 0x40].repeat(500_000), &[0x0b]].concat())
        }),
        Shape::refused("a local too many", "locals", || locals(50_001)),
        Shape::refused("four billion locals", "locals", || locals(MOST)),
        Shape::refused("locals whose sum does not fit 32 bits", "locals", || {
            let most = leb(MOST);
            function(&[&[2][..], &most, &[0x7f], &most, &[0x7e, 0x0b]].concat())
        }),
        Shape::refused("a branch table beyond the body's limit", "function body bytes", || {
            function(&super::wide::branch_table(1_048_576))
        }),
        Shape::refused("more branch targets than bytes", "invalid", || {
            function(&[&[0, 0x41, 0, 0x0e][..], &leb(MOST), &[0, 0x0b]].concat())
        }),
        // In dead code, where there is nothing to carry.
        Shape::refused("a million targets that carry 990 values each", "transferred values", || {
            let results = [&[0x60, 0][..], &leb(990), &[0x7f].repeat(990)].concat();
            let body = [&[0, 0x00][..], &super::wide::branch_table(1_000_000)[1..]].concat();
            functions(&results, &body, 1)
        }),
        Shape::refused("calls that push 990 values from two bytes", "operand stack", || {
            let results = [&[0x60, 0][..], &leb(990), &[0x7f].repeat(990)].concat();
            functions(&results, &[&[0][..], &[0x10, 0].repeat(500_000), &[0x00, 0x0b]].concat(), 1)
        }),
        Shape::refused("calls that move 990 values from two bytes", "transferred values", || {
            let wide = [&leb(990)[..], &[0x7f].repeat(990)].concat();
            let through = [&[0x60][..], &wide, &wide].concat();
            functions(&through, &[&[0, 0x00][..], &[0x10, 0].repeat(500_000), &[0x0b]].concat(), 40)
        }),
        Shape::refused("a memory one page too large", "memory pages", || {
            module(&[section(5, &[&[1, 0][..], &leb(65_537)].concat())])
        }),
        Shape::refused("a memory that may grow too large", "memory pages", || {
            module(&[section(5, &[&[1, 1, 0][..], &leb(MOST)].concat())])
        }),
        Shape::refused("a table of four billion entries", "table elements", || {
            module(&[section(4, &[&[1, 0x70, 0][..], &leb(MOST)].concat())])
        }),
        Shape::refused("a data segment of four billion bytes, three of them there", "invalid", || {
            let declared = [&[1, 0, 0x41, 0, 0x0b][..], &leb(MOST), b"abc"].concat();
            module(&[section(5, &[1, 0, 1]), section(11, &declared)])
        }),
        Shape::refused("more data segments than bytes", "invalid", || {
            module(&[section(5, &[1, 0, 1]), section(11, &leb(60_000))])
        }),
        Shape::refused("four billion data segments", "data segments", || {
            module(&[section(5, &[1, 0, 1]), section(11, &leb(MOST))])
        }),
        Shape::refused("a section longer than the module", "invalid", || {
            [&b"\0asm\x01\0\0\0\x01"[..], &leb(MOST)].concat()
        }),
        Shape::refused("a custom section's name that is no UTF-8", "invalid", || super::wide::custom(b"\xff\xfe", b"")),
        Shape::refused("an export's name that is no UTF-8", "invalid", || {
            module(&[
                section(1, &[1, 0x60, 0, 0]),
                section(3, &[1, 0]),
                section(7, b"\x01\x02\xc3\x28\x00\x00"),
                section(10, &[1, 2, 0, 0x0b]),
            ])
        }),
        Shape::refused("an import's name that is no UTF-8", "invalid", || {
            module(&[section(1, &[1, 0x60, 0, 0]), section(2, b"\x01\x02\xc3\x28\x01a\x00\x00")])
        }),
        // Numbers may be padded up to their full width, and no further.
        Shape::refused("a constant of six bytes", "invalid", || {
            super::wide::constant(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x00])
        }),
        Shape::refused("a constant with bits beyond its width", "invalid", || {
            super::wide::constant(&[0xff, 0xff, 0xff, 0xff, 0x4f])
        }),
        Shape::refused("a count of six bytes", "invalid", || {
            module(&[section(1, &[&[0x81, 0x80, 0x80, 0x80, 0x80, 0x00][..], NOTHING].concat())])
        }),
        Shape::refused("an unknown section behind ten thousands of types", "invalid", || {
            let types = [&leb(60_000)[..], &[0x60, 4, 0x7f, 0x7e, 0x7d, 0x7c, 1, 0x7f].repeat(60_000)].concat();
            module(&[section(1, &types), section(42, &[])])
        }),
        Shape::refused("data that ends a byte behind the memory", "data segment out of bounds", || {
            text(r#"(module (memory 65536) (data (i32.const 0xffffffff) "ab"))"#)
        }),
        Shape::refused("a table of functions that do not exist", "invalid", || {
            let items = [&[1, 0, 0x41, 0, 0x0b][..], &leb(1000), &leb(MOST).repeat(1000)].concat();
            module(&[section(4, &[1, 0x70, 0, 1]), section(9, &items)])
        }),
        Shape::refused("a body that ends in the middle of an operator", "invalid", || function(&[0, 0x41])),
        Shape::refused("a thousand memories", "invalid", || {
            module(&[section(5, &[leb(1000), [0, 0].repeat(1000)].concat())])
        }),
        Shape::refused("a start function with parameters", "invalid", || {
            module(&[
                section(1, &[1, 0x60, 1, 0x7f, 0]),
                section(3, &[1, 0]),
                section(8, &[0]),
                section(10, &[1, 2, 0, 0x0b]),
            ])
        }),
    ];
    // The search for a missing proposal walks a module many times: it stays bounded where each walk is long. Two thousand
    // large bodies, each with an operator of a proposal at its end.
    let ends: [(&'static str, &'static str, &'static [u8]); 3] = [
        ("SIMD", "SIMD", &[0xfd, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x1a]),
        ("a tail call", "tail calls", &[0x12, 0]),
        ("an exception", "invalid", &[0x08, 0]),
    ];
    for (name, reason, end) in ends {
        shapes.push(Shape::refused(&format!("{name} at the end of two thousand bodies"), reason, move || {
            let body = [&[0][..], &[0x41, 0, 0x1a].repeat(4000), end, &[0x0b]].concat();
            functions(NOTHING, &body, 2000)
        }));
    }
    // Neither proposal alone comes past the memory, and all that follows is sound: each walk through it is a long one.
    shapes.push(Shape::refused(
        "a shared memory of 64-bit indices before sixty megabytes of bodies",
        "memory64",
        || {
            let body = [&[0][..], &[0x41, 0, 0x1a].repeat(10_000), &[0x0b]].concat();
            program(&[(5, vec![1, 0x07, 1, 1])], &vec![body; 2000])
        },
    ));
    shapes
}

fn locals(count: u64) -> Vec<u8> {
    function(&[&[1][..], &leb(count), &[0x7f, 0x0b]].concat())
}

/// Each section alone, declaring as much as a number can say. None is admitted.
#[must_use]
pub fn sections_that_only_declare() -> Vec<Vec<u8>> {
    (1..=13).map(|id| module(&[section(id, &leb(MOST))])).collect()
}

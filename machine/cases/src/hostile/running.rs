//! Admitted shapes that are small, and hostile when they run.
//!
//! Whoever runs them bounds their fuel: several never end by themselves.

use super::Shape;
use super::bytes::text;

/// Name, then the fields of a module whose function `$start` starts.
const TEXTS: &[(&str, &str)] = &[
    ("a loop without end", "(func $start (loop (br 0)))"),
    ("a loop without end that branches by a table", "(func $start (loop (br_table 0 0 0 (i32.const 9))))"),
    ("recursion without end", "(func $start (call $start))"),
    ("recursion of two without end", "(func $start (call $other)) (func $other (call $start))"),
    (
        "recursion through a table without end",
        "(table 1 funcref) (elem (i32.const 0) $start) (type $t (func)) (func $start (call_indirect (type $t) (i32.const 0)))",
    ),
    (
        "recursion with five hundred locals",
        "(func $start (call $down (i64.const 1)))
         (func $down (param i64) LOCALS (local.set 77 (local.get 0)) (call $down (i64.add (local.get 77) (i64.const 1)))
           (drop (local.get 77)))",
    ),
    (
        "recursion that doubles at each level",
        "(func $start (call $down (i32.const 1000)))
         (func $down (param i32) (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1)))
           (call $down (i32.sub (local.get 0) (i32.const 1))))))",
    ),
    (
        "a memory that grows page by page to four gigabytes",
        "(memory 0 65536) (func $start (loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))))",
    ),
    (
        "a memory that grows beyond four gigabytes at once",
        "(memory 1) (func $start (drop (memory.grow (i32.const -1))) (drop (memory.grow (i32.const 65535)))
           (i32.store8 (i32.const -1) (i32.const 1)) (drop (memory.grow (i32.const 1))))",
    ),
    (
        "a fill of four gigabytes",
        "(memory 65536) (func $start (memory.fill (i32.const 0) (i32.const 1) (i32.const -1)))",
    ),
    (
        "a copy of a gigabyte onto itself, a byte further",
        "(memory 65536) (func $start (memory.copy (i32.const 1) (i32.const 0) (i32.const 0x40000000)))",
    ),
    (
        "small fills at both ends of four gigabytes",
        "(memory 65536) (func $start (memory.fill (i32.const 0) (i32.const 1) (i32.const 100))
           (memory.fill (i32.const 0xffffff00) (i32.const 1) (i32.const 256))
           (memory.fill (i32.const 0xffffff00) (i32.const 1) (i32.const 257)))",
    ),
    (
        "a table that grows by itself until it can't",
        "(table $t 1 funcref) (func $start (loop (br_if 0 (i32.ne (i32.const -1)
           (table.grow $t (ref.null func) (i32.add (table.size $t) (i32.const 1)))))))",
    ),
    (
        "tables that grow beyond all bounds",
        "(table $a 0 0xffffffff funcref) (table $b 0 funcref) (func $start (drop (table.grow $a (ref.null func) (i32.const -1)))
           (drop (table.grow $b (ref.null func) (i32.const 0x7fffffff))) (table.set $a (i32.const 0) (ref.null func)))",
    ),
    (
        "bulk operations of the greatest lengths",
        "(memory 1) (table $t 8 funcref) (data $d \"data\") (elem $e func $start)
         (func $start (if (i32.load8_u (i32.const 0)) (then (table.init $t $e (i32.const -1) (i32.const -1) (i32.const -1))))
           (memory.init $d (i32.const -1) (i32.const -1) (i32.const -1)))",
    ),
    ("a start function that traps", "(func $start unreachable)"),
    ("a division that overflows", "(func $start (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))))"),
    (
        "an access whose offset and address are the greatest",
        "(memory 65536) (func $start (drop (i64.load offset=0xffffffff (i32.const -1))))",
    ),
    ("a call through a null", "(table 1 funcref) (type $t (func)) (func $start (call_indirect (type $t) (i32.const 0)))"),
    (
        "a call through a table of another type",
        "(table 1 funcref) (elem (i32.const 0) $other) (type $t (func)) (func $other (param i32))
         (func $start (call_indirect (type $t) (i32.const 0)))",
    ),
    (
        "a table that is overwritten while it is called through",
        "(table $t 2 funcref) (elem (i32.const 0) $start $other) (type $f (func))
         (func $other (table.set $t (i32.const 1) (ref.null func)))
         (func $start (table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 1)) (call_indirect (type $f) (i32.const 0))
           (call_indirect (type $f) (i32.const 1)))",
    ),
    (
        "output of everything, at once and again",
        "(import \"assay\" \"output_write\" (func $write (param i32 i32))) (memory 16)
         (func $start (loop (call $write (i32.const 0) (i32.const 0x100000)) (br 0)))",
    ),
    (
        "reads of input beyond all bounds",
        "(import \"assay\" \"input_read\" (func $read (param i32 i64 i32) (result i32))) (memory 1)
         (func $start (drop (call $read (i32.const 0) (i64.const -1) (i32.const 65536)))
           (drop (call $read (i32.const 1) (i64.const 0) (i32.const 65536))))",
    ),
    (
        "NaNs with payloads through every way out",
        "(memory 1) (global $g (mut f64) (f64.const nan:0x1))
         (func $f (param f64) (result f64) (f64.mul (local.get 0) (f64.const 0)))
         (func $start (global.set $g (call $f (f64.const -nan:0x4000000000001)))
           (f64.store (i32.const 0) (f64.add (global.get $g) (f64.const nan:0x123)))
           (i64.store (i32.const 8) (i64.reinterpret_f64 (f64.copysign (global.get $g) (f64.neg (global.get $g)))))
           (if (i64.ne (i64.load (i32.const 0)) (i64.const 0x7ff8000000000000)) (then unreachable)))",
    ),
];

pub fn shapes() -> Vec<Shape> {
    let shape = |(name, fields): &(&str, &str)| {
        let fields = fields.replace("LOCALS", &format!("(local {})", "i64 ".repeat(500)));
        Shape::admitted(name, move || text(&format!("(module {fields} (start $start))")))
    };
    TEXTS.iter().map(shape).collect()
}

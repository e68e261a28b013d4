//! The bits of NaNs: canonical where the machine computes them, untouched where it moves them.
//!
//! Each case is a function of two f64 (or f32) whose bits are given and whose result's bits are seen. `Q` and `S` are
//! NaNs with payload, quiet and signalling; natively 0 / 0 is a negative NaN on x86, so every place that forgets to
//! canonicalise shows.

use super::*;

const Q: u64 = 0x7ff8_0000_dead_beef;
const S: u64 = 0xfff0_0000_0000_0001;
const CANONICAL: u64 = 0x7ff8_0000_0000_0000;
const NEGATIVE: u64 = 0xfff8_0000_0000_0000;
const ZERO: u64 = 0;
const ONE: u64 = 0x3ff0_0000_0000_0000;
const MINUS_ONE: u64 = 0xbff0_0000_0000_0000;

/// Body with locals 0 and 1 of type f64 (parameters) and $t, $u (f64, zero), the two arguments, the result's bits.
type Case = (&'static str, u64, u64, u64);

/// Arithmetic that yields a NaN from (ZERO, ZERO), or from any NaN.
const CASES: &[Case] = &[
    // Moves keep every bit.
    ("(local.get 0)", Q, 0, Q),
    ("(local.get 0)", S, 0, S),
    ("(local.set $t (local.get 0)) (local.get $t)", S, 0, S),
    ("(local.tee $t (local.get 0))", S, 0, S),
    ("(f64.store (i32.const 0) (local.get 0)) (f64.load (i32.const 0))", S, 0, S),
    ("(global.set $g (local.get 0)) (global.get $g)", S, 0, S),
    ("(select (local.get 0) (local.get 1) (i32.const 1))", S, Q, S),
    ("(select (local.get 0) (local.get 1) (i32.const 0))", S, Q, Q),
    ("(call $same (local.get 0))", S, 0, S),
    ("(block (result f64) (local.get 0))", S, 0, S),
    ("(f64.neg (local.get 0))", S, 0, S ^ (1 << 63)),
    ("(f64.abs (local.get 0))", S, 0, S & !(1 << 63)),
    ("(f64.copysign (local.get 0) (local.get 1))", Q, MINUS_ONE, Q | (1 << 63)),
    ("(f64.copysign (local.get 1) (local.get 0))", S, ONE, MINUS_ONE),
    ("(f64.const nan:0x4000000000001)", 0, 0, 0x7ff4_0000_0000_0001),
    ("(f64.const -nan)", 0, 0, NEGATIVE),
    ("(local.set $t (f64.const -nan)) (local.get $t)", 0, 0, NEGATIVE),
    ("(f64.abs (f64.const -nan:0x1))", 0, 0, 0x7ff0_0000_0000_0001),
    // Arithmetic makes NaNs canonical.
    ("(f64.div (local.get 0) (local.get 1))", ZERO, ZERO, CANONICAL),
    ("(f64.add (local.get 0) (local.get 1))", Q, ONE, CANONICAL),
    ("(f64.sub (local.get 0) (local.get 1))", S, ONE, CANONICAL),
    ("(f64.mul (local.get 0) (local.get 1))", ONE, S, CANONICAL),
    ("(f64.min (local.get 0) (local.get 1))", ONE, S, CANONICAL),
    ("(f64.max (local.get 0) (local.get 1))", Q, ONE, CANONICAL),
    ("(f64.sqrt (local.get 0))", MINUS_ONE, 0, CANONICAL),
    ("(f64.sqrt (local.get 0))", S, 0, CANONICAL),
    ("(f64.ceil (local.get 0))", S, 0, CANONICAL),
    ("(f64.floor (local.get 0))", Q, 0, CANONICAL),
    ("(f64.trunc (local.get 0))", S, 0, CANONICAL),
    ("(f64.nearest (local.get 0))", Q, 0, CANONICAL),
    ("(f64.promote_f32 (f32.demote_f64 (local.get 0)))", Q, 0, CANONICAL),
    ("(f64.promote_f32 (f32.reinterpret_i32 (i32.const 0xffa00001)))", 0, 0, CANONICAL),
    // Where sign and payload of an arithmetic NaN are seen.
    ("(f64.neg (f64.div (local.get 0) (local.get 1)))", ZERO, ZERO, NEGATIVE),
    ("(f64.neg (f64.neg (f64.div (local.get 0) (local.get 1))))", ZERO, ZERO, CANONICAL),
    ("(f64.abs (f64.div (local.get 0) (local.get 1)))", ZERO, ZERO, CANONICAL),
    ("(f64.abs (f64.add (local.get 0) (local.get 1)))", S, ONE, CANONICAL),
    ("(f64.abs (f64.neg (f64.div (local.get 0) (local.get 1))))", ZERO, ZERO, CANONICAL),
    ("(f64.copysign (f64.const 1) (f64.div (local.get 0) (local.get 1)))", ZERO, ZERO, ONE),
    ("(f64.copysign (f64.div (local.get 0) (local.get 1)) (f64.const -1))", ZERO, ZERO, NEGATIVE),
    ("(f64.copysign (f64.add (local.get 0) (f64.const 1)) (local.get 0))", S, ZERO, NEGATIVE),
    ("(f64.copysign (f64.div (local.get 0) (local.get 1)) (f64.div (local.get 0) (local.get 1)))", ZERO, ZERO, CANONICAL),
    ("(f64.reinterpret_i64 (i64.reinterpret_f64 (f64.div (local.get 0) (local.get 1))))", ZERO, ZERO, CANONICAL),
    ("(f64.store (i32.const 0) (f64.div (local.get 0) (local.get 1))) (f64.load (i32.const 0))", ZERO, ZERO, CANONICAL),
    ("(global.set $g (f64.div (local.get 0) (local.get 1))) (global.get $g)", ZERO, ZERO, CANONICAL),
    ("(call $same (f64.div (local.get 0) (local.get 1)))", ZERO, ZERO, CANONICAL),
    ("(call $quotient (local.get 0) (local.get 1))", ZERO, ZERO, CANONICAL),
    ("(call_indirect (param f64 f64) (result f64) (f64.sqrt (f64.const -1)) (local.get 0) (i32.const 0))", ZERO, 0, CANONICAL),
    ("(call_indirect (param f64 f64) (result f64) (local.get 0) (f64.sqrt (f64.const -1)) (i32.const 1))", S, 0, S),
    // Selects of both kinds.
    ("(select (local.get 0) (f64.sqrt (local.get 1)) (i32.const 1))", S, MINUS_ONE, S),
    ("(select (local.get 0) (f64.sqrt (local.get 1)) (i32.const 0))", S, MINUS_ONE, CANONICAL),
    ("(select (f64.sqrt (local.get 1)) (local.get 0) (i32.const 1))", S, MINUS_ONE, CANONICAL),
    ("(select (f64.sqrt (local.get 1)) (f64.const 0) (i32.const 1))", S, MINUS_ONE, CANONICAL),
    ("(select (f64.sqrt (local.get 1)) (f64.const -nan) (i32.const 0))", S, MINUS_ONE, NEGATIVE),
    // Locals that get both kinds, in both orders, and copies of such.
    ("(local.set $t (f64.sqrt (local.get 1))) (local.set $u (local.get $t)) (local.set $t (local.get 0)) (local.get $t)", S, MINUS_ONE, S),
    ("(local.set $t (local.get 0)) (local.set $t (f64.sqrt (local.get 1))) (f64.neg (local.get $t))", S, MINUS_ONE, NEGATIVE),
    ("(local.set $u (local.get $t)) (local.set $t (local.get 0)) (local.set $u (local.get $t)) (local.get $u)", S, 0, S),
    ("(local.set $t (f64.sqrt (local.get 1))) (local.set $u (f64.abs (local.get $t))) (local.get $u)", S, MINUS_ONE, CANONICAL),
    ("(f64.neg (local.tee $t (f64.sqrt (local.get 1))))", S, MINUS_ONE, NEGATIVE),
    ("(local.set 0 (f64.sqrt (local.get 1))) (local.get 0)", S, MINUS_ONE, CANONICAL),
    ("(local.set $t (f64.convert_i32_s (i32.const 3))) (local.set $t (f64.div (local.get 0) (local.get 1))) (f64.neg (local.get $t))", ZERO, ZERO, NEGATIVE),
    // Around a loop the exact value comes back.
    ("(loop (result f64) (local.get $t) (local.set $t (local.get 0)) (local.set $u (f64.add (local.get $u) (f64.const 1)))
       (drop) (br_if 0 (f64.lt (local.get $u) (f64.const 2))) (local.get $t))", S, 0, S),
    // Labels, with the arithmetic value below others.
    ("(block (result f64) (br 0 (f64.div (local.get 0) (local.get 1))))", ZERO, ZERO, CANONICAL),
    ("(block (result f64) (f64.div (local.get 0) (local.get 1)) (br_if 0 (i32.const 1)))", ZERO, ZERO, CANONICAL),
    ("(block (result f64) (f64.div (local.get 0) (local.get 1)) (br_table 0 0 (i32.const 5)))", ZERO, ZERO, CANONICAL),
    ("(block (result f64 i32) (f64.div (local.get 0) (local.get 1)) (i32.const 9) (br_if 0 (i32.const 1))) (drop)", ZERO, ZERO, CANONICAL),
    ("(block (result f64 f64 i32) (f64.div (local.get 0) (local.get 1)) (f64.const 8) (i32.const 9)) (drop) (drop)", ZERO, ZERO, CANONICAL),
    ("(f64.div (local.get 0) (local.get 1)) (local.get 1) (i32.const 1) (if (param f64 f64) (result f64) (then (drop)) (else (f64.add)))", ZERO, ZERO, CANONICAL),
    ("(f64.div (local.get 0) (local.get 1)) (local.get 1) (i32.const 0) (if (param f64 f64) (result f64 f64) (then)) (drop)", ZERO, ZERO, CANONICAL),
    ("(f64.div (local.get 0) (local.get 1)) (loop (param f64) (result f64) (f64.neg))", ZERO, ZERO, NEGATIVE),
    ("(if (result f64) (i32.const 1) (then (f64.sqrt (local.get 1))) (else (local.get 0)))", S, MINUS_ONE, CANONICAL),
    ("(if (result f64) (i32.const 0) (then (f64.sqrt (local.get 1))) (else (local.get 0)))", S, MINUS_ONE, S),
    ("(return (f64.div (local.get 0) (local.get 1)))", ZERO, ZERO, CANONICAL),
    ("(br 0 (f64.div (local.get 0) (local.get 1)))", ZERO, ZERO, CANONICAL),
    // A value that stays below a block keeps its class.
    ("(f64.div (local.get 0) (local.get 1)) (block (br_if 0 (i32.const 0))) (f64.neg)", ZERO, ZERO, NEGATIVE),
    ("(local.get 0) (block (br_if 0 (i32.const 0)))", S, 0, S),
];

#[test]
fn f64_bits_are_the_machines() {
    for (body, a, b, expected) in CASES {
        let program = prepare(&format!(
            r#"(memory 1) (global $g (mut f64) (f64.const 0)) (table 2 funcref) (elem (i32.const 0) $left $left)
               (func $same (param f64) (result f64) (local.get 0))
               (func $left (param f64 f64) (result f64) (local.get 0))
               (func $quotient (param f64 f64) (result f64) (f64.div (local.get 0) (local.get 1)))
               (func (export "f") (param f64 f64) (result f64) (local $t f64) (local $u f64) {body})
               (func (export "entry"))"#
        ));
        let words = invoke(&program, "f", &[*a, *b]);
        assert_eq!(words, [*expected], "{body} of {a:#x}, {b:#x}: {:#x}, not {expected:#x}", words[0]);
    }
}

/// The same functions over f32, whose bits are the upper half of these numbers with the exponent narrowed.
#[test]
fn f32_bits_are_the_machines() {
    const S32: u64 = 0xff80_0001;
    const CANONICAL32: u64 = 0x7fc0_0000;
    const NEGATIVE32: u64 = 0xffc0_0000;
    let cases: &[(&str, u64, u64, u64)] = &[
        ("(local.get 0)", S32, 0, S32),
        ("(f32.store (i32.const 0) (local.get 0)) (f32.load (i32.const 0))", S32, 0, S32),
        ("(f32.neg (local.get 0))", S32, 0, S32 ^ (1 << 31)),
        ("(f32.div (local.get 0) (local.get 1))", 0, 0, CANONICAL32),
        ("(f32.add (local.get 0) (local.get 1))", S32, 0, CANONICAL32),
        ("(f32.neg (f32.div (local.get 0) (local.get 1)))", 0, 0, NEGATIVE32),
        ("(f32.abs (f32.div (local.get 0) (local.get 1)))", 0, 0, CANONICAL32),
        ("(f32.copysign (f32.const 1) (f32.div (local.get 0) (local.get 1)))", 0, 0, 0x3f80_0000),
        ("(f32.demote_f64 (f64.promote_f32 (local.get 0)))", S32, 0, CANONICAL32),
        ("(f32.reinterpret_i32 (i32.reinterpret_f32 (f32.sqrt (local.get 0))))", 0xbf80_0000, 0, CANONICAL32),
        ("(select (f32.sqrt (local.get 0)) (local.get 1) (i32.const 1))", 0xbf80_0000, S32, CANONICAL32),
        ("(select (f32.sqrt (local.get 0)) (local.get 1) (i32.const 0))", 0xbf80_0000, S32, S32),
        ("(f32.const -nan:0x200001)", 0, 0, 0xffa0_0001),
        ("(local.set 0 (f32.nearest (local.get 0))) (f32.neg (local.get 0))", S32, 0, NEGATIVE32),
    ];
    for (body, a, b, expected) in cases {
        let program = prepare(&format!(
            r#"(memory 1) (func (export "f") (param f32 f32) (result f32) {body}) (func (export "entry"))"#
        ));
        let words = invoke(&program, "f", &[*a, *b]);
        assert_eq!(words, [*expected], "{body} of {a:#x}, {b:#x}: {:#x}, not {expected:#x}", words[0]);
    }
}

/// A chain of copies against the direction of the walk, longer than the trials that find the classes of locals.
#[test]
fn long_chains_of_locals_keep_their_bits() {
    let locals = "(local f64)".repeat(40);
    let copies: String = (2..41).map(|local| format!("(local.set {local} (local.get {}))", local + 1)).collect();
    let body = format!(
        "{locals} (local $i i32)
         (loop {copies} (local.set 41 (select (local.get 0) (f64.sqrt (local.get 1)) (local.get $i)))
               (local.set $i (i32.add (local.get $i) (i32.const 1)))
               (br_if 0 (i32.lt_u (local.get $i) (i32.const 60))))
         (local.get 2)"
    );
    let program =
        prepare(&format!(r#"(func (export "f") (param f64 f64) (result f64) {body}) (func (export "entry"))"#));
    assert_eq!(invoke(&program, "f", &[S, MINUS_ONE]), [S]);
}

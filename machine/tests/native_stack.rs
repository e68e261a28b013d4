//! Long runs need no native stack: a handler jumps to the next one.
//!
//! That is the compiler's doing, and a value that is returned through a handler's frame undoes it. So every instruction that
//! lowering emits runs here often enough to overflow a small stack. It tells in optimised builds without debug assertions:
//! tests here, by `Cargo.toml`, and releases, of which `.ci/run` asks it too.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::sync::Arc;

use assay_machine::program::{Limits, Program};

const STACK_BYTES: usize = 128 << 10;
/// At the least that a call takes, return address and a saved register, these overflow the stack several times over.
const ROUNDS: u32 = 30_000;

const INTEGERS: [&str; 15] = [
    "add", "sub", "mul", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr", "div_u", "rem_u", "div_s",
    "rem_s",
];
const INTEGER_TESTS: [&str; 10] = ["eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"];
const FLOATS: [&str; 7] = ["add", "sub", "mul", "div", "min", "max", "copysign"];
const FLOAT_TESTS: [&str; 6] = ["eq", "ne", "lt", "gt", "le", "ge"];
const FLOAT_UNARY: [&str; 7] = ["abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt"];
const CONVERSIONS: [(&str, &str); 33] = [
    ("i32.wrap_i64", "i64"),
    ("i64.extend_i32_s", "i32"),
    ("i64.extend_i32_u", "i32"),
    ("i32.extend8_s", "i32"),
    ("i32.extend16_s", "i32"),
    ("i64.extend8_s", "i64"),
    ("i64.extend16_s", "i64"),
    ("i64.extend32_s", "i64"),
    ("i32.trunc_f64_s", "f64"),
    ("i32.trunc_f64_u", "f64"),
    ("i64.trunc_f64_s", "f64"),
    ("i64.trunc_f64_u", "f64"),
    ("i32.trunc_f32_s", "f32"),
    ("i32.trunc_f32_u", "f32"),
    ("i64.trunc_f32_s", "f32"),
    ("i64.trunc_f32_u", "f32"),
    ("i32.trunc_sat_f64_s", "f64"),
    ("i64.trunc_sat_f64_u", "f64"),
    ("i32.trunc_sat_f32_u", "f32"),
    ("i64.trunc_sat_f32_s", "f32"),
    ("f32.convert_i32_s", "i32"),
    ("f32.convert_i32_u", "i32"),
    ("f32.convert_i64_s", "i64"),
    ("f32.convert_i64_u", "i64"),
    ("f64.convert_i32_s", "i32"),
    ("f64.convert_i32_u", "i32"),
    ("f64.convert_i64_s", "i64"),
    ("f64.convert_i64_u", "i64"),
    ("f32.demote_f64", "f64"),
    ("f64.promote_f32", "f32"),
    ("i32.reinterpret_f32", "f32"),
    ("i64.reinterpret_f64", "f64"),
    ("f64.reinterpret_i64", "i64"),
];
const RARE: [&str; 20] = [
    "(drop (memory.size))",
    "(drop (memory.grow (i32.const 0)))",
    "(memory.fill (i32.const 100) (i32.const 7) (local.get $small))",
    "(memory.copy (i32.const 300) (i32.const 100) (local.get $small))",
    "(memory.init $data (i32.const 500) (i32.const 0) (i32.const 3))",
    "(data.drop $dropped)",
    "(elem.drop $dropped)",
    "(drop (table.size 0))",
    "(drop (table.grow 0 (ref.null func) (i32.const 0)))",
    "(table.set 0 (i32.const 1) (table.get 0 (i32.const 0)))",
    "(table.fill 0 (i32.const 1) (ref.func $one) (i32.const 2))",
    "(table.copy 0 0 (i32.const 1) (i32.const 0) (i32.const 2))",
    "(table.init 0 $elements (i32.const 2) (i32.const 0) (i32.const 1))",
    "(drop (ref.is_null (table.get 0 (i32.const 1))))",
    "(drop (call_indirect (type $one) (i32.const 0)))",
    "(drop (call $one))",
    "(global.set $global (i64.add (global.get $global) (i64.const 1)))",
    "(drop (call $input_read (i32.const 600) (i64.const 0) (i32.const 5)))",
    "(drop (call $input_size))",
    "(call $output_write (i32.const 600) (i32.const 1))",
];

/// A loop over every instruction.
fn program() -> String {
    let mut body = String::new();
    for (ty, tests) in
        [("i32", &INTEGER_TESTS[..]), ("i64", &INTEGER_TESTS), ("f32", &FLOAT_TESTS), ("f64", &FLOAT_TESTS)]
    {
        let both: &[&str] = if ty.starts_with('i') { &INTEGERS } else { &FLOATS };
        for name in both.iter().chain(tests) {
            writeln!(body, "(drop ({ty}.{name} (local.get ${ty}) (local.get ${ty})))").unwrap();
        }
        let one: &[&str] = if ty.starts_with('i') { &["clz", "ctz", "popcnt", "eqz"] } else { &FLOAT_UNARY };
        for name in one {
            writeln!(body, "(drop ({ty}.{name} (local.get ${ty})))").unwrap();
        }
        writeln!(body, "({ty}.store (i32.const 8) (local.get ${ty}))").unwrap();
        writeln!(body, "(drop ({ty}.load (i32.const 8)))").unwrap();
        writeln!(body, "(local.set ${ty} (select (local.get ${ty}) ({ty}.const 9) (i32.const 1)))").unwrap();
    }
    for (name, from) in CONVERSIONS {
        writeln!(body, "(drop ({name} (local.get ${from})))").unwrap();
    }
    for rare in RARE {
        writeln!(body, "{rare}").unwrap();
    }
    format!(
        r#"(module
          (type $one (func (result i32)))
          (import "assay" "input_size" (func $input_size (result i64)))
          (import "assay" "input_read" (func $input_read (param i32 i64 i32) (result i32)))
          (import "assay" "output_write" (func $output_write (param i32 i32)))
          (memory 1) (table 4 funcref) (global $global (mut i64) (i64.const 0))
          (elem (i32.const 0) $one) (elem $elements func $one) (elem $dropped func $one)
          (data $data "abc") (data $dropped "d")
          (func $one (type $one) (i32.const 1))
          (func (export "_start")
            (local $round i32) (local $small i32) (local $i32 i32) (local $i64 i64) (local $f32 f32) (local $f64 f64)
            (local.set $i32 (i32.const 3)) (local.set $i64 (i64.const 5))
            (local.set $f32 (f32.const 1.5)) (local.set $f64 (f64.const 2.5))
            (loop $l
              (local.set $small (i32.and (local.get $round) (i32.const 63)))
              {body}
              (block $a (block $b (br_table $a $b (i32.and (local.get $round) (i32.const 1)))))
              (br_if $l (i32.lt_u (local.tee $round (i32.add (local.get $round) (i32.const 1))) (i32.const {ROUNDS}))))))"#
    )
}

#[test]
fn no_instruction_grows_the_native_stack() {
    let program = Program::from_wasm(&wat::parse_str(program()).unwrap()).unwrap();
    let limits = Limits { fuel: 1 << 40, output_bytes: 1 << 20 };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
        let mut run = program.boot(Arc::new(b"input".to_vec()), limits).unwrap();
        run.run();
        (run.record().status, run.record().pc_or_code, run.steps())
    });
    let (status, code, steps) = thread.unwrap().join().unwrap();
    assert_eq!((status, code), (1, 0));
    assert!(steps > 200 * u64::from(ROUNDS), "{steps} steps");
}

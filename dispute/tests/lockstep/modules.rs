//! Modules by hand for the instructions that are not numeric: control, tables, bulk moves, input and output, every ending.

/// By name. Each runs on an input of 2500 bytes.
pub const ALL: &[(&str, &str)] = &[
    ("recursion", RECURSION),
    ("branches", BRANCHES),
    ("many locals", MANY_LOCALS),
    ("streams and bulk moves", STREAMS),
    ("tables", TABLES),
    ("globals, growth and segments", GLOBALS),
    ("an unreachable end", "(module (func (export \"_start\") unreachable))"),
    ("endless recursion", "(module (func $f (local i64 i64) (call $f)) (func (export \"_start\") (call $f)))"),
];

const RECURSION: &str = r#"(module
  (import "assay" "exit" (func $exit (param i32)))
  (func $fib (param i32) (result i32)
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                     (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func (export "_start") (call $exit (call $fib (i32.const 11)))))"#;

const BRANCHES: &str = r#"(module
  (memory 1)
  (func $early (param i32) (result i64) (local i64 f64 i64 i64 i64 i64)
    (if (i32.eqz (local.get 0)) (then (return (i64.const 5))))
    (local.set 1 (select (local.get 3) (i64.const 9) (i32.and (local.get 0) (i32.const 1))))
    (local.get 1))
  (func (export "_start") (local $i i32) (local $x i64) (local $y i64)
    (loop $l
      (block $a (block $b (block $c
        (br_table $a $b $c $b (i32.and (local.get $i) (i32.const 7))))
        (local.set $x (i64.add (local.get $x) (i64.const 0x123456789))))
        (local.set $y (i64.xor (local.get $x) (call $early (local.get $i)))))
      (local.set $x (select (local.get $y) (local.get $x) (i64.lt_s (local.get $x) (local.get $y))))
      (i64.store (i32.shl (local.get $i) (i32.const 3)) (local.get $x))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 300))))))"#;

/// More locals than one instruction clears.
const MANY_LOCALS: &str = r#"(module
  (memory 1)
  (func $many (param i64) (result i64)
    (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (local.set 1 (local.get 0)) (local.set 33 (local.get 0)) (local.set 65 (local.get 0))
    (i64.add (i64.add (local.get 1) (local.get 33)) (i64.add (local.get 65) (local.get 75))))
  (func (export "_start")
    (i64.store (i32.const 0) (call $many (call $many (i64.const 3))))))"#;

const STREAMS: &str = r#"(module
  (import "assay" "input_size" (func $input_size (result i64)))
  (import "assay" "input_read" (func $input_read (param i32 i64 i32) (result i32)))
  (import "assay" "output_write" (func $output_write (param i32 i32)))
  (memory 2 5)
  (func (export "_start") (local i32)
    (i64.store (i32.const 65533) (call $input_size))
    (local.set 0 (call $input_read (i32.const 1000) (i64.const 3) (i32.const 3000)))
    (memory.copy (i32.const 1500) (i32.const 1000) (local.get 0))
    (memory.copy (i32.const 900) (i32.const 1500) (i32.const 2999))
    (memory.fill (i32.const 4000) (i32.const 0x1ab) (i32.const 777))
    (memory.fill (i32.const 131071) (i32.const 1) (i32.const 1))
    (memory.copy (i32.const 131072) (i32.const 131072) (i32.const 0))
    (call $output_write (i32.const 1021) (i32.const 3333))
    (call $output_write (i32.const 131072) (i32.const 0))
    (call $output_write (i32.const 4090) (i32.const 100))
    (call $output_write (i32.const 131000) (i32.const 73))))"#;

const TABLES: &str = r#"(module
  (import "assay" "exit" (func $exit (param i32)))
  (type $t (func (param i32 i32) (result i32)))
  (table $a 4 20 funcref) (table $b 8 funcref)
  (elem (table $a) (i32.const 1) func $add $sub)
  (elem $p func $sub $add $sub $add $sub)
  (func $add (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func $sub (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1)))
  (func (export "_start")
    (table.init $b $p (i32.const 2) (i32.const 1) (i32.const 4))
    (table.copy $a $b (i32.const 0) (i32.const 2) (i32.const 3))
    (table.copy $b $b (i32.const 3) (i32.const 2) (i32.const 4))
    (drop (table.grow $a (ref.func $add) (i32.const 9)))
    (drop (table.grow $a (ref.null func) (i32.const 99)))
    (elem.drop $p)
    (table.fill $b (i32.const 0) (table.get $a (i32.const 12)) (i32.const 2))
    (table.set $b (i32.const 7) (ref.func $sub))
    (call $exit (i32.add
      (call_indirect $a (type $t) (i32.const 30) (i32.const 4) (i32.const 12))
      (i32.add (call_indirect $b (type $t) (i32.const 30) (i32.const 4) (i32.const 7))
        (i32.mul (i32.const 100)
          (i32.add (table.size $a) (ref.is_null (table.get $a (i32.const 3))))))))))"#;

const GLOBALS: &str = r#"(module
  (memory 1 3)
  (global $g (mut i64) (i64.const -7))
  (global $f (mut f32) (f32.const nan:0x200001))
  (data $d "\01\02\03\04\05\06\07\08\09\0a\0b\0c\0d\0e\0f\10\11\12\13\14\15\16\17\18\19\1a\1b\1c\1d\1e\1f\20\21\22\23\24")
  (func (export "_start") (local $i i32)
    (memory.init $d (i32.const 65500) (i32.const 0) (i32.const 36))
    (memory.init $d (i32.const 1009) (i32.const 3) (i32.const 33))
    (data.drop $d)
    (i32.store (i32.const 0) (memory.grow (i32.const 1)))
    (i32.store (i32.const 4) (memory.grow (i32.const 2)))
    (i32.store (i32.const 8) (memory.size))
    (f32.store (i32.const 131059) (f32.add (global.get $f) (f32.const 1)))
    (loop $l
      (global.set $g (i64.mul (global.get $g) (i64.const 6364136223846793005)))
      (i64.store (i32.const 131064) (global.get $g))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 200))))
    (drop (i32.load (i32.const 131070)))))"#;

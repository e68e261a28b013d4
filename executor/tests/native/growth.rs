//! Growth of memory and tables: maxima are the program's, never the host's.

use super::*;

#[test]
fn memory_grows_to_its_maximum() {
    let program = prepare(
        r#"(memory 1 3)
           (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
           (func (export "twice") (param i32) (result i32 i32 i32)
             (memory.grow (local.get 0)) (memory.grow (local.get 0)) (memory.size))
           (func (export "entry"))"#,
    );
    let none = u64::from(u32::MAX);
    assert_eq!(invoke(&program, "grow", &[0]), [1]);
    assert_eq!(invoke(&program, "grow", &[2]), [1]);
    for pages in [3, 4, 65535, 65536, 65537, 0x7fff_ffff, 0xffff_ffff] {
        assert_eq!(invoke(&program, "grow", &[pages]), [none], "{pages}");
    }
    assert_eq!(invoke(&program, "twice", &[1]), [1, 2, 3]);
    assert_eq!(invoke(&program, "twice", &[2]), [1, none, 3]);
}

#[test]
fn memory_without_a_maximum_grows_to_4_gib() {
    let program = prepare(
        r#"(memory 0)
           (func (export "grow") (param i32) (result i32 i32 i32)
             (memory.grow (local.get 0)) (memory.grow (i32.const 1)) (memory.size))
           (func (export "last") (result i64)
             (drop (memory.grow (i32.const 65536)))
             (i64.store (i32.const -8) (i64.const 77)) (i64.load (i32.const -8)))
           (func (export "entry") (drop (memory.grow (i32.const 65536))) (drop (i32.load (i32.const -3))))"#,
    );
    let none = u64::from(u32::MAX);
    assert_eq!(invoke(&program, "grow", &[65536]), [0, none, 65536]);
    assert_eq!(invoke(&program, "grow", &[65537]), [none, 0, 1]);
    assert_eq!(invoke(&program, "last", &[]), [77]);
    let outcome = run(&program, &[], AMPLE).outcome;
    assert_eq!((outcome.status, outcome.code), (Status::Trap, TrapCode::MemoryOutOfBounds as u32));
}

#[test]
fn tables_grow_to_their_maximum() {
    let program = prepare(
        r#"(table $small 1 3 funcref) (table $large 0 funcref)
           (func (export "small") (param i32) (result i32 i32)
             (table.grow $small (ref.null func) (local.get 0)) (table.size $small))
           (func (export "large") (param i32) (result i32 i32)
             (table.grow $large (ref.null func) (local.get 0)) (table.size $large))
           (func (export "entry"))"#,
    );
    let none = u64::from(u32::MAX);
    assert_eq!(invoke(&program, "small", &[2]), [1, 3]);
    assert_eq!(invoke(&program, "small", &[0]), [1, 1]);
    assert_eq!(invoke(&program, "small", &[3]), [none, 1]);
    assert_eq!(invoke(&program, "small", &[0xffff_ffff]), [none, 1]);
    assert_eq!(invoke(&program, "large", &[1 << 20]), [0, 1 << 20]);
    assert_eq!(invoke(&program, "large", &[(1 << 20) + 1]), [none, 0]);
}

#[test]
fn growth_is_charged() {
    // enter, two constants, charge, table.grow, table.fill, return; 2 + 9/2.
    let program = prepare(
        r#"(table 0 funcref) (func (export "entry") (drop (table.grow (ref.null func) (i32.const 9))) (unreachable))"#,
    );
    assert_eq!(run(&program, &[], AMPLE).outcome, trap(TrapCode::Unreachable, 7 + 2 + 4));
}

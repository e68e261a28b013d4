//! Calls, frames, control flow with values, and sessions.

use super::*;

#[test]
fn the_stack_overflows_at_its_last_slot() {
    // A frame: parameter, link, and from there the callee's: argument and link. So four slots, and two a call; "down"
    // has the same. Its callee's fp is 2, and with n levels below that the last frame ends at 2 + 2n + 4.
    let program = prepare(
        r#"(func $down (param i32)
             (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1))))))
           (func (export "down") (param i32) (call $down (local.get 0)))
           (func (export "entry"))"#,
    );
    let deepest = ((1 << 18) - 2 - 4) / 2;
    for metering in BOTH {
        let mut session = program.session(&[][..], 0, metering).unwrap();
        let returned = session.invoke("down", &[deepest], 1 << 40).unwrap();
        assert!(matches!(returned, Invocation::Returned { .. }), "{returned:?}");
        let ended = session.invoke("down", &[deepest + 1], 1 << 40).unwrap();
        let Invocation::Ended { status: Status::Trap, code, fuel_used: Some(_) } = ended else { panic!("{ended:?}") };
        assert_eq!(code, TrapCode::StackOverflow as u32);
    }
}

#[test]
fn endless_recursion_overflows_or_exhausts() {
    // enter, call, [behind the call: fuel, return]: two a level, and a level is the link's slot.
    let program = prepare(r#"(func $f (export "entry") (call $f))"#);
    let outcome = run(&program, &[], AMPLE).outcome;
    // Frame: link and the callee's link. The last frame that fits has fp + 2 = 2^18; the next is charged, then traps.
    let levels = (1 << 18) - 1;
    assert_eq!(outcome, trap(TrapCode::StackOverflow, 2 * (levels + 1)));
    assert_eq!(run(&program, &[], Limits { fuel: 1000, ..AMPLE }).outcome, out_of_fuel(1000));
}

#[test]
fn fuel_survives_calls_and_indirect_calls() {
    // Five calls through each of two tables entries, of the same structural type under two indices.
    let program = prepare(
        r#"(type $a (func (param i64 i32) (result i32 i64)))
           (type $b (func (param i64 i32) (result i32 i64)))
           (table 2 funcref) (elem (i32.const 0) $swap $twice)
           (func $swap (type $a) (local.get 1) (local.get 0))
           (func $twice (type $b) (i32.mul (local.get 1) (i32.const 2)) (i64.mul (local.get 0) (i64.const 2)))
           (func (export "both") (param i64 i32 i32) (result i64 i32)
             (local $i i32)
             (call_indirect (type $b) (local.get 0) (local.get 1) (local.get 2))
             (local.set 0) (local.set 1) (local.get 0) (local.get 1))
           (func (export "entry"))"#,
    );
    assert_eq!(invoke(&program, "both", &[5, 7, 0]), [5, 7]);
    assert_eq!(invoke(&program, "both", &[5, 7, 1]), [10, 14]);
    let fuel = BOTH.map(|metering| {
        let mut session = program.session(&[][..], 0, metering).unwrap();
        session.invoke("both", &[5, 7, 1], 1 << 40).unwrap()
    });
    assert_eq!(fuel[0], fuel[1]);
}

#[test]
fn values_cross_labels() {
    let program = prepare(
        r#"(func (export "table") (param i32) (result i32)
             (block $two (result i32) (block $one (result i32) (block $zero (result i32)
               (br_table $zero $one $two (i32.const 10) (local.get 0)))
               (i32.add (i32.const 1)) (br $one))
             (i32.add (i32.const 100)) (return))
             (i32.add (i32.const 1000)))
           (func (export "count") (param i32) (result i32 i32)
             (local.get 0) (i32.const 0)
             (loop (param i32 i32) (result i32 i32)
               (i32.add (i32.const 3)) (local.set 0)
               (i32.sub (i32.const 1)) (local.get 0)
               (block (param i32 i32) (result i32 i32 i32) (local.set 0) (local.tee 0) (local.get 0) (local.get 0))
               (drop) (br_if 0 (local.get 0) (i32.const 0) (i32.ne))))
           (func (export "early") (param i32) (result i32 i64)
             (i32.const 1) (i64.const 2) (br_if 0 (local.get 0))
             (drop) (drop) (i32.const 3) (i64.const 4) (return) (unreachable) (block (drop)))
           (func (export "dead") (param i32) (result i32)
             (block (br 0) (loop (br 0)) (if (i32.const 0) (then (unreachable)) (else (nop))))
             (if (result i32) (local.get 0) (then (loop (br 1 (i32.const 5))) (i32.const 6)) (else (return (i32.const 7)))))
           (func (export "entry"))"#,
    );
    for (argument, expected) in [(0, 111), (1, 110), (2, 1010), (9, 1010)] {
        assert_eq!(invoke(&program, "table", &[argument]), [expected]);
    }
    assert_eq!(invoke(&program, "early", &[1]), [1, 2]);
    assert_eq!(invoke(&program, "early", &[0]), [3, 4]);
    assert_eq!(invoke(&program, "dead", &[0]), [7]);
    assert_eq!(invoke(&program, "dead", &[1]), [5]);
}

#[test]
fn state_stays_between_calls() {
    let program = prepare(
        r#"(memory 1) (global $g (export "g") (mut i64) (i64.const 5))
           (func (export "bump") (param i64) (result i64)
             (global.set $g (i64.add (global.get $g) (local.get 0)))
             (i64.store (i32.const 0) (global.get $g)) (global.get $g))
           (func (export "fail") (i32.store8 (i32.const 9) (i32.const 1)) (unreachable))
           (func (export "null") (param funcref) (result i32 funcref) (ref.is_null (local.get 0)) (local.get 0))
           (func (export "entry"))"#,
    );
    for metering in BOTH {
        let mut session = program.session(&[][..], 0, metering).unwrap();
        for expected in [7, 9] {
            let Invocation::Returned { words, .. } = session.invoke("bump", &[2], 100).unwrap() else { panic!() };
            assert_eq!(words, [expected]);
        }
        let ended = session.invoke("fail", &[], 100).unwrap();
        assert!(matches!(ended, Invocation::Ended { status: Status::Trap, code: 1, fuel_used: Some(5) }), "{ended:?}");
        assert_eq!(session.global("g"), Some(9));
        assert_eq!((session.memory()[0], session.memory()[9]), (9, 1));
        let Invocation::Returned { words, .. } = session.invoke("null", &[0], 100).unwrap() else { panic!() };
        assert_eq!(words, [1, 0]);
        assert!(session.invoke("bump", &[], 100).is_err());
        assert!(session.invoke("none", &[], 100).is_err());
    }
}

#[test]
fn plans_of_another_module_are_refused() {
    use assay_executor::NotAResult;
    let one = module(r#"(func (export "entry") (call $exit (i32.const 0)))"#);
    let other = lower(&module(r#"(func (export "entry") (nop) (nop) (nop) (nop) (loop (br 0)))"#)).unwrap();
    let refused = engine().prepare(&one, &other, B256::ZERO);
    assert!(matches!(refused, Err(NotAResult::Instrument(_))));
}

#[test]
fn recursion_without_a_check_is_bounded() {
    use assay_executor::NotAResult;
    // A level is one slot and 2 * 9000 instructions: the far mark of 2^32 comes before the end of the stack.
    let body = "(drop (i32.eqz (memory.size)))".repeat(9000);
    let program = prepare(&format!(r#"(memory 0) (func $f {body} (call $f)) (func (export "entry") (call $f))"#));
    assert!(matches!(program.run(&[][..], AMPLE), Err(NotAResult::Unmetered)));
    assert!(matches!(program.run_exact(&[][..], AMPLE), Err(NotAResult::Unmetered)));
    assert_eq!(run(&program, &[], Limits { fuel: 1000, ..AMPLE }).outcome, out_of_fuel(1000));
}

#[test]
fn what_is_too_large_to_compile_is_not_a_result() {
    use assay_executor::NotAResult;
    // A body within the machine's limit, with more basic blocks than are compiled in good time.
    let module = module(&format!(r#"(func (export "entry") {})"#, "(loop)".repeat(340_000)));
    let refused = engine().prepare(&module, &lower(&module).unwrap(), B256::ZERO);
    assert!(matches!(refused, Err(NotAResult::TooLarge(_))));
}

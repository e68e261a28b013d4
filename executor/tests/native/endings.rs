//! Exit, every trap and exhaustion: status, code, fuel and output.
//!
//! Fuel by hand: a function's first block costs `enter`, its instructions and, if it ends there, `return`.

use super::*;

#[test]
fn exit_keeps_code_and_output() {
    // enter, two constants, charge, output.write, constant, exit, return; 2 + 3/16 for three bytes.
    let program = prepare(
        r#"(memory 1) (data (i32.const 8) "abc")
           (func (export "entry") (call $output_write (i32.const 8) (i32.const 3)) (call $exit (i32.const 0xfffffffe)))"#,
    );
    let run = run(&program, &[], AMPLE);
    assert_eq!(run, Run { outcome: exit(0xffff_fffe, 8 + 2), output: b"abc".to_vec() });
}

#[test]
fn traps_have_codes_and_fuel() {
    use TrapCode as T;
    // (body, code, fuel): the fuel is that of the block that traps, charged when it was entered.
    let cases: &[(&str, T, u64)] = &[
        // enter, trap.
        ("unreachable", T::Unreachable, 2),
        // enter, constant, load, [the rest is dead to the machine but not to lowering: constant, exit,] return.
        ("(drop (i32.load (i32.const 65533)))", T::MemoryOutOfBounds, 4),
        ("(drop (i32.load8_u offset=4294967295 (i32.const -1)))", T::MemoryOutOfBounds, 4),
        // enter, two constants, store, return.
        ("(i64.store (i32.const 65529) (i64.const 1))", T::MemoryOutOfBounds, 5),
        // enter, two constants (the divisor is an immediate), division, return.
        ("(drop (i32.div_s (i32.const 1) (i32.const 0)))", T::DivisionByZero, 4),
        ("(drop (i64.rem_u (i64.const 1) (i64.const 0)))", T::DivisionByZero, 4),
        ("(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))", T::IntegerOverflow, 4),
        ("(drop (i32.trunc_f64_s (f64.const 2147483648)))", T::IntegerOverflow, 4),
        ("(drop (i64.trunc_f32_u (f32.const nan)))", T::InvalidConversion, 4),
        // enter, three constants, charge, memory.copy, return; 2 + 32/16.
        ("(memory.copy (i32.const 0) (i32.const 65505) (i32.const 32))", T::MemoryOutOfBounds, 7 + 4),
        ("(memory.fill (i32.const 65536) (i32.const 0) (i32.const 1))", T::MemoryOutOfBounds, 7 + 2),
        // enter, two constants, charge, output.write, return; 2 + 65536/16.
        ("(call $output_write (i32.const 1) (i32.const 65536))", T::MemoryOutOfBounds, 6 + 2 + 4096),
        ("(call $output_write (i32.const 0) (i32.const 17))", T::OutputLimit, 6 + 2 + 1),
        // enter, three constants, charge, input.begin, input.copy, copy, return.
        ("(drop (call $input_read (i32.const 65536) (i64.const 0) (i32.const 1)))", T::MemoryOutOfBounds, 9 + 2),
    ];
    for (body, code, fuel_used) in cases {
        let run = run(&program(body), b"input", Limits { output_bytes: 16, ..AMPLE });
        assert_eq!(run, Run { outcome: trap(*code, *fuel_used), output: Vec::new() }, "{body}");
    }
}

#[test]
fn table_traps() {
    use TrapCode as T;
    let cases: &[(&str, T)] = &[
        ("(call_indirect (i32.const 2))", T::TableOutOfBounds),
        ("(call_indirect (i32.const 1))", T::IndirectCallToNull),
        ("(call_indirect (param i32) (i32.const 1) (i32.const 0))", T::BadSignature),
        ("(drop (table.get 0 (i32.const 2)))", T::TableOutOfBounds),
        ("(table.set 0 (i32.const -1) (ref.null func))", T::TableOutOfBounds),
        ("(table.fill 0 (i32.const 1) (ref.null func) (i32.const 2))", T::TableOutOfBounds),
        ("(table.copy (i32.const 0) (i32.const 1) (i32.const 2))", T::TableOutOfBounds),
        ("(table.init $passive (i32.const 0) (i32.const 1) (i32.const 1))", T::TableOutOfBounds),
        ("(elem.drop $passive) (table.init $passive (i32.const 0) (i32.const 0) (i32.const 1))", T::TableOutOfBounds),
        ("(data.drop $bytes) (memory.init $bytes (i32.const 0) (i32.const 0) (i32.const 1))", T::MemoryOutOfBounds),
    ];
    for (body, code) in cases {
        let program = prepare(&format!(
            r#"(memory 1) (table 2 funcref) (elem (i32.const 0) $nothing) (elem $passive func $nothing)
               (data $bytes "x") (func $nothing)
               (func (export "entry") {body})"#
        ));
        let outcome = run(&program, &[], AMPLE).outcome;
        assert_eq!((outcome.status, outcome.code), (Status::Trap, *code as u32), "{body}");
    }
}

#[test]
fn a_trap_keeps_the_output_before_it() {
    let body = "(call $output_write (i32.const 0) (i32.const 2)) (drop (i32.load (i32.const -1)))";
    assert_eq!(run(&program(body), &[], AMPLE).output, [0, 0]);
    let body = "(call $output_write (i32.const 0) (i32.const 2)) (call $output_write (i32.const 0) (i32.const 15))";
    let run = run(&program(body), &[], Limits { output_bytes: 16, ..AMPLE });
    assert_eq!((run.outcome.code, run.output), (TrapCode::OutputLimit as u32, vec![0, 0]));
}

/// A loop of 1000 rounds. Entry block: enter, constant to the local. Each round: `fuel`, which the first round
/// executes and all pay, a subtraction and the branch. Behind it: constant, exit, return.
const LOOP: &str = "(local $i i32) (local.set $i (i32.const 1000))
    (loop (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
    (call $exit (i32.const 3))";
const LOOP_FUEL: u64 = 2 + 1000 * 3 + 3;

#[test]
fn fuel_exactly_enough_and_one_short() {
    let program = program(LOOP);
    let run = |fuel| run(&program, &[], Limits { fuel, ..AMPLE });
    assert_eq!(run(LOOP_FUEL).outcome, exit(3, LOOP_FUEL));
    assert_eq!(run(LOOP_FUEL + 1).outcome, exit(3, LOOP_FUEL));
    for fuel in [0, 1, 2, 4, 5, 1000, LOOP_FUEL - 3, LOOP_FUEL - 1] {
        assert_eq!(run(fuel), Run { outcome: out_of_fuel(fuel), output: Vec::new() });
    }
}

#[test]
fn exhaustion_takes_precedence_and_drops_the_output() {
    // 8 and 2 as in `exit_keeps_code_and_output`.
    let write = "(call $output_write (i32.const 0) (i32.const 3)) (call $exit (i32.const 1))";
    let run_with = |body: &str, fuel| run(&program(body), &[], Limits { fuel, ..AMPLE });
    assert_eq!(run_with(write, 10).output.len(), 3);
    assert_eq!(run_with(write, 9), Run { outcome: out_of_fuel(9), output: Vec::new() });
    // The block is not paid for, so the trap in it is never reached.
    let trap_in_block = "(drop (i32.load (i32.const -1)))";
    assert_eq!(run_with(trap_in_block, 4).outcome, trap(TrapCode::MemoryOutOfBounds, 4));
    assert_eq!(run_with(trap_in_block, 3).outcome, out_of_fuel(3));
    // The charge comes before the bounds.
    let fill = "(memory.fill (i32.const 1) (i32.const 0) (i32.const -1))";
    let charge = 7 + 2 + (u64::from(u32::MAX) >> 4);
    assert_eq!(run_with(fill, charge).outcome, trap(TrapCode::MemoryOutOfBounds, charge));
    assert_eq!(run_with(fill, charge - 1).outcome, out_of_fuel(charge - 1));
}

#[test]
fn the_largest_limit_counts() {
    let limits = Limits { fuel: u64::MAX, output_bytes: u64::MAX };
    assert_eq!(run(&program(LOOP), &[], limits).outcome, exit(3, LOOP_FUEL));
}

#[test]
fn refills_count() {
    // More rounds than one slice of fuel pays for.
    let rounds = 1 << 27;
    let body = LOOP.replace("1000", &rounds.to_string());
    let fuel = 2 + rounds * 3 + 3;
    let program = program(&body);
    assert_eq!(run(&program, &[], AMPLE).outcome, exit(3, fuel));
    assert_eq!(run(&program, &[], Limits { fuel: fuel - 1, ..AMPLE }).outcome, out_of_fuel(fuel - 1));
}

#[test]
fn a_cancelled_run_is_not_a_result() {
    use assay_executor::{NotAResult, Watch};
    let program = program("(loop (br 0))");
    let watch = Watch::default();
    watch.cancel();
    let stopped = program.run_watched(&[][..], AMPLE, &watch);
    assert!(matches!(stopped, Err(NotAResult::Stopped)));
    let stopped = program.run_watched(&[][..], AMPLE, &Watch::until(std::time::Instant::now()));
    assert!(matches!(stopped, Err(NotAResult::Stopped)));
}

#[test]
fn input_is_read_clipped() {
    // Copies the input from offset 2 on, 100 bytes at most, and writes what it got behind the count and the size.
    let body = "(local $n i32)
        (local.set $n (call $input_read (i32.const 16) (i64.const 2) (i32.const 100)))
        (i64.store (i32.const 8) (call $input_size))
        (i32.store (i32.const 12) (call $input_read (i32.const 0) (i64.const -1) (i32.const 1)))
        (call $output_write (i32.const 8) (i32.add (local.get $n) (i32.const 8)))
        (call $exit (local.get $n))";
    let program = program(body);
    let long: Vec<u8> = (0..200).collect();
    for (input, expected) in [(&b"abcde"[..], &b"cde"[..]), (b"ab", b""), (b"", b""), (&long, &long[2..102])] {
        let run = run(&program, input, AMPLE);
        assert_eq!(run.outcome.code as usize, expected.len());
        assert_eq!(run.output[..4], (input.len() as u32).to_le_bytes());
        assert_eq!(run.output[4..8], [0; 4]);
        assert_eq!(&run.output[8..], expected);
    }
}

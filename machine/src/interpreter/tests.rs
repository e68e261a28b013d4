//! The fast path against the definition, state by state: a program runs once by `step` alone, and again with stops at
//! many step counts; every state hash must be the same, and so must the number of steps.

use alloc::sync::Arc;

use assay_protocol::{Status, TrapCode};

use super::Interpreter;
use crate::program::{Limits, Program};

/// Boots a program given as WAT, its `_start` exported.
fn boot(wat: &str, input: &[u8], limits: Limits) -> Interpreter {
    let wasm = wat::parse_str(wat).expect("the test's module is valid");
    let program = Program::from_wasm(&wasm).expect("the test's module is admitted");
    program.boot(Arc::new(input.to_vec()), limits).expect("this host can hold a machine")
}

/// Runs by definition to the end; returns the state hashes at multiples of `stride` and at the end.
fn states_by_definition(mut run: Interpreter, stride: u64) -> (Vec<(u64, alloy_primitives::B256)>, Interpreter) {
    let mut states = Vec::new();
    while run.record().is_running() {
        if run.steps().is_multiple_of(stride) {
            states.push((run.steps(), run.state_hash()));
        }
        run.run_one();
    }
    states.push((run.steps(), run.state_hash()));
    (states, run)
}

/// Checks that the fast path passes through the states of the definition, and returns the halted run.
fn check(wat: &str, input: &[u8], limits: Limits) -> Interpreter {
    let (_, slow) = states_by_definition(boot(wat, input, limits), u64::MAX);
    for stride in [1, 7, 64, 1000, slow.steps().max(2) - 1] {
        if slow.steps() / stride > 20_000 {
            continue;
        }
        let (states, _) = states_by_definition(boot(wat, input, limits), stride);
        let mut fast = boot(wat, input, limits);
        for (steps, hash) in &states {
            fast.run_to(*steps);
            assert_eq!(fast.steps(), *steps, "steps at a stop, stride {stride}");
            assert_eq!(fast.state_hash(), *hash, "state at step {steps}, stride {stride}");
        }
    }
    let mut fast = boot(wat, input, limits);
    fast.run();
    assert_eq!((fast.steps(), fast.commit()), (slow.steps(), { slow }.commit()), "the end, without stops");
    fast
}

const HOST: &str = r#"
  (import "assay" "input_size" (func $input_size (result i64)))
  (import "assay" "input_read" (func $input_read (param i32 i64 i32) (result i32)))
  (import "assay" "output_write" (func $output_write (param i32 i32)))
  (import "assay" "exit" (func $exit (param i32)))
"#;

fn module(body: &str) -> String {
    format!("(module {HOST} (memory 2 5) {body})")
}

#[test]
fn recursion_and_loops_pass_through_the_same_states() {
    let wat = module(
        r#"
        (func $fib (param i32) (result i32)
          (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
            (then (local.get 0))
            (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                           (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
        (func (export "_start") (local i32 i64)
          (loop $l
            (i64.store (i32.mul (local.get 0) (i32.const 1031)) (local.get 1))
            (local.set 1 (i64.add (local.get 1) (i64.load (i32.mul (local.get 0) (i32.const 7)))))
            (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 50))))
          (call $exit (call $fib (i32.const 8))))
    "#,
    );
    let run = check(&wat, b"", Limits::default());
    assert_eq!((run.record().status, run.record().pc_or_code), (Status::Exit as u8, 21));
}

#[test]
fn input_output_and_bulk_moves_count_their_pieces() {
    let wat = module(
        r#"
        (func (export "_start") (local i32)
          (local.set 0 (call $input_read (i32.const 1000) (i64.const 3) (i32.const 3000)))
          (memory.copy (i32.const 1500) (i32.const 1000) (local.get 0))
          (memory.copy (i32.const 900) (i32.const 1500) (i32.const 2999))
          (memory.fill (i32.const 4000) (i32.const 0x1ab) (i32.const 777))
          (memory.copy (i32.const 0) (i32.const 0) (i32.const 0))
          (call $output_write (i32.const 1021) (i32.const 3333))
          (call $output_write (i32.const 5) (i32.const 0))
          (call $output_write (i32.const 4090) (i32.const 100)))
    "#,
    );
    let input: Vec<u8> = (0..2500u32).map(|i| (i * i % 251) as u8).collect();
    let run = check(&wat, &input, Limits::default());
    assert_eq!(run.record().status, Status::Exit as u8);
    let mut memory = vec![0u8; 131_072];
    memory[1000..3497].copy_from_slice(&input[3..]);
    memory.copy_within(1000..3497, 1500);
    memory.copy_within(1500..4499, 900);
    memory[4000..4777].fill(0xab);
    let mut expected = memory[1021..4354].to_vec();
    expected.extend(&memory[4090..4190]);
    let output = run.output();
    let differs = output.iter().zip(&expected).position(|(a, b)| a != b);
    assert_eq!((output.len(), differs), (expected.len(), None), "length, first difference");
}

#[test]
fn tables_and_indirect_calls_pass_through_the_same_states() {
    let wat = module(
        r#"
        (type $t (func (param i32 i32) (result i32)))
        (table $a 4 20 funcref) (table $b 8 funcref)
        (elem (table $a) (i32.const 1) func $add $sub)
        (elem $p func $sub $add $sub $add $sub)
        (func $add (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
        (func $sub (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1)))
        (func (export "_start") (local i32)
          (table.init $b $p (i32.const 2) (i32.const 1) (i32.const 4))
          (table.copy $a $b (i32.const 0) (i32.const 2) (i32.const 3))
          (table.copy $b $b (i32.const 3) (i32.const 2) (i32.const 4))
          (drop (table.grow $a (ref.func $add) (i32.const 9)))
          (drop (table.grow $a (ref.null func) (i32.const 99)))
          (elem.drop $p)
          (table.fill $b (i32.const 0) (table.get $a (i32.const 12)) (i32.const 2))
          (call $exit (i32.add
            (call_indirect $a (type $t) (i32.const 30) (i32.const 4) (i32.const 12))
            (i32.mul (i32.const 100)
              (i32.add (table.size $a) (ref.is_null (table.get $a (i32.const 3))))))))
    "#,
    );
    let run = check(&wat, b"", Limits::default());
    assert_eq!((run.record().status, run.record().pc_or_code), (Status::Exit as u8, 1434));
}

#[test]
fn every_ending_is_the_same_on_both_paths() {
    let ends = [
        ("(unreachable)", TrapCode::Unreachable),
        ("(drop (i32.load (i32.const 131069)))", TrapCode::MemoryOutOfBounds),
        ("(i64.store (i32.const -1) (i64.const 0))", TrapCode::MemoryOutOfBounds),
        ("(drop (i32.div_s (i32.const 1) (i32.const 0)))", TrapCode::DivisionByZero),
        ("(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))", TrapCode::IntegerOverflow),
        ("(drop (i32.trunc_f32_s (f32.const nan)))", TrapCode::InvalidConversion),
        ("(memory.fill (i32.const 131000) (i32.const 0) (i32.const 1000))", TrapCode::MemoryOutOfBounds),
        ("(call $output_write (i32.const 0) (i32.const 101))", TrapCode::OutputLimit),
        ("(call $f)", TrapCode::StackOverflow),
        ("(call_indirect (i32.const 7))", TrapCode::TableOutOfBounds),
        ("(call_indirect (i32.const 0))", TrapCode::IndirectCallToNull),
        ("(call_indirect (i32.const 1))", TrapCode::BadSignature),
    ];
    for (body, code) in ends {
        let wat = module(&format!(
            "(table 2 2 funcref) (elem (i32.const 1) func $input_size)
             (func $f (local i64 i64 i64) (call $f)) (func (export \"_start\") {body})"
        ));
        let run = check(&wat, b"", Limits { output_bytes: 100, ..Limits::default() });
        assert_eq!((run.record().status, run.record().pc_or_code), (Status::Trap as u8, code as u32), "{body}");
    }
}

#[test]
fn fuel_exactly_enough_and_one_short() {
    let wat = module(
        r#"(func (export "_start") (local i32)
          (loop $l (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 30))))
          (call $output_write (i32.const 0) (i32.const 50)))"#,
    );
    let run = check(&wat, b"", Limits { fuel: 10_000, ..Limits::default() });
    let used = 10_000 - run.record().fuel;
    for (fuel, status) in [(used, Status::Exit), (used - 1, Status::OutOfFuel), (0, Status::OutOfFuel)] {
        let run = check(&wat, b"", Limits { fuel, ..Limits::default() });
        assert_eq!(run.record().status, status as u8, "fuel {fuel} of {used}");
        assert_eq!((run.record().fuel, run.record().output_length), (0, if fuel == used { 50 } else { 0 }));
    }
}

#[test]
fn a_checkpoint_goes_on_as_the_run_did() {
    let wat = module(
        r#"(func (export "_start") (local i32)
          (drop (memory.grow (i32.const 2)))
          (loop $l
            (i32.store (i32.mul (local.get 0) (i32.const 4001)) (local.get 0))
            (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 40)))))"#,
    );
    let mut run = boot(&wat, b"", Limits::default());
    run.run_to(100);
    let (checkpoint, hash) = (run.checkpoint(), run.state_hash());
    run.run_to(201);
    let later = run.state_hash();
    run.run();
    let end = run.state_hash();
    run.restore(&checkpoint);
    assert_eq!((run.steps(), run.state_hash()), (100, hash));
    run.run_to(201);
    assert_eq!(run.state_hash(), later);
    run.run();
    assert_eq!(run.state_hash(), end);
}

#[test]
fn long_straight_code_passes_through_the_same_states() {
    let straight = "(local.set 0 (i32.mul (i32.add (local.get 0) (i32.const 3)) (local.get 1)))
         (i32.store offset=8 (local.get 1) (local.get 0))"
        .repeat(900);
    let wat = module(&format!(
        r#"(func (export "_start") (local i32 i32)
          (loop $l {straight}
            (br_if $l (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 4)))))"#
    ));
    let run = check(&wat, b"", Limits::default());
    assert_eq!(run.record().status, Status::Exit as u8);
}

/// What lowering makes of these stands in lines of tens of thousands; stops are exact nevertheless, and few steps before each are single.
#[test]
fn straight_code_of_every_kind_passes_through_the_same_states() {
    let lines = [
        "(loop)",
        "(br_if 0 (local.get 1))",
        "(br_if 0 (i32.lt_u (local.get 0) (i32.const 1)))",
        "(global.set $g (i32.add (global.get $g) (i32.const 3)))",
        "(local.set 0 (i32.add (memory.size) (i32.const 5)))",
        "(i32.store (i32.const 16) (i32.load (i32.const 20)))",
    ];
    for line in lines {
        let straight = line.repeat(3000);
        let wat = format!(
            r#"(module (memory 1) (global $g (mut i32) (i32.const 1))
                (func (export "_start") (local i32 i32) (local.set 0 (i32.const 9)) {straight}))"#
        );
        let run = check(&wat, b"", Limits::default());
        assert_eq!(run.record().status, Status::Exit as u8, "{line}");
        assert!(run.longest_straight() <= 1100, "{line}: {} steps in a line", run.longest_straight());
    }
}

/// A handler that calls the next one, instead of jumping to it, would use up any stack.
#[test]
fn long_runs_use_no_native_stack() {
    let wat = module(
        r#"
        (table 1 funcref) (elem (i32.const 0) $add)
        (type $t (func (param i64 i64) (result i64)))
        (func $add (param i64 i64) (result i64) (i64.add (local.get 0) (local.get 1)))
        (func (export "_start") (local i32 i64 f64 f32)
          (loop $l
            (local.set 1 (call $add (local.get 1) (i64.load (i32.and (local.get 0) (i32.const 0xfff)))))
            (local.set 1 (call_indirect (type $t) (local.get 1) (i64.const 7) (i32.const 0)))
            (i64.store16 (i32.and (local.get 0) (i32.const 0xfff)) (i64.rotl (local.get 1) (i64.const 5)))
            (local.set 2 (f64.sqrt (f64.add (local.get 2) (f64.convert_i64_u (local.get 1)))))
            (local.set 3 (f32.min (f32.demote_f64 (local.get 2)) (f32.nearest (local.get 3))))
            (local.set 1 (i64.add (local.get 1) (i64.trunc_sat_f64_s (local.get 2))))
            (local.set 1 (i64.add (local.get 1) (i64.rem_u (local.get 1) (i64.const 1000))))
            (memory.fill (i32.const 9000) (local.get 0) (i32.const 40))
            (local.set 1 (select (local.get 1) (i64.const 3) (i64.gt_s (local.get 1) (i64.const 0))))
            (block (block (block (br_table 0 1 2 (i32.and (local.get 0) (i32.const 3))))))
            (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 100000)))))
    "#,
    );
    let thread = std::thread::Builder::new().stack_size(128 << 10).spawn(move || {
        let mut run = boot(&wat, b"", Limits::default());
        run.run();
        (run.record().status, run.steps())
    });
    let (status, steps) = thread.unwrap().join().unwrap();
    assert_eq!(status, Status::Exit as u8);
    assert!(steps > 3_000_000, "{steps} steps");
}

//! What a job writes to its stderr is seen by whoever looks, and changes nothing (specs/07-host-interface.md, "stderr").
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use assay_machine::memory::FlatMemory;
use assay_machine::program::{Limits, Program};
use assay_machine::record::Record;
use assay_machine::stderr::{STDERR_BYTES_MAX, StderrLog};
use assay_protocol::Status;

const LIMITS: Limits = Limits { fuel: 1 << 30, output_bytes: 1 << 20 };

/// A program that may write, close and renumber; 16 is where vectors lie, 1000 where counts go.
fn program(body: &str) -> Program {
    let text = format!(
        r#"(module
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_renumber" (func $renumber (param i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 16) "\28\00\00\00\05\00\00\00\2d\00\00\00\03\00\00\00")
          (data (i32.const 40) "hello, you")
          (func (export "_start") {body}))"#
    );
    Program::from_wasm(&wat::parse_str(text).unwrap()).unwrap()
}

/// Runs with and without a watcher, in slices of so many steps, and compares all states that slices end in.
fn log_of(program: &Program, slice_steps: u64) -> (StderrLog, Vec<u8>) {
    let mut watched = program.boot(Arc::new(Vec::new()), LIMITS).unwrap();
    let mut alone = program.boot(Arc::new(Vec::new()), LIMITS).unwrap();
    let mut log = StderrLog::default();
    while watched.record().is_running() {
        let steps = watched.steps() + slice_steps;
        let look = |record: &Record, memory: &FlatMemory| {
            if let Some(source) = program.stderr() {
                source.read(record, memory, &mut log);
            }
        };
        watched.run_watched(steps, look).unwrap();
        alone.run_to(steps);
        assert_eq!(watched.steps(), alone.steps());
        assert_eq!(watched.state_hash(), alone.state_hash());
    }
    let code = &program.image().code;
    assert!(watched.halted_pc().is_some_and(|pc| (pc as usize) < code.len()), "the halting instruction is known");
    (log, watched.output().to_vec())
}

fn check(body: &str, stderr: &[u8], output: &[u8]) {
    let program = program(body);
    for slice_steps in [1, 7, 1 << 20] {
        let (log, got) = log_of(&program, slice_steps);
        assert_eq!((&*log.bytes, log.is_cut), (stderr, false), "{body}, slices of {slice_steps}");
        assert_eq!(got, output, "{body}");
    }
}

const WRITE: &str = "(drop (call $write (i32.const 2) (i32.const 16) (i32.const 2) (i32.const 1000)))";

#[test]
fn vectors_are_read_in_order_once_a_call() {
    check(WRITE, b"hello, y", b"");
    check(&WRITE.repeat(2), b"hello, yhello, y", b"");
    check("", b"", b"");
}

#[test]
fn output_is_no_stderr() {
    check("(drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 1000)))", b"", b"hello");
}

#[test]
fn descriptors_are_what_they_stand_for() {
    check(&format!("(drop (call $close (i32.const 2))) {WRITE}"), b"", b"");
    // Output becomes what stderr was, and stderr is closed.
    let to_output = "(drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 1000)))";
    check(&format!("(drop (call $renumber (i32.const 2) (i32.const 1))) {to_output} {WRITE}"), b"hello", b"");
    check("(drop (call $write (i32.const 77) (i32.const 16) (i32.const 1) (i32.const 1000)))", b"", b"");
}

#[test]
fn what_lies_outside_of_memory_is_passed_over() {
    let point = |vectors: u32, count: u32| {
        format!("(drop (call $write (i32.const 2) (i32.const {vectors}) (i32.const {count}) (i32.const 1000)))")
    };
    // A vector of 20 bytes at the last 4 of memory; then one in the void.
    let set = "(i32.store (i32.const 64) (i32.const 65532)) (i32.store (i32.const 68) (i32.const 20))
               (i32.store (i32.const 72) (i32.const 0x80000000)) (i32.store (i32.const 76) (i32.const 9))
               (i32.store (i32.const 65532) (i32.const 0x64636261))";
    check(&format!("{set} {}", point(64, 2)), b"abcd", b"");
    // Vectors that end with memory: the adapter traps there, and the bytes before it are known.
    let last = "(i32.store (i32.const 65528) (i32.const 40)) (i32.store (i32.const 65532) (i32.const 2))";
    check(&format!("{last} {}", point(65528, 2)), b"he", b"");
    check(&point(0xffff_fff8, 9), b"", b"");
}

#[test]
fn what_is_kept_is_bounded() {
    let call = "(i32.store (i32.const 20) (i32.const 60000))";
    let (log, _) = log_of(&program(&format!("{call} {}", WRITE.repeat(3))), 1 << 20);
    assert_eq!((log.bytes.len(), log.is_cut), (STDERR_BYTES_MAX, true));
    // Many vectors of nothing.
    let many = "(i32.store (i32.const 20) (i32.const 0)) (i32.store (i32.const 28) (i32.const 0))
                (drop (call $write (i32.const 2) (i32.const 4096) (i32.const 5000) (i32.const 1000)))";
    let (log, _) = log_of(&program(many), 1 << 20);
    assert_eq!((log.bytes.len(), log.is_cut), (0, true));
}

#[test]
fn a_program_that_does_not_reach_the_adapter_has_no_stderr() {
    let wasm = wat::parse_str(r#"(module (memory 1) (func (export "_start") unreachable))"#).unwrap();
    let program = Program::from_wasm(&wasm).unwrap();
    assert_eq!(program.stderr(), None);
    let mut run = program.boot(Arc::new(Vec::new()), LIMITS).unwrap();
    run.run();
    assert_eq!(run.record().status, Status::Trap as u8);
    let pc = run.halted_pc().unwrap();
    assert_eq!(program.image().functions.partition_point(|first| *first <= pc), 1);
}

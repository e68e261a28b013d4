//! A host that does not give 4 GiB of address space still gets every state, from single pages and steps by definition;
//! one that does not give the memory for an output is told so.
//!
//! The limit is that of a child process, set by `ulimit -v`: a test runs its own binary again.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::process::Command;
use std::sync::Arc;

use assay_machine::interpreter::Interpreter;
use assay_machine::program::{Limits, Program};

/// Set for the child.
const CHILD: &str = "ASSAY_TEST_LIMITED_CHILD";
/// KiB of address space: enough for the test's process, too few for the reservation.
const ADDRESS_SPACE_KIB: u32 = 2 << 20;
/// KiB of address space: enough for the test's process and some output, too few for 512 MiB of it.
const SOME_OUTPUT_KIB: u32 = 256 << 10;
/// The same beside the reservation.
const RESERVED_AND_SOME_OUTPUT_KIB: u32 = (4 << 20) + SOME_OUTPUT_KIB;
const LIMITS: Limits = Limits { fuel: 1 << 30, output_bytes: 1 << 20 };
/// Steps between the states that are compared.
const STRIDE: u64 = 2_003;

/// Grows to a memory of which few pages are touched, fills, copies, and writes what it has.
fn program() -> Program {
    let text = r#"(module
      (import "assay" "output_write" (func $output_write (param i32 i32)))
      (memory 1 65536)
      (data (i32.const 4094) "across")
      (func (export "_start") (local i32)
        (drop (memory.grow (i32.const 65535)))
        (memory.fill (i32.const 0xfffff000) (i32.const 7) (i32.const 4096))
        (loop $l
          (i64.store (i32.mul (local.get 0) (i32.const 40503000)) (i64.extend_i32_u (local.get 0)))
          (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 5000))))
        (memory.copy (i32.const 0x80000ff0) (i32.const 4090) (i32.const 100))
        (call $output_write (i32.const 0x80000fe0) (i32.const 200))
        (call $output_write (i32.const 0xffffff00) (i32.const 256))
        (drop (i32.load (i32.const 0xfffffffd)))))"#;
    Program::from_wasm(&wat::parse_str(text).unwrap()).unwrap()
}

/// The states of a run, and its end, in lines.
fn account(mut run: Interpreter) -> String {
    let mut lines = String::new();
    while run.record().is_running() {
        lines += &format!("{} {}\n", run.steps(), run.state_hash());
        run.run_to(run.steps() + STRIDE);
    }
    let (steps, record) = (run.steps(), run.commit());
    lines + &format!("{steps} {record:?} {:?}\n", run.output())
}

/// Runs a test of this file once more, in a process with so many KiB of address space. Returns what it prints.
fn limited(name: &str, address_space_kib: u32) -> String {
    let own = std::env::current_exe().unwrap();
    let limited = format!("ulimit -v {address_space_kib} && exec \"$0\" --exact {name} --nocapture --test-threads 1");
    let child = Command::new("sh").args(["-c", &limited]).arg(own).env(CHILD, "1").output().unwrap();
    let said = String::from_utf8_lossy(&child.stdout).into_owned();
    assert!(child.status.success(), "{said}{}", String::from_utf8_lossy(&child.stderr));
    said
}

#[test]
fn a_run_under_a_limited_address_space_has_the_same_states() {
    let mut run = program().boot(Arc::new(Vec::new()), LIMITS).unwrap();
    if std::env::var_os(CHILD).is_some() {
        assert!(!run.memory().is_reserved(), "the limit is too wide to show anything");
        assert!(run.slow_because().is_some(), "whoever wonders is told why");
        println!("{}", account(run));
        return;
    }
    assert!(run.memory().is_reserved(), "this host does not give 4 GiB either");
    assert!(run.slow_because().is_none());
    let wanted = account(run);
    assert!(wanted.lines().count() > 4, "there are states to compare: {wanted}");
    let said = limited("a_run_under_a_limited_address_space_has_the_same_states", ADDRESS_SPACE_KIB);
    assert!(said.contains(&wanted), "got {said}\nwanted {wanted}");
}

/// Writes a MiB of output again and again.
fn endless() -> Program {
    let text = r#"(module
      (import "assay" "output_write" (func $output_write (param i32 i32)))
      (memory 16)
      (func (export "_start")
        (loop $l (call $output_write (i32.const 0) (i32.const 0x100000)) (br $l))))"#;
    Program::from_wasm(&wat::parse_str(text).unwrap()).unwrap()
}

/// The run stands before the step that needs what the host does not give, in both paths.
#[test]
fn an_output_that_the_host_does_not_hold_is_an_error() {
    let limits = Limits { fuel: 1 << 40, output_bytes: 1 << 36 };
    let boot = || endless().boot(Arc::new(Vec::new()), limits).unwrap();
    if std::env::var_os(CHILD).is_some() {
        let mut run = boot();
        let refused = run.try_run_to(u64::MAX).unwrap_err();
        assert!(run.output().len() as u64 + 32 > refused.wanted - 4096, "{refused} for {} bytes", run.output().len());
        assert_eq!(run.try_run_to(u64::MAX), Err(refused), "it stands where it stood");
        let is_reserved = run.memory().is_reserved();
        println!("reserved {is_reserved}, step {}, {:?}", run.steps(), run.record());
        return;
    }
    for (address_space_kib, is_reserved) in [(SOME_OUTPUT_KIB, false), (RESERVED_AND_SOME_OUTPUT_KIB, true)] {
        let said = limited("an_output_that_the_host_does_not_hold_is_an_error", address_space_kib);
        let told = format!("reserved {is_reserved}, step ");
        let (_, rest) = said.split_once(&told).unwrap_or_else(|| panic!("{said}"));
        let (step, rest) = rest.split_once(", ").unwrap();
        let mut run = boot();
        run.run_to(step.parse().unwrap());
        assert!(rest.starts_with(&format!("{:?}\n", run.record())), "got {rest}\nwanted {:?}", run.record());
    }
}

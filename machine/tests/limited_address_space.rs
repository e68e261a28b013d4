//! A host that does not give 4 GiB of address space still gets every state, from single pages and steps by definition.
//!
//! The limit is that of a child process, set by `ulimit -v`: the test runs its own binary again.
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

#[test]
fn a_run_under_a_limited_address_space_has_the_same_states() {
    let mut run = program().boot(Arc::new(Vec::new()), LIMITS).unwrap();
    if std::env::var_os(CHILD).is_some() {
        assert!(!run.memory().is_reserved(), "the limit is too wide to show anything");
        println!("{}", account(run));
        return;
    }
    assert!(run.memory().is_reserved(), "this host does not give 4 GiB either");
    let wanted = account(run);
    assert!(wanted.lines().count() > 4, "there are states to compare: {wanted}");
    let own = std::env::current_exe().unwrap();
    let name = "a_run_under_a_limited_address_space_has_the_same_states";
    let limited = format!("ulimit -v {ADDRESS_SPACE_KIB} && exec \"$0\" --exact {name} --nocapture --test-threads 1");
    let child = Command::new("sh").args(["-c", &limited]).arg(own).env(CHILD, "1").output().unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}{}", String::from_utf8_lossy(&child.stderr));
    assert!(said.contains(&wanted), "got {said}\nwanted {wanted}");
}

//! What lowering promises besides meaning (which the engines are compared for): well-formed code, plans that ascend, fuel
//! that bounds steps, a clear error for each limit.

use alloc::sync::Arc;
use std::path::Path;

use super::*;
use crate::isa::{BRANCH, BRANCH_IMMEDIATE, is_well_formed, op};
use crate::program::{Limits, Program};

const HOST: &str = r#"
  (import "assay" "input_size" (func (result i64)))
  (import "assay" "input_read" (func (param i32 i64 i32) (result i32)))
  (import "assay" "output_write" (func (param i32 i32)))
  (import "assay" "exit" (func $exit (param i32)))
"#;

fn lower_text(body: &str) -> Result<Image, LowerError> {
    lower(&wat::parse_str(format!("(module {HOST} {body})")).expect("the test's text is right"))
}

fn sample_jobs() -> Vec<(String, Program)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../jobs/wasm");
    let mut jobs = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let program = Program::from_wasm(&std::fs::read(&path).unwrap()).unwrap();
        jobs.push((path.display().to_string(), program));
    }
    assert!(jobs.len() >= 8, "{} sample jobs", jobs.len());
    jobs
}

#[test]
fn code_of_real_programs_is_well_formed_and_stays_inside() {
    for (name, program) in sample_jobs() {
        let image = program.image();
        for (pc, instruction) in image.code.iter().enumerate() {
            assert!(is_well_formed(instruction), "{name}: pc {pc}: {instruction:?}");
            let family = instruction.opcode & 0xff00;
            let has_target = family == BRANCH || family == BRANCH_IMMEDIATE || instruction.opcode == op::JUMP;
            let target = instruction.imm as u32 as usize;
            assert!(!has_target || target < image.code.len(), "{name}: pc {pc} leads to {target}");
        }
        for (function, plan) in image.plans.iter().enumerate() {
            let sites: Vec<u32> = plan.charges.iter().map(|charge| charge.0).collect();
            assert!(sites.is_sorted_by(|a, b| a < b) && sites[0] == 0, "{name}: function {function}: sites {sites:?}");
            assert!(plan.charges.iter().all(|charge| charge.1 >= 1), "{name}: function {function}: a free block");
            let entry = image.code[image.functions[function] as usize];
            assert_eq!(entry.opcode, op::ENTER, "{name}: function {function}");
            assert_eq!(entry.imm >> 32, u64::from(plan.frame_slots), "{name}: function {function}");
        }
    }
}

#[test]
fn fuel_used_bounds_the_steps_of_real_programs() {
    for (name, program) in sample_jobs() {
        let limits = Limits { fuel: 200_000, ..Limits::default() };
        let mut run = program.boot(Arc::new(b"3\n1 2 3\n".to_vec()), limits).unwrap();
        run.run();
        let used = limits.fuel - run.record().fuel;
        assert!(used + 1 >= run.steps(), "{name}: {used} fuel for {} steps", run.steps());
    }
}

#[test]
fn a_block_too_long_for_a_branch_to_pay_pays_at_its_head() {
    let long = "(local.set 0 (i32.add (local.get 0) (i32.const 1)))".repeat(70_000);
    let wat = format!(
        r#"(module {HOST} (func (export "_start") (local i32)
          (block $b (br_if $b (i32.const 0)) {long})
          (call $exit (local.get 0))))"#
    );
    let program = Program::from_wasm(&wat::parse_str(wat).unwrap()).unwrap();
    let mut run = program.boot(Arc::new(Vec::new()), Limits::default()).unwrap();
    run.run();
    assert_eq!(run.record().pc_or_code, 70_000);
    let used = Limits::default().fuel - run.record().fuel;
    assert!(used >= run.steps() && used < run.steps() + 20, "{used} fuel for {} steps", run.steps());
    let fuels = program.image().code.iter().filter(|instruction| instruction.opcode == op::FUEL);
    assert!(fuels.map(|instruction| instruction.imm).any(|charge| charge > 0xffff));
}

#[test]
fn each_limit_has_its_error() {
    let locals = "(local i64 i64 i64 i64 i64 i64 i64 i64)".repeat(8192);
    let frame = lower_text(&format!("(func {locals})"));
    assert!(matches!(frame, Err(LowerError::FrameTooLarge { slots: 65537 })), "{frame:?}");

    let tables = "(table 0x100000 0x100000 funcref)".repeat(33);
    let system = lower_text(&tables);
    assert!(matches!(system, Err(LowerError::SystemTooLarge { limit: SYSTEM_BYTES_MAX, .. })), "{system:?}");

    let elements = lower_text("(table 1 1 funcref) (elem (i32.const 1) func $f) (func $f)");
    assert!(
        matches!(elements, Err(LowerError::ActiveElementsOutOfBounds { segment: 0, end: 2, size: 1 })),
        "{elements:?}"
    );
    let data = lower_text(r#"(memory 1 1) (data (i32.const 65535) "ab")"#);
    assert!(matches!(data, Err(LowerError::ActiveDataOutOfBounds { segment: 0, end: 65537, size: 65536 })), "{data:?}");

    // 900 values moved on each of 20,000 edges, two bytes of WASM each.
    let types = "i64 ".repeat(900);
    let values = "i64.const 0 ".repeat(900);
    let edges = "i32.const 0 br_if 0 ".repeat(20_000);
    let code =
        lower_text(&format!("(func (result {types}) (block (result {types}) {values} i64.const 1 {edges} drop) )"));
    assert!(matches!(code, Err(LowerError::CodeTooLarge { limit: CODE_INSTRUCTIONS_MAX })), "{:?}", code.err());
}

#[test]
fn what_admission_never_makes_is_refused() {
    assert!(matches!(lower(b"\0asm\x01\0\0\0\xff"), Err(LowerError::Parse(_))));
    let imports = wat::parse_str(r#"(module (import "a" "b" (func)))"#).unwrap();
    assert!(matches!(lower(&imports), Err(LowerError::Module(_))));
}

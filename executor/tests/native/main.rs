//! The native engine against the law, on handwritten normalised modules: every ending, both meterings, all the places
//! where the bits of a NaN count. Expectations are worked out by hand from specs/03-state.md and
//! specs/04-instructions.md.

#![allow(clippy::unwrap_used)]

mod cache;
mod calls;
mod endings;
mod floats;
mod growth;

use std::sync::OnceLock;

use assay_executor::{Engine, EngineConfig, Invocation, Limits, Metering, Prepared, Run};
use assay_machine::lower::lower;
use assay_protocol::{B256, Outcome, Status, TrapCode};

/// The imports of every normalised module.
const IMPORTS: &str = r#"
    (import "assay" "input_size" (func $input_size (result i64)))
    (import "assay" "input_read" (func $input_read (param i32 i64 i32) (result i32)))
    (import "assay" "output_write" (func $output_write (param i32 i32)))
    (import "assay" "exit" (func $exit (param i32)))
"#;

const BOTH: [Metering; 2] = [Metering::Parameter, Metering::Global];

/// Ample limits.
const AMPLE: Limits = Limits { fuel: 1 << 40, output_bytes: 1 << 20 };

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(EngineConfig::default()).unwrap())
}

/// The normalised module with these fields behind the imports.
fn module(fields: &str) -> Vec<u8> {
    wat::parse_str(format!("(module {IMPORTS} {fields})")).unwrap()
}

fn prepare(fields: &str) -> Prepared {
    let module = module(fields);
    let image = lower(&module).unwrap();
    engine().prepare(&module, &image, B256::ZERO).unwrap()
}

/// A program with this body and a memory of one page.
fn program(body: &str) -> Prepared {
    prepare(&format!("(memory 1) (func (export \"entry\") {body})"))
}

/// Runs with both meterings, which must agree.
fn run(program: &Prepared, input: &[u8], limits: Limits) -> Run {
    let fast = program.run(input, limits).unwrap();
    assert_eq!(fast, program.run_exact(input, limits).unwrap(), "fast and exact metering differ");
    fast
}

fn exit(code: u32, fuel_used: u64) -> Outcome {
    Outcome { status: Status::Exit, code, fuel_used }
}

fn trap(code: TrapCode, fuel_used: u64) -> Outcome {
    Outcome { status: Status::Trap, code: code as u32, fuel_used }
}

fn out_of_fuel(fuel_used: u64) -> Outcome {
    Outcome { status: Status::OutOfFuel, code: 0, fuel_used }
}

/// Calls an export once, in a new instance of each metering; returns the words, which must agree.
fn invoke(program: &Prepared, export: &str, arguments: &[u64]) -> Vec<u64> {
    let results = BOTH.map(|metering| {
        let mut session = program.session(&[][..], 0, metering).unwrap();
        match session.invoke(export, arguments, 1 << 40).unwrap() {
            Invocation::Returned { words, .. } => words,
            ended => panic!("{export} ended: {ended:?}"),
        }
    });
    assert_eq!(results[0], results[1], "fast and exact metering differ");
    results.into_iter().next().unwrap()
}

//! The native engine against the interpreter: output, status, code and fuel of generated programs, both meterings.
//!
//! Programs come from numbered seeds. `ASSAY_SEEDS=first..end` runs other seeds than the usual ones; a failure names
//! its seed and prints its program.
#![allow(clippy::unwrap_used)]

mod floats;
mod smith;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use assay_executor::{Engine, EngineConfig, Limits, NotAResult, Run};
use assay_machine::program::Program;
use assay_protocol::{Outcome, Status};

/// The seeds to run; `usual` unless the environment says otherwise.
fn seeds(usual: Range<u64>) -> Range<u64> {
    let Ok(wanted) = std::env::var("ASSAY_SEEDS") else { return usual };
    let (first, end) = wanted.split_once("..").expect("ASSAY_SEEDS is FIRST..END");
    first.parse().unwrap()..end.parse().unwrap()
}

/// Room for a million instructions of a few hundred bytes each.
const INTERPRETER_STACK_BYTES: usize = 1 << 29;

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(EngineConfig::default()).unwrap())
}

/// What the interpreter says of a job. On a large stack: with debug assertions not every handler of the interpreter
/// ends in a jump.
fn interpret(program: &Program, input: &[u8], limits: Limits) -> Run {
    let work = || interpret_here(program, input, limits);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(INTERPRETER_STACK_BYTES);
        thread.spawn_scoped(scope, work).unwrap().join().unwrap()
    })
}

fn interpret_here(program: &Program, input: &[u8], limits: Limits) -> Run {
    let mut interpreter = program.boot(Arc::new(input.to_vec()), limits).unwrap();
    interpreter.run();
    let record = interpreter.record();
    let outcome = Outcome {
        status: Status::from_byte(record.status).unwrap(),
        code: record.pc_or_code,
        fuel_used: limits.fuel - record.fuel,
    };
    let output = if outcome.status == Status::OutOfFuel { Vec::new() } else { interpreter.output().to_vec() };
    Run { outcome, output }
}

/// Runs a job all three ways, with its limit and with the fuel that it used and one less; returns the first result.
///
/// # Errors
/// [`NotAResult`], which no generated program should make happen.
fn check(name: &str, program: &Program, input: &[u8], limits: Limits) -> Result<Run, NotAResult> {
    let prepared = engine().prepare_program(program)?;
    let expected = interpret(program, input, limits);
    let used = expected.outcome.fuel_used;
    let others = [used, used.saturating_sub(1), used / 2].map(|fuel| Limits { fuel, ..limits });
    for limits in [limits].into_iter().chain(others) {
        let expected = interpret(program, input, limits);
        assert_eq!(prepared.run(input, limits)?, expected, "{name}: fast metering, {limits:?}");
        assert_eq!(prepared.run_exact(input, limits)?, expected, "{name}: exact metering, {limits:?}");
    }
    Ok(expected)
}

/// A small generator of numbers, the same on every host.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

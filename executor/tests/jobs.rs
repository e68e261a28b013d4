//! The sample jobs in both engines: each case of `jobs/cases.txt` gives its exit code and output, and the engines agree
//! on everything else, with ample fuel, with exactly the fuel that a case uses, and with one unit less.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use assay_executor::instrument::{INSTRUMENTER_VERSION, instrument};
use assay_executor::{Engine, EngineConfig, Metering, Prepared, Run};
use assay_machine::program::{Limits, Program};
use assay_protocol::{B256, Outcome, Status, keccak256};

/// Cases in the file, at least.
const CASES_MIN: usize = 40;

/// A line of `jobs/cases.txt`.
struct Case {
    job: String,
    input: String,
    exit: u32,
    stdout: Vec<u8>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../jobs")
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(folder().join("cases.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let case = |line: &str| {
        let [job, input, exit, stdout] = line.split_whitespace().take(4).collect::<Vec<_>>()[..] else {
            panic!("wanted job, input, exit code and output: {line}");
        };
        let stdout =
            if stdout == "-" { Vec::new() } else { std::fs::read(folder().join("expected").join(stdout)).unwrap() };
        Case { job: job.into(), input: input.into(), exit: exit.parse().unwrap(), stdout }
    };
    lines.map(case).collect()
}

fn interpret(program: &Program, input: &[u8], limits: Limits) -> Run {
    let mut interpreter = program.boot(Arc::new(input.to_vec()), limits).unwrap();
    interpreter.run();
    let record = *interpreter.record();
    let status = Status::from_byte(record.status).unwrap();
    let outcome = Outcome { status, code: record.pc_or_code, fuel_used: limits.fuel - record.fuel };
    Run { outcome, output: interpreter.output().to_vec() }
}

/// Runs a case everywhere; returns its fuel.
fn check(case: &Case, program: &Program, prepared: &Prepared) -> u64 {
    let name = format!("{} {}", case.job, case.input);
    let input = std::fs::read(folder().join("inputs").join(&case.input)).unwrap();
    let ample = Limits::default();
    let expected = interpret(program, &input, ample);
    let Outcome { status, code, fuel_used } = expected.outcome;
    assert_eq!((status, code), (Status::Exit, case.exit), "{name}");
    assert!(expected.output == case.stdout, "{name}: another output than expected");

    let native = |limits: Limits| {
        let fast = prepared.run(&input[..], limits).unwrap();
        let exact = prepared.run_exact(&input[..], limits).unwrap();
        assert!(fast == exact, "{name}, {limits:?}: {:?} fast, {:?} exact", fast.outcome, exact.outcome);
        fast
    };
    let enough = Limits { fuel: fuel_used, ..ample };
    for limits in [ample, enough] {
        let native = native(limits);
        assert!(native == expected, "{name}, {limits:?}: {:?}, wanted {:?}", native.outcome, expected.outcome);
    }
    assert!(interpret(program, &input, enough) == expected, "{name}: exactly enough fuel is not enough");

    let short = Limits { fuel: fuel_used - 1, ..ample };
    let outcome = Outcome { status: Status::OutOfFuel, code: 0, fuel_used: fuel_used - 1 };
    let exhausted = Run { outcome, output: Vec::new() };
    assert_eq!(interpret(program, &input, short), exhausted, "{name}: one unit short in the interpreter");
    assert_eq!(native(short), exhausted, "{name}: one unit short in the native engine");
    fuel_used
}

#[test]
fn sample_jobs_answer_alike_to_the_last_unit_of_fuel() {
    let engine = Engine::new(EngineConfig::default()).unwrap();
    let mut jobs: BTreeMap<String, (Program, Prepared)> = BTreeMap::new();
    let cases = cases();
    assert!(cases.len() >= CASES_MIN, "only {} cases", cases.len());
    for case in &cases {
        let (program, prepared) = jobs.entry(case.job.clone()).or_insert_with(|| {
            let wasm = std::fs::read(folder().join("wasm").join(format!("{}.wasm", case.job))).unwrap();
            let program = Program::from_wasm(&wasm).unwrap();
            let prepared = engine.prepare_program(&program).unwrap();
            (program, prepared)
        });
        let fuel = check(case, program, prepared);
        println!("{:12} {:28} exit {} {:9} bytes {fuel:14} fuel", case.job, case.input, case.exit, case.stdout.len());
    }
    println!("{} cases of {} jobs", cases.len(), jobs.len());
}

/// The instrumented jobs, in both meterings, by one digest.
fn instrumented_digest() -> B256 {
    let mut names: Vec<PathBuf> =
        std::fs::read_dir(folder().join("wasm")).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let mut digests = Vec::new();
    for name in names {
        let program = Program::from_wasm(&std::fs::read(name).unwrap()).unwrap();
        for metering in [Metering::Parameter, Metering::Global] {
            let pages = program.descriptor().memory_pages_max;
            let module = instrument(program.normalised(), &program.image().plans, pages, metering).unwrap();
            digests.extend_from_slice(keccak256(module).as_slice());
        }
    }
    keccak256(digests)
}

/// Compiled modules are kept under the version. Where this fails, raise the version and write both here: else hosts go on running what
/// an older instrumenter made.
#[test]
fn the_instrumenters_version_stands_for_what_it_writes() {
    let written = (INSTRUMENTER_VERSION, instrumented_digest().to_string());
    assert_eq!(written, (4, "0xb69a70689dad44728e405a671f26ceac45f294e54aedbc0911326590ffa606b5".to_owned()));
}

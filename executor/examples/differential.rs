//! Generated modules in the native engine and in the interpreter: `differential [MODULES] [FIRST_SEED] [THREADS]`.
//!
//! Goes on until so many modules that wasm-smith has made were compared; seeds without one, and float programs of our own, come on top.
//! Ends with status 1 at a difference; prints the seed, the module's path and both results.

use std::ops::ControlFlow;
use std::process::ExitCode;
use std::time::Instant;

use assay_differential::{Counts, WASM_SMITH, run};
use assay_executor::{Engine, EngineConfig};

fn main() -> ExitCode {
    let numbers: Vec<u64> = std::env::args()
        .skip(1)
        .map(|word| word.parse().expect("wanted numbers: MODULES FIRST_SEED THREADS"))
        .collect();
    let number = |at: usize, usual: u64| numbers.get(at).copied().unwrap_or(usual);
    let cores = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let (modules, first, threads) = (number(0, 100_000), number(1, 0), number(2, cores));
    let engine = Engine::new(EngineConfig::default()).expect("this host can run the native engine");
    let start = Instant::now();
    let smiths = |counts: &Counts| counts.by_generator.get(WASM_SMITH).copied().unwrap_or(0);
    let counts = run(&engine, first..u64::MAX, threads as usize, |counts| {
        eprintln!(
            "{:6.0} s: {} compared, {} differences",
            start.elapsed().as_secs_f64(),
            counts.compared,
            counts.differences.len()
        );
        for (_, report) in &counts.differences {
            eprintln!("{report}");
        }
        if smiths(counts) >= modules { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    print!("{counts}");
    println!("{:.0} s on {threads} threads", start.elapsed().as_secs_f64());
    for (_, report) in &counts.differences {
        println!("{report}");
    }
    if counts.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

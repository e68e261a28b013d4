//! The interpreter against wasmi, side by side in one run: loops of i64, f64 and memory traffic, calls, and the sample jobs.
//!
//! Prints for each kernel the least time of a few runs of each, their ratio, and steps a second; then the geometric mean.
//! Both run the same normalised module over the same host functions. Run by `cargo bench -p assay-machine --bench interpreter`.

#[path = "support/kernels.rs"]
mod kernels;

use std::sync::Arc;
use std::time::{Duration, Instant};

use assay_machine::program::{Limits, Program};

/// Runs of each engine, in turn.
const ROUNDS: usize = 5;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("{:<14} {:>12} {:>12} {:>8} {:>14} {:>10}", "kernel", "machine", "wasmi", "ratio", "steps", "Msteps/s");
    let mut logs = Vec::new();
    for kernel in kernels::all() {
        let program = Program::from_wasm(&kernel.wasm).expect("the kernel is a program");
        let (mut ours, mut theirs) = (Duration::MAX, Duration::MAX);
        let mut steps = 0;
        for _ in 0..ROUNDS {
            let limits = Limits { fuel: 1 << 40, ..Limits::default() };
            let mut run = program.boot(Arc::new(kernel.input.clone()), limits).expect("this host can hold a machine");
            let start = Instant::now();
            run.run();
            ours = ours.min(start.elapsed());
            steps = run.steps();
            let (time, output) = kernels::run_in_wasmi(program.normalised(), &kernel.input);
            theirs = theirs.min(time);
            assert!(run.output() == output, "{}: both engines give the same output", kernel.name);
        }
        let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
        logs.push(ratio.ln());
        println!(
            "{:<14} {:>10.1}ms {:>10.1}ms {:>8.2} {:>14} {:>10.0}",
            kernel.name,
            ours.as_secs_f64() * 1e3,
            theirs.as_secs_f64() * 1e3,
            ratio,
            steps,
            steps as f64 / ours.as_secs_f64() / 1e6,
        );
    }
    println!("geometric mean of the ratios: {:.2}", (logs.iter().sum::<f64>() / logs.len() as f64).exp());
}

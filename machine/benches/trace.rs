//! What state hashes cost: 256 of an equally divided run of at least 2^30 steps, against the bare run, in one process.
//!
//! Three working sets: one page, 4 MiB written in order, 4 MiB written all over. Run by
//! `cargo bench -p assay-machine --bench trace`.

use std::sync::Arc;
use std::time::Instant;

use assay_machine::interpreter::Interpreter;
use assay_machine::program::{Limits, Program};
use assay_machine::trace::Trace;

/// Hashes of a run.
const HASHES: u64 = 256;
/// Runs of each kind, in turn; the least time counts.
const ROUNDS: usize = 3;

/// (name, address of iteration i as WAT, iterations)
const KERNELS: &[(&str, &str, u64)] = &[
    ("one page", "(i32.and (local.get 0) (i32.const 0xffc))", 160_000_000),
    ("4 MiB in order", "(i32.and (i32.mul (local.get 0) (i32.const 4)) (i32.const 0x3ffffc))", 140_000_000),
    ("4 MiB scattered", "(i32.and (i32.mul (local.get 0) (i32.const 20988)) (i32.const 0x3ffffc))", 140_000_000),
];

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!(
        "{:<16} {:>14} {:>10} {:>10} {:>8} {:>12}",
        "working set", "steps", "bare", "hashed", "ratio", "ms a hash"
    );
    for (name, address, iterations) in KERNELS {
        let program = program(address, *iterations);
        let boot = || -> Interpreter {
            let limits = Limits { fuel: 1 << 40, ..Limits::default() };
            program.boot(Arc::new(Vec::new()), limits).expect("this host can hold a machine")
        };
        let (mut bare, mut hashed, mut steps) = (f64::MAX, f64::MAX, 0);
        for _ in 0..ROUNDS {
            let mut run = boot();
            let start = Instant::now();
            run.run();
            bare = bare.min(start.elapsed().as_secs_f64());
            steps = run.steps();
            assert!(steps >= 1 << 30, "{name}: {steps} steps are fewer than 2^30");
            let mut trace = Trace::new(boot());
            let asked: Vec<u64> =
                (1..=HASHES).map(|i| (u128::from(steps) * u128::from(i) / u128::from(HASHES)) as u64).collect();
            let start = Instant::now();
            std::hint::black_box(trace.state_hashes(&asked));
            hashed = hashed.min(start.elapsed().as_secs_f64());
        }
        let hash_ms = (hashed - bare) * 1e3 / HASHES as f64;
        println!("{name:<16} {steps:>14} {bare:>9.3}s {hashed:>9.3}s {:>8.3} {hash_ms:>12.3}", hashed / bare);
    }
}

/// A loop that loads, adds and stores at the address of each iteration.
fn program(address: &str, iterations: u64) -> Program {
    let wat = format!(
        r#"(module (memory 64) (func (export "_start") (local i32 i32)
          (loop $l
            (local.set 1 {address})
            (i32.store (local.get 1) (i32.add (local.get 0) (i32.load (local.get 1))))
            (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const {iterations}))))))"#
    );
    Program::from_wasm(&wat::parse_str(&wat).expect("the loop's text is right")).expect("the loop is a program")
}

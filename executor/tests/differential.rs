//! The native engine against the interpreter on generated modules: a few thousand here, any number by
//! `cargo run --release -p assay-executor --example differential -- 100000`.
//!
//! The seeds are fixed. `ASSAY_FUZZ_MODULES` and `ASSAY_FUZZ_SEED` change their number and the first one.

use std::ops::ControlFlow;

use assay_differential::run;
use assay_executor::{Engine, EngineConfig};

const MODULES: u64 = 3000;

fn variable(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |value| value.parse().expect("the variable is a number"))
}

#[test]
fn generated_modules_end_alike() {
    let engine = Engine::new(EngineConfig::default()).expect("this host can run the native engine");
    let (modules, first) = (variable("ASSAY_FUZZ_MODULES", MODULES), variable("ASSAY_FUZZ_SEED", 0));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let counts = run(&engine, first..first + modules, threads, |_| ControlFlow::Continue(()));
    println!("{counts}");
    for (_, report) in &counts.differences {
        println!("{report}");
    }
    assert!(counts.differences.is_empty(), "{} modules make a difference", counts.differences.len());
    // The generators must not go hollow: most seeds are programs, and many programs come to their end.
    assert!(counts.compared * 10 >= modules * 9, "only {} of {modules} seeds were compared", counts.compared);
    assert!(counts.ending("Exit") * 4 >= counts.compared, "only {} programs exit", counts.ending("Exit"));
    assert!(counts.telling * 2 >= counts.compared, "only {} programs show anything", counts.telling);
}

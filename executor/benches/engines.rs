//! Our engines beside their peers, in one process, in turn: the native engine against plain wasmtime, the interpreter against
//! wasmi, on loops of i64, f64 and memory traffic, calls, and the sample jobs.
//!
//! Times are the least of a few rounds, of the run alone: neither compilation nor the start of an instance counts. The
//! native runs last milliseconds, which a neighbour on the same core can double, and so each round has several. Every
//! engine must give the same output. Run by `cargo bench -p assay-executor --bench engines`; words after `--` choose the
//! kernels whose names hold one of them.

#[path = "support/kernels.rs"]
mod kernels;
#[path = "support/peers.rs"]
mod peers;

use std::sync::Arc;
use std::time::{Duration, Instant};

use assay_executor::{Engine, EngineConfig, Invocation, Metering};
use assay_machine::program::{Limits, Program};

const ROUNDS: usize = 5;
/// Runs of both native engines, in turn, in each round.
const NATIVE_RUNS: usize = 6;
/// Some of wasmi's handlers call the next one instead of jumping to it, so that a long run needs a deep stack.
const STACK_BYTES: usize = 6 << 30;
const LIMITS: Limits = Limits { fuel: 1 << 36, output_bytes: 1 << 28 };

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let bench = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(bench).expect("the host starts a thread");
    bench.join().expect("every engine gives the same output");
}

fn bench() {
    println!(
        "{:<16} {:>9} {:>9} {:>7} {:>9} {:>9} {:>7} {:>12} {:>9}",
        "kernel", "wasmtime", "engine", "ratio", "wasmi", "machine", "ratio", "steps", "Msteps/s"
    );
    let engine = Engine::new(EngineConfig::default()).expect("the host is supported");
    let (mut native, mut interpreted) = (Vec::new(), Vec::new());
    let words: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let chosen = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word));
    for kernel in kernels::all().into_iter().filter(|kernel| chosen(&kernel.name)) {
        let program = Program::from_wasm(&kernel.wasm).expect("the kernel is a program");
        let prepared = engine.prepare_program(&program).expect("the kernel compiles");
        let wasmtime = peers::wasmtime(program.normalised(), kernel.input.clone());
        let wasmi = peers::wasmi(program.normalised(), kernel.input.clone());
        let mut best = [Duration::MAX; 4];
        let mut steps = 0;
        for _ in 0..ROUNDS {
            let mut wanted = Vec::new();
            for _ in 0..NATIVE_RUNS {
                let (time, output) = wasmtime();
                best[0] = best[0].min(time);
                wanted = output;

                let mut session = prepared
                    .session(kernel.input.as_slice(), LIMITS.output_bytes, Metering::Parameter)
                    .expect("the instance starts");
                let start = Instant::now();
                let ended = session.invoke("entry", &[], LIMITS.fuel).expect("the run is a result");
                best[1] = best[1].min(start.elapsed());
                assert!(matches!(ended, Invocation::Ended { .. }), "{}: {ended:?}", kernel.name);
                assert!(session.output() == wanted, "{}: the engine's output differs", kernel.name);
            }

            let (time, output) = wasmi();
            best[2] = best[2].min(time);
            assert!(output == wanted, "{}: wasmi's output differs", kernel.name);

            let mut run = program.boot(Arc::new(kernel.input.clone()), LIMITS).expect("this host can hold a machine");
            let start = Instant::now();
            run.run();
            best[3] = best[3].min(start.elapsed());
            assert!(run.output() == wanted, "{}: the machine's output differs", kernel.name);
            steps = run.steps();
        }
        let ms = best.map(|time| time.as_secs_f64() * 1e3);
        let ratios = (ms[1] / ms[0], ms[3] / ms[2]);
        native.push(ratios.0);
        interpreted.push(ratios.1);
        println!(
            "{:<16} {:>7.1}ms {:>7.1}ms {:>6.2}x {:>7.1}ms {:>7.1}ms {:>6.2}x {:>12} {:>9.0}",
            kernel.name,
            ms[0],
            ms[1],
            ratios.0,
            ms[2],
            ms[3],
            ratios.1,
            steps,
            steps as f64 / ms[3] / 1e3,
        );
    }
    let mean = |ratios: &[f64]| (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
    let most = |ratios: &[f64]| ratios.iter().copied().fold(0.0, f64::max);
    println!("engine / wasmtime: geometric mean {:.2}, most {:.2}", mean(&native), most(&native));
    println!("machine / wasmi: geometric mean {:.2}, most {:.2}", mean(&interpreted), most(&interpreted));
}

//! The runner: both engines agree, limits of the host decline, foreign programs are refused.

use std::sync::Arc;
use std::time::Duration;

use assay_machine::program::Program;
use assay_protocol::{B256, Status};

use super::{Declined, EngineUsed, Limits, Runner, RunnerConfig, Unready, Watch};

const LIMITS: Limits = Limits { fuel: 1 << 32, output_bytes: 1 << 16 };

/// A WASI program without imports that does this.
fn module(memory: &str, body: &str) -> Vec<u8> {
    let text = format!(r#"(module (memory (export "memory") {memory}) (func (export "_start") {body}))"#);
    wat::parse_str(text).expect("it is a module")
}

fn id(wasm: &[u8]) -> B256 {
    Program::from_wasm(wasm).expect("it is a program").id()
}

fn runner(config: RunnerConfig) -> Runner {
    Runner::new(&config).expect("there is an engine")
}

/// The runner on a host without an engine.
fn interpreter(config: RunnerConfig) -> Runner {
    let mut runner = runner(config);
    Arc::get_mut(&mut runner.inner).expect("nobody else has it").engine = None;
    runner
}

const FOREVER: &str = "(loop (br 0))";
const GROWS: &str = "(loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))";

#[test]
fn both_engines_have_the_same_result() {
    let wasm = module(
        "1",
        "(local i32) (loop (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 1000)))) unreachable",
    );
    let (native, machine) = (runner(RunnerConfig::default()), interpreter(RunnerConfig::default()));
    let mut results = Vec::new();
    for (runner, engine) in [(native, EngineUsed::Native), (machine, EngineUsed::Interpreter)] {
        let ready = runner.prepare(id(&wasm), &wasm).expect("it is the program");
        assert_eq!(ready.interpreted_because().is_some(), engine == EngineUsed::Interpreter);
        let ran = runner.run(&ready, &Arc::from([1_u8]), LIMITS, &Watch::default()).expect("it ends");
        assert_eq!(ran.engine, engine);
        results.push((ran.outcome, ran.output));
    }
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0].0.status, Status::Trap);
}

#[test]
fn the_hosts_limits_decline_and_are_no_results() {
    let short = RunnerConfig { wall_clock_ms: 50, memory_bytes_max: 1 << 20, ..RunnerConfig::default() };
    for runner in [runner(short.clone()), interpreter(short)] {
        let run = |memory: &str, body: &str, watch: &Watch| {
            let wasm = module(memory, body);
            let ready = runner.prepare(id(&wasm), &wasm).expect("it is the program");
            runner.run(&ready, &Arc::from([]), Limits { fuel: 1 << 50, ..LIMITS }, watch)
        };
        let endless = run("1", FOREVER, &Watch::default());
        assert!(matches!(endless, Err(Declined::WallClock { most_ms: 50 })), "{endless:?}");
        let greedy = run("1", GROWS, &Watch::default());
        assert!(matches!(greedy, Err(Declined::Memory { .. })), "{greedy:?}");
        let large = run("64", "", &Watch::default());
        assert!(matches!(large, Err(Declined::Memory { .. })), "{large:?}");
        let cancelled = Watch::default();
        cancelled.cancel();
        let stopped = run("1", FOREVER, &cancelled);
        assert!(matches!(stopped, Err(Declined::Stopped)), "{stopped:?}");
    }
}

#[test]
fn a_watch_stops_a_run_that_is_under_way() {
    let runner = runner(RunnerConfig::default());
    let wasm = module("1", FOREVER);
    let ready = runner.prepare(id(&wasm), &wasm).expect("it is the program");
    let watch = Watch::default();
    let stopped = std::thread::scope(|scope| {
        let run = scope.spawn(|| runner.run(&ready, &Arc::from([]), Limits { fuel: 1 << 50, ..LIMITS }, &watch));
        watch.cancel();
        run.join().expect("it does not panic")
    });
    assert_eq!(stopped.expect_err("it never ends by itself"), Declined::Stopped);
}

#[test]
fn programs_are_held_against_their_ids_and_the_least_recent_go() {
    let runner = runner(RunnerConfig { programs_max: 2, ..RunnerConfig::default() });
    let modules: Vec<Vec<u8>> = (0..3).map(|n| module("1", &format!("(drop (i32.const {n}))"))).collect();
    let ids: Vec<B256> = modules.iter().map(|wasm| id(wasm)).collect();
    let foreign = runner.prepare(ids[0], &modules[1]).err().expect("another program");
    assert!(matches!(foreign, Unready::Foreign { got, wanted } if (got, wanted) == (ids[1], ids[0])), "{foreign}");
    assert!(matches!(runner.prepare(ids[0], b"not a module").err(), Some(Unready::Program(_))));
    assert!(runner.ready(ids[0]).is_none(), "wrong bytes leave nothing behind");
    for index in [0, 1, 0, 2] {
        runner.prepare(ids[index], &modules[index]).expect("it is the program");
    }
    let held: Vec<bool> = ids.iter().map(|id| runner.ready(*id).is_some()).collect();
    assert_eq!(held, [true, false, true]);
}

#[test]
fn configuration_has_defaults() {
    let config = RunnerConfig::default();
    assert_eq!(Duration::from_millis(config.wall_clock_ms), Duration::from_secs(600));
    assert_eq!((config.programs_max, config.memory_bytes_max), (32, 1 << 30));
}

//! What instrumentation costs: kernels under plain wasmtime and under both meterings, side by side in one process.
//!
//! `cargo run --release -p assay-executor --example overhead`. Prints the best of several rounds, interleaved, in
//! milliseconds, and the ratios to plain wasmtime; `nan` is plain wasmtime with its own NaN canonicalisation.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use assay_executor::{Engine, EngineConfig, Invocation, Limits, Metering};
use assay_machine::lower::lower;
use assay_protocol::B256;
use wasmtime::{Config, Func, Instance, Module, Store, Val};

const ROUNDS: usize = 7;
const IMPORTS: &str = r#"
    (import "assay" "input_size" (func (result i64)))
    (import "assay" "input_read" (func (param i32 i64 i32) (result i32)))
    (import "assay" "output_write" (func (param i32 i32)))
    (import "assay" "exit" (func (param i32)))"#;

/// Name, argument, fields of a module that exports `kernel: [i32] -> [i64]`.
const KERNELS: &[(&str, u32, &str)] = &[
    (
        "i64 xorshift",
        60_000_000,
        r#"(func (export "kernel") (param $n i32) (result i64) (local $x i64)
             (local.set $x (i64.const 88172645463325252))
             (loop
               (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 13))))
               (local.set $x (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 7))))
               (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 17))))
               (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
             (local.get $x))"#,
    ),
    (
        "i64 collatz (branches)",
        300_000,
        r#"(func (export "kernel") (param $n i32) (result i64) (local $x i64) (local $steps i64)
             (loop $next
               (local.set $x (i64.extend_i32_u (local.get $n)))
               (loop $step
                 (if (i64.eqz (i64.and (local.get $x) (i64.const 1)))
                   (then (local.set $x (i64.shr_u (local.get $x) (i64.const 1))))
                   (else (local.set $x (i64.add (i64.mul (local.get $x) (i64.const 3)) (i64.const 1)))))
                 (local.set $steps (i64.add (local.get $steps) (i64.const 1)))
                 (br_if $step (i64.gt_u (local.get $x) (i64.const 1))))
               (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
             (local.get $steps))"#,
    ),
    (
        "f64 mandelbrot (locals)",
        30_000,
        r#"(func (export "kernel") (param $n i32) (result i64)
             (local $x f64) (local $y f64) (local $t f64) (local $cx f64) (local $i i32) (local $sum i64)
             (loop $next
               (local.set $x (f64.const 0)) (local.set $y (f64.const 0)) (local.set $i (i32.const 1000))
               (local.set $cx (f64.div (f64.convert_i32_u (local.get $n)) (f64.const -60000)))
               (loop $step
                 (local.set $t (f64.add (f64.sub (f64.mul (local.get $x) (local.get $x))
                                                 (f64.mul (local.get $y) (local.get $y))) (local.get $cx)))
                 (local.set $y (f64.add (f64.mul (f64.mul (local.get $x) (local.get $y)) (f64.const 2)) (f64.const 0.01)))
                 (local.set $x (local.get $t))
                 (local.set $sum (i64.add (local.get $sum) (i64.const 1)))
                 (br_if $step (i32.and
                   (f64.lt (f64.add (f64.mul (local.get $x) (local.get $x)) (f64.mul (local.get $y) (local.get $y))) (f64.const 4))
                   (i32.ne (local.tee $i (i32.sub (local.get $i) (i32.const 1))) (i32.const 0)))))
               (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
             (local.get $sum))"#,
    ),
    (
        "f64 axpy (loads, stores)",
        300,
        r#"(memory 64)
           (func (export "kernel") (param $n i32) (result i64) (local $p i32)
             (loop $next
               (local.set $p (i32.const 0))
               (loop $step
                 (f64.store (local.get $p) (f64.add (f64.mul (f64.load (local.get $p)) (f64.const 1.000001))
                                                    (f64.load offset=2097152 (local.get $p))))
                 (br_if $step (i32.lt_u (local.tee $p (i32.add (local.get $p) (i32.const 8))) (i32.const 2097152))))
               (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
             (i64.load (i32.const 0)))"#,
    ),
    (
        "memory: bytes xor",
        60,
        r#"(memory 64)
           (func (export "kernel") (param $n i32) (result i64) (local $p i32) (local $acc i32)
             (loop $next
               (local.set $p (i32.const 0))
               (loop $step
                 (local.set $acc (i32.add (i32.mul (local.get $acc) (i32.const 31)) (i32.load8_u (local.get $p))))
                 (i32.store8 (local.get $p) (local.get $acc))
                 (br_if $step (i32.lt_u (local.tee $p (i32.add (local.get $p) (i32.const 1))) (i32.const 1000000))))
               (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
             (i64.extend_i32_u (local.get $acc)))"#,
    ),
    (
        "calls: fibonacci",
        34,
        r#"(func $fib (param i32) (result i64)
             (if (result i64) (i32.lt_u (local.get 0) (i32.const 2))
               (then (i64.extend_i32_u (local.get 0)))
               (else (i64.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                              (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
           (func (export "kernel") (param i32) (result i64) (call $fib (local.get 0)))"#,
    ),
    (
        "calls: four arguments",
        30_000_000,
        r#"(func $mix (param i64 i64 i64 i64) (result i64)
             (if (i64.eq (local.get 0) (i64.const 77)) (then (unreachable)))
             (i64.add (i64.mul (local.get 0) (local.get 1)) (i64.xor (local.get 2) (local.get 3))))
           (func (export "kernel") (param $n i32) (result i64) (local $x i64)
             (local.set $x (i64.const 3))
             (loop
               (local.set $x (call $mix (local.get $x) (i64.const 5) (local.get $x) (i64.extend_i32_u (local.get $n))))
               (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
             (local.get $x))"#,
    ),
    (
        "calls: indirect, f64",
        30_000_000,
        r#"(type $f (func (param f64) (result f64)))
           (table 2 funcref) (elem (i32.const 0) $half $shift)
           (func $half (type $f) (f64.mul (local.get 0) (f64.const 0.5)))
           (func $shift (type $f) (f64.add (local.get 0) (f64.const 1)))
           (func (export "kernel") (param $n i32) (result i64) (local $x f64)
             (loop
               (local.set $x (call_indirect (type $f) (local.get $x) (i32.and (local.get $n) (i32.const 1))))
               (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
             (i64.reinterpret_f64 (local.get $x)))"#,
    ),
];

/// One way to run a kernel: from its argument to its result.
type Runner = Box<dyn FnMut(u32) -> u64>;

fn plain(module: &[u8], nan: bool) -> Runner {
    let mut config = Config::new();
    config.cranelift_nan_canonicalization(nan).memory_may_move(false);
    let engine = wasmtime::Engine::new(&config).unwrap();
    let module = Module::from_binary(&engine, module).unwrap();
    let mut store = Store::new(&engine, ());
    let imports: Vec<_> = module
        .imports()
        .map(|import| Func::new(&mut store, import.ty().unwrap_func().clone(), |_, _, _| Ok(())).into())
        .collect();
    let instance = Instance::new(&mut store, &module, &imports).unwrap();
    let kernel = instance.get_func(&mut store, "kernel").unwrap();
    Box::new(move |n| {
        let mut results = [Val::I64(0)];
        kernel.call(&mut store, &[Val::I32(n as i32)], &mut results).unwrap();
        results[0].unwrap_i64() as u64
    })
}

fn instrumented(module: &[u8], metering: Metering) -> Runner {
    let engine = Engine::new(EngineConfig::default()).unwrap();
    let prepared = engine.prepare(module, &lower(module).unwrap(), B256::ZERO).unwrap();
    let mut session = prepared.session(&[][..], 0, metering).unwrap();
    Box::new(move |n| match session.invoke("kernel", &[u64::from(n)], u64::MAX).unwrap() {
        Invocation::Returned { words, .. } => words[0],
        ended => panic!("the kernel ended: {ended:?}"),
    })
}

/// Microseconds of a run that exits at once, input and a page of memory included.
fn start_us() -> f64 {
    let fields = r#"(memory 16) (data (i32.const 100) "hello") (func (export "entry") (call 3 (i32.const 0)))"#;
    let module = wat::parse_str(format!("(module {IMPORTS} {fields})")).unwrap();
    let engine = Engine::new(EngineConfig::default()).unwrap();
    let prepared = engine.prepare(&module, &lower(&module).unwrap(), B256::ZERO).unwrap();
    let runs = 2000;
    let start = Instant::now();
    for _ in 0..runs {
        prepared.run(&b"input"[..], Limits { fuel: 100, output_bytes: 100 }).unwrap();
    }
    start.elapsed().as_secs_f64() * 1e6 / f64::from(runs)
}

fn main() {
    println!("a run that exits at once: {:.0} us", start_us());
    println!("{:26} {:>9} {:>16} {:>16} {:>16}", "kernel", "plain ms", "fast", "exact", "nan");
    for (name, argument, fields) in KERNELS {
        let module = wat::parse_str(format!("(module {IMPORTS} {fields})")).unwrap();
        let mut runners = [
            plain(&module, false),
            instrumented(&module, Metering::Parameter),
            instrumented(&module, Metering::Global),
            plain(&module, true),
        ];
        let mut best = [Duration::MAX; 4];
        let mut results = [0; 4];
        for _ in 0..ROUNDS {
            for (at, runner) in runners.iter_mut().enumerate() {
                let start = Instant::now();
                results[at] = runner(*argument);
                best[at] = best[at].min(start.elapsed());
            }
        }
        assert_eq!(results, [results[0]; 4], "{name}");
        let ms = best.map(|time| time.as_secs_f64() * 1e3);
        let column = |at: usize| format!("{:8.1} {:6.2}x", ms[at], ms[at] / ms[0]);
        println!("{name:26} {:9.1} {:>16} {:>16} {:>16}", ms[0], column(1), column(2), column(3));
    }
}

//! What the benchmarks run: loops in WAT, and the sample jobs on their sample inputs; and wasmi, to run them beside.

use std::path::Path;
use std::time::{Duration, Instant};

/// A program with an input.
pub struct Kernel {
    /// Its name in the table.
    pub name: String,
    /// The module, as its author would submit it.
    pub wasm: Vec<u8>,
    /// The job's input.
    pub input: Vec<u8>,
}

/// Loops: (name, locals and body of `_start`).
const LOOPS: &[(&str, &str)] = &[
    (
        "loop_i64",
        r#"(local i64 i64)
        (loop $l
          (local.set 1 (i64.xor (i64.mul (i64.add (local.get 1) (local.get 0)) (i64.const 6364136223846793005))
                                (i64.shr_u (local.get 1) (i64.const 29))))
          (br_if $l (i64.lt_u (local.tee 0 (i64.add (local.get 0) (i64.const 1))) (i64.const 30000000))))
        (i64.store (i32.const 0) (local.get 1))"#,
    ),
    (
        "loop_f64",
        r#"(local i32 f64 f64)
        (local.set 1 (f64.const 1.5))
        (loop $l
          (local.set 2 (f64.add (f64.mul (local.get 1) (f64.const 0.999)) (f64.sqrt (local.get 1))))
          (local.set 1 (f64.sub (local.get 2) (f64.div (local.get 2) (f64.const 3.25))))
          (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 15000000))))
        (f64.store (i32.const 0) (local.get 1))"#,
    ),
    (
        "loop_memory",
        r#"(local i32 i32)
        (loop $l
          (i32.store (i32.and (i32.mul (local.get 0) (i32.const 4099)) (i32.const 0x3ffffc))
            (i32.add (local.get 0) (i32.load (i32.and (i32.mul (local.get 0) (i32.const 68)) (i32.const 0x3ffffc)))))
          (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 20000000))))"#,
    ),
    ("calls", "(i32.store (i32.const 0) (call $fib (i32.const 32)))"),
];

/// All kernels: the loops, then every sample job that has an input.
pub fn all() -> Vec<Kernel> {
    let loops = LOOPS.iter().map(|(name, body)| {
        let wat = format!(
            r#"(module (import "assay" "output_write" (func $output_write (param i32 i32))) (memory 64)
              (func $fib (param i32) (result i32)
                (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
                  (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                                 (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
              (func (export "_start") {body} (call $output_write (i32.const 0) (i32.const 8))))"#
        );
        let wasm = wat::parse_str(&wat).expect("the loop's text is right");
        Kernel { name: (*name).into(), wasm, input: Vec::new() }
    });
    let mut kernels: Vec<Kernel> = loops.collect();
    let jobs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../jobs");
    let inputs = std::fs::read_dir(jobs.join("inputs")).into_iter().flatten().flatten();
    let mut inputs: Vec<_> = inputs.map(|entry| entry.path()).collect();
    inputs.sort();
    for input in inputs {
        let name = input.file_stem().expect("an input has a name").to_string_lossy().into_owned();
        let Ok(wasm) = std::fs::read(jobs.join("wasm").join(&name).with_extension("wasm")) else { continue };
        let input = std::fs::read(&input).expect("the input was just listed");
        kernels.push(Kernel { name, wasm, input });
    }
    kernels
}

/// Input and output of a run in wasmi.
struct Host {
    input: Vec<u8>,
    output: Vec<u8>,
}

/// Runs a normalised module in wasmi; returns the time of the run alone, and its output.
pub fn run_in_wasmi(normalised: &[u8], input: &[u8]) -> (Duration, Vec<u8>) {
    use wasmi::{Caller, Engine, Linker, Module, Store};
    let engine = Engine::default();
    let module = Module::new(&engine, normalised).expect("a normalised module is valid");
    let mut store = Store::new(&engine, Host { input: input.to_vec(), output: Vec::new() });
    let mut linker = Linker::<Host>::new(&engine);
    let memory = |caller: &Caller<'_, Host>| caller.get_export("memory").and_then(|export| export.into_memory());
    let define = |result: Result<&mut Linker<Host>, _>| {
        result.expect("each host function is defined once");
    };
    define(linker.func_wrap("assay", "input_size", |caller: Caller<'_, Host>| caller.data().input.len() as i64));
    define(linker.func_wrap(
        "assay",
        "input_read",
        move |mut caller: Caller<'_, Host>, to: i32, from: i64, count: i32| {
            let memory = memory(&caller).expect("a kernel exports its memory");
            let (memory, host) = memory.data_and_store_mut(&mut caller);
            let rest = host.input.get(from as usize..).unwrap_or(&[]);
            let count = rest.len().min(count as u32 as usize);
            memory[to as u32 as usize..][..count].copy_from_slice(&rest[..count]);
            count as i32
        },
    ));
    define(linker.func_wrap("assay", "output_write", move |mut caller: Caller<'_, Host>, from: i32, count: i32| {
        let memory = memory(&caller).expect("a kernel exports its memory");
        let (memory, host) = memory.data_and_store_mut(&mut caller);
        host.output.extend_from_slice(&memory[from as u32 as usize..][..count as u32 as usize]);
    }));
    define(linker.func_wrap("assay", "exit", |_: Caller<'_, Host>, code: i32| -> Result<(), wasmi::Error> {
        Err(wasmi::Error::i32_exit(code))
    }));
    let instance = linker.instantiate_and_start(&mut store, &module).expect("all imports are defined");
    let entry = instance.get_typed_func::<(), ()>(&store, "entry").expect("a normalised module has an entry");
    let start = Instant::now();
    let ended = entry.call(&mut store, ());
    let time = start.elapsed();
    assert!(ended.is_err_and(|error| error.i32_exit_status().is_some()), "a kernel ends by exit");
    (time, std::mem::take(&mut store.data_mut().output))
}

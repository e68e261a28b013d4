//! What the benchmark runs: loops in WAT, and the sample jobs on inputs long enough to time.
//!
//! The jobs' inputs are made from their sample inputs: text is repeated, counts and a model's positions are raised.

use std::path::Path;

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

/// All kernels: the loops, then the sample jobs.
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
    for (name, job, input) in JOBS {
        let wasm = std::fs::read(folder().join("wasm").join(job).with_extension("wasm")).expect("the job is committed");
        kernels.push(Kernel { name: (*name).into(), wasm, input: input() });
    }
    kernels
}

/// Writes a job's input.
type Input = fn() -> Vec<u8>;

/// Jobs: (name in the table, job, input).
const JOBS: &[(&str, &str, Input)] = &[
    ("job blake3", "blake3", || noise(8 << 20)),
    ("job csv", "csv", || repeated("csv.csv", 2, 40)),
    ("job grep", "grep", || repeated("grep.txt", 1, 40)),
    ("job json", "json", || repeated("json-group.jsonl", 1, 40)),
    ("job lz", "lz", || [b"c".to_vec(), repeated("grep.txt", 0, 60), noise(1 << 20)].concat()),
    ("job mandelbrot", "mandelbrot", || b"384 256 -0.743643 0.131825 0.000075 300\n".to_vec()),
    ("job nbody", "nbody", || with_first_line("nbody.txt", "100000 0.01")),
    ("job primes", "primes", || b"20000000\n".to_vec()),
    ("job sha256", "sha256", || noise(2 << 20)),
    ("job transformer", "transformer", || with_positions("transformer.bin", 256)),
];

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../jobs")
}

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(folder().join("inputs").join(name)).expect("the sample input is committed")
}

/// A sample input with all but its first lines repeated.
fn repeated(name: &str, head_lines: usize, times: usize) -> Vec<u8> {
    let text = sample(name);
    let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let head = std::iter::once(0).chain(ends).nth(head_lines).expect("the sample has more lines");
    [&text[..head], &text[head..].repeat(times)].concat()
}

fn with_first_line(name: &str, line: &str) -> Vec<u8> {
    let text = sample(name);
    let end = text.iter().position(|byte| *byte == b'\n').expect("the sample has lines");
    [line.as_bytes(), &text[end..]].concat()
}

/// A sample checkpoint of llama2.c (its layout: jobs/rust/transformer/src/checkpoint.rs) whose rotary tables have this many
/// positions, and its prompt with a request for all of them.
fn with_positions(name: &str, positions: usize) -> Vec<u8> {
    let bytes = sample(name);
    let number = |at: usize| i32::from_le_bytes(bytes[4 * at..][..4].try_into().expect("four bytes"));
    let [dim, hidden, layers, heads, kv_heads, vocabulary, old_positions] =
        std::array::from_fn(|at| number(at).unsigned_abs() as usize);
    let (head, kv_dim) = (dim / heads, dim / heads * kv_heads);
    let layer = 2 * dim + 2 * dim * dim + 2 * kv_dim * dim + 3 * hidden * dim;
    let rotary_start = 4 * (7 + vocabulary * dim + layers * layer + dim);
    let rotary_end = rotary_start + 4 * (old_positions * head);
    let classifier_bytes = if number(5) < 0 { 4 * vocabulary * dim } else { 0 };
    let prompt_start = rotary_end + classifier_bytes + 4;

    let angles = (0..positions).flat_map(|position| {
        (0..head / 2).map(move |pair| position as f64 * 10_000f64.powf(-2.0 * pair as f64 / head as f64))
    });
    let rotary =
        angles.clone().map(f64::cos).chain(angles.map(f64::sin)).flat_map(|number| (number as f32).to_le_bytes());
    let positions = (positions as u32).to_le_bytes();
    let mut input = [&bytes[..24], &positions, &bytes[28..rotary_start]].concat();
    input.extend(rotary);
    input.extend([&bytes[rotary_end..prompt_start - 4], &positions, &bytes[prompt_start..]].concat());
    input
}

/// Bytes of a fixed generator that compress badly.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..bytes).map(|_| next()).collect()
}

//! A module of 5 MB: how long admission, lowering and native compilation take, and how much memory all of it needed.
//!
//! The module is the largest sample job with its functions repeated: real code, only more of it.
//! Run by `cargo bench -p assay-executor --bench large_module`.

use std::path::Path;
use std::time::Instant;

use assay_executor::{Engine, EngineConfig};
use assay_machine::program::Program;
use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{CodeSection, FunctionSection, Module, RawSection};
use wasmparser::{Parser, Payload};

/// Bytes that the module has at least.
const MODULE_BYTES: usize = 5_000_000;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let job = Path::new(env!("CARGO_MANIFEST_DIR")).join("../jobs/wasm/grep.wasm");
    let wasm = repeated(&std::fs::read(job).expect("the job is committed"));
    let start = Instant::now();
    let program = Program::from_wasm(&wasm).expect("the module is a program");
    let lowered = start.elapsed();
    let start = Instant::now();
    let engine = Engine::new(EngineConfig::default()).expect("the host is supported");
    engine.prepare_program(&program).expect("the module compiles");
    let compiled = start.elapsed();
    println!("module: {} bytes, {} functions", wasm.len(), program.image().functions.len());
    println!("admitted and lowered to {} instructions in {:.2} s", program.image().code.len(), lowered.as_secs_f64());
    println!("instrumented and compiled in {:.2} s", compiled.as_secs_f64());
    println!("most memory of the process: {} MiB", peak_mebibytes());
}

/// The module with copies of its functions behind its own, until it is large enough.
fn repeated(wasm: &[u8]) -> Vec<u8> {
    let code_bytes = Parser::new(0).parse_all(wasm).find_map(|payload| match payload {
        Ok(Payload::CodeSectionStart { range, .. }) => Some(range.len()),
        _ => None,
    });
    let copies = MODULE_BYTES.div_ceil(code_bytes.expect("the module has code"));
    let mut module = Module::new();
    let mut bodies = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.expect("the module is valid");
        match &payload {
            Payload::FunctionSection(reader) => {
                let mut functions = FunctionSection::new();
                for _ in 0..copies {
                    for ty in reader.clone() {
                        functions.function(ty.expect("the module is valid"));
                    }
                }
                module.section(&functions);
            }
            Payload::CodeSectionStart { .. } => {}
            Payload::CodeSectionEntry(body) => bodies.push(body.clone()),
            Payload::DataSection(_) => {
                let mut code = CodeSection::new();
                for body in std::iter::repeat_n(&bodies, copies).flatten() {
                    RoundtripReencoder.parse_function_body(&mut code, body.clone()).expect("the body is valid");
                }
                module.section(&code);
                section(&mut module, &payload, wasm);
            }
            Payload::CustomSection(_) => {}
            _ => section(&mut module, &payload, wasm),
        }
    }
    module.finish()
}

/// Copies a section as it is.
fn section(module: &mut Module, payload: &Payload<'_>, wasm: &[u8]) {
    if let Some((id, range)) = payload.as_section() {
        module.section(&RawSection { id, data: &wasm[range] });
    }
}

/// The most memory that the process ever had, as the kernel counts it.
fn peak_mebibytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or(0) / 1024
}

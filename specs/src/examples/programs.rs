//! Examples that are whole programs: their code, identity, fuel and states.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use assay_machine::interpreter::Interpreter;
use assay_machine::program::{Limits, Program};
use assay_machine::record::Record;
use assay_machine::trace::Trace;
use assay_protocol::{B256, Status};

use super::text_block;
use crate::listing::listing;

/// A program of the chapters and the functions that it defines, by name.
#[derive(Clone, Copy)]
pub struct Source {
    wat: &'static str,
    functions: &'static [&'static str],
}

/// Adds the bytes of its input up.
pub const SUM: Source = Source { wat: include_str!("../../examples/sum.wat"), functions: &["$sum", "_start", "entry"] };
/// Shows what branches carry.
pub const EDGES: Source = Source {
    wat: include_str!("../../examples/edges.wat"),
    functions: &["$switch", "$branch", "$swap", "_start", "entry"],
};
/// Refers to host functions, to one of the WASI adapter, and to a function that only an export declares.
pub const LINKED: Source = Source {
    wat: include_str!("../../examples/linked.wat"),
    functions: &["$quiet", "_start", "sched_yield of the adapter", "wrapper of exit", "wrapper of input_size", "entry"],
};

/// The input of every run.
const INPUT: &[u8] = b"Assay";
/// The fuel limit of a run that shall not be exhausted.
const FUEL: u64 = 1000;
/// The output limit of every run, in bytes.
const OUTPUT_BYTES: u64 = 64;

/// The text and the listing.
pub fn lowered(source: Source) -> String {
    let program = program(source);
    let image = program.image();
    let title = |function: usize| {
        let plan = &image.plans[function];
        format!("{}  (frame {})", source.functions[function], plan.frame_slots)
    };
    format!("```wat\n{}```\n\n{}", source.wat, text_block(&listing(image, title)))
}

/// The descriptor and the program id.
pub fn identity(source: Source) -> String {
    let program = program(source);
    let descriptor = program.descriptor();
    let mut text = String::new();
    let mut row = |name: String, value: String| text.push_str(&format!("{name:<18} {value}\n"));
    row("version".into(), descriptor.version.to_string());
    row("entry pc".into(), descriptor.entry_pc.to_string());
    row("memory pages".into(), descriptor.memory_pages.to_string());
    row("memory pages max".into(), descriptor.memory_pages_max.to_string());
    row("WASM root".into(), hex::encode(descriptor.wasm.root));
    row("WASM length".into(), descriptor.wasm.length.to_string());
    for (region, root) in &descriptor.mounts {
        row(format!("mount {region}"), hex::encode(root));
    }
    row("program id".into(), hex::encode(program.id()));
    text_block(&text)
}

/// The ids of the sample jobs, each by its name.
pub fn ids() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../jobs/wasm");
    let names = fs::read_dir(&folder).expect("the jobs are there").map(|entry| entry.expect("it can be listed").path());
    let rows = names.map(|path| {
        let wasm = fs::read(&path).expect("a job is readable");
        let program = Program::from_wasm(&wasm).expect("a job is an admitted program");
        let name = path.file_stem().expect("a job has a name").to_string_lossy().into_owned();
        format!("{name:<12} {}", hex::encode(program.id()))
    });
    text_block(&rows.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join("\n"))
}

/// The metering blocks of each function.
pub fn blocks(source: Source) -> String {
    let program = program(source);
    let mut text = String::from("function  operator  charge\n");
    for (name, plan) in source.functions.iter().zip(&program.image().plans) {
        for (operator, charge) in &plan.charges {
            text.push_str(&format!("{name:<8}  {operator:>8}  {charge:>6}\n"));
        }
    }
    text_block(&text)
}

/// Steps, fuel and output of runs with plenty of fuel, just enough, one less and none.
pub fn fuel(source: Source) -> String {
    let program = program(source);
    let used = FUEL - finished(&program, FUEL).record().fuel;
    let mut text = String::from("limit  status       steps  fuel used  output\n");
    for limit in [FUEL, used, used - 1, 0] {
        let run = finished(&program, limit);
        let record = run.record();
        let status = Status::from_byte(record.status).expect("a run ends in a status that is defined");
        let used = limit - record.fuel;
        let steps = run.steps();
        let output = if run.output().is_empty() { "(empty)".to_owned() } else { hex::encode(run.output()) };
        text.push_str(&format!("{limit:>5}  {:<11}  {steps:>5}  {used:>9}  {output}\n", format!("{status:?}")));
    }
    text_block(text.replace("OutOfFuel  ", "OUT_OF_FUEL").replace("Exit", "EXIT").as_str())
}

/// Records and state hashes at the ends of a run.
pub fn states(source: Source) -> String {
    let mut trace = Trace::new(boot(&program(source), FUEL));
    let halt = trace.halt_step();
    let steps = [0, 1, 2, halt - 1, halt, halt + 1];
    let hashes: Vec<B256> = trace.state_hashes(&steps);
    let mut text = String::new();
    for (step, hash) in steps.into_iter().zip(hashes) {
        let record: Record = trace.record_at(step);
        text.push_str(&format!("step {step}\n  head  {}\n", hex::encode(&record.to_bytes()[..32])));
        text.push_str(&format!("  root  {}\n  hash  {}\n", hex::encode(record.memory_root), hex::encode(hash)));
    }
    text_block(&text)
}

fn program(source: Source) -> Program {
    let wasm = wat::parse_str(source.wat).expect("the example is well-formed text");
    Program::from_wasm(&wasm).expect("the example is an admitted program")
}

fn boot(program: &Program, fuel: u64) -> Interpreter {
    let limits = Limits { fuel, output_bytes: OUTPUT_BYTES };
    program.boot(Arc::new(INPUT.to_vec()), limits).expect("this host can hold a machine")
}

fn finished(program: &Program, fuel: u64) -> Interpreter {
    let mut run = boot(program, fuel);
    run.run();
    run
}

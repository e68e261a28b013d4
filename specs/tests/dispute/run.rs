//! Whole runs of tiny programs, as the dispute court's tests play them: every state hash, record and witness of a run, what
//! state 0 is composed of and what the last state shows.
//!
//! Owns the programs and the shape of `specs/vectors/dispute.json`. The expectations are the reference's: they show that
//! the court and the machine agree on what a run is.

use std::sync::Arc;

use assay_machine::memory::blob::mount_blob;
use assay_machine::memory::commit_blob;
use assay_machine::memory::hash;
use assay_machine::memory::layout::{LEAF_SIZE, Region};
use assay_machine::program::{Limits, Program};
use assay_machine::record::Record;
use assay_machine::trace::Trace;
use assay_protocol::{B256, BlobRef, Status};
use serde_json::{Value, json};

use super::costliest;

/// Levels between SYSTEM's first leaf and its region root.
const SYSTEM_LEVELS: usize = 28;
/// Levels above the region roots.
const REGION_LEVELS: usize = 4;
/// The output limit of every run, in bytes.
const OUTPUT_BYTES: u64 = 64;

/// Adds the bytes of its input up.
const SUM: &str = include_str!("../../examples/sum.wat");
/// Writes output, then traps; has globals and a passive segment, so that SYSTEM is not zero at boot.
const TRAP: &str = r#"(module
  (import "assay" "output_write" (func $output_write (param i32 i32)))
  (memory 2)
  (global $seven (mut i64) (i64.const 7))
  (data $passive "never written")
  (data (i32.const 65535) "!")
  (func (export "_start")
    (call $output_write (i32.const 65535) (i32.const 1))
    unreachable))"#;

/// A run: its name, program, input and fuel limit.
const RUNS: [(&str, &str, &[u8], u64); 5] = [
    ("exit", SUM, b"Assay", 1000),
    ("exhausted", SUM, b"Assay", 60),
    ("broke", SUM, b"Assay", 0),
    ("empty", SUM, b"", 1000),
    ("trap", TRAP, b"", 100),
];

/// The whole file.
pub fn vectors() -> String {
    let runs: Vec<Value> = RUNS.iter().map(|(name, wat, input, fuel)| run(name, wat, input, *fuel)).collect();
    let file = json!({
        "source": "reference, which is the machine itself: cargo run -p assay-specs --example dispute_vectors",
        "runs": runs,
        "costliestStep": costliest::step(),
    });
    let mut text = serde_json::to_string_pretty(&file).expect("values are plain");
    text.push('\n');
    text
}

fn run(name: &str, wat: &str, input: &[u8], fuel: u64) -> Value {
    let wasm = wat::parse_str(wat).expect("the program is well-formed text");
    let program = Program::from_wasm(&wasm).expect("the program is admitted");
    let limits = Limits { fuel, output_bytes: OUTPUT_BYTES };
    let boot = program.boot(Arc::new(input.to_vec()), limits).expect("this host can hold a machine");
    let mut trace = Trace::new(boot);
    let end = trace.halt_step();
    let steps: Vec<u64> = (0..=end).collect();
    let hashes = trace.state_hashes(&steps);
    let records: Vec<Record> = steps.iter().map(|step| trace.record_at(*step)).collect();
    let witnesses: Vec<String> = (0..end).map(|step| hex(&trace.prove(step).witness)).collect();
    let system = trace.open_at(0, 0);
    let top = trace.open_at(end, Region::OUTPUT.base());
    let output = commit_blob(trace.output().expect("the host has room for it")).expect("the output is short");
    let last = records[end as usize];
    let is_exhausted = last.status == Status::OutOfFuel as u8;
    let output_root = trace.region_roots_at(end).get(Region::OUTPUT);
    assert!(is_exhausted || mount_blob(&output) == output_root, "the output is what OUTPUT holds");
    let spelt = |level: &usize| (system.mask >> level) & 1 == 0;
    let siblings: Vec<B256> = (0..SYSTEM_LEVELS).filter(spelt).map(|level| system.siblings[level]).collect();
    let descriptor = program.descriptor();
    json!({
        "name": name,
        "program": word(&program.id()),
        "descriptor": {
            "entryPc": descriptor.entry_pc,
            "memoryPages": descriptor.memory_pages,
            "memoryPagesMax": descriptor.memory_pages_max,
            "mountRegions": descriptor.mounts.iter().map(|mount| mount.0).collect::<Vec<_>>(),
            "mountRoots": descriptor.mounts.iter().map(|mount| word(&mount.1)).collect::<Vec<_>>(),
            "version": descriptor.version,
            "wasm": blob(&descriptor.wasm),
        },
        "systemLeaf": word(&hash::leaf(&[0; LEAF_SIZE])),
        "systemMask": system.mask,
        "systemSiblings": words(&siblings),
        "input": blob(&commit_blob(input).expect("the input is short")),
        "fuelLimit": fuel,
        "outputLengthMax": OUTPUT_BYTES,
        "status": last.status,
        "code": last.pc_or_code,
        "fuelUsed": fuel - last.fuel,
        "output": blob(&output),
        "outputRegion": word(&output_root),
        "outputSiblings": words(&top.siblings[top.siblings.len() - REGION_LEVELS..]),
        "hashes": words(&hashes),
        "heads": records.iter().map(|record| hex(&record.to_bytes()[..32])).collect::<Vec<_>>(),
        "roots": records.iter().map(|record| word(&record.memory_root)).collect::<Vec<_>>(),
        "witnesses": witnesses,
    })
}

fn blob(blob: &BlobRef) -> Value {
    json!({ "length": blob.length, "root": word(&blob.root) })
}

fn words(words: &[B256]) -> Vec<String> {
    words.iter().map(word).collect()
}

pub(super) fn word(word: &B256) -> String {
    hex(word.as_slice())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

//! Writes specs/vectors/steps.json: one-step proofs of every opcode, ending and shape of witness, for the verifier on L1.
//!
//!     cargo run --release -p assay-machine --example step_vectors > specs/vectors/steps.json
//!
//! The expectations are the reference's own, and the file says so. The cases by hand (specs/vectors/instructions.json) come
//! first, every step of the hostile images (specs/vectors/images.json) last. What these files say is checked before it is
//! written.

#[allow(dead_code)]
#[path = "../tests/cases/mod.rs"]
mod cases;
#[allow(dead_code)]
#[path = "../tests/hostile/mod.rs"]
mod hostile;
#[allow(dead_code)]
#[path = "../tests/images/mod.rs"]
mod images;

use assay_machine::isa::name_of;
use assay_machine::record::Record;
use assay_machine::witness::{Witness, prove_step, verify_step};
use images::{Image, Random, image, is_numeric, opcodes};
use serde::Serialize;
use std::collections::BTreeSet;

/// Images tried for each opcode; those that end in a new way are kept.
const TRIES_NUMERIC: usize = 20;
const TRIES_OTHER: usize = 800;

#[derive(Serialize)]
struct File {
    source: &'static str,
    generator: &'static str,
    steps: Vec<Step>,
}

/// Hexadecimal throughout.
#[derive(Serialize)]
struct Step {
    name: String,
    head: String,
    root: String,
    witness: String,
    next_head: String,
    next_root: String,
}

fn main() {
    let mut steps = Vec::new();
    for case in &cases::File::read().cases {
        let mut image = case.image();
        let record = image.record;
        let (witness, next) = proved(&mut image);
        assert_eq!(next, case.wanted(), "{}", case.name);
        steps.push(vector(format!("by hand: {}", case.name), record, &witness, next));
    }
    let mut random = Random(9);
    for opcode in opcodes() {
        let name = name_of(opcode).expect("defined opcodes have names");
        let furnished = images::furnished(&mut random);
        let mut seen = BTreeSet::new();
        for _ in 0..if is_numeric(opcode) { TRIES_NUMERIC } else { TRIES_OTHER } {
            let mut image = image(&mut random, opcode, &furnished);
            let record = image.record;
            let (witness, next) = proved(&mut image);
            if seen.insert(shape(opcode, record, &witness, next)) {
                steps.push(vector(format!("{name} {}", seen.len()), record, &witness, next));
            }
        }
    }
    for hostile in hostile::read() {
        let mut image = hostile.image();
        for step in 0..hostile.then.steps {
            let record = image.record;
            let (witness, next) = proved(&mut image);
            steps.push(vector(format!("hostile image: {}, step {step}", hostile.name), record, &witness, next));
        }
        assert_eq!(image.record, hostile.then.wanted(image.record), "{}", hostile.name);
    }
    let file = File { source: "reference", generator: "machine/examples/step_vectors.rs", steps };
    println!("{}", serde_json::to_string_pretty(&file).expect("plain data is JSON"));
}

/// Makes the image's next step: its witness and the next record, which is then the image's.
fn proved(image: &mut Image) -> (Vec<u8>, Record) {
    let record = image.record;
    let (witness, next) = prove_step(record, &mut image.memory);
    assert_eq!(verify_step(record, &witness), Ok(next), "the reference accepts its own proof");
    image.record = next;
    (witness, next)
}

/// What tells one vector of an opcode from another: how it ends, which regions it opens how often, whether it repeats.
fn shape(opcode: u16, record: Record, witness: &[u8], next: Record) -> (u8, u32, Vec<u64>, bool) {
    let code = if next.is_running() || next.status == 1 { 0 } else { next.pc_or_code };
    if is_numeric(opcode) {
        // Which leaves its slots share is the same for all of them.
        return (next.status, code, Vec::new(), false);
    }
    let parsed = Witness::parse(witness).expect("what was proved has been verified");
    let regions = parsed.entries().iter().map(|entry| entry.address >> 36).collect();
    let repeats = next.is_running() && next.pc_or_code == record.pc_or_code;
    (next.status, code, regions, repeats)
}

fn vector(name: String, record: Record, witness: &[u8], next: Record) -> Step {
    let (before, after) = (record.to_bytes(), next.to_bytes());
    let hexadecimal = |bytes: &[u8]| format!("0x{}", hex::encode(bytes));
    Step {
        name,
        head: hexadecimal(&before[..32]),
        root: hexadecimal(&before[32..]),
        witness: hexadecimal(witness),
        next_head: hexadecimal(&after[..32]),
        next_root: hexadecimal(&after[32..]),
    }
}

//! Lock-step: every step is made by its definition, by the verifier's twin and by the contract, and all three agree on
//! the next record, root included; no other witness is accepted by anyone; no image stops any of them.
//!
//! ```text
//! three     a step made three ways, and the tally of what was covered
//! numeric   every operator in every family on the operands of specs/vectors/numeric.json, whose results are exact arithmetic
//! edges     the ends of chunks, pages, regions, tables, STACK and records, opcode by opcode
//! lowered   modules of every instruction on edge operands: the fast interpreter's handlers beside the definition
//! jobs      steps drawn from real runs of the sample jobs, beside the fast interpreter
//! hostile   specs/vectors/images.json: images by hand, run until they halt or for as long as the file says
//! tamper    witnesses with a bit, an entry, a sibling, a mask, their length or their root changed
//! ```
//!
//! Expectations of `numeric`, `hostile` and of the cases by hand do not come from the machine's code. Seeds are constants
//! and printed. `cargo test -p assay-dispute --test lockstep -- --nocapture` prints what was covered.

#[allow(dead_code)]
#[path = "../../../machine/tests/cases/mod.rs"]
mod cases;
#[allow(dead_code)]
#[path = "../../../machine/tests/hostile/mod.rs"]
mod hostile_images;
#[allow(dead_code)]
#[path = "../../../machine/tests/images/mod.rs"]
mod images;

mod edges;
mod hostile;
mod jobs;
mod lowered;
mod modules;
mod numeric;
mod tamper;
mod three;
mod vectors;

use assay_dispute::preflight::Preflight;
use assay_machine::isa::{name_of, op};
use images::{Image, Random, image, is_numeric, opcodes};
use three::{Tally, Three};

/// Fewest steps that count as evidence.
const STEPS_MIN: u64 = 50_000;
/// Most gas of any step whatever.
const GAS_MAX: u64 = 700_000;
/// Most bytes of a contract on L1, since EIP-170.
const CONTRACT_BYTES_MAX: usize = 24_576;
/// Seed of the random images.
const IMAGES_SEED: u64 = 0x10c5;
const IMAGES_PER_NUMERIC_OPCODE: usize = 16;
const IMAGES_PER_OTHER_OPCODE: usize = 480;
/// Steps that a repeating instruction is followed.
const REPEATS_MAX: usize = 3;

/// What makes steps, by name.
type Source = (&'static str, fn(&mut Three));

/// The cases by hand: their successors are in the file.
fn cases_by_hand(three: &mut Three) {
    for case in &cases::File::read().cases {
        let mut image = case.image();
        let next = three.step(&mut image, &case.name);
        three.expect(next, case.wanted(), &case.name);
    }
}

/// Images from a seed: plausible and wild instructions, sizes that lie, broken records.
fn random_images(three: &mut Three) {
    println!("random images: seed {IMAGES_SEED:#x}");
    let mut random = Random(IMAGES_SEED);
    for opcode in opcodes() {
        let furnished = images::furnished(&mut random);
        let count = if is_numeric(opcode) { IMAGES_PER_NUMERIC_OPCODE } else { IMAGES_PER_OTHER_OPCODE };
        for index in 0..count {
            let mut image = image(&mut random, opcode, &furnished);
            follow(three, &mut image, &format!("random image {index} of {opcode:#06x}"));
        }
    }
}

/// Makes a step, and the steps after it that repeat the same instruction.
fn follow(three: &mut Three, image: &mut Image, name: &str) {
    for _ in 0..=REPEATS_MAX {
        let pc = image.record.pc_or_code;
        let next = three.step(image, name);
        if !next.is_running() || next.pc_or_code != pc {
            break;
        }
    }
}

#[test]
fn every_opcode_in_lock_step() {
    let sources: [Source; 7] = [
        ("cases by hand", cases_by_hand),
        ("numeric vectors", numeric::all),
        ("random images", random_images),
        ("edges", edges::all),
        ("lowered modules", lowered::all),
        ("jobs", jobs::all),
        ("hostile images", hostile::all),
    ];
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let running = sources.map(|(name, source)| {
            let run = move || {
                let mut three = Three::new();
                source(&mut three);
                three.tally
            };
            (name, scope.spawn(run))
        });
        for (name, source) in running {
            let part = source.join().expect("a source of steps does not panic");
            println!("{name:<16} {:>7} steps", part.steps);
            tally.add(part);
        }
    });
    tally.print();
    assert!(tally.disagreements.is_empty(), "{} disagreements", tally.disagreements.len());
    assert!(tally.steps >= STEPS_MIN, "{} steps", tally.steps);
    for opcode in opcodes() {
        let name = name_of(opcode).expect("defined opcodes have names");
        let covered = tally.opcodes.get(&opcode).copied().unwrap_or_default();
        let always_halts = matches!(opcode, op::TRAP | op::EXIT);
        assert!(covered.steps > 0, "{name} was never stepped");
        assert!(always_halts || covered.to_running > 0, "{name} never had a running successor");
    }
    for ending in three::ALL_ENDINGS {
        assert!(tally.endings.contains_key(ending), "no step ended as {ending:?}");
    }
    assert!(tally.gas_max.0 <= GAS_MAX, "{:?}", tally.gas_max);
}

#[test]
fn the_contract_fits_on_l1() {
    let bytes = Preflight::verifier_bytes();
    println!("the verifier has {bytes} bytes");
    assert!(bytes < CONTRACT_BYTES_MAX);
}

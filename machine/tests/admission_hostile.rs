//! Modules made by enemies, at admission: each gets its refusal or a correct module, in bounded time, and never a panic.
//!
//! The modules are those of `assay_cases::hostile`; what happens to the admitted ones afterwards is
//! `executor/tests/hostile.rs`.

use std::time::{Duration, Instant};

use assay_cases::hostile;
use assay_machine::admission::{AdmissionError, Admitted, admit, admit_library};
use wasmparser::{Validator, WasmFeatures};

/// Far above what any of these takes, far below what an unbounded algorithm would.
const PATIENCE: Duration = Duration::from_secs(60);

/// Admits as a library, and holds what comes to the time and to validity.
fn library(module: &[u8]) -> Result<Admitted, AdmissionError> {
    let begin = Instant::now();
    let result = admit_library(module, &[]);
    assert!(begin.elapsed() < PATIENCE, "took {:?}", begin.elapsed());
    if let Ok(admitted) = &result {
        let mut validator = Validator::new_with_features(WasmFeatures::WASM2);
        if let Err(error) = validator.validate_all(&admitted.module) {
            panic!("admitted, and written as an invalid module: {error}");
        }
    }
    result
}

fn reason(module: &[u8]) -> &'static str {
    library(module).map_or_else(|error| error.reason(), |_| hostile::ADMITTED)
}

#[test]
fn every_shape_is_admitted_or_refused_for_its_reason() {
    let shapes = hostile::shapes();
    let mut names: Vec<_> = shapes.iter().map(|shape| &shape.name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), shapes.len(), "names are unique");
    let wrong: Vec<String> = shapes
        .iter()
        .filter_map(|shape| {
            let got = reason(&(shape.build)());
            (got != shape.reason).then(|| format!("{}: {got}, wanted {}", shape.name, shape.reason))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Cut anywhere, it is invalid, except where a whole number of sections is a module of its own.
#[test]
fn truncated_at_every_byte() {
    assert_eq!(reason(&hostile::full()), hostile::ADMITTED);
    let mut admitted = 0;
    for cut in hostile::truncated() {
        match reason(&cut) {
            hostile::ADMITTED => admitted += 1,
            reason => assert_eq!(reason, "invalid", "cut to {}", cut.len()),
        }
    }
    // Header alone; with types; with imports. Then functions without code are missing their bodies.
    assert!((3..=8).contains(&admitted), "{admitted}");
}

#[test]
fn every_byte_changed() {
    hostile::changed_everywhere().for_each(|module| drop(library(&module)));
}

#[test]
fn random_changes_random_bytes_and_random_bodies() {
    hostile::random_changes(0x5eed_0001).take(20_000).for_each(|module| drop(library(&module)));
    hostile::random_bodies(0x5eed_0002).take(20_000).for_each(|module| drop(library(&module)));
}

#[test]
fn sections_that_declare_more_than_they_hold() {
    for module in hostile::sections_that_only_declare() {
        assert_ne!(reason(&module), hostile::ADMITTED, "section {}", module[8]);
    }
}

#[test]
fn programs_are_held_to_the_same() {
    let bytes = hostile::full();
    let admitted: Vec<_> = (0..=bytes.len()).filter(|&length| admit(&bytes[..length]).is_ok()).collect();
    // The whole, and the whole without the assembler's names at its end.
    assert_eq!(admitted.len(), 2, "{admitted:?}");
    assert_eq!(admitted[1], bytes.len());
}

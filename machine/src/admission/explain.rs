//! Turns a refusal into a reason: which proposals a module needs that are not admitted.
//!
//! Owns the search. It relies on validity being monotone: what passes with some features passes with more.

use wasmparser::WasmFeatures;

use super::proposals::{ADMITTED, FEATURES, Proposal};
use super::survey::{Failure, Survey, survey};
use super::{AdmissionError, Limit};

/// More missing proposals than this are not searched for, so that an enemy's module costs a bounded number of walks.
const PROPOSALS_NAMED_MAX: usize = 3;

/// What every module begins with.
const MAGIC: &[u8] = b"\0asm";
/// Byte 4 to 8 of a component, where a module has its version: version 13, layer 1.
const COMPONENT: [u8; 4] = [0x0d, 0x00, 0x01, 0x00];

/// Reads `wasm` as a module that uses nothing but what is admitted, or says why it is not one.
pub(super) fn admitted(wasm: &[u8]) -> Result<Survey<'_>, AdmissionError> {
    Limit::ModuleBytes.check(wasm.len() as u64)?;
    if !wasm.starts_with(MAGIC) && !MAGIC.starts_with(wasm) {
        let message = "not WASM: the bytes do not begin with 00 61 73 6d".to_owned();
        return Err(AdmissionError::Invalid { offset: 0, message });
    }
    if wasm.get(4..8) == Some(&COMPONENT) {
        let message = "the bytes are a component, wanted a core module".to_owned();
        return Err(AdmissionError::Refused { proposals: vec![Proposal::ComponentModel], offset: 4, message });
    }
    match survey(wasm, ADMITTED, 0) {
        Ok(survey) => imports_functions_only(survey),
        Err(failure) => Err(explain(wasm, failure)),
    }
}

/// Adds one missing proposal after the other until the module passes.
fn explain(wasm: &[u8], first: Failure) -> AdmissionError {
    let AdmissionError::Invalid { offset, message } = (*first.error).clone() else {
        return *first.error;
    };
    let refused = |proposals| AdmissionError::Refused { proposals, offset, message: message.clone() };

    let mut needed: Vec<usize> = Vec::new();
    // What passes with nothing but what is admitted passes in every walk to come.
    let bodies_trusted = first.bodies_passed;
    let mut failure = first;
    while needed.len() < PROPOSALS_NAMED_MAX {
        match step(wasm, &needed, &failure) {
            Step::Passes(index) => {
                needed.push(index);
                return refused(minimal(wasm, needed, bodies_trusted));
            }
            Step::Further(index, next) => {
                needed.push(index);
                failure = next;
            }
            // Several proposals in one place, or the module is invalid and this is the place.
            Step::Stuck => {
                let all = (0..FEATURES.len()).rev().collect();
                return match survey(wasm, union(0..FEATURES.len()), bodies_trusted) {
                    Ok(_) => refused(minimal(wasm, all, bodies_trusted)),
                    Err(_) => *failure.error,
                };
            }
        }
    }
    refused(needed.iter().map(|&index| FEATURES[index].0).collect())
}

enum Step {
    Passes(usize),
    Further(usize, Failure),
    Stuck,
}

/// Finds a proposal that, added to those `needed`, carries validation past `failure`.
///
/// The validator's own hint comes first, and the first hinted proposal that helps is taken, so that a proposal which
/// includes others does not stand for two that are used side by side. Without a hint the one that helps furthest is.
fn step(wasm: &[u8], needed: &[usize], failure: &Failure) -> Step {
    let base = union(needed.iter().copied());
    let says = |index: &usize| failure.missing.is_some_and(|missing| FEATURES[*index].1.contains(missing));
    let (hinted, others): (Vec<_>, Vec<_>) =
        (0..FEATURES.len()).filter(|index| !needed.contains(index)).partition(says);
    let hinted_count = hinted.len();
    let mut best: Option<(usize, Failure)> = None;
    for (tried, index) in hinted.into_iter().chain(others).enumerate() {
        match survey(wasm, base.union(FEATURES[index].1), failure.bodies_passed) {
            Ok(_) => return Step::Passes(index),
            Err(next) if tried < hinted_count && next.offset > failure.offset => {
                return Step::Further(index, next);
            }
            Err(next) if next.offset > best.as_ref().map_or(failure.offset, |(_, best)| best.offset) => {
                best = Some((index, next));
            }
            Err(_) => {}
        }
    }
    best.map_or(Step::Stuck, |(index, next)| Step::Further(index, next))
}

/// Leaves out, from front to back, what is not needed beside the others.
fn minimal(wasm: &[u8], mut needed: Vec<usize>, bodies_trusted: usize) -> Vec<Proposal> {
    let mut at = 0;
    while needed.len() > 1 && at < needed.len() {
        let without = union(needed.iter().copied().filter(|&index| index != needed[at]));
        if survey(wasm, without, bodies_trusted).is_ok() {
            needed.remove(at);
        } else {
            at += 1;
        }
    }
    needed.into_iter().map(|index| FEATURES[index].0).collect()
}

fn union(indices: impl Iterator<Item = usize>) -> WasmFeatures {
    indices.fold(ADMITTED, |features, index| features.union(FEATURES[index].1))
}

/// WebAssembly 1.0 lets a module import memories, tables and globals; a job has no one to import them from.
fn imports_functions_only(survey: Survey<'_>) -> Result<Survey<'_>, AdmissionError> {
    for (offset, import) in &survey.imports {
        let Some(proposal) = imported_state(import) else {
            continue;
        };
        let message = format!("import `{}` `{}`, wanted functions only", import.module, import.name);
        return Err(AdmissionError::Refused { proposals: vec![proposal], offset: *offset as u64, message });
    }
    Ok(survey)
}

fn imported_state(import: &wasmparser::Import<'_>) -> Option<Proposal> {
    use wasmparser::TypeRef;
    match import.ty {
        TypeRef::Func(_) | TypeRef::FuncExact(_) => None,
        TypeRef::Memory(_) => Some(Proposal::ImportedMemory),
        TypeRef::Table(_) => Some(Proposal::ImportedTable),
        TypeRef::Global(_) => Some(Proposal::ImportedGlobal),
        TypeRef::Tag(_) => Some(Proposal::Exceptions),
    }
}

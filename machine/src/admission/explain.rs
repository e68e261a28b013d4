//! Turns a refusal into a reason: which proposals a module needs that are not admitted.
//!
//! Owns the search. It relies on validity being monotone: what passes with some features passes with more.

use wasmparser::WasmFeatures;

use super::proposals::{ADMITTED, FEATURES, Proposal};
use super::survey::{self, Failure, Survey, survey};
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
                let Some(together) = together(wasm, &needed, &failure) else { return *failure.error };
                needed.extend(together);
                match survey(wasm, union(needed.iter().copied()), failure.bodies_passed) {
                    Ok(_) => return refused(minimal(wasm, needed, bodies_trusted)),
                    Err(next) => failure = next,
                }
            }
        }
    }
    // There may be more of them; but with all that there are it has to be valid.
    match survey(wasm, union(0..FEATURES.len()), failure.bodies_passed) {
        Ok(_) => refused(needed.iter().map(|&index| FEATURES[index].0).collect()),
        Err(invalid) => *invalid.error,
    }
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

/// Proposals that, added together to those `needed`, carry validation past `failure`, and none of which is idle there. None if
/// all there are do not. Each walk ends behind the place, so that it costs what lies before.
fn together(wasm: &[u8], needed: &[usize], failure: &Failure) -> Option<Vec<usize>> {
    let passes = |more: &[usize]| {
        let features = union(needed.iter().chain(more).copied());
        survey::passes(wasm, features, failure.bodies_passed, failure.offset)
    };
    let all: Vec<usize> = (0..FEATURES.len()).rev().filter(|index| !needed.contains(index)).collect();
    passes(&all).then(|| without_idle(all, passes))
}

/// The proposals without those that are not needed beside the others.
fn minimal(wasm: &[u8], needed: Vec<usize>, bodies_trusted: usize) -> Vec<Proposal> {
    let needed = without_idle(needed, |those| survey(wasm, union(those.iter().copied()), bodies_trusted).is_ok());
    needed.into_iter().map(|index| FEATURES[index].0).collect()
}

/// Leaves out, from front to back, what can be missed.
fn without_idle(mut indices: Vec<usize>, passes: impl Fn(&[usize]) -> bool) -> Vec<usize> {
    let mut at = 0;
    while indices.len() > 1 && at < indices.len() {
        let left_out = indices.remove(at);
        if !passes(&indices) {
            indices.insert(at, left_out);
            at += 1;
        }
    }
    indices
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

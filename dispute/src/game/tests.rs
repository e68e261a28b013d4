//! Whole games between an honest player and one whose evidence is corrupted, over a real run, with no contract between
//! them: the referee here checks what the court checks.

use std::convert::Infallible;
use std::sync::Arc;

use assay_machine::interpreter::StepProof;
use assay_machine::memory::{ChunkProof, RegionRoots};
use assay_machine::program::{Limits, Program};
use assay_machine::record::Record;
use assay_machine::trace::Trace;
use assay_machine::witness::verify_step;
use assay_protocol::{B256, BlobRef, keccak256};

use super::*;
use crate::evidence::TraceEvidence;

const FUEL_LIMIT: u64 = 1 << 20;

/// A run of a few thousand steps that writes memory and output.
fn trace() -> Trace {
    let wasm = wat::parse_str(
        r#"(module
          (import "assay" "output_write" (func $write (param i32 i32)))
          (memory 1)
          (func (export "_start") (local i32)
            (loop $l
              (i32.store (i32.mul (local.get 0) (i32.const 12)) (local.get 0))
              (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 700))))
            (call $write (i32.const 0) (i32.const 64))))"#,
    )
    .unwrap();
    let program = Program::from_wasm(&wasm).unwrap();
    let limits = Limits { fuel: FUEL_LIMIT, output_bytes: 1 << 20 };
    Trace::new(program.boot(Arc::new(Vec::new()), limits).unwrap())
}

fn truth() -> (Claimed, TraceEvidence) {
    let mut trace = trace();
    let end = trace.halt_step();
    let record = trace.record_at(end);
    let output = assay_machine::memory::commit_blob(trace.output().unwrap()).unwrap();
    let claimed = Claimed {
        status: record.status,
        code: record.pc_or_code,
        fuel_used: FUEL_LIMIT - record.fuel,
        fuel_limit: FUEL_LIMIT,
        output,
    };
    (claimed, TraceEvidence::new(trace))
}

/// Evidence whose states are false from a step on.
struct Corrupt<'a> {
    truth: &'a TraceEvidence,
    from: u64,
}

impl Evidence for Corrupt<'_> {
    type Error = Infallible;

    fn state_hashes(&self, steps: &[u64]) -> Result<Vec<B256>, Infallible> {
        let hashes = self.truth.state_hashes(steps)?.into_iter();
        let lie = |hash: B256, step: u64| if step >= self.from { keccak256(hash) } else { hash };
        Ok(hashes.zip(steps).map(|(hash, step)| lie(hash, *step)).collect())
    }

    fn step_proof(&self, step: u64) -> Result<StepProof, Infallible> {
        self.truth.step_proof(step)
    }

    fn regions(&self, step: u64) -> Result<(Record, RegionRoots), Infallible> {
        let (mut record, regions) = self.truth.regions(step)?;
        record.fuel -= u64::from(step >= self.from);
        Ok((record, regions))
    }

    fn boot_leaf(&self) -> Result<ChunkProof, Infallible> {
        self.truth.boot_leaf()
    }
}

/// Plays from a dissection on, `first` to move. Returns whether `first` won, and the dissections that were made.
fn play(
    mut board: Dissection,
    first: &dyn Fn(&Dissection) -> Option<Answer>,
    second: &dyn Fn(&Dissection) -> Option<Answer>,
) -> (bool, usize) {
    let mut dissections = 1;
    loop {
        let mover_is_first = dissections % 2 == 1;
        let mover = if mover_is_first { first } else { second };
        match mover(&board) {
            // Silence: the clock runs out.
            None => return (!mover_is_first, dissections),
            Some(Answer::Dissect { part, dissection }) => {
                assert_eq!(dissection.segment(), board.segment().part(part));
                assert_eq!(dissection.hash(0), board.hash(part - 1), "the start is inherited");
                assert_ne!(dissection.hash(dissection.segment().parts()), board.hash(part), "the end is disputed");
                board = dissection;
                dissections += 1;
            }
            Some(Answer::Step { part, proof }) => {
                assert_eq!(board.segment().part(part).length, 1);
                assert_eq!(proof.before.hash(), board.hash(part - 1));
                let after = verify_step(proof.before, &proof.witness).unwrap();
                let wins = after.hash() != board.hash(part);
                // A step that does not differ reverts, so its player stays silent.
                return (mover_is_first == wins, dissections);
            }
        }
    }
}

fn by<E: Evidence>(evidence: &E) -> impl Fn(&Dissection) -> Option<Answer> + '_ {
    |board| answer(board, evidence).ok()
}

#[test]
fn a_true_claim_is_not_opened() {
    let (claimed, evidence) = truth();
    assert_eq!(open(&claimed, &evidence).unwrap(), None);
}

#[test]
fn an_honest_executor_wins_against_a_lie_from_any_step_on() {
    let (claimed, evidence) = truth();
    let end = claimed.segment().length;
    for from in (1..=end).step_by(17).chain([2, end]) {
        let liar = Corrupt { truth: &evidence, from };
        let opening = open(&claimed, &liar).unwrap().expect("its last state implies something else");
        let (executor_won, dissections) = play(opening.dissection, &by(&evidence), &by(&liar));
        assert!(executor_won, "lie from step {from}");
        assert!(dissections <= 3, "{dissections} dissections");
    }
}

#[test]
fn an_honest_challenger_wins_against_a_lie_from_any_step_on() {
    let (claimed, evidence) = truth();
    for wrong in [
        Claimed { fuel_used: claimed.fuel_used - 1, ..claimed },
        Claimed { code: 1, ..claimed },
        Claimed { output: BlobRef { length: claimed.output.length + 1, ..claimed.output }, ..claimed },
    ] {
        let opening = open(&wrong, &evidence).unwrap().expect("the claim is false");
        for from in (1..=claimed.segment().length).step_by(17) {
            let liar = Corrupt { truth: &evidence, from };
            let (executor_won, _) = play(opening.dissection.clone(), &by(&liar), &by(&evidence));
            assert!(!executor_won, "lie from step {from}");
        }
    }
}

#[test]
fn a_fine_survey_leaves_little_to_interpret() {
    let (claimed, evidence) = truth();
    evidence.survey(claimed.segment());
    let surveyed = evidence.interpreted_steps();
    let whole: Vec<u64> = (1..=claimed.segment().length).collect();
    let again = TraceEvidence::new(trace());
    assert_eq!(evidence.state_hashes(&whole).unwrap(), again.state_hashes(&whole).unwrap());
    assert!(surveyed <= 2 * claimed.segment().length);
}

#[test]
fn siblings_lead_to_the_root() {
    for count in [1_usize, 2, 16, 256] {
        let hashes: Vec<B256> = (0..count).map(|i| keccak256([i as u8])).collect();
        let tree = DissectionTree::new(&hashes);
        for (index, hash) in hashes.iter().enumerate() {
            let fold = |(node, index): (B256, usize), sibling: B256| {
                let pair = if index % 2 == 0 { [node, sibling] } else { [sibling, node] };
                (keccak256(pair.concat()), index / 2)
            };
            let (root, _) = tree.siblings(index).into_iter().fold((*hash, index), fold);
            assert_eq!(root, tree.root());
        }
    }
}

#[test]
fn a_claim_has_a_segment_that_ends_halted() {
    for (fuel_used, length) in [(0, 1), (1, 2), (2, 4), (3, 4), ((1 << 36) - 1, 1 << 36), (1 << 36, 1 << 37)] {
        assert_eq!(Segment::of_claim(fuel_used).length, length, "fuel used {fuel_used}");
    }
}

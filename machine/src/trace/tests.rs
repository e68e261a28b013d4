//! Answers of a trace, and what its checkpoints cost.

use alloc::sync::Arc;

use super::*;
use crate::program::{Limits, Program};
use crate::witness::verify_step;

fn trace(count_max: usize, bytes_max: u64) -> Trace {
    let wasm = wat::parse_str(
        r#"(module (memory 4) (func (export "_start") (local i32)
          (loop $l
            (i32.store (i32.mul (local.get 0) (i32.const 67)) (local.get 0))
            (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 2000))))))"#,
    )
    .unwrap();
    let program = Program::from_wasm(&wasm).unwrap();
    let run = program.boot(Arc::new(Vec::new()), Limits::default()).unwrap();
    Trace::with_limits(run, CheckpointLimits { count_max, bytes_max, stretched_bytes_max: 0 })
}

/// Bounds that the runs here do not come to.
fn ample() -> Trace {
    let CheckpointLimits { count_max, bytes_max, .. } = CheckpointLimits::default();
    trace(count_max, bytes_max)
}

#[test]
fn answers_do_not_depend_on_the_order_of_questions_or_on_checkpoints() {
    let steps: Vec<u64> = (0..=40).map(|i| i * 251).collect();
    let wanted = ample().state_hashes(&steps);
    let bytes = [0, 20_000, 100_000, 300_000, u64::MAX];
    for (count_max, bytes_max) in [0, 1, 2, 7].into_iter().flat_map(|count| bytes.map(|bytes| (count, bytes))) {
        let mut trace = trace(count_max, bytes_max);
        for (step, wanted) in steps.iter().zip(&wanted).rev() {
            assert_eq!(trace.state_hashes_kept(&[*step]), [*wanted], "step {step}");
        }
        assert_eq!(trace.state_hashes(&steps), wanted);
    }
}

/// The run touches 33 pages of memory, a page or two between neighbouring questions.
#[test]
fn checkpoints_hold_no_more_bytes_than_they_may() {
    let steps: Vec<u64> = (0..=60).map(|i| i * 130).collect();
    let first = trace(0, 0).checkpoints_bytes();
    let unbounded = {
        let mut trace = ample();
        trace.state_hashes_kept(&steps);
        assert_eq!(trace.checkpoints.len(), steps.len());
        trace.checkpoints_bytes()
    };
    let mut kept = Vec::new();
    for bytes_max in [first, first + 10_000, first + 300_000, unbounded / 2, unbounded] {
        let mut trace = trace(1024, bytes_max);
        for step in &steps {
            trace.state_hashes_kept(&[*step]);
            assert!(trace.checkpoints_bytes() <= bytes_max, "{} of {bytes_max}", trace.checkpoints_bytes());
        }
        kept.push(trace.checkpoints.len());
    }
    assert_eq!(kept[0], 1, "there is no room but for the first state");
    assert!(kept.is_sorted() && kept[2] > 1 && kept[4] > kept[2], "more room keeps more: {kept:?}");
}

/// A run whose memory does not fit the bytes of its checkpoints keeps one where a question begins, and none at all unless they stretch.
#[test]
fn bytes_are_stretched_for_a_run_that_writes_more() {
    let stretched = |stretched_bytes_max| {
        let mut trace = trace(1024, 0);
        trace.limits.stretched_bytes_max = stretched_bytes_max;
        trace.state_hashes(&[6000]);
        trace.keep_on_the_way(4000, 4500);
        trace.state_hashes_keeping(&[4500, 5000, 5500], Keep::IfSpare);
        let before = trace.interpreted_steps();
        trace.state_hashes(&[4100]);
        trace.interpreted_steps() - before
    };
    assert_eq!(stretched(0), 4100, "from the first state");
    assert_eq!(stretched(u64::MAX), 100);
}

#[test]
fn nothing_is_kept_where_the_run_does_not_come_by() {
    let mut trace = ample();
    trace.state_hashes_kept(&[1000, 2000]);
    trace.keep_on_the_way(1500, 2500);
    assert_eq!(trace.checkpoints.len(), 3, "2500 is reached from 2000");
    let end = trace.halt_step();
    trace.keep_on_the_way(end, end + 5);
    assert_eq!(trace.checkpoints.len(), 3, "nothing is behind the halt");
    trace.keep_on_the_way(2200, 2500);
    assert!(trace.checkpoints.contains_key(&2200));
}

#[test]
fn spare_room_is_taken_and_none_is_made() {
    let mut trace = trace(2, u64::MAX);
    trace.state_hashes_keeping(&[1000, 2000, 3000, 4000], Keep::IfSpare);
    assert_eq!(trace.checkpoints.keys().copied().collect::<Vec<u64>>(), [0, 1000, 2000]);
    trace.state_hashes_keeping(&[4000], Keep::Always);
    assert!(trace.checkpoints.len() == 3 && trace.checkpoints.contains_key(&4000));
}

/// A hundred pages and more are written between neighbouring questions, so that they are hashed beside the run; asked for one by
/// one, each is hashed on the spot.
#[test]
fn states_that_are_hashed_beside_the_run_are_those_that_are_hashed_on_the_spot() {
    let wasm = wat::parse_str(
        r#"(module (memory 64) (func (export "_start") (local i32)
          (loop $l
            (i64.store (i32.and (i32.mul (local.get 0) (i32.const 20984)) (i32.const 0x3fffff)) (i64.extend_i32_u (local.get 0)))
            (if (i32.eqz (i32.and (local.get 0) (i32.const 0xfff))) (then (drop (memory.grow (i32.const 1)))))
            (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 20000))))))"#,
    )
    .unwrap();
    let program = Program::from_wasm(&wasm).unwrap();
    let trace = || Trace::new(program.boot(Arc::new(Vec::new()), Limits::default()).unwrap());
    let steps: Vec<u64> = (0..40).map(|i| i * 5003).chain([200_000, u64::MAX, u64::MAX]).collect();
    let mut on_the_spot = trace();
    let wanted: Vec<B256> = steps.iter().map(|step| on_the_spot.record_at(*step).hash()).collect();
    for has_helper in [true, false] {
        let mut trace = Trace { has_helper, ..trace() };
        assert_eq!(trace.state_hashes_kept(&steps), wanted);
        // From checkpoints that were completed later than they were taken.
        for (step, wanted) in steps.iter().zip(&wanted).rev() {
            assert_eq!(trace.record_at(*step).hash(), *wanted, "step {step}");
        }
        assert_eq!(trace.state_hashes(&steps[3..]), wanted[3..]);
        let proof = trace.prove(100_001);
        assert_eq!(verify_step(proof.before, &proof.witness).unwrap(), proof.after);
    }
}

#[test]
fn a_narrower_question_costs_its_own_span() {
    let mut trace = ample();
    let steps: Vec<u64> = (0..=8).map(|i| i * 1000).collect();
    trace.state_hashes_kept(&steps);
    let before = trace.interpreted_steps();
    trace.state_hashes(&[3100, 3200, 3300]);
    assert_eq!(trace.interpreted_steps() - before, 300);
}

#[test]
fn every_proof_holds_and_leads_to_the_next_state() {
    let mut trace = ample();
    let end = trace.halt_step();
    for step in [0, 1, 5, 4000, end - 1, end, end + 7] {
        let proof = trace.prove(step);
        assert_eq!(proof.before, trace.record_at(step), "step {step}");
        assert_eq!(proof.after, trace.record_at(step + 1), "step {step}");
        assert_eq!(verify_step(proof.before, &proof.witness).unwrap(), proof.after, "step {step}");
    }
}

//! What evidence costs, however many games ask for it.

use std::sync::Arc;

use assay_machine::program::{Limits, Program};

use super::*;

const GAMES: u64 = 300;

/// A run of about 2^20 steps.
fn trace() -> Trace {
    let wasm = wat::parse_str(
        r#"(module (memory 1) (func (export "_start") (local i32)
          (loop $l
            (i32.store (i32.const 8) (local.get 0))
            (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 200000))))))"#,
    )
    .unwrap();
    let program = Program::from_wasm(&wasm).unwrap();
    Trace::with_limits(program.boot(Arc::new(Vec::new()), Limits::default()).unwrap(), checkpoint_limits())
}

/// All that a game asks at one of its levels, twice: a player asks again until its move is mined.
fn ask(evidence: &TraceEvidence, segment: Segment) {
    for _ in 0..2 {
        let Ok(_) = evidence.state_hashes(&[segment.start]);
        let Ok(_) = evidence.state_hashes(&segment.boundaries().collect::<Vec<u64>>());
    }
}

#[test]
fn hundreds_of_games_cost_no_passes_of_their_own() {
    let evidence = TraceEvidence::new(trace());
    let run = Segment { start: 0, length: 1 << 20 };
    evidence.survey(run, Crowd::Many);
    let pass = evidence.interpreted_steps();
    assert!(pass > 800_000, "a run of {pass} steps");
    // Each game goes its own way; all are at the same level at a time, and all want the last state.
    let mut segments: Vec<(u64, Segment)> = (0..GAMES).map(|game| (game * 0x9e37_79b9 % pass, run)).collect();
    for _ in 0..3 {
        for (target, segment) in &mut segments {
            let Ok(_) = evidence.regions(run.length);
            ask(&evidence, *segment);
            if segment.length > 1 {
                let part = (*target - segment.start) / (segment.length / segment.parts()) + 1;
                *segment = segment.part(part);
            }
        }
    }
    for (target, _) in &segments {
        for _ in 0..3 {
            let Ok(proof) = evidence.step_proof(*target);
            assert_eq!(proof.after.hash(), evidence.state_hashes(&[*target + 1]).unwrap()[0]);
        }
    }
    let all = evidence.interpreted_steps();
    assert!(all * 2 <= pass * 3, "{all} steps, {:.2} passes", all as f64 / pass as f64);
}

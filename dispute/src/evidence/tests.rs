//! What evidence costs, however many games ask for it.

use std::sync::Arc;

use assay_machine::interpreter::Interpreter;
use assay_machine::program::{Limits, Program};

use super::runs::{RunId, Runs, RunsConfig};
use super::*;

const GAMES: u64 = 300;
/// The whole of the runs here.
const RUN: Segment = Segment { start: 0, length: 1 << 24 };

/// A loop of so many turns, each of which writes a cell.
fn boot(address: &str, turns: u32) -> Interpreter {
    let wasm = wat::parse_str(format!(
        r#"(module (memory 16) (func (export "_start") (local i32)
          (loop $l
            (i32.store {address} (local.get 0))
            (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const {turns}))))))"#,
    ))
    .unwrap();
    let program = Program::from_wasm(&wasm).unwrap();
    program.boot(Arc::new(Vec::new()), Limits::default()).unwrap()
}

/// Writes the same cell again and again.
fn still() -> Interpreter {
    boot("(i32.const 8)", 2_000_000)
}

/// Writes to another page in each turn: all 256 pages of its memory change in a thousand steps or two.
fn restless() -> Interpreter {
    boot("(i32.and (i32.mul (local.get 0) (i32.const 4100)) (i32.const 0xffff8))", 1_600_000)
}

/// A game that goes down to a step.
struct Play {
    target: u64,
    segment: Segment,
}

impl Play {
    fn new(target: u64) -> Self {
        Self { target, segment: RUN }
    }

    /// All that a player asks in one round, twice: it asks again until its move is mined.
    fn ask(&mut self, evidence: &dyn Evidence<Error = Infallible>) {
        let segment = self.segment;
        let boundaries: Vec<u64> = segment.boundaries().collect();
        let part = (self.target - segment.start) / (segment.length / segment.parts()) + 1;
        let below = (segment.length > segment.parts()).then(|| segment.part(part));
        for _ in 0..2 {
            let Ok(_) = evidence.regions(RUN.length);
            let Ok(_) = evidence.state_hashes(&boundaries);
            if let Some(below) = below {
                let steps: Vec<u64> = std::iter::once(below.start).chain(below.boundaries()).collect();
                let Ok(_) = evidence.state_hashes(&steps);
            } else {
                let Ok(proof) = evidence.step_proof(self.target);
                let Ok(after) = evidence.state_hashes(&[self.target + 1]);
                assert_eq!(proof.after.hash(), after[0]);
            }
        }
        self.segment = below.unwrap_or(segment);
    }

    /// Levels of a game about the whole run.
    fn levels() -> u32 {
        RUN.length.ilog2() / ARITY.ilog2()
    }
}

/// Games that begin when there were a few already, through the runs of a process as a player asks them.
#[test]
fn few_games_and_then_hundreds_cost_no_passes_of_their_own() {
    let runs = Runs::new(RunsConfig::default());
    let id = RunId {
        program: B256::ZERO,
        input: assay_machine::memory::commit_blob(&[]).unwrap(),
        limits: Limits::default(),
    };
    let lend = || runs.lend(id, RUN, || Ok::<_, Infallible>(still())).unwrap_or_else(|never| match never {});
    drop(lend());
    let pass = runs.interpreted_steps();
    assert!(pass > RUN.length / 4, "a run of {pass} steps");
    let play = |games: std::ops::Range<u64>| {
        let mut games: Vec<Play> = games.map(|game| Play::new(game * 0x9e37_79b9 % pass)).collect();
        // All are at the same level at a time.
        for _ in 0..Play::levels() {
            games.iter_mut().for_each(|game| game.ask(&lend()));
        }
        runs.interpreted_steps() as f64 / pass as f64
    };
    let few = play(1..3);
    assert!(few <= 1.1, "{few} passes for two games");
    let many = play(3..GAMES);
    assert!(many <= 1.5, "{many} passes for all");
    assert_eq!(runs.surveys(), 1);
}

/// A run that writes more than its checkpoints may hold: one is kept where a game is, and a game costs two passes.
#[test]
fn a_game_on_a_run_that_writes_much_takes_two_passes() {
    let passes = |stretched_bytes_max, place: fn(u64) -> u64| {
        let limits = CheckpointLimits { bytes_max: 0, stretched_bytes_max, ..checkpoint_limits() };
        let evidence = TraceEvidence::new(Trace::with_limits(restless(), limits));
        evidence.survey(RUN);
        let pass = evidence.interpreted_steps();
        let mut game = Play::new(place(pass));
        (0..Play::levels()).for_each(|_| game.ask(&evidence));
        evidence.interpreted_steps() as f64 / pass as f64
    };
    // At the end; in the middle; in the first part of every segment but the opening.
    let places: [fn(u64) -> u64; 3] =
        [|pass| pass - 2, |pass| pass / 2 + 777, |pass| pass / (RUN.length / ARITY) * (RUN.length / ARITY)];
    for (number, place) in places.into_iter().enumerate() {
        let stretched = passes(u64::MAX, place);
        assert!(stretched <= 2.2, "place {number}: {stretched} passes");
    }
    let without = passes(0, places[0]);
    assert!(without > 3.0, "every level begins at the first state: {without} passes");
}

/// A survey hashes and copies about as many pages as its steps pay for, however many the run writes.
#[test]
fn a_survey_of_a_run_that_writes_much_hashes_one_level() {
    let work = |run| {
        let mut evidence = TraceEvidence::new(Trace::with_limits(run, checkpoint_limits()));
        evidence.survey(RUN);
        let halted_at = evidence.interpreted_steps();
        let inner = evidence.inner.get_mut().unwrap();
        (inner.trace().page_work(), inner.known.range(..halted_at).count(), inner.known.len())
    };
    let (pages, hashes, _) = work(restless());
    // The opening level, a state of each part that tells what the others would take, and what the steps pay for.
    let most = 2 * 64 * 257 + RUN.length / STEPS_PER_PAGE + PAGES_MIN;
    assert!(pages <= most && hashes < 1000, "{pages} pages, {hashes} states");
    let (_, _, hashes) = work(still());
    assert_eq!(hashes, 4096);
}

/// In a long run the level below is hashed as well, with half of what there is for it.
#[test]
fn the_lowest_level_of_a_long_run_is_hashed_where_it_can_be_paid() {
    let part = Segment { start: 0, length: STRIDE_LOWEST * ARITY * ARITY };
    let survey = |part: Segment, pages: u64| {
        let run = boot("(i32.const 8)", 30_000_000);
        let mut evidence = TraceEvidence::new(Trace::with_limits(run, checkpoint_limits()));
        let inner = evidence.inner.get_mut().unwrap();
        let begun = inner.trace().page_work();
        let is_done = inner.survey_within(part, LEVELS_BELOW, begun + pages);
        assert!(inner.trace().interpreted_steps() <= part.length, "one pass");
        assert!(inner.trace().page_work() <= begun + pages);
        (is_done, inner.known.len() as u64)
    };
    assert_eq!(survey(part, 1 << 20), (true, ARITY * ARITY - 1));
    let (is_done, states) = survey(part, 16 * ARITY);
    assert!(is_done && states > ARITY - 1 && states < 16 * ARITY, "{states} states, the first level among them");
    let (is_done, states) = survey(part, ARITY / 2);
    assert!(!is_done && states < ARITY, "{states} states of a level that can't be paid");
    let shorter = Segment { length: part.length / 2, ..part };
    assert_eq!(survey(shorter, 1 << 20), (true, ARITY - 1), "hashing would take as long as the steps");
}

#[test]
fn answers_outlive_the_trace() {
    let evidence = TraceEvidence::new(Trace::new(still()));
    let wanted = evidence.state_hashes(&[1000, 2000]).unwrap();
    let (whole, steps) = (evidence.held_bytes(), evidence.interpreted_steps());
    assert!(evidence.rest().is_some() && evidence.rest().is_none() && evidence.is_at_rest());
    assert!(evidence.held_bytes() < whole / 100, "{} of {whole} bytes", evidence.held_bytes());
    assert_eq!(evidence.state_hashes(&[1000, 2000]).unwrap(), wanted);
    assert_eq!(evidence.interpreted_steps(), steps);
    evidence.resume(Trace::new(still()));
    assert_eq!(evidence.step_proof(999).unwrap().after.hash(), wanted[0]);
    assert_eq!(evidence.interpreted_steps(), steps + 999);
}

//! Test equipment: an executor that lies, in one stated way, so that a devnet and tests can show that liars are caught.
//!
//! Owns the two places where a lie enters: what is made of a run's result ([`Liar::told`]) and what evidence the player is given
//! ([`Liar::cases`]). Everything else of a dishonest executor is the honest one's code. Off by default, and logged loudly when it is on.

use std::convert::Infallible;
use std::sync::Arc;

use alloy_primitives::{Bytes, keccak256};
use assay_dispute::game::Evidence;
use assay_machine::interpreter::StepProof;
use assay_machine::memory::{ChunkProof, RegionRoots};
use assay_machine::record::Record;
use assay_player::cases::{CaseSource, OpenCase, SharedEvidence};
use assay_player::chain::{Chain, LeafId, SourceMissing};
use assay_protocol::objects::TaskRequest;
use assay_protocol::{B256, Outcome, Status};
use serde::{Deserialize, Serialize};
use tracing::error;

/// How an executor lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Corruption {
    /// Not at all.
    #[default]
    None,
    /// The output has another first byte.
    WrongOutput,
    /// A unit of fuel too many or too few.
    WrongFuel,
    /// Another exit code or trap code, as if some state had been another from a step on; it defends that story.
    WrongState,
    /// A wrong output, and never a move in a dispute.
    Silent,
}

/// How, about what, and since when an executor lies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CorruptionConfig {
    /// How.
    pub kind: Corruption,
    /// Share of tasks that it lies about, from 0 to 1. 1.
    pub share: f64,
    /// First step whose state is another, where the lie has one. 1.
    pub from_step: u64,
    /// Decides, with the share, which tasks those are. 0.
    pub seed: u64,
}

impl Default for CorruptionConfig {
    fn default() -> Self {
        Self { kind: Corruption::None, share: 1.0, from_step: 1, seed: 0 }
    }
}

/// Lies, as the configuration says.
#[derive(Clone, Debug)]
pub struct Liar {
    config: CorruptionConfig,
}

/// What is told of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// How it ended.
    pub outcome: Outcome,
    /// What it wrote.
    pub output: Bytes,
    /// Whether that is true.
    pub is_true: bool,
}

impl Liar {
    /// A liar, unless the configuration has none. Says so as an error: nobody runs this by accident.
    #[must_use]
    pub fn new(config: &CorruptionConfig) -> Option<Self> {
        if config.kind == Corruption::None {
            return None;
        }
        error!(kind = ?config.kind, share = config.share, "TEST EQUIPMENT: this executor lies, and will lose its stake");
        Some(Self { config: config.clone() })
    }

    /// Whether it never moves in a dispute.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.config.kind == Corruption::Silent
    }

    /// Whether it lies about a task.
    #[must_use]
    pub fn lies_about(&self, task: &B256) -> bool {
        let hash = keccak256([task.as_slice(), &self.config.seed.to_be_bytes()].concat());
        let draw = u64::from_be_bytes(*hash.first_chunk().expect("a hash has 32 bytes"));
        u128::from(draw) < (self.config.share.clamp(0.0, 1.0) * 2f64.powi(64)) as u128
    }

    /// What it says of a run, within the bounds of the request: a lie that shows on its face would not even be posted.
    #[must_use]
    pub fn told(&self, task: &B256, request: &TaskRequest, outcome: Outcome, output: Bytes) -> Told {
        if !self.lies_about(task) {
            return Told { outcome, output, is_true: true };
        }
        // Exhaustion has one form; who lies about it claims another ending.
        let ended = match outcome.status {
            Status::OutOfFuel => Outcome { status: Status::Exit, code: 0, fuel_used: request.fuel_limit },
            _ => outcome.clone(),
        };
        let (outcome, output) = match self.config.kind {
            Corruption::WrongOutput | Corruption::Silent => wrong_output(request, ended, output),
            Corruption::WrongFuel => (wrong_fuel(request, ended), output),
            Corruption::WrongState => (Outcome { code: ended.code ^ 1, ..ended }, output),
            Corruption::None => (outcome, output),
        };
        Told { outcome, output, is_true: false }
    }

    /// The cases that its player is given.
    #[must_use]
    pub fn cases(&self, chain: Chain, honest: Arc<dyn CaseSource>) -> Arc<dyn CaseSource> {
        if self.config.kind != Corruption::WrongState {
            return honest;
        }
        Arc::new(LyingCases { chain, honest, liar: self.clone() })
    }
}

fn wrong_output(request: &TaskRequest, outcome: Outcome, output: Bytes) -> (Outcome, Bytes) {
    let mut bytes = output.to_vec();
    match bytes.first_mut() {
        Some(first) => *first ^= 1,
        None if request.output_length_max > 0 => bytes.push(1),
        // There is no other output: another code, then.
        None => return (Outcome { code: outcome.code ^ 1, ..outcome }, output),
    }
    (outcome, bytes.into())
}

fn wrong_fuel(request: &TaskRequest, outcome: Outcome) -> Outcome {
    let fuel_used = match outcome.fuel_used < request.fuel_limit {
        true => outcome.fuel_used + 1,
        false => outcome.fuel_used - 1,
    };
    Outcome { fuel_used, ..outcome }
}

/// Cases whose evidence is false from a step on, where it was lied about.
struct LyingCases {
    chain: Chain,
    honest: Arc<dyn CaseSource>,
    liar: Liar,
}

impl CaseSource for LyingCases {
    fn open(&self, leaf: LeafId) -> Result<OpenCase, SourceMissing> {
        let opened = self.honest.open(leaf)?;
        let is_lie = self.chain.claim(leaf)?.is_some_and(|claim| self.liar.lies_about(&claim.result.task));
        if !is_lie {
            return Ok(opened);
        }
        let evidence = LyingEvidence { truth: opened.evidence, from_step: self.liar.config.from_step };
        Ok(OpenCase { case: opened.case, evidence: Arc::new(evidence) })
    }
}

/// A run as a liar tells it: hashes of nothing from a step on.
struct LyingEvidence {
    truth: SharedEvidence,
    from_step: u64,
}

impl Evidence for LyingEvidence {
    type Error = Infallible;

    fn state_hashes(&self, steps: &[u64]) -> Result<Vec<B256>, Infallible> {
        let Ok(truth) = self.truth.state_hashes(steps);
        let told = |(step, hash): (&u64, B256)| if *step < self.from_step { hash } else { keccak256(hash) };
        Ok(steps.iter().zip(truth).map(told).collect())
    }

    fn step_proof(&self, step: u64) -> Result<StepProof, Infallible> {
        self.truth.step_proof(step)
    }

    fn regions(&self, step: u64) -> Result<(Record, RegionRoots), Infallible> {
        self.truth.regions(step)
    }

    fn boot_leaf(&self) -> Result<ChunkProof, Infallible> {
        self.truth.boot_leaf()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::request;

    fn liar(kind: Corruption) -> Liar {
        Liar { config: CorruptionConfig { kind, ..CorruptionConfig::default() } }
    }

    fn ended(status: Status, code: u32, fuel_used: u64) -> Outcome {
        Outcome { status, code, fuel_used }
    }

    #[test]
    fn nobody_lies_by_default() {
        assert!(Liar::new(&CorruptionConfig::default()).is_none());
    }

    /// Every lie differs from the truth in what it is about, and keeps the bounds of the request, so that only running it again shows it.
    #[test]
    fn lies_are_false_and_do_not_show() {
        let request = request();
        let kinds = [Corruption::WrongOutput, Corruption::WrongFuel, Corruption::WrongState, Corruption::Silent];
        let limit = request.fuel_limit;
        let truths = [
            (ended(Status::Exit, 0, 17), Bytes::from_static(b"out")),
            (ended(Status::Exit, 0, 0), Bytes::new()),
            (ended(Status::Exit, 0, limit), Bytes::new()),
            (ended(Status::Trap, 1, 17), Bytes::from_static(b"o")),
            (ended(Status::OutOfFuel, 0, limit), Bytes::new()),
        ];
        for kind in kinds {
            for (outcome, output) in &truths {
                let told = liar(kind).told(&B256::ZERO, &request, outcome.clone(), output.clone());
                assert!(!told.is_true);
                assert_ne!((&told.outcome, &told.output), (outcome, output), "{kind:?} of {outcome:?}");
                assert_ne!(told.outcome.status, Status::OutOfFuel, "exhaustion has one form");
                assert!(told.outcome.fuel_used <= limit && told.output.len() as u64 <= request.output_length_max);
            }
        }
    }

    #[test]
    fn without_room_for_an_output_the_code_is_wrong() {
        let request = TaskRequest { output_length_max: 0, ..request() };
        let told = liar(Corruption::WrongOutput).told(&B256::ZERO, &request, ended(Status::Exit, 0, 1), Bytes::new());
        assert_eq!((told.outcome.code, told.output.len()), (1, 0));
    }

    /// The share of tasks lied about lies within five standard deviations of what was asked for, and follows from task and seed.
    #[test]
    fn a_share_of_tasks_is_lied_about() {
        let config = CorruptionConfig { kind: Corruption::WrongFuel, share: 0.1, ..CorruptionConfig::default() };
        let drawn = |config: CorruptionConfig| {
            let liar = Liar { config };
            (0..10_000_u64).map(move |task| liar.lies_about(&keccak256(task.to_be_bytes()))).collect::<Vec<_>>()
        };
        let lies = drawn(config.clone()).iter().filter(|lie| **lie).count();
        assert!((850..=1150).contains(&lies), "{lies} of 10000");
        assert_eq!(drawn(config.clone()), drawn(config.clone()));
        assert_ne!(drawn(config.clone()), drawn(CorruptionConfig { seed: 1, ..config }));
    }

    struct Counting;

    impl Evidence for Counting {
        type Error = Infallible;
        fn state_hashes(&self, steps: &[u64]) -> Result<Vec<B256>, Infallible> {
            Ok(steps.iter().map(|step| keccak256(step.to_be_bytes())).collect())
        }
        fn step_proof(&self, _: u64) -> Result<StepProof, Infallible> {
            unreachable!("not asked for")
        }
        fn regions(&self, _: u64) -> Result<(Record, RegionRoots), Infallible> {
            unreachable!("not asked for")
        }
        fn boot_leaf(&self) -> Result<ChunkProof, Infallible> {
            unreachable!("not asked for")
        }
    }

    #[test]
    fn evidence_is_false_from_its_step_on() {
        let lying = LyingEvidence { truth: Arc::new(Counting), from_step: 5 };
        let steps = [0, 4, 5, 100];
        let (Ok(told), Ok(truth)) = (lying.state_hashes(&steps), Counting.state_hashes(&steps));
        let is_true: Vec<bool> = told.iter().zip(&truth).map(|(told, truth)| told == truth).collect();
        assert_eq!(is_true, [true, true, false, false]);
    }
}

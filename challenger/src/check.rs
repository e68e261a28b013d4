//! One leaf run again, and what that says of its claim.
//!
//! Owns the comparison. Input and WASM come from L1, or from where the chain's sources look besides; whether the claim is wrong is for
//! the machine to say, and the player asks it once more, step by step, before it bonds anything.

use std::time::Duration;

use assay_dispute::game::Claimed;
use assay_node::Remedy;
use assay_player::chain::{ChainError, LeafId, SourceMissing, Sources};
use assay_protocol::{BlobRef, Status};
use assay_runner::{Declined, Inputs, NoRoom, Ran, Runner, Unready, Watch};

use crate::rows::Verdict;

/// What came of running a leaf again.
#[derive(Debug)]
pub enum Checked {
    /// A verdict.
    Verdict {
        /// It.
        verdict: Verdict,
        /// Why, where it is not what was hoped for.
        reason: String,
        /// How long the run took.
        time: Duration,
    },
    /// Not now: it may be later.
    Later {
        /// Why.
        reason: String,
    },
    /// There is nothing to be said: L1 has dropped the leaf, or its batch is faulty on its face.
    Nothing {
        /// Why.
        reason: String,
    },
    /// The chain can't be asked.
    Failed(ChainError),
}

/// Runs a leaf again, when there is room for its input. Blocks for as long as that takes, on a worker thread of a runtime.
#[must_use]
pub fn check(sources: &Sources, runner: &Runner, inputs: &Inputs, leaf: LeafId, watch: &Watch) -> Checked {
    // Taken by what is claimed, before any byte is here.
    let bytes = match sources.input_bytes(leaf) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return without_sources(SourceMissing::Leaf(leaf)),
        Err(error) => return without_sources(error.into()),
    };
    let _room = match inputs.take_blocking(bytes) {
        Ok(room) => room,
        Err(error @ NoRoom { .. }) => {
            let (verdict, reason) = (Verdict::Declined, error.to_string());
            return Checked::Verdict { verdict, reason, time: Duration::ZERO };
        }
    };
    let run = match sources.run(leaf) {
        Ok(run) => run,
        Err(missing) => return without_sources(missing),
    };
    let declined = |reason: String| Checked::Verdict { verdict: Verdict::Declined, reason, time: Duration::ZERO };
    let ready = match runner.prepare(run.descriptor.id(), &run.wasm) {
        Ok(ready) => ready,
        // An image made by hand, or a module that no lowering takes: nobody can run it by its module.
        Err(error @ (Unready::Foreign { .. } | Unready::Program(_))) => return declined(error.to_string()),
    };
    match runner.run(&ready, &run.input, run.limits(), watch) {
        Ok(ran) => {
            let reason = difference(&run.claimed(), &ran);
            let verdict = if reason.is_none() { Verdict::Agreed } else { Verdict::Wrong };
            Checked::Verdict { verdict, reason: reason.unwrap_or_default(), time: ran.time }
        }
        Err(Declined::Stopped) => Checked::Later { reason: "the process stops".into() },
        Err(error) => declined(error.to_string()),
    }
}

fn without_sources(missing: SourceMissing) -> Checked {
    let reason = missing.to_string();
    match missing {
        SourceMissing::Blob { .. } => Checked::Later { reason },
        SourceMissing::Chain(ChainError::Unopenable(_))
        | SourceMissing::Leaf(_)
        | SourceMissing::Face(_)
        | SourceMissing::Unregistered(_) => Checked::Nothing { reason },
        SourceMissing::Chain(error) if error.remedy() == Remedy::Reset => Checked::Later { reason },
        SourceMissing::Chain(error) => Checked::Failed(error),
        SourceMissing::TooDeep { .. } => {
            Checked::Verdict { verdict: Verdict::Unavailable, reason, time: Duration::ZERO }
        }
        SourceMissing::Program(_) | SourceMissing::ForeignImage { .. } => {
            Checked::Verdict { verdict: Verdict::Declined, reason, time: Duration::ZERO }
        }
    }
}

/// How a run differs from what is claimed of it.
#[must_use]
pub fn difference(claimed: &Claimed, ran: &Ran) -> Option<String> {
    let output = output_of(ran);
    let got = (claimed.status, claimed.code, claimed.fuel_used, claimed.output);
    let wanted = (ran.outcome.status as u8, ran.outcome.code, ran.outcome.fuel_used, output);
    if got == wanted {
        return None;
    }
    let words = |(status, code, fuel, output): (u8, u32, u64, BlobRef)| {
        let status = Status::from_byte(status).map_or_else(|| status.to_string(), |status| format!("{status:?}"));
        format!("{status} {code}, fuel {fuel}, output {} of {} bytes", output.root, output.length)
    };
    Some(format!("claimed {}; it is {}", words(got), words(wanted)))
}

/// The output of a run as a blob.
fn output_of(ran: &Ran) -> BlobRef {
    assay_runner::blob_of(&ran.output)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::Outcome;
    use assay_runner::EngineUsed;

    fn ran() -> Ran {
        let outcome = Outcome { status: Status::Exit, code: 3, fuel_used: 17 };
        Ran { outcome, output: b"out".to_vec(), engine: EngineUsed::Native, time: Duration::ZERO }
    }

    fn claimed() -> Claimed {
        Claimed { status: 1, code: 3, fuel_used: 17, fuel_limit: 100, output: output_of(&ran()) }
    }

    #[test]
    fn any_field_that_differs_is_wrong_and_named() {
        assert_eq!(difference(&claimed(), &ran()), None);
        let longer = BlobRef { length: 4, ..claimed().output };
        let wrong = [
            Claimed { status: 2, ..claimed() },
            Claimed { code: 2, ..claimed() },
            Claimed { fuel_used: 18, ..claimed() },
            Claimed { output: longer, ..claimed() },
            Claimed { output: BlobRef { root: assay_protocol::B256::ZERO, ..claimed().output }, ..claimed() },
        ];
        for claimed in wrong {
            let words = difference(&claimed, &ran()).expect("it differs");
            assert!(words.contains("Exit 3, fuel 17"), "{words}");
        }
        // The limit is the request's, and no part of the claim.
        assert_eq!(difference(&Claimed { fuel_limit: 18, ..claimed() }, &ran()), None);
    }

    #[test]
    fn what_is_missing_decides_what_is_said() {
        let leaf = LeafId { region: assay_protocol::B256::ZERO, batch: 0, index: 0 };
        let blob = claimed().output;
        let later = without_sources(SourceMissing::Blob { what: "input", blob, reason: "gone".into() });
        assert!(matches!(later, Checked::Later { .. }));
        assert!(matches!(without_sources(SourceMissing::Face(leaf)), Checked::Nothing { .. }));
        let deep = without_sources(SourceMissing::TooDeep { leaf, most: 8 });
        assert!(matches!(deep, Checked::Verdict { verdict: Verdict::Unavailable, .. }));
        let foreign = SourceMissing::ForeignImage { got: leaf.region, wanted: leaf.region };
        assert!(matches!(without_sources(foreign), Checked::Verdict { verdict: Verdict::Declined, .. }));
        let unopenable = SourceMissing::Chain(ChainError::Unopenable(leaf));
        assert!(matches!(without_sources(unopenable), Checked::Nothing { .. }));
    }
}

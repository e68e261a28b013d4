//! One leaf run again, and what that says of its claim.
//!
//! Owns the comparison. Input and WASM come from L1, or from where the chain's sources look besides; whether the claim is wrong is for
//! the machine to say, and the player asks it once more, step by step, before it bonds anything.

use std::time::{Duration, Instant};

use assay_dispute::game::Claimed;
use assay_node::Remedy;
use assay_player::chain::{ChainError, LeafId, SourceMissing, Sources};
use assay_protocol::{BlobRef, Status};
use assay_runner::{Declined, Inputs, NoRoom, Ran, Runner, Unready, Watch};
use tokio::task::JoinError;
use tracing::error;

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
    /// The run of an earlier leaf, whose output is the input here, has another output than that leaf claims.
    False {
        /// The earlier leaf.
        leaf: LeafId,
        /// What differs.
        reason: String,
        /// How long that took.
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
        Ok(None) => return without_sources(SourceMissing::Leaf(leaf), Duration::ZERO),
        Err(error) => return without_sources(error.into(), Duration::ZERO),
    };
    let _room = match inputs.take_blocking(bytes) {
        Ok(room) => room,
        Err(error @ NoRoom { .. }) => return declined(error.to_string(), Duration::ZERO),
    };
    let began = Instant::now();
    let run = match sources.run(leaf) {
        Ok(run) => run,
        // Runs of earlier leaves were stopped with it.
        Err(_) if watch.is_over() => return stopped(),
        Err(missing) => return without_sources(missing, began.elapsed()),
    };
    let began = Instant::now();
    let ready = match runner.prepare(run.descriptor.id(), &run.wasm) {
        Ok(ready) => ready,
        // An image made by hand, or a module that no lowering takes: nobody can run it by its module.
        Err(error @ (Unready::Foreign { .. } | Unready::Program(_))) => {
            return declined(error.to_string(), began.elapsed());
        }
    };
    match runner.run(&ready, &run.input, run.limits(), watch) {
        Ok(ran) => {
            let reason = difference(&run.claimed(), &ran);
            let verdict = if reason.is_none() { Verdict::Agreed } else { Verdict::Wrong };
            Checked::Verdict { verdict, reason: reason.unwrap_or_default(), time: ran.time }
        }
        Err(Declined::Stopped) => stopped(),
        Err(error) => declined(error.to_string(), began.elapsed()),
    }
}

/// What comes of a check that panicked, which is a fault of ours: it costs the leaf, and not the process.
pub fn died(leaf: LeafId, error: &JoinError, time: Duration) -> Checked {
    error!(%leaf, %error, "running a leaf again has panicked");
    declined(error.to_string(), time)
}

fn declined(reason: String, time: Duration) -> Checked {
    Checked::Verdict { verdict: Verdict::Declined, reason, time }
}

fn stopped() -> Checked {
    Checked::Later { reason: "the process stops".into() }
}

fn without_sources(missing: SourceMissing, time: Duration) -> Checked {
    let reason = missing.to_string();
    match missing {
        SourceMissing::Blob { .. } => Checked::Later { reason },
        SourceMissing::Chain(ChainError::Unopenable(_))
        | SourceMissing::Leaf(_)
        | SourceMissing::Face(_)
        | SourceMissing::Unregistered(_) => Checked::Nothing { reason },
        SourceMissing::Chain(error) if error.remedy() == Remedy::Reset => Checked::Later { reason },
        SourceMissing::Chain(error) => Checked::Failed(error),
        SourceMissing::TooDeep { .. } => Checked::Verdict { verdict: Verdict::Unavailable, reason, time },
        SourceMissing::False { leaf, .. } => Checked::False { leaf, reason, time },
        // Another attempt takes this host as long, and comes to as much.
        SourceMissing::Output { .. } | SourceMissing::Program(_) | SourceMissing::ForeignImage { .. } => {
            declined(reason, time)
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
    use crate::scene::Scene;
    use assay_protocol::Outcome;
    use assay_runner::{EngineUsed, RunnerConfig};
    use assay_simulation::job::Job;

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
        const TIME: Duration = Duration::from_secs(3);
        let leaf = LeafId { region: assay_protocol::B256::ZERO, batch: 0, index: 0 };
        let blob = claimed().output;
        let said = |missing| without_sources(missing, TIME);
        let is_declined = |checked: &Checked| match checked {
            Checked::Verdict { verdict, time, .. } => (*verdict, *time) == (Verdict::Declined, TIME),
            _ => false,
        };
        let later = said(SourceMissing::Blob { what: "input", blob, reason: "gone".into() });
        assert!(matches!(later, Checked::Later { .. }));
        assert!(matches!(said(SourceMissing::Face(leaf)), Checked::Nothing { .. }));
        let deep = said(SourceMissing::TooDeep { leaf, most: 8 });
        assert!(matches!(deep, Checked::Verdict { verdict: Verdict::Unavailable, .. }));
        let foreign = said(SourceMissing::ForeignImage { got: leaf.region, wanted: leaf.region });
        assert!(is_declined(&foreign), "{foreign:?}");
        let output = said(SourceMissing::Output { leaf, reason: "the run took too long".into() });
        assert!(is_declined(&output), "as long again each time: {output:?}");
        let unopenable = SourceMissing::Chain(ChainError::Unopenable(leaf));
        assert!(matches!(said(unopenable), Checked::Nothing { .. }));
    }

    /// What has no result here has taken time, which counts.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_run_that_is_declined_says_how_long_it_took() {
        let scene = Scene::new(&Job::all()[1]);
        let (sources, leaf) = (Sources::of_l1(scene.chain()), scene.leaf);
        let runner = Runner::new(&RunnerConfig { memory_bytes_max: 1_000, ..RunnerConfig::default() }).unwrap();
        let work = move || check(&sources, &runner, &Inputs::new(1 << 20), leaf, &Watch::default());
        let checked = tokio::task::spawn_blocking(work).await.unwrap();
        let Checked::Verdict { verdict, reason, time } = checked else { panic!("no verdict: {checked:?}") };
        assert_eq!(verdict, Verdict::Declined, "{reason}");
        assert!(time > Duration::ZERO, "{reason}");
    }

    #[tokio::test]
    async fn a_panic_declines_the_leaf() {
        fn fails() -> Checked {
            panic!("a fault of ours");
        }
        let leaf = LeafId { region: assay_protocol::B256::ZERO, batch: 0, index: 0 };
        let error = tokio::task::spawn_blocking(fails).await.unwrap_err();
        let checked = died(leaf, &error, Duration::from_secs(2));
        let Checked::Verdict { verdict, reason, time } = checked else { panic!("no verdict: {checked:?}") };
        assert_eq!((verdict, time), (Verdict::Declined, Duration::from_secs(2)));
        assert!(reason.contains("a fault of ours"), "{reason}");
    }
}

//! What is done about a finding besides disputing it: a program is called, or the process ends.
//!
//! Owns the program's environment (specs/20-challenger.md, "Alarm"). It is called without a shell, with the arguments of the configuration.

use std::process::Stdio;
use std::time::Duration;

use alloy_primitives::Address;
use assay_player::chain::LeafId;
use assay_protocol::B256;
use serde::Serialize;
use thiserror::Error;

/// Longest time that the program may take.
const HOOK_TIME_MAX: Duration = Duration::from_secs(60);

/// Something that is wrong on L1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Finding {
    /// A result that is not what the machine computes.
    #[serde(rename_all = "camelCase")]
    WrongResult {
        /// The leaf.
        leaf: LeafId,
        /// Its task.
        task: B256,
        /// Who signed it.
        executor: Address,
        /// What is claimed and what is true.
        difference: String,
    },
    /// A batch with a fault on its face.
    #[serde(rename_all = "camelCase")]
    FaceFault {
        /// The region.
        region: B256,
        /// The batch.
        batch: u64,
        /// Number of the first fault in the list of specs/12-batches.md.
        fault: u8,
        /// The fault in words.
        words: String,
    },
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::WrongResult { leaf, task, executor, difference } => {
                write!(f, "the result of task {task} by {executor}, {leaf}, is wrong: {difference}")
            }
            Self::FaceFault { region, batch, fault, words } => {
                write!(f, "batch {batch} of region {region} has fault F{fault}: {words}")
            }
        }
    }
}

/// Why a program was not told.
#[derive(Debug, Error)]
pub enum HookError {
    /// It does not start.
    #[error("{program} can't be started: {reason}")]
    Start {
        /// The program.
        program: String,
        /// What the system says.
        reason: String,
    },
    /// It ended badly.
    #[error("{program} ended with {got}, wanted exit code 0")]
    Failed {
        /// The program.
        program: String,
        /// How.
        got: String,
    },
    /// It took too long, and was ended.
    #[error("{program} took longer than {seconds} s")]
    Late {
        /// The program.
        program: String,
        /// Seconds that it had.
        seconds: u64,
    },
}

impl Finding {
    /// What the program finds in its environment.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::WrongResult { leaf, task, executor, difference } => vec![
                ("ASSAY_FINDING", "wrong-result".into()),
                ("ASSAY_REGION", leaf.region.to_string()),
                ("ASSAY_BATCH", leaf.batch.to_string()),
                ("ASSAY_LEAF", leaf.index.to_string()),
                ("ASSAY_TASK", task.to_string()),
                ("ASSAY_EXECUTOR", executor.to_string()),
                ("ASSAY_WORDS", difference.clone()),
            ],
            Self::FaceFault { region, batch, fault, words } => vec![
                ("ASSAY_FINDING", "face-fault".into()),
                ("ASSAY_REGION", region.to_string()),
                ("ASSAY_BATCH", batch.to_string()),
                ("ASSAY_FAULT", format!("F{fault}")),
                ("ASSAY_WORDS", words.clone()),
            ],
        }
    }
}

/// Calls a program with a finding in its environment, and waits for it. No program, nothing to tell.
///
/// # Errors
/// [`HookError`].
pub(crate) async fn call(hook: &[String], environment: Vec<(String, String)>) -> Result<(), HookError> {
    let Some((program, arguments)) = hook.split_first() else { return Ok(()) };
    let start = |error: std::io::Error| HookError::Start { program: program.clone(), reason: error.to_string() };
    let mut command = tokio::process::Command::new(program);
    // What opens the keystore is none of its business.
    command.env_remove("ASSAY_PASSWORD");
    command.args(arguments).envs(environment).stdin(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(start)?;
    match tokio::time::timeout(HOOK_TIME_MAX, child.wait()).await {
        Err(_) => Err(HookError::Late { program: program.clone(), seconds: HOOK_TIME_MAX.as_secs() }),
        Ok(Err(error)) => Err(start(error)),
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(HookError::Failed { program: program.clone(), got: status.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Vec<(String, String)> {
        finding().environment().into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn finding() -> Finding {
        let region = B256::repeat_byte(1);
        Finding::FaceFault { region, batch: 7, fault: 3, words: "leaf 0: status 9, wanted 1, 2 or 3".into() }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_program_is_told_what_was_found() {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let path = folder.path().join("told");
        let shell = |script: String| vec!["sh".to_owned(), "-c".to_owned(), script];
        let script = format!("echo $ASSAY_FINDING $ASSAY_BATCH $ASSAY_FAULT \"$0\" > {}", path.display());
        let mut hook = shell(script);
        hook.push("argument with spaces".into());
        call(&hook, environment()).await.expect("it ends well");
        let told = std::fs::read_to_string(&path).expect("it was written");
        assert_eq!(told, "face-fault 7 F3 argument with spaces\n");

        let failed = call(&shell("exit 3".into()), environment()).await.expect_err("it ends badly");
        assert!(matches!(&failed, HookError::Failed { got, .. } if got.contains('3')), "{failed}");
        let missing = call(&["/no/such/program".into()], environment()).await.expect_err("there is none");
        assert!(matches!(missing, HookError::Start { .. }), "{missing}");
        call(&[], environment()).await.expect("no program, nothing to tell");
    }

    #[test]
    fn findings_say_what_is_wrong() {
        assert!(finding().to_string().contains("has fault F3"), "{}", finding());
        let leaf = LeafId { region: B256::ZERO, batch: 1, index: 2 };
        let wrong = Finding::WrongResult {
            leaf,
            task: B256::repeat_byte(3),
            executor: Address::repeat_byte(4),
            difference: "claimed this; it is that".into(),
        };
        assert!(wrong.to_string().contains("leaf 2 of batch 1"), "{wrong}");
        assert_eq!(wrong.environment()[0].1, "wrong-result");
    }
}

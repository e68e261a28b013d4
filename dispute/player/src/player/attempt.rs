//! Whether a job that is due is made now, made again, or waited for.
//!
//! Owns that decision, from what was written down and what became of it. Pure.

use alloy_primitives::keccak256;
use assay_node::tx::{IntentId, Outcome};
use assay_protocol::B256;
use assay_protocol::contracts::errors;

use super::rows::WorkRow;
use crate::chain::Head;

/// Attempts that follow each other within a minute, about an hour in all. A job without a clock is made again hourly after them: a bond
/// or a stake hangs on most, and what was in the way may be gone. One with a clock goes on as before until that has run out.
pub const ATTEMPTS_QUICK: u32 = 64;

/// Longest wait between quick attempts, in seconds of L1.
const WAIT_MAX: u64 = 64;
/// Wait between attempts after those.
const WAIT_SLOW: u64 = 3600;

/// What became of an attempt's intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The sender does not know it.
    Unknown,
    /// It is waiting, or sent and not deep enough.
    UnderWay,
    /// It is over.
    Settled(Outcome),
}

/// What to do about a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Make it, as this attempt.
    Make {
        /// Its number.
        attempt: u32,
        /// Why the one before was for nothing, if there was one.
        failed: Option<String>,
    },
    /// It is on its way, or it is too early for another attempt.
    Wait,
}

/// Decides about a job that is due at a head. `last` is the newest attempt with what the sender says of it; the sender is told intents
/// and rows in one commit, so that one without the other was forgotten. `has_clock` says whether it must be done by some time.
#[must_use]
pub fn decide(last: Option<(WorkRow, Progress)>, has_clock: bool, head: &Head) -> Decision {
    let Some((row, progress)) = last else { return Decision::Make { attempt: 0, failed: None } };
    let failed = match progress {
        Progress::Unknown => return Decision::Make { attempt: row.attempt, failed: None },
        Progress::UnderWay => return Decision::Wait,
        // What is done is not seen yet.
        Progress::Settled(Outcome::Done { block, .. }) if head.number < block => return Decision::Wait,
        Progress::Settled(outcome) => outcome_words(&outcome),
    };
    let is_slow = !has_clock && row.attempt + 1 >= ATTEMPTS_QUICK;
    let pause = if is_slow { WAIT_SLOW } else { wait(row.attempt) };
    if head.time < row.made_at.saturating_add(pause) {
        return Decision::Wait;
    }
    Decision::Make { attempt: row.attempt + 1, failed: Some(failed) }
}

/// Seconds of L1 between an attempt and the next one.
#[must_use]
pub fn wait(attempt: u32) -> u64 {
    1_u64.checked_shl(attempt).unwrap_or(WAIT_MAX).min(WAIT_MAX)
}

/// The intent of an attempt.
#[must_use]
pub fn intent_id(name: B256, attempt: u32) -> IntentId {
    keccak256([name.as_slice(), &attempt.to_be_bytes()].concat())
}

/// Why an intent was for nothing, in words: a contract's error by its name and arguments, whichever contract it was.
#[must_use]
pub fn outcome_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done { transaction, block } => format!("{transaction} of block {block} was dropped by L1"),
        Outcome::Reverted { transaction, data, reason } => {
            let reason = errors::words(data).unwrap_or_else(|| reason.clone());
            match transaction {
                Some(transaction) => format!("{transaction} reverted: {reason}"),
                None => format!("it would revert: {reason}"),
            }
        }
        Outcome::Refused { reason } => format!("refused: {reason}"),
        Outcome::Expired => "its time was over before it was sent".into(),
        Outcome::Withdrawn => "it was withdrawn".into(),
        Outcome::Orphaned => "what it follows came to nothing".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_sol_types::SolError;
    use assay_protocol::contracts::{Court, Examiner};

    fn head(number: u64, time: u64) -> Head {
        Head { number, hash: B256::ZERO, time }
    }

    fn row(attempt: u32) -> WorkRow {
        WorkRow { attempt, made_at: 100, block: 10, game: None }
    }

    fn reverted() -> Progress {
        Progress::Settled(Outcome::Reverted { transaction: None, data: Default::default(), reason: "no".into() })
    }

    #[test]
    fn a_job_is_made_once_and_again_when_it_came_to_nothing() {
        assert_eq!(decide(None, true, &head(10, 100)), Decision::Make { attempt: 0, failed: None });
        assert_eq!(decide(Some((row(0), Progress::UnderWay)), false, &head(99, 9999)), Decision::Wait);
        let done = Progress::Settled(Outcome::Done { transaction: B256::ZERO, block: 12 });
        assert_eq!(decide(Some((row(0), done.clone())), false, &head(11, 9999)), Decision::Wait, "the view lags");
        let dropped = decide(Some((row(0), done)), false, &head(12, 101));
        assert!(matches!(dropped, Decision::Make { attempt: 1, failed: Some(why) } if why.contains("dropped")));
        assert_eq!(
            decide(Some((row(3), Progress::Unknown)), false, &head(11, 101)),
            Decision::Make { attempt: 3, failed: None }
        );
    }

    #[test]
    fn attempts_wait_longer_each_time_and_never_end() {
        let made = |attempt, time| decide(Some((row(attempt), reverted())), false, &head(50, time));
        assert_eq!(made(0, 100), Decision::Wait);
        assert!(matches!(made(0, 101), Decision::Make { attempt: 1, .. }));
        assert_eq!(made(3, 107), Decision::Wait);
        assert!(matches!(made(3, 108), Decision::Make { attempt: 4, .. }));
        assert_eq!(made(40, 163), Decision::Wait);
        assert!(matches!(made(40, 164), Decision::Make { attempt: 41, .. }), "no wait is longer than a minute");
        assert!(matches!(made(ATTEMPTS_QUICK - 2, 164), Decision::Make { .. }), "an hour of them");
        for attempt in [ATTEMPTS_QUICK - 1, ATTEMPTS_QUICK, 9_999] {
            assert_eq!(made(attempt, 3_699), Decision::Wait, "attempt {attempt}");
            let again = Decision::Make { attempt: attempt + 1, failed: Some("it would revert: no".into()) };
            assert_eq!(made(attempt, 3_700), again, "nothing is given up, a restart changes nothing");
        }
        let clocked = decide(Some((row(ATTEMPTS_QUICK + 7), reverted())), true, &head(50, 164));
        assert!(matches!(clocked, Decision::Make { .. }), "while a clock runs no wait is longer than a minute");
        let others = [Outcome::Expired, Outcome::Withdrawn, Outcome::Refused { reason: "poor".into() }];
        for outcome in others {
            let decision = decide(Some((row(0), Progress::Settled(outcome))), false, &head(50, 101));
            assert!(matches!(decision, Decision::Make { attempt: 1, failed: Some(_) }));
        }
    }

    /// Whichever contract refused; the sender's words are for what no contract of ours says.
    #[test]
    fn what_reverted_is_told_by_the_name_of_the_error() {
        let told = |transaction, data: Vec<u8>| {
            outcome_words(&Outcome::Reverted {
                transaction,
                data: data.into(),
                reason: "custom error 0x01020304".into(),
            })
        };
        let length = Court::MoreThanOneStep { lengthLog2: 3 }.abi_encode();
        assert_eq!(told(None, length), "it would revert: MoreThanOneStep { lengthLog2: 3 }");
        let mined = told(Some(B256::ZERO), Examiner::StatusUnknown { given: 9 }.abi_encode());
        assert!(mined.ends_with(" reverted: StatusUnknown { given: 9 }"), "{mined}");
        assert_eq!(told(None, vec![1, 2, 3, 4]), "it would revert: custom error 0x01020304");
    }

    #[test]
    fn attempts_have_ids_of_their_own() {
        let ids: std::collections::BTreeSet<IntentId> = (0..100).map(|k| intent_id(B256::ZERO, k)).collect();
        assert_eq!(ids.len(), 100);
        assert_ne!(intent_id(B256::ZERO, 0), intent_id(B256::repeat_byte(1), 0));
    }
}

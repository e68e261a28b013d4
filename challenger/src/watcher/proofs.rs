//! Proofs of faults: made and sent in turn, until the batch is void or its window is over.
//!
//! Owns when the next one is due. What a proof is, [`faces`] says; that it gets to L1, the sender.

use assay_node::Remedy;
use assay_node::tx::{Outcome, Status};
use assay_player::chain::{BatchState, Head};
use assay_player::player::{outcome_words, wait};
use tracing::{error, info, warn};

use super::batches::row_of;
use super::{Watcher, blocking};
use crate::error::ChallengerError;
use crate::faces::{self, FaceError, Proof};
use crate::rows::{BATCHES, Face};
use crate::work::BatchKey;

/// How far the proof of a batch's faults has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Proving {
    /// Attempts that came to nothing.
    attempt: u32,
    /// L1 time before which there is no other.
    not_before: u64,
}

impl Proving {
    pub(super) fn resumed(attempt: u32) -> Self {
        Self { attempt, not_before: 0 }
    }

    /// When this attempt has come to nothing. Each fault has its turn at once; when all have had it, there is a wait, longer each time.
    fn after(attempt: u32, faults: u32, head: &Head) -> Self {
        let next = attempt + 1;
        let is_round_over = next.is_multiple_of(faults.max(1));
        let pause = if is_round_over { wait(next / faults.max(1) - 1) } else { 0 };
        Self { attempt: next, not_before: head.time + pause }
    }
}

/// What is to be done about an attempt at a proof of a batch that is not void.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Submit,
    Wait,
    /// It came to nothing, for this reason.
    Again(String),
}

fn next(status: Option<Status>, head: &Head) -> Next {
    match status {
        None => Next::Submit,
        Some(Status::Queued | Status::InFlight { .. }) => Next::Wait,
        // What is done is not seen yet.
        Some(Status::Settled(Outcome::Done { block, .. })) if head.number < block => Next::Wait,
        Some(Status::Settled(outcome)) => Next::Again(outcome_words(&outcome)),
    }
}

impl Watcher {
    /// Proves faults, in turn, until the batch is void.
    pub(super) async fn prove(&mut self, head: Head) -> Result<(), ChallengerError> {
        if self.shared.hands.is_none() {
            self.faulty.clear();
            return Ok(());
        }
        for (key, proving) in self.faulty.clone() {
            let found = self.shared.chain.batch(key.1, key.2);
            let is_void = found.as_ref().is_some_and(|batch| batch.voided_at.is_some());
            if head.time > self.window_end(key) {
                if !is_void {
                    error!(batch = key.2, region = %key.1, "the window of a faulty batch is over, and it was not voided");
                }
                self.faulty.remove(&key);
                self.close(&[key]).await?;
                continue;
            }
            let Some(batch) = found.filter(|_| !is_void && head.time >= proving.not_before) else { continue };
            self.prove_one(key, batch, proving.attempt, &head).await?;
        }
        Ok(())
    }

    async fn prove_one(
        &mut self,
        key: BatchKey,
        batch: BatchState,
        attempt: u32,
        head: &Head,
    ) -> Result<(), ChallengerError> {
        let (shared, proven) = (self.shared.clone(), batch.clone());
        let made = blocking(move || {
            let proof = faces::prove(&shared.chain, &proven, attempt)?;
            let sender = &shared.hands.as_ref().expect("who has none proves nothing").sender;
            let status = sender.status(&proof.intent.id).map_err(ChallengerError::from)?;
            Ok::<_, ChallengerError>((proof, status))
        });
        let (Proof { intent, faults }, status) = match made.await {
            Ok(made) => made,
            // What this fault's proof needs may come; another's may be there.
            Err(ChallengerError::Face(FaceError::Exhibit(error))) => {
                warn!(%error, batch = key.2, attempt, "a fault can't be proven now, the next is tried");
                self.faulty.insert(key, Proving::after(attempt, 1, head));
                return Ok(());
            }
            Err(error) if error.remedy() != Remedy::Stop => {
                warn!(%error, batch = key.2, "a fault can't be proven now");
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        match next(status, head) {
            Next::Submit => {
                info!(batch = key.2, region = %key.1, attempt, "a fault is being proven");
                self.meters.proofs.inc();
                let hands = self.shared.hands.as_ref().expect("who has none proves nothing");
                hands.sender.submit(intent).await?;
            }
            Next::Wait => {}
            Next::Again(outcome) => {
                warn!(outcome, batch = key.2, attempt, "a proof came to nothing, the next fault is tried");
                let proving = Proving::after(attempt, faults, head);
                let face = Face::Faulty { count: faults, proving: proving.attempt };
                let mut rows = self.shared.chain.store().batch();
                rows.put(&BATCHES, &(key.1, key.2), &row_of(&batch, face, false))?;
                rows.commit_async().await?;
                self.faulty.insert(key, proving);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{B256, Bytes};

    fn head(number: u64, time: u64) -> Head {
        Head { number, time, hash: B256::ZERO }
    }

    /// A single proof that L1 did not take must not be the last.
    #[test]
    fn a_proof_that_came_to_nothing_is_followed_by_others() {
        let reverted = Outcome::Reverted { transaction: None, data: Bytes::new(), reason: "void already".into() };
        assert_eq!(next(None, &head(5, 0)), Next::Submit);
        assert_eq!(next(Some(Status::Queued), &head(5, 0)), Next::Wait);
        assert!(matches!(next(Some(Status::Settled(reverted)), &head(5, 0)), Next::Again(_)));
        let done = || Some(Status::Settled(Outcome::Done { transaction: B256::ZERO, block: 6 }));
        assert_eq!(next(done(), &head(5, 0)), Next::Wait, "its block is not derived yet");
        assert!(matches!(next(done(), &head(6, 0)), Next::Again(_)), "L1 has dropped it: the batch is not void");

        let mut proving = Proving::default();
        let mut waits = Vec::new();
        for _ in 0..6 {
            proving = Proving::after(proving.attempt, 2, &head(9, 100));
            waits.push(proving.not_before - 100);
        }
        assert_eq!((proving.attempt, waits), (6, vec![0, 1, 0, 2, 0, 4]));
    }
}

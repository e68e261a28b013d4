//! Leaves: drawn from clean batches, run again by the workers, and judged.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use assay_node::Remedy;
use assay_player::chain::{Head, LeafId};
use assay_protocol::BlobRef;
use assay_protocol::objects::TaskRequest;
use tracing::{error, info, warn};

use super::{Watcher, blocking};
use crate::alarm::Finding;
use crate::check::{Checked, check};
use crate::error::ChallengerError;
use crate::kept;
use crate::rows::{TALLIES, Tally, VERDICTS, Verdict, VerdictRow};
use crate::survey;

/// Most attempts at bytes that are not to be had.
const ATTEMPTS_MAX: u32 = 12;

impl Watcher {
    /// Windows that are over: what was chosen and not run is missed, and bytes that no dispute needs any more may go.
    pub(super) async fn expire(&mut self, head: Head) -> Result<(), ChallengerError> {
        let shared = self.shared.clone();
        blocking(move || Ok(kept::prune(shared.chain.store(), &shared.blobs, head.time)?)).await?;
        for (key, left) in self.work.expire(head.time) {
            if !left.is_empty() {
                warn!(batch = key.2, region = %key.1, leaves = left.len(), "a window is over before its leaves were run");
            }
            let shared = self.shared.clone();
            let written = blocking(move || {
                let store = shared.chain.store();
                let mut batch = store.batch();
                let mut tallies: BTreeMap<Address, Tally> = BTreeMap::new();
                for index in &left {
                    let leaf = LeafId { region: key.1, batch: key.2, index: *index };
                    let Some(claim) = shared.chain.claim(leaf)? else { continue };
                    tallies.entry(claim.result.executor).or_default().add(Verdict::Missed);
                }
                for (executor, fresh) in tallies {
                    let mut tally: Tally = store.get(&TALLIES, &executor)?.unwrap_or_default();
                    tally.sampled += fresh.sampled;
                    tally.missed += fresh.missed;
                    batch.put(&TALLIES, &executor, &tally)?;
                }
                batch.commit()?;
                Ok::<_, ChallengerError>(left.len())
            });
            (0..written.await?).for_each(|_| self.meters.verdict(Verdict::Missed));
            self.close(&[key]).await?;
        }
        Ok(())
    }

    /// Draws leaves from clean batches, while the queue has room.
    pub(super) async fn draw(&mut self) -> Result<(), ChallengerError> {
        while let Some(key) = self.work.undrawn(self.shared.config.budget.leaves_max) {
            let shared = self.shared.clone();
            let drawn = blocking(move || survey::draw(&shared.chain, &shared.sampler, key)).await;
            match drawn {
                Ok(Some(chosen)) => {
                    if self.work.drawn(key, &chosen) {
                        self.close(&[key]).await?;
                    }
                }
                // L1 has dropped it, which the next look sees.
                Ok(None) => return Ok(()),
                Err(error) if error.remedy() != Remedy::Stop => {
                    warn!(%error, "leaves can't be drawn now");
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Keeps workers busy.
    pub(super) fn dispatch(&mut self, head: Head) {
        while self.checks.len() < self.shared.config.budget.workers.max(1) && self.budget.allows(self.began.elapsed()) {
            let Some(leaf) = self.work.take(head.time) else { return };
            let (shared, watch) = (self.shared.clone(), self.watch.clone());
            self.checks
                .spawn_blocking(move || (leaf, check(&shared.sources, &shared.runner, &shared.inputs, leaf, &watch)));
        }
    }

    /// Takes what a worker found.
    pub(super) async fn checked(&mut self, leaf: LeafId, checked: Checked, head: Head) -> Result<(), ChallengerError> {
        if !self.work.counts(leaf) {
            self.work.finished(leaf);
            return Ok(());
        }
        match checked {
            Checked::Verdict { verdict, reason, time } => {
                self.budget.spend(time);
                self.mean = self.mean.mul_add(0.9, time.as_secs_f64() * 0.1);
                self.meters.run_seconds.observe(time.as_secs_f64());
                self.verdict(leaf, verdict, reason).await
            }
            Checked::Later { reason } => {
                let attempts = self.work.later(leaf, head.time);
                if attempts < ATTEMPTS_MAX {
                    info!(%leaf, reason, attempts, "a leaf can't be run now");
                    return Ok(());
                }
                // It was put back: it is taken out again with its verdict.
                self.work.take_back(leaf);
                self.verdict(leaf, Verdict::Unavailable, reason).await
            }
            Checked::Nothing { reason } => {
                info!(%leaf, reason, "nothing is to be said of a leaf");
                self.finish(leaf).await
            }
            Checked::Failed(error) => Err(error.into()),
        }
    }

    pub(super) async fn verdict(
        &mut self,
        leaf: LeafId,
        verdict: Verdict,
        reason: String,
    ) -> Result<(), ChallengerError> {
        let shared = self.shared.clone();
        let found = blocking(move || {
            let claim = shared.chain.claim(leaf)?;
            Ok::<_, ChallengerError>(claim.zip(shared.chain.batch(leaf.region, leaf.batch)))
        });
        let Some((claim, batch)) = found.await? else { return self.finish(leaf).await };
        let executor = claim.result.executor;
        let is_convicted = self.shared.chain.view().conviction(executor).is_some();
        match verdict {
            Verdict::Agreed => {}
            Verdict::Wrong if is_convicted => {
                info!(%leaf, %executor, "a result is wrong, of an executor that is convicted already");
            }
            Verdict::Wrong => {
                error!(%leaf, %executor, task = %claim.result.task, reason, "a result is wrong");
                let (task, difference) = (claim.result.task, reason);
                self.alarm(&Finding::WrongResult { leaf, task, executor, difference }).await?;
                if let Some(hands) = &self.shared.hands {
                    // Before anything is staked on it.
                    self.keep_run(leaf, &claim.request, batch.posted_at).await?;
                    hands.player.challenge(leaf, self.shared.config.disputes.stay).await?;
                }
            }
            _ => warn!(%leaf, %executor, reason, ?verdict, "a leaf was not checked"),
        }
        let store = self.shared.chain.store().clone();
        let written = blocking(move || {
            let mut rows = store.batch();
            let mut tally: Tally = store.get(&TALLIES, &executor)?.unwrap_or_default();
            tally.add(verdict);
            rows.put(&TALLIES, &executor, &tally)?;
            let row = VerdictRow { batch: batch.hash, verdict, executor };
            rows.put(&VERDICTS, &(leaf.region, (leaf.batch, leaf.index)), &row)?;
            // A loss of power may take it: then the leaf is run once more. A challenge is synced by itself.
            Ok::<_, ChallengerError>(rows.commit_lazily()?)
        });
        written.await?;
        self.meters.verdict(verdict);
        self.is_unreported = true;
        self.finish(leaf).await
    }

    /// Sees to it that what a run needs stays here for as long as a game on it can be open.
    async fn keep_run(&self, leaf: LeafId, request: &TaskRequest, posted_at: u64) -> Result<(), ChallengerError> {
        let shared = self.shared.clone();
        let wasm = shared.chain.view().program(request.program).map(|known| known.descriptor.wasm);
        let run: Vec<BlobRef> = wasm.into_iter().chain([request.input]).collect();
        let until = posted_at.saturating_add(shared.chain.parameters().dispute_span());
        let key = (leaf.region, (leaf.batch, leaf.index));
        blocking(move || Ok(kept::keep(shared.chain.store(), &shared.blobs, key, &run, until)?)).await
    }

    pub(super) async fn finish(&mut self, leaf: LeafId) -> Result<(), ChallengerError> {
        match self.work.finished(leaf) {
            Some(key) => self.close(&[key]).await,
            None => Ok(()),
        }
    }
}

//! Leaves: drawn from clean batches, run again by the workers, and judged.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::{Duration, Instant};

use alloy_primitives::Address;
use assay_node::Remedy;
use assay_player::chain::{Head, LeafId};
use tracing::{debug, error, info, warn};

use super::{Shared, Watcher, blocking};
use crate::alarm::Finding;
use crate::check::{Checked, check, died};
use crate::error::ChallengerError;
use crate::kept;
use crate::rows::{TALLIES, Tally, VERDICTS, Verdict, VerdictRow};
use crate::survey;
use crate::work::{ATTEMPTS_QUICK, BatchKey, Over};

impl Watcher {
    /// Windows that are over: what was chosen and not run is missed, what could not be run was not to be had, and bytes that no dispute
    /// needs any more may go.
    pub(super) async fn expire(&mut self, head: Head) -> Result<(), ChallengerError> {
        let shared = self.shared.clone();
        blocking(move || Ok(kept::prune(shared.chain.store(), &shared.blobs, head.time)?)).await?;
        for over in self.work.expire(head.time) {
            let (key, shared) = (over.batch, self.shared.clone());
            for verdict in blocking(move || ended(&shared, &over)).await? {
                self.meters.verdict(verdict);
            }
            self.close(&[key]).await?;
        }
        Ok(())
    }

    /// Draws leaves from clean batches, while the queue has room, and from one again whose leaves are set aside.
    pub(super) async fn draw(&mut self, head: Head) -> Result<(), ChallengerError> {
        let leaves_max = self.shared.config.budget.leaves_max;
        while let Some(key) = self.work.undrawn(leaves_max) {
            if !self.draw_from(key).await? {
                return Ok(());
            }
        }
        if let Some(key) = self.work.aside(leaves_max, head.time) {
            self.draw_from(key).await?;
        }
        Ok(())
    }

    /// Draws leaves from a batch. Says whether that could be done.
    async fn draw_from(&mut self, key: BatchKey) -> Result<bool, ChallengerError> {
        let shared = self.shared.clone();
        let drawn = blocking(move || survey::draw(&shared.chain, &shared.sampler, key)).await;
        match drawn {
            Ok(Some(chosen)) => {
                if self.work.drawn(key, &chosen) {
                    self.close(&[key]).await?;
                }
                Ok(true)
            }
            // L1 has dropped it, which the next look sees.
            Ok(None) => Ok(false),
            Err(error) if error.remedy() != Remedy::Stop => {
                warn!(%error, "leaves can't be drawn now");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Keeps workers busy.
    pub(super) fn dispatch(&mut self, head: Head) {
        while self.checks.len() < self.shared.config.budget.workers.max(1) && self.budget.allows(self.began.elapsed()) {
            let Some(leaf) = self.work.take(head.time) else { return };
            let (shared, watch) = (self.shared.clone(), self.watch.clone());
            self.checks.spawn(async move {
                let began = Instant::now();
                let work = move || check(&shared.sources, &shared.runner, &shared.inputs, leaf, &watch);
                let checked = tokio::task::spawn_blocking(work).await;
                (leaf, checked.unwrap_or_else(|error| died(leaf, &error, began.elapsed())))
            });
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
                self.spend(time);
                self.verdict(leaf, verdict, reason).await
            }
            Checked::False { leaf: maker, reason, time } => {
                self.spend(time);
                // If it runs by itself at this moment, that says the same.
                if !self.work.is_running(maker) && self.is_unjudged(maker, head).await? {
                    self.verdict(maker, Verdict::Wrong, reason.clone()).await?;
                }
                // Nobody can make its input, but whoever lies may have it, and show it late.
                self.work.much_later(leaf, head.time);
                warn!(%leaf, reason, "a leaf can't be run, it is tried again until its window is over");
                Ok(())
            }
            Checked::Later { reason } => {
                match self.work.later(leaf, head.time, self.shared.config.budget.leaves_max) {
                    Some(later) if later.is_aside && later.attempts <= ATTEMPTS_QUICK => {
                        warn!(%leaf, reason, "a leaf can't be run, it is tried again until its window is over");
                    }
                    Some(later) if later.is_aside => debug!(%leaf, reason, "a leaf can't be run still"),
                    Some(later) => info!(%leaf, reason, attempts = later.attempts, "a leaf can't be run now"),
                    None => {}
                }
                Ok(())
            }
            Checked::Nothing { reason } => {
                info!(%leaf, reason, "nothing is to be said of a leaf");
                self.finish(leaf).await
            }
            Checked::Failed(error) => Err(error.into()),
        }
    }

    fn spend(&mut self, time: Duration) {
        self.budget.spend(time);
        self.mean = self.mean.mul_add(0.9, time.as_secs_f64() * 0.1);
        self.meters.run_seconds.observe(time.as_secs_f64());
    }

    /// Whether a leaf can still be challenged, and nothing was said of it.
    async fn is_unjudged(&self, leaf: LeafId, head: Head) -> Result<bool, ChallengerError> {
        let shared = self.shared.clone();
        blocking(move || {
            let Some(batch) = shared.chain.batch(leaf.region, leaf.batch) else { return Ok(false) };
            let key = (leaf.region, (leaf.batch, leaf.index));
            let is_judged = shared.chain.store().get(&VERDICTS, &key)?.is_some_and(|row| row.batch == batch.hash);
            let is_open = head.time <= batch.posted_at.saturating_add(shared.chain.parameters().window);
            Ok(is_open && !is_judged)
        })
        .await
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
        match verdict {
            Verdict::Agreed => {}
            Verdict::Wrong => {
                if self.shared.chain.view().conviction(executor).is_some() {
                    info!(%leaf, %executor, "a result is wrong, of an executor that is convicted already");
                } else {
                    error!(%leaf, %executor, task = %claim.result.task, reason, "a result is wrong");
                    let (task, difference) = (claim.result.task, reason);
                    self.alarm(&Finding::WrongResult { leaf, task, executor, difference }).await?;
                }
                // A convict's too: L1 may take the conviction back. While it stands, nothing is staked.
                if let Some(hands) = &self.shared.hands {
                    // Before anything is staked on it.
                    self.keep_run(leaf, batch.posted_at).await?;
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
    async fn keep_run(&self, leaf: LeafId, posted_at: u64) -> Result<(), ChallengerError> {
        let shared = self.shared.clone();
        let until = posted_at.saturating_add(shared.chain.parameters().dispute_span());
        let key = (leaf.region, (leaf.batch, leaf.index));
        blocking(move || {
            let run = shared.sources.blobs_of_run(leaf)?;
            Ok(kept::keep(shared.chain.store(), &shared.blobs, key, &run, until)?)
        })
        .await
    }

    pub(super) async fn finish(&mut self, leaf: LeafId) -> Result<(), ChallengerError> {
        match self.work.finished(leaf) {
            Some(key) => self.close(&[key]).await,
            None => Ok(()),
        }
    }
}

/// Writes what became of the leaves of a batch whose window is over, and gives their verdicts.
fn ended(shared: &Shared, over: &Over) -> Result<Vec<Verdict>, ChallengerError> {
    let (_, region, batch) = over.batch;
    let mut verdicts: BTreeMap<u32, Verdict> = over.missed.iter().map(|index| (*index, Verdict::Missed)).collect();
    verdicts.extend(over.unavailable.iter().map(|index| (*index, Verdict::Unavailable)));
    if over.has_aside {
        let set_aside = match survey::draw(&shared.chain, &shared.sampler, over.batch) {
            Ok(drawn) => drawn.unwrap_or_default(),
            // L1 drops it just now.
            Err(error) if error.remedy() != Remedy::Stop => Vec::new(),
            Err(error) => return Err(error),
        };
        for (index, _) in set_aside {
            verdicts.entry(index).or_insert(Verdict::Unavailable);
        }
    }
    if verdicts.is_empty() {
        return Ok(Vec::new());
    }
    let (leaves, missed) = (verdicts.len(), over.missed.len());
    warn!(batch, %region, leaves, missed, "a window is over before its leaves were run");
    let store = shared.chain.store();
    let mut tallies: BTreeMap<Address, Tally> = BTreeMap::new();
    for (index, verdict) in &verdicts {
        let Some(claim) = shared.chain.claim(LeafId { region, batch, index: *index })? else { continue };
        let executor = claim.result.executor;
        let tally = match tallies.entry(executor) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(store.get(&TALLIES, &executor)?.unwrap_or_default()),
        };
        tally.add(*verdict);
    }
    let mut rows = store.batch();
    for (executor, tally) in &tallies {
        rows.put(&TALLIES, executor, tally)?;
    }
    rows.commit()?;
    Ok(verdicts.into_values().collect())
}

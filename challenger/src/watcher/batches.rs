//! Batches: new ones are looked at on their faces, faults are proven, and what L1 has voided or dropped is let go.

use assay_node::Remedy;
use assay_node::tx::{Outcome, Status};
use assay_player::chain::{BatchState, Head};
use assay_player::player::outcome_words;
use assay_protocol::faults::Fault;
use tracing::{error, info, warn};

use super::{Watcher, blocking};
use crate::alarm::Finding;
use crate::error::ChallengerError;
use crate::faces::{self, FaceError};
use crate::rows::{BATCHES, BatchRow, Face, TOTALS, Totals, VERDICTS, Verdict};
use crate::survey::{self, Survey};
use crate::work::BatchKey;

impl Watcher {
    /// Looks at new batches, and takes up those that were under way when the process ended.
    pub(super) async fn look(&mut self, head: Head) -> Result<bool, ChallengerError> {
        let (shared, next) = (self.shared.clone(), self.next.clone());
        let resume = !self.is_resumed;
        let looked = blocking(move || {
            let window_from = head.time.saturating_sub(shared.chain.parameters().window);
            let under_way = if resume { survey::under_way(&shared.chain, window_from)? } else { Vec::new() };
            Ok::<_, ChallengerError>((survey::survey(&shared.chain, &next, &head)?, under_way))
        });
        let (survey, under_way) = looked.await?;
        for (key, row) in under_way {
            match row.face {
                Face::Clean => self.work.open(key, self.window_end(key)),
                Face::Faulty { proving, .. } => drop(self.faulty.insert(key, proving)),
                Face::Skipped => {}
            }
        }
        self.is_resumed = true;
        self.take(survey).await
    }

    pub(super) async fn take(&mut self, survey: Survey) -> Result<bool, ChallengerError> {
        let store = self.shared.chain.store().clone();
        let mut batch = store.batch();
        let mut totals: Totals = store.get(&TOTALS, &())?.unwrap_or_default();
        for key in survey.gone {
            warn!(batch = key.2, region = %key.1, "L1 has dropped a batch");
            self.work.drop_batch(key);
            self.faulty.remove(&key);
            if let Some(row) = store.get(&BATCHES, &(key.1, key.2))? {
                totals.take_off(&row);
                batch.delete(&BATCHES, &(key.1, key.2));
            }
        }
        for skipped in &survey.skipped {
            let row = row_of(skipped, Face::Skipped, true);
            batch.put(&BATCHES, &(skipped.header.region, skipped.header.number), &row)?;
            totals.add(&row);
            self.meters.batches_skipped.inc();
            self.meters.leaves_skipped.inc_by(u64::from(skipped.header.count));
        }
        if !survey.skipped.is_empty() {
            info!(batches = survey.skipped.len(), "batches are past their windows, and skipped");
        }
        let mut found = Vec::new();
        for (looked, faults) in survey.looked {
            let key = key_of(&looked);
            self.meters.batches.inc();
            self.meters.leaves.inc_by(u64::from(looked.header.count));
            let face = match faults.first() {
                None => Face::Clean,
                Some(_) => Face::Faulty { count: faults.len() as u32, proving: 0 },
            };
            let is_void = looked.voided_at.is_some();
            let row = row_of(&looked, face, is_void);
            batch.put(&BATCHES, &(key.1, key.2), &row)?;
            totals.add(&row);
            match faults.first() {
                None if !is_void => self.work.open(key, self.window_end(key)),
                None => {}
                Some(fault) => {
                    self.meters.batches_faulty.inc();
                    found.push((looked, *fault));
                }
            }
        }
        batch.put(&TOTALS, &(), &totals)?;
        // Alarms come before the rows: a process that dies in between looks again.
        for (looked, fault) in found {
            self.alarm(&fault_found(&looked, &fault)).await?;
            if looked.voided_at.is_none() {
                self.faulty.insert(key_of(&looked), 0);
            }
        }
        if batch.len() > 1 {
            self.is_unreported = true;
            batch.commit_async().await?;
        }
        self.next = survey.next;
        Ok(survey.is_partial)
    }

    /// Batches that were voided meanwhile need nothing more.
    pub(super) async fn drop_void(&mut self) -> Result<(), ChallengerError> {
        let void: Vec<BatchKey> = {
            let view = self.shared.chain.view();
            let is_void = |key: &BatchKey| view.batch(key.1, key.2).is_some_and(|batch| batch.voided_at.is_some());
            self.work.batches().chain(self.faulty.keys().copied()).filter(is_void).collect()
        };
        for key in &void {
            self.work.drop_batch(*key);
            self.faulty.remove(key);
        }
        self.close(&void).await
    }

    /// Proves faults: the first that L1 takes voids the batch.
    pub(super) async fn prove(&mut self, head: Head) -> Result<(), ChallengerError> {
        if self.shared.hands.is_none() {
            self.faulty.clear();
            return Ok(());
        }
        for (key, index) in self.faulty.clone() {
            if head.time > self.window_end(key) {
                error!(batch = key.2, region = %key.1, "the window of a faulty batch is over, and it was not voided");
                self.faulty.remove(&key);
                self.close(&[key]).await?;
                continue;
            }
            let shared = self.shared.clone();
            let made = blocking(move || {
                let Some(batch) = shared.chain.batch(key.1, key.2) else { return Ok(None) };
                let intent = faces::prove(&shared.chain, &batch, index)?;
                let sender = &shared.hands.as_ref().expect("it was just seen to be there").sender;
                let status = sender.status(&intent.id).map_err(ChallengerError::from)?;
                Ok::<_, ChallengerError>(Some((batch, intent, status)))
            });
            let (batch, intent, status) = match made.await {
                Ok(Some(made)) => made,
                Ok(None) => continue,
                Err(ChallengerError::Face(FaceError::Gone { .. })) => {
                    error!(batch = key.2, region = %key.1, "no fault of a faulty batch is left to be proven");
                    self.faulty.remove(&key);
                    self.close(&[key]).await?;
                    continue;
                }
                Err(error) if error.remedy() != Remedy::Stop => {
                    warn!(%error, batch = key.2, "a fault can't be proven now");
                    continue;
                }
                Err(error) => return Err(error),
            };
            match status {
                None => {
                    info!(batch = key.2, region = %key.1, index, "a fault is being proven");
                    self.meters.proofs.inc();
                    let hands = self.shared.hands.as_ref().expect("it was just seen to be there");
                    hands.sender.submit(intent).await?;
                }
                Some(Status::Queued | Status::InFlight { .. } | Status::Settled(Outcome::Done { .. })) => {}
                Some(Status::Settled(outcome)) => {
                    let outcome = outcome_words(&outcome);
                    warn!(outcome, batch = key.2, index, "a proof came to nothing, the next fault is tried");
                    let face = Face::Faulty { count: index + 2, proving: index + 1 };
                    let mut rows = self.shared.chain.store().batch();
                    rows.put(&BATCHES, &(key.1, key.2), &row_of(&batch, face, false))?;
                    rows.commit_async().await?;
                    self.faulty.insert(key, index + 1);
                }
            }
        }
        Ok(())
    }

    /// Nothing is left to be done about these batches: verdicts about them go, but for lies.
    pub(super) async fn close(&mut self, keys: &[BatchKey]) -> Result<(), ChallengerError> {
        if keys.is_empty() {
            return Ok(());
        }
        let (store, keys) = (self.shared.chain.store().clone(), keys.to_vec());
        blocking(move || {
            let mut batch = store.batch();
            for (_, region, number) in keys {
                if let Some(row) = store.get(&BATCHES, &(region, number))? {
                    batch.put(&BATCHES, &(region, number), &BatchRow { is_done: true, ..row })?;
                }
                for row in store.range(&VERDICTS, (region, (number, 0))..=(region, (number, u32::MAX))) {
                    let (key, row) = row?;
                    if row.verdict != Verdict::Wrong {
                        batch.delete(&VERDICTS, &key);
                    }
                }
            }
            Ok::<_, ChallengerError>(batch.commit_lazily()?)
        })
        .await
    }
}

fn key_of(batch: &BatchState) -> BatchKey {
    (batch.posted_at, batch.header.region, batch.header.number)
}

fn row_of(batch: &BatchState, face: Face, is_done: bool) -> BatchRow {
    BatchRow { hash: batch.hash, posted_at: batch.posted_at, leaves: batch.header.count, face, is_done }
}

fn fault_found(batch: &BatchState, fault: &Fault) -> Finding {
    Finding::FaceFault {
        region: batch.header.region,
        batch: batch.header.number,
        fault: fault.number(),
        words: fault.to_string(),
    }
}

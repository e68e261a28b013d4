//! Batches: new ones are looked at on their faces, and what L1 has dropped is let go.
//!
//! What is void is kept until its window is over, and left alone: L1 may drop the proof again, in a reorganisation.

use assay_player::chain::{BatchState, Head};
use assay_protocol::faults::Fault;
use tracing::{info, warn};

use super::proofs::Proving;
use super::{Watcher, blocking};
use crate::alarm::Finding;
use crate::error::ChallengerError;
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
                Face::Faulty { proving, .. } => drop(self.faulty.insert(key, Proving::resumed(proving))),
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
            self.void.remove(&key);
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
            let row = row_of(&looked, face, false);
            batch.put(&BATCHES, &(key.1, key.2), &row)?;
            totals.add(&row);
            match faults.first() {
                None => self.work.open(key, self.window_end(key)),
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
            self.faulty.insert(key_of(&looked), Proving::default());
        }
        if batch.len() > 1 {
            self.is_unreported = true;
            batch.commit_async().await?;
        }
        self.next = survey.next;
        Ok(survey.is_partial)
    }

    /// Batches that were voided meanwhile need nothing more, unless they no longer are.
    pub(super) async fn part_void(&mut self, head: Head) -> Result<(), ChallengerError> {
        let (mut void, mut open) = (Vec::new(), Vec::new());
        {
            let view = self.shared.chain.view();
            let is_void = |key: &BatchKey| view.batch(key.1, key.2).is_some_and(|batch| batch.voided_at.is_some());
            void.extend(self.work.batches().filter(is_void));
            open.extend(self.void.iter().copied().filter(|key| !is_void(key)));
        }
        for key in void {
            self.work.drop_batch(key);
            self.void.insert(key);
        }
        for key in open {
            warn!(batch = key.2, region = %key.1, "L1 has taken back that a batch is void");
            self.void.remove(&key);
            self.work.open(key, self.window_end(key));
        }
        let over: Vec<BatchKey> = self.void.iter().copied().filter(|key| head.time > self.window_end(*key)).collect();
        for key in &over {
            self.void.remove(key);
        }
        self.close(&over).await
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

pub(super) fn row_of(batch: &BatchState, face: Face, is_done: bool) -> BatchRow {
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

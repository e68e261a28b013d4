//! The loop: a head, what is new by it, what is due, workers that run leaves again, and what follows from what they find.
//!
//! # Protocol
//!
//! With each new head the watcher looks at the faces of new batches, draws leaves from clean ones while the queue has room, and keeps its
//! workers busy, most urgent leaf first. A wrong result is handed to the player, which persists the challenge, before the verdict is
//! written; a face fault becomes an intent in one commit with the batch's row. So a crash between two of these repeats the first.
//!
//! *Mailbox*: none. Heads are a value of which the newest counts; workers' results are taken as they come, at most as many as workers.
//!
//! *Failures*: rows that contradict L1 are the follower's to heal, and the look is repeated; only the store ends the watcher, and, where
//! there is neither key nor hook, a finding.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::Address;
use assay_node::Remedy;
use assay_node::telemetry::{Metrics, Part};
use assay_node::tx::{Outcome, Sender, Status};
use assay_player::chain::{BatchState, Chain, Head, LeafId, Sources};
use assay_player::player::Player;
use assay_protocol::B256;
use assay_protocol::faults::Fault;
use assay_runner::{Runner, Watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::alarm::Finding;
use crate::budget::Budget;
use crate::check::{Checked, check};
use crate::config::ChallengerConfig;
use crate::error::ChallengerError;
use crate::faces::{self, FaceError};
use crate::meters::Meters;
use crate::report;
use crate::rows::{BATCHES, BatchRow, Face, TALLIES, TOTALS, Tally, Totals, VERDICTS, Verdict, VerdictRow};
use crate::sampling::Sampler;
use crate::survey::{self, Survey};
use crate::work::{BatchKey, Work};

/// How often clocks are looked at without a new head.
const TICK: Duration = Duration::from_secs(1);
/// Most ticks between two writings of the report.
const REPORT_EVERY: u32 = 30;
/// Most attempts at bytes that are not to be had.
const ATTEMPTS_MAX: u32 = 12;

/// What a challenger acts with; a watcher has none of it.
pub(crate) struct Hands {
    pub sender: Sender,
    pub player: Player,
}

/// What workers share.
pub(crate) struct Shared {
    pub chain: Chain,
    pub sources: Sources,
    pub runner: Runner,
    pub sampler: Sampler,
    pub hands: Option<Hands>,
    pub config: ChallengerConfig,
}

/// The actor.
pub(crate) struct Watcher {
    shared: Arc<Shared>,
    meters: Meters,
    health: Part,
    work: Work,
    /// Next batch of each region that is looked at.
    next: BTreeMap<B256, u64>,
    /// Batches with a fault that is being proven.
    faulty: BTreeMap<BatchKey, u32>,
    checks: JoinSet<(LeafId, Checked)>,
    watch: Watch,
    budget: Budget,
    began: Instant,
    /// Seconds of a check, a moving average.
    mean: f64,
    is_behind: bool,
    is_resumed: bool,
    is_unreported: bool,
    ticks: u32,
}

impl Watcher {
    pub(crate) fn new(shared: Arc<Shared>, metrics: &Metrics, health: Part, watch: Watch) -> Self {
        let budget = Budget::new(shared.config.budget.cores);
        Self {
            shared,
            meters: Meters::new(metrics),
            health,
            work: Work::default(),
            next: BTreeMap::new(),
            faulty: BTreeMap::new(),
            checks: JoinSet::new(),
            watch,
            budget,
            began: Instant::now(),
            mean: 0.05,
            is_behind: false,
            is_resumed: false,
            is_unreported: true,
            ticks: 0,
        }
    }

    pub(crate) async fn run(mut self, stop: CancellationToken) -> Result<(), ChallengerError> {
        let mut heads = self.shared.chain.heads();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let head = *heads.borrow_and_update();
            let is_partial = match head {
                Some(head) => self.round(head).await?,
                None => false,
            };
            // Until there is news, workers are kept busy with what was drawn.
            loop {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => {
                        self.watch.cancel();
                        return self.write_report().await;
                    }
                    Some(checked) = self.checks.join_next(), if !self.checks.is_empty() => {
                        let (leaf, checked) = checked.expect("a check does not panic, and nobody aborts it");
                        let head = head.expect("nothing is checked before the first head");
                        self.dispatch(head);
                        self.checked(leaf, checked, head).await?;
                        self.draw().await?;
                        self.dispatch(head);
                    }
                    () = std::future::ready(()), if is_partial => break,
                    changed = heads.changed() => match changed {
                        Ok(()) => break,
                        // The follower has ended, and says why itself.
                        Err(_) => return Ok(()),
                    },
                    _ = tick.tick() => {
                        self.report_if_due().await?;
                        if let Some(head) = head {
                            self.dispatch(head);
                        }
                    }
                }
            }
        }
    }

    /// Does what a head asks for. Says whether there is more of it.
    async fn round(&mut self, head: Head) -> Result<bool, ChallengerError> {
        let is_partial = match self.look(head).await {
            Ok(is_partial) => is_partial,
            Err(error) if error.remedy() != Remedy::Stop => {
                warn!(%error, "L1's batches can't be looked at now");
                false
            }
            Err(error) => return Err(error),
        };
        self.drop_void().await?;
        self.prove(head).await?;
        self.expire(head).await?;
        self.draw().await?;
        self.dispatch(head);
        self.measure(head, is_partial);
        Ok(is_partial)
    }

    /// Looks at new batches, and takes up those that were under way when the process ended.
    async fn look(&mut self, head: Head) -> Result<bool, ChallengerError> {
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

    async fn take(&mut self, survey: Survey) -> Result<bool, ChallengerError> {
        let store = self.shared.chain.store().clone();
        let mut batch = store.batch();
        let mut totals: Totals = store.get(&TOTALS, &())?.unwrap_or_default();
        for key in survey.gone {
            warn!(batch = key.2, region = %key.1, "L1 has dropped a batch");
            self.work.drop_batch(key);
            self.faulty.remove(&key);
            batch.delete(&BATCHES, &(key.1, key.2));
        }
        for skipped in &survey.skipped {
            let row = row_of(skipped, Face::Skipped, true);
            batch.put(&BATCHES, &(skipped.header.region, skipped.header.number), &row)?;
            totals.batches_skipped += 1;
            totals.leaves_skipped += u64::from(skipped.header.count);
            self.meters.batches_skipped.inc();
            self.meters.leaves_skipped.inc_by(u64::from(skipped.header.count));
        }
        if !survey.skipped.is_empty() {
            info!(batches = survey.skipped.len(), "batches are past their windows, and skipped");
        }
        let mut found = Vec::new();
        for (looked, faults) in survey.looked {
            let key = key_of(&looked);
            totals.batches += 1;
            totals.leaves += u64::from(looked.header.count);
            self.meters.batches.inc();
            self.meters.leaves.inc_by(u64::from(looked.header.count));
            let face = match faults.first() {
                None => Face::Clean,
                Some(_) => Face::Faulty { count: faults.len() as u32, proving: 0 },
            };
            let is_void = looked.voided_at.is_some();
            batch.put(&BATCHES, &(key.1, key.2), &row_of(&looked, face, is_void))?;
            match faults.first() {
                None if !is_void => self.work.open(key, self.window_end(key)),
                None => {}
                Some(fault) => {
                    totals.batches_faulty += 1;
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
    async fn drop_void(&mut self) -> Result<(), ChallengerError> {
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
    async fn prove(&mut self, head: Head) -> Result<(), ChallengerError> {
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
                    warn!(?outcome, batch = key.2, index, "a proof came to nothing, the next fault is tried");
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

    /// Windows that are over: what was chosen and not run is missed.
    async fn expire(&mut self, head: Head) -> Result<(), ChallengerError> {
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
    async fn draw(&mut self) -> Result<(), ChallengerError> {
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
    fn dispatch(&mut self, head: Head) {
        while self.checks.len() < self.shared.config.budget.workers.max(1) && self.budget.allows(self.began.elapsed()) {
            let Some(leaf) = self.work.take(head.time) else { return };
            let (shared, watch) = (self.shared.clone(), self.watch.clone());
            self.checks.spawn_blocking(move || (leaf, check(&shared.sources, &shared.runner, leaf, &watch)));
        }
    }

    /// Takes what a worker found.
    async fn checked(&mut self, leaf: LeafId, checked: Checked, head: Head) -> Result<(), ChallengerError> {
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

    async fn verdict(&mut self, leaf: LeafId, verdict: Verdict, reason: String) -> Result<(), ChallengerError> {
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

    async fn finish(&mut self, leaf: LeafId) -> Result<(), ChallengerError> {
        match self.work.finished(leaf) {
            Some(key) => self.close(&[key]).await,
            None => Ok(()),
        }
    }

    /// Nothing is left to be done about these batches: verdicts about them go, but for lies.
    async fn close(&mut self, keys: &[BatchKey]) -> Result<(), ChallengerError> {
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

    /// Tells whoever wants to know. A watcher that nobody has given a program ends.
    async fn alarm(&self, finding: &Finding) -> Result<(), ChallengerError> {
        let config = &self.shared.config;
        if config.hook.is_empty() && self.shared.hands.is_none() {
            return Err(ChallengerError::Found(finding.clone()));
        }
        error!(%finding, "found");
        if let Err(error) = finding.tell(&config.hook).await {
            error!(%error, "the hook was not told");
        }
        Ok(())
    }

    fn measure(&mut self, head: Head, is_partial: bool) {
        self.meters.waiting.set(self.work.count() as i64);
        self.meters.lag.set(self.work.lag(head.time) as i64);
        let capacity = self.budget.capacity(self.shared.config.budget.workers);
        // Batches that were not drawn from are taken to be as large as what waits.
        let batches = self.work.batches().count().max(1) as f64;
        let drawn = (batches - self.work.undrawn_count() as f64).max(1.0);
        let leaves = self.work.count() as f64 * batches / drawn;
        let needed = leaves * self.mean / capacity;
        let is_behind = self.work.left(head.time).is_some_and(|left| needed > left as f64);
        if is_behind && !self.is_behind {
            warn!(
                leaves = self.work.count(),
                needed_seconds = needed,
                "what waits can't be run before its windows end"
            );
        } else if self.is_behind && !is_behind {
            info!("what waits can be run in time again");
        }
        self.is_behind = is_behind;
        self.meters.behind.set(i64::from(is_behind));
        match (is_partial, is_behind) {
            (true, _) => self.health.not_ready("catching up with L1"),
            (_, true) => self.health.not_ready("what waits can't be run before its windows end"),
            (false, false) => self.health.ready(),
        }
    }

    async fn report_if_due(&mut self) -> Result<(), ChallengerError> {
        self.ticks += 1;
        if !self.is_unreported && !self.ticks.is_multiple_of(REPORT_EVERY) {
            return Ok(());
        }
        self.is_unreported = false;
        self.write_report().await
    }

    async fn write_report(&mut self) -> Result<(), ChallengerError> {
        let shared = self.shared.clone();
        blocking(move || {
            let challenger = shared.hands.as_ref().map(|hands| hands.sender.account());
            let path = shared.config.data.join(crate::REPORT_FILE);
            let report = report::report(&shared.chain, challenger)?;
            if let Err(error) = report.write(&path) {
                warn!(%error, path = %path.display(), "the report can't be written");
            }
            Ok::<_, ChallengerError>(())
        })
        .await
    }

    fn window_end(&self, key: BatchKey) -> u64 {
        key.0 + self.shared.chain.parameters().window
    }
}

fn key_of(batch: &BatchState) -> BatchKey {
    (batch.posted_at, batch.header.region, batch.header.number)
}

fn row_of(batch: &BatchState, face: Face, is_done: bool) -> BatchRow {
    BatchRow { hash: batch.hash, posted_at: batch.posted_at, face, is_done }
}

fn fault_found(batch: &BatchState, fault: &Fault) -> Finding {
    Finding::FaceFault {
        region: batch.header.region,
        batch: batch.header.number,
        fault: fault.number(),
        words: fault.to_string(),
    }
}

/// Work that asks the store or computes, on a thread that may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ChallengerError> + Send + 'static,
) -> Result<T, ChallengerError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.expect("the work does not panic, and a runtime that ends it ends its caller too")
}

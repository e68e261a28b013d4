//! Batches: when one is made, and what becomes of it until it is on L1 (specs/18-sequencer.md, "Never two for one number").
//!
//! ```text
//!            seal                  built              posted
//!   idle ──────────> building ──────────> in flight ──────────> idle, the batch's leaves wait for their fates
//!    ^                                        │
//!    └──────────── given up <─────────────────┘ every intent is settled, and the posting is not done
//! ```
//!
//! Several may be on their way, each naming the one before as its parent, so that none lands without those before it; the first of them is
//! the one in flight. Behind it only full batches are built: L1 is paid for a batch, whatever is in it. It is given up only when its posting can't land any more: the intent was never sent, or its nonce is
//! spent by a transaction that failed, so many blocks deep that it stays so. Those behind it go with it, and the same results are built anew
//! under the same numbers.

use std::collections::BTreeMap;

use alloy_primitives::{B256, U64};
use assay_node::endpoint::Endpoint;
use assay_node::store::{Batch as Commit, StoreError};
use assay_node::tx::Outcome;
use assay_protocol::objects::Place;
use assay_protocol::rpc::TaskState;
use tracing::{error, info, warn};

use super::posted::OpenBatch;
use super::{Core, CoreError, Durable, Phase};
use crate::batch::{Blocked, BuildError, Built, Candidate, Plan, build, intents, leaves_of};
use crate::context::now_ms;
use crate::l1::{Posting, View};
use crate::rows::{PIN_OUTPUT, PROGRESS, ProgressRow};

/// Seconds of L1 that a batch needs at least from its building to its posting.
const POSTING_SECONDS_MIN: u64 = 2;

/// News of a batch.
#[derive(Clone, Copy, Debug)]
pub struct BatchEvent {
    /// Its number.
    pub number: u64,
}

/// A batch that is to be posted.
#[derive(Clone, Debug)]
pub(super) struct InFlight {
    /// Its number.
    pub number: u64,
    /// Which build.
    pub build: u32,
    /// Once all its intents are settled: whether the posting is done, and the block at which that was heard.
    pub settled: Option<(bool, u64)>,
}

/// A batch that was built, as far as there is one, and what was left out.
pub struct Finished {
    plan: Plan,
    built: Option<Built>,
    blocked: Vec<(u64, Blocked)>,
}

/// Batches that are not over.
#[derive(Debug, Default)]
pub(super) struct Batches {
    /// Whether one is being built.
    pub is_building: bool,
    /// Whether L1 was reorganised meanwhile: what is being built leans on what does not stand any more.
    pub is_outdated: bool,
    /// The one that L1 is to have next.
    pub in_flight: Option<InFlight>,
    /// Those with leaves whose fate is open, and those that are in flight.
    pub undecided: BTreeMap<u64, OpenBatch>,
    /// How often games, convictions or faults have come since the start.
    pub court: u64,
    /// Whether the next is made without waiting.
    pub post_now: bool,
    /// Leaves of the last batch that had room for no more, if that was not of another kind than those since.
    pub fill: Option<usize>,
    /// L1 time of the last try that came to nothing: the next is made when that has changed.
    pub tried_at: u64,
}

impl Batches {
    /// Those on their way: hashes, from the number that L1 takes next.
    pub fn on_their_way(&self, view: &View) -> Vec<(u64, B256)> {
        (view.count()..).map_while(|number| Some((number, self.undecided.get(&number)?.hash))).collect()
    }

    /// Number of the next batch to be built, and its parent.
    pub fn next(&self, view: &View) -> (u64, B256) {
        let on_l1 = view.count().checked_sub(1).and_then(|last| Some((last, view.posting(last)?.hash)));
        let last = self.on_their_way(view).last().copied().or(on_l1);
        last.map_or((0, B256::ZERO), |(number, hash)| (number + 1, hash))
    }

    /// Every intent of a build is settled.
    pub fn settled(&mut self, number: u64, build: u32, is_done: bool) {
        if let Some(batch) = self.in_flight.as_mut().filter(|batch| (batch.number, batch.build) == (number, build)) {
            batch.settled = Some((is_done, 0));
        }
    }

    /// Whether the one in flight came to nothing.
    fn is_failing(&self) -> bool {
        matches!(self.in_flight, Some(InFlight { settled: Some((false, _)), .. }))
    }

    /// Where a batch of ours is on L1, if the one that is there is the one that counts here.
    pub fn posting<'a>(&self, view: &'a View, number: u64) -> Option<&'a Posting> {
        let posting = view.posting(number)?;
        match self.undecided.get(&number) {
            Some(batch) if batch.hash != posting.hash => None,
            _ => Some(posting),
        }
    }
}

impl Core {
    /// Makes a batch when it is time, and sees to the one that is in flight.
    pub(super) async fn seal(&mut self) -> Result<(), CoreError> {
        self.give_up().await?;
        let config = &self.parts.context.config.batches;
        let on_their_way = self.batches.on_their_way(&self.view);
        let is_busy = self.batches.is_building || self.batches.is_failing();
        let is_busy = is_busy || on_their_way.len() >= config.unposted_max.max(1);
        if is_busy || !self.view.is_open() || self.view.tip().is_none() {
            return Ok(());
        }
        let Some(since) = self.tasks.ready_since_ms() else {
            self.batches.post_now = false;
            return Ok(());
        };
        let has_waited = on_their_way.is_empty() && now_ms().saturating_sub(since) >= config.wait_ms;
        let is_full = self.tasks.ready() >= self.batches.fill.unwrap_or(config.leaves_max).min(config.leaves_max);
        if !(has_waited || is_full || self.batches.post_now) || self.batches.tried_at == self.view.time() {
            return Ok(());
        }
        self.batches.post_now = false;
        let (number, parent) = self.batches.next(&self.view);
        let newest = crate::batch::newest_build(&self.parts.context.store, number)?;
        let plan = Plan {
            number,
            build: newest.map_or(0, |(build, _)| build + 1),
            parent,
            as_of: self.view.time(),
            candidates: self.candidates(config.leaves_max),
            on_their_way,
            view: self.view.clone(),
        };
        (self.batches.is_building, self.batches.is_outdated) = (true, false);
        let (context, durable, workers) =
            (self.parts.context.clone(), self.durable.clone(), self.parts.workers.clone());
        tokio::spawn(async move {
            let worked = workers.run(move || {
                let (built, blocked) = build(&context, &plan)?;
                Ok(Finished { plan, built, blocked })
            });
            let built = worked.await.unwrap_or(Err(BuildError::Panicked));
            // A core that has ended has no use for it.
            let _ = durable.send(Durable::Built(Box::new(built)));
        });
        Ok(())
    }

    /// Results that can be posted before their deadlines, in order.
    fn candidates(&self, most: usize) -> Vec<Candidate> {
        let first = self.tasks.ready_first(most);
        let candidate = |sequence: &u64| {
            let task = self.tasks.get(*sequence)?;
            Some(Candidate { sequence: *sequence, attempt: task.attempt, predecessor: task.predecessor })
        };
        first.iter().filter_map(candidate).collect()
    }

    /// A batch was built: it is written down with the intents that post it, or not at all.
    pub(super) async fn built(&mut self, finished: Result<Finished, BuildError>) -> Result<(), CoreError> {
        self.batches.is_building = false;
        let Finished { plan, built, blocked } = match finished {
            Ok(finished) => finished,
            Err(BuildError::Store(error)) => return Err(error.into()),
            Err(error) => {
                // Nothing is posted that can't be shown to be right; an operator has to see why.
                error!(%error, "a batch can't be built");
                self.batches.tried_at = self.view.time();
                return Ok(());
            }
        };
        if self.batches.is_outdated {
            return Ok(());
        }
        let is_cut = blocked.iter().any(|(_, cause)| *cause == Blocked::Room);
        let mut unregistered = 0_usize;
        for (sequence, cause) in blocked {
            match cause {
                Blocked::Result(reason) => self.throw_away(sequence, &plan, &reason).await?,
                Blocked::Program(program) if self.view.registry.program(&program).is_none() => {
                    self.tasks.put_unregistered(sequence, program);
                    unregistered += 1;
                }
                // It has come meanwhile.
                Blocked::Program(_) | Blocked::Room => {}
            }
        }
        if unregistered > 0 {
            info!(unregistered, "results wait until L1 has their programs");
        }
        let Some(built) = built else {
            // Those behind what was just put aside were not looked at yet.
            if unregistered == 0 {
                self.batches.tried_at = plan.as_of;
            }
            return Ok(());
        };
        // Meanwhile a task may have ended, or L1 may have changed its mind: then it is built anew.
        let is_stale = self.batches.next(&self.view) != (plan.number, plan.parent)
            || self.batches.is_failing()
            || built.leaves.iter().any(|leaf| {
                let task = self.tasks.get(leaf.sequence);
                task.is_none_or(|task| task.phase != Phase::Ready || task.attempt != leaf.attempt)
            });
        if is_stale {
            return Ok(());
        }
        let leaves = built.leaves.len();
        match is_cut {
            true => self.batches.fill = Some(leaves),
            // There was room for more than this: it is not known how much makes a batch.
            false => drop(self.batches.fill.take_if(|fill| leaves >= *fill)),
        }
        self.launch(plan, built).await
    }

    /// A result can't be posted: it is forgotten, and its attempt run again by somebody else.
    async fn throw_away(&mut self, sequence: u64, plan: &Plan, reason: &str) -> Result<(), CoreError> {
        let of = plan.candidates.iter().find(|candidate| candidate.sequence == sequence).map(|of| of.attempt);
        let task = self.tasks.get(sequence).copied();
        let Some(task) = task.filter(|task| task.phase == Phase::Ready && Some(task.attempt) == of) else {
            return Ok(());
        };
        let context = self.parts.context.clone();
        let result = context.store.get(&PROGRESS, &sequence)?.and_then(|row| row.result).map(|(result, _)| result);
        if let Some(result) = result {
            // It has signed this, and would say the same again.
            self.executors.bars.refuse(sequence, result.executor);
        }
        let executor = result.map(|result| result.executor);
        warn!(sequence, ?executor, reason, "a result can't be posted, its attempt is run again");
        self.parts.metrics.results_blocked.inc();
        self.tasks.set(sequence, Phase::Queued, now_ms());
        self.tell(sequence, TaskState::Queued, None);
        let write = move |batch: &mut Commit| {
            let before = context.store.get(&PROGRESS, &sequence)?.unwrap_or_default();
            let (attempt, predecessor) = (task.attempt, task.predecessor);
            if let Some(result) = result {
                context.blobs.unpin(batch, &result.output, (PIN_OUTPUT, sequence));
            }
            Ok(batch.put(&PROGRESS, &sequence, &ProgressRow { attempt, predecessor, result: None, ..before })?)
        };
        self.parts.journal.enter(write, || {}).await;
        Ok(())
    }

    /// Writes a batch down with its intents, in one commit, and waits for what becomes of it.
    async fn launch(&mut self, plan: Plan, built: Built) -> Result<(), CoreError> {
        let Built { header, data, leaves, rows, .. } = built;
        let context = self.parts.context.clone();
        let last = header.as_of + context.parameters.as_of_age_max;
        let expires_at = last.min(header.min_deadline).saturating_sub(POSTING_SECONDS_MIN);
        let intents = intents(&context, &header, plan.build, &data, expires_at, self.last_intent(&plan)?);
        let names: Vec<B256> = intents.iter().map(|intent| intent.id).collect();
        let mut commit = context.store.batch();
        rows.write(names.clone(), &mut commit)?;
        self.parts.sender.submit_with(commit, intents).await?;
        let number = header.number;
        info!(number, leaves = leaves.len(), bytes = data.len(), build = plan.build, "a batch is built");
        self.parts.metrics.batch_built(leaves.len(), data.len());
        for (index, leaf) in (0..).zip(&leaves) {
            self.tasks.set(leaf.sequence, Phase::Sealed(Place { batch: number, index }), now_ms());
            // Its attempt is run no more unless it becomes void.
            self.executors.forget(leaf.sequence);
        }
        if let Some(batch) = leaves_of(&context.store, &context.domain, number)? {
            self.batches.undecided.insert(number, batch.into());
        }
        // One behind it is waited for when its turn comes.
        if self.batches.in_flight.is_none() {
            self.batches.in_flight = Some(InFlight { number, build: plan.build, settled: None });
            self.wait_for(number, plan.build, names);
        }
        Ok(())
    }

    /// The posting of the batch before, if that is on its way.
    fn last_intent(&self, plan: &Plan) -> Result<Option<B256>, StoreError> {
        let Some((before, _)) = plan.on_their_way.last() else { return Ok(None) };
        let newest = crate::batch::newest_build(&self.parts.context.store, *before)?;
        Ok(newest.and_then(|(_, row)| row.intents.last().copied()))
    }

    /// Tells the core when every intent of a build is settled.
    pub(super) fn wait_for(&self, number: u64, build: u32, names: Vec<B256>) {
        let (sender, durable, metrics) = (self.parts.sender.clone(), self.durable.clone(), self.parts.metrics.clone());
        let endpoint = self.parts.endpoint.clone();
        tokio::spawn(async move {
            let mut is_done = false;
            for name in names {
                // The posting is the last.
                is_done = match sender.ticket(name).settled().await {
                    Ok(Outcome::Done { transaction, .. }) => {
                        metrics.gas_used.inc_by(gas_of(&endpoint, transaction).await.unwrap_or_default());
                        true
                    }
                    Ok(outcome) => {
                        warn!(number, build, ?outcome, "a transaction of a batch came to nothing");
                        metrics.posts_failed.inc();
                        false
                    }
                    // The process stops; after the next start this is asked again. Or its row is gone, long since.
                    Err(_) => return,
                };
            }
            let _ = durable.send(Durable::Settled { number, build, is_done });
        });
    }
}

/// Gas that a transaction used, for the figures: if L1 does not say it, it is left out.
async fn gas_of(endpoint: &Endpoint, transaction: B256) -> Option<u64> {
    let asked = endpoint.request("ask for a receipt", "eth_getTransactionReceipt", serde_json::json!([transaction]));
    let receipt: serde_json::Value = asked.await.ok()?;
    serde_json::from_value::<U64>(receipt.get("gasUsed")?.clone()).ok().map(|gas| gas.to())
}

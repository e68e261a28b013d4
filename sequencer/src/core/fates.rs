//! Fates: what L1 says of leaves, and what follows for their tasks (specs/12-batches.md, "Fates").
//!
//! Owns the decisions attested, final, void and expired. A leaf is decided when its window is over by a block that counts, or earlier when
//! it is void; a void leaf's task is run again, as the next attempt.

use std::sync::Arc;

use alloy_primitives::{Address, B256};
use assay_node::store::{Batch as Commit, StoreError};
use assay_protocol::objects::{Origin, Place};
use assay_protocol::rpc::{TaskEvent, TaskState};
use tracing::info;

use super::batches::BatchEvent;
use super::{Core, CoreError};
use crate::batch::{LeafState, claim_id, leaves_of, newest_build};
use crate::l1::{Fact, Heard, Posting, Standing, View};
use crate::rows::{ENDS, EndRow, FACTS, LIVE, PIN_INPUT, PIN_OUTPUT, PROGRESS, ProgressRow, UNDECIDED};

/// What becomes of a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Open,
    Void,
    Over(EndRow),
}

impl Core {
    /// Takes in what L1 says.
    pub(super) async fn hear(&mut self, heard: Heard) -> Result<(), CoreError> {
        let mut posted = Vec::new();
        match heard {
            Heard::AtHead => self.parts.gate.l1_is_known(),
            Heard::RolledBack { tip } => {
                let mut view = restore_view(&self.parts.context.store)?;
                match tip {
                    Some(tip) => view.advance(tip),
                    // Nothing is known of the time: nothing is promised by it, and nothing is built.
                    None => self.parts.gate.l1_is_lost(),
                }
                self.view = Arc::new(view);
                self.batches.is_outdated = true;
                self.is_fresh = true;
                self.tasks.bring_back(|_| true);
                self.recall()?;
                self.fly_again()?;
            }
            Heard::Blocks { tip, facts } => {
                let view = Arc::make_mut(&mut self.view);
                // What was void before a start may not have been run again yet; nor what is so after blocks were taken back.
                let mut turns = std::mem::take(&mut self.is_fresh);
                let (mut comes, mut brings, mut moves) = (false, false, turns);
                let mut postings = Vec::new();
                for (fact, block, time) in facts {
                    view.apply(&fact, block, time);
                    turns |= matches!(fact, Fact::Convicted { .. } | Fact::Voided { .. });
                    moves |= matches!(fact, Fact::GameBegun { .. } | Fact::GameLost { .. });
                    comes |= matches!(fact, Fact::Registered { .. });
                    brings |= matches!(fact, Fact::Program { .. });
                    if let Fact::Posted { number, .. } = fact {
                        postings.extend(view.posting(number).map(|posting| (number, *posting)));
                    }
                }
                view.advance(tip);
                if comes {
                    // Who is connected and was not registered may be asked now.
                    self.tasks.bring_back(|_| true);
                }
                if brings {
                    let registry = &self.view.registry;
                    self.tasks.bring_registered(|program| registry.program(program).is_some());
                }
                for (number, posting) in &postings {
                    self.posted(*number, *posting)?;
                }
                posted.extend(postings.into_iter().map(|(number, _)| number));
                self.parts.metrics.l1_block.set(i64::try_from(tip.number).unwrap_or(i64::MAX));
                self.batches.court += u64::from(turns || moves);
                self.decide(turns).await?;
            }
        }
        // Nobody asking is no error.
        let _ = self.parts.seen.send(self.view.clone());
        // Only now, for whoever hears of a batch asks what L1 says of it.
        for number in posted {
            let _ = self.parts.news.batches.send(BatchEvent { number });
        }
        Ok(())
    }

    /// A batch that was on L1 may be so no more: then it is in flight again, its transactions being seen through by the sender.
    pub(super) fn fly_again(&mut self) -> Result<(), StoreError> {
        let number = self.view.count();
        if self.batches.in_flight.as_ref().is_some_and(|batch| batch.number == number) {
            return Ok(());
        }
        let Some((build, row)) = newest_build(&self.parts.context.store, number)? else { return Ok(()) };
        let Some(batch) = self.batches.undecided.get(&number).filter(|batch| batch.build == build) else {
            return Ok(());
        };
        self.batches.in_flight = Some(super::batches::InFlight { number, build: batch.build, settled: None });
        self.wait_for(number, build, row.intents);
        Ok(())
    }

    /// How a leaf stands before the court.
    pub(super) fn standing(&self, executor: Address, place: Place, posting: &Posting) -> Standing {
        let claim = claim_id(self.parts.context.region, place.batch, place.index);
        self.view.standing(&claim, executor, posting.posted_at + self.parts.context.parameters.window)
    }

    /// Decides what can be decided. `turns` says that something may have become void.
    async fn decide(&mut self, turns: bool) -> Result<(), CoreError> {
        let window = self.parts.context.parameters.window;
        // Later numbers are posted later: their windows are over later.
        let is_due = |posting: &Posting| self.view.time() > posting.posted_at + window;
        let mut numbers = Vec::new();
        for (number, batch) in &self.batches.undecided {
            let Some(posting) = self.batches.posting(&self.view, *number) else { continue };
            let is_over = is_due(posting) && batch.held_at != Some(self.batches.court);
            if is_over || (turns && (posting.voided_at.is_some() || batch.has_convict(&self.view))) {
                numbers.push((*number, *posting, is_over));
            } else if !turns && !is_due(posting) {
                break;
            }
        }
        for (number, posting, is_over) in numbers {
            let (leaves, mut fates) = (self.leaves(number)?, Vec::new());
            let is_behind = |leaf: &LeafState| matches!(leaf.input, Origin::Output(source) if source.batch != number);
            if leaves.iter().any(is_behind) {
                // What became of those in earlier batches is read from their rows.
                self.parts.journal.settled().await;
            }
            for (index, leaf) in (0..).zip(leaves) {
                if !self.batches.undecided[&number].decided.contains(&index) {
                    let fate = self.fate(&leaf, Place { batch: number, index }, &posting, is_over, &fates)?;
                    fates.push((index, leaf, fate));
                }
            }
            let is_decided = fates.iter().all(|(_, _, fate)| *fate != Fate::Open);
            self.carry_out(number, &fates, is_decided).await?;
            if let Some(batch) = self.batches.undecided.get_mut(&number).filter(|_| is_over) {
                batch.held_at = Some(self.batches.court);
            }
        }
        Ok(())
    }

    fn fate(
        &self,
        leaf: &LeafState,
        place: Place,
        posting: &Posting,
        is_over: bool,
        before: &[(u32, LeafState, Fate)],
    ) -> Result<Fate, StoreError> {
        match (posting.voided_at, self.standing(leaf.executor, place, posting)) {
            (Some(_), _) | (None, Standing::Void(_)) => return Ok(Fate::Void),
            (None, Standing::Held) => return Ok(Fate::Open),
            (None, Standing::Clear) if !is_over => return Ok(Fate::Open),
            (None, Standing::Clear) => {}
        }
        let attested = Fate::Over(EndRow { state: TaskState::Attested, chain_length: 1 });
        if !self.is_on_l1(leaf.wasm, place.batch) {
            return Ok(attested);
        }
        let Origin::Output(source) = leaf.input else {
            let state = if self.is_on_l1(leaf.input, place.batch) { TaskState::Final } else { TaskState::Attested };
            return Ok(Fate::Over(EndRow { state, chain_length: 1 }));
        };
        // In the same batch it was decided just now, or earlier; in an earlier batch its row says.
        let just_now = before.iter().find(|(index, ..)| source == Place { batch: place.batch, index: *index });
        let end = match just_now {
            Some((_, _, Fate::Open)) => return Ok(Fate::Open),
            Some((_, _, Fate::Void)) => return Ok(attested),
            Some((_, _, Fate::Over(end))) => Some(*end),
            None => {
                if self.is_open(source) {
                    return Ok(Fate::Open);
                }
                let known = leaves_of(&self.parts.context.store, &self.parts.context.domain, source.batch)?;
                let sequence =
                    known.and_then(|batch| batch.leaves.get(source.index as usize).map(|leaf| leaf.sequence));
                sequence.map(|sequence| self.parts.context.store.get(&ENDS, &sequence)).transpose()?.flatten()
            }
        };
        let longest = self.parts.context.parameters.chain_length_max;
        Ok(match end {
            Some(EndRow { state: TaskState::Final, chain_length }) if chain_length < longest => {
                Fate::Over(EndRow { state: TaskState::Final, chain_length: chain_length + 1 })
            }
            _ => attested,
        })
    }

    /// Whether the fate of a leaf is open.
    fn is_open(&self, place: Place) -> bool {
        self.batches.undecided.get(&place.batch).is_some_and(|batch| !batch.decided.contains(&place.index))
    }

    /// Whether a source, no output, is data of a batch that is not void.
    fn is_on_l1(&self, origin: Origin, number: u64) -> bool {
        match origin {
            Origin::Here(_) => true,
            Origin::Earlier(place) if place.batch < number => {
                self.view.posting(place.batch).is_some_and(|posting| posting.voided_at.is_none())
            }
            _ => false,
        }
    }

    /// Writes fates down and tells of them.
    async fn carry_out(
        &mut self,
        number: u64,
        fates: &[(u32, LeafState, Fate)],
        is_decided: bool,
    ) -> Result<(), StoreError> {
        for (index, leaf, fate) in fates {
            let place = Place { batch: number, index: *index };
            match fate {
                Fate::Open => continue,
                Fate::Void => self.run_again(leaf, place).await?,
                Fate::Over(end) => {
                    self.end(leaf.sequence, (leaf.task, leaf.attempt), leaf.blobs.to_vec(), *end, Some(place)).await;
                }
            }
            if let Some(batch) = self.batches.undecided.get_mut(&number) {
                batch.decided.insert(*index);
            }
        }
        if is_decided {
            info!(number, "every leaf of a batch is decided");
            self.batches.undecided.remove(&number);
            let (context, sender) = (self.parts.context.clone(), self.parts.sender.clone());
            // Behind what became of the leaves: whoever starts again in between decides those that are left.
            let write = move |batch: &mut Commit| {
                batch.delete(&UNDECIDED, &number);
                // Its calldata is of no more use. What the sender has not settled yet, it keeps: some blocks more than a window.
                if let Some((_, row)) = newest_build(&context.store, number)? {
                    row.intents.iter().for_each(|intent| drop(sender.forget(batch, intent)));
                }
                Ok(())
            };
            self.parts.journal.enter(write, || {}).await;
        }
        Ok(())
    }

    /// A leaf is void: its task is run again.
    async fn run_again(&mut self, leaf: &LeafState, place: Place) -> Result<(), StoreError> {
        let sequence = leaf.sequence;
        self.remember(leaf, place)?;
        if self.tasks.get(sequence).is_none_or(|task| task.attempt != leaf.attempt) {
            return Ok(());
        }
        self.executors.forget(sequence);
        let Some(task) = self.tasks.again(sequence, place) else { return Ok(()) };
        info!(sequence, attempt = task.attempt, "a leaf is void, its task is run again");
        self.parts.metrics.leaves_void.inc();
        let (context, output) = (self.parts.context.clone(), leaf.blobs[1]);
        let write = move |batch: &mut Commit| {
            let before = context.store.get(&PROGRESS, &sequence)?.unwrap_or_default();
            let row = ProgressRow { attempt: task.attempt, predecessor: Some(place), result: None, ..before };
            context.blobs.unpin(batch, &output, (PIN_OUTPUT, sequence));
            Ok(batch.put(&PROGRESS, &sequence, &row)?)
        };
        self.parts.journal.enter(write, || {}).await;
        self.tell(sequence, TaskState::Queued, None);
        Ok(())
    }

    /// Tasks whose deadlines have passed, or are too near to be kept, and that are in no batch.
    pub(super) async fn expire_tasks(&mut self) -> Result<(), CoreError> {
        let margin = self.parts.context.config.batches.deadline_margin;
        if self.batches.is_building || self.view.tip().is_none() {
            // What is being built is not taken away under it.
            return Ok(());
        }
        for sequence in self.tasks.past(self.view.time() + margin) {
            let Some((id, attempt)) = self.tasks.get(sequence).map(|task| (task.id, task.attempt)) else { continue };
            let order = self.parts.context.store.get(&crate::rows::ORDERS, &sequence)?;
            let blobs = order.map(|order| order.request.input).into_iter().collect();
            self.parts.metrics.tasks_expired.inc();
            let end = EndRow { state: TaskState::Expired, chain_length: 0 };
            self.end(sequence, (id, attempt), blobs, end, None).await;
        }
        Ok(())
    }

    /// A task is over. Its blobs are nobody's from now on: input, the output of the leaf that stands, and that of a result that is in no
    /// batch. They stay while there is room.
    async fn end(
        &mut self,
        sequence: u64,
        (task, attempt): (B256, u32),
        blobs: Vec<assay_protocol::BlobRef>,
        end: EndRow,
        place: Option<Place>,
    ) {
        self.executors.forget(sequence);
        self.tasks.end(sequence);
        let (context, news, metrics) =
            (self.parts.context.clone(), self.parts.news.clone(), self.parts.metrics.clone());
        let write = move |batch: &mut Commit| {
            batch.put(&ENDS, &sequence, &end)?;
            batch.delete(&LIVE, &sequence);
            for (blob, kind) in blobs.iter().zip([PIN_INPUT, PIN_OUTPUT]) {
                context.blobs.unpin(batch, blob, (kind, sequence));
            }
            if let Some((result, _)) = context.store.get(&PROGRESS, &sequence)?.and_then(|row| row.result) {
                context.blobs.unpin(batch, &result.output, (PIN_OUTPUT, sequence));
            }
            Ok(())
        };
        let done = move || {
            metrics.tasks_over.inc();
            let _ = news.tasks.send(TaskEvent { task, state: end.state, attempt, place });
        };
        self.parts.journal.enter(write, done).await;
    }
}

/// The view that the facts make that stand.
pub(super) fn restore_view(store: &assay_node::store::Store) -> Result<View, StoreError> {
    let mut view = View::default();
    for row in store.range(&FACTS, ..) {
        let ((block, _), row) = row?;
        view.apply(&row.fact, block, row.time);
    }
    Ok(view)
}

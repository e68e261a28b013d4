//! A look at view and store: what is due at a head, and what is to be done about it. On worker threads, for it reads the disk.
//!
//! Owns the reading: how attempts stand with the sender, whose claims are to be challenged, which rows have served. What follows is
//! decided by the pure parts, and done by the actor.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use alloy_primitives::U256;
use alloy_sol_types::SolCall;
use assay_node::store::StoreError;
use assay_node::tx::{INTENTS, IntentRow, Outcome, Status};
use assay_protocol::B256;
use assay_protocol::contracts::Court;

use super::attempt::{Decision, Progress, decide, intent_id};
use super::choice::{Purse, Stand};
use super::job::{Job, Wanted, wanted};
use super::opening::{Challenge, openings, spent};
use super::rows::{ChallengeRow, WORKS, challenges};
use super::{PlayerError, Shared};
use crate::chain::{ChainError, Head, LeafId};

/// Blocks after which the rows of a game that is over are thrown away: more than a reader heals.
const BURIED_BLOCKS: u64 = 256;

/// A job that is to be made, as which attempt, by which head.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    pub wanted: Wanted,
    pub attempt: u32,
    pub head: Head,
    /// Why the attempt before was for nothing.
    pub reason: Option<String>,
}

/// What a look at view and store came to.
#[derive(Default)]
pub(super) struct Look {
    pub due: BTreeSet<B256>,
    pub ready: Vec<Ready>,
    /// Jobs whose intents are to be taken back, with the attempts that these are.
    pub taken_back: Vec<Ready>,
    /// Challenges whose fates are known.
    pub spent: Vec<LeafId>,
    pub challenges: usize,
}

impl Shared {
    /// What is due at a head, and what is to be done about it.
    pub(super) fn look(&self, head: Head, unmade: &BTreeSet<B256>) -> Result<Look, PlayerError> {
        let (store, account) = (self.chain.store(), self.sender.account());
        let asked = challenges(store, account)?;
        let parameters = self.chain.parameters();
        let mut look = Look { challenges: asked.len(), ..Look::default() };
        let challenges = self.with_executors(&asked)?;
        let openings = openings(&self.chain.view(), account, &challenges, parameters, head.time);
        let mut stands = BTreeMap::new();
        for opening in openings.values() {
            stands.insert(opening.name, self.stand(opening.name, unmade, &head)?);
        }
        let wanted = {
            let view = self.chain.view();
            look.spent = spent(&view, asked.keys(), parameters, head.time);
            let (config, now) = (&self.config, head.time);
            let is_short = self.sender.shortage().borrow().is_some();
            let purse = Purse { balance: self.sender.balance(), is_short };
            let withdraw_from = config.withdraw_from;
            wanted(&view, &config.account, account, &challenges, parameters, withdraw_from, &stands, purse, now)
        };
        for wanted in wanted {
            look.due.insert(wanted.name);
            let row = store.get(&WORKS, &(account, wanted.name))?;
            let last = match row {
                Some(row) => Some((row, self.progress(intent_id(wanted.name, row.attempt))?)),
                None => None,
            };
            let has_clock = match wanted.job {
                Job::Commit { .. } => true,
                Job::Play { duty, .. } => duty.until < u64::MAX,
                Job::Withdraw { .. } => false,
            };
            let sent = last.as_ref().map_or(0, |(row, _)| row.attempt);
            let is_wrong_stay = matches!(wanted.job, Job::Commit { is_stay: false, .. })
                && matches!(stands.get(&wanted.name), Some(Stand::Begun { is_stay: true, is_sent: false, .. }));
            match decide(last, has_clock, &head) {
                Decision::Wait if is_wrong_stay => {
                    look.taken_back.push(Ready { wanted, attempt: sent, head, reason: None });
                }
                Decision::Wait => {}
                Decision::Make { attempt, failed: reason } => {
                    look.ready.push(Ready { wanted, attempt, head, reason });
                }
            }
        }
        Ok(look)
    }

    /// How a commitment stands at a head. `unmade` are names of jobs that could not be made.
    fn stand(&self, name: B256, unmade: &BTreeSet<B256>, head: &Head) -> Result<Stand, PlayerError> {
        let (store, account) = (self.chain.store(), self.sender.account());
        let left = if unmade.contains(&name) { Stand::Unmade } else { Stand::Fresh };
        let Some(row) = store.get(&WORKS, &(account, name))? else { return Ok(left) };
        let id = intent_id(name, row.attempt);
        let Some(IntentRow { intent, outcome, .. }) = store.get(&INTENTS, &(account, id))? else { return Ok(left) };
        let is_stay = Court::commitCall::abi_decode(&intent.data).is_ok_and(|call| call.stay);
        Ok(match outcome {
            None => {
                // Only of a stay it matters: the sender looks through all that is in flight for the answer.
                let is_sent = !is_stay || !matches!(self.sender.status(&id)?, Some(Status::Queued));
                Stand::Begun { is_stay, is_sent, value: intent.value }
            }
            // It was mined, and is not seen yet.
            Some(Outcome::Done { block, .. }) if head.number < block => {
                Stand::Begun { is_stay, is_sent: true, value: U256::ZERO }
            }
            Some(Outcome::Reverted { .. } | Outcome::Refused { .. }) => Stand::Refused,
            Some(_) => left,
        })
    }

    /// Challenges with the executors of their claims; those that are not on L1 now are left out.
    fn with_executors(
        &self,
        asked: &BTreeMap<LeafId, ChallengeRow>,
    ) -> Result<BTreeMap<LeafId, Challenge>, StoreError> {
        let mut known = self.executors.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut challenges, mut kept) = (BTreeMap::new(), BTreeMap::new());
        for (leaf, row) in asked {
            let Some(batch) = self.chain.batch(leaf.region, leaf.batch) else { continue };
            let key = (batch.hash, leaf.index);
            let executor = match known.get(&key).copied() {
                Some(executor) => Some(executor),
                None => match self.chain.claim(*leaf) {
                    Err(ChainError::Store(error)) => return Err(error),
                    // Data that is not to be read is a fault of the batch.
                    Err(_) | Ok(None) => None,
                    Ok(Some(claim)) => Some(claim.result.executor),
                },
            };
            if let Some(executor) = executor {
                kept.insert(key, executor);
                challenges.insert(*leaf, Challenge { row: *row, executor });
            }
        }
        *known = kept;
        Ok(challenges)
    }

    /// Throws away rows and intents of games that are over and buried.
    pub(super) fn sweep(&self, head: Head) -> Result<(), PlayerError> {
        let (store, account) = (self.chain.store(), self.sender.account());
        let mut batch = store.batch();
        for row in store.prefix(&WORKS, &account) {
            let ((_, name), row) = row?;
            let is_running = |id| self.chain.view().board().game(id).is_some_and(|game| game.is_running());
            if head.number <= row.block + BURIED_BLOCKS || row.game.is_some_and(is_running) {
                continue;
            }
            // What is not settled stays, and its row with it.
            let ids = (0..=row.attempt).map(|attempt| intent_id(name, attempt));
            let mut is_known = false;
            for id in ids {
                match self.progress(id)? {
                    Progress::Settled(_) => self.sender.forget(&mut batch, &id)?,
                    Progress::UnderWay => is_known = true,
                    Progress::Unknown => {}
                }
            }
            if !is_known {
                batch.delete(&WORKS, &(account, name));
            }
        }
        Ok(batch.commit()?)
    }

    /// What became of an intent. The sender's own answer says more, and looks through all that is in flight for it.
    fn progress(&self, id: B256) -> Result<Progress, PlayerError> {
        let row = self.chain.store().get(&INTENTS, &(self.sender.account(), id))?;
        Ok(row.map_or(Progress::Unknown, |row| row.outcome.map_or(Progress::UnderWay, Progress::Settled)))
    }
}

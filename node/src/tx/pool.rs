//! Which nonce carries what, at which price: the pure core of the sender.
//!
//! Owns the intents that are not settled, the nonces that are not settled, and the decision what to sign or send next. Assumes that one
//! process uses the key; when another does, it notices and goes on. Never waits, asks, signs or stores.
//!
//! # Rules
//!
//! ```text
//!   Queued ──open──> in a slot (nonce) ──mined, n deep──> settled
//!     ^                   │   ^                             │ by another attempt of the slot, or by somebody else's
//!     │                   └───┘ raise, send again           │ transaction with this nonce
//!     └──────────────────────── given back <────────────────┘
//! ```
//!
//! 1. *One nonce an intent.* An intent has signed transactions on at most one nonce that is not settled. So it is mined at most once,
//!    whichever of them a proposer has kept.
//! 2. *Nonces without gaps.* The lowest free nonce at or above the account's is opened first. A gap, which only a reorganisation can
//!    leave, is filled with the next intent, or with an empty transfer when there is none.
//! 3. *Urgent first.* Queued intents go by priority, then by turn. As many nonces are unmined as nodes keep for an account, and a quarter of
//!    these places is kept for urgent work. What is mined and not settled takes no place with a node, and none here.
//! 4. *Raising.* A slot that was not mined for `resubmit_after_ms` is raised: the lowest one, and with it all that stand before an
//!    urgent one. Within the cap of its own priority it keeps its intent. At its cap it waits, and is sent again as it is in case
//!    nodes have dropped it. Urgent work whose time is not nearly over is *patient*: it has the cap of routine work, and is raised only
//!    when the market asks for more than it offers.
//! 5. *Nothing stands before urgent work.* A routine slot at its cap before an urgent one, or before one that waits for a slot, is
//!    replaced by an empty transfer at the urgent price, 21,000 gas. Its intent is given back when the nonce is settled.
//! 6. *Settled* is a nonce whose mined transaction stands `confirmations` deep. One that is used while none of its transactions has a
//!    receipt is somebody else's after `confirmations + 1` more blocks: a node that is behind does not look so for that long.
//! 7. *No debts.* A slot is opened only if the account can pay the most that all slots can cost. What it can't pay for is passed over,
//!    and keeps nothing behind it from being opened.
//! 8. *One after the other.* An intent that follows another gets a higher nonce than that, or none; if that one comes to nothing, so does
//!    what follows it and has not been sent.

mod plan;

use super::fees::{FeePolicy, Fees, Market};
use super::intent::{Attempt, Intent, IntentId, Outcome, Priority, SlotRow};
use super::refusal::Refusal;
use alloy_primitives::{B256, U256};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Gas of an empty transfer.
pub const EMPTY_TRANSFER_GAS: u64 = 21_000;

/// What decides besides L1 and the intents.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// How deep a transaction must stand: 1 is being mined.
    pub confirmations: u64,
    /// Fees.
    pub fees: FeePolicy,
    /// How long an offer stands before it is raised.
    pub resubmit_after_ms: u64,
    /// The most nonces that are not mined, at most what nodes keep for an account: 16 in geth.
    pub unmined_max: usize,
}

/// What L1 shows at one moment.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// The process's clock, which only differences are taken of.
    pub now_ms: u64,
    /// Height of the head.
    pub head: u64,
    /// L1's time, in seconds since 1970.
    pub timestamp: u64,
    /// Prices.
    pub market: Market,
    /// The account's next nonce at the head.
    pub nonce: u64,
    /// The account's wei at the head.
    pub balance: U256,
}

/// That an attempt is mined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mined {
    /// Hash of the transaction.
    pub transaction: B256,
    /// Number of its block.
    pub block: u64,
    /// Whether the call succeeded.
    pub succeeded: bool,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Ask for the gas that an intent needs, and tell it to [`Pool::estimated`].
    Estimate(IntentId),
    /// Sign a transaction, write it down, send it, and tell [`Pool::signed`], then [`Pool::taken`] or [`Pool::refused`].
    Sign {
        /// Its nonce.
        nonce: u64,
        /// What it carries out; `None` for an empty transfer.
        intent: Option<IntentId>,
        /// What it offers.
        fees: Fees,
        /// Its gas limit.
        gas_limit: u64,
    },
    /// Send the newest transaction of a nonce again, and tell [`Pool::taken`] or [`Pool::refused`].
    Send {
        /// The nonce.
        nonce: u64,
    },
    /// An intent is over without having been sent.
    Close {
        /// The intent.
        intent: IntentId,
        /// How.
        outcome: Outcome,
    },
}

/// What a settled nonce means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The nonce.
    pub nonce: u64,
    /// The intent that was carried out, and how: an outcome needs the reason of a revert, which only L1 knows.
    pub mined: Option<(IntentId, Mined)>,
    /// Intents that go back to the queue.
    pub given_back: Vec<IntentId>,
}

/// That the account is too poor for the next intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// What it has.
    pub got: U256,
    /// What the intents in flight and the next one can cost.
    pub wanted: U256,
    /// Of that, what those in flight can cost in gas: most of it is free again when they are mined, unlike what they send.
    pub reserved: U256,
}

#[derive(Clone, Debug)]
struct Waiting {
    intent: Intent,
    /// Known limit: the intent's own, or an estimate.
    gas_limit: Option<u64>,
    /// When it may be asked again which that is.
    estimate_from_ms: u64,
}

#[derive(Clone, Debug)]
struct Slot {
    attempts: Vec<Attempt>,
    /// When the newest attempt was last offered; `None` if it was not in this process's life.
    offered_ms: Option<u64>,
    /// A node wants more for it.
    too_cheap: bool,
    /// Height at which its nonce was first seen used without a receipt for any attempt.
    missing_since: Option<u64>,
    /// Where an attempt was mined, when last looked.
    mined: Option<Mined>,
}

impl Slot {
    fn newest(&self) -> &Attempt {
        self.attempts.last().expect("a slot is made with an attempt and never loses one")
    }

    fn intents(&self) -> BTreeSet<IntentId> {
        self.attempts.iter().filter_map(|attempt| attempt.intent).collect()
    }
}

/// The intents and nonces of an account that are not settled.
#[derive(Clone, Debug)]
pub struct Pool {
    config: PoolConfig,
    intents: HashMap<IntentId, Waiting>,
    /// Intents without a slot, by turn: urgent ones first.
    queue: BTreeMap<(std::cmp::Reverse<Priority>, u64), IntentId>,
    turns: HashMap<IntentId, u64>,
    slots: BTreeMap<u64, Slot>,
    /// Intents that follow one which came to nothing.
    orphans: BTreeSet<IntentId>,
    shortage: Option<Shortage>,
}

impl Pool {
    /// An empty pool.
    pub fn new(config: PoolConfig) -> Self {
        Pool {
            config,
            intents: HashMap::new(),
            queue: BTreeMap::new(),
            turns: HashMap::new(),
            slots: BTreeMap::new(),
            orphans: BTreeSet::new(),
            shortage: None,
        }
    }

    /// Takes over a nonce that was written down. Before [`Pool::submit`] for the intents that it carries.
    pub fn restore(&mut self, nonce: u64, row: SlotRow) {
        if !row.attempts.is_empty() {
            let slot =
                Slot { attempts: row.attempts, offered_ms: None, too_cheap: false, missing_since: None, mined: None };
            self.slots.insert(nonce, slot);
        }
    }

    /// Takes an intent, with its turn. One that a slot carries is not queued; one that is here already is left as it is.
    pub fn submit(&mut self, intent: Intent, turn: u64) {
        let id = intent.id;
        if self.intents.contains_key(&id) {
            return;
        }
        let in_flight = self.nonce_of(&id).is_some();
        self.turns.insert(id, turn);
        if !in_flight {
            self.queue.insert((std::cmp::Reverse(intent.priority), turn), id);
        }
        let gas_limit = intent.gas_limit;
        self.intents.insert(id, Waiting { intent, gas_limit, estimate_from_ms: 0 });
    }

    /// Takes an intent out of the queue. `false` when it is in flight, or not here.
    pub fn withdraw(&mut self, id: &IntentId) -> bool {
        let queued = self.queue.values().any(|queued| queued == id);
        if queued {
            self.fail(id);
        }
        queued
    }

    /// An intent that is not settled.
    pub fn intent(&self, id: &IntentId) -> Option<&Intent> {
        self.intents.get(id).map(|waiting| &waiting.intent)
    }

    /// The nonce that carries an intent.
    pub fn nonce_of(&self, id: &IntentId) -> Option<u64> {
        self.slots
            .iter()
            .find(|(_, slot)| slot.attempts.iter().any(|attempt| attempt.intent == Some(*id)))
            .map(|(&nonce, _)| nonce)
    }

    /// What the slot of a nonce is written down as.
    pub fn row(&self, nonce: u64) -> Option<SlotRow> {
        self.slots.get(&nonce).map(|slot| SlotRow { attempts: slot.attempts.clone() })
    }

    /// The account's shortage, when that is why nothing is opened.
    pub fn shortage(&self) -> Option<Shortage> {
        self.shortage
    }

    /// Numbers of intents that wait and of nonces in flight.
    pub fn load(&self) -> (usize, usize) {
        (self.queue.len(), self.slots.len())
    }

    /// Transactions to ask for receipts of: those whose nonce is used, by nonce, newest first.
    pub fn questions(&self, view: &View) -> Vec<(u64, Vec<B256>)> {
        let used = self.slots.range(..view.nonce);
        used.map(|(&nonce, slot)| (nonce, slot.attempts.iter().rev().map(|attempt| attempt.hash).collect())).collect()
    }

    /// Takes the answers to [`Pool::questions`], and says which nonces are settled. Those leave the pool, and so do the intents that
    /// they carried out; intents that they did not are queued again.
    pub fn observe(&mut self, view: &View, answers: &BTreeMap<u64, Option<Mined>>) -> Vec<Settlement> {
        let mut settled = Vec::new();
        for (&nonce, slot) in &mut self.slots {
            slot.mined = (nonce < view.nonce).then(|| answers.get(&nonce).copied().flatten()).flatten();
            match (slot.mined, answers.contains_key(&nonce) && nonce < view.nonce) {
                (Some(mined), _) => {
                    slot.missing_since = None;
                    if mined.block.saturating_add(self.config.confirmations) <= view.head.saturating_add(1) {
                        settled.push((nonce, Some(mined)));
                    }
                }
                (None, true) => {
                    let since = *slot.missing_since.get_or_insert(view.head);
                    if view.head > since.saturating_add(self.config.confirmations) {
                        settled.push((nonce, None));
                    }
                }
                // Not used, or used again only since the questions were asked.
                (None, false) => slot.missing_since = None,
            }
        }
        settled.into_iter().map(|(nonce, mined)| self.settle(nonce, mined)).collect()
    }

    fn settle(&mut self, nonce: u64, mined: Option<Mined>) -> Settlement {
        let slot = self.slots.remove(&nonce).expect("was just found");
        let winner = mined.and_then(|mined| {
            let attempt = slot.attempts.iter().find(|attempt| attempt.hash == mined.transaction)?;
            Some((attempt.intent?, mined))
        });
        match winner {
            Some((id, mined)) if mined.succeeded => self.remove(&id),
            Some((id, _)) => self.fail(&id),
            None => {}
        }
        let given_back: Vec<_> =
            slot.intents().into_iter().filter(|id| winner.is_none_or(|(won, _)| won != *id)).collect();
        given_back.iter().for_each(|id| self.give_back(id));
        Settlement { nonce, mined: winner, given_back }
    }

    /// Tells the gas limit that an intent got.
    pub fn estimated(&mut self, id: &IntentId, gas_limit: u64) {
        if let Some(waiting) = self.intents.get_mut(id) {
            waiting.gas_limit = Some(gas_limit);
        }
    }

    /// Tells that a node does not say what an intent takes, for whatever reason: others go first for a while.
    pub fn unestimated(&mut self, id: &IntentId, now_ms: u64) {
        if let Some(waiting) = self.intents.get_mut(id) {
            waiting.estimate_from_ms = now_ms.saturating_add(self.config.resubmit_after_ms);
        }
    }

    /// Ends an intent of the queue that came to nothing.
    pub fn close_intent(&mut self, id: &IntentId) {
        self.fail(id);
    }

    /// Tells of an intent whose predecessor came to nothing before this pool was made.
    pub fn orphan(&mut self, id: IntentId) {
        self.orphans.insert(id);
    }

    /// Tells that a transaction was signed for a nonce. It must be written down, as [`Pool::row`], before it is sent.
    pub fn signed(&mut self, nonce: u64, attempt: Attempt, now_ms: u64) {
        if let Some(id) = attempt.intent {
            let elsewhere = self.nonce_of(&id).is_some_and(|other| other != nonce);
            assert!(!elsewhere, "intent {id} would have two nonces");
            self.unqueue(&id);
        }
        match self.slots.get_mut(&nonce) {
            Some(slot) => {
                slot.attempts.push(attempt);
                (slot.offered_ms, slot.too_cheap) = (Some(now_ms), false);
            }
            None => {
                let offered_ms = Some(now_ms);
                let slot =
                    Slot { attempts: vec![attempt], offered_ms, too_cheap: false, missing_since: None, mined: None };
                self.slots.insert(nonce, slot);
            }
        }
    }

    /// Tells that a node took the newest transaction of a nonce, or that nobody knows whether one did.
    pub fn taken(&mut self, nonce: u64, now_ms: u64) {
        if let Some(slot) = self.slots.get_mut(&nonce) {
            (slot.offered_ms, slot.too_cheap) = (Some(now_ms), false);
        }
    }

    /// Tells that a node did not take the newest transaction of a nonce. Returns the intent when that is the end of it: the node
    /// will never take it, and nobody else has seen any transaction of this nonce.
    pub fn refused(&mut self, nonce: u64, refusal: Refusal, now_ms: u64) -> Option<IntentId> {
        let slot = self.slots.get_mut(&nonce)?;
        slot.offered_ms = Some(now_ms);
        match refusal {
            Refusal::Underpriced => slot.too_cheap = true,
            // Something before it got lost: all before it are offered again at once.
            Refusal::NonceTooHigh => self.slots.range_mut(..nonce).for_each(|(_, slot)| slot.offered_ms = None),
            Refusal::Impossible if slot.attempts.len() == 1 => {
                let id = slot.newest().intent;
                self.slots.remove(&nonce);
                if let Some(id) = id {
                    self.fail(&id);
                }
                return id;
            }
            // The first three heal by themselves: it is there, or was mined, or money comes. The last one nobody understands.
            Refusal::Known
            | Refusal::NonceTooLow
            | Refusal::InsufficientFunds
            | Refusal::Impossible
            | Refusal::Unclear => {}
        }
        None
    }

    fn give_back(&mut self, id: &IntentId) {
        if let Some(waiting) = self.intents.get_mut(id) {
            // What it needs may have changed with what was mined since.
            waiting.gas_limit = waiting.intent.gas_limit;
            self.queue.insert((std::cmp::Reverse(waiting.intent.priority), self.turns[id]), *id);
        }
    }

    fn unqueue(&mut self, id: &IntentId) {
        self.queue.retain(|_, queued| queued != id);
    }

    /// Ends an intent that came to nothing, and marks what follows it.
    fn fail(&mut self, id: &IntentId) {
        self.remove(id);
        let follows = self.intents.iter().filter(|(_, waiting)| waiting.intent.after == Some(*id));
        self.orphans.extend(follows.map(|(follower, _)| *follower));
    }

    fn remove(&mut self, id: &IntentId) {
        self.unqueue(id);
        self.orphans.remove(id);
        self.turns.remove(id);
        self.intents.remove(id);
    }
}

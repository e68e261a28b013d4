//! Sending transactions: what a role wants on L1 gets there once, whatever dies in between.
//!
//! Owns one key's nonces, its fees, and the fate of every intent. Assumes that no other process uses the key, and survives it when one
//! does. Never logs a key or calldata, and never sends what it has not written down.
//!
//! # Protocol
//!
//! One actor for each key. Whoever has a [`Sender`] gives it intents; a [`Ticket`] waits for what became of one.
//!
//! ```text
//!   role                          store                         actor                          L1
//!    │ submit: intent + own rows ──> │  (one commit, synced)       │                              │
//!    │ <─ ticket                     │                             │                              │
//!    │ · · · · · · · · · · · · · · · · · · · · · · · · wake ─────> │ ── head, fees, nonce ──────> │
//!    │                               │ <─ signed transaction ───── │   (synced before it is sent) │
//!    │                               │                             │ ── transaction ────────────> │
//!    │                               │                             │ ── receipts, n deep? ──────> │
//!    │                               │ <─ outcome ──────────────── │                              │
//!    │ <─ ticket.settled() · · · · · · · · · · · · · · · · · · · · │                              │
//! ```
//!
//! *Persisted*, per account: intents with their outcome ([`INTENTS`]), the turns of those not settled ([`TURNS`]), and for each nonce
//! not settled every transaction that was ever signed for it ([`SLOTS`]). An intent is synced before `submit` returns; a transaction
//! before it is sent; an outcome before a ticket says so. After a restart the actor asks L1 for the receipts of all transactions it
//! has signed, and sends those again that are not mined.
//!
//! *States* of an intent: queued, in flight, settled; the rules are [`pool`]'s.
//!
//! *Mailboxes*: submitted intents lie in the store, and waking the actor is a flag that can't overflow. Withdrawals go through a queue
//! of 64 whose senders wait.
//!
//! *Failures*: a node that is down is asked again for ever. An account that is too poor leaves its intents queued and says so
//! ([`Sender::shortage`], an error in the log, a metric of whoever asks, and [`watch_shortage`] in the process's health). Only the store, or a node of another chain, ends the actor.

mod actor;
mod fees;
mod intent;
mod meters;
pub mod pool;
mod refusal;
mod revert;
mod sender;
mod shortage;
#[cfg(test)]
mod tests;

pub use actor::Actor;
pub use fees::{BUMP_PERCENT_MIN, FeePolicy, Fees, Market};
pub use intent::{
    Attempt, INTENTS, Intent, IntentId, IntentRow, Outcome, Priority, SLOTS, SlotRow, Status, TURNS, schema,
};
pub use pool::Shortage;
pub use refusal::Refusal;
pub use sender::{Sender, Shortages, Ticket, sender};
pub use shortage::watch_shortage;

use crate::Remedy;
use crate::endpoint::EndpointError;
use crate::store::StoreError;
use std::time::Duration;
use thiserror::Error;

/// The most nonces that are not mined, if nobody says otherwise. A game's move has a clock, and a crowd's moves are due at once: 300 of
/// them take five blocks then, and nineteen with the 16 that geth keeps for an account in any case. What a node has no room for is
/// offered again.
pub const UNMINED_MAX: usize = 64;

/// How a sender works.
#[derive(Clone, Debug)]
pub struct SenderConfig {
    /// The chain that transactions are signed for.
    pub chain_id: u64,
    /// How deep a transaction must stand before its intent is settled: 1 is being mined.
    pub confirmations: u64,
    /// Fees.
    pub fees: FeePolicy,
    /// How long an offer stands before it is raised.
    pub resubmit_after: Duration,
    /// How long to wait before L1 is looked at again.
    pub tick: Duration,
    /// The most nonces that are not mined.
    pub unmined_max: usize,
    /// What is added to an estimate of gas, in per cent: state may change before the call is mined.
    pub gas_margin_percent: u64,
}

impl SenderConfig {
    /// The usual limits on a chain.
    pub fn new(chain_id: u64) -> Self {
        SenderConfig {
            chain_id,
            confirmations: 3,
            fees: FeePolicy::default(),
            resubmit_after: Duration::from_secs(36),
            tick: Duration::from_secs(2),
            unmined_max: UNMINED_MAX,
            gas_margin_percent: 25,
        }
    }
}

/// What can go wrong with sending.
#[derive(Debug, Error)]
pub enum TxError {
    /// The node does not answer, or not with what was asked.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Intents can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The node is on another chain than transactions are signed for.
    #[error("L1 is chain {got}, wanted {wanted}")]
    AnotherChain {
        /// What the node says.
        got: u64,
        /// What the configuration says.
        wanted: u64,
    },
    /// An intent with this id exists and wants something else.
    #[error("intent {id} was submitted before with another {what}")]
    IdReused {
        /// The id.
        id: IntentId,
        /// What differs.
        what: &'static str,
    },
    /// The intent can't be withdrawn or forgotten as it stands.
    #[error("intent {id} is {got}, wanted {wanted}")]
    WrongStatus {
        /// The id.
        id: IntentId,
        /// What it is.
        got: &'static str,
        /// What it had to be.
        wanted: &'static str,
    },
    /// The actor has ended. What was submitted is written down, and goes on when the process starts again.
    #[error("the sender of {account} has stopped")]
    Stopped {
        /// The account.
        account: alloy_primitives::Address,
    },
    /// A transaction can't be signed.
    #[error("a transaction of {account} can't be signed: {reason}")]
    Unsigned {
        /// The account.
        account: alloy_primitives::Address,
        /// Why.
        reason: String,
    },
}

impl TxError {
    /// What helps.
    pub fn remedy(&self) -> Remedy {
        match self {
            TxError::Endpoint(error) => error.remedy(),
            TxError::Store(error) => error.remedy(),
            TxError::AnotherChain { .. }
            | TxError::IdReused { .. }
            | TxError::WrongStatus { .. }
            | TxError::Stopped { .. }
            | TxError::Unsigned { .. } => Remedy::Stop,
        }
    }
}

//! What a role wants to happen on L1, and what became of it.
//!
//! Owns the nouns of the sender and the rows that they are kept in. Assumes that a role names the same wish by the same id after a
//! restart; then it happens once, however often it is asked for.

use super::fees::Fees;
use crate::store::{Record, Schema, Table};
use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};

/// Name of an intent, chosen by the role: for example the hash of what it is about.
pub type IntentId = B256;

/// Whose turn it is. Urgent work goes first and may cost more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Priority {
    /// Can wait until L1 is cheap: claims, withdrawals.
    Routine,
    /// Has a clock running against it: a move of a dispute.
    Urgent,
}

/// A call that shall be mined once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Its name.
    pub id: IntentId,
    /// The contract.
    pub to: Address,
    /// Calldata.
    pub data: Bytes,
    /// Wei to send along.
    pub value: U256,
    /// Gas limit; L1 is asked for an estimate when there is none. A call that reverts both on the newest block and on the pending one ends
    /// the intent unsent.
    pub gas_limit: Option<u64>,
    /// Whose turn it is.
    pub priority: Priority,
    /// Time of L1, in seconds since 1970, from which on it is not worth sending. What was sent before is seen through.
    pub expires_at: Option<u64>,
    /// An intent that L1 must have before this one. It is sent behind it, and if that comes to nothing, not at all.
    pub after: Option<IntentId>,
}

/// What became of an intent. Final: it stands as many blocks deep as was asked for, or nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Mined, and the call succeeded.
    Done {
        /// Hash of the transaction.
        transaction: B256,
        /// Number of its block.
        block: u64,
    },
    /// The call failed: mined, or in the estimate before it was sent.
    Reverted {
        /// Hash of the transaction, if it was mined.
        transaction: Option<B256>,
        /// What the contract said, if it could be found out.
        data: Bytes,
        /// The same in words, for `Error(string)` and `Panic(uint256)`; the selector of any other error.
        reason: String,
    },
    /// No node will take it.
    Refused {
        /// The node's words.
        reason: String,
    },
    /// Its time was over before it was sent.
    Expired,
    /// The role took it back before it was sent.
    Withdrawn,
    /// What it follows came to nothing, before it was sent.
    Orphaned,
}

/// Where an intent stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not sent, or displaced by urgent work and not sent again.
    Queued,
    /// Sent, and not yet deep enough.
    InFlight {
        /// The nonce that it has.
        nonce: u64,
    },
    /// Over.
    Settled(Outcome),
}

/// An intent as it is kept, until the role forgets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntentRow {
    /// The wish.
    pub intent: Intent,
    /// Its turn among those of one priority.
    pub sequence: u64,
    /// How it ended, when it has.
    pub outcome: Option<Outcome>,
}

impl Record for IntentRow {
    const VERSION: u8 = 2;
}

/// One signed transaction of a nonce.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its hash.
    pub hash: B256,
    /// What it carries out; `None` for an empty transfer to oneself, which only uses the nonce up.
    pub intent: Option<IntentId>,
    /// What it offers.
    pub fees: Fees,
    /// Its gas limit.
    pub gas_limit: u64,
    /// What it sends along.
    pub value: U256,
    /// Itself, signed and encoded, so that it can be sent again as it is.
    pub raw: Bytes,
}

impl Attempt {
    /// The most that it can cost.
    pub fn cost(&self) -> U256 {
        cost(self.fees, self.gas_limit, self.value)
    }
}

/// The most that a transaction can cost.
pub(super) fn cost(fees: Fees, gas_limit: u64, value: U256) -> U256 {
    U256::from(fees.cap).saturating_mul(U256::from(gas_limit)).saturating_add(value)
}

/// All transactions that were signed for a nonce, oldest first. At most one of them is ever mined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotRow {
    /// The transactions.
    pub attempts: Vec<Attempt>,
}

impl Record for SlotRow {
    const VERSION: u8 = 1;
}

/// Intents by account and id.
pub const INTENTS: Table<(Address, IntentId), IntentRow> = Table::new("tx_intents");

/// Intents that are not settled, by account and turn.
pub const TURNS: Table<(Address, u64), IntentId> = Table::new("tx_turns");

/// Nonces that are not settled, by account and nonce.
pub const SLOTS: Table<(Address, u64), SlotRow> = Table::new("tx_slots");

/// Adds the sender's tables to a schema.
pub fn schema(schema: Schema) -> Schema {
    schema.table(&INTENTS).table(&TURNS).table(&SLOTS)
}

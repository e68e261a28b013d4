//! The player of one account on a real L1: challenger, executor, or both (specs/16-derivation.md, "The player").
//!
//! ```text
//! head --> wanted: jobs by name --> decide: make, again, wait --> make, on worker threads --> sender, persisted
//! ```
//!
//! # Protocol
//!
//! With each new head the player lists what is to be done now, by the view alone. A job's name says what it does in which state of
//! its game, so that after a restart, with rows or without, the same job has the same name and is the same intent. Evidence and
//! preflight are made on worker threads, several games at a time.
//!
//! *Persisted*: challenges that were asked for ([`rows::CHALLENGES`]), until their fates are known; attempts at jobs ([`rows::WORKS`]),
//! in one commit with the sender's intent. Without these rows the player acts by the view alone and loses nothing but challenges
//! whose commitment was not sent, which whoever found them finds again.
//!
//! *Mailbox*: none. Challenges lie in the store and wake the player by a flag; heads are a value of which the newest counts.
//!
//! *Failures*: an intent that failed or was dropped by L1 while its job is still due is made again as another attempt, later each time,
//! at most a minute while its clock runs, hourly after [`ATTEMPTS_QUICK`] attempts if it has none; evidence that is not to be had is asked
//! for again, later each time, and so is the answer in a game that seems lost. Each says so as an error. Only the store and the sender
//! end the player.
//!
//! *Challenges* share the sender's money and wait for each other; what fails holds up no other (`choice`).
//!
//! *Bounds*: names in memory are those of jobs that are due; rows go when their game is over and buried.

mod actor;
mod attempt;
mod choice;
mod job;
mod look;
mod make;
mod meters;
mod opening;
pub mod rows;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use alloy_primitives::{Address, U256, keccak256};
use assay_dispute::player::Account;
use assay_dispute::preflight::CourtPreflight;
use assay_node::Remedy;
use assay_node::keys::{KeyError, Wallet};
use assay_node::store::StoreError;
use assay_node::telemetry::Metrics;
use assay_node::tx::{Sender, TxError};
use assay_protocol::B256;
use thiserror::Error;
use tokio::sync::Notify;

use crate::cases::CaseSource;
use crate::chain::{Chain, LeafId};
use rows::{CHALLENGES, ChallengeRow, challenge_key};

pub use actor::Actor;
pub use attempt::{ATTEMPTS_QUICK, Decision, Progress, decide, outcome_words, wait};
pub use choice::{Purse, Stand};
pub use job::{Job, Wanted, wanted};
pub use opening::Challenge;

/// Who plays, and how.
#[derive(Clone, Debug)]
pub struct PlayerConfig {
    /// The sides that are played. The sender's account is the challenger; the executor's stake may be another's.
    pub account: Account,
    /// Games that are computed at the same time.
    pub workers: usize,
    /// Credit from which on it is withdrawn, in wei; none never is.
    pub withdraw_from: Option<U256>,
}

impl PlayerConfig {
    /// The usual limits for an account: two games at a time, credit withdrawn from a twentieth of an ether on.
    #[must_use]
    pub fn new(account: Account) -> Self {
        Self { account, workers: 2, withdraw_from: Some(U256::from(50_000_000_000_000_000_u64)) }
    }
}

/// What can go wrong with playing.
#[derive(Debug, Error)]
pub enum PlayerError {
    /// Intents can't be submitted.
    #[error(transparent)]
    Sender(#[from] TxError),
    /// Rows can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody follows L1 any more.
    #[error("nobody follows L1 any more")]
    Unfollowed,
}

impl PlayerError {
    /// What helps.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Sender(error) => error.remedy(),
            Self::Store(error) => error.remedy(),
            Self::Unfollowed => Remedy::Stop,
        }
    }
}

/// Asks a player for challenges. Cheap to clone.
#[derive(Clone)]
pub struct Player {
    shared: Arc<Shared>,
}

struct Shared {
    chain: Chain,
    cases: Arc<dyn CaseSource>,
    sender: Sender,
    secret: B256,
    preflight: CourtPreflight,
    config: PlayerConfig,
    wake: Notify,
    /// Executors of the leaves that are to be challenged, by batch and index.
    executors: Mutex<BTreeMap<(B256, u32), Address>>,
}

/// Makes the player of an account, whose key is the sender's. `secret` salts its commitments, see [`secret_of`]. Nothing is played until
/// the actor runs; the store that the sender has must have the tables of [`rows::schema`].
#[must_use]
pub fn player(
    chain: Chain,
    cases: Arc<dyn CaseSource>,
    sender: Sender,
    secret: B256,
    config: PlayerConfig,
    metrics: &Metrics,
) -> (Player, Actor) {
    let (wake, executors) = (Notify::new(), Mutex::default());
    let preflight = CourtPreflight::of(chain.deployment());
    let shared = Arc::new(Shared { chain, cases, sender, secret, preflight, config, wake, executors });
    (Player { shared: shared.clone() }, Actor::new(shared, metrics))
}

impl Player {
    /// Challenges the claim of a leaf that was found to be wrong. Persisted when this returns: the commitment will be made, once, in the
    /// claim's window, unless the claim turns out to be true, falls by itself, or is held by an own stay already. `is_stay` bonds the
    /// executor's whole stake and holds all its claims; a second lie of an executor is challenged so in any case. Where there is not the
    /// money for that, it is challenged by a game.
    ///
    /// # Errors
    /// [`PlayerError::Store`].
    pub async fn challenge(&self, leaf: LeafId, is_stay: bool) -> Result<(), PlayerError> {
        let key = challenge_key(self.shared.sender.account(), leaf);
        let mut batch = self.shared.chain.store().batch();
        batch.put(&CHALLENGES, &key, &ChallengeRow { is_stay })?;
        batch.commit_async().await?;
        self.shared.wake.notify_one();
        Ok(())
    }

    /// Challenges that are asked for and whose fates are not known yet.
    ///
    /// # Errors
    /// [`PlayerError::Store`].
    pub fn challenges(&self) -> Result<Vec<LeafId>, PlayerError> {
        Ok(rows::challenges(self.shared.chain.store(), self.shared.sender.account())?.into_keys().collect())
    }
}

/// The secret that salts an account's commitments. It follows from the key, by a signature of a hash that nothing else has, so that
/// a player that has lost everything but its key knows its openings.
///
/// # Errors
/// [`KeyError`] if the key can't sign.
pub fn secret_of(wallet: &Wallet) -> Result<B256, KeyError> {
    Ok(keccak256(wallet.sign_hash(&keccak256("assay.player.secret.v1"))?))
}

//! The side of the sender that roles see.
//!
//! Owns submission: the checks, the turn, the commit. Assumes that ids are stable. It only ever adds rows; the actor settles them.

use super::actor::{Actor, Message};
use super::intent::{INTENTS, Intent, IntentId, IntentRow, Outcome, SLOTS, Status, TURNS};
use super::{SenderConfig, Shortage, TxError};
use crate::endpoint::Endpoint;
use crate::keys::Wallet;
use crate::store::{Batch, Store};
use alloy_primitives::{Address, U256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, mpsc, oneshot, watch};

/// Withdrawals that wait for the actor; whoever sends one more waits too.
const MAILBOX: usize = 64;

/// News of what an account lacks, while that is why intents wait.
pub type Shortages = watch::Receiver<Option<Shortage>>;

/// Gives intents to the actor of one key. Cheap to clone.
#[derive(Clone)]
pub struct Sender {
    pub(super) shared: Arc<Shared>,
    mailbox: mpsc::Sender<Message>,
    shortage: Shortages,
}

/// What both sides of a sender have.
pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) account: Address,
    /// There is something to look at.
    pub(super) wake: Notify,
    /// Who waits for an intent to be settled.
    waiters: Mutex<HashMap<IntentId, Vec<oneshot::Sender<Outcome>>>>,
    /// Held while a turn is taken and written down, so that no two intents get the same.
    turns: Mutex<()>,
    /// The account's wei, as last seen.
    balance: Mutex<Option<U256>>,
}

impl Shared {
    pub(super) fn saw_balance(&self, balance: U256) {
        *self.balance.lock().unwrap_or_else(PoisonError::into_inner) = Some(balance);
    }
}

/// Makes the sender and the actor of a key. Nothing is sent until the actor runs.
///
/// # Errors
/// [`TxError::Store`] when what was written down can't be read.
pub fn sender(
    store: Store,
    endpoint: Endpoint,
    wallet: Wallet,
    config: SenderConfig,
) -> Result<(Sender, Actor), TxError> {
    let (mailbox, messages) = mpsc::channel(MAILBOX);
    let (shortages, shortage) = watch::channel(None);
    let shared = Arc::new(Shared {
        store,
        account: wallet.address(),
        wake: Notify::new(),
        waiters: Mutex::default(),
        turns: Mutex::default(),
        balance: Mutex::default(),
    });
    let actor = Actor::new(shared.clone(), endpoint, wallet, config, messages, shortages)?;
    Ok((Sender { shared, mailbox, shortage }, actor))
}

/// Waits for what becomes of one intent.
pub struct Ticket {
    id: IntentId,
    sender: Sender,
}

impl Sender {
    /// The account that sends.
    pub fn account(&self) -> Address {
        self.shared.account
    }

    /// The account's wei when it was last looked at, which is when there was something to send; none before that.
    pub fn balance(&self) -> Option<U256> {
        *self.shared.balance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Submits an intent; it survives the loss of power once this has returned. Submitting it again, now or after a restart, changes
    /// nothing and gives the same ticket, settled or not.
    ///
    /// # Errors
    /// [`TxError::IdReused`], [`TxError::Store`].
    pub async fn submit(&self, intent: Intent) -> Result<Ticket, TxError> {
        let id = intent.id;
        self.submit_with(self.shared.store.batch(), vec![intent]).await?;
        Ok(self.ticket(id))
    }

    /// Submits intents in one commit with the caller's own rows: either the role remembers that it acted and it will happen, or
    /// neither. The batch must be of the sender's store.
    ///
    /// # Errors
    /// As [`Sender::submit`]; nothing of the batch is written then.
    pub async fn submit_with(&self, batch: Batch, intents: Vec<Intent>) -> Result<Vec<Ticket>, TxError> {
        assert!(batch.store().is(&self.shared.store), "intents and rows of one commit lie in one store");
        let tickets = intents.iter().map(|intent| self.ticket(intent.id)).collect();
        let shared = self.shared.clone();
        let written = tokio::task::spawn_blocking(move || shared.write(batch, intents)).await;
        written.expect("writing intents does not panic, and a runtime that ends it ends its caller too")?;
        self.shared.wake.notify_one();
        Ok(tickets)
    }

    /// A ticket for an intent that was submitted before, in this life of the process or an earlier one.
    pub fn ticket(&self, id: IntentId) -> Ticket {
        Ticket { id, sender: self.clone() }
    }

    /// Where an intent stands; `None` when it was never submitted, or is forgotten.
    ///
    /// # Errors
    /// [`TxError::Store`].
    pub fn status(&self, id: &IntentId) -> Result<Option<Status>, TxError> {
        let (store, account) = (&self.shared.store, self.shared.account);
        // The nonce is looked for first: an intent that is settled in between is then seen as settled, not as queued.
        let mut nonce = None;
        for slot in store.prefix(&SLOTS, &account) {
            let ((_, number), slot) = slot?;
            if slot.attempts.iter().any(|attempt| attempt.intent == Some(*id)) {
                nonce = Some(number);
            }
        }
        let row = store.get(&INTENTS, &(account, *id))?;
        Ok(row.map(|row| match (row.outcome, nonce) {
            (Some(outcome), _) => Status::Settled(outcome),
            (None, Some(nonce)) => Status::InFlight { nonce },
            (None, None) => Status::Queued,
        }))
    }

    /// Takes an intent back that was not sent.
    ///
    /// # Errors
    /// [`TxError::WrongStatus`] when it is in flight or settled or was never here; [`TxError::Stopped`].
    pub async fn withdraw(&self, id: IntentId) -> Result<(), TxError> {
        let (reply, answer) = oneshot::channel();
        let stopped = || TxError::Stopped { account: self.shared.account };
        self.mailbox.send(Message::Withdraw { id, reply }).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// Forgets a settled intent, in a batch of the caller's. Its id may then be used again, and means something new.
    ///
    /// # Errors
    /// [`TxError::WrongStatus`] when it is not settled.
    pub fn forget(&self, batch: &mut Batch, id: &IntentId) -> Result<(), TxError> {
        let key = (self.shared.account, *id);
        let got = match self.shared.store.get(&INTENTS, &key)? {
            Some(IntentRow { outcome: Some(_), .. }) => {
                batch.delete(&INTENTS, &key);
                return Ok(());
            }
            Some(_) => "not settled",
            None => "not known",
        };
        Err(TxError::WrongStatus { id: *id, got, wanted: "settled" })
    }

    /// What the account lacks, while that is why intents wait. Changes can be waited for.
    pub fn shortage(&self) -> Shortages {
        self.shortage.clone()
    }
}

impl Ticket {
    /// The intent's name.
    pub fn id(&self) -> IntentId {
        self.id
    }

    /// What became of the intent, when it is final. May be dropped and asked again.
    ///
    /// # Errors
    /// [`TxError::Stopped`] when the actor ends before; [`TxError::WrongStatus`] when there is no such intent.
    pub async fn settled(&self) -> Result<Outcome, TxError> {
        let shared = &self.sender.shared;
        // Listening begins before looking, so that no outcome can slip through between.
        let heard = shared.listen(self.id);
        match shared.store.get(&INTENTS, &(shared.account, self.id))? {
            Some(IntentRow { outcome: Some(outcome), .. }) => Ok(outcome),
            Some(_) => tokio::select! {
                outcome = heard => outcome.map_err(|_| TxError::Stopped { account: shared.account }),
                () = self.sender.mailbox.closed() => Err(TxError::Stopped { account: shared.account }),
            },
            None => Err(TxError::WrongStatus { id: self.id, got: "not known", wanted: "submitted" }),
        }
    }
}

impl Shared {
    /// Writes intents that are new, with the caller's rows.
    fn write(&self, mut batch: Batch, intents: Vec<Intent>) -> Result<(), TxError> {
        let _order = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let last = self.store.range_back(&TURNS, (self.account, 0)..=(self.account, u64::MAX)).next().transpose()?;
        // A settled intent's turn is gone, but its row is not: turns only order what waits, and may come again.
        let mut turn = last.map_or(0, |((_, turn), _)| turn + 1);
        let mut seen = HashMap::new();
        for intent in intents {
            let key = (self.account, intent.id);
            let known = match seen.get(&intent.id).cloned() {
                Some(known) => Some(known),
                None => self.store.get(&INTENTS, &key)?.map(|row| row.intent),
            };
            if let Some(known) = known {
                same(&known, &intent)?;
                continue;
            }
            seen.insert(intent.id, intent.clone());
            batch.put(&TURNS, &(self.account, turn), &intent.id)?;
            batch.put(&INTENTS, &key, &IntentRow { intent, sequence: turn, outcome: None })?;
            turn += 1;
        }
        Ok(batch.commit()?)
    }

    fn listen(&self, id: IntentId) -> oneshot::Receiver<Outcome> {
        let (tell, heard) = oneshot::channel();
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = waiters.entry(id).or_default();
        // Those who stopped listening make room for those who came.
        waiting.retain(|waiter| !waiter.is_closed());
        waiting.push(tell);
        heard
    }

    /// Tells who waits for an intent, after its outcome is written down.
    pub(super) fn tell(&self, id: &IntentId, outcome: &Outcome) {
        let waiting = self.waiters.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        for waiter in waiting.into_iter().flatten() {
            // Whoever stopped listening has no use for it.
            let _ = waiter.send(outcome.clone());
        }
    }
}

/// Whether an intent is the one that was submitted under its id. Limits and time may be given anew; they are not taken over.
fn same(known: &Intent, intent: &Intent) -> Result<(), TxError> {
    let differs = [
        (known.to != intent.to, "contract"),
        (known.data != intent.data, "calldata"),
        (known.value != intent.value, "value"),
    ];
    match differs.into_iter().find(|(differs, _)| *differs) {
        Some((_, what)) => Err(TxError::IdReused { id: intent.id, what }),
        None => Ok(()),
    }
}

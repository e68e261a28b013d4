//! Results that were signed: written and synced before the signature leaves, and never two for one attempt.
//!
//! Owns the key's use for results. One thread writes; results that come while it syncs share the next commit, so that hundreds a second
//! cost one sync together. A small output lies in the same commit; a large one was stored and synced before. Input and module are kept as
//! long as the result can be disputed: whoever signed it must be able to run it again, whatever the sequencer posts. For as long its run
//! counts among those that are to be defended at once; a result whose run would be too much beside them is not signed.
//!
//! ```text
//! RESULTS (task, attempt)           -> what was signed, and the signature
//! UNSENT  (region, (task, attempt)) -> signed, and no sequencer has said that it has it
//! EXPIRY  (time, (task, attempt))   -> when nobody can ask for it any more: then row and pin go
//! ```
//!
//! After a crash a result is either here, and is sent again as it is, or it never left this process, and the task can be run again.

use std::collections::HashSet;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alloy_primitives::{Address, Bytes};
use assay_node::blobs::{BlobError, BlobStore, Owner, SMALL_BYTES_MAX};
use assay_node::keys::{KeyError, Wallet};
use assay_node::store::{Record, Schema, Store, StoreError, Table};
use assay_protocol::objects::{Domain, TaskResult, TypedData};
use assay_protocol::rpc::{AssignmentId, SignedResult};
use assay_protocol::{B256, BlobRef};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tracing::error;

use crate::defensible::{Defensible, Indefensible, steps_of};

/// Key of a result.
type ResultKey = (B256, u32);

const RESULTS: Table<ResultKey, ResultRow> = Table::new("executor_results");
const UNSENT: Table<(B256, ResultKey), ()> = Table::new("executor_unsent");
const EXPIRY: Table<(u64, ResultKey), ()> = Table::new("executor_expiry");

/// Kinds of the pins on outputs, inputs and modules.
const OUTPUT: u8 = 1;
const INPUT: u8 = 2;
const MODULE: u8 = 3;
/// Results that wait for the writer; who makes one more waits too.
const MAILBOX: usize = 1024;
/// Results of one commit.
const COMMIT_MAX: usize = 512;
/// Rows that are thrown away in one go.
const PRUNED_MAX: usize = 4096;

/// Adds the ledger's tables to a schema.
#[must_use]
pub fn schema(schema: Schema) -> Schema {
    schema.table(&RESULTS).table(&UNSENT).table(&EXPIRY)
}

/// What was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ResultRow {
    executor: Address,
    status: u8,
    code: u32,
    fuel_used: u64,
    output_root: B256,
    output_length: u64,
    signature: Bytes,
    /// Roots and lengths of input and module.
    run: [(B256, u64); 2],
}

impl Record for ResultRow {
    const VERSION: u8 = 2;
}

impl ResultRow {
    fn of(made: &Made, signature: Bytes) -> Self {
        let result = &made.result;
        let (executor, status, code, fuel_used) = (result.executor, result.status, result.code, result.fuel_used);
        let BlobRef { root: output_root, length: output_length } = result.output;
        let run = [made.input, made.module].map(|blob| (blob.root, blob.length));
        Self { executor, status, code, fuel_used, output_root, output_length, signature, run }
    }

    /// What is kept for the sake of an attempt, each with who needs it.
    fn kept(&self, key: ResultKey) -> [(BlobRef, Owner); 3] {
        let [input, module] = self.run;
        let kept = [(OUTPUT, (self.output_root, self.output_length)), (INPUT, input), (MODULE, module)];
        kept.map(|(kind, (root, length))| (BlobRef { root, length }, pin(kind, key)))
    }

    fn signed(self, (task, attempt): ResultKey) -> SignedResult {
        let Self { executor, status, code, fuel_used, output_root, output_length, signature, run: _ } = self;
        let output = BlobRef { root: output_root, length: output_length };
        let result = TaskResult { task, attempt, executor, status, code, fuel_used, output };
        SignedResult { result, signature }
    }
}

/// A result that is to be signed.
#[derive(Clone, Debug)]
pub struct Made {
    /// It.
    pub result: TaskResult,
    /// Its output, if it is small; a larger one is stored already.
    pub output: Option<Bytes>,
    /// Its input.
    pub input: BlobRef,
    /// The input's bytes, if they came with the assignment; else they are stored already.
    pub input_bytes: Option<Bytes>,
    /// Its program's module, which is stored already.
    pub module: BlobRef,
    /// The region of its task.
    pub region: B256,
    /// L1 time after which nobody can ask for it.
    pub expires_at: u64,
}

/// What can go wrong with the ledger.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// Rows can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Outputs can't be kept.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The key can't sign.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The writer has ended.
    #[error("the ledger has stopped")]
    Stopped,
}

struct Entry {
    made: Made,
    reply: oneshot::Sender<Result<SignedResult, Indefensible>>,
}

/// The ledger. Cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    store: Store,
    blobs: BlobStore,
    open: Arc<Mutex<Defensible>>,
    entries: mpsc::Sender<Entry>,
}

/// The side of the ledger that signs and writes.
pub struct Writer {
    store: Store,
    blobs: BlobStore,
    open: Arc<Mutex<Defensible>>,
    wallet: Wallet,
    domain: Domain,
    entries: mpsc::Receiver<Entry>,
}

/// Makes a ledger, and takes in which runs are open by its rows. Nothing is signed until the writer runs.
///
/// # Errors
/// [`StoreError`].
pub fn ledger(
    store: Store,
    blobs: BlobStore,
    wallet: Wallet,
    domain: Domain,
    mut open: Defensible,
) -> Result<(Ledger, Writer), StoreError> {
    for row in store.range(&RESULTS, ..) {
        let (key, row) = row?;
        open.enter(steps_of(row.fuel_used), id_of(key));
    }
    let open = Arc::new(Mutex::new(open));
    let (entries, received) = mpsc::channel(MAILBOX);
    let ledger = Ledger { store: store.clone(), blobs: blobs.clone(), open: open.clone(), entries };
    Ok((ledger, Writer { store, blobs, open, wallet, domain, entries: received }))
}

impl Ledger {
    /// What was signed for an attempt. Blocks for a read of the disk.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn signed(&self, id: AssignmentId) -> Result<Option<SignedResult>, LedgerError> {
        let key = (id.task, id.attempt);
        Ok(self.store.get(&RESULTS, &key)?.map(|row| row.signed(key)))
    }

    /// Whether the shortest run could be defended besides what is open.
    ///
    /// # Errors
    /// [`Indefensible`].
    pub fn room(&self) -> Result<(), Indefensible> {
        locked(&self.open).admits(steps_of(0))
    }

    /// Steps of the longest open runs, as many as games are expected.
    #[must_use]
    pub fn open_steps(&self) -> u128 {
        locked(&self.open).steps()
    }

    /// Signs a result, once it is synced; or gives what was signed for that attempt before, whatever this one says. Where its run could not
    /// be defended besides what is open, nothing is signed and nothing written.
    ///
    /// # Errors
    /// [`LedgerError::Stopped`].
    pub async fn sign(&self, made: Made) -> Result<Result<SignedResult, Indefensible>, LedgerError> {
        let (reply, answer) = oneshot::channel();
        self.entries.send(Entry { made, reply }).await.map_err(|_| LedgerError::Stopped)?;
        answer.await.map_err(|_| LedgerError::Stopped)
    }

    /// A sequencer has a result, or will never take it. Not synced: who forgets this sends once more.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn sent(&self, region: B256, id: AssignmentId) -> Result<(), LedgerError> {
        let mut batch = self.store.batch();
        batch.delete(&UNSENT, &(region, (id.task, id.attempt)));
        Ok(batch.commit_lazily()?)
    }

    /// Results of a region that no sequencer has said it has, in the order of their attempts: the next so many behind one, or the first.
    /// Fewer than asked for are the last.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn unsent(
        &self,
        region: B256,
        after: Option<AssignmentId>,
        most: usize,
    ) -> Result<Vec<SignedResult>, LedgerError> {
        let first = Bound::Included((region, (B256::ZERO, 0)));
        let from = after.map_or(first, |id| Bound::Excluded((region, (id.task, id.attempt))));
        let to = Bound::Included((region, (B256::repeat_byte(0xff), u32::MAX)));
        let mut found = Vec::new();
        for row in self.store.range(&UNSENT, (from, to)) {
            if found.len() == most {
                break;
            }
            let ((_, key), ()) = row?;
            found.extend(self.store.get(&RESULTS, &key)?.map(|row| row.signed(key)));
        }
        Ok(found)
    }

    /// Throws away what nobody can ask for any more at an L1 time. Says how much that was.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn prune(&self, now: u64) -> Result<usize, LedgerError> {
        let mut batch = self.store.batch();
        let (mut keys, mut gone) = (HashSet::new(), Vec::new());
        for row in self.store.range(&EXPIRY, ..(now, (B256::ZERO, 0))).take(PRUNED_MAX) {
            let ((at, key), ()) = row?;
            if let Some(row) = self.store.get(&RESULTS, &key)? {
                row.kept(key).iter().for_each(|(blob, owner)| self.blobs.unpin(&mut batch, blob, *owner));
                gone.push((steps_of(row.fuel_used), id_of(key)));
            }
            batch.delete(&RESULTS, &key);
            batch.delete(&EXPIRY, &(at, key));
            keys.insert(key);
        }
        if !keys.is_empty() {
            for row in self.store.range(&UNSENT, ..) {
                let (unsent, ()) = row?;
                if keys.contains(&unsent.1) {
                    batch.delete(&UNSENT, &unsent);
                }
            }
        }
        batch.commit_lazily()?;
        let mut open = locked(&self.open);
        gone.into_iter().for_each(|(steps, id)| open.leave(steps, id));
        Ok(keys.len())
    }
}

impl Writer {
    /// Signs and writes until nobody can send it anything. Blocks: run it on a thread of its own.
    ///
    /// # Errors
    /// [`LedgerError`]: nothing is signed any more.
    pub fn run(mut self) -> Result<(), LedgerError> {
        while let Some(first) = self.entries.blocking_recv() {
            let mut entries = vec![first];
            while entries.len() < COMMIT_MAX
                && let Ok(entry) = self.entries.try_recv()
            {
                entries.push(entry);
            }
            self.write(entries)?;
        }
        Ok(())
    }

    fn write(&self, entries: Vec<Entry>) -> Result<(), LedgerError> {
        let mut batch = self.store.batch();
        let mut fresh: std::collections::BTreeMap<ResultKey, ResultRow> = std::collections::BTreeMap::new();
        let mut replies = Vec::with_capacity(entries.len());
        for Entry { made, reply } in entries {
            let key = (made.result.task, made.result.attempt);
            let known = match fresh.get(&key).cloned() {
                Some(row) => Some(row),
                None => self.store.get(&RESULTS, &key)?,
            };
            let said = match known {
                Some(row) => {
                    if row.clone().signed(key).result != made.result {
                        error!(task = %key.0, attempt = key.1, "another result was made of an attempt that was signed for");
                    }
                    Ok(row)
                }
                None => self.first(&mut batch, key, &made)?.inspect(|row| {
                    fresh.insert(key, row.clone());
                }),
            };
            replies.push((said.map(|row| row.signed(key)), reply));
        }
        if !batch.is_empty() {
            batch.commit()?;
        }
        for (said, reply) in replies {
            // Whoever has stopped waiting finds it here.
            let _ = reply.send(said);
        }
        Ok(())
    }

    /// Signs for an attempt that nothing was signed for, if its run can be defended. One thread asks and signs: where there is room for one
    /// run, no two are let through.
    fn first(
        &self,
        batch: &mut assay_node::store::Batch,
        key: ResultKey,
        made: &Made,
    ) -> Result<Result<ResultRow, Indefensible>, LedgerError> {
        let taken = locked(&self.open).take(steps_of(made.result.fuel_used), id_of(key));
        if let Err(refused) = taken {
            return Ok(Err(refused));
        }
        let signature = self.wallet.sign_hash(&made.result.digest(&self.domain))?;
        let row = ResultRow::of(made, signature.to_vec().into());
        self.enter(batch, key, &row, made)?;
        Ok(Ok(row))
    }

    fn enter(
        &self,
        batch: &mut assay_node::store::Batch,
        key: ResultKey,
        row: &ResultRow,
        made: &Made,
    ) -> Result<(), LedgerError> {
        for (blob, bytes) in [(made.result.output, &made.output), (made.input, &made.input_bytes)] {
            if let Some(bytes) = bytes.as_ref().filter(|bytes| bytes.len() as u64 <= SMALL_BYTES_MAX) {
                self.blobs.put_small(batch, &blob, bytes)?;
            }
        }
        for (blob, owner) in row.kept(key) {
            self.blobs.pin(batch, &blob, owner)?;
        }
        batch.put(&RESULTS, &key, row)?;
        batch.put(&UNSENT, &(made.region, key), &())?;
        Ok(batch.put(&EXPIRY, &(made.expires_at, key), &())?)
    }
}

fn id_of((task, attempt): ResultKey) -> AssignmentId {
    AssignmentId { task, attempt }
}

/// What is open. A panic under the lock is a bug that ends the process.
fn locked(open: &Mutex<Defensible>) -> MutexGuard<'_, Defensible> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who needs a blob: the attempt, by the first bytes of its task. Two that share them unpin each other's, 2^-64 of the time.
fn pin(kind: u8, (task, attempt): ResultKey) -> Owner {
    let number = u64::from_be_bytes(*task.first_chunk().expect("a hash has 32 bytes"));
    (kind, number.wrapping_add(u64::from(attempt)))
}

#[cfg(test)]
mod tests;

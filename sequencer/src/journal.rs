//! Group commit: many changes, one sync.
//!
//! Owns the order in which changes reach the disk. *Protocol*: whoever changes something enters how to write it and what to do when it is
//! durable; the actor takes all that has come meanwhile, writes it as one commit, syncs, and then does what was to be done, in order.
//! So thousands of receipts a second cost some hundreds of syncs, and nobody waits longer than for two of them.
//!
//! *Mailbox*: bounded; whoever enters waits when it is full. What is done afterwards must not wait. *Failures*: a commit that fails ends
//! the actor, and with it the process: what memory says beyond the disk is forgotten with it, and nobody was told.

use assay_node::blobs::BlobError;
use assay_node::keys::KeyError;
use assay_node::store::{Batch, Store, StoreError};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Changes that wait for the next commit.
const MAILBOX: usize = 8192;
/// Most changes of one commit.
const GROUP: usize = 2048;

/// Why changes can't be written.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The blobs refuse.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// A promise can't be signed.
    #[error(transparent)]
    Key(#[from] KeyError),
}

type Write = Box<dyn FnOnce(&mut Batch) -> Result<(), JournalError> + Send>;
type Done = Box<dyn FnOnce() + Send>;

struct Entry {
    write: Write,
    done: Done,
}

/// Enters changes. Cheap to clone.
#[derive(Clone)]
pub struct Journal {
    mailbox: mpsc::Sender<Entry>,
}

/// Writes them.
pub struct JournalActor {
    store: Store,
    entries: mpsc::Receiver<Entry>,
}

/// The journal of a store.
pub fn journal(store: &Store) -> (Journal, JournalActor) {
    let (mailbox, entries) = mpsc::channel(MAILBOX);
    (Journal { mailbox }, JournalActor { store: store.clone(), entries })
}

impl Journal {
    /// Enters a change: `write` on a thread that may block, `done` when it is durable. If it never becomes so, `done` is dropped.
    pub async fn enter(
        &self,
        write: impl FnOnce(&mut Batch) -> Result<(), JournalError> + Send + 'static,
        done: impl FnOnce() + Send + 'static,
    ) {
        // A journal that has ended took its process with it: nobody is left to be told.
        let _ = self.mailbox.send(Entry { write: Box::new(write), done: Box::new(done) }).await;
    }

    /// Waits until all that was entered before is durable, or the journal has ended.
    pub async fn settled(&self) {
        let (tell, told) = oneshot::channel();
        let done = move || {
            // Whoever asked may be gone.
            let _ = tell.send(());
        };
        self.enter(|_| Ok(()), done).await;
        let _ = told.await;
    }
}

impl JournalActor {
    /// Works until the token is cancelled, and then writes what has come before.
    ///
    /// # Errors
    /// The first commit that fails.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), JournalError> {
        let mut entries = Vec::with_capacity(GROUP);
        loop {
            let got = tokio::select! {
                biased;
                got = self.entries.recv_many(&mut entries, GROUP) => got,
                () = stop.cancelled() => {
                    self.entries.close();
                    self.entries.recv_many(&mut entries, GROUP).await
                }
            };
            if got == 0 {
                return Ok(());
            }
            self.write(std::mem::take(&mut entries)).await?;
        }
    }

    /// One commit.
    async fn write(&self, group: Vec<Entry>) -> Result<(), JournalError> {
        let mut batch = self.store.batch();
        let written = tokio::task::spawn_blocking(move || {
            let mut done = Vec::with_capacity(group.len());
            for entry in group {
                (entry.write)(&mut batch)?;
                done.push(entry.done);
            }
            if !batch.is_empty() {
                batch.commit()?;
            }
            Ok::<_, JournalError>(done)
        });
        let done = written.await.expect("writing does not panic, and a runtime that ends it ends the actor too")?;
        done.into_iter().for_each(|done| done());
        Ok(())
    }

    /// Writes the first of what waits, and dies.
    #[cfg(test)]
    pub async fn write_one_and_die(mut self) {
        let first = self.entries.recv().await.expect("something waits");
        self.write(vec![first]).await.expect("it writes");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_node::store::{Schema, Table};
    use std::sync::{Arc, Mutex};

    const NUMBERS: Table<u64, u64> = Table::new("numbers");

    #[tokio::test]
    async fn what_is_done_is_durable_and_in_order() {
        let directory = tempfile::tempdir().expect("there is room");
        let store = Store::open(directory.path(), &Schema::new("test", 1).table(&NUMBERS)).expect("it opens");
        let (journal, actor) = journal(&store);
        let stop = CancellationToken::new();
        let order = Arc::new(Mutex::new(Vec::new()));
        for number in 0..5000 {
            // The mailbox holds them all before the actor runs, and more than one group.
            let (order, store) = (order.clone(), store.clone());
            let write = move |batch: &mut Batch| Ok(batch.put(&NUMBERS, &number, &number)?);
            let done = move || {
                assert_eq!(store.get(&NUMBERS, &number).expect("it reads"), Some(number));
                order.lock().expect("nobody panicked").push(number);
            };
            journal.enter(write, done).await;
        }
        stop.cancel();
        actor.run(stop).await.expect("it writes");
        assert_eq!(*order.lock().expect("nobody panicked"), (0..5000).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_change_that_fails_ends_it_and_nobody_is_told() {
        let directory = tempfile::tempdir().expect("there is room");
        let store = Store::open(directory.path(), &Schema::new("test", 1).table(&NUMBERS)).expect("it opens");
        let (journal, actor) = journal(&store);
        let (tell, told) = oneshot::channel();
        let fail = |_: &mut Batch| Err(KeyError::Invalid.into());
        let done = move || {
            let _ = tell.send(());
        };
        journal.enter(fail, done).await;
        let error = actor.run(CancellationToken::new()).await.expect_err("the change fails");
        assert!(matches!(error, JournalError::Key(KeyError::Invalid)), "{error}");
        assert!(told.await.is_err());
    }
}

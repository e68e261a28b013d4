//! Writes that happen together.
//!
//! Owns a batch from its first write to its commit. Assumes nothing about which tables it touches: atomicity spans all of them. A batch
//! that is dropped has written nothing.

use super::{Key, Record, Store, StoreError, Table, key, record};
use rocksdb::{WriteBatch, WriteOptions};

/// Writes to one store that become visible, and durable, at once. Later writes to a key win over earlier ones.
#[must_use = "a batch writes nothing until it is committed"]
pub struct Batch {
    store: Store,
    writes: WriteBatch,
}

impl Batch {
    pub(super) fn new(store: Store) -> Self {
        Batch { store, writes: WriteBatch::default() }
    }

    /// Sets a row.
    ///
    /// # Errors
    /// [`StoreError::Unwritable`] when serde can't write the value, for example a sequence of unknown length.
    pub fn put<K: Key, V: Record>(&mut self, table: &Table<K, V>, key: &K, value: &V) -> Result<(), StoreError> {
        let key = key::encode(key);
        let value = record::encode(table.name, &key, value)?;
        self.writes.put_cf(self.store.family(table.name), key, value);
        Ok(())
    }

    /// Removes a row; one that is not there is no error.
    pub fn delete<K: Key, V: Record>(&mut self, table: &Table<K, V>, key: &K) {
        self.writes.delete_cf(self.store.family(table.name), key::encode(key));
    }

    /// Number of writes so far.
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// The store that this batch writes to.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Writes all and syncs it to the disk: it survives the loss of power once this has returned. Blocks for as long as a sync takes,
    /// some milliseconds; see [`Batch::commit_async`] for callers on an executor's thread.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Database`]; nothing of the batch is visible then, and whether it is there after the
    /// next start is not known: all of it or none.
    pub fn commit(self) -> Result<(), StoreError> {
        self.write(true)
    }

    /// Writes all to the log without waiting for the disk: it survives the end of the process, not the loss of power.
    ///
    /// # Errors
    /// As [`Batch::commit`].
    pub fn commit_lazily(self) -> Result<(), StoreError> {
        self.write(false)
    }

    /// As [`Batch::commit`], on a thread that may block. A caller that stops waiting does not stop the commit, and the store is open
    /// until it is over.
    ///
    /// # Errors
    /// As [`Batch::commit`].
    pub async fn commit_async(self) -> Result<(), StoreError> {
        let written = tokio::task::spawn_blocking(move || self.commit()).await;
        written.expect("a commit does not panic, and a runtime that ends it ends its caller too")
    }

    fn write(self, sync: bool) -> Result<(), StoreError> {
        let mut options = WriteOptions::default();
        options.set_sync(sync);
        let Batch { store, writes } = self;
        store.inner.db.write_opt(writes, &options).map_err(|error| store.failed("commit", error))
    }
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Batch({} writes to {})", self.len(), self.store.path().display())
    }
}

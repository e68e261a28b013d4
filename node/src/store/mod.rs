//! Typed tables over RocksDB: what a process must still know after `kill -9`.
//!
//! Owns the database's directory, its column families, one for each [`Table`], and the encoding of keys and values. Assumes one
//! process for a directory, and is told by RocksDB's lock when that is not so. Never loses what [`Batch::commit`] has returned from,
//! and never shows half of a batch.
//!
//! # Promise
//!
//! A batch is one record of the write-ahead log, whichever tables it touches: after a crash at any moment all of it is there or
//! none. Two strengths are offered:
//!
//! ```text
//!   commit           log written and synced to the disk     survives kill -9 and the loss of power
//!   commit_lazily    log written to the page cache          survives kill -9; a loss of power may take the newest commits,
//!                                                           always a suffix, never a hole
//! ```
//!
//! # Encoding
//!
//! Keys are of fixed size and big-endian, so that their order as bytes is their order as values ([`Key`]). A value is one byte, the
//! version of its shape, and then [postcard](https://postcard.jamesmunns.com/wire-format): a wire format with a written
//! specification, stable since 1.0, for everything that serde derives on, which the L1 library's own types do. RLP has neither
//! enums nor signed numbers, and borsh would need derives of its own on every foreign type. What is read must be the whole value:
//! trailing bytes are corruption ([`Record`]).
//!
//! # What may be wrong
//!
//! The store's name and the version of its schema are checked when it is opened, before anything is created or written. A value that
//! does not decode names its table and key. A full disk is [`StoreError::Full`], and RocksDB takes no more writes from then on: the
//! process should stop.

mod batch;
mod error;
mod key;
mod open;
mod record;
mod rows;
#[cfg(test)]
mod tests;

pub use batch::Batch;
pub use error::StoreError;
pub use key::{Key, StartsWith};
pub use open::Schema;
pub use record::Record;
pub use rows::Rows;

use rocksdb::{ColumnFamily, DB};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A table: a name, the type of its keys and that of its values. A constant of the module that owns the rows.
pub struct Table<K, V> {
    name: &'static str,
    row: PhantomData<fn() -> (K, V)>,
}

impl<K: Key, V: Record> Table<K, V> {
    /// Names a table. Names are part of the schema: a table is never renamed, and a name never used again for other rows.
    pub const fn new(name: &'static str) -> Self {
        Table { name, row: PhantomData }
    }

    /// The name, which is also that of the column family.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

/// Whose a store is.
const SUBJECT: Table<(), String> = Table::new("subject");

/// An open database. Cheap to clone; the last clone to go closes it and frees its lock.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    db: DB,
    path: PathBuf,
}

impl Store {
    /// Holds a store to whose it is: written when it is opened for the first time, and the same ever after.
    ///
    /// # Errors
    /// [`StoreError::Subject`] when it is another's.
    pub fn belongs_to(&self, subject: &str) -> Result<(), StoreError> {
        match self.get(&SUBJECT, &())? {
            Some(got) if got == subject => Ok(()),
            Some(got) => Err(StoreError::Subject { path: self.path().to_owned(), got, wanted: subject.to_owned() }),
            None => {
                let mut batch = self.batch();
                batch.put(&SUBJECT, &(), &subject.to_owned())?;
                batch.commit()
            }
        }
    }

    /// Opens or creates the store at `path`, creates tables that are new in the schema, and takes the lock.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process, or this one, has it open; [`StoreError::Schema`] and
    /// [`StoreError::UnknownTable`] when it was written by another release or is of another kind; [`StoreError::Database`] for what
    /// RocksDB refuses.
    pub fn open(path: &Path, schema: &Schema) -> Result<Self, StoreError> {
        let db = open::open(path, schema)?;
        Ok(Store { inner: Arc::new(Inner { db, path: path.to_owned() }) })
    }

    /// Where the store lies.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The row at a key.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the value is none of the table's.
    pub fn get<K: Key, V: Record>(&self, table: &Table<K, V>, key: &K) -> Result<Option<V>, StoreError> {
        let key = key::encode(key);
        let value = self.inner.db.get_pinned_cf(self.family(table.name), &key);
        let value = value.map_err(|error| self.failed("read", error))?;
        value.map(|value| record::decode(table.name, &key, &value)).transpose()
    }

    /// Rows whose keys lie in a range, in ascending order, as they were when this was called.
    pub fn range<K: Key, V: Record>(
        &self,
        table: &Table<K, V>,
        range: impl std::ops::RangeBounds<K>,
    ) -> Rows<'_, K, V> {
        Rows::between(self, table, key::bounds(&range), false)
    }

    /// As [`Store::range`], in descending order: the way to the newest rows.
    pub fn range_back<K: Key, V: Record>(
        &self,
        table: &Table<K, V>,
        range: impl std::ops::RangeBounds<K>,
    ) -> Rows<'_, K, V> {
        Rows::between(self, table, key::bounds(&range), true)
    }

    /// Rows whose keys begin with a prefix, in ascending order.
    pub fn prefix<P: Key, K: Key + StartsWith<P>, V: Record>(&self, table: &Table<K, V>, prefix: &P) -> Rows<'_, K, V> {
        Rows::between(self, table, key::prefix_bounds(prefix), false)
    }

    /// The row with the greatest key.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub fn last<K: Key, V: Record>(&self, table: &Table<K, V>) -> Result<Option<(K, V)>, StoreError> {
        self.range_back(table, ..).next().transpose()
    }

    /// An empty batch of writes to this store.
    pub fn batch(&self) -> Batch {
        Batch::new(self.clone())
    }

    /// Whether this is the other store, opened once and cloned.
    pub fn is(&self, other: &Store) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// A table's column family.
    ///
    /// # Panics
    /// When the table is not in the schema that the store was opened with, which is a bug of the caller.
    fn family(&self, table: &'static str) -> &ColumnFamily {
        let family = self.inner.db.cf_handle(table);
        assert!(family.is_some(), "table {table} is not in the schema of the store at {}", self.inner.path.display());
        family.expect("was just asserted")
    }

    fn failed(&self, operation: &'static str, error: rocksdb::Error) -> StoreError {
        StoreError::from_database(&self.inner.path, operation, error)
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({})", self.inner.path.display())
    }
}

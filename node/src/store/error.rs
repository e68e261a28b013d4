//! What can go wrong with the store.
//!
//! Owns the store's errors and how RocksDB's are sorted into them. Each names the path, or the table and key, that it is about.

use crate::Remedy;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// An error of the store.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Somebody has the store open.
    #[error("the store at {} is in use by {holder}", path.display())]
    Locked {
        /// The store's directory.
        path: PathBuf,
        /// Process id and command of the holder, or that they are not known.
        holder: String,
    },
    /// The directory holds a store of another kind, or of another version of the schema.
    #[error("the store at {} is {got}, wanted {wanted}", path.display())]
    Schema {
        /// The store's directory.
        path: PathBuf,
        /// Name and version that are written in it.
        got: String,
        /// Name and version that this process works with.
        wanted: String,
    },
    /// The store is that of another account, region or deployment.
    #[error("the store at {} is of {got}, this process is {wanted}: give each its own data folder, or the key that belongs to this one", path.display())]
    Subject {
        /// The store's directory.
        path: PathBuf,
        /// Whose it is.
        got: String,
        /// Who opens it.
        wanted: String,
    },
    /// The store has a table that the schema does not: a newer release of the same version wrote it.
    #[error("the store at {} has a table {table}, which this release does not know", path.display())]
    UnknownTable {
        /// The store's directory.
        path: PathBuf,
        /// The table.
        table: String,
    },
    /// A row is not what the table holds.
    #[error("table {table} is corrupt at key 0x{key}: {reason}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The key, in hexadecimal.
        key: String,
        /// What was got and what was wanted.
        reason: String,
    },
    /// A value can't be written.
    #[error("a value for table {table} at key 0x{key} can't be written: {reason}")]
    Unwritable {
        /// The table.
        table: &'static str,
        /// The key, in hexadecimal.
        key: String,
        /// What serde says.
        reason: String,
    },
    /// There is no room on the disk, or the process may not use it.
    #[error("no room to {operation} in the store at {}: {reason}", path.display())]
    Full {
        /// The store's directory.
        path: PathBuf,
        /// What was being done.
        operation: &'static str,
        /// What the system says.
        reason: String,
    },
    /// RocksDB refuses.
    #[error("can't {operation} the store at {}: {reason}", path.display())]
    Database {
        /// The store's directory.
        path: PathBuf,
        /// What was being done.
        operation: &'static str,
        /// What RocksDB says.
        reason: String,
    },
}

impl StoreError {
    /// What helps. Only contents can be rebuilt; a lock, a schema, a disk and RocksDB itself need an operator.
    pub fn remedy(&self) -> Remedy {
        match self {
            StoreError::Corrupt { .. } => Remedy::Reset,
            StoreError::Locked { .. }
            | StoreError::Schema { .. }
            | StoreError::Subject { .. }
            | StoreError::UnknownTable { .. }
            | StoreError::Unwritable { .. }
            | StoreError::Full { .. }
            | StoreError::Database { .. } => Remedy::Stop,
        }
    }

    /// Sorts an error of RocksDB, which tells its kinds apart by number and its causes by words only.
    pub(super) fn from_database(path: &Path, operation: &'static str, error: rocksdb::Error) -> Self {
        // What strerror says for ENOSPC, EDQUOT and EFBIG, and RocksDB's own word for the first.
        const NO_ROOM: [&str; 4] = ["No space left", "quota exceeded", "File too large", "NoSpace"];
        let reason = error.to_string();
        if NO_ROOM.iter().any(|words| reason.contains(words)) {
            return StoreError::Full { path: path.to_owned(), operation, reason };
        }
        StoreError::Database { path: path.to_owned(), operation, reason }
    }
}

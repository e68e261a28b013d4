//! Opening a store: lock, schema, tables.
//!
//! Owns the order of these, so that a store of another kind or version is left as it was found. Assumes that who holds RocksDB's lock
//! wrote the file OWNER. Never migrates.

use super::{Record, StoreError, Table, key::Key, record};
use rocksdb::{DB, DBCompressionType, LogLevel, Options};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Who holds the lock, for the error of whoever comes second. Text, beside RocksDB's files, which ignores it.
const OWNER: &str = "OWNER";

/// The row of the default column family that says what the store is.
const MARK: &[u8] = b"schema";

/// Bytes of rows that may wait in memory, over all tables, and of log that may wait for them. Sizes of a store whose rows are few
/// and small; what is bigger lies in files of its own.
const MEMORY_BYTES: usize = 64 << 20;
const LOG_BYTES: u64 = 128 << 20;

/// Files that a store may have open at once: fewer than the usual limit of a process, which has sockets too.
const OPEN_FILES: i32 = 256;

/// What a store is: its kind, the version of its schema, its tables.
#[derive(Clone, Debug)]
pub struct Schema {
    name: &'static str,
    version: u32,
    tables: Vec<&'static str>,
}

impl Schema {
    /// A schema without tables yet. The name is the role's; the version is raised when rows get a meaning that older releases would
    /// misread. A new table, or a new version of a record that reads the old one, needs no new version of the schema.
    pub fn new(name: &'static str, version: u32) -> Self {
        Schema { name, version, tables: vec![super::SUBJECT.name()] }
    }

    /// Adds a table.
    ///
    /// # Panics
    /// When two tables have one name.
    #[must_use]
    pub fn table<K: Key, V: Record>(mut self, table: &Table<K, V>) -> Self {
        assert!(!self.tables.contains(&table.name()), "two tables are named {}", table.name());
        assert_ne!(table.name(), rocksdb::DEFAULT_COLUMN_FAMILY_NAME, "the default column family is the store's own");
        self.tables.push(table.name());
        self
    }
}

/// What is written in a store about itself.
#[derive(Serialize, Deserialize)]
struct Mark {
    name: String,
    version: u32,
}

impl Record for Mark {
    const VERSION: u8 = 1;
}

pub(super) fn open(path: &Path, schema: &Schema) -> Result<DB, StoreError> {
    let failed = |error| StoreError::from_database(path, "open", error);
    std::fs::create_dir_all(path).map_err(|error| StoreError::Database {
        path: path.to_owned(),
        operation: "create the directory of",
        reason: error.to_string(),
    })?;
    let options = options();
    let tables = match path.join("CURRENT").exists() {
        true => DB::list_cf(&options, path).map_err(failed)?,
        false => vec![rocksdb::DEFAULT_COLUMN_FAMILY_NAME.to_owned()],
    };
    let mut db = DB::open_cf_with_opts(&options, path, tables.iter().map(|table| (table, options.clone())))
        .map_err(|error| locked(path, &error).unwrap_or_else(|| failed(error)))?;
    claim(path);

    check(path, &db, schema, &tables)?;
    for table in &schema.tables {
        if db.cf_handle(table).is_none() {
            db.create_cf(table, &options).map_err(failed)?;
        }
    }
    Ok(db)
}

/// Holds the store's mark against the schema, and marks a store that is new.
fn check(path: &Path, db: &DB, schema: &Schema, tables: &[String]) -> Result<(), StoreError> {
    let failed = |error| StoreError::from_database(path, "open", error);
    let wanted = format!("{} version {}", schema.name, schema.version);
    let mismatch = |got: String| StoreError::Schema { path: path.to_owned(), got, wanted: wanted.clone() };
    match db.get(MARK).map_err(failed)? {
        Some(bytes) => {
            let mark: Mark = record::decode(rocksdb::DEFAULT_COLUMN_FAMILY_NAME, MARK, &bytes)?;
            if mark.name != schema.name || mark.version != schema.version {
                return Err(mismatch(format!("{} version {}", mark.name, mark.version)));
            }
        }
        // The mark is written before the first table is created: without it there can be none.
        None if tables.len() > 1 => return Err(mismatch("a database without a mark".into())),
        None => {
            let mark = Mark { name: schema.name.into(), version: schema.version };
            let mut synced = rocksdb::WriteOptions::default();
            synced.set_sync(true);
            let bytes = record::encode(rocksdb::DEFAULT_COLUMN_FAMILY_NAME, MARK, &mark)?;
            db.put_opt(MARK, bytes, &synced).map_err(failed)?;
        }
    }
    let known = |table: &str| table == rocksdb::DEFAULT_COLUMN_FAMILY_NAME || schema.tables.contains(&table);
    match tables.iter().find(|table| !known(table)) {
        Some(table) => Err(StoreError::UnknownTable { path: path.to_owned(), table: table.clone() }),
        None => Ok(()),
    }
}

fn options() -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_paranoid_checks(true);
    // Hashes and signatures are most of what lies here, and they don't shrink.
    options.set_compression_type(DBCompressionType::None);
    options.set_db_write_buffer_size(MEMORY_BYTES);
    options.set_max_total_wal_size(LOG_BYTES);
    options.set_max_open_files(OPEN_FILES);
    options.set_keep_log_file_num(2);
    options.set_log_level(LogLevel::Warn);
    options
}

/// Says who has the lock, when the lock is why the store does not open.
fn locked(path: &Path, error: &rocksdb::Error) -> Option<StoreError> {
    let reason = error.to_string();
    let by_lock = reason.contains("LOCK") || reason.contains("lock hold by current process");
    (error.kind() == rocksdb::ErrorKind::IOError && by_lock).then(|| {
        let holder = std::fs::read_to_string(path.join(OWNER)).unwrap_or_default();
        let holder = match holder.trim() {
            "" => "a process that has not said which it is".to_owned(),
            holder => holder.to_owned(),
        };
        StoreError::Locked { path: path.to_owned(), holder }
    })
}

/// Writes down who has the lock. The lock is what counts: a failure here costs a clear message, not safety.
fn claim(path: &Path) {
    let command = std::env::args().take(2).collect::<Vec<_>>().join(" ");
    let _ = std::fs::write(path.join(OWNER), format!("process {} ({command})\n", std::process::id()));
}

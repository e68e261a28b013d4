//! Blobs by content: inputs, outputs and modules, under the names that their bytes make.
//!
//! Owns a directory and three tables. Assumes that it is the only one to write there. Never has a blob that is not what its name says:
//! bytes are hashed page by page as they come, and get their name when all are here and are the blob. Never holds more of a blob in
//! memory than one piece of it, unless it is asked for all.
//!
//! ```text
//!   directory/ab/abcd…-12345      a blob, synced before it has this name
//!   directory/partial/abcd…-12345 an upload that is not complete: its length is the offset to go on from; each uploader has its own
//!   blobs  (table)                every blob: when it came, and its bytes if they are few
//!   ages   (table)                the same by time: the order in which blobs are thrown away
//!   pins   (table)                who needs a blob: a pinned one is never thrown away
//! ```
//!
//! *Small* blobs, up to [`SMALL_BYTES_MAX`], lie in the store, where thousands a second cost one sync together and join the commit of
//! whatever they belong to ([`BlobStore::put_small`]).
//!
//! *Room.* All blobs together are bounded, and some of the disk is left to others: a full disk would stop whoever keeps tables on it. When
//! one more does not fit, the oldest that nobody pins and that are older than a grace period go; if that is not enough, the newcomer is
//! refused. A blob that comes again, or on which somebody relies before it is pinned, is young again ([`BlobStore::renew`]). A full disk is
//! an error of its own: what is here stays.

mod ages;
mod disk;
mod hasher;
pub mod http;
mod partial;
mod room;
mod slots;
#[cfg(test)]
mod tests;
mod upload;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy_primitives::{B256, Bytes};
use assay_protocol::BlobRef;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Remedy;
use crate::store::{Batch, Record, Schema, Store, StoreError, Table};

use ages::Ages;
pub use disk::BlobReader;
pub use hasher::BlobHasher;
use partial::Partial;
pub use room::free_bytes;
pub use slots::{UploadLimits, Uploader};
use upload::Frontiers;
pub use upload::Upload;

/// Blobs up to this many bytes lie in the store.
pub const SMALL_BYTES_MAX: u64 = 64 << 10;

/// A blob as a key.
type Name = (B256, u64);

/// Who needs a blob: a kind that the role chooses, and a number within it.
pub type Owner = (u8, u64);

/// Every blob that is here.
const BLOBS: Table<Name, BlobRow> = Table::new("blobs");
/// The same by the second in which they came.
const AGES: Table<(u64, Name), ()> = Table::new("blob_ages");
/// Who needs which.
const PINS: Table<(Name, Owner), ()> = Table::new("blob_pins");

/// Adds the tables of blobs to a schema.
pub fn schema(schema: Schema) -> Schema {
    schema.table(&BLOBS).table(&AGES).table(&PINS)
}

/// A blob that is here.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct BlobRow {
    /// Seconds since 1970: its age among [`AGES`].
    stored_at: u64,
    /// The bytes, if they are few; else a file has them.
    bytes: Option<Bytes>,
}

impl Record for BlobRow {
    const VERSION: u8 = 1;
}

/// Bounds of a blob store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BlobConfig {
    /// Most bytes of all blobs and uploads together. 64 GiB.
    pub total_bytes_max: u64,
    /// Longest blob that is taken. 1 GiB.
    pub blob_bytes_max: u64,
    /// How long a blob that nobody pins is safe, in seconds: from its upload, or a renewal, to the pin. 10 minutes.
    pub grace_seconds: u64,
    /// Bytes that blobs leave free on the disk. 512 MiB.
    pub disk_reserve_bytes: u64,
}

impl Default for BlobConfig {
    fn default() -> Self {
        Self { total_bytes_max: 64 << 30, blob_bytes_max: 1 << 30, grace_seconds: 600, disk_reserve_bytes: 512 << 20 }
    }
}

/// What can go wrong with blobs.
#[derive(Debug, Error)]
pub enum BlobError {
    /// A file can't be read or written.
    #[error("can't {operation} {}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was being done.
        operation: &'static str,
        /// Why not.
        reason: String,
    },
    /// There is no room on the disk.
    #[error("the disk of {} is full", path.display())]
    DiskFull {
        /// The file that was being written.
        path: PathBuf,
    },
    /// There is no room among the blobs.
    #[error("no room for {got} bytes: {used} of {most} are used, and all of them needed")]
    NoRoom {
        /// Bytes that were to come.
        got: u64,
        /// Bytes that are here.
        used: u64,
        /// Most bytes.
        most: u64,
    },
    /// There would be too little room on the disk for others.
    #[error("no room for {got} bytes: the disk has {free}, of which {reserve} are not for blobs")]
    DiskLow {
        /// Bytes that were to come.
        got: u64,
        /// Bytes that are free.
        free: u64,
        /// Bytes that stay free.
        reserve: u64,
    },
    /// Longer than any blob may be here.
    #[error("a blob of {got} bytes, at most {most}")]
    TooLong {
        /// Its length.
        got: u64,
        /// The longest.
        most: u64,
    },
    /// More bytes than the name says.
    #[error("{got} bytes for a blob of {wanted}")]
    Overrun {
        /// Bytes so far, with the last piece.
        got: u64,
        /// Bytes of the blob.
        wanted: u64,
    },
    /// The bytes are another blob.
    #[error("the bytes have root {got}, the name says {wanted}")]
    WrongBlob {
        /// Their root.
        got: B256,
        /// The root in the name.
        wanted: B256,
    },
    /// An upload does not go on where the bytes end.
    #[error("the upload goes on from byte {got}, {wanted} are here")]
    Offset {
        /// Where it would go on.
        got: u64,
        /// Bytes that are here.
        wanted: u64,
    },
    /// The same uploader brings the same blob on another connection, or what it has left is being thrown away at this moment.
    #[error("this blob is being uploaded already, by the same uploader")]
    Uploading,
    /// The tables can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl BlobError {
    /// What helps.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Store(error) => error.remedy(),
            Self::File { .. } => Remedy::Stop,
            _ => Remedy::Retry,
        }
    }

    /// Sorts an error of the file system.
    fn file(path: &Path, operation: &'static str, error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { path: path.to_owned() }
            }
            _ => Self::File { path: path.to_owned(), operation, reason: error.to_string() },
        }
    }
}

/// Blobs by content. Cheap to clone. Its methods block for as long as the disk takes.
#[derive(Clone, Debug)]
pub struct BlobStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    directory: PathBuf,
    config: BlobConfig,
    /// Bytes of all blobs and uploads.
    used: AtomicU64,
    /// Partial files that are being written or thrown away.
    claimed: Mutex<HashSet<Partial>>,
    /// Blobs that are being put in place or thrown away.
    held: Mutex<HashSet<BlobRef>>,
    /// There is one less of these.
    released: Condvar,
    /// How far uploads that broke off were hashed.
    frontiers: Mutex<Frontiers>,
    /// Held while blobs are thrown away, so that two callers don't count the same room: where the next look for those that may go begins.
    room: Mutex<Option<(u64, Name)>>,
    /// Ages that the tables do not say.
    ages: Mutex<Ages>,
}

impl BlobStore {
    /// Opens the blobs in a directory, whose tables lie in `store`, and takes in files that a crash left without a row. If the disk has
    /// too little room, what nobody pins goes, however new it is.
    ///
    /// # Errors
    /// [`BlobError::File`], [`BlobError::Store`].
    pub fn open(store: &Store, directory: &Path, config: BlobConfig) -> Result<Self, BlobError> {
        let inner = Inner {
            store: store.clone(),
            directory: directory.to_owned(),
            ages: Mutex::new(Ages::new(config.grace_seconds)),
            config,
            used: AtomicU64::new(0),
            claimed: Mutex::default(),
            held: Mutex::default(),
            released: Condvar::new(),
            frontiers: Mutex::default(),
            room: Mutex::default(),
        };
        let blobs = Self { inner: Arc::new(inner) };
        blobs.prepare()?;
        Ok(blobs)
    }

    /// Bounds.
    pub fn config(&self) -> &BlobConfig {
        &self.inner.config
    }

    /// Bytes of all blobs and uploads.
    pub fn used(&self) -> u64 {
        self.inner.used.load(Ordering::Relaxed)
    }

    /// Whether a blob is here. Whoever relies on it until a pin of theirs is committed asks [`BlobStore::renew`].
    ///
    /// # Errors
    /// [`BlobError::Store`].
    pub fn contains(&self, blob: &BlobRef) -> Result<bool, BlobError> {
        let row = self.inner.store.get(&BLOBS, &name(blob))?;
        // A loss of power may take back that a row was thrown away, and leave its file thrown away.
        Ok(row.is_some_and(|row| row.bytes.is_some() || self.path(blob).exists()))
    }

    /// Whether a blob is here; if it is, it is as if it came now: safe for the grace period. Writes nothing.
    ///
    /// # Errors
    /// [`BlobError::Store`].
    pub fn renew(&self, blob: &BlobRef) -> Result<bool, BlobError> {
        let mut ages = self.ages();
        let is_here = self.contains(blob)?;
        if is_here {
            ages.renew(blob, now());
        }
        Ok(is_here)
    }

    /// Adds a small blob to a commit of the caller's, whose root the caller has computed; one that is here is renewed, not written again.
    ///
    /// # Errors
    /// [`BlobError::TooLong`] for a blob that is not small, [`BlobError::Store`].
    pub fn put_small(&self, batch: &mut Batch, blob: &BlobRef, bytes: &Bytes) -> Result<(), BlobError> {
        if blob.length > SMALL_BYTES_MAX || bytes.len() as u64 != blob.length {
            return Err(BlobError::TooLong { got: blob.length, most: SMALL_BYTES_MAX });
        }
        let mut ages = self.ages();
        if self.contains(blob)? {
            ages.renew(blob, now());
            return Ok(());
        }
        let (stored_at, is_first) = ages.enter(blob, now());
        self.enter(batch, blob, stored_at, Some(bytes.clone()))?;
        if is_first {
            self.inner.used.fetch_add(blob.length, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Stores a blob of any length, synced, and names it; one that is here is renewed.
    ///
    /// # Errors
    /// [`BlobError::TooLong`], [`BlobError::Uploading`], [`BlobError::NoRoom`], [`BlobError::DiskLow`], [`BlobError::DiskFull`],
    /// [`BlobError::File`], [`BlobError::Store`].
    pub fn put(&self, bytes: &Bytes) -> Result<BlobRef, BlobError> {
        let mut hasher = BlobHasher::default();
        hasher.update(bytes);
        let blob = hasher.finish();
        if self.renew(&blob)? {
            return Ok(blob);
        }
        if blob.length > SMALL_BYTES_MAX {
            let reserve = self.inner.config.disk_reserve_bytes;
            if let Some(mut upload) = self.upload_missing(&Partial::own(&blob), 0, reserve)? {
                upload.write(bytes)?;
                upload.finish()?;
            }
        } else {
            self.make_room(blob.length)?;
            let mut batch = self.inner.store.batch();
            self.put_small(&mut batch, &blob, bytes)?;
            batch.commit()?;
        }
        Ok(blob)
    }

    /// Says in a commit of the caller's that somebody needs a blob.
    ///
    /// # Errors
    /// [`BlobError::Store`].
    pub fn pin(&self, batch: &mut Batch, blob: &BlobRef, owner: Owner) -> Result<(), BlobError> {
        Ok(batch.put(&PINS, &(name(blob), owner), &())?)
    }

    /// Takes that back.
    pub fn unpin(&self, batch: &mut Batch, blob: &BlobRef, owner: Owner) {
        batch.delete(&PINS, &(name(blob), owner));
    }

    /// Opens a blob for reading.
    ///
    /// # Errors
    /// [`BlobError::File`], [`BlobError::Store`].
    pub fn read(&self, blob: &BlobRef) -> Result<Option<BlobReader>, BlobError> {
        match self.inner.store.get(&BLOBS, &name(blob))? {
            None => Ok(None),
            Some(BlobRow { bytes: Some(bytes), .. }) => Ok(Some(BlobReader::Bytes(bytes))),
            Some(BlobRow { bytes: None, .. }) => self.open_file(blob),
        }
    }

    /// All bytes of a blob that is not too long.
    ///
    /// # Errors
    /// [`BlobError::TooLong`], [`BlobError::File`], [`BlobError::Store`].
    pub fn read_all(&self, blob: &BlobRef, most: u64) -> Result<Option<Bytes>, BlobError> {
        if blob.length > most {
            return Err(BlobError::TooLong { got: blob.length, most });
        }
        let Some(mut reader) = self.read(blob)? else { return Ok(None) };
        reader
            .piece(0, blob.length as usize)
            .map(Some)
            .map_err(|error| BlobError::file(&self.path(blob), "read", &error))
    }

    /// Enters a blob into the tables.
    fn enter(&self, batch: &mut Batch, blob: &BlobRef, stored_at: u64, bytes: Option<Bytes>) -> Result<(), BlobError> {
        batch.put(&AGES, &(stored_at, name(blob)), &())?;
        Ok(batch.put(&BLOBS, &name(blob), &BlobRow { stored_at, bytes })?)
    }

    /// Bytes are here no more.
    fn give_back(&self, bytes: u64) {
        let less = |used: u64| Some(used.saturating_sub(bytes));
        let _ = self.inner.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    fn ages(&self) -> MutexGuard<'_, Ages> {
        self.inner.ages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn frontiers(&self) -> MutexGuard<'_, Frontiers> {
        self.inner.frontiers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn claimed(&self) -> MutexGuard<'_, HashSet<Partial>> {
        self.inner.claimed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> MutexGuard<'_, HashSet<BlobRef>> {
        self.inner.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name(blob: &BlobRef) -> Name {
    (blob.root, blob.length)
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

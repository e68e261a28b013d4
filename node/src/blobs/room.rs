//! Room for blobs: which go when more come.
//!
//! Owns the decision. Assumes that whoever needs a blob has pinned it, or names it within the grace period. Never throws away what is
//! pinned, whatever comes.

use std::path::Path;
use std::sync::PoisonError;

use assay_protocol::{B256, BlobRef};
use tracing::warn;

use super::disk::remove;
use super::{AGES, BlobError, BlobStore, PINS, Partial, now};

/// Blobs that are looked at before a newcomer is refused: a bound on the work that one upload can cause.
const LOOKED_AT_MAX: usize = 100_000;
/// Files that can still be made on a disk that has room: with fewer it is as good as full.
const FILES_MIN: u64 = 10_000;

/// Bytes that this process may still write in a folder; unknown where the system does not say.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    let has_files = disk.f_files == 0 || disk.f_favail >= FILES_MIN;
    Some(if has_files { disk.f_bavail.saturating_mul(disk.f_frsize) } else { 0 })
}

impl BlobStore {
    /// Whether anybody needs a blob.
    ///
    /// # Errors
    /// [`BlobError::Store`].
    pub fn is_pinned(&self, blob: &BlobRef) -> Result<bool, BlobError> {
        Ok(self.inner.store.prefix(&PINS, &super::name(blob)).next().transpose()?.is_some())
    }

    /// Throws old blobs away until `bytes` more fit.
    ///
    /// # Errors
    /// [`BlobError::NoRoom`] and [`BlobError::DiskLow`] when all that is here is needed, [`BlobError::File`], [`BlobError::Store`].
    pub fn make_room(&self, bytes: u64) -> Result<(), BlobError> {
        self.make_room_above(bytes, self.inner.config.disk_reserve_bytes)
    }

    /// The same, with another number of bytes that stay free on the disk.
    pub(super) fn make_room_above(&self, bytes: u64, reserve: u64) -> Result<(), BlobError> {
        self.throw_away(bytes, reserve, self.inner.config.grace_seconds)
    }

    /// At the start: a disk with too little room gets it from all that nobody pins, for the tables need it to be written.
    pub(super) fn relieve(&self) -> Result<(), BlobError> {
        let reserve = self.inner.config.disk_reserve_bytes;
        if !matches!(self.lack(0, reserve), Some(BlobError::DiskLow { .. })) {
            return Ok(());
        }
        match self.throw_away(0, reserve, 0) {
            Err(error @ (BlobError::DiskLow { .. } | BlobError::NoRoom { .. })) => {
                warn!(%error, "the disk has too little room, though all blobs that nobody needs are gone");
                Ok(())
            }
            done => done,
        }
    }

    /// What there is too little of for `bytes` more.
    fn lack(&self, bytes: u64, reserve: u64) -> Option<BlobError> {
        let (used, most) = (self.used(), self.inner.config.total_bytes_max);
        if used.saturating_add(bytes) > most {
            return Some(BlobError::NoRoom { got: bytes, used, most });
        }
        let free = free_bytes(&self.inner.directory)?;
        (free < reserve.saturating_add(bytes)).then_some(BlobError::DiskLow { got: bytes, free, reserve })
    }

    fn throw_away(&self, bytes: u64, reserve: u64, grace_seconds: u64) -> Result<(), BlobError> {
        let lack = || self.lack(bytes, reserve);
        if lack().is_none() {
            return Ok(());
        }
        let mut next = self.inner.room.lock().unwrap_or_else(PoisonError::into_inner);
        self.discard_partials(&lack, grace_seconds)?;
        let until = now().saturating_sub(grace_seconds);
        // Where as many are pinned, the next newcomer has those behind them looked at.
        let from = next.take().unwrap_or((0, (B256::ZERO, 0)));
        for (looked_at, row) in (1..).zip(self.inner.store.range(&AGES, from..)) {
            let Some(lacks) = lack() else { return Ok(()) };
            let (key, ()) = row?;
            let (stored_at, (root, length)) = key;
            if stored_at > until {
                break;
            }
            if looked_at > LOOKED_AT_MAX {
                *next = Some(key);
                break;
            }
            let blob = BlobRef { root, length };
            // What lies in the store leaves its room to the store: the disk has no more of it.
            let helps = matches!(lacks, BlobError::NoRoom { .. }) || self.path(&blob).exists();
            if helps && !self.is_pinned(&blob)? {
                self.discard(&blob, stored_at, until)?;
            }
        }
        lack().map_or(Ok(()), Err)
    }

    /// Throws away uploads that nobody has gone on with for a while.
    fn discard_partials(&self, lack: &impl Fn() -> Option<BlobError>, grace_seconds: u64) -> Result<(), BlobError> {
        for partial in self.partials()? {
            if lack().is_none() {
                break;
            }
            self.discard_partial(&partial, grace_seconds)?;
        }
        Ok(())
    }

    /// Throws an upload away if nobody has gone on with it for a while. Since it was listed it may have gone on, or have ended.
    pub(super) fn discard_partial(&self, partial: &Partial, grace_seconds: u64) -> Result<(), BlobError> {
        let Some(_claim) = self.claim(partial) else { return Ok(()) };
        let path = self.partial(partial);
        let Ok(file) = std::fs::metadata(&path) else { return Ok(()) };
        let age = file.modified().ok().and_then(|time| time.elapsed().ok());
        if grace_seconds == 0 || age.is_some_and(|age| age.as_secs() >= grace_seconds) {
            remove(&path)?;
            self.give_back(file.len());
        }
        Ok(())
    }
}

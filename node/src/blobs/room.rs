//! Room for blobs: which go when more come.
//!
//! Owns the decision. Assumes that whoever needs a blob has pinned it, or names it within the grace period. Never throws away what is
//! pinned, whatever comes.

use std::sync::PoisonError;

use assay_protocol::BlobRef;

use super::disk::remove;
use super::{AGES, BlobError, BlobStore, PINS, now};

/// Blobs that are looked at before a newcomer is refused: a bound on the work that one upload can cause.
const LOOKED_AT_MAX: usize = 100_000;

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
    /// [`BlobError::NoRoom`] when all that is here is needed, [`BlobError::File`], [`BlobError::Store`].
    pub fn make_room(&self, bytes: u64) -> Result<(), BlobError> {
        let most = self.inner.config.total_bytes_max;
        let fits = || self.used().saturating_add(bytes) <= most;
        if fits() {
            return Ok(());
        }
        let _alone = self.inner.room.lock().unwrap_or_else(PoisonError::into_inner);
        self.discard_partials(&fits)?;
        let until = now().saturating_sub(self.inner.config.grace_seconds);
        for row in self.inner.store.range(&AGES, ..).take(LOOKED_AT_MAX) {
            if fits() {
                return Ok(());
            }
            let ((stored_at, (root, length)), ()) = row?;
            if stored_at > until {
                break;
            }
            let blob = BlobRef { root, length };
            if !self.is_pinned(&blob)? {
                self.discard(&blob, stored_at)?;
            }
        }
        match fits() {
            true => Ok(()),
            false => Err(BlobError::NoRoom { got: bytes, used: self.used(), most }),
        }
    }

    /// Throws away uploads that nobody has gone on with for the grace period.
    fn discard_partials(&self, fits: &impl Fn() -> bool) -> Result<(), BlobError> {
        for (blob, length) in self.partials()? {
            let path = self.partial(&blob);
            let age =
                std::fs::metadata(&path).and_then(|file| file.modified()).ok().and_then(|time| time.elapsed().ok());
            let is_old = age.is_some_and(|age| age.as_secs() >= self.inner.config.grace_seconds);
            if fits() || !is_old || !self.uploading().insert(blob) {
                continue;
            }
            let removed = remove(&path);
            self.uploading().remove(&blob);
            removed?;
            self.inner.used.fetch_sub(length, std::sync::atomic::Ordering::Relaxed);
        }
        Ok(())
    }
}

//! Blobs as files: where they lie, and how they are read.
//!
//! Owns paths and the look around at the start. Assumes that a file under a blob's name was verified before it got it.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use alloy_primitives::Bytes;
use assay_protocol::BlobRef;
use assay_protocol::rpc::blobs;

use super::{AGES, BLOBS, BlobError, BlobStore, name};

/// Folder of uploads that are not complete.
pub(super) const PARTIAL: &str = "partial";

/// A blob that is open.
#[derive(Debug)]
pub enum BlobReader {
    /// Of the store.
    Bytes(Bytes),
    /// Of a file.
    File(File),
}

impl BlobReader {
    /// A piece of the blob. Blocks for as long as the disk takes.
    ///
    /// # Errors
    /// If the blob ends before, or the disk fails.
    pub fn piece(&mut self, offset: u64, length: usize) -> std::io::Result<Bytes> {
        match self {
            Self::Bytes(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let end = start.saturating_add(length);
                if end > bytes.len() {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
                Ok(bytes.slice(start..end))
            }
            Self::File(file) => {
                let mut piece = vec![0; length];
                file.read_exact_at(&mut piece, offset)?;
                Ok(piece.into())
            }
        }
    }
}

impl BlobStore {
    /// Where a blob lies: 256 folders, so that none gets too long.
    pub(super) fn path(&self, blob: &BlobRef) -> PathBuf {
        let name = blobs::name(blob);
        self.inner.directory.join(&name[..2]).join(name)
    }

    /// Where an upload lies.
    pub(super) fn partial(&self, blob: &BlobRef) -> PathBuf {
        self.inner.directory.join(PARTIAL).join(blobs::name(blob))
    }

    pub(super) fn open_file(&self, blob: &BlobRef) -> Result<BlobReader, BlobError> {
        let path = self.path(blob);
        File::open(&path).map(BlobReader::File).map_err(|error| BlobError::file(&path, "open", &error))
    }

    /// Makes the folders, enters files without a row, counts what is here.
    pub(super) fn prepare(&self) -> Result<(), BlobError> {
        let directory = &self.inner.directory;
        make(&directory.join(PARTIAL))?;
        let mut used = self.partials()?.iter().map(|(_, length)| length).sum::<u64>();
        for row in self.inner.store.range(&AGES, ..) {
            let ((_, (_, length)), ()) = row?;
            used += length;
        }
        self.inner.used.store(used, Ordering::Relaxed);
        // Before anything is written.
        self.relieve()?;
        for shard in 0..=255_u8 {
            let folder = directory.join(format!("{shard:02x}"));
            make(&folder)?;
            for (blob, _) in files(&folder)? {
                if !self.contains(&blob)? {
                    let mut batch = self.inner.store.batch();
                    self.enter(&mut batch, &blob, None)?;
                    batch.commit()?;
                    self.inner.used.fetch_add(blob.length, Ordering::Relaxed);
                }
            }
        }
        Ok(())
    }

    /// Uploads that are not complete, with the bytes that are here of each.
    pub(super) fn partials(&self) -> Result<Vec<(BlobRef, u64)>, BlobError> {
        files(&self.inner.directory.join(PARTIAL))
    }

    /// Throws a blob away: its row, then its file.
    pub(super) fn discard(&self, blob: &BlobRef, stored_at: u64) -> Result<(), BlobError> {
        let has_file = self.inner.store.get(&BLOBS, &name(blob))?.is_some_and(|row| row.bytes.is_none());
        let mut batch = self.inner.store.batch();
        batch.delete(&AGES, &(stored_at, name(blob)));
        batch.delete(&BLOBS, &name(blob));
        batch.commit_lazily()?;
        self.inner.used.fetch_sub(blob.length, Ordering::Relaxed);
        if has_file { remove(&self.path(blob)) } else { Ok(()) }
    }
}

/// Removes a file; one that is not there is no error.
pub(super) fn remove(path: &Path) -> Result<(), BlobError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(BlobError::file(path, "remove", &error)),
        _ => Ok(()),
    }
}

/// Syncs a folder, so that the names in it survive the loss of power.
pub(super) fn sync_folder(folder: &Path) -> Result<(), BlobError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| BlobError::file(folder, "sync", &error))
}

fn make(folder: &Path) -> Result<(), BlobError> {
    fs::create_dir_all(folder).map_err(|error| BlobError::file(folder, "create", &error))
}

/// Blobs in a folder, with the lengths of their files. Names that are none are left alone.
fn files(folder: &Path) -> Result<Vec<(BlobRef, u64)>, BlobError> {
    let failed = |error: std::io::Error| BlobError::file(folder, "list", &error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let length = entry.metadata().map_err(failed)?.len();
        found.extend(entry.file_name().to_str().and_then(|name| blobs::parse(name).ok()).map(|blob| (blob, length)));
    }
    Ok(found)
}

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

use super::{AGES, BLOBS, BlobError, BlobStore, Partial, name, now};

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
    pub(super) fn partial(&self, partial: &Partial) -> PathBuf {
        self.inner.directory.join(PARTIAL).join(partial.name())
    }

    /// The file of a blob whose row was seen; none if it was thrown away since.
    pub(super) fn open_file(&self, blob: &BlobRef) -> Result<Option<BlobReader>, BlobError> {
        let path = self.path(blob);
        match File::open(&path) {
            Ok(file) => Ok(Some(BlobReader::File(file))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(BlobError::file(&path, "open", &error)),
        }
    }

    /// Makes the folders, enters files without a row, counts what is here.
    pub(super) fn prepare(&self) -> Result<(), BlobError> {
        let directory = &self.inner.directory;
        make(&directory.join(PARTIAL))?;
        let mut used = self.partials()?.iter().map(|partial| self.offset_of(partial)).sum::<u64>();
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
            for blob in files(&folder, |name| blobs::parse(name).ok())? {
                if !self.contains(&blob)? {
                    let mut batch = self.inner.store.batch();
                    self.enter(&mut batch, &blob, now(), None)?;
                    batch.commit()?;
                    self.inner.used.fetch_add(blob.length, Ordering::Relaxed);
                }
            }
        }
        Ok(())
    }

    /// Uploads that are not complete.
    pub(super) fn partials(&self) -> Result<Vec<Partial>, BlobError> {
        files(&self.inner.directory.join(PARTIAL), Partial::parse)
    }

    /// Throws a blob away that the tables say came at `stored_at`: its row, then its file. One that somebody is bringing stays, and so does
    /// one that was renewed after `until`: that is its age in the tables from now on.
    pub(super) fn discard(&self, blob: &BlobRef, stored_at: u64, until: u64) -> Result<(), BlobError> {
        // Nobody puts it in place anew before its file is gone.
        let Some(_hold) = self.hold(blob) else { return Ok(()) };
        if self.claimed().iter().any(|partial| partial.blob == *blob) {
            return Ok(());
        }
        let mut ages = self.ages();
        let (renewed_at, mut batch) = (ages.renewed_at(blob), self.inner.store.batch());
        batch.delete(&AGES, &(stored_at, name(blob)));
        match self.inner.store.get(&BLOBS, &name(blob))? {
            Some(row) if row.stored_at == stored_at && renewed_at > until => {
                self.enter(&mut batch, blob, renewed_at, row.bytes)?;
                Ok(batch.commit_lazily()?)
            }
            Some(row) if row.stored_at == stored_at => {
                batch.delete(&BLOBS, &name(blob));
                batch.commit_lazily()?;
                self.give_back(blob.length);
                ages.forget(blob);
                drop(ages);
                // Also beside a row that has the bytes a file may lie, from an upload at the same time.
                remove(&self.path(blob))
            }
            // Not its age: it came once more while another commit with it was on its way, and was counted for each.
            _ => {
                batch.commit_lazily()?;
                self.give_back(blob.length);
                Ok(())
            }
        }
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

/// What the names of a folder's files name. Names that are none are left alone.
fn files<T>(folder: &Path, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, BlobError> {
    let failed = |error: std::io::Error| BlobError::file(folder, "list", &error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        found.extend(name.to_str().and_then(&parse));
    }
    Ok(found)
}

//! Uploads: bytes that come in pieces, over one connection or many.
//!
//! Owns a partial file while bytes are written to it. Assumes one upload for a blob at a time. What was written stays when an upload
//! breaks off, so that the next goes on from there. The trees' frontiers of the last few are kept: a blob that comes in many pieces is
//! hashed once. Of others, after a start for example, the file is read again.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use assay_protocol::BlobRef;

use super::disk::{remove, sync_folder};
use super::{BlobError, BlobHasher, BlobStore};

/// Bytes that are read at once when an upload goes on.
const PIECE: usize = 1 << 20;

/// Uploads that broke off whose frontiers are kept, at some five kilobytes each.
const FRONTIERS_MAX: usize = 256;

/// Frontiers of uploads that broke off, the newest last.
#[derive(Debug, Default)]
pub(super) struct Frontiers(VecDeque<(BlobRef, BlobHasher)>);

impl Frontiers {
    fn keep(&mut self, blob: BlobRef, hasher: BlobHasher) {
        if self.0.len() == FRONTIERS_MAX {
            self.0.pop_front();
        }
        self.0.push_back((blob, hasher));
    }

    /// That of a blob, if it is at this byte. It is kept no longer.
    fn take(&mut self, blob: &BlobRef, offset: u64) -> Option<BlobHasher> {
        let at = self.0.iter().position(|(kept, _)| kept == blob)?;
        let (_, hasher) = self.0.remove(at)?;
        (hasher.length() == offset).then_some(hasher)
    }
}

/// A blob that is coming. Its methods block for as long as the disk takes.
#[derive(Debug)]
pub struct Upload {
    blobs: BlobStore,
    blob: BlobRef,
    path: PathBuf,
    file: File,
    hasher: BlobHasher,
    /// Bytes that were read again to go on.
    read_again: u64,
    /// Bytes that stay free on the disk.
    pub(super) reserve: u64,
    /// The blob turned out to be here, or to be another: the partial file is no more.
    over: bool,
}

impl BlobStore {
    /// Bytes of a blob that an upload has left here.
    pub fn upload_offset(&self, blob: &BlobRef) -> u64 {
        fs::metadata(self.partial(blob)).map_or(0, |file| file.len())
    }

    /// Begins an upload, or goes on with one from `offset`, at or before the bytes that are here.
    ///
    /// # Errors
    /// [`BlobError::TooLong`], [`BlobError::Offset`], [`BlobError::Uploading`], [`BlobError::NoRoom`], [`BlobError::DiskLow`],
    /// [`BlobError::DiskFull`], [`BlobError::File`].
    pub fn upload(&self, blob: &BlobRef, offset: u64) -> Result<Upload, BlobError> {
        self.upload_above(blob, offset, self.inner.config.disk_reserve_bytes)
    }

    /// The same, with another number of bytes that stay free on the disk.
    pub(super) fn upload_above(&self, blob: &BlobRef, offset: u64, reserve: u64) -> Result<Upload, BlobError> {
        let most = self.inner.config.blob_bytes_max;
        if blob.length > most {
            return Err(BlobError::TooLong { got: blob.length, most });
        }
        let wanted = self.upload_offset(blob);
        if offset > wanted {
            return Err(BlobError::Offset { got: offset, wanted });
        }
        if !self.uploading().insert(*blob) {
            return Err(BlobError::Uploading);
        }
        // From here on the place among those being uploaded is given back, whatever happens.
        let room = self.make_room_above(blob.length - offset, reserve);
        let begun = room.and_then(|()| self.resume(blob, offset, wanted, reserve));
        if begun.is_err() {
            self.uploading().remove(blob);
        }
        begun
    }

    fn resume(&self, blob: &BlobRef, offset: u64, length: u64, reserve: u64) -> Result<Upload, BlobError> {
        let path = self.partial(blob);
        let failed = |operation| move |error: std::io::Error| (operation, error);
        // Bytes behind the offset are cut off and come again: then the frontier, which is at the end, is of no use.
        let kept = self.frontiers().take(blob, offset).filter(|_| offset == length);
        let read_again = if kept.is_some() { 0 } else { offset };
        let opened = || -> Result<(File, BlobHasher), (&'static str, std::io::Error)> {
            let options = OpenOptions::new().create(true).truncate(false).read(true).append(true).open(&path);
            let mut file = options.map_err(failed("open"))?;
            file.set_len(offset).map_err(failed("cut"))?;
            if let Some(hasher) = kept {
                return Ok((file, hasher));
            }
            let (mut hasher, mut piece) = (BlobHasher::default(), vec![0; PIECE]);
            while hasher.length() < offset {
                let got = file.read(&mut piece).map_err(failed("read"))?;
                if got == 0 {
                    return Err(("read", std::io::ErrorKind::UnexpectedEof.into()));
                }
                hasher.update(&piece[..got]);
            }
            Ok((file, hasher))
        };
        let (file, hasher) = opened().map_err(|(operation, error)| BlobError::file(&path, operation, &error))?;
        self.inner.used.fetch_sub(length - offset, Ordering::Relaxed);
        Ok(Upload { blobs: self.clone(), blob: *blob, path, file, hasher, read_again, reserve, over: false })
    }
}

impl Upload {
    /// Bytes that are here.
    pub fn offset(&self) -> u64 {
        self.hasher.length()
    }

    /// Bytes that were read again to go on.
    pub fn read_again(&self) -> u64 {
        self.read_again
    }

    /// Takes the next bytes. There was room for all when the upload began; others may have taken it since.
    ///
    /// # Errors
    /// [`BlobError::Overrun`], [`BlobError::NoRoom`], [`BlobError::DiskLow`], [`BlobError::DiskFull`], [`BlobError::File`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        let (got, wanted) = (self.offset() + bytes.len() as u64, self.blob.length);
        if got > wanted {
            return Err(BlobError::Overrun { got, wanted });
        }
        self.blobs.make_room_above(bytes.len() as u64, self.reserve)?;
        let before = self.offset();
        if let Err(error) = self.file.write_all(bytes) {
            // What was written of the piece is not hashed: it is cut off again, as far as the disk lets us.
            let _ = self.file.set_len(before);
            return Err(BlobError::file(&self.path, "write", &error));
        }
        self.hasher.update(bytes);
        self.blobs.inner.used.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Whether all bytes are here.
    pub fn is_complete(&self) -> bool {
        self.offset() == self.blob.length
    }

    /// Gives the blob its name, if the bytes are the blob; throws them away if they are not. Survives the loss of power once it has
    /// returned.
    ///
    /// # Errors
    /// [`BlobError::WrongBlob`], [`BlobError::DiskFull`], [`BlobError::File`], [`BlobError::Store`].
    pub fn finish(mut self) -> Result<(), BlobError> {
        let got = std::mem::take(&mut self.hasher).finish();
        if got != self.blob {
            self.over = true;
            self.blobs.inner.used.fetch_sub(got.length, Ordering::Relaxed);
            remove(&self.path)?;
            return Err(BlobError::WrongBlob { got: got.root, wanted: self.blob.root });
        }
        self.over = true;
        self.file.sync_all().map_err(|error| BlobError::file(&self.path, "sync", &error))?;
        let path = self.blobs.path(&self.blob);
        let was_here = self.blobs.contains(&self.blob)?;
        fs::rename(&self.path, &path).map_err(|error| BlobError::file(&path, "rename to", &error))?;
        sync_folder(path.parent().expect("a blob lies in a folder"))?;
        if was_here {
            // It came another way meanwhile, and is counted already. A file beside a row with bytes is in nobody's way.
            self.blobs.inner.used.fetch_sub(self.blob.length, Ordering::Relaxed);
            return Ok(());
        }
        let mut batch = self.blobs.inner.store.batch();
        self.blobs.enter(&mut batch, &self.blob, None)?;
        Ok(batch.commit()?)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.over {
            // The offset that a client is told is the file's length: what the system has taken, it keeps.
            let _ = self.file.flush();
            self.blobs.frontiers().keep(self.blob, std::mem::take(&mut self.hasher));
        }
        // Last: whoever goes on finds the frontier.
        self.blobs.uploading().remove(&self.blob);
    }
}

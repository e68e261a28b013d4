//! Uploads: bytes that come in pieces, over one connection or many.
//!
//! Owns a partial file while bytes are written to it. An uploader brings a blob once at a time; several uploaders may bring the same one, and
//! the first whose bytes are the blob puts it in place. What was written stays when an upload breaks off, so that its uploader goes on from
//! there. The trees' frontiers of the last few are kept: a blob that comes in many pieces is hashed once. Of others, after a start for
//! example, the file is read again.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use assay_protocol::BlobRef;

use super::disk::{remove, sync_folder};
use super::{BlobError, BlobHasher, BlobStore, Partial, now};

/// Bytes that are read at once when an upload goes on.
const PIECE: usize = 1 << 20;

/// Uploads that broke off whose frontiers are kept, at some five kilobytes each.
const FRONTIERS_MAX: usize = 256;

/// Frontiers of uploads that broke off, the newest last.
#[derive(Debug, Default)]
pub(super) struct Frontiers(VecDeque<(Partial, BlobHasher)>);

impl Frontiers {
    fn keep(&mut self, partial: Partial, hasher: BlobHasher) {
        if self.0.len() == FRONTIERS_MAX {
            self.0.pop_front();
        }
        self.0.push_back((partial, hasher));
    }

    /// That of an upload, if it is at this byte. It is kept no longer.
    fn take(&mut self, partial: &Partial, offset: u64) -> Option<BlobHasher> {
        let at = self.0.iter().position(|(kept, _)| kept == partial)?;
        let (_, hasher) = self.0.remove(at)?;
        (hasher.length() == offset).then_some(hasher)
    }
}

/// The right to write a partial file or to throw it away: one has it at a time.
#[derive(Debug)]
pub(super) struct Claim {
    blobs: BlobStore,
    partial: Partial,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.blobs.claimed().remove(&self.partial);
    }
}

/// The right to put a blob in place or to throw it away: one has it at a time, and for no longer than that takes.
#[derive(Debug)]
pub(super) struct Hold {
    blobs: BlobStore,
    blob: BlobRef,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.blobs.held().remove(&self.blob);
        self.blobs.inner.released.notify_all();
    }
}

/// A blob that is coming. Its methods block for as long as the disk takes.
#[derive(Debug)]
pub struct Upload {
    path: PathBuf,
    file: File,
    hasher: BlobHasher,
    /// Bytes that were read again to go on.
    read_again: u64,
    /// Bytes that stay free on the disk.
    pub(super) reserve: u64,
    /// The blob turned out to be here, or to be another: the partial file is no more.
    over: bool,
    /// The last to go: whoever goes on finds the frontier.
    claim: Claim,
}

impl BlobStore {
    /// Bytes of a blob that an upload of this process's own has left here.
    pub fn upload_offset(&self, blob: &BlobRef) -> u64 {
        self.offset_of(&Partial::own(blob))
    }

    /// The same of any uploader.
    pub(super) fn offset_of(&self, partial: &Partial) -> u64 {
        fs::metadata(self.partial(partial)).map_or(0, |file| file.len())
    }

    /// The right to write a partial file, unless somebody has it.
    pub(super) fn claim(&self, partial: &Partial) -> Option<Claim> {
        self.claimed().insert(*partial).then(|| Claim { blobs: self.clone(), partial: *partial })
    }

    /// The right to throw a blob away, unless somebody has it.
    pub(super) fn hold(&self, blob: &BlobRef) -> Option<Hold> {
        self.held().insert(*blob).then(|| Hold { blobs: self.clone(), blob: *blob })
    }

    /// The right to put a blob in place, as soon as nobody has it.
    fn hold_next(&self, blob: &BlobRef) -> Hold {
        let mut held = self.held();
        while !held.insert(*blob) {
            held = self.inner.released.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        Hold { blobs: self.clone(), blob: *blob }
    }

    /// Begins an upload, or goes on with one from `offset`, at or before the bytes that are here. The bytes of a blob that is here come
    /// once more.
    ///
    /// # Errors
    /// [`BlobError::TooLong`], [`BlobError::Offset`], [`BlobError::Uploading`], [`BlobError::NoRoom`], [`BlobError::DiskLow`],
    /// [`BlobError::DiskFull`], [`BlobError::File`], [`BlobError::Store`].
    pub fn upload(&self, blob: &BlobRef, offset: u64) -> Result<Upload, BlobError> {
        self.upload_above(blob, offset, self.inner.config.disk_reserve_bytes)
    }

    /// The same, with another number of bytes that stay free on the disk.
    pub(super) fn upload_above(&self, blob: &BlobRef, offset: u64, reserve: u64) -> Result<Upload, BlobError> {
        self.begin(self.claim(&Partial::own(blob)).ok_or(BlobError::Uploading)?, offset, reserve)
    }

    /// The same of any uploader, unless the blob is here: then nothing is to come, and what the uploader has left goes. It is no younger for
    /// that: else anybody could hold all the room by naming what is here, and bring nothing.
    pub(super) fn upload_missing(
        &self,
        partial: &Partial,
        offset: u64,
        reserve: u64,
    ) -> Result<Option<Upload>, BlobError> {
        if self.contains(&partial.blob)? {
            self.discard_partial(partial, 0)?;
            return Ok(None);
        }
        let claim = self.claim(partial).ok_or(BlobError::Uploading)?;
        // Whoever had the claim until now may have brought it.
        if self.contains(&partial.blob)? { Ok(None) } else { self.begin(claim, offset, reserve).map(Some) }
    }

    /// Looks at what is here only once nobody else can change it.
    fn begin(&self, claim: Claim, offset: u64, reserve: u64) -> Result<Upload, BlobError> {
        let (blob, most) = (claim.partial.blob, self.inner.config.blob_bytes_max);
        if blob.length > most {
            return Err(BlobError::TooLong { got: blob.length, most });
        }
        let wanted = self.offset_of(&claim.partial);
        if offset > wanted {
            return Err(BlobError::Offset { got: offset, wanted });
        }
        self.make_room_above(blob.length - offset, reserve)?;
        self.resume(claim, offset, wanted, reserve)
    }

    fn resume(&self, claim: Claim, offset: u64, length: u64, reserve: u64) -> Result<Upload, BlobError> {
        let path = self.partial(&claim.partial);
        let failed = |operation| move |error: std::io::Error| (operation, error);
        // Bytes behind the offset are cut off and come again: then the frontier, which is at the end, is of no use.
        let kept = self.frontiers().take(&claim.partial, offset).filter(|_| offset == length);
        let read_again = if kept.is_some() { 0 } else { offset };
        let opened = || -> Result<(File, BlobHasher), (&'static str, std::io::Error)> {
            let options = OpenOptions::new().create(true).truncate(false).read(true).append(true).open(&path);
            let mut file = options.map_err(failed("open"))?;
            file.set_len(offset).map_err(failed("cut"))?;
            self.give_back(length - offset);
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
        Ok(Upload { path, file, hasher, read_again, reserve, over: false, claim })
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
        let (got, wanted) = (self.offset() + bytes.len() as u64, self.claim.partial.blob.length);
        if got > wanted {
            return Err(BlobError::Overrun { got, wanted });
        }
        self.claim.blobs.make_room_above(bytes.len() as u64, self.reserve)?;
        let before = self.offset();
        if let Err(error) = self.file.write_all(bytes) {
            // What was written of the piece is not hashed: it is cut off again, as far as the disk lets us.
            let _ = self.file.set_len(before);
            return Err(BlobError::file(&self.path, "write", &error));
        }
        self.hasher.update(bytes);
        self.claim.blobs.inner.used.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Whether all bytes are here.
    pub fn is_complete(&self) -> bool {
        self.offset() == self.claim.partial.blob.length
    }

    /// Gives the blob its name, if the bytes are the blob; throws them away if they are not, or if another uploader was first. Survives the
    /// loss of power once it has returned.
    ///
    /// # Errors
    /// [`BlobError::WrongBlob`], [`BlobError::DiskFull`], [`BlobError::File`], [`BlobError::Store`].
    pub fn finish(mut self) -> Result<(), BlobError> {
        let (blobs, blob) = (self.claim.blobs.clone(), self.claim.partial.blob);
        let got = std::mem::take(&mut self.hasher).finish();
        self.over = true;
        let _hold = blobs.hold_next(&blob);
        let is_other = got != blob;
        if is_other || blobs.renew(&blob)? {
            // The bytes are of no use: they are another blob, or it came another way meanwhile.
            remove(&self.path)?;
            blobs.give_back(got.length);
            return if is_other { Err(BlobError::WrongBlob { got: got.root, wanted: blob.root }) } else { Ok(()) };
        }
        self.file.sync_all().map_err(|error| BlobError::file(&self.path, "sync", &error))?;
        let path = blobs.path(&blob);
        fs::rename(&self.path, &path).map_err(|error| BlobError::file(&path, "rename to", &error))?;
        sync_folder(path.parent().expect("a blob lies in a folder"))?;
        let (stored_at, is_first) = blobs.ages().enter(&blob, now());
        let mut batch = blobs.inner.store.batch();
        blobs.enter(&mut batch, &blob, stored_at, None)?;
        batch.commit()?;
        if !is_first {
            // It is on its way in a commit of somebody else's too, and counted for that.
            blobs.give_back(blob.length);
        }
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.over {
            // The offset that a client is told is the file's length: what the system has taken, it keeps.
            let _ = self.file.flush();
            self.claim.blobs.frontiers().keep(self.claim.partial, std::mem::take(&mut self.hasher));
        }
    }
}

//! Compiled modules on disk.
//!
//! ```text
//! FOLDER/<key in hex>.native    magic 16 | key 32 | BLAKE3 of the artifact 32 | artifact
//! ```
//!
//! Owns names and integrity: an entry that is not whole is no entry. Writes go to a temporary file that is renamed, so
//! that readers and crashes see old or new, never half. It never deletes and never interprets an artifact.

use std::hash::{Hash, Hasher};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

const MAGIC: &[u8; 16] = b"assay.native.v1\n";
const DIGEST_BYTES: usize = 32;
const HEADER_BYTES: usize = MAGIC.len() + 2 * DIGEST_BYTES;

/// What the cache had to say when a program was prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheState {
    /// There is no cache.
    Off,
    /// The entry was used.
    Hit,
    /// There was no entry; there is one now.
    Built,
    /// The entry was damaged and has been replaced.
    Rebuilt,
    /// The program was compiled, and the entry could not be written or read. An operator should look at the folder.
    NotWritten,
}

/// A folder of compiled modules.
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Opens a folder, which is made if need be.
    pub fn open(folder: PathBuf) -> std::io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// The artifact under a key if there is a whole one. The state is that of a caller who builds and stores it if not.
    pub fn load(&self, key: &Key) -> (Option<Vec<u8>>, CacheState) {
        let mut entry = match std::fs::read(self.path(key)) {
            Ok(entry) => entry,
            Err(error) if error.kind() == ErrorKind::NotFound => return (None, CacheState::Built),
            Err(_) => return (None, CacheState::Rebuilt),
        };
        let is_whole = entry.len() >= HEADER_BYTES && {
            let (header, artifact) = entry.split_at(HEADER_BYTES);
            header == Self::header(key, artifact)
        };
        if is_whole { (Some(entry.split_off(HEADER_BYTES)), CacheState::Hit) } else { (None, CacheState::Rebuilt) }
    }

    /// Puts an artifact under a key.
    pub fn store(&self, key: &Key, artifact: &[u8]) -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(&Self::header(key, artifact))?;
        file.write_all(artifact)?;
        file.persist(self.path(key)).map_err(|error| error.error)?;
        Ok(())
    }

    fn header(key: &Key, artifact: &[u8]) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header[..MAGIC.len()].copy_from_slice(MAGIC);
        header[MAGIC.len()..][..DIGEST_BYTES].copy_from_slice(key.digest().as_bytes());
        header[MAGIC.len() + DIGEST_BYTES..].copy_from_slice(blake3::hash(artifact).as_bytes());
        header
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.folder.join(format!("{}.native", key.digest().to_hex()))
    }
}

/// The name of an artifact: a digest over all that it depends on.
pub(crate) struct Key {
    hasher: blake3::Hasher,
}

impl Key {
    pub fn new() -> Self {
        Self { hasher: blake3::Hasher::new() }
    }

    /// Adds a field, with its length.
    pub fn field(&mut self, bytes: &[u8]) {
        self.hasher.update(&(bytes.len() as u64).to_le_bytes());
        self.hasher.update(bytes);
    }

    /// Adds whatever a value hashes.
    pub fn hash(&mut self, value: &impl Hash) {
        value.hash(self);
    }

    fn digest(&self) -> blake3::Hash {
        self.hasher.finalize()
    }
}

/// Collects what std's `Hash` feeds it; the 64 bits of `finish` are not used.
impl Hasher for Key {
    fn write(&mut self, bytes: &[u8]) {
        self.field(bytes);
    }

    fn finish(&self) -> u64 {
        let mut word = [0; 8];
        word.copy_from_slice(&self.digest().as_bytes()[..8]);
        u64::from_le_bytes(word)
    }
}

//! Compiled modules on disk.
//!
//! ```text
//! FOLDER/<key in hex>.native    magic 16 | key 32 | bytes of the artifact 8, LE | BLAKE3 of key and artifact 32 | artifact
//! ```
//!
//! Owns names, integrity and size: an entry that is not whole is no entry. Writes go to a temporary file that is renamed,
//! so that readers and crashes see old or new, never half. A hit sets the entry's time of modification; after a write the
//! entries whose times are oldest go, until the folder is within its bound. An entry that goes while another process
//! reads it is read whole or not found. It deletes nothing but what bears its names, and never interprets an artifact.
//!
//! An artifact is native code that will run: who can write here can run what they like. So a folder that others may write to is none.

use std::hash::{Hash, Hasher};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const MAGIC: &[u8; 16] = b"assay.native.v3\n";
const DIGEST_BYTES: usize = 32;
const LENGTH_BYTES: usize = 8;
const HEADER_BYTES: usize = MAGIC.len() + LENGTH_BYTES + 2 * DIGEST_BYTES;
const ENTRY_EXTENSION: &str = "native";
const UNFINISHED_EXTENSION: &str = "unfinished";
/// An unfinished write that is older was left by a crash: none takes nearly so long.
const UNFINISHED_MAX: Duration = Duration::from_secs(3600);

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
    bytes_max: u64,
}

impl Cache {
    /// Opens a folder, which is made if need be, for this user alone, and may come to hold so many bytes.
    ///
    /// # Errors
    /// If it can't be made, or another user owns it or may write to it.
    pub fn open(folder: PathBuf, bytes_max: u64) -> std::io::Result<Self> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder)?;
        #[cfg(unix)]
        is_ours_alone(&folder)?;
        Ok(Self { folder, bytes_max })
    }

    /// The artifact under a key if there is a whole one. The state is that of a caller who builds and stores it if not.
    pub fn load(&self, key: &Key) -> (Option<Vec<u8>>, CacheState) {
        match self.read(key) {
            Ok(Some(artifact)) => {
                // Where the time can't be set the entry goes sooner than it should, and is built again.
                let _ = std::fs::File::options()
                    .append(true)
                    .open(self.path(key))
                    .and_then(|file| file.set_modified(SystemTime::now()));
                (Some(artifact), CacheState::Hit)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => (None, CacheState::Built),
            Ok(None) | Err(_) => (None, CacheState::Rebuilt),
        }
    }

    /// Reads an entry: none if it is not whole. No more is read than an entry of its header has.
    fn read(&self, key: &Key) -> std::io::Result<Option<Vec<u8>>> {
        let path = self.path(key);
        // A pipe would wait for a writer, and a device may have no end.
        if !std::fs::symlink_metadata(&path)?.is_file() {
            return Ok(None);
        }
        let mut file = std::fs::File::open(&path)?;
        let mut header = [0; HEADER_BYTES];
        file.read_exact(&mut header)?;
        let (_, length) = header[..HEADER_BYTES - DIGEST_BYTES].split_last_chunk().expect("the length comes before");
        let length = u64::from_le_bytes(*length);
        if length.checked_add(HEADER_BYTES as u64) != Some(file.metadata()?.len()) {
            return Ok(None);
        }
        let mut artifact = Vec::new();
        artifact.try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX))?;
        file.take(length).read_to_end(&mut artifact)?;
        Ok((header == Self::header(key, &artifact)).then_some(artifact))
    }

    /// Puts an artifact under a key, and removes others if the folder has become too large. The newest entry stays even if
    /// it is larger than the bound by itself.
    pub fn store(&self, key: &Key, artifact: &[u8]) -> std::io::Result<()> {
        let suffix = format!(".{UNFINISHED_EXTENSION}");
        let mut file = tempfile::Builder::new().suffix(&suffix).tempfile_in(&self.folder)?;
        file.write_all(&Self::header(key, artifact))?;
        file.write_all(artifact)?;
        file.persist(self.path(key)).map_err(|error| error.error)?;
        self.evict(&self.path(key));
        Ok(())
    }

    /// Removes unfinished writes of crashed processes, and the entries used least recently until the others fit. What can't
    /// be removed stays: another process may have been first, and the next write tries again.
    fn evict(&self, newest: &Path) {
        let Ok(listing) = std::fs::read_dir(&self.folder) else { return };
        let now = SystemTime::now();
        let mut entries = Vec::new();
        for file in listing.flatten() {
            let (path, Ok(metadata)) = (file.path(), file.metadata()) else { continue };
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            match path.extension().and_then(|extension| extension.to_str()) {
                Some(ENTRY_EXTENSION) => entries.push((used, metadata.len(), path)),
                Some(UNFINISHED_EXTENSION) if now.duration_since(used).is_ok_and(|age| age > UNFINISHED_MAX) => {
                    let _ = std::fs::remove_file(path);
                }
                _ => {}
            }
        }
        entries.sort();
        let mut bytes: u64 = entries.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, entry_bytes, path) in entries.iter().filter(|(_, _, path)| path != newest) {
            if bytes <= self.bytes_max {
                break;
            }
            let _ = std::fs::remove_file(path);
            bytes -= entry_bytes;
        }
    }

    fn header(key: &Key, artifact: &[u8]) -> [u8; HEADER_BYTES] {
        let length = (artifact.len() as u64).to_le_bytes();
        let key = key.digest();
        let digests = [*key.as_bytes(), *blake3::keyed_hash(key.as_bytes(), artifact).as_bytes()];
        let fields = [&MAGIC[..], &digests[0], &length, &digests[1]].concat();
        fields.try_into().expect("the fields are as long as the header")
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.folder.join(format!("{}.{ENTRY_EXTENSION}", key.digest().to_hex()))
    }
}

/// Whether nobody else may write to a folder. The links on the way to it are their owners' affair.
#[cfg(unix)]
fn is_ours_alone(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(folder)?;
    let (got, wanted) = (metadata.uid(), rustix::process::geteuid().as_raw());
    let refused = |words: String| Err(std::io::Error::new(ErrorKind::PermissionDenied, words));
    if got != wanted {
        return refused(format!("user {got} owns it, this process is of user {wanted}"));
    }
    if metadata.mode() & 0o022 != 0 {
        return refused(format!("others may write to it (mode {:o}); chmod go-w mends that", metadata.mode() & 0o777));
    }
    Ok(())
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

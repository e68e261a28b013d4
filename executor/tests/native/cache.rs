//! Compiled modules on disk: used, and never used when damaged.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use assay_executor::CacheState;

use super::*;

const PROGRAM: &str = r#"(func (export "entry") (call $exit (i32.const 42)))"#;

/// Prepares and runs the program with a new engine over a cache; returns what the cache said.
fn state(folder: &Path, key: u8) -> CacheState {
    bounded_state(folder, key, EngineConfig::default().cache_bytes_max)
}

/// The same, over a cache of at most so many bytes.
fn bounded_state(folder: &Path, key: u8, cache_bytes_max: u64) -> CacheState {
    let engine = Engine::new(EngineConfig { cache: Some(folder.into()), cache_bytes_max }).unwrap();
    let module = module(PROGRAM);
    let prepared = engine.prepare(&module, &lower(&module).unwrap(), B256::repeat_byte(key)).unwrap();
    assert_eq!(run(&prepared, &[], AMPLE).outcome.code, 42);
    prepared.cache_state()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

#[test]
fn entries_are_built_once_per_program() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(state(folder.path(), 1), CacheState::Built);
    assert_eq!(state(folder.path(), 1), CacheState::Hit);
    assert_eq!(state(folder.path(), 2), CacheState::Built);
    // Two programs, two meterings.
    assert_eq!(entries(folder.path()).len(), 4);
}

#[test]
fn damaged_entries_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    state(folder.path(), 1);
    let whole: Vec<Vec<u8>> = entries(folder.path()).iter().map(|path| std::fs::read(path).unwrap()).collect();
    let damages: [fn(&mut Vec<u8>); 8] = [
        |bytes| bytes.clear(),
        |bytes| bytes.truncate(50),
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| bytes.truncate(bytes.len() - 1),
        |bytes| bytes.push(0),
        |bytes| bytes[20] ^= 1,
        |bytes| bytes[48] ^= 1,
        |bytes| *bytes.last_mut().unwrap() ^= 1,
    ];
    for damage in damages {
        for (path, whole) in entries(folder.path()).iter().zip(&whole) {
            let mut bytes = whole.clone();
            damage(&mut bytes);
            std::fs::write(path, bytes).unwrap();
        }
        assert_eq!(state(folder.path(), 1), CacheState::Rebuilt);
        assert_eq!(state(folder.path(), 1), CacheState::Hit);
    }
}

/// An artifact is code that will run: it counts under its own program's key alone.
#[test]
fn an_artifact_under_another_programs_key_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    state(folder.path(), 1);
    let first = entries(folder.path());
    state(folder.path(), 2);
    let second: Vec<PathBuf> = entries(folder.path()).into_iter().filter(|path| !first.contains(path)).collect();
    for (ours, theirs) in first.iter().zip(&second) {
        let (key, artifact) = (std::fs::read(ours).unwrap(), std::fs::read(theirs).unwrap());
        std::fs::write(ours, [&key[..48], &artifact[48..]].concat()).unwrap();
    }
    assert_eq!(state(folder.path(), 1), CacheState::Rebuilt);
}

#[test]
fn a_folder_that_others_may_write_to_is_none() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("made/native");
    state(&inner, 1);
    assert_eq!(inner.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    for mode in [0o720, 0o702, 0o777] {
        std::fs::set_permissions(&inner, std::fs::Permissions::from_mode(mode)).unwrap();
        let config = EngineConfig { cache: Some(inner.clone()), ..EngineConfig::default() };
        let error = Engine::new(config).err().unwrap().to_string();
        assert!(error.contains("others may write to it"), "{error}");
    }
}

/// What is no entry of its header's length is not read: it might be more than memory holds, or have no end.
#[test]
fn what_is_too_long_or_no_file_is_replaced_unread() {
    let folder = tempfile::tempdir().unwrap();
    state(folder.path(), 1);
    let changes: [fn(&Path); 3] = [
        |path| std::fs::File::options().write(true).open(path).unwrap().set_len(64 << 30).unwrap(),
        |path| {
            std::fs::remove_file(path).unwrap();
            std::os::unix::fs::symlink("/dev/zero", path).unwrap();
        },
        |path| {
            std::fs::remove_file(path).unwrap();
            assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
        },
    ];
    for change in changes {
        entries(folder.path()).iter().for_each(|path| change(path));
        assert_eq!(state(folder.path(), 1), CacheState::Rebuilt);
        assert_eq!(state(folder.path(), 1), CacheState::Hit);
    }
}

#[test]
fn an_entry_under_another_name_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    state(folder.path(), 1);
    let first = entries(folder.path());
    state(folder.path(), 2);
    let moved: Vec<_> = entries(folder.path()).into_iter().filter(|path| !first.contains(path)).collect();
    for (from, to) in first.iter().zip(&moved) {
        std::fs::copy(from, to).unwrap();
    }
    assert_eq!(state(folder.path(), 2), CacheState::Rebuilt);
}

fn size(folder: &Path) -> u64 {
    entries(folder).iter().map(|path| path.metadata().unwrap().len()).sum()
}

/// Makes everything in a folder look as if it had been used so long ago.
fn age(folder: &Path, seconds: u64) {
    let then = SystemTime::now() - Duration::from_secs(seconds);
    for path in entries(folder) {
        std::fs::File::options().append(true).open(path).unwrap().set_modified(then).unwrap();
    }
}

#[test]
fn entries_used_least_recently_make_room() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    state(folder, 1);
    // Two programs fit, three do not.
    let bytes_max = size(folder) * 5 / 2;
    age(folder, 300);
    bounded_state(folder, 2, bytes_max);
    // The first is used again, so that the second is the one used least recently.
    let second: Vec<_> = entries(folder);
    age(folder, 200);
    assert_eq!(bounded_state(folder, 1, bytes_max), CacheState::Hit);
    assert_eq!(bounded_state(folder, 3, bytes_max), CacheState::Built);
    assert!(size(folder) <= bytes_max, "{} of {bytes_max} bytes", size(folder));
    assert_ne!(entries(folder), second);
    assert_eq!(bounded_state(folder, 1, bytes_max), CacheState::Hit);
    assert_eq!(bounded_state(folder, 3, bytes_max), CacheState::Hit);
    age(folder, 100);
    assert_eq!(bounded_state(folder, 2, bytes_max), CacheState::Built, "the second made room for the third");
}

#[test]
fn a_bound_that_nothing_fits_keeps_the_newest_entry_only() {
    let folder = tempfile::tempdir().unwrap();
    for key in 1..=3 {
        assert_eq!(bounded_state(folder.path(), key, 0), CacheState::Built);
        assert_eq!(entries(folder.path()).len(), 1);
    }
}

#[test]
fn eviction_removes_what_crashes_left_and_nothing_that_is_not_the_caches() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("crashed.unfinished"), "half").unwrap();
    std::fs::write(folder.join("notes.txt"), "somebody's").unwrap();
    age(folder, 7200);
    std::fs::write(folder.join("at-work.unfinished"), "half").unwrap();
    bounded_state(folder, 1, 0);
    assert!(!folder.join("crashed.unfinished").exists());
    assert!(folder.join("at-work.unfinished").exists() && folder.join("notes.txt").exists());
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(Engine::new(EngineConfig { cache: Some(file), ..EngineConfig::default() }).is_err());
}

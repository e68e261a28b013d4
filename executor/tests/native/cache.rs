//! Compiled modules on disk: used, and never used when damaged.

use std::path::{Path, PathBuf};

use assay_executor::CacheState;

use super::*;

const PROGRAM: &str = r#"(func (export "entry") (call $exit (i32.const 42)))"#;

/// Prepares and runs the program with a new engine over a cache; returns what the cache said.
fn state(folder: &Path, key: u8) -> CacheState {
    let engine = Engine::new(EngineConfig { cache: Some(folder.into()) }).unwrap();
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
    let damages: [fn(&mut Vec<u8>); 7] = [
        |bytes| bytes.clear(),
        |bytes| bytes.truncate(50),
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| bytes.truncate(bytes.len() - 1),
        |bytes| bytes.push(0),
        |bytes| bytes[20] ^= 1,
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

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(Engine::new(EngineConfig { cache: Some(file) }).is_err());
}

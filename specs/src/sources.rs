//! The sources of the checkout that this was compiled in, as text.
//!
//! Owns which folders hold none of ours. Never judges what it reads: the tests do.

use std::path::PathBuf;

/// Folders that hold no sources of ours.
const SKIPPED: &[&str] = &[".git", "target", "node_modules", "out", "cache", "corpus"];

/// A file.
pub struct Source {
    /// Path from the root of the checkout, with `/`.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// All files with one of these extensions, sorted by path.
///
/// # Panics
/// If the checkout can't be read.
#[must_use]
pub fn sources(extensions: &[&str]) -> Vec<Source> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut paths = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the checkout can be listed") {
            let path = entry.expect("its entries can be read").path();
            let name = path.file_name().expect("an entry has a name").to_string_lossy();
            if path.is_dir() && !SKIPPED.contains(&name.as_ref()) {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extensions.contains(&extension.to_str().unwrap_or(""))) {
                paths.push(path);
            }
        }
    }
    paths.sort();
    let source = |path: &PathBuf| {
        let relative = path.strip_prefix(&root).expect("it was found below the root");
        let text = std::fs::read_to_string(path).expect("a source is text");
        Source { path: relative.to_string_lossy().replace('\\', "/"), text }
    };
    paths.iter().map(source).collect()
}

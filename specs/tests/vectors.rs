//! Every file of vectors says where its expectations come from, and chapter 10 says the same, and exactly who reads it.
#![allow(clippy::unwrap_used)]

use assay_specs::document::{Document, folder};
use assay_specs::sources::{Source, sources};
use serde_json::Value;

/// Columns of readers, and the extension that each is about.
const READERS: [(&str, &str); 2] = [("read by Rust", "rs"), ("read by the contracts' tests", "sol")];

/// What a source may begin with, besides the script that computed the expectations. Expectations of the reference itself
/// are allowed, but must say so.
const SOURCES: [&str; 4] = ["by hand", "exact arithmetic", "test suite", "reference"];

/// Whether a source begins with one that is known, or with a script that is there.
fn is_known(source: &str) -> bool {
    let script =
        source.strip_prefix("specs/").and_then(|path| path.split_once(':')).map(|(path, _)| folder().join(path));
    script.is_some_and(|path| path.is_file()) || SOURCES.iter().any(|known| source.starts_with(known))
}

/// The lines of a source that are no comments.
fn code(source: Source) -> Source {
    let lines: Vec<&str> = source.text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    Source { text: lines.join("\n"), path: source.path }
}

#[test]
fn vectors_name_their_source() {
    let table = Document::chapter("10-verification.md").table("Vectors");
    let sources = READERS.map(|(_, extension)| sources(&[extension]).into_iter().map(code).collect::<Vec<_>>());
    let mut count = 0;
    for entry in std::fs::read_dir(folder().join("vectors")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let value: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let source = value.get("source").and_then(Value::as_str).unwrap_or_default();
        assert!(is_known(source), "{}: source \"{source}\"", path.display());
        let name = format!("specs/vectors/{}", path.file_name().unwrap().to_str().unwrap());
        let row = table.rows.iter().find(|row| row[0] == name).unwrap_or_else(|| panic!("chapter 10 lists {name}"));
        assert!(source.starts_with(table.cell(row, "source")), "{name}: {source}");
        // Who names the file in its code is a reader, and nobody else is.
        for ((column, _), sources) in READERS.iter().zip(&sources) {
            let mut found: Vec<&str> = sources
                .iter()
                .filter(|source| source.text.contains(&name["specs/".len()..]))
                .map(|source| &*source.path)
                .collect();
            let cell = table.cell(row, column);
            let mut listed: Vec<&str> = if cell.starts_with("none") { Vec::new() } else { cell.split(", ").collect() };
            found.sort_unstable();
            listed.sort_unstable();
            assert_eq!(listed, found, "{name}, {column}: listed, found");
        }
        count += 1;
    }
    assert_eq!(count, table.rows.len());
}

//! Every file of vectors says where its expectations come from, and chapter 10 says the same, and who reads it.

use assay_specs::document::{Document, folder};
use serde_json::Value;

/// What a source may begin with, besides the script that computed the expectations. Expectations of the reference itself
/// are allowed, but must say so.
const SOURCES: [&str; 4] = ["by hand", "exact arithmetic", "test suite", "reference"];

/// Whether a source begins with one that is known, or with a script that is there.
fn is_known(source: &str) -> bool {
    let script =
        source.strip_prefix("specs/").and_then(|path| path.split_once(':')).map(|(path, _)| folder().join(path));
    script.is_some_and(|path| path.is_file()) || SOURCES.iter().any(|known| source.starts_with(known))
}

#[test]
fn vectors_name_their_source() {
    let table = Document::chapter("10-verification.md").table("Vectors");
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
        // Readers that the table names do name the file.
        let file = path.file_name().unwrap().to_str().unwrap();
        for column in ["read by Rust", "read by the contracts' tests"] {
            for reader in table.cell(row, column).split(", ").filter(|reader| reader.contains('/')) {
                let source = std::fs::read_to_string(folder().join("..").join(reader))
                    .unwrap_or_else(|error| panic!("{name}, {column}, {reader}: {error}"));
                assert!(source.contains(file), "{reader} reads {name}");
            }
        }
        count += 1;
    }
    assert_eq!(count, table.rows.len());
}

//! Every file of vectors says where its expectations come from.

use assay_specs::document::folder;
use serde_json::Value;

/// What a source may begin with. Expectations of the reference itself are allowed, but must say so.
const SOURCES: [&str; 4] = ["by hand", "exact arithmetic", "test suite", "reference"];

#[test]
fn vectors_name_their_source() {
    let mut count = 0;
    for entry in std::fs::read_dir(folder().join("vectors")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let value: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let source = value.get("source").and_then(Value::as_str).unwrap_or_default();
        assert!(SOURCES.iter().any(|known| source.starts_with(known)), "{}: source \"{source}\"", path.display());
        count += 1;
    }
    assert!(count >= 3, "{count} files of vectors");
}

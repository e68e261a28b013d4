//! The guides' tables of settings against the configurations that roles read: every setting is there, none is of old, and each default is the
//! one that is taken.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use assay_challenger::ChallengerConfig;
use assay_executor_node::ExecutorConfig;
use assay_node::endpoint::EndpointConfig;
use assay_runner::L1Config;
use assay_sequencer::Config as SequencerConfig;
use serde_json::Value;

/// Where a default can't be told: it has none.
const REQUIRED: &str = "required";

/// Settings by name, with what they are if nobody sets them.
fn settings(config: impl serde::Serialize) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    flatten("", &serde_json::to_value(config).unwrap(), &mut found);
    // Test equipment is no setting of an operator's.
    found.retain(|name, _| !name.starts_with("corruption."));
    found
}

fn flatten(path: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    let words = match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(&path, value, found);
            }
            return;
        }
        Value::Null => "none".into(),
        Value::String(text) if text.strip_prefix("0x").is_some_and(|hex| hex.chars().all(|c| c == '0')) => {
            "zero".into()
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    found.insert(path.to_owned(), words);
}

/// The rows of a guide's table of settings: name and default.
fn documented(guide: &str) -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(guide);
    let text = std::fs::read_to_string(path).unwrap();
    let section = text.split("\n## Settings\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let mut rows = BTreeMap::new();
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect();
        assert_eq!(cells.len(), 3, "{guide}: {line}");
        assert!(!cells[2].is_empty(), "{guide} says nothing of {}", cells[0]);
        assert!(rows.insert(cells[0].to_owned(), cells[1].to_owned()).is_none(), "{guide} has {} twice", cells[0]);
    }
    rows
}

fn check(guide: &str, config: impl serde::Serialize) {
    let (known, rows) = (settings(config), documented(guide));
    assert!(known.len() > 20, "{known:?}");
    let missing: Vec<_> = known.iter().filter(|(name, _)| !rows.contains_key(*name)).collect();
    assert!(missing.is_empty(), "{guide} does not list {missing:?}");
    for (name, default) in rows {
        let wanted = known.get(&name).unwrap_or_else(|| panic!("{guide} lists {name}, which there is not"));
        assert!(default == REQUIRED || default == *wanted, "{guide}: {name} is {wanted} by default, not {default}");
    }
}

#[test]
fn the_guides_list_every_setting_with_its_default() {
    let l1 = || L1Config::new("ws://l1");
    check("sequencer.md", SequencerConfig::new("data", EndpointConfig::new("ws://l1")));
    check("executor.md", ExecutorConfig::new(l1(), "deployment".into(), "data".into(), Vec::new()));
    check("challenger.md", ChallengerConfig::new(l1(), "deployment".into(), "data".into()));
}

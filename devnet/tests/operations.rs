//! Files of `ops/` and guides of `docs/` against the code: a metric that is named there is registered by some role.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Names of metrics in a text: `assay_` and what follows of letters and underscores.
fn metrics(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let named = words.filter(|word| word.starts_with("assay_") && !word.ends_with('_'));
    // Methods of the RPC are named alike, in camel case or in a word.
    let named = named.filter(|word| !word.contains(|c: char| c.is_ascii_uppercase()) && word.matches('_').count() > 1);
    named.map(str::to_owned).collect()
}

/// String literals of the sources that register metrics, with the prefixes that their roles give them.
fn registered() -> BTreeSet<String> {
    let sources = [
        ("sequencer/src/metrics.rs", "assay_sequencer_"),
        ("executor/node/src/meters.rs", "assay_"),
        ("challenger/src/meters.rs", "assay_"),
        ("dispute/player/src/player/meters.rs", "assay_"),
    ];
    let mut names = BTreeSet::new();
    for (path, prefix) in sources {
        let text = std::fs::read_to_string(root().join(path)).unwrap();
        let literals = text.split('"').skip(1).step_by(2).map(str::to_owned);
        // The player's are identifiers of a macro's table: `gauge name: "help";`.
        let table = text.lines().filter_map(|line| {
            let line = line.trim().strip_prefix("gauge ").or_else(|| line.trim().strip_prefix("counter "))?;
            line.split_once(':').map(|(name, _)| name.to_owned())
        });
        for name in literals
            .chain(table)
            .filter(|name| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'))
        {
            names.insert(format!("{prefix}{name}"));
        }
    }
    names
}

#[test]
fn every_metric_that_is_watched_is_registered() {
    let known = registered();
    assert!(known.contains("assay_sequencer_tasks_queued") && known.contains("assay_games_executor"), "{known:?}");
    let mut seen = 0;
    for path in ["ops/grafana/assay.json", "docs/sequencer.md", "docs/executor.md", "docs/challenger.md"] {
        for metric in metrics(&std::fs::read_to_string(root().join(path)).unwrap()) {
            let base = ["_total", "_bucket"].iter().find_map(|suffix| metric.strip_suffix(suffix)).unwrap_or(&metric);
            assert!(known.contains(base), "{path} watches {metric}, which no role registers");
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen} metrics are watched");
}

#[test]
fn the_dashboard_is_json_and_its_panels_ask_something() {
    let text = std::fs::read_to_string(root().join("ops/grafana/assay.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.len() >= 12);
    for panel in panels {
        assert!(!panel["targets"].as_array().unwrap().is_empty(), "{}", panel["title"]);
    }
}

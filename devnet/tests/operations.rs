//! Files of `ops/` and guides of `docs/` against the code: a metric that is named there is registered by some role, a unit can read what it
//! names, images are pinned, and what is mounted is there.
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
        ("node/src/tx/meters.rs", "assay_"),
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
    for metric in ["assay_games_ahead", "assay_bonds_locked_gwei", "assay_stake_gwei", "assay_sender_shortage_gwei"] {
        let dashboard = std::fs::read_to_string(root().join("ops/grafana/assay.json")).unwrap();
        assert!(known.contains(metric) && metrics(&dashboard).contains(metric), "the dashboard lacks {metric}");
    }
    assert!(seen > 50, "{seen} metrics are watched");
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

/// Every unit's key and password come from root's files, as copies that its environment names.
#[test]
fn units_hand_their_roles_keystore_and_password() {
    for role in ["sequencer", "executor", "challenger"] {
        let text = std::fs::read_to_string(root().join(format!("ops/systemd/assay-{role}.service"))).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for line in [
            "DynamicUser=yes".to_owned(),
            format!("LoadCredential=keystore:/etc/assay/{role}.json"),
            format!("LoadCredential=password:/etc/assay/{role}.password"),
            "Environment=ASSAY__KEYSTORE=%d/keystore ASSAY__PASSWORD_FILE=%d/password".to_owned(),
            format!("ExecStart=/usr/local/bin/assay {role} --config /etc/assay/{role}.toml --log-json"),
        ] {
            assert!(lines.contains(&line.as_str()), "the {role}'s unit lacks {line}");
        }
    }
}

#[test]
fn the_compose_file_pins_its_images_and_mounts_what_is_there() {
    let folder = root().join("ops/compose");
    let text = std::fs::read_to_string(folder.join("compose.yaml")).unwrap();
    let mut images = 0;
    for image in text.lines().filter_map(|line| line.trim().strip_prefix("image: ")) {
        let tag = image.trim_end_matches('}').rsplit_once(':').unwrap().1;
        let is_own = image.contains("assay:");
        assert!(is_own || tag.chars().any(|c| c.is_ascii_digit()), "{image} is of no version");
        images += 1;
    }
    assert_eq!(images, 3);
    let mounted = text.lines().filter_map(|line| line.trim().strip_prefix("- ."));
    let paths: Vec<String> = mounted.map(|mount| format!(".{}", mount.split(':').next().unwrap())).collect();
    assert!(paths.len() >= 4, "{paths:?}");
    // The operator's folder of keys is made by hand.
    for path in paths.iter().filter(|path| *path != "./config") {
        assert!(folder.join(path).exists(), "{path} is mounted and is not there");
    }
    let dockerfile = text.lines().find_map(|line| line.trim().strip_prefix("dockerfile: ")).unwrap();
    let image = std::fs::read_to_string(root().join(dockerfile)).unwrap();
    assert!(image.contains("ENTRYPOINT [\"assay\"]") && image.contains("libclang-dev"), "{dockerfile}");
    for base in image.lines().filter_map(|line| line.strip_prefix("FROM ")) {
        assert!(!base.contains("latest") && base.contains(':'), "{base} is of no version");
    }
    // The image is built by the compiler that the sources ask for.
    let workspace = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let version = workspace.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap().trim_matches('"');
    assert!(image.contains(&format!("FROM rust:{version}-")), "{dockerfile} has another compiler than {version}");
}

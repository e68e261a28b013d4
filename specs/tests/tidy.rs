//! The style of the sources, checked: what every file has, and what none has.
//!
//! Owns the rules that neither the compiler, clippy nor the formatters know. It reads the checkout that it was compiled in.
#![allow(clippy::unwrap_used)]

use assay_specs::sources::{Source, sources};

/// Most lines of a source file.
const LINES_MAX: usize = 600;
/// Most lines of a Solidity library, and of a contract.
const LIBRARY_LINES_MAX: usize = 250;
const CONTRACT_LINES_MAX: usize = 400;
/// Most lines of ARCHITECTURE.md: it is read in one sitting.
const ARCHITECTURE_LINES_MAX: usize = 200;
/// Sources that may be longer: how long, and why.
const LONG: &[(&str, usize, &str)] = &[
    ("bridge-contracts/src/libraries/Blake3.sol", 400, "rounds written out, to keep a chunk under 100 k gas"),
    ("bridge-contracts/src/libraries/Witness.sol", 260, "parsing and folding walk one layout"),
];

/// Names that say nothing.
const EMPTY_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "manager", "misc"];

/// Fails with all offences at once.
fn check(sources: &[Source], offence: impl Fn(&Source) -> Option<String>) {
    assert!(!sources.is_empty(), "no sources found: the checkout has moved");
    let offences: Vec<String> =
        sources.iter().filter_map(|source| Some(format!("{}: {}", source.path, offence(source)?))).collect();
    assert!(offences.is_empty(), "{} files offend:\n{}", offences.len(), offences.join("\n"));
}

/// The part of a Rust source that is not its inline test module.
fn without_tests(text: &str) -> &str {
    let begins = ["\n#[cfg(test)]\nmod ", "\n#[cfg(test)]\npub mod "];
    let end = begins.iter().filter_map(|begin| text.find(begin)).min().unwrap_or(text.len());
    &text[..end]
}

fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || ["/tests/", "/benches/", "/examples/"].iter().any(|folder| path.contains(folder))
}

/// Files that are compiled for tests only: those that some file declares so.
fn test_modules(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let folder = source.path.trim_end_matches("/mod.rs").trim_end_matches("/lib.rs").trim_end_matches(".rs");
        for declared in source.text.split("#[cfg(test)]\nmod ").skip(1) {
            let name = declared.split([';', ' ']).next().unwrap_or_default();
            found.push(format!("{folder}/{name}.rs"));
        }
    }
    found
}

#[test]
fn every_rust_file_begins_with_what_it_owns() {
    check(&sources(&["rs"]), |source| {
        (!source.text.starts_with("//!")).then(|| "does not begin with //! (what it owns, assumes, never does)".into())
    });
}

/// Most lines that a file of its kind may have.
fn lines_max(path: &str) -> usize {
    if path.starts_with("bridge-contracts/src/libraries/") {
        LIBRARY_LINES_MAX
    } else if path.starts_with("bridge-contracts/src/") {
        CONTRACT_LINES_MAX
    } else {
        LINES_MAX
    }
}

#[test]
fn files_can_be_read_in_one_sitting() {
    check(&sources(&["rs", "sol", "wat", "py", "mjs", "js", "sh"]), |source| {
        let lines = source.text.lines().count();
        let exception = LONG.iter().find(|(path, _, _)| *path == source.path);
        let most = exception.map_or(lines_max(&source.path), |(_, most, _)| *most);
        (lines > most).then(|| format!("{lines} lines, at most {most}"))
    });
}

#[test]
fn long_files_are_listed_only_while_they_are_long() {
    let sources = sources(&["rs", "sol", "wat", "py", "mjs", "js", "sh"]);
    for (path, _, reason) in LONG {
        let source = sources.iter().find(|source| source.path == *path);
        let lines = source.map_or(0, |source| source.text.lines().count());
        assert!(lines > lines_max(path), "{path} has {lines} lines and needs no exception ({reason})");
    }
}

#[test]
fn the_architecture_stays_short() {
    let architecture = sources(&["md"]).into_iter().find(|source| source.path == "ARCHITECTURE.md").unwrap();
    assert!(architecture.text.lines().count() < ARCHITECTURE_LINES_MAX);
}

#[test]
fn nothing_unwraps_outside_of_tests() {
    let needle = concat!(".unwrap", "()");
    let sources = sources(&["rs"]);
    let tests = test_modules(&sources);
    let is_shipped = |source: &Source| !is_test(&source.path) && !tests.contains(&source.path);
    let shipped: Vec<Source> = sources.into_iter().filter(is_shipped).collect();
    check(&shipped, |source| {
        let code = without_tests(&source.text).lines().filter(|line| !line.trim_start().starts_with("//"));
        let count = code.filter(|line| line.contains(needle)).count();
        (count > 0).then(|| format!("{count} unwraps outside of tests: return an error, or expect with the reason"))
    });
}

/// What the verifier's twin is made of, in `machine/src`: it is to run where there is no operating system. The vector form
/// of keccak asks the processor what it can do and is not among it.
const VERIFIER: &[&str] = &[
    "witness/",
    "step/",
    "record.rs",
    "isa.rs",
    "memory/hash.rs",
    "memory/layout.rs",
    "memory/proof.rs",
    "memory/zero.rs",
];

#[test]
fn the_verifier_needs_no_standard_library() {
    let mut sources = sources(&["rs"]);
    let tests = test_modules(&sources);
    let is_verifier = |path: &str| {
        path.strip_prefix("machine/src/").is_some_and(|path| VERIFIER.iter().any(|part| path.starts_with(part)))
    };
    sources.retain(|source| is_verifier(&source.path) && !tests.contains(&source.path) && !is_test(&source.path));
    assert!(sources.len() >= VERIFIER.len(), "the verifier has moved");
    check(&sources, |source| {
        let mut code = without_tests(&source.text).lines().filter(|line| !line.trim_start().starts_with("//"));
        code.find(|line| line.contains("std::")).map(|line| format!("names the standard library: {}", line.trim()))
    });
}

#[test]
fn nothing_is_left_for_later() {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];
    check(&sources(&["rs", "sol", "wat", "py", "mjs", "js", "sh", "md", "toml", "c", "zig"]), |source| {
        let found = marks.iter().find(|mark| source.text.contains(**mark))?;
        Some(format!("has a {found}: open an issue instead"))
    });
}

#[test]
fn names_say_something() {
    check(&sources(&["rs", "sol", "py", "mjs"]), |source| {
        let mut parts = source.path.split(['/', '.']);
        let part = parts.find(|part| EMPTY_NAMES.contains(&part.to_lowercase().as_str()))?;
        Some(format!("`{part}` says nothing"))
    });
}

#[test]
fn every_contract_pins_its_compiler_and_licence() {
    check(&sources(&["sol"]), |source| {
        let mut lines = source.text.lines();
        let licence = lines.next() == Some("// SPDX-License-Identifier: Apache-2.0");
        let pragma = lines.next().is_some_and(|line| line.starts_with("pragma solidity 0."));
        (!licence || !pragma).then(|| "begins with the licence and an exact pragma".into())
    });
}

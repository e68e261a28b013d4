//! The table against the sources of the contracts.
#![allow(clippy::unwrap_used)]

extern crate std;

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use std::path::{Path, PathBuf};

use alloy_primitives::U256;
use alloy_sol_types::{Revert, SolError};

use super::*;
use crate::{B256, keccak256};

/// Of functions of libraries that no contract calls.
const UNREACHED: &[&str] = &["OutsideWindow(uint256,uint256,uint256,uint256)"];

/// The text of all contracts, interfaces and libraries.
fn sources() -> Vec<String> {
    let (mut folders, mut texts) = (Vec::new(), Vec::new());
    folders.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("../bridge-contracts/src"));
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "sol") {
                texts.push(std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    texts
}

/// What begins a line with a keyword and a space, behind them, up to an end.
fn declared<'a>(texts: &'a [String], keyword: &str, end: char) -> Vec<&'a str> {
    let mut found = Vec::new();
    for text in texts {
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let begins = at + line.len() - line.trim_start().len();
            at += line.len();
            let rest = text[begins..].strip_prefix(keyword).and_then(|rest| rest.strip_prefix(' '));
            found.extend(rest.and_then(|rest| rest.split_once(end)).map(|(declaration, _)| declaration));
        }
    }
    found
}

/// The signature of a declared error; an enum counts as its number.
fn signature(declaration: &str, enums: &BTreeSet<&str>) -> String {
    let (name, parameters) = declaration.strip_suffix(')').unwrap().split_once('(').unwrap();
    let types = parameters.split(',').filter_map(|parameter| parameter.split_whitespace().next());
    let types: Vec<&str> = types.map(|kind| if enums.contains(kind) { "uint8" } else { kind }).collect();
    format!("{name}({})", types.join(","))
}

#[test]
fn every_error_of_the_contracts_is_in_the_table() {
    let texts = sources();
    let enums: BTreeSet<&str> = declared(&texts, "enum", '{').into_iter().map(str::trim).collect();
    let errors: BTreeSet<String> =
        declared(&texts, "error", ';').into_iter().map(|declaration| signature(declaration, &enums)).collect();
    assert!(errors.len() > 100, "{} errors found: the contracts have moved", errors.len());
    let table: BTreeMap<&str, [u8; 4]> = all().collect();
    let missing: Vec<&String> = errors.iter().filter(|error| !table.contains_key(error.as_str())).collect();
    assert_eq!(missing, UNREACHED, "errors that no binding has");
    for (signature, selector) in table {
        assert_eq!(keccak256(signature.as_bytes())[..4], selector, "{signature}");
    }
}

#[test]
fn an_error_is_told_by_its_name_and_arguments() {
    let told = |data: Vec<u8>| words(&data).unwrap();
    assert_eq!(told(Court::OneStepLeft.abi_encode()), "OneStepLeft");
    let given = B256::repeat_byte(2);
    let wrong = Examiner::WrongProgram { expected: B256::ZERO, given };
    assert_eq!(told(wrong.abi_encode()), format!("WrongProgram {{ expected: {}, given: {given} }}", B256::ZERO));
    let truncated = StepVerifier::WitnessTruncated { wantedBytes: U256::from(12), gotBytes: U256::from(1) };
    assert_eq!(told(truncated.abi_encode()), "WitnessTruncated { wantedBytes: 12, gotBytes: 1 }");
    let siblings = Batches::LeafSiblings { expected: U256::from(3), given: U256::from(4) };
    assert_eq!(told(siblings.abi_encode()), "LeafSiblings { expected: 3, given: 4 }");
    let below = Bonds::Below { larger: "window (s)".to_owned(), least: U256::from(2), given: U256::from(1) };
    assert_eq!(told(below.abi_encode()), r#"Below { larger: "window (s)", least: 2, given: 1 }"#);

    assert_eq!(words(&Revert::from("no".to_string()).abi_encode()), None);
    assert_eq!(words(&[]), None);
    assert_eq!(words(&[1, 2, 3, 4]), None);
}

//! The contracts' own constants, opcodes and trap codes, against chapters 3 and 4.

use assay_specs::document::{Document, folder};
use std::collections::BTreeMap;

/// Constants of a library that have a plain number, by name.
fn constants(library: &str) -> BTreeMap<String, u64> {
    let path = folder().join("../bridge-contracts/src/libraries").join(library);
    let source = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut constants = BTreeMap::new();
    for line in source.lines() {
        let Some((_, rest)) = line.trim().split_once("internal constant ") else { continue };
        let (name, value) = rest.trim_end_matches(';').split_once(" = ").expect("a constant has a value");
        let value = match value.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => value.parse(),
        };
        constants.insert(name.to_owned(), value.expect("a number"));
    }
    constants
}

#[test]
fn opcodes_of_the_contracts_are_those_of_the_chapter() {
    let mut constants = constants("Opcode.sol");
    // Ends of ranges and families, which have no name in the tables of the chapter.
    let others = [
        ("LOAD_FIRST", 0x28),
        ("LOAD_LAST", 0x35),
        ("STORE_FIRST", 0x36),
        ("STORE_LAST", 0x3e),
        ("IMMEDIATE", 0x100),
        ("BRANCH", 0x200),
        ("BRANCH_IMMEDIATE", 0x300),
        ("CONTROL_FIRST", 0x400),
    ];
    for (name, value) in others {
        assert_eq!(constants.remove(name), Some(value), "{name}");
    }
    let mut listed = BTreeMap::new();
    for heading in ["Control", "Memory, tables, input, output"] {
        let table = Document::chapter("04-instructions.md").table(heading);
        for row in &table.rows {
            let name = table.cell(row, "name").to_uppercase().replace('.', "_");
            listed.insert(name, u64::from_str_radix(&row[0][2..], 16).unwrap());
        }
    }
    assert_eq!(constants, listed);
}

#[test]
fn trap_codes_of_the_contracts_are_those_of_the_chapter() {
    let mut constants = constants("Trap.sol");
    assert_eq!(constants.remove("NONE"), Some(0));
    let tables = Document::chapter("03-state.md").tables();
    let table = tables.iter().find(|table| table.columns[0] == "trap code").unwrap();
    let listed = table.rows.iter().map(|row| (table.cell(row, "name").to_owned(), row[0].parse().unwrap()));
    assert_eq!(constants, listed.collect());
}

//! Chapter 7 against the adapter: every function of WASI preview 1 is in both, and in the chapter once.

use assay_specs::document::{Document, folder};
use std::collections::BTreeSet;

#[test]
fn every_function_of_the_adapter_is_in_the_chapter() {
    let path = folder().join("../machine/src/admission/wasi_adapter.wasm");
    let wasm = std::fs::read(path).unwrap();
    let mut exported = BTreeSet::new();
    for payload in wasmparser::Parser::new(0).parse_all(&wasm) {
        if let wasmparser::Payload::ExportSection(exports) = payload.unwrap() {
            exported.extend(exports.into_iter().map(|export| export.unwrap().name.to_owned()));
        }
    }
    let tables = Document::chapter("07-host-interface.md").tables();
    let table = tables.iter().find(|table| table.columns[0] == "functions").unwrap();
    let listed: Vec<String> =
        table.rows.iter().flat_map(|row| row[0].split(", ").map(str::to_owned).collect::<Vec<_>>()).collect();
    assert_eq!(listed.len(), 46, "all of preview 1, each once");
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), exported);
}

#[test]
fn the_four_functions_are_in_their_order() {
    let table = Document::chapter("07-host-interface.md").table("The four functions");
    let names: Vec<&str> = table.rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(names, ["input_size", "input_read", "output_write", "exit"]);
}

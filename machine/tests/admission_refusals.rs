//! What admission refuses, by name, and what it promises of what it admits.

mod host;

use assay_machine::admission::{AdmissionError, Limit, Proposal, admit, admit_library};
use wasmparser::{Operator, Parser, Payload, Validator, WasmFeatures};

fn wasm(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).unwrap_or_else(|error| panic!("the test's own text: {error}"))
}

/// The error for a module with these fields, as a library: a program would have to export `_start` besides.
fn error(fields: &str) -> AdmissionError {
    library_error(&wasm(&format!("(module {fields})")))
}

fn library_error(module: &[u8]) -> AdmissionError {
    admit_library(module, &[]).expect_err("the module is refused")
}

#[track_caller]
fn check_refused(fields: &str, wanted: &[Proposal]) {
    match error(fields) {
        AdmissionError::Refused { proposals, .. } => assert_eq!(proposals, wanted, "{fields}"),
        other => panic!("{fields}: {other}"),
    }
}

#[test]
fn proposals_are_named() {
    use Proposal::*;
    let cases: &[(&str, &[Proposal])] = &[
        ("(func (drop (v128.const i64x2 0 0)))", &[Simd]),
        ("(func (param v128))", &[Simd]),
        ("(global v128 (v128.const i64x2 0 0))", &[Simd]),
        ("(memory 1) (func (drop (v128.load (i32.const 0))))", &[Simd]),
        ("(func (param v128) (drop (f32x4.relaxed_max (local.get 0) (local.get 0))))", &[RelaxedSimd]),
        ("(memory 1 1 shared)", &[Threads]),
        ("(memory 1) (func (drop (i32.atomic.load (i32.const 0))))", &[Threads]),
        ("(func (return_call 0))", &[TailCalls]),
        ("(tag) (func (throw 0))", &[Exceptions]),
        (r#"(import "a" "b" (tag))"#, &[Exceptions]),
        ("(func (param exnref))", &[Exceptions]),
        ("(func (block (try_table (catch_all 0))))", &[Exceptions]),
        ("(func try catch_all end)", &[LegacyExceptions]),
        ("(func (param externref))", &[Externref]),
        ("(table 1 externref)", &[Externref]),
        ("(func (drop (ref.null extern)))", &[Externref]),
        ("(global externref (ref.null extern))", &[Externref]),
        ("(type $f (func)) (func (param (ref $f)) (call_ref $f (local.get 0)))", &[FunctionReferences]),
        ("(type $f (func)) (table 1 (ref null $f))", &[FunctionReferences]),
        ("(func (param funcref) (drop (ref.as_non_null (local.get 0))))", &[FunctionReferences]),
        ("(func $f) (elem declare func $f) (table 1 1 funcref (ref.func $f))", &[FunctionReferences]),
        ("(type (struct (field i32)))", &[Gc]),
        ("(func (param anyref))", &[Gc]),
        ("(func (drop (ref.i31 (i32.const 1))))", &[Gc]),
        ("(global i32 (i32.const 1)) (global i32 (global.get 0))", &[Gc]),
        ("(rec (type (func)) (type (func)))", &[Gc]),
        ("(memory i64 1)", &[Memory64]),
        ("(table i64 1 funcref)", &[Memory64]),
        ("(memory 1) (memory 1)", &[MultiMemory]),
        ("(memory 1 (pagesize 1))", &[CustomPageSizes]),
        ("(func (param i64 i64) (i64.mul_wide_u (local.get 0) (local.get 1)) drop drop)", &[WideArithmetic]),
        (
            "(type $f (func)) (type $c (cont $f)) (func (param (ref null $c)) (resume $c (local.get 0)))",
            &[StackSwitching],
        ),
        ("(memory 1) (func (memory.discard (i32.const 0) (i32.const 0)))", &[MemoryControl]),
        ("(global (shared i32) (i32.const 0))", &[SharedEverythingThreads]),
        ("(rec (type $a (descriptor $b) (struct)) (type $b (describes $a) (struct)))", &[CustomDescriptors]),
        (r#"(import "a" (item "b" (func)) (item "c" (func)))"#, &[CompactImports]),
        ("(memory i64 1) (func (drop (v128.load (i64.const 0))))", &[Memory64, Simd]),
        ("(memory i64 0 0x1_0000_0000_0000 (pagesize 1))", &[CustomPageSizes, Memory64]),
        ("(memory i64 1 1 shared)", &[Memory64, Threads]),
        ("(memory i64 1 1 shared) (func (return_call 0))", &[Memory64, Threads, TailCalls]),
        ("(type $f (func)) (tag) (func (param (ref $f)) (throw 0))", &[FunctionReferences, Exceptions]),
        ("(memory 1 1 shared) (func (drop (v128.const i64x2 0 0)) (return_call 0))", &[Threads, Simd, TailCalls]),
        (r#"(import "env" "memory" (memory 1))"#, &[ImportedMemory]),
        (r#"(import "env" "table" (table 1 funcref))"#, &[ImportedTable]),
        (r#"(import "env" "global" (global i32))"#, &[ImportedGlobal]),
    ];
    for (fields, wanted) in cases {
        check_refused(fields, wanted);
    }
    let component = library_error(&wasm("(component)"));
    assert_eq!(component.reason(), "component model", "{component}");
}

/// Four proposals at once: the first three are named, and then the search ends.
#[test]
fn the_search_for_proposals_is_bounded() {
    let fields = "(memory 1 1 shared) (tag) (func (drop (v128.const i64x2 0 0)) (throw 0)) (func (return_call 0))";
    check_refused(fields, &[Proposal::Threads, Proposal::Exceptions, Proposal::Simd]);
}

/// A module that no proposal mends is invalid, with the place; also when it uses a proposal besides.
#[test]
fn invalid_modules_are_told_where() {
    let invalid = |module: &[u8]| match library_error(module) {
        AdmissionError::Invalid { offset, message } => (offset, message),
        other => panic!("{other}"),
    };
    // Header 8, type section 6, function section 4, code section header 3, body size 1, no locals 1, i64.const 2,
    // i32.eqz.
    let (offset, message) = invalid(&wasm("(module (func (drop (i32.eqz (i64.const 0)))))"));
    assert_eq!(offset, 8 + 6 + 4 + 3 + 1 + 1 + 2);
    assert!(message.contains("type mismatch"), "{message}");
    let (_, message) = invalid(&wasm("(module (func (drop (v128.const i64x2 0 0)) (drop (i32.eqz (i64.const 0)))))"));
    assert!(message.contains("type mismatch"), "{message}");
    let (_, message) = invalid(&wasm("(module (memory i64 1 1 shared) (func (drop (i32.eqz (i64.const 0)))))"));
    assert!(message.contains("type mismatch"), "{message}");
    let three = "(memory 1 1 shared) (func (drop (v128.const i64x2 0 0)) (return_call 0)) (func (drop (i32.eqz (i64.const 0))))";
    let (_, message) = invalid(&wasm(&format!("(module {three})")));
    assert!(message.contains("type mismatch"), "{message}");
    assert_eq!(invalid(b"").0, 0);
    assert_eq!(invalid(b"\0asm\x02\0\0\0").0, 4);
    invalid(b"#!/bin/sh");
}

#[test]
fn limits_are_each_reached() {
    let many = |count: usize, item: &str| item.repeat(count);
    let cases: Vec<(Limit, String)> = vec![
        (Limit::Types, many(65537, "(type (func))")),
        (Limit::SignatureValues, many(1100, &format!("(type (func (param {})))", many(990, "i32 ")))),
        (Limit::Params, format!("(func (param {}))", many(991, "i32 "))),
        (Limit::Params, format!("(func (param {}))", many(1001, "i32 "))),
        (Limit::Results, format!("(type (func (result {})))", many(991, "i32 "))),
        (Limit::Imports, many(4097, r#"(import "assay" "exit" (func (param i32)))"#)),
        (Limit::Functions, many((1 << 18) + 1, "(func)")),
        (Limit::Tables, many(33, "(table 1 funcref)")),
        (Limit::TableElements, "(table 1048577 funcref)".into()),
        (Limit::TableElements, "(table 0xffffffff funcref)".into()),
        (Limit::Globals, many(65537, "(global i32 (i32.const 0))")),
        (Limit::ElementSegments, many(65537, "(elem func)")),
        (Limit::ElementItems, format!("(func $f) {}", many(3, &format!("(elem func {})", many(700_000, "$f "))))),
        (Limit::DataSegments, many(65537, r#"(data "")"#)),
        (Limit::BodyBytes, format!("(func {})", many((1 << 20) - 1, "nop "))),
        (Limit::Locals, format!("(func (param i64) (local {}))", many(50_000, "i32 "))),
        (Limit::OperandStack, format!("(func {} unreachable)", many((1 << 16) + 1, "i32.const 0 "))),
        (
            Limit::TransferredValues,
            format!(
                "(func $f (param {0}) (result {0}) unreachable) (func (result {0}) unreachable {1} return)",
                many(990, "i32 "),
                many(17_000, "call $f ")
            ),
        ),
    ];
    for (limit, fields) in &cases {
        match error(fields) {
            AdmissionError::OverLimit { limit: got_limit, got, wanted } => {
                assert_eq!(got_limit, *limit);
                assert_eq!(wanted, limit.bound());
                assert!(got > wanted);
            }
            other => panic!("{limit:?}: {other}"),
        }
    }
    let exports: String = (0..=1 << 18).map(|index| format!(r#"(export "{index}" (func 0))"#)).collect();
    assert_eq!(error(&format!("(func) {exports}")).reason(), Limit::Exports.name());
    // The text format's assembler refuses this memory itself.
    let mut memory = wasm("(module (memory 65535))");
    let at = memory.windows(3).position(|window| window == [0xff, 0xff, 0x03]).expect("65535 in LEB128");
    memory[at + 2] = 0x07;
    assert_eq!(library_error(&memory).reason(), Limit::MemoryPages.name());
    let mut large = wasm("(module)");
    large.resize((64 << 20) + 1, 0);
    assert_eq!(library_error(&large).reason(), Limit::ModuleBytes.name());

    let mut names: Vec<_> = Limit::ALL.iter().map(|limit| limit.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Limit::ALL.len());
}

#[test]
fn limits_are_admitted_themselves() {
    let many = |count: usize, item: &str| item.repeat(count);
    for fields in [
        format!("(func (param {0}) (result {0}) unreachable)", many(990, "i32 ")),
        "(table 1048576 funcref) (memory 65536)".into(),
        format!("(func (local {}))", many(50_000, "i32 ")),
        // Size 1, no locals 1, end 1 make the rest.
        format!("(func {})", many((1 << 20) - 2, "nop ")),
        many(32, "(table 1 funcref)"),
    ] {
        if let Err(error) = admit_library(&wasm(&format!("(module {fields})")), &[]) {
            panic!("{}: {error}", &fields[..40]);
        }
    }
}

#[test]
fn segments_must_fit() {
    let cases = [
        (r#"(memory 1) (data (i32.const 65535) "a")"#, None),
        (r#"(memory 1) (data (i32.const 65536) "")"#, None),
        (r#"(memory 1) (data (i32.const 65537) "")"#, Some(("data segment out of bounds", 65537, 65536))),
        (r#"(memory 1) (data "x") (data (i32.const -1) "a")"#, Some(("data segment out of bounds", 1 << 32, 65536))),
        (r#"(memory 0 1) (data (i32.const 0) "a")"#, Some(("data segment out of bounds", 1, 0))),
        (
            r#"(memory 1) (data (i32.sub (i32.mul (i32.const 256) (i32.const 256)) (i32.const 1)) "ab")"#,
            Some(("data segment out of bounds", 65537, 65536)),
        ),
        ("(table 2 funcref) (func $f) (elem (i32.const 1) $f)", None),
        ("(table 2 funcref) (func $f) (elem (i32.const 1) $f $f)", Some(("element segment out of bounds", 3, 2))),
        (
            "(table 9 funcref) (table $t 0 funcref) (elem (table $t) (i32.const 0) funcref (ref.null func))",
            Some(("element segment out of bounds", 1, 0)),
        ),
    ];
    for (fields, wanted) in cases {
        let got = match admit_library(&wasm(&format!("(module {fields})")), &[]) {
            Ok(_) => None,
            Err(error) => match error {
                AdmissionError::DataOutOfBounds { got, wanted, .. }
                | AdmissionError::ElementsOutOfBounds { got, wanted, .. } => Some((error.reason(), got, wanted)),
                other => panic!("{fields}: {other}"),
            },
        };
        assert_eq!(got, wanted, "{fields}");
    }
}

#[test]
fn imports_must_be_known_and_have_their_signature() {
    for import in [
        r#"(import "env" "f" (func))"#,
        r#"(import "assay" "input" (func))"#,
        r#"(import "wasi_snapshot_preview1" "fd_dup" (func))"#,
        r#"(import "wasi_unstable" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#,
    ] {
        assert_eq!(error(import).reason(), "unknown import", "{import}");
    }
    let wrong = error(r#"(import "assay" "input_read" (func (param i32 i32 i32) (result i32)))"#);
    assert_eq!(wrong.reason(), "import signature");
    assert_eq!(
        wrong.to_string(),
        "import `assay` `input_read` has signature [i32 i32 i32] -> [i32], wanted [i32 i64 i32] -> [i32]"
    );
    let wrong = error(r#"(import "wasi_snapshot_preview1" "proc_exit" (func))"#);
    assert_eq!(
        wrong.to_string(),
        "import `wasi_snapshot_preview1` `proc_exit` has signature [] -> [], wanted [i32] -> []"
    );
}

#[test]
fn programs_need_a_start() {
    let reason = |fields: &str| admit(&wasm(&format!("(module {fields})"))).map_err(|error| error.reason());
    assert_eq!(reason("(func)"), Err("no _start"));
    assert_eq!(reason(r#"(memory (export "_start") 1)"#), Err("no _start"));
    assert_eq!(reason(r#"(func (export "_start") (param i32))"#), Err("_start signature"));
    assert_eq!(reason(r#"(func (export "_start") (result i32) (i32.const 0))"#), Err("_start signature"));
    assert!(reason(r#"(func (export "_start"))"#).is_ok());
}

#[test]
fn adapters_are_functions_over_the_host_only() {
    let library = wasm(r#"(module (import "a" "f" (func)))"#);
    for adapter in [
        r#"(func (export "f")) (memory 1)"#,
        r#"(func (export "f")) (table 1 funcref)"#,
        r#"(import "assay" "nothing" (func)) (func (export "f"))"#,
        r#"(import "env" "memory" (memory 1)) (func (export "f"))"#,
        r#"(func $f (export "f") (drop (ref.func $f)))"#,
        r#"(func $f (export "f") (drop (global.get $g))) (global $g funcref (ref.func $f))"#,
        r#"(func (export "f")) (func $s) (start $s)"#,
        r#"(func (export "f") (drop (v128.const i64x2 0 0)))"#,
    ] {
        let adapter = wasm(&format!("(module {adapter})"));
        let error = admit_library(&library, &[("a", &adapter)]).expect_err("the adapter is refused");
        assert_eq!(error.reason(), "adapter", "{error}");
    }
    let reexport = wasm(r#"(module (import "assay" "exit" (func $e (param i32))) (export "f" (func $e)))"#);
    let library_of_exit = wasm(r#"(module (import "a" "f" (func (param i32))))"#);
    assert_eq!(admit_library(&library_of_exit, &[("a", &reexport)]).expect_err("refused").reason(), "adapter");
    // An adapter that nobody imports from is not looked at.
    assert!(admit_library(&wasm("(module)"), &[("a", b"junk")]).is_ok());
}

/// Everything at once that the contract speaks of.
const FULL: &str = r#"(module
    (type $duplicate (func)) (type $same (func))
    (import "assay" "exit" (func $exit (param i32)))
    (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
    (import "assay" "output_write" (func $write (param i32 i32)))
    (memory (export "memory") 1) (table $a (export "table") 4 funcref) (table $b 2 9999999 funcref)
    (global $g (export "global") (mut i64) (i64.add (i64.const 40) (i64.const 2)))
    (global $r funcref (ref.func $write)) (global $f f64 (f64.const nan:0x8000000000001))
    (elem (i32.const 0) $write $yield $main) (elem (table $b) (i32.const 1) funcref (ref.func $exit))
    (elem $passive func $write) (elem declare func $exit)
    (data (i32.const 0) "hi!") (data $later "?")
    (export "write" (func $write)) (export "yield" (func $yield)) (export "_start" (func $main))
    (start $first)
    (func $first (call $write (i32.const 0) (i32.const 1)))
    (func $main (type $same)
      (drop (ref.func $only_exported))
      (call_indirect $a (param i32 i32) (i32.const 1) (i32.const 1) (i32.const 0))
      (drop (call_indirect $a (result i32) (i32.const 1)))
      (memory.init $later (i32.const 2) (i32.const 0) (i32.const 1))
      (table.init $a $passive (i32.const 3) (i32.const 0) (i32.const 1))
      (call_indirect $a (param i32 i32) (i32.const 2) (i32.const 1) (i32.const 3))
      (call $only_exported)
      (table.set $a (i32.const 0) (global.get $r))
      (call_indirect $a (param i32 i32) (i32.const 0) (i32.const 1) (i32.const 0))
      (call_indirect $b (param i32) (i32.const 7) (i32.const 1)))
    (func $only_exported (export "only")
      (if (i64.ne (global.get $g) (i64.const 42)) (then (unreachable)))
      ;; Growing stops at 2^20 elements, whatever was declared.
      (if (i32.ne (table.grow $b (ref.null func) (i32.const 1048575)) (i32.const -1)) (then (unreachable)))
      (if (i32.ne (table.grow $b (ref.null func) (i32.const 1048574)) (i32.const 2)) (then (unreachable)))))"#;

/// The admitted features, listed here again: the contract is what consumers rely on, not what the code says.
fn admitted_features() -> WasmFeatures {
    WasmFeatures::WASM2.difference(WasmFeatures::SIMD).difference(WasmFeatures::GC_TYPES)
}

fn check_contract(module: &[u8], entry: u32, exports: &[&str]) {
    Validator::new_with_features(admitted_features()).validate_all(module).expect("a normalised module is valid");
    let (mut functions, mut got_exports, mut imports) = (0, Vec::new(), Vec::new());
    let mut is_import_direct_only = true;
    for payload in Parser::new(0).parse_all(module) {
        match payload.expect("it is valid") {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.expect("it is valid");
                    imports.push((import.module, import.name));
                }
            }
            Payload::FunctionSection(section) => functions = section.count(),
            Payload::MemorySection(section) => {
                let memories: Vec<_> = section.into_iter().collect::<Result<_, _>>().expect("it is valid");
                assert!(memories.len() == 1 && memories[0].maximum.is_some());
            }
            Payload::TableSection(section) => {
                for table in section {
                    assert!(table.expect("it is valid").ty.maximum.is_some_and(|maximum| maximum <= 1 << 20));
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let init = global.expect("it is valid").init_expr;
                    assert_eq!(init.get_operators_reader().into_iter().count(), 2, "one instruction and end");
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.expect("it is valid");
                    is_import_direct_only &= export.kind != wasmparser::ExternalKind::Func || export.index >= 4;
                    got_exports.push(export.name);
                }
            }
            Payload::ElementSection(section) => {
                for element in section {
                    match element.expect("it is valid").items {
                        wasmparser::ElementItems::Functions(items) => {
                            is_import_direct_only &= items.into_iter().all(|item| item.expect("it is valid") >= 4);
                        }
                        wasmparser::ElementItems::Expressions(_, items) => {
                            for item in items {
                                for operator in item.expect("it is valid").get_operators_reader() {
                                    is_import_direct_only &= !refers_to_import(&operator.expect("it is valid"));
                                }
                            }
                        }
                    }
                }
            }
            Payload::CodeSectionEntry(body) => {
                for operator in body.get_operators_reader().expect("it is valid") {
                    is_import_direct_only &= !refers_to_import(&operator.expect("it is valid"));
                }
            }
            Payload::StartSection { .. } => panic!("a start section"),
            Payload::CustomSection(section) => panic!("a custom section {}", section.name()),
            _ => {}
        }
    }
    let names = ["input_size", "input_read", "output_write", "exit"];
    assert_eq!(imports, names.map(|name| ("assay", name)));
    assert_eq!(entry, 4 + functions - 1);
    assert_eq!(got_exports, exports);
    assert!(is_import_direct_only);
}

fn refers_to_import(operator: &Operator<'_>) -> bool {
    matches!(operator, Operator::RefFunc { function_index: 0..4 })
}

#[test]
fn programs_keep_the_contract_and_their_meaning() {
    let admitted = admit(&wasm(FULL)).expect("all of it is admitted");
    check_contract(&admitted.module, admitted.entry_function, &["memory", "entry"]);
    assert_eq!(host::run(&admitted.module, b""), (host::Ending::Exit(7), b"hi?h".to_vec()));
    assert_eq!(admit(&wasm(FULL)), Ok(admitted));
}

#[test]
fn libraries_keep_the_contract_and_their_exports() {
    let admitted = admit_library(&wasm(FULL), &[]).expect("all of it is admitted");
    let exports = ["memory", "table", "global", "write", "yield", "_start", "only", "entry"];
    check_contract(&admitted.module, admitted.entry_function, &exports);
    // The start function runs, `_start` does not.
    assert_eq!(host::run(&admitted.module, b""), (host::Ending::Exit(0), b"h".to_vec()));

    let own_entry = admit_library(&wasm(r#"(module (memory (export "entry") 1))"#), &[]).expect("it is admitted");
    check_contract(&own_entry.module, own_entry.entry_function, &["entry"]);
}

#[test]
fn the_empty_module_is_a_library() {
    let admitted = admit_library(b"\0asm\x01\0\0\0", &[]).expect("it is valid");
    check_contract(&admitted.module, admitted.entry_function, &["entry"]);
    assert_eq!(host::run(&admitted.module, b""), (host::Ending::Exit(0), vec![]));
}

/// A normalised module is admitted again, and keeps its meaning.
#[test]
fn normalised_modules_are_admissible() {
    let once = admit_library(&wasm(FULL), &[]).expect("all of it is admitted");
    let twice = admit(&once.module).expect("a normalised library with `_start` is a program");
    check_contract(&twice.module, twice.entry_function, &["memory", "entry"]);
}

//! Chapter 4 against the instruction table, opcode by opcode over all 65,536: what is defined, under which name, with
//! which fields, slots and immediates. What WASM's own opcodes are called and take comes from the WASM toolkit.

use assay_machine::isa::{FORMS, Fields, Form, Instruction, NUMERIC, Slots, form_of, is_well_formed, name_of, op};
use assay_specs::document::{Document, Table};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// What the chapter says of one opcode: its form, and its name where it gives one.
type Chapter = BTreeMap<u16, (Form, Option<String>)>;

fn chapter() -> Document {
    Document::chapter("04-instructions.md")
}

fn hex(text: &str) -> u16 {
    let digits = text.trim().strip_prefix("0x").unwrap_or_else(|| panic!("an opcode, got {text}"));
    u16::from_str_radix(digits, 16).expect("an opcode in hexadecimal")
}

/// `0x28–0x35`, or one opcode.
fn range(text: &str) -> RangeInclusive<u16> {
    let (first, last) = text.split_once('–').unwrap_or((text, text));
    hex(first)..=hex(last)
}

/// All ranges in a text.
fn ranges(text: &str) -> Vec<RangeInclusive<u16>> {
    let words = text.split([' ', ',', '`', '(', ')']).filter(|word| word.starts_with("0x") && word.contains('–'));
    words.map(range).collect()
}

fn fields(cell: &str) -> Fields {
    let has = |field| cell.split(' ').any(|word| word == field);
    Fields { d: has("d"), a: has("a"), b: has("b") }
}

fn slots(cell: &str) -> Slots {
    match cell {
        "" => Slots::None,
        "d" => Slots::D,
        "a" => Slots::A,
        "d a" => Slots::DA,
        "a b" => Slots::AB,
        "d a b" => Slots::DAB,
        "d a b imm" => Slots::DABImm,
        "a..a+1" => Slots::Pair,
        "a..a+2" => Slots::Triple,
        "d, a..a+2" => Slots::DTriple,
        "a..a+3" => Slots::Quad,
        "a..a+b-1" => Slots::Range,
        "d + a" => Slots::Link,
        "b, d + a" => Slots::BLink,
        _ => panic!("slots \"{cell}\""),
    }
}

/// The exclusive bound that a text sets for imm, as `imm < 2^32`, `imm <= 65536` or `imm in 1..=10`.
fn imm_end(text: &str) -> Option<u64> {
    let parse = |text: &str| text.parse::<u64>().expect("a number");
    let number = |text: &str| {
        let text: String = text.chars().take_while(|c| c.is_ascii_digit() || *c == '^').collect();
        match text.split_once('^') {
            Some((base, exponent)) => parse(base).pow(parse(exponent) as u32),
            None => parse(&text),
        }
    };
    let after = |sign: &str| text.split_once(sign).map(|(_, rest)| number(rest));
    after("imm < ")
        .or_else(|| after("imm <= ").map(|last| last + 1))
        .or_else(|| after("imm in 1..=").map(|last| last + 1))
}

fn form(table: &Table, row: &[String], text: &str) -> Form {
    let uses_imm = table.cell(row, "fields").split(' ').any(|word| word == "imm");
    Form {
        fields: fields(table.cell(row, "fields")),
        slots: slots(table.cell(row, "slots")),
        imm_end: if uses_imm { imm_end(text) } else { Some(0) },
    }
}

/// Parameters of a numeric operator, by the toolkit: how many, and whether they have 32 bits.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Operands {
    count: usize,
    is_narrow: bool,
}

/// Finds the one signature under which an operator validates.
fn operands(name: &str) -> Operands {
    let types = ["i32", "i64", "f32", "f64"];
    let mut found = None;
    for (param, result, count) in types.iter().flat_map(|p| types.iter().flat_map(move |r| [(p, r, 1usize), (p, r, 2)]))
    {
        let params = format!("(param {param}) ").repeat(count);
        let gets: String = (0..count).map(|i| format!("local.get {i} ")).collect();
        let wasm = wat::parse_str(format!("(module (func {params}(result {result}) {gets}{name}))"));
        let wasm = wasm.expect("an operator of the text format");
        if wasmparser::validate(&wasm).is_ok() {
            assert_eq!(found.replace(Operands { count, is_narrow: param.ends_with("32") }), None, "{name}");
        }
    }
    found.unwrap_or_else(|| panic!("{name} is an operator of WASM"))
}

/// The opcode of a WASM instruction as chapter 4 numbers it: WASM's byte, or 0xd0 + k for 0xfc k.
fn wasm_opcode(text: &str) -> u16 {
    let wasm = wat::parse_str(format!("(module (memory 0) (func {text}))"));
    let wasm = wasm.expect("an instruction of the text format");
    for payload in wasmparser::Parser::new(0).parse_all(&wasm) {
        if let wasmparser::Payload::CodeSectionEntry(body) = payload.expect("the toolkit reads what it writes") {
            let at = body.get_operators_reader().expect("a body has operators").original_position();
            return if wasm[at] == 0xfc { 0xd0 + u16::from(wasm[at + 1]) } else { u16::from(wasm[at]) };
        }
    }
    panic!("{text} is in a body");
}

/// Numeric operators by opcode: name and operands.
fn numeric() -> BTreeMap<u16, (&'static str, Operands)> {
    NUMERIC.iter().map(|(_, name, _)| (wasm_opcode(name), (*name, operands(name)))).collect()
}

fn read_numeric(chapter: &mut Chapter) {
    let document = self::chapter();
    let section = document.section("Numeric instructions");
    let numeric = numeric();
    let first = section.lines().find(|line| line.starts_with("Opcodes ")).expect("the line of the opcodes");
    let defined: Vec<u16> = ranges(first).into_iter().flatten().collect();
    // WASM's bytes have no gap here but 0xc5–0xcf, which the chapter leaves out.
    assert_eq!(defined, numeric.keys().copied().collect::<Vec<_>>());
    let comparisons =
        section.lines().find(|line| line.starts_with("Integer comparisons are ")).expect("the line of the comparisons");
    let comparisons: Vec<u16> = ranges(comparisons).into_iter().flatten().collect();

    let table = document.table("Numeric instructions");
    for row in &table.rows {
        let effect = table.cell(row, "effect");
        let form = form(&table, row, "");
        for (&base, &(name, operands)) in &numeric {
            let is_comparison = comparisons.contains(&base);
            let (family, applies, imm_end, name) = match table.cell(row, "family") {
                "unary" => (0, operands.count == 1, Some(0), name.to_owned()),
                "binary" => (0, operands.count == 2, Some(0), name.to_owned()),
                "binary immediate" => {
                    assert!(effect.ends_with("a 32-bit operator's imm < 2^32"));
                    (0x0100, operands.count == 2, operands.is_narrow.then_some(1 << 32), format!("{name}_imm"))
                }
                "branch" => (0x0200, is_comparison, None, format!("br.{name}")),
                "branch immediate" => (0x0300, is_comparison, None, format!("br.{name}_imm")),
                other => panic!("family \"{other}\""),
            };
            let cell = table.cell(row, "opcodes");
            assert_eq!(family != 0, cell.starts_with(&format!("{family:#06x} + ")), "{cell}");
            if family == 0 {
                let listed: Vec<u16> = ranges(cell).into_iter().flatten().collect();
                assert!(!applies || listed.contains(&base), "{name} is in \"{cell}\"");
            }
            if applies {
                let known = chapter.insert(base + family, (Form { imm_end, ..form }, Some(name)));
                assert_eq!(known, None, "{base:#x} is in one family");
            }
        }
    }
    for base in comparisons {
        assert_eq!(numeric[&base].1.count, 2);
    }
}

fn read_loads_and_stores(chapter: &mut Chapter) {
    let document = self::chapter();
    let prose = document.section("Loads and stores").replace('`', "");
    let table = document.table("Loads and stores");
    for row in &table.rows {
        let (opcodes, _) = table.cell(row, "opcodes").split_once(' ').expect("a range and a word");
        for opcode in range(opcodes) {
            chapter.insert(opcode, (form(&table, row, &prose), None));
        }
    }
    for (opcode, name, _) in FORMS.iter().filter(|entry| entry.0 < 0x0400) {
        assert_eq!(wasm_opcode(name), *opcode, "{name}");
    }
}

fn read_others(chapter: &mut Chapter) {
    for heading in ["Control", "Memory, tables, input, output"] {
        let table = self::chapter().table(heading);
        for row in &table.rows {
            let form = form(&table, row, table.cell(row, "effect"));
            let name = table.cell(row, "name").to_owned();
            let known = chapter.insert(hex(table.cell(row, "opcode")), (form, Some(name)));
            assert_eq!(known, None, "{row:?}");
        }
    }
}

#[test]
fn every_opcode_is_as_in_the_chapter() {
    let mut chapter = Chapter::new();
    read_numeric(&mut chapter);
    read_loads_and_stores(&mut chapter);
    read_others(&mut chapter);
    for opcode in 0..=u16::MAX {
        let wanted = chapter.get(&opcode);
        assert_eq!(form_of(opcode), wanted.map(|(form, _)| *form), "{opcode:#06x}, {:?}", name_of(opcode));
        assert_eq!(name_of(opcode).is_some(), wanted.is_some(), "{opcode:#06x}");
        if let Some((_, Some(name))) = wanted {
            assert_eq!(name_of(opcode).as_ref(), Some(name), "{opcode:#06x}");
        }
    }
    println!("{} opcodes", chapter.len());
}

#[test]
fn fields_lie_as_in_the_chapter() {
    let table = chapter().table("Encoding");
    let instruction = Instruction { opcode: 0x0201, d: 0x0403, a: 0x0605, b: 0x0807, imm: 0x100f_0e0d_0c0b_0a09 };
    assert_eq!(instruction.to_bytes().to_vec(), (1..=16).collect::<Vec<u8>>());
    assert_eq!(Instruction::from_bytes(&instruction.to_bytes()), instruction);
    let wanted = [("0", "2", "opcode"), ("2", "2", "d,"), ("4", "2", "a,"), ("6", "2", "b,"), ("8", "8", "imm,")];
    for (row, (offset, size, field)) in table.rows.iter().zip(wanted) {
        assert_eq!((row[0].as_str(), row[1].as_str()), (offset, size));
        assert!(row[2].starts_with(field), "{row:?}");
    }
    assert_eq!(table.rows.len(), wanted.len());
}

#[test]
fn bounds_of_their_own_are_as_in_the_chapter() {
    let zero = Instruction::default();
    let well_formed = |opcode, a, b, imm| is_well_formed(&Instruction { opcode, a, b, imm, ..zero });
    for (imm, wanted) in [(0, false), (1, true), (10, true), (11, false)] {
        assert_eq!(well_formed(op::TRAP, 0, 0, imm), wanted, "trap {imm}");
    }
    for (a, b, wanted) in [(0, 0, true), (1, 0, false), (1, 1, true), (1, 32, true), (1, 33, false)] {
        assert_eq!(well_formed(op::ENTER, a, b, u64::MAX), wanted, "enter {a} {b}");
    }
    for (b, wanted) in [(0, false), (1, true), (32, true), (33, false)] {
        assert_eq!(well_formed(op::CLEAR, 7, b, 0), wanted, "clear {b}");
    }
    assert!(!is_well_formed(&zero), "opcode 0 is undefined");
}

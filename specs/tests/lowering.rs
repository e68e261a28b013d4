//! Chapter 5: the limits of admission and lowering, and the program id from its definition.

use assay_machine::admission::Limit;
use assay_machine::lower::{CODE_INSTRUCTIONS_MAX, LowerError, SYSTEM_BYTES_MAX, TABLE_ENTRIES_MAX};
use assay_machine::program::Program;
use assay_protocol::{B256, keccak256};
use assay_specs::document::{Document, Table};

fn limits() -> Vec<Table> {
    let tables = Document::chapter("05-lowering.md").tables();
    tables.into_iter().filter(|table| table.columns[0] == "limit").collect()
}

#[test]
fn limits_of_admission_are_those_of_the_chapter() {
    let listed: Vec<(String, u64)> =
        limits()[0].rows.iter().map(|row| (row[0].clone(), row[1].parse().unwrap())).collect();
    let known: Vec<_> = Limit::ALL.iter().map(|limit| (limit.name().to_owned(), limit.bound())).collect();
    assert_eq!(known, listed);
    assert_eq!(Limit::TableElements.bound(), u64::from(TABLE_ENTRIES_MAX));
}

#[test]
fn limits_of_lowering_are_those_of_the_chapter() {
    let listed: Vec<u64> = limits()[1].rows.iter().map(|row| row[1].parse().unwrap()).collect();
    assert_eq!(listed[1..], [CODE_INSTRUCTIONS_MAX as u64, SYSTEM_BYTES_MAX as u64]);
    let message = LowerError::FrameTooLarge { slots: 0 }.to_string();
    assert!(message.ends_with(&format!("the limit is {}", listed[0])), "{message}");
}

#[test]
fn the_program_id_follows_from_the_chapter() {
    let wasm =
        wat::parse_str(r#"(module (global (mut i64) (i64.const 5)) (memory 2 9) (func (export "_start")))"#).unwrap();
    let program = Program::from_wasm(&wasm).unwrap();
    let descriptor = program.descriptor();
    assert_eq!((descriptor.memory_pages, descriptor.memory_pages_max), (2, 9));
    assert_eq!(descriptor.mounts.iter().map(|(region, _)| *region).collect::<Vec<_>>(), [0, 1]);
    let number = |value: u64| {
        let mut word = [0; 32];
        word[24..].copy_from_slice(&value.to_be_bytes());
        B256::new(word)
    };
    let mounts: Vec<[u8; 32]> =
        descriptor.mounts.iter().flat_map(|(region, root)| [number((*region).into()).0, root.0]).collect();
    let words = [
        keccak256("assay.machine.program.v1"),
        number(1),
        number(descriptor.entry_pc.into()),
        number(2),
        number(9),
        descriptor.wasm.root,
        number(wasm.len() as u64),
        keccak256(mounts.concat()),
    ];
    assert_eq!(program.id(), keccak256(words.map(|word| word.0).concat()));
}

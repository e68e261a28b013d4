//! Chapter 3 against the record, the statuses and the trap codes.

use assay_machine::record::{MEMORY_PAGES_MAX, OUTPUT_LENGTH_MAX, Record, STACK_SLOTS, VERSION};
use assay_protocol::{B256, Status, TrapCode, keccak256};
use assay_specs::document::{Document, Table};

fn chapter() -> Document {
    Document::chapter("03-state.md")
}

/// The table whose first column has this title.
fn table(column: &str) -> Table {
    chapter().tables().into_iter().find(|table| table.columns[0] == column).expect("a table by its first column")
}

/// `OutOfFuel` as the chapters write it: `OUT_OF_FUEL`.
fn screaming(name: &str) -> String {
    let mut text = String::new();
    for (index, letter) in name.char_indices() {
        if letter.is_uppercase() && index > 0 {
            text.push('_');
        }
        text.push(letter.to_ascii_uppercase());
    }
    text
}

#[test]
fn the_record_is_laid_out_as_in_the_chapter() {
    let record = Record {
        status: 0x11,
        version: 0x21,
        reserved: 0x3231,
        pc_or_code: 0x4443_4241,
        fp: 0x5453_5251,
        memory_pages: 0x6463_6261,
        fuel: 0x7877_7675_7473_7271,
        output_length: 0x8887_8685_8483_8281,
        memory_root: B256::new(core::array::from_fn(|i| 0x91 + i as u8)),
    };
    // In the order of the table, which is also that of the values above: each field counts up from its own first byte.
    let firsts = [0x11, 0x21, 0x31, 0x41, 0x51, 0x61, 0x71, 0x81, 0x91];
    let fields = [
        "status",
        "version",
        "reserved",
        "running: pc",
        "fp",
        "memory pages",
        "fuel left",
        "output length",
        "memory root",
    ];
    let table = table("offset");
    assert_eq!(table.rows.len(), fields.len());
    let mut wanted = Vec::new();
    for ((row, first), field) in table.rows.iter().zip(firsts).zip(fields) {
        assert!(table.cell(row, "field").starts_with(field), "{row:?}");
        assert_eq!(table.cell(row, "offset").parse(), Ok(wanted.len()));
        let size: u8 = table.cell(row, "size").parse().unwrap();
        wanted.extend((0..size).map(|i| first + i));
    }
    assert_eq!(record.to_bytes().to_vec(), wanted);
    assert_eq!(Record::from_bytes(&record.to_bytes()), record);
    assert_eq!(table.cell(&table.rows[1], "canonical when").parse(), Ok(VERSION));
}

#[test]
fn canonical_is_what_the_chapter_says() {
    let good = Record::boot(0, 65536, 0, B256::ZERO);
    let good = Record { pc_or_code: u32::MAX, fp: (1 << 18) - 1, fuel: u64::MAX, output_length: 1 << 36, ..good };
    assert!(good.is_canonical());
    assert_eq!((STACK_SLOTS, MEMORY_PAGES_MAX, OUTPUT_LENGTH_MAX), (1 << 18, 65536, 1 << 36));
    for bad in [
        Record { status: 5, ..good },
        Record { version: 0, ..good },
        Record { version: 2, ..good },
        Record { reserved: 1, ..good },
        Record { fp: 1 << 18, ..good },
        Record { memory_pages: 65537, ..good },
        Record { output_length: (1 << 36) + 1, ..good },
    ] {
        assert!(!bad.is_canonical(), "{bad:?}");
    }
}

#[test]
fn the_state_hash_has_the_tag_of_the_chapter() {
    let text = chapter();
    let (_, rest) = text.text().split_once("tag = keccak256(\"").unwrap();
    let (tag, _) = rest.split_once('"').unwrap();
    let record = Record::boot(3, 1, 1000, B256::repeat_byte(7));
    let bytes = [keccak256(tag).as_slice(), &record.to_bytes()].concat();
    assert_eq!((bytes.len(), record.hash()), (96, keccak256(&bytes)));
}

#[test]
fn statuses_are_those_of_the_chapter() {
    let table = table("status");
    let listed: Vec<(u8, String)> =
        table.rows.iter().map(|row| (row[0].parse().unwrap(), table.cell(row, "name").to_owned())).collect();
    let known: Vec<_> =
        (0..=u8::MAX).filter_map(|byte| Some((byte, screaming(&format!("{:?}", Status::from_byte(byte)?))))).collect();
    assert_eq!(known, listed);
}

#[test]
fn trap_codes_are_those_of_the_chapter() {
    let table = table("trap code");
    let listed: Vec<(u32, String)> =
        table.rows.iter().map(|row| (row[0].parse().unwrap(), table.cell(row, "name").to_owned())).collect();
    let known: Vec<_> =
        (0..=1000).filter_map(|code| Some((code, screaming(&format!("{:?}", TrapCode::from_code(code)?))))).collect();
    assert_eq!(known, listed);
}

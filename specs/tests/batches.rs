//! Chapters 11 and 12 against `assay_protocol`: types, layouts, sources, faults; blobs of batches against the machine's.

use assay_machine::memory::commit_blob;
use assay_protocol::data::layout::{Layout, RECORD_SIZE};
use assay_protocol::data::{Data, Entry, blob_root, encode, parse_record, write_record};
use assay_protocol::faults::FAULTS;
use assay_protocol::objects::{
    Batch, Claim, Domain, ExecutorSession, KeyConsent, Origin, Place, SoftReceipt, Source, TaskRequest, TaskResult,
    TypedData,
};
use assay_protocol::{Address, B256, BlobRef, Levels};
use assay_specs::document::{Document, Table};

const DOMAIN: Domain = Domain { chain_id: 1, contract: Address::ZERO };

#[test]
fn types_are_those_of_the_chapter() {
    let table = Document::chapter("11-objects.md").table("Typed data");
    let listed: Vec<&str> = table.rows.iter().map(|row| table.cell(row, "type")).collect();
    let ours = [
        TaskRequest::type_string(),
        TaskResult::type_string(),
        SoftReceipt::type_string(),
        Batch::type_string(),
        KeyConsent::type_string(),
        ExecutorSession::type_string(),
    ];
    assert_eq!(listed, ours);
}

/// Spans of a table of fields, by name; they follow each other and end at `size`.
fn spans(table: &Table, size: u64) -> Vec<(String, std::ops::Range<usize>)> {
    let mut end = 0;
    let spans = table.rows.iter().map(|row| {
        let number = |column| table.cell(row, column).parse::<usize>().expect("a number");
        assert_eq!(number("offset"), end, "{row:?}");
        end += number("size");
        (table.cell(row, "field").to_owned(), number("offset")..end)
    });
    let spans = spans.collect();
    assert_eq!(end as u64, size);
    spans
}

/// What the claim of a record says in a field, as the chapter names it.
fn field(claim: &Claim, name: &str) -> Vec<u8> {
    let Claim { request, result, input, wasm, predecessor, .. } = claim;
    match name {
        "sequence" => claim.sequence.to_be_bytes().into(),
        "client" => request.client.to_vec(),
        "program" => request.program.to_vec(),
        "input root" => request.input.root.to_vec(),
        "input length" => request.input.length.to_be_bytes().into(),
        "fuel limit" => request.fuel_limit.to_be_bytes().into(),
        "output length max" => request.output_length_max.to_be_bytes().into(),
        "fee max" => request.fee_max.to_be_bytes().into(),
        "deadline" => request.deadline.to_be_bytes().into(),
        "nonce" => request.nonce.to_be_bytes().into(),
        "client signature" => claim.client_signature.into(),
        "attempt" => result.attempt.to_be_bytes().into(),
        "executor" => result.executor.to_vec(),
        "status" => vec![result.status],
        "code" => result.code.to_be_bytes().into(),
        "fuel used" => result.fuel_used.to_be_bytes().into(),
        "output root" => result.output.root.to_vec(),
        "output length" => result.output.length.to_be_bytes().into(),
        "executor signature" => claim.executor_signature.into(),
        "input kind" => vec![input.kind],
        "input batch" => input.batch.to_be_bytes().into(),
        "input index" => input.index.to_be_bytes().into(),
        "WASM kind" => vec![wasm.kind],
        "WASM batch" => wasm.batch.to_be_bytes().into(),
        "WASM index" => wasm.index.to_be_bytes().into(),
        "predecessor batch" => predecessor.batch.to_be_bytes().into(),
        "predecessor index" => predecessor.index.to_be_bytes().into(),
        other => panic!("a field {other}"),
    }
}

#[test]
fn records_are_laid_out_as_the_chapter_says() {
    let table = Document::chapter("12-batches.md").table("Records");
    // No two neighbouring bytes are alike, so that nothing can be shifted or swapped unseen.
    let record = std::array::from_fn(|i| (i * 7 + i / 251) as u8);
    let claim = parse_record(&record, B256::repeat_byte(1), &DOMAIN);
    for (name, span) in spans(&table, RECORD_SIZE) {
        assert_eq!(field(&claim, &name), record[span], "{name}");
    }
    assert_eq!(write_record(&claim), record);
    assert_eq!((claim.request.region, claim.result.task), (B256::repeat_byte(1), claim.request.id(&DOMAIN)));
}

#[test]
fn entries_are_laid_out_as_the_chapter_says() {
    let table = Document::chapter("12-batches.md").table("Directory");
    let bytes: [u8; 48] = std::array::from_fn(|i| (i * 7) as u8);
    let entry = Entry::parse(&bytes);
    for (name, span) in spans(&table, 48) {
        let got: Vec<u8> = match name.as_str() {
            "root" => entry.blob.root.to_vec(),
            "length" => entry.blob.length.to_be_bytes().into(),
            "encoding" => entry.encoding.to_be_bytes().into(),
            "first page" => entry.first_page.to_be_bytes().into(),
            other => panic!("a field {other}"),
        };
        assert_eq!(got, bytes[span], "{name}");
    }
    assert_eq!(entry.to_bytes(), bytes);
}

#[test]
fn sources_are_those_of_the_chapter() {
    let table = Document::chapter("12-batches.md").table("Sources");
    for (kind, row) in (0..).zip(&table.rows) {
        assert_eq!(table.cell(row, "kind"), kind.to_string());
        let place = Place { batch: 5, index: 6 };
        let (batch, index) = (table.cell(row, "batch") != "0", table.cell(row, "index") != "0");
        let source = Source { kind, batch: if batch { 5 } else { 0 }, index: if index { 6 } else { 0 } };
        let wanted = match table.cell(row, "name") {
            "absent" => Origin::Absent,
            "here" => Origin::Here(6),
            "earlier" => Origin::Earlier(place),
            "output" => Origin::Output(place),
            other => panic!("a source {other}"),
        };
        assert_eq!(source.origin(), Ok(wanted));
        assert_eq!(Source { batch: 5, ..source }.origin().is_ok(), batch);
        assert_eq!(Source { index: 6, ..source }.origin().is_ok(), index);
    }
    let beyond = Source { kind: table.rows.len() as u8, batch: 0, index: 0 };
    assert!(beyond.origin().is_err());
}

#[test]
fn faults_are_those_of_the_chapter() {
    let table = Document::chapter("12-batches.md").table("On its face");
    let listed: Vec<(String, String)> =
        table.rows.iter().map(|row| (table.cell(row, "fault").into(), table.cell(row, "name").into())).collect();
    let ours: Vec<(String, String)> =
        FAULTS.iter().map(|(number, name)| (format!("F{number}"), (*name).to_owned())).collect();
    assert_eq!(listed, ours);
}

#[test]
fn posted_trees_are_as_wide_as_the_chapter_says() {
    for (count, posted) in
        [(1, 0), (2, 2), (3, 4 + 2), (4, 4 + 2), (5, 6 + 4 + 2), (11, 12 + 6 + 4 + 2), (17, 18 + 10 + 6 + 4 + 2)]
    {
        assert_eq!(Levels::new(count).posted(), posted, "{count} nodes");
        // The tree over leaves goes without its level 0.
        let bottom = if count == 1 { 0 } else { count.next_multiple_of(2) };
        let head = Layout { count: count as u32, blob_count: 3 }.head_length();
        assert_eq!(head, 393 * count + 32 * (posted - bottom) + 3 * 48, "{count} leaves");
    }
}

#[test]
fn blobs_of_batches_are_those_of_the_machine() {
    let bytes: Vec<u8> = (0..40_000u32).map(|i| (i * 31 + i / 256) as u8).collect();
    for length in [0, 1, 4095, 4096, 4097, 8192, 8193, 12_288, 20_480, 32_769, 40_000] {
        assert_eq!(blob_root(&bytes[..length]), commit_blob(&bytes[..length]).expect("it fits"), "{length} bytes");
    }
}

#[test]
fn a_batch_carries_the_machines_blobs() {
    let input: Vec<u8> = (0..10_000u32).map(|i| (i * 7) as u8).collect();
    let region = B256::repeat_byte(3);
    let request = TaskRequest {
        client: Address::repeat_byte(1),
        region,
        program: B256::ZERO,
        input: commit_blob(&input).expect("it fits"),
        fuel_limit: 1,
        output_length_max: 1,
        fee_max: 1,
        deadline: 1,
        nonce: 1,
    };
    let result = TaskResult {
        task: request.id(&DOMAIN),
        attempt: 0,
        executor: Address::repeat_byte(2),
        status: 1,
        code: 0,
        fuel_used: 1,
        output: BlobRef { root: B256::ZERO, length: 0 },
    };
    let claim = Claim {
        sequence: 4,
        request,
        client_signature: [0; 65],
        result,
        executor_signature: [0; 65],
        input: Origin::Here(0).into(),
        wasm: Origin::Absent.into(),
        predecessor: Place::default(),
    };
    let encoded = encode(region, &DOMAIN, &[claim], &[&input]).expect("it fits a batch");
    let batch = encoded.batch(region, 0, B256::ZERO, 9);
    let data = Data::decode(&batch, &DOMAIN, &encoded.data).expect("what is written can be read");
    assert_eq!((data.claim(0), data.blob(0)), (Some(claim), Some(&input[..])));
}

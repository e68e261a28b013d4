//! Data of batches against `specs/vectors/batch.json`, which a script wrote from the chapter; and mutations of it.
#![allow(clippy::unwrap_used)]

mod vectors;

use assay_protocol::data::layout::PAGE_SIZE;
use assay_protocol::data::{
    Data, DataError, DataWindow, EncodeError, data_length, data_windows, encode, page_hashes, page_proof, parts,
};
use assay_protocol::faults::{Fault, data_faults};
use assay_protocol::objects::{Batch, Claim, Domain, Origin, Source, region_id};
use assay_protocol::{Address, B256, LEAF_TREE, PAGE_TREE, ProofError};
use vectors::{Value, blob, bytes, hash, hashes, header, list, number, text, unhex};

fn batches() -> Value {
    serde_json::from_str(include_str!("../../specs/vectors/batch.json")).unwrap()
}

fn domain(vectors: &Value) -> Domain {
    Domain { chain_id: number(vectors, "chainId"), contract: text(vectors, "batches").parse().unwrap() }
}

/// A fault as the vectors write it.
fn written(fault: &Fault) -> String {
    match fault {
        Fault::Leaves { pair, .. } => format!("F8 {pair}"),
        Fault::Sequence { leaf, .. } => format!("F9 {leaf}"),
        Fault::Source { leaf, need, .. } => format!("F10 {leaf} {need}"),
        Fault::Entry { entry, .. } => format!("F11 {entry}"),
        Fault::DataLength { .. } => "F11 length".into(),
        Fault::Page { entry, page, .. } => format!("F12 {entry} {page}"),
        Fault::BlobNode { entry, level, index, .. } => format!("F13 {entry} {level} {index}"),
        Fault::Padding { offset, .. } => format!("F14 {offset}"),
        Fault::LeafNode { level, index, .. } => format!("F15 {level} {index}"),
        other => panic!("the bytes alone do not show {other}"),
    }
}

#[test]
fn batches_are_read_as_the_vectors_say() {
    let vectors = batches();
    let domain = domain(&vectors);
    let owner: Address = text(&vectors, "sequencer").parse().unwrap();
    let region = region_id(domain.chain_id, domain.contract, owner, hash(&vectors, "regionName"));
    assert_eq!(region, hash(&vectors, "region"));
    for case in list(&vectors, "cases") {
        let name = text(case, "name");
        let batch = header(&case["header"]);
        assert_eq!(batch.hash(), hash(case, "batchHash"), "{name}");
        let bytes = bytes(case, "data");
        let data = Data::decode(&batch, &domain, &bytes).unwrap();
        let claims: Vec<Claim> = data.claims().collect();
        let tasks: Vec<B256> = claims.iter().map(|claim| claim.result.task).collect();
        assert_eq!(tasks, hashes(case, "tasks"), "{name}");
        let leaves: Vec<B256> = claims.iter().map(|claim| claim.leaf(&domain)).collect();
        assert_eq!(leaves, hashes(case, "leaves"), "{name}");
        for (index, record) in list(case, "records").iter().enumerate() {
            assert_eq!(data.record(index as u32).unwrap().as_slice(), unhex(record.as_str().unwrap()), "{name}");
        }
        for (index, content) in list(case, "blobs").iter().enumerate() {
            let wanted = blob(content);
            assert_eq!(data.entry(index as u32).unwrap().blob, wanted, "{name}");
            assert_eq!(data.blob(index as u32).unwrap(), self::bytes(content, "content"), "{name}");
        }
        assert_eq!((data.record(batch.count), data.entry(batch.blob_count)), (None, None), "{name}");
        assert_eq!(parts(&bytes).count(), number::<usize>(case, "parts"), "{name}");
    }
}

#[test]
fn batches_are_written_as_the_vectors_say() {
    let vectors = batches();
    let domain = domain(&vectors);
    for case in list(&vectors, "cases") {
        let name = text(case, "name");
        let wanted = header(&case["header"]);
        let bytes = bytes(case, "data");
        let claims: Vec<Claim> = Data::open(&wanted, &domain, &bytes).unwrap().claims().collect();
        let contents: Vec<Vec<u8>> = list(case, "blobs").iter().map(|blob| self::bytes(blob, "content")).collect();
        let blobs: Vec<&[u8]> = contents.iter().map(Vec::as_slice).collect();
        let encoded = encode(wanted.region, &domain, &claims, &blobs).unwrap();
        assert!(encoded.data == bytes, "{name}");
        assert_eq!(data_length(claims.len(), &blobs), bytes.len() as u64, "{name}");
        let made = encoded.batch(wanted.region, wanted.number, wanted.parent, wanted.as_of);
        // The vectors name an earlier least deadline, which is as true.
        assert_eq!(Batch { min_deadline: wanted.min_deadline, ..made }, wanted, "{name}");
        assert!(made.min_deadline >= wanted.min_deadline, "{name}");
    }
}

#[test]
fn proofs_are_those_of_the_vectors() {
    for case in list(&batches(), "cases") {
        let name = text(case, "name");
        let batch = header(&case["header"]);
        let leaves = hashes(case, "leaves");
        let last = leaves.len() - 1;
        let siblings = LEAF_TREE.proof(leaves.clone(), last);
        assert_eq!(siblings, hashes(case, "lastLeafSiblings"), "{name}");
        let count = u64::from(batch.count);
        let verify =
            |index, leaf: &B256, siblings: &[B256]| LEAF_TREE.verify(&batch.leaf_root, count, index, leaf, siblings);
        assert_eq!(verify(last as u64, &leaves[last], &siblings), Ok(()), "{name}");
        assert_eq!(verify(count, &leaves[last], &siblings), Err(ProofError::Index { got: count, count }), "{name}");
        let long = [siblings.as_slice(), &[B256::ZERO]].concat();
        let wanted = siblings.len();
        let refused = Err(ProofError::Length { got: wanted + 1, wanted });
        assert_eq!(verify(last as u64, &leaves[last], &long), refused, "{name}");
        if let Some((_, short)) = siblings.split_last() {
            let refused = Err(ProofError::Length { got: wanted - 1, wanted });
            assert_eq!(verify(last as u64, &leaves[last], short), refused, "{name}");
        }
        let elsewhere = verify(last as u64, &B256::repeat_byte(1), &siblings);
        assert!(matches!(elsewhere, Err(ProofError::Root { .. })), "{name}");

        let data = bytes(case, "data");
        let pages = page_hashes(&data);
        assert_eq!(pages, hashes(case, "pageHashes"), "{name}");
        let last = pages.len() - 1;
        let siblings = page_proof(&data, last);
        assert_eq!(siblings, hashes(case, "lastPageSiblings"), "{name}");
        let verified = PAGE_TREE.verify(&batch.data_root, pages.len() as u64, last as u64, &pages[last], &siblings);
        assert_eq!(verified, Ok(()), "{name}");
    }
}

#[test]
fn hostile_batches_are_refused_with_every_fault() {
    let vectors = batches();
    let domain = domain(&vectors);
    let mut numbers = Vec::new();
    for row in list(&vectors, "hostile") {
        let name = text(row, "name");
        let case = &list(&vectors, "cases")[row["case"].as_u64().unwrap() as usize];
        let mut bytes = bytes(case, "data");
        let (at, put) = (number::<usize>(row, "at"), self::bytes(row, "bytes"));
        bytes[at..at + put.len()].copy_from_slice(&put);
        bytes.resize(number(row, "length"), 0);
        let batch = header(&row["header"]);
        let found = match Data::open(&batch, &domain, &bytes) {
            Ok(data) => {
                let found = data_faults(&data);
                let first = Data::decode(&batch, &domain, &bytes).unwrap_err();
                assert_eq!(first, DataError::Fault(found[0]), "{name}");
                for fault in &found {
                    // The bytes that a proof opens are there, and the message says where they are.
                    assert!(
                        fault
                            .evidence(&data)
                            .iter()
                            .all(|span| span.start < span.end && !data.bytes()[span.start as usize..].is_empty()),
                        "{name}"
                    );
                    assert!(!fault.to_string().is_empty() && fault.number() > 7);
                }
                found
            }
            Err(DataError::Fault(fault)) => vec![fault],
            Err(error) => panic!("{name}: {error}"),
        };
        let mut got: Vec<String> = found.iter().map(written).collect();
        let mut wanted: Vec<String> = list(row, "faults").iter().map(|fault| fault.as_str().unwrap().into()).collect();
        got.sort();
        wanted.sort();
        assert_eq!(got, wanted, "{name}");
        numbers.extend(found.iter().map(Fault::number));
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers, [8, 9, 10, 11, 12, 13, 14, 15]);
}

#[test]
fn other_bytes_than_the_header_says_are_refused() {
    let vectors = batches();
    let domain = domain(&vectors);
    let case = &list(&vectors, "cases")[0];
    let (batch, mut bytes) = (header(&case["header"]), bytes(case, "data"));
    let open = |batch: &Batch, bytes: &[u8]| Data::open(batch, &domain, bytes).map(|_| ()).unwrap_err();
    assert_eq!(open(&Batch { count: 0, ..batch }, &bytes), DataError::Empty);
    let wanted = batch.data_length;
    assert_eq!(open(&batch, &bytes[1..]), DataError::Length { got: bytes.len() - 1, wanted });
    assert_eq!(open(&batch, &[]), DataError::Length { got: 0, wanted });
    bytes[7] ^= 1;
    assert!(matches!(open(&batch, &bytes), DataError::Root { wanted, .. } if wanted == batch.data_root));
}

#[test]
fn what_could_not_be_read_back_is_not_written() {
    let vectors = batches();
    let domain = domain(&vectors);
    let case = &list(&vectors, "cases")[0];
    let (batch, bytes) = (header(&case["header"]), bytes(case, "data"));
    let claim = Data::open(&batch, &domain, &bytes).unwrap().claim(0).unwrap();
    let refused = |claims: &[Claim], blobs: &[&[u8]]| encode(batch.region, &domain, claims, blobs).unwrap_err();
    assert_eq!(refused(&[], &[]), EncodeError::Empty);
    assert_eq!(refused(&[claim], &[b"a", b""]), EncodeError::EmptyBlob { blob: 1 });
    let long = vec![0; 64 * 16 * PAGE_SIZE];
    assert!(matches!(refused(&[claim], &[&long]), EncodeError::TooLong { got, most } if got > u64::from(most)));
    let mut other = claim;
    other.request.region = B256::ZERO;
    let wanted = batch.region;
    assert_eq!(refused(&[claim, other], &[]), EncodeError::Region { leaf: 1, got: B256::ZERO, wanted });
    let mut other = claim;
    other.request.nonce += 1;
    let (got, wanted) = (claim.result.task, other.request.id(&domain));
    assert_eq!(refused(&[other], &[]), EncodeError::Task { leaf: 0, got, wanted });
}

#[test]
fn origins_have_one_form() {
    let origins = [
        Origin::Absent,
        Origin::Here(7),
        Origin::Earlier(assay_protocol::objects::Place { batch: 5, index: 6 }),
        Origin::Output(assay_protocol::objects::Place { batch: 0, index: 0 }),
    ];
    for origin in origins {
        assert_eq!(Source::from(origin).origin(), Ok(origin));
    }
}

/// A generator of numbers, xorshift64*: the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }
}

/// The root that a window of data of so many pages leads to.
fn root_of(window: &DataWindow<'_>, pages: usize) -> B256 {
    let mut nodes = page_hashes(window.bytes);
    let (mut first, mut siblings) = (window.first_page as usize, window.siblings.iter());
    for _ in 0..pages.next_power_of_two().trailing_zeros() {
        if first % 2 == 1 {
            nodes.insert(0, *siblings.next().unwrap());
        }
        if nodes.len() % 2 == 1 {
            nodes.push(*siblings.next().unwrap());
        }
        nodes = nodes.as_chunks().0.iter().map(|[left, right]| PAGE_TREE.node(left, right)).collect();
        first /= 2;
    }
    assert_eq!(siblings.next(), None, "no sibling is left over");
    nodes[0]
}

#[test]
fn windows_show_spans_and_lead_to_the_root() {
    let mut random = Random(0x6173_7361_7900_0003);
    assert_eq!(data_windows(&[], &[]), []);
    for pages in 1..40 {
        let data: Vec<u8> = (0..pages * PAGE_SIZE - random.below(PAGE_SIZE)).map(|at| (at % 253) as u8).collect();
        let root = assay_protocol::data::data_root(&data);
        for count in 1..6 {
            let span = |random: &mut Random| {
                let start = random.below(data.len());
                start as u64..(start + 1 + random.below(2 * PAGE_SIZE)).min(data.len()) as u64
            };
            let spans: Vec<_> = (0..count).map(|_| span(&mut random)).collect();
            let windows = data_windows(&data, &spans);
            let place = |window: &DataWindow<'_>| {
                let start = window.first_page as usize * PAGE_SIZE;
                start as u64..(start + window.bytes.len()) as u64
            };
            for span in &spans {
                let holding = windows.iter().find(|window| place(window).contains(&span.start)).unwrap();
                assert!(place(holding).end >= span.end, "a span lies in one window");
            }
            for window in &windows {
                let place = place(window);
                assert_eq!(*window.bytes, data[place.start as usize..place.end as usize]);
                assert_eq!(root_of(window, pages), root, "page {} of {pages}", window.first_page);
            }
            assert!(windows.windows(2).all(|pair| place(&pair[0]).end < place(&pair[1]).start), "none touch");
        }
    }
}

#[test]
fn every_changed_bit_is_a_fault() {
    // One encoding for one value: no other bytes under the same leaves, counts and blobs are well-formed.
    let vectors = batches();
    let domain = domain(&vectors);
    let mut random = Random(0x6173_7361_7900_0001);
    for case in &list(&vectors, "cases")[..4] {
        let (batch, good) = (header(&case["header"]), bytes(case, "data"));
        for _ in 0..60 {
            let mut bytes = good.clone();
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
            let batch = Batch { data_root: assay_protocol::data::data_root(&bytes), ..batch };
            let refused = Data::decode(&batch, &domain, &bytes);
            assert!(matches!(refused, Err(DataError::Fault(_))), "byte {at} of {}", text(case, "name"));
        }
    }
}

#[test]
fn wild_bytes_and_headers_are_judged_without_panic() {
    let vectors = batches();
    let domain = domain(&vectors);
    let mut random = Random(0x6173_7361_7900_0002);
    let cases = list(&vectors, "cases");
    let mut faults = 0;
    for _ in 0..300 {
        let case = &cases[random.below(4)];
        let (mut batch, mut bytes) = (header(&case["header"]), bytes(case, "data"));
        for _ in 0..1 + random.below(4) {
            let (from, to) = (random.below(bytes.len()), random.below(bytes.len()));
            let length = random.below(64).min(bytes.len() - from.max(to));
            bytes.copy_within(from..from + length, to);
        }
        bytes.truncate(bytes.len() - random.below(2) * random.below(bytes.len()));
        batch.count = (batch.count + random.below(3) as u32).saturating_sub(1).max(1);
        batch.blob_count = (batch.blob_count + random.below(3) as u32).saturating_sub(1);
        batch.data_length = bytes.len() as u32;
        batch.data_root = assay_protocol::data::data_root(&bytes);
        match Data::open(&batch, &domain, &bytes) {
            Ok(data) => {
                for fault in data_faults(&data) {
                    faults += fault.evidence(&data).len();
                }
            }
            Err(error) => assert!(matches!(error, DataError::Fault(Fault::DataLength { .. })), "{error}"),
        }
    }
    assert!(faults > 1000, "{faults} spans of evidence");
}

//! Chapter 2 against `assay_machine::memory`: regions, sizes, zero hashes, blobs.

use assay_machine::memory::hash;
use assay_machine::memory::layout::{Kind, LEAF_SIZE, PAGE_SIZE, Page, Region, SPACE_SIZE};
use assay_machine::memory::top::RegionRoots;
use assay_machine::memory::zero::zero;
use assay_machine::memory::{commit_blob, mount_blob};
use assay_protocol::{B256, BlobRef, keccak256};
use assay_specs::document::{Document, folder};

fn node(left: B256, right: B256) -> B256 {
    keccak256([left.0, right.0].concat())
}

/// A row's numbers, `7–15` being nine.
fn numbers(cell: &str) -> std::ops::RangeInclusive<u8> {
    let (first, last) = cell.split_once('–').unwrap_or((cell, cell));
    let number = |text: &str| text.parse().expect("a region's number");
    number(first)..=number(last)
}

#[test]
fn regions_are_as_in_the_chapter() {
    let table = Document::chapter("02-memory.md").table("2. Memory and its tree");
    let mut next = 0;
    for row in &table.rows {
        for number in numbers(table.cell(row, "#")) {
            let region = Region::new(number).unwrap();
            assert_eq!((number, region.number()), (next, usize::from(next)));
            let kind = if table.cell(row, "kind") == "control" { Kind::Control } else { Kind::Bulk };
            assert_eq!(region.kind(), kind, "region {number}");
            assert_eq!(region.writable(), table.cell(row, "written by steps") == "yes", "region {number}");
            assert_eq!(region.base(), u64::from(number) << 36);
            next += 1;
        }
    }
    assert_eq!((next, Region::new(next)), (16, None));
    assert_eq!((SPACE_SIZE, PAGE_SIZE, LEAF_SIZE), (1 << 40, 4096, 256));
}

#[test]
fn zero_hashes_follow_from_the_chapter() {
    let levels =
        [(Kind::Control, keccak256([0; 256]), 28), (Kind::Bulk, B256::new(*blake3::hash(&[0; 4096]).as_bytes()), 24)];
    let mut region_roots = Vec::new();
    for (kind, leaf, height) in levels {
        let mut wanted = vec![leaf];
        for _ in 0..height {
            let last = *wanted.last().unwrap();
            wanted.push(node(last, last));
        }
        assert_eq!(zero(kind), wanted);
        region_roots.push(*wanted.last().unwrap());
    }
    let mut level: Vec<B256> = (0..16).map(|region| region_roots[usize::from(region >= 3)]).collect();
    while level.len() > 1 {
        level = level.chunks(2).map(|pair| node(pair[0], pair[1])).collect();
    }
    assert_eq!(RegionRoots::default().root(), level[0]);
}

#[test]
fn zero_hashes_are_those_of_the_vectors() {
    let text = std::fs::read_to_string(folder().join("vectors/zero_subtrees.json")).unwrap();
    let vectors: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (kind, name) in [(Kind::Control, "zero_control"), (Kind::Bulk, "zero_bulk")] {
        let listed: Vec<B256> =
            vectors[name].as_array().unwrap().iter().map(|hash| hash.as_str().unwrap().parse().unwrap()).collect();
        assert_eq!(zero(kind), listed, "{name}");
    }
}

/// The file's digests are of another implementation of BLAKE3, and its chunk values reproduce them.
#[test]
fn pages_and_chunks_are_those_of_the_vectors() {
    let text = std::fs::read_to_string(folder().join("vectors/blake3_chunks.json")).unwrap();
    let vectors: serde_json::Value = serde_json::from_str(&text).unwrap();
    let pages = vectors["pages"].as_array().unwrap();
    assert!(pages.len() >= 4, "the file lists pages");
    for listed in pages {
        let name = listed["name"].as_str().unwrap();
        let hash = |value: &serde_json::Value| value.as_str().unwrap().parse::<B256>().unwrap();
        let page: Page = hex::decode(&listed["page"].as_str().unwrap()[2..]).unwrap().try_into().unwrap();
        assert_eq!(hash::page(&page), hash(&listed["digest"]), "{name}");
        let values: Vec<B256> = listed["chunks"].as_array().unwrap().iter().map(hash).collect();
        let (chunks, _) = page.as_chunks();
        for (index, chunk) in chunks.iter().enumerate() {
            assert_eq!(hash::chunk(chunk, index), values[index], "{name}, chunk {index}");
        }
        let pairs = [hash::chunk_pair(&values[0], &values[1]), hash::chunk_pair(&values[2], &values[3])];
        assert_eq!(hash::page_of_pairs(&pairs[0], &pairs[1]), hash(&listed["digest"]), "{name}");
    }
}

#[test]
fn blobs_follow_from_the_chapter() {
    let page = |bytes: &[u8]| {
        let mut page = [0; 4096];
        page[..bytes.len()].copy_from_slice(bytes);
        B256::new(*blake3::hash(&page).as_bytes())
    };
    let bytes: Vec<u8> = (0..3 * 4096u32 - 5).map(|i| (i * 7 % 251) as u8).collect();
    for (length, height) in [(0, 0), (1, 0), (4096, 0), (4097, 1), (8192, 1), (8193, 2), (bytes.len(), 2)] {
        let mut level: Vec<B256> =
            (0..1usize << height).map(|i| page(&bytes[(i * 4096).min(length)..((i + 1) * 4096).min(length)])).collect();
        while level.len() > 1 {
            level = level.chunks(2).map(|pair| node(pair[0], pair[1])).collect();
        }
        let blob = commit_blob(&bytes[..length]).unwrap();
        assert_eq!(blob, BlobRef { root: level[0], length: length as u64 }, "{length} bytes");
        let mounted = (height..24).fold(level[0], |root, i| node(root, zero(Kind::Bulk)[i]));
        assert_eq!(mount_blob(&blob), mounted, "{length} bytes");
    }
}

//! The flat memory against the naive recursion and the sparse memory. Unsafe: writes through its pointers, as the interpreter does.
#![allow(unsafe_code)]

use alloc::{sync::Arc, vec, vec::Vec};

use super::*;
use crate::memory::{
    SparseMemory, commit_blob,
    reference::{Naive, Random, bytes_of},
};

const MEMORY: u64 = 3 << 36;
const STACK: u64 = 2 << 36;
const OUTPUT: u64 = 5 << 36;

fn shared(bytes: Vec<u8>) -> FixedImage {
    FixedImage { bytes: Arc::new(bytes), root: None }
}

fn image(linear_size: u64) -> FlatImage {
    FlatImage {
        system: bytes_of(5000, 7),
        code: shared(bytes_of(700, 8)),
        input: shared(bytes_of(9000, 9)),
        linear_size,
    }
}

/// The same image in the naive model.
fn naive() -> Naive {
    let mut naive = Naive::default();
    naive.write(0, &bytes_of(5000, 7));
    naive.write(1 << 36, &bytes_of(700, 8));
    naive.write(4 << 36, &bytes_of(9000, 9));
    naive
}

/// Random writes to the four writable regions, at their edges too.
fn write_some(random: &mut Random, linear_size: u64, mut write: impl FnMut(u64, &[u8])) {
    for _ in 0..random.below(12) {
        let bytes = bytes_of(1 + random.below(40) as usize, random.next());
        let (base, size) =
            [(0, 8192), (STACK, 1 << 21), (MEMORY, linear_size), (OUTPUT, 30_000)][random.below(4) as usize];
        let offset = match random.below(3) {
            0 => random.below(300),
            1 => size - bytes.len() as u64,
            _ => random.below(size - bytes.len() as u64),
        };
        write(base + offset, &bytes);
    }
}

#[test]
fn boot_has_the_naive_root() {
    let mut memory = FlatMemory::new(image(65_536));
    assert_eq!(memory.commit(), naive().root());
}

#[test]
fn known_roots_are_not_computed_again_and_agree() {
    let mut image = image(0);
    let mut first = FlatMemory::new(image.clone());
    image.code.root = Some(first.roots.get(Region::CODE));
    image.input.root = Some(first.roots.get(Region::INPUT));
    let mut second = FlatMemory::new(image);
    assert_eq!(first.commit(), second.commit());
    for address in [(1 << 36) + 699, (4 << 36) + 8999] {
        assert_eq!(first.chunk_proof(address), second.chunk_proof(address));
    }
}

#[test]
fn writes_commits_and_proofs_agree_with_the_naive_model() {
    let mut random = Random(10);
    let linear_size = 3 * 65_536;
    let (mut memory, mut naive) = (FlatMemory::new(image(linear_size)), naive());
    let mut sparse = SparseMemory::new();
    for (address, byte) in &naive.0 {
        sparse.write(*address, &[*byte]);
    }
    for batch in 0..12 {
        write_some(&mut random, linear_size, |address, bytes| {
            memory.write(address, bytes);
            naive.write(address, bytes);
            sparse.write(address, bytes);
        });
        let root = naive.root();
        assert_eq!(memory.commit(), root, "batch {batch}");
        assert_eq!(sparse.commit(), root);
        let ends = [5000, (1 << 36) + 699, STACK + (1 << 21) - 1, STACK + (1 << 21), MEMORY + linear_size - 1];
        let more =
            [MEMORY + linear_size, (4 << 36) + 9000, (4 << 36) + (1 << 35), OUTPUT, (6 << 36) + 5, (1 << 40) - 1];
        for address in ends.into_iter().chain(more) {
            let proof = memory.chunk_proof(address);
            assert_eq!(proof, sparse.chunk_proof(address), "address {address:#x}");
            assert_eq!(proof.fold(&proof.bytes), root);
            let mut bytes = vec![0; 20];
            let address = address.min((1 << 40) - 20);
            memory.read(address, &mut bytes);
            assert_eq!(bytes, naive.read(address, 20));
        }
    }
}

#[test]
fn stores_through_the_raw_bases_are_seen_where_marked() {
    let (mut memory, mut naive) = (FlatMemory::new(image(1 << 32)), naive());
    memory.commit();
    let last = (1u64 << 32) - 8;
    // SAFETY: slot 2^18 - 1, byte 4999 and the last eight bytes of 4 GiB lie inside their backings, and so do the flags
    // of their leaf and page; nothing else uses the memory meanwhile.
    unsafe {
        memory.stack_base().add((1 << 18) - 1).write(0x0102_0304_0506_0708);
        memory.stack_base().add(1 << 18).write(!0);
        memory.system_base().add(4999).write(0xee);
        memory.system_dirty_base().add(4999 / 256).write(1);
        memory.linear_base().add(last as usize).cast::<u64>().write_unaligned(u64::from_le(0xff));
        memory.linear_dirty_base().add(last as usize / 4096).write(1);
    }
    memory.mark_stack((1 << 18) - 1, (1 << 18) + 1);
    naive.write(STACK + (1 << 21) - 8, &[8, 7, 6, 5, 4, 3, 2, 1]);
    naive.write(4999, &[0xee]);
    naive.write(MEMORY + last, &[0xff]);
    assert_eq!(memory.commit(), naive.root());
}

#[test]
fn snapshots_return_to_their_step_in_any_order() {
    let mut random = Random(11);
    let mut size = 65_536;
    let (mut memory, mut model) = (FlatMemory::new(image(size)), naive());
    let mut taken = Vec::new();
    for round in 0..30 {
        write_some(&mut random, size, |address, bytes| {
            memory.write(address, bytes);
            model.write(address, bytes);
        });
        match random.below(3) {
            0 => taken.push((memory.snapshot(), model.clone(), size)),
            1 if !taken.is_empty() => {
                let (snapshot, then, then_size) = &taken[random.below(taken.len() as u64) as usize];
                memory.restore(snapshot);
                (model, size) = (then.clone(), *then_size);
            }
            _ => {
                size += 65_536;
                memory.grow_linear(size);
            }
        }
        assert_eq!(memory.linear_size(), size);
        assert_eq!(memory.commit(), model.root(), "round {round}");
    }
    // A fresh memory of the same image accepts them too.
    let (snapshot, then, then_size) = taken.last().unwrap();
    let mut fresh = FlatMemory::new(image(0));
    fresh.restore(snapshot);
    assert_eq!((fresh.commit(), fresh.linear_size()), (then.root(), *then_size));
    assert_eq!((snapshot.root(), snapshot.linear_size()), (then.root(), *then_size));
}

#[test]
fn equal_pages_are_shared_between_snapshots() {
    let mut memory = FlatMemory::new(image(1 << 20));
    memory.write(MEMORY, &bytes_of(1 << 20, 12));
    let first = memory.snapshot();
    memory.write(MEMORY + 70_000, &[1]);
    let second = memory.snapshot();
    let differ = first.pages.difference(&second.pages).to_vec();
    assert_eq!(differ, [page_index(MEMORY + 70_000)]);
}

/// Linear memory counts by the groups of 512 pages that were ever written, by steps or by a restored snapshot; the rest by its size.
#[test]
fn resident_bytes_are_those_that_were_ever_written() {
    let size = 64 << 20;
    let mut memory = FlatMemory::new(image(size));
    let group = (2 << 20) + (64 << 10);
    let fixed = 8192 + (700 + 350) + (9000 + 281);
    assert_eq!(memory.resident_bytes(), fixed, "SYSTEM has two pages; memory that nobody wrote is not there");
    memory.write(MEMORY + 5, &[1]);
    assert_eq!(memory.resident_bytes(), fixed + group, "not committed yet, and there all the same");
    memory.write(MEMORY + (2 << 20) - 1, &[1]);
    assert_eq!(memory.resident_bytes(), fixed + group);
    memory.write(MEMORY + (2 << 20) - 1, &[1, 1]);
    let before = memory.snapshot();
    memory.write(MEMORY + size - 1, &[1]);
    memory.write_output(4095, &[1, 1]);
    let after = memory.snapshot();
    assert_eq!(memory.resident_bytes(), fixed + 3 * group + 8192);
    memory.restore(&before);
    assert_eq!(memory.resident_bytes(), fixed + 3 * group + 8192, "a page that is zero again is still there");
    let mut fresh = FlatMemory::new(image(size));
    fresh.restore(&after);
    assert_eq!(fresh.resident_bytes(), fixed + 3 * group + 8192);
}

/// A commit hashes each dirty page, a snapshot copies those that changed since the last one.
#[test]
fn hashed_and_copied_pages_are_counted() {
    let mut memory = FlatMemory::new(image(1 << 20));
    memory.snapshot();
    let booted = memory.page_work();
    assert_eq!(booted, 4, "two pages of SYSTEM, hashed and copied");
    memory.write(MEMORY, &[1]);
    memory.write(MEMORY + 9000, &[1]);
    assert_eq!(memory.page_work(), booted);
    memory.commit();
    assert_eq!(memory.page_work() - booted, 2);
    memory.commit();
    assert_eq!(memory.page_work() - booted, 2, "nothing is dirty");
    memory.snapshot();
    assert_eq!(memory.page_work() - booted, 4);
}

#[test]
fn no_snapshot_holds_more_than_a_whole_one_may() {
    let mut memory = FlatMemory::new(image(1 << 20));
    memory.write(MEMORY, &bytes_of(1 << 20, 12));
    memory.write(STACK, &bytes_of(1 << 21, 13));
    memory.write_output(0, &bytes_of(9000, 14));
    let most = memory.snapshot_bytes_max();
    assert!(most <= memory.whole_snapshot_bytes_max(), "{most}");
    memory.snapshot();
    assert!(memory.snapshots_bytes() <= most);
}

#[test]
fn the_output_is_a_blob_like_any_other() {
    let mut memory = FlatMemory::new(image(0));
    assert_eq!(memory.output_blob(0), commit_blob(&[]).unwrap());
    let bytes = bytes_of(13_000, 13);
    for (piece, at) in bytes.chunks(999).zip((0..).step_by(999)) {
        memory.write_output(at, piece);
        let length = at as usize + piece.len();
        assert_eq!(memory.output_blob(length as u64), commit_blob(&bytes[..length]).unwrap());
    }
    assert_eq!(memory.output()[..13_000], bytes);
}

#[test]
fn bulk_moves_agree_with_the_naive_model() {
    let mut random = Random(15);
    let size = 2 * 65_536;
    let (mut memory, mut model) = (FlatMemory::new(image(size)), naive());
    memory.write(MEMORY, &bytes_of(40_000, 16));
    model.write(MEMORY, &bytes_of(40_000, 16));
    let mut output_length = 0;
    for round in 0..60 {
        let count = random.below(9000) * random.below(2);
        // The ends of memory and overlapping ranges come up as often as others.
        let range = |random: &mut Random| [0, size - count, random.below(size - count)][random.below(3) as usize];
        let (from, to) = (range(&mut random), range(&mut random));
        match round % 4 {
            0 => {
                memory.copy_linear(from, to, count);
                let bytes = model.read(MEMORY + from, count as usize);
                model.write(MEMORY + to, &bytes);
            }
            1 => {
                memory.fill_linear(to, count, round as u8);
                model.write(MEMORY + to, &vec![round as u8; count as usize]);
            }
            2 => {
                // INPUT has 9,000 bytes: some of these ranges end or begin behind them.
                let from = random.below(12_000);
                memory.copy_input(from, to, count);
                let bytes = model.read((4 << 36) + from, count as usize);
                model.write(MEMORY + to, &bytes);
            }
            _ => {
                memory.copy_output(from, output_length, count);
                let bytes = model.read(MEMORY + from, count as usize);
                model.write(OUTPUT + output_length, &bytes);
                output_length += count;
            }
        }
        if round % 3 == 0 {
            assert_eq!(memory.commit(), model.root(), "round {round}");
        }
    }
    assert_eq!(memory.commit(), model.root());
}

#[test]
fn memories_and_snapshots_can_change_threads() {
    fn check<T: Send>() {}
    check::<FlatMemory>();
    check::<Snapshot>();
    check::<SparseMemory>();
}

#[test]
#[should_panic(expected = "a snapshot returns to the program and input")]
fn a_snapshot_of_another_input_panics() {
    let snapshot = FlatMemory::new(image(0)).snapshot();
    let other = FlatImage { input: shared(bytes_of(9000, 14)), ..image(0) };
    FlatMemory::new(other).restore(&snapshot);
}

#[test]
#[should_panic(expected = "region 4 is written by steps")]
fn a_write_to_the_input_panics() {
    FlatMemory::new(image(0)).write(4 << 36, &[1]);
}

#[test]
#[should_panic(expected = "linear memory has 65536 bytes")]
fn a_write_past_linear_memory_panics() {
    FlatMemory::new(image(65_536)).write(MEMORY + 65_535, &[1, 2]);
}

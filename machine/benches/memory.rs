//! What hashing memory costs: `cargo bench -p assay-machine --bench memory`. One thread; the best of several runs.
//!
//! Owns the figures that the memory must reach and prints them beside what it measures. It asserts nothing, since the
//! host is not ours.

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use assay_machine::memory::{
    BlobHasher, FixedImage, FlatImage, FlatMemory, Memory, Region, commit_blob, hash,
    layout::{Page, tree_leaf},
    tree::Tree,
    wide::{keccak_many, page_digests},
};

const MIB: usize = 1 << 20;

fn main() {
    // `cargo test --all-targets` starts benchmarks too, without this argument; there it is enough that they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let data = bytes_of(256 * MIB);
    pages(&data[..4 * MIB]);
    nodes(&data[..4 * MIB]);
    blobs(&data);
    scattered();
    dirty(&data[..4 * MIB]);
}

/// Page digests of data that lies in the cache.
fn pages(data: &[u8]) {
    let pages: Vec<&Page> = data.as_chunks().0.iter().collect();
    let single = best(20, || {
        for page in &pages {
            black_box(hash::page(page));
        }
    });
    let batched = best(20, || {
        let mut digests = Vec::with_capacity(pages.len());
        page_digests(&pages, &mut digests);
        black_box(digests);
    });
    println!("page digests, one at a time   {:8.2} GB/s", rate(data.len(), single));
    println!("page digests, batched         {:8.2} GB/s    at least 4", rate(data.len(), batched));
}

/// Keccak of 64 bytes.
fn nodes(data: &[u8]) {
    let pairs = data.as_chunks::<64>().0;
    let single = best(5, || {
        for [left, right] in data.as_chunks::<32>().0.as_chunks::<2>().0 {
            black_box(hash::node(&left.into(), &right.into()));
        }
    });
    let batched = best(5, || {
        let mut hashes = Vec::with_capacity(pairs.len());
        keccak_many(pairs, &mut hashes);
        black_box(hashes);
    });
    println!("node, one at a time           {:8.1} ns", single.as_secs_f64() * 1e9 / pairs.len() as f64);
    println!("node, batched                 {:8.1} ns", batched.as_secs_f64() * 1e9 / pairs.len() as f64);
}

/// A fresh blob of 256 MiB, whole and in pieces.
fn blobs(data: &[u8]) {
    let whole = best(5, || {
        black_box(commit_blob(data).expect("256 MiB are a blob"));
    });
    let pieces = best(3, || {
        let mut hasher = BlobHasher::new();
        data.chunks(10_000).for_each(|piece| hasher.write(piece).expect("256 MiB are a blob"));
        black_box(hasher.finish());
    });
    println!("blob of 256 MiB               {:8.2} GB/s    at least 2", rate(data.len(), whole));
    println!("the same in pieces of 10 kB   {:8.2} GB/s", rate(data.len(), pieces));
}

/// The root after 1,000 scattered pages of a full 1 GiB have changed.
fn scattered() {
    let mut memory = flat(1 << 30);
    let mut random = Random(1);
    for page in 0..1u64 << 18 {
        memory.write(Region::MEMORY.base() + page * 4096, &random.next().to_le_bytes());
    }
    memory.commit();
    let mut times = Vec::new();
    for _ in 0..10 {
        for _ in 0..1000 {
            let page = random.next() % (1 << 18);
            memory.write(Region::MEMORY.base() + page * 4096 + 8, &random.next().to_le_bytes());
        }
        let start = Instant::now();
        black_box(memory.commit());
        times.push(start.elapsed());
    }
    times.sort_unstable();
    println!("1,000 scattered pages, 1 GiB  {:8.3} ms      milliseconds", times[5].as_secs_f64() * 1e3);

    let leaf = |page: u64| (tree_leaf(Region::MEMORY.base() + page * 4096), hash::page(&[1; 4096]));
    let mut updates: Vec<_> = (0..1000).map(|_| leaf(random.next() % (1 << 18))).collect();
    updates.sort_unstable();
    updates.dedup_by_key(|update| update.0);
    let mut tree = Tree::new(Region::MEMORY.kind());
    tree.update(&updates);
    let update = best(10, || tree.update(&updates));
    println!("of that, the tree alone       {:8.3} ms", update.as_secs_f64() * 1e3);
}

/// Commits of a working set of 4 MiB in which every page is dirty, and of one that is clean.
fn dirty(data: &[u8]) {
    let mut memory = flat(16 * MIB as u64);
    let mut times = Vec::new();
    for round in 0..256u32 {
        memory.write(Region::MEMORY.base(), data);
        memory.write(Region::MEMORY.base(), &round.to_le_bytes());
        memory.mark_stack(0, 128);
        let start = Instant::now();
        black_box(memory.commit());
        times.push(start.elapsed());
    }
    let mean = times.iter().sum::<Duration>() / 256;
    times.sort_unstable();
    println!("commit of 4 MiB dirty, mean   {:8.3} ms      at most 1", mean.as_secs_f64() * 1e3);
    println!("the same, median of 256       {:8.3} ms", times[128].as_secs_f64() * 1e3);
    let clean = best(100, || {
        black_box(memory.commit());
    });
    println!("commit of nothing             {:8.3} us", clean.as_secs_f64() * 1e6);
    let one = best(100, || {
        memory.mark_stack(100, 104);
        black_box(memory.commit());
    });
    println!("commit of one stack leaf      {:8.3} us", one.as_secs_f64() * 1e6);
    memory.snapshot();
    let snapshot = best(20, || {
        memory.write(Region::MEMORY.base(), data);
        black_box(memory.snapshot());
    });
    println!("write, commit, snapshot 4 MiB {:8.3} ms", snapshot.as_secs_f64() * 1e3);
}

fn flat(linear_size: u64) -> FlatMemory {
    let empty = FixedImage { bytes: Arc::new([0u8; 0]), root: None };
    FlatMemory::new(FlatImage { system: vec![0; 4096], code: empty.clone(), input: empty, linear_size })
}

fn best(runs: usize, mut run: impl FnMut()) -> Duration {
    let time = |_| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..runs).map(time).min().expect("there are runs")
}

fn rate(bytes: usize, time: Duration) -> f64 {
    bytes as f64 / time.as_secs_f64() / 1e9
}

fn bytes_of(length: usize) -> Vec<u8> {
    let mut random = Random(0);
    (0..length / 8).flat_map(|_| random.next().to_le_bytes()).collect()
}

/// Seeded words (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

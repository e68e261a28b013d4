//! What a long input takes: it is held once, from the store of blobs to the engine that runs the job.
//!
//! A program of its own, for it looks at the most memory that the process ever had.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use assay_machine::program::Program;
use assay_node::blobs::{self, BlobConfig, BlobHasher, BlobStore};
use assay_node::store::{Schema, Store};
use assay_player::chain::Blobs;
use assay_protocol::{BlobRef, Status};
use assay_runner::{Limits, PeerBlobs, Runner, RunnerConfig, Watch};

const PIECE: usize = 4 << 20;
const INPUT: u64 = 256 << 20;
/// What else the process may take: the engine, compiled code, the store's caches.
const BESIDES: u64 = 128 << 20;

/// Reads its input to the end, 64 KiB at a time.
const READER: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 2)
    (func (export "_start")
        (i32.store (i32.const 0) (i32.const 1024))
        (i32.store (i32.const 4) (i32.const 65536))
        (loop $more
            (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
            (br_if $more (i32.load (i32.const 8))))))"#;

/// A blob of so many bytes in a store, none of which are kept in memory.
fn store(folder: &Path) -> (BlobStore, BlobRef) {
    let store = Store::open(&folder.join("store"), &blobs::schema(Schema::new("test", 1))).unwrap();
    let blobs = BlobStore::open(&store, &folder.join("blobs"), BlobConfig::default()).unwrap();
    let pieces = || (0..INPUT / PIECE as u64).map(|number| vec![number as u8; PIECE]);
    let mut hasher = BlobHasher::default();
    pieces().for_each(|piece| hasher.update(&piece));
    let blob = hasher.finish();
    let mut upload = blobs.upload(&blob, 0).unwrap();
    pieces().for_each(|piece| upload.write(&piece).unwrap());
    upload.finish().unwrap();
    (blobs, blob)
}

/// The most memory that the process ever had, in bytes; none where the system does not say.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_is_held_once() {
    let folder = tempfile::tempdir().unwrap();
    let (kept, blob) = store(folder.path());
    let places = PeerBlobs { blobs: kept, peers: Vec::new(), runtime: tokio::runtime::Handle::current() };
    let ran = tokio::task::spawn_blocking(move || {
        let input = places.fetch(&blob).unwrap().unwrap();
        assert_eq!(input.len() as u64, INPUT);
        let wasm = wat::parse_str(READER).unwrap();
        let runner = Runner::new(&RunnerConfig::default()).unwrap();
        let ready = runner.prepare(Program::from_wasm(&wasm).unwrap().id(), &wasm).unwrap();
        runner.run(&ready, &input, Limits { fuel: 1 << 40, output_bytes: 0 }, &Watch::default()).unwrap()
    });
    assert_eq!(ran.await.unwrap().outcome.status, Status::Exit);
    let Some(peak) = peak() else {
        println!("skipped: this system does not say how much memory the process had");
        return;
    };
    assert!(peak < INPUT + BESIDES, "{} MiB for an input of {} MiB", peak >> 20, INPUT >> 20);
}

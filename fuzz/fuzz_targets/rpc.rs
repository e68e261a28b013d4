//! Any bytes as what a peer of a sequencer may say: parameters of calls, names of blobs, tokens. They are refused, or read as one value
//! that is written and read again as the same. No panic.
#![no_main]

use assay_protocol::rpc::{
    Assignment, BatchView, Decline, LeafProof, ProgramView, SignedReceipt, SignedResult, StatusView, TaskView, blobs,
};
use assay_protocol::{Address, B256, BlobRef, objects::TaskRequest};
use jsonrpsee::types::Params;
use libfuzzer_sys::fuzz_target;
use params::Positional;
use serde::{Serialize, de::DeserializeOwned};

// The sequencer itself would bring RocksDB: these files of it stand alone.
#[allow(dead_code, reason = "the sequencer uses more of it")]
#[path = "../../sequencer/src/rpc/jwt.rs"]
mod jwt;
#[allow(dead_code, reason = "the sequencer uses more of it")]
#[path = "../../sequencer/src/rpc/params.rs"]
mod params;

const SECRET: &[u8] = &[7; 32];
const NOW: u64 = 1_700_000_000;

/// Reads the parameters as those of a method, one of this type and an optional one of the other.
fn positional<T: DeserializeOwned, U: DeserializeOwned>(text: &str) {
    let params = Params::new(Some(text));
    let mut params = Positional::of(&params);
    if params.next::<T>("first").is_ok() {
        let _ = params.optional::<U>("second");
        let _ = params.next::<T>("third");
    }
}

/// Reads an object of the wire, and what is written of it.
fn object<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(text: &str) {
    let Ok(read) = serde_json::from_str::<T>(text) else { return };
    let written = serde_json::to_string(&read).expect("what was read can be written");
    let again: T = serde_json::from_str(&written).expect("what was written can be read");
    assert_eq!(again, read);
}

fn blob(name: &str) {
    let Ok(blob) = blobs::parse(name.strip_prefix(blobs::PATH).unwrap_or(name)) else { return };
    assert_eq!(blobs::parse(&blobs::name(&blob)), Ok(blob));
}

fn token(text: &str) {
    // Whoever has not the secret has no token; only one that was made with it can be accepted.
    let made = format!("Bearer {}", jwt::token(SECRET, NOW));
    assert!(jwt::check(SECRET, text, NOW).is_err() || text == made, "a token out of nothing");
    let _ = jwt::check(SECRET, &format!("Bearer {text}"), NOW);
    // Two parts of the peer's own, signed with the secret: the reading of claims.
    let _ = jwt::check(SECRET, &made.replace('.', text), NOW);
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    match kind % 20 {
        0 => positional::<TaskRequest, serde_json::Value>(text),
        1 => positional::<B256, B256>(text),
        2 => positional::<Address, Address>(text),
        3 => positional::<alloy_primitives::Bytes, alloy_primitives::Bytes>(text),
        4 => positional::<alloy_primitives::U64, String>(text),
        5 => positional::<SignedResult, alloy_primitives::Bytes>(text),
        6 => positional::<Decline, BlobRef>(text),
        7 => object::<TaskRequest>(text),
        8 => object::<SignedResult>(text),
        9 => object::<Decline>(text),
        10 => object::<BlobRef>(text),
        11 => object::<SignedReceipt>(text),
        12 => object::<TaskView>(text),
        13 => object::<BatchView>(text),
        14 => object::<LeafProof>(text),
        15 => object::<ProgramView>(text),
        16 => object::<StatusView>(text),
        17 => object::<Assignment>(text),
        18 => blob(text),
        _ => token(text),
    }
});

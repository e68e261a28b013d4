//! Values of the JSON vectors: integers are decimal strings there, bytes hexadecimal ones.
//!
//! Owns their reading. A vector that is not what it should be fails the test.
#![allow(dead_code, reason = "each test reads some of it")]

use std::fmt::Debug;
use std::str::FromStr;

use assay_protocol::objects::Batch;
use assay_protocol::{Address, B256, BlobRef};
pub use serde_json::Value;

pub fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap_or_else(|| panic!("{name} in {value}"))
}

pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}"))
}

pub fn number<T: FromStr<Err: Debug>>(value: &Value, name: &str) -> T {
    text(value, name).parse().unwrap()
}

pub fn hash(value: &Value, name: &str) -> B256 {
    text(value, name).parse().unwrap()
}

pub fn address(value: &Value, name: &str) -> Address {
    text(value, name).parse().unwrap()
}

pub fn hashes(value: &Value, name: &str) -> Vec<B256> {
    list(value, name).iter().map(|hash| hash.as_str().unwrap().parse().unwrap()).collect()
}

pub fn unhex(text: &str) -> Vec<u8> {
    hex::decode(&text[2..]).unwrap()
}

pub fn bytes(value: &Value, name: &str) -> Vec<u8> {
    unhex(text(value, name))
}

pub fn blob(value: &Value) -> BlobRef {
    BlobRef { root: hash(value, "root"), length: number(value, "length") }
}

pub fn header(m: &Value) -> Batch {
    Batch {
        region: hash(m, "region"),
        number: number(m, "number"),
        parent: hash(m, "parent"),
        first_sequence: number(m, "firstSequence"),
        leaf_root: hash(m, "leafRoot"),
        count: number(m, "count"),
        data_root: hash(m, "dataRoot"),
        data_length: number(m, "dataLength"),
        blob_count: number(m, "blobCount"),
        as_of: number(m, "asOf"),
        min_deadline: number(m, "minDeadline"),
    }
}

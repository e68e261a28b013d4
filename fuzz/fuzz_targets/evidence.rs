//! Any bytes as the data of a batch, whose faults are proven.
#![no_main]

#[path = "../properties/evidence.rs"]
mod evidence;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    evidence::evidence(bytes);
});

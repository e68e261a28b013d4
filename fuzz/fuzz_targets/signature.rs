//! Any bytes as a digest and a signature.
#![no_main]

#[path = "../properties/signature.rs"]
mod signature;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    signature::signature(bytes);
});

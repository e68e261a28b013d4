//! Any bytes as a deployment file.
#![no_main]

#[path = "../properties/deployment.rs"]
mod deployment;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    deployment::deployment(bytes);
});

//! Any bytes as a deployment file.
//!
//! It holds that nothing panics, and that a file which is read names six contracts in six places, somebody who receives what
//! is burned, and is written so that it is read as the same. Seeded tests and libFuzzer drive it alike.

use std::collections::BTreeSet;

use assay_protocol::deployment::{DEPLOYMENT_VERSION, Deployment};

/// Reads what the bytes say. Returns whether it is a deployment.
///
/// # Panics
/// If what was read is not sound.
pub fn deployment(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Ok(read) = Deployment::from_json(&text) else { return false };
    assert_eq!(read.version, DEPLOYMENT_VERSION);
    let of = &read.contracts;
    let places = BTreeSet::from([of.step_verifier, of.bonds, of.programs, of.batches, of.faults, of.court]);
    assert_eq!(places.len(), 6, "contracts in one place");
    assert!(places.iter().chain([&read.treasury]).all(|address| !address.is_zero()), "an address that is nobody's");
    assert_eq!(Deployment::from_json(&read.to_json()).ok(), Some(read), "what is written is read as the same");
    true
}

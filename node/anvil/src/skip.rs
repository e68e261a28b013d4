//! Tests without an anvil: skipped, aloud and counted, or failed where anvil is required.
//!
//! Owns the one way to skip. Assumes that it is called within a test. The words go past the test harness, which keeps to itself what a
//! test that passes prints.

use crate::{Anvil, AnvilError, Settings};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The environment variable under which a missing anvil is a failure.
pub const REQUIRED: &str = "ASSAY_REQUIRE_ANVIL";

/// Tests that this process has skipped.
static SKIPPED: AtomicUsize = AtomicUsize::new(0);

impl Anvil {
    /// Starts one for a test; `None` where there is none, said and counted on standard error.
    ///
    /// # Panics
    /// When there is none and `ASSAY_REQUIRE_ANVIL` is set, and for every other reason not to start.
    pub async fn start_or_skip(settings: &Settings) -> Option<Anvil> {
        match Anvil::start(settings).await {
            Ok(anvil) => Some(anvil),
            Err(error @ AnvilError::Missing { .. }) => {
                skip(&error, std::env::var_os(REQUIRED).is_some());
                None
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn skip(reason: &AnvilError, required: bool) {
    assert!(!required, "{REQUIRED} is set: {reason}");
    let count = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    let thread = std::thread::current();
    let line = format!("skipped ({count}) {}: {reason}\n", thread.name().unwrap_or("a test"));
    // In one write, so that nobody else's words come in between and every line can be counted.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing() -> AnvilError {
        AnvilError::Missing { looked: "looked nowhere".into() }
    }

    #[test]
    #[should_panic(expected = "ASSAY_REQUIRE_ANVIL is set: no anvil: looked nowhere")]
    fn where_it_is_required_its_absence_fails() {
        skip(&missing(), true);
    }
}

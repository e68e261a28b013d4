//! Differential testing of the native engine against the interpreter, which is the law.
//!
//! ```text
//! seed -> modules: wasm-smith behind a driver, or floats: NaNs in motion  -> a job: module, input
//!      -> compare: one job, several fuel limits, three engines             -> how it ended, or a difference
//!      -> campaign: a range of seeds on some threads                       -> counts
//! ```
//!
//! Equal seeds give equal jobs on every host. Nothing here knows what a program should compute: two engines that are
//! wrong in the same way pass. The official test suite and the native engine's own tests hold both to the standard.

mod campaign;
mod compare;
mod driver;
mod floats;
mod modules;
mod random;

pub use campaign::{Counts, run};
pub use compare::{Checked, Difference, Skip, check};
pub use random::Random;

/// What is run in both engines.
#[derive(Clone, Debug)]
pub struct Job {
    /// The program.
    pub wasm: Vec<u8>,
    /// Its input.
    pub input: Vec<u8>,
    /// Who made it.
    pub generator: &'static str,
}

/// The generator of most jobs.
pub const WASM_SMITH: &str = "wasm-smith";

/// The job of a seed; none if no module comes of it. One in eight is a float program.
#[must_use]
pub fn job(seed: u64) -> Option<Job> {
    let mut random = Random::new(seed);
    if random.one_in(8) {
        return Some(floats::job(random));
    }
    let count = 2048 << random.below(4);
    let bytes = random.bytes(count);
    job_of(random, &bytes)
}

/// The job that wasm-smith makes of some bytes, `random` deciding on the module's shape; none if they make no module.
#[must_use]
pub fn job_of(random: Random, bytes: &[u8]) -> Option<Job> {
    modules::job(random, bytes)
}

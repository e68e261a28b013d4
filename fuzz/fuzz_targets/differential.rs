//! Any bytes make a module by way of wasm-smith: the native engine and the interpreter agree on what it does.
#![no_main]

use std::sync::OnceLock;

use assay_differential::{Random, check, job_of};
use assay_executor::{Engine, EngineConfig};
use libfuzzer_sys::fuzz_target;

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(EngineConfig::default()).expect("this host can run the native engine"))
}

fuzz_target!(|bytes: &[u8]| {
    let Some((seed, bytes)) = bytes.split_first_chunk::<8>() else { return };
    let seed = u64::from_le_bytes(*seed);
    let Some(job) = job_of(Random::new(seed), bytes) else { return };
    if let Ok(Err(difference)) = check(engine(), &job, &mut Random::new(!seed)) {
        panic!("{difference}");
    }
});

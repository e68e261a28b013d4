//! Engines that run programs of the Assay machine at native speed.
//!
//! Owns nothing of the law: what a run results in is what the machine computes (specs/03-state.md, specs/04-instructions.md),
//! and an engine that can't promise the same output, status, code and fuel says so ([`NotAResult`]) and computes nothing.
//! Unsafe code is allowed in `engine` only, for one call that loads a compiled module back from the cache.
#![deny(unsafe_code)]

mod appetite;
mod cache;
mod ending;
mod engine;
mod host;
pub mod instrument;
mod prepared;
mod session;

pub use assay_machine::program::Limits;
pub use cache::CacheState;
pub use ending::NotAResult;
pub use engine::{Engine, EngineConfig, EngineError};
pub use host::Watch;
pub use instrument::Metering;
pub use prepared::{Prepared, Run};
pub use session::{Invocation, Session};

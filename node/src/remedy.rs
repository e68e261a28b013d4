//! What to do about an error, said by the error itself.
//!
//! Owns the three answers that a loop needs to go on after a failure. Never carries the failure: each boundary's error enum does,
//! and answers `remedy()`.

/// What helps against an error. A loop that meets one needs no knowledge of its inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The same call may succeed later: a connection broke, a node lags, an account is empty.
    Retry,
    /// Local state contradicts the world: throw it away, rebuild it from L1, and go on.
    Reset,
    /// Nothing that the process can do by itself helps: an operator must act.
    Stop,
}

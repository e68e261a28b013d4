//! A process's player on L1: what it derives from logs, the evidence that it keeps, and the games that it plays.
//!
//! ```text
//! logs of L1 --> chain: rows and view --> player: duties --> cases: evidence --> intents --> L1
//!                                  \--> roles: batches, programs, registrations, sources
//! ```
//!
//! [`chain`] is what L1 says, and all that it says: with its rows lost, all is read again. [`cases`] opens claims with the
//! evidence of their runs, shared by all games on all claims of a run. [`player`] acts for one account. The game itself is in
//! `assay-dispute` and the plumbing in `assay-node`; nothing here knows how a transaction gets mined.
#![forbid(unsafe_code)]

pub mod cases;
pub mod chain;
pub mod player;

//! What a sequencer must know of L1, and how it comes to know it.
//!
//! ```text
//!   reader ──> follower ── facts ──> store (one commit with the reader's mark) ──> core: View
//! ```
//!
//! *Facts* are events, reduced to what matters here. They are kept, by block, so that a restart and a reorganisation are the same thing:
//! the view is what all facts that still stand add up to. Facts count when so many blocks stand on theirs as the configuration says; so a
//! shallow reorganisation is never seen, and a deeper one is healed; beyond what the reader remembers the process ends, and an operator decides.

mod fact;
mod follower;
mod registry;
mod view;

pub use fact::{Fact, addresses, decode, topics};
pub use follower::{Follower, Heard};
pub use registry::Registry;
pub use view::{Posting, Standing, View};

/// Blocks beyond those that settle a transaction after which what it did, if L1 does not show it, is taken for lost: L1 was reorganised
/// deeper than anybody waits.
pub const VANISHED_BLOCKS: u64 = 32;

//! How claims stand, and what became of leaves, at some L1 time (specs/12-batches.md, "Fates"; specs/13-game.md, "Conviction and
//! fate").

use alloy_primitives::Address;
use assay_dispute::player::{GameState, Phase};
use assay_protocol::B256;

use super::View;
use crate::chain::leaf::LeafId;

/// How a claim stands before the court, whatever its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing holds it.
    Clear,
    /// A game on it is open, or a stay holds it.
    Held,
    /// Its executor was convicted before it became final.
    Void {
        /// L1 time of the conviction.
        since: u64,
    },
}

/// What became of a leaf, as far as it does not depend on where its bytes are, nor on which programs are relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its window is open.
    Pending {
        /// The last L1 time at which it can be challenged.
        window_end: u64,
    },
    /// A game or a stay holds it.
    Challenged,
    /// It counts for nothing.
    Void {
        /// L1 time since which.
        since: u64,
    },
    /// It stands for ever: final for whoever relies on its programs if the bytes of its run are L1 data, else attested.
    Stands,
}

impl View {
    /// How a claim of an executor stands, as the court would say, if its batch was posted at `posted_at`.
    #[must_use]
    pub fn standing(&self, claim: B256, executor: Address, posted_at: u64, window: u64) -> Standing {
        let window_end = posted_at + window;
        // A game counts as open until its challenger has lost; conviction leaves the count as it is.
        let has_games = self.games_on(claim).any(|game| game.phase != Phase::Lost);
        if let Some(conviction) = self.conviction(executor) {
            let is_void = has_games || window_end >= conviction.void_from;
            return if is_void { Standing::Void { since: conviction.at } } else { Standing::Clear };
        }
        let holds = |game: &GameState| game.is_running() && game.committed_at <= window_end;
        let is_held = has_games || self.stays_of(executor).any(holds);
        if is_held { Standing::Held } else { Standing::Clear }
    }

    /// What became of a leaf of an executor at L1 time `now`; none if its batch was not posted.
    #[must_use]
    pub fn fate(&self, leaf: LeafId, executor: Address, window: u64, now: u64) -> Option<Fate> {
        let batch = self.batch(leaf.region, leaf.batch)?;
        let standing = self.standing(leaf.claim(), executor, batch.posted_at, window);
        let by_court = if let Standing::Void { since } = standing { Some(since) } else { None };
        if let Some(since) = earliest(batch.voided_at, by_court) {
            return Some(Fate::Void { since });
        }
        let window_end = batch.posted_at + window;
        Some(match standing {
            Standing::Held => Fate::Challenged,
            _ if now <= window_end => Fate::Pending { window_end },
            _ => Fate::Stands,
        })
    }
}

/// The earlier of two times, of which there may be none.
pub fn earliest(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.into_iter().chain(other).min()
}

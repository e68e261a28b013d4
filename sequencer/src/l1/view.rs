//! What all facts that stand add up to.
//!
//! Owns how claims stand, by the formula of the court (specs/13-game.md). Pure: facts in the chain's order go in, answers come out. After
//! a reorganisation it is made anew from the facts that are left.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use alloy_primitives::{Address, B256};
use assay_node::l1::BlockRef;

use super::{Fact, Registry};

/// A batch of the region on L1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Its hash.
    pub hash: B256,
    /// Block of the posting.
    pub block: u64,
    /// L1 time of the posting.
    pub posted_at: u64,
    /// L1 time at which it was proven faulty.
    pub voided_at: Option<u64>,
}

/// How a claim stands before the court.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is held against it.
    Clear,
    /// A game on it is open, or a stay holds it.
    Held,
    /// It is void since a time.
    Void(u64),
}

#[derive(Clone, Copy, Debug)]
struct Game {
    claim: B256,
    executor: Address,
    is_stay: bool,
    begun_at: u64,
}

/// L1 as this sequencer knows it.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Executors, keys, programs. Shared with whoever answers calls.
    pub registry: Arc<Registry>,
    tip: Option<BlockRef>,
    is_open: bool,
    postings: BTreeMap<u64, Posting>,
    games: HashMap<B256, Game>,
    /// Games on a claim that its challengers have not lost.
    games_on: HashMap<B256, u32>,
    /// Stays on an executor that their challengers have not lost: when each began, and its game.
    stays_on: HashMap<Address, BTreeSet<(u64, B256)>>,
    convicts: HashMap<Address, (u64, u64)>,
}

impl View {
    /// The newest block that counts.
    pub fn tip(&self) -> Option<&BlockRef> {
        self.tip.as_ref()
    }

    /// L1 time of that block.
    pub fn time(&self) -> u64 {
        self.tip.map_or(0, |tip| tip.timestamp)
    }

    /// Whether the region is open.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// A batch.
    pub fn posting(&self, number: u64) -> Option<&Posting> {
        self.postings.get(&number)
    }

    /// Batches of the region.
    pub fn count(&self) -> u64 {
        self.postings.last_key_value().map_or(0, |(number, _)| number + 1)
    }

    /// Whether an executor is convicted.
    pub fn is_convict(&self, executor: Address) -> bool {
        self.convicts.contains_key(&executor)
    }

    /// How a claim stands whose window ends at a time, inclusive.
    pub fn standing(&self, claim: &B256, executor: Address, window_end: u64) -> Standing {
        let has_games = self.games_on.get(claim).is_some_and(|games| *games > 0);
        if let Some((convicted_at, void_from)) = self.convicts.get(&executor) {
            let is_void = has_games || window_end >= *void_from;
            return if is_void { Standing::Void(*convicted_at) } else { Standing::Clear };
        }
        let first_stay = self.stays_on.get(&executor).and_then(BTreeSet::first);
        let is_stayed = first_stay.is_some_and(|(begun_at, _)| window_end >= *begun_at);
        if has_games || is_stayed { Standing::Held } else { Standing::Clear }
    }

    /// Takes a fact in.
    pub fn apply(&mut self, fact: &Fact, block: u64, time: u64) {
        if Arc::make_mut(&mut self.registry).apply(fact, time) {
            return;
        }
        match *fact {
            Fact::RegionOpened => self.is_open = true,
            Fact::Posted { number, hash } => {
                self.postings.insert(number, Posting { hash, block, posted_at: time, voided_at: None });
            }
            Fact::Voided { number } => {
                if let Some(posting) = self.postings.get_mut(&number) {
                    posting.voided_at = Some(time);
                }
            }
            Fact::GameBegun { game, claim, executor, is_stay } => {
                self.games.insert(game, Game { claim, executor, is_stay, begun_at: time });
                *self.games_on.entry(claim).or_default() += 1;
                if is_stay {
                    self.stays_on.entry(executor).or_default().insert((time, game));
                }
            }
            Fact::GameLost { game } => {
                let Some(lost) = self.games.remove(&game) else { return };
                if let Some(games) = self.games_on.get_mut(&lost.claim) {
                    *games = games.saturating_sub(1);
                }
                if lost.is_stay
                    && let Some(stays) = self.stays_on.get_mut(&lost.executor)
                {
                    stays.remove(&(lost.begun_at, game));
                }
            }
            Fact::Convicted { executor, void_from } => {
                self.convicts.entry(executor).or_insert((time, void_from));
            }
            _ => {}
        }
    }

    /// The newest block is another one.
    pub fn advance(&mut self, tip: BlockRef) {
        self.tip = Some(tip);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXECUTOR: Address = Address::repeat_byte(7);

    fn view(facts: &[(Fact, u64)]) -> View {
        let mut view = View::default();
        facts.iter().for_each(|(fact, time)| view.apply(fact, 0, *time));
        view
    }

    /// By hand, from `standingOf` of the court.
    #[test]
    fn claims_stand_as_the_court_says() {
        let (claim, other, game) = (B256::repeat_byte(1), B256::repeat_byte(2), B256::repeat_byte(3));
        let begun = |is_stay| (Fact::GameBegun { game, claim, executor: EXECUTOR, is_stay }, 50);
        let lost = (Fact::GameLost { game }, 60);
        let convicted = (Fact::Convicted { executor: EXECUTOR, void_from: 70 }, 90);
        for (facts, claim, window_end, wanted) in [
            (vec![], claim, 100, Standing::Clear),
            (vec![begun(false)], claim, 10, Standing::Held),
            (vec![begun(false)], other, 100, Standing::Clear),
            (vec![begun(false), lost], claim, 100, Standing::Clear),
            (vec![begun(true)], other, 50, Standing::Held),
            (vec![begun(true)], other, 49, Standing::Clear),
            (vec![begun(true), lost], other, 100, Standing::Clear),
            (vec![convicted], other, 70, Standing::Void(90)),
            (vec![convicted], other, 69, Standing::Clear),
            (vec![begun(false), convicted], claim, 10, Standing::Void(90)),
        ] {
            assert_eq!(view(&facts).standing(&claim, EXECUTOR, window_end), wanted, "{facts:?} {window_end}");
        }
    }

    /// Claims are held whose windows end when the earliest stay that is not lost had begun, or later.
    #[test]
    fn of_two_stays_the_one_that_is_left_holds() {
        let claim = B256::repeat_byte(9);
        let game = |at: u64| B256::repeat_byte(at as u8);
        let begun = |at| {
            let (game, claim) = (game(at), B256::repeat_byte(1));
            (Fact::GameBegun { game, claim, executor: EXECUTOR, is_stay: true }, at)
        };
        let lost = |at| (Fact::GameLost { game: game(at) }, 80);
        let other = Address::repeat_byte(8);
        for (lost, held_from) in [
            (vec![], Some(50)),
            (vec![lost(50)], Some(60)),
            (vec![lost(60)], Some(50)),
            (vec![lost(60), lost(50)], None),
        ] {
            let view = view(&[vec![begun(50), begun(60)], lost.clone()].concat());
            for window_end in [49, 50, 59, 60, 100] {
                let is_held = held_from.is_some_and(|from| window_end >= from);
                let wanted = if is_held { Standing::Held } else { Standing::Clear };
                assert_eq!(view.standing(&claim, EXECUTOR, window_end), wanted, "{lost:?} {window_end}");
                assert_eq!(view.standing(&claim, other, window_end), Standing::Clear);
            }
        }
    }

    #[test]
    fn batches_are_counted_and_voided() {
        let posted = |number| (Fact::Posted { number, hash: B256::repeat_byte(number as u8) }, 10 + number);
        let view = view(&[(Fact::RegionOpened, 5), posted(0), posted(1), (Fact::Voided { number: 1 }, 30)]);
        assert!(view.is_open() && view.count() == 2 && !view.is_convict(EXECUTOR));
        assert_eq!(view.posting(0).map(|posting| (posting.posted_at, posting.voided_at)), Some((10, None)));
        assert_eq!(view.posting(1).and_then(|posting| posting.voided_at), Some(30));
    }
}

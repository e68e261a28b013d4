//! Which of the lies that are known are challenged now, and how: what money there is, shared out once over all of them.
//!
//! Owns the choice. Pure, and of plain numbers: what stands on L1 and what was begun is told to it.
//!
//! # Rules
//!
//! 1. *What was begun or failed is seen through.* What waits or is in flight is asked for as long as it is due; what could not be made,
//!    or was not taken by L1, is tried again. Neither keeps a lie behind it from being challenged.
//! 2. *One stake, many lies.* The first lie of an executor is challenged by a game, and the others wait until that is on L1. Then the
//!    next one is challenged by a stay, which holds all others.
//! 3. *No money, no stay.* A stay is begun only if there is its bond, a game's besides for the gas, and, where games would be cheaper, what
//!    the lies of all others need. Else each lie is challenged by a game. So is one whose stay waits for money: that is taken back.
//! 4. *The end of a window.* A challenge whose window is nearly over waits for no other.

use alloy_primitives::{Address, U256};

use crate::chain::LeafId;

/// A window's last part, in which no challenge waits for another: an eighth.
const HURRY_SHARE: u64 = 8;

/// How a commitment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// Nothing was sent, or it was taken back.
    Fresh,
    /// It could not be made here.
    Unmade,
    /// L1 did not take it.
    Refused,
    /// It waits, or is in flight.
    Begun {
        /// Whether it is a stay.
        is_stay: bool,
        /// Whether it was sent: then it can't be taken back.
        is_sent: bool,
        /// Wei that it locks.
        value: U256,
    },
}

/// A claim that is to be challenged, and that L1 would still take a challenge of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lie {
    /// Where it is.
    pub leaf: LeafId,
    /// The last L1 time for it.
    pub until: u64,
    /// Whether a stay was asked for.
    pub is_stay: bool,
    /// How its commitment stands.
    pub stand: Stand,
}

/// An executor with its lies that no own game or stay holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accused {
    /// Whose stake it is.
    pub executor: Address,
    /// Whether own games against it run.
    pub has_games: bool,
    /// What a stay is sent.
    pub stay_bond: U256,
    /// At least one; the first whose window ends comes first.
    pub lies: Vec<Lie>,
}

/// What a sender has for challenges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purse {
    /// Its wei; none if nobody has looked yet.
    pub balance: Option<U256>,
    /// Whether something waits for money.
    pub is_short: bool,
}

/// The numbers that the choice depends on besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Bond of a game.
    pub bond: U256,
    /// Seconds of a window.
    pub window: u64,
    /// L1 time.
    pub now: u64,
}

/// A challenge that is to be made now, or seen through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Of this claim.
    pub leaf: LeafId,
    /// The last L1 time for it.
    pub until: u64,
    /// Whether by a stay. A game where a stay was begun means that the stay is to be taken back.
    pub is_stay: bool,
}

/// Chooses. Executors whose windows end first have the money first.
#[must_use]
pub fn choose(mut accused: Vec<Accused>, purse: Purse, terms: &Terms) -> Vec<Chosen> {
    accused.retain(|accused| !accused.lies.is_empty());
    accused.iter_mut().for_each(|accused| accused.lies.sort_by_key(|lie| (lie.until, lie.leaf)));
    accused.sort_by_key(|accused| (accused.lies[0].until, accused.executor));
    let aside = accused.iter().flat_map(|accused| &accused.lies).map(Lie::aside);
    let aside = aside.fold(U256::ZERO, U256::saturating_add);
    let mut money = Money {
        free: purse.balance.map(|balance| balance.saturating_sub(aside)),
        is_short: purse.is_short,
        others: accused.iter().map(|accused| accused.need(terms)).fold(U256::ZERO, U256::saturating_add),
    };
    accused.iter().flat_map(|accused| accused.choose(&mut money, terms)).collect()
}

/// What is left to be shared out.
struct Money {
    free: Option<U256>,
    is_short: bool,
    /// What executors that were not looked at yet need at least.
    others: U256,
}

impl Money {
    fn spend(&mut self, wei: U256) {
        self.free = self.free.map(|free| free.saturating_sub(wei));
    }

    /// Whether there is so much; `unknown` if nobody knows.
    fn has(&self, wei: U256, unknown: bool) -> bool {
        self.free.map_or(unknown, |free| !self.is_short && free >= wei)
    }
}

impl Lie {
    /// Wei that are put aside for what was begun; none for a stay that was not sent, for it may be taken back.
    fn aside(&self) -> U256 {
        match self.stand {
            Stand::Begun { value, .. } if self.waiting_stay().is_none() => value,
            _ => U256::ZERO,
        }
    }

    /// Whether a game on it would still need its bond.
    fn needs_bond(&self) -> bool {
        !self.is_begun() || self.waiting_stay().is_some()
    }

    fn is_begun(&self) -> bool {
        matches!(self.stand, Stand::Begun { .. })
    }

    fn is_sent_stay(&self) -> bool {
        matches!(self.stand, Stand::Begun { is_stay: true, is_sent: true, .. })
    }

    /// What a stay that was begun and not sent will lock.
    fn waiting_stay(&self) -> Option<U256> {
        match self.stand {
            Stand::Begun { is_stay: true, is_sent: false, value } => Some(value),
            _ => None,
        }
    }

    /// Whether it waits for no other.
    fn is_urgent(&self, terms: &Terms) -> bool {
        self.until.saturating_sub(terms.now) <= terms.window / HURRY_SHARE
    }
}

impl Accused {
    /// Wei for a game on each lie.
    fn games(&self, terms: &Terms) -> U256 {
        bonds(self.lies.iter().filter(|lie| lie.needs_bond()), terms)
    }

    /// The least that all lies are challenged with: a game each, or one and a stay. A stay that was sent holds them all.
    fn need(&self, terms: &Terms) -> U256 {
        match self.has_sent_stay() {
            true => U256::ZERO,
            false => self.games(terms).min(self.stay_bond.saturating_add(terms.bond)),
        }
    }

    fn has_sent_stay(&self) -> bool {
        self.lies.iter().any(Lie::is_sent_stay)
    }

    fn choose(&self, money: &mut Money, terms: &Terms) -> Vec<Chosen> {
        money.others = money.others.saturating_sub(self.need(terms));
        let stay = self.stay_on(money, terms);
        let has_stay = stay.is_some() || self.has_sent_stay();
        // Before there is a game on L1 one of them is enough.
        let is_first_begun = self.lies.iter().any(Lie::is_begun);
        let first = self.lies.iter().position(|lie| lie.stand == Stand::Fresh).filter(|_| !is_first_begun);
        let is_next = |index: usize| !has_stay && (self.has_games || first == Some(index));
        let mut chosen = Vec::new();
        for (index, lie) in self.lies.iter().enumerate() {
            let is_stay = stay == Some(index) || lie.is_sent_stay();
            if is_stay || lie.stand != Stand::Fresh || lie.is_urgent(terms) || is_next(index) {
                chosen.push(Chosen { leaf: lie.leaf, until: lie.until, is_stay });
                if !is_stay && lie.needs_bond() {
                    money.spend(terms.bond);
                }
            }
        }
        chosen
    }

    /// The lie that a stay is begun on, or kept waiting on; its bond is spent then.
    fn stay_on(&self, money: &mut Money, terms: &Terms) -> Option<usize> {
        if self.has_sent_stay() {
            return None;
        }
        let waiting = self.lies.iter().enumerate().find_map(|(index, lie)| Some((index, lie.waiting_stay()?)));
        let (index, value) = match waiting {
            Some(waiting) => waiting,
            None => (self.stay_begins_on()?, self.stay_bond),
        };
        // Games that are made beside it, one more for the gas, and the others' where it is not the cheapest way for these lies.
        let beside = self.lies.iter().enumerate().filter(|(at, lie)| {
            *at != index && lie.needs_bond() && (lie.stand != Stand::Fresh || lie.is_urgent(terms))
        });
        let beside = bonds(beside.map(|(_, lie)| lie), terms);
        let others = if self.games(terms) < value { money.others } else { U256::ZERO };
        let wanted = [value, terms.bond, beside, others].into_iter().fold(U256::ZERO, U256::saturating_add);
        // What was asked for or begun is held on to while nobody knows the balance: it is looked at when something waits for it.
        if !money.has(wanted, waiting.is_some() || self.lies[index].is_stay) {
            return None;
        }
        money.spend(value);
        Some(index)
    }

    /// Where a stay would be begun, if one is wanted: on the first lie of which nothing was tried, else on one that could not be made. What
    /// L1 has refused is challenged by a game.
    fn stay_begins_on(&self) -> Option<usize> {
        if !self.has_games && self.lies.iter().any(Lie::is_begun) {
            return None;
        }
        let of = |stand: Stand| self.lies.iter().position(|lie| lie.stand == stand);
        let index = of(Stand::Fresh).or_else(|| of(Stand::Unmade))?;
        (self.has_games || self.lies[index].is_stay).then_some(index)
    }
}

/// Wei for a game on each of some lies.
fn bonds<'a>(lies: impl Iterator<Item = &'a Lie>, terms: &Terms) -> U256 {
    terms.bond.saturating_mul(U256::from(lies.count()))
}

#[cfg(test)]
mod tests;

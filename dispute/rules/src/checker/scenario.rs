//! Who plays: honest challengers and executors by strategy, adversaries with everything that the rules let them send.
//!
//! Owns the order of transitions of a state, which is fixed, so that a play can be repeated.

use super::honest::Wish;
use super::{Event, Transition};
use crate::state::{Court, State};
use crate::terms::{Player, Time};

/// What an adversary knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knowledge {
    /// Everything: it sends any hashes, and answers in games.
    All,
    /// What is on L1 or on its way there: it commits and reveals, and has run nothing. It hopes for a share.
    Copier,
}

/// An adversary and its means.
#[derive(Clone, Copy, Debug)]
pub struct Adversary {
    /// Who it is. An adversary may be an executor, a challenger, or both.
    pub player: Player,
    /// Most games that it opens.
    pub games_max: usize,
    /// Whether its games may be stays.
    pub may_stay: bool,
    /// What it knows.
    pub knowledge: Knowledge,
}

/// An honest challenger and the false claims that it challenges.
#[derive(Clone, Debug)]
pub struct Challenger {
    /// Who it is.
    pub player: Player,
    /// Which claims it opens games on.
    pub claims: Vec<usize>,
    /// Whether its games are stays.
    pub stays: bool,
}

/// A configuration to explore.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What is printed.
    pub name: String,
    /// Terms, machine, claims.
    pub court: Court,
    /// Honest executors, which claim what is true.
    pub honest_executors: Vec<Player>,
    /// Honest challengers.
    pub honest_challengers: Vec<Challenger>,
    /// The others.
    pub adversaries: Vec<Adversary>,
    /// Whether reorganisations replace moves.
    pub has_reorganisations: bool,
    /// What the rules may leave an honest player to pay: gas that a short pot does not cover.
    pub loss_max: i64,
}

impl Scenario {
    /// Whether a player follows the strategy.
    #[must_use]
    pub fn is_honest(&self, player: Player) -> bool {
        self.honest_executors.contains(&player) || self.honest_challengers.iter().any(|own| own.player == player)
    }

    /// When everything has an end: the last window, two clocks, and the block of the last call.
    #[must_use]
    pub fn horizon(&self) -> Time {
        let posted = self.court.claims.iter().map(|claim| claim.posted).max().unwrap_or(0);
        posted + self.court.terms.window + 2 * self.court.terms.clock + 2
    }

    /// Everything that can happen in a state; nothing at the horizon.
    pub(crate) fn transitions(&self, state: &State) -> Vec<Transition> {
        let mut transitions = Vec::new();
        if state.now >= self.horizon() {
            return transitions;
        }
        let wishes = self.wishes(state);
        let mut may_wait = true;
        for Wish { player, action, deadline } in &wishes {
            let Some(action) = action else {
                let event = Event::Tick;
                return vec![(event, Err(format!("honest player {player} has no answer")))];
            };
            let result = self.court.apply(state, *player, action, state.now);
            let is_due = deadline.is_some_and(|deadline| deadline <= state.now);
            may_wait &= !is_due;
            match result {
                Ok(next) => transitions.push((Event::Sent(*player, action.clone()), Ok(next))),
                Err(refusal) if is_due => {
                    let property = format!("honest player {player} is refused: {refusal}");
                    transitions.push((Event::Sent(*player, action.clone()), Err(property)));
                }
                // It is refused now and may be accepted later.
                Err(_) => {}
            }
        }
        self.adversaries_send(state, &wishes, &mut transitions);
        if may_wait {
            transitions.push((Event::Tick, Ok(State { now: state.now + 1, ..state.clone() })));
        }
        transitions
    }
}

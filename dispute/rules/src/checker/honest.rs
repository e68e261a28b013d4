//! What honest players want to send in a state, and by when at the latest.
//!
//! A wish with a deadline is one that the rules promise to grant: if it is refused at its deadline, a property has failed. A wish
//! without one is a transaction that was on its way when the world changed; it may be refused.

use super::scenario::{Challenger, Scenario};
use crate::apply::Action;
use crate::settlement::Fate;
use crate::state::{Phase, Side, State};
use crate::terms::{Player, Time};

/// What a player wants to send.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// Who.
    pub player: Player,
    /// What; `None` if the strategy finds no answer.
    pub action: Option<Action>,
    /// The last block time at which it must be accepted.
    pub deadline: Option<Time>,
}

impl Scenario {
    /// All wishes, in a fixed order.
    pub(crate) fn wishes(&self, state: &State) -> Vec<Wish> {
        let mut wishes = Vec::new();
        for challenger in &self.honest_challengers {
            self.wishes_to_open(state, challenger, &mut wishes);
        }
        for (index, game) in state.games.iter().enumerate() {
            for side in [Side::Challenger, Side::Executor] {
                let player = self.court.player(game, side);
                if self.is_honest(player) {
                    wishes.extend(self.wish_in_game(state, index, side, player));
                }
            }
        }
        wishes
    }

    fn wishes_to_open(&self, state: &State, challenger: &Challenger, wishes: &mut Vec<Wish>) {
        let Challenger { player, claims, stays } = challenger;
        for claim in claims {
            let is_open = state.games.iter().any(|game| game.claim == *claim && game.challenger == *player);
            if is_open || state.now < self.court.claims[*claim].posted || state.now > self.court.window_end(*claim) {
                continue;
            }
            let stake = state.executors[self.court.claims[*claim].executor].stake;
            let bond = if *stays { stake.max(self.court.terms.bond) } else { self.court.terms.bond };
            let opening = self.court.true_opening(*claim);
            let is_pending = self.court.fate(state, *claim) == Fate::Pending;
            wishes.push(Wish {
                player: *player,
                action: Some(Action::Commit { claim: *claim, opening, bond, is_stay: *stays }),
                deadline: is_pending.then(|| self.court.window_end(*claim)),
            });
        }
    }

    fn wish_in_game(&self, state: &State, index: usize, side: Side, player: Player) -> Option<Wish> {
        let game = &state.games[index];
        let (mover, expiry) = (game.mover()?, game.expiry()?);
        if mover != side {
            let is_late = state.now > expiry;
            let action = Some(Action::Timeout { game: index });
            return is_late.then_some(Wish { player, action, deadline: Some(state.now) });
        }
        let action = match &game.phase {
            Phase::Committed if state.now == game.committed => return None,
            Phase::Committed => Some(Action::Reveal { game: index, opening: game.opening.clone() }),
            Phase::Playing(position) => self.court.honest_answer(index, position),
            Phase::Ended(_) => return None,
        };
        Some(Wish { player, action, deadline: Some(expiry) })
    }
}

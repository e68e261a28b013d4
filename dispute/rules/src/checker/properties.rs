//! What must hold: in every state, after every transition, and at the end of every play.
//!
//! Each property is a sentence that fails by name. They are stated of states alone and know nothing of the rules' working.

use super::scenario::{Knowledge, Scenario};
use super::{Event, Statistics};
use crate::apply::Action;
use crate::settlement::Fate;
use crate::state::{Game, Phase, Side, State};

/// Fails with a sentence.
fn ensure(holds: bool, property: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(property()) }
}

impl Scenario {
    /// What holds in every state.
    pub(crate) fn check_state(&self, state: &State) -> Result<(), String> {
        let ledger = &state.ledger;
        let sum = ledger.players.iter().sum::<i64>() + ledger.court + ledger.burned + ledger.gas;
        ensure(sum == 0, || format!("money is not conserved: {sum}"))?;
        let stakes: i64 = state.executors.iter().map(|executor| executor.stake).sum();
        let bonds: i64 = state.games.iter().map(|game| game.bond).sum();
        ensure(ledger.court == stakes + bonds, || {
            format!("the contracts hold {} and owe {}", ledger.court, stakes + bonds)
        })?;
        for (claim, stated) in self.court.claims.iter().enumerate() {
            let fate = self.court.fate(state, claim);
            let is_late = state.now > self.court.window_end(claim) + 2 * self.court.terms.clock + 1;
            if self.honest_executors.contains(&stated.executor) {
                ensure(fate != Fate::Void, || format!("the honest claim {claim} is void"))?;
                ensure(!is_late || fate == Fate::Final, || format!("the honest claim {claim} is late"))?;
            }
            if !self.court.is_true(claim) && self.is_watched(stated.executor) {
                ensure(fate != Fate::Final, || format!("the false claim {claim} is final"))?;
                ensure(!is_late || fate == Fate::Void, || format!("the false claim {claim} is not void in time"))?;
            }
        }
        for (index, game) in state.games.iter().enumerate() {
            let Some(mover) = game.mover() else { continue };
            let player = self.court.player(game, mover);
            if !self.is_honest(player) {
                continue;
            }
            let is_in_time = game.expiry().is_some_and(|expiry| state.now <= expiry);
            ensure(is_in_time, || format!("honest player {player} has no time left in game {index}"))?;
            let is_first_turn = mover == Side::Executor && game.moves == 1;
            let left = game.left[mover as usize];
            ensure(!is_first_turn || left == self.court.terms.clock, || {
                format!("honest player {player} has {left} left in game {index} before it could move")
            })?;
            if let Phase::Playing(position) = &game.phase {
                ensure(self.court.is_true_then_false(position), || {
                    format!("in game {index} the honest player {player} faces no true start with a false end")
                })?;
            }
        }
        Ok(())
    }

    /// What holds from one state to the next.
    pub(crate) fn check_transition(
        &self,
        before: &State,
        event: &Event,
        after: &State,
        statistics: &mut Statistics,
    ) -> Result<(), String> {
        for claim in 0..self.court.claims.len() {
            let (was, is) = (self.court.fate(before, claim), self.court.fate(after, claim));
            ensure(was == Fate::Pending || was == is, || format!("claim {claim} was {was:?} and is {is:?}"))?;
        }
        for (executor, was) in before.executors.iter().enumerate() {
            let is_convicted = was.void_from.is_none() && after.executors[executor].void_from.is_some();
            let least = self.court.terms.burned(self.court.terms.stake);
            let burned = after.ledger.burned - before.ledger.burned;
            ensure(!is_convicted || burned >= least, || {
                format!("executor {executor} is convicted and {burned} burned, not {least}")
            })?;
            for claim in (0..self.court.claims.len()).filter(|_| is_convicted) {
                let is_own = self.court.claims[claim].executor == executor;
                let was_final = self.court.fate(before, claim) == Fate::Final;
                let is_void = self.court.fate(after, claim) == Fate::Void;
                ensure(!is_own || is_void != was_final, || {
                    format!("claim {claim} of the convict was {}final", if was_final { "" } else { "not " })
                })?;
            }
        }
        let mut ended = false;
        for (index, was) in before.games.iter().enumerate() {
            let Phase::Ended(winner) = &after.games[index].phase else { continue };
            let Some(_) = was.mover() else { continue };
            ended = true;
            self.check_game_end(before, event, after, (index, *winner), statistics)?;
        }
        statistics.games_ended += u64::from(ended);
        Ok(())
    }

    fn check_game_end(
        &self,
        before: &State,
        event: &Event,
        after: &State,
        (index, winner): (usize, Side),
        statistics: &mut Statistics,
    ) -> Result<(), String> {
        let was = &before.games[index];
        let executor = self.court.claims[was.claim].executor;
        if winner == Side::Executor && was.is_stay && before.executors[executor].void_from.is_none() {
            let stake = before.executors[executor].stake;
            ensure(was.bond >= stake, || format!("a stay cost {} against a stake of {stake}", was.bond))?;
        }
        self.check_reward(before, event, after, index)?;
        let loser = self.court.player(was, winner.other());
        ensure(!self.is_honest(loser), || format!("honest player {loser} loses game {index}"))?;
        if !self.is_honest(self.court.player(was, winner)) {
            return Ok(());
        }
        let spent = after.now - was.committed;
        let is_by_move = match event {
            Event::Sent(_, Action::Step { game, .. } | Action::Dissect { game, .. }) => *game == index,
            _ => false,
        };
        let limit = 2 * self.court.terms.clock + i64::from(!is_by_move);
        ensure(spent <= limit, || format!("game {index} took {spent}, not {limit}"))?;
        let is_step = matches!(event, Event::Sent(_, Action::Step { game, .. }) if *game == index);
        let moves = was.moves + u32::from(is_step);
        let most = self.court.terms.dissections(u64::from(self.court.claims[was.claim].length)) + 1;
        ensure(moves <= most, || format!("game {index} took {moves} moves, not {most}"))?;
        statistics.duration_max = statistics.duration_max.max(spent);
        statistics.moves_max = statistics.moves_max.max(moves);
        Ok(())
    }

    /// An honest challenger that convicts has a part of the remainder, unless another had opened so before it.
    fn check_reward(&self, before: &State, event: &Event, after: &State, index: usize) -> Result<(), String> {
        let was = &before.games[index];
        let player = was.challenger;
        let is_own = match event {
            Event::Sent(by, Action::Step { game, .. } | Action::Timeout { game }) => (*by, *game) == (player, index),
            _ => false,
        };
        let executor = self.court.claims[was.claim].executor;
        let is_convicting =
            before.executors[executor].void_from.is_none() && after.executors[executor].void_from.is_some();
        if !is_own || !self.is_honest(player) || !is_convicting || self.loss_max > 0 {
            return Ok(());
        }
        let others = before.games.iter().enumerate().filter(|(other, game)| *other != index && game.claim == was.claim);
        let is_ahead =
            |game: &Game| game.mover().is_none() || game.opening == was.opening && game.committed < was.committed;
        let mut others = others.map(|(_, game)| game);
        let got = after.ledger.players[player] - before.ledger.players[player];
        let owed = was.bond + was.gas[Side::Challenger as usize];
        ensure(got > owed || others.any(is_ahead), || format!("honest player {player} convicts and gets no reward"))
    }

    /// What holds at the horizon.
    pub(crate) fn check_ending(&self, state: &State) -> Result<(), String> {
        for player in 0..self.court.players {
            let stake = state.executors.get(player).map_or(0, |executor| executor.stake);
            let net = state.ledger.players[player] + stake;
            ensure(!self.is_honest(player) || net >= -self.loss_max, || {
                format!("honest player {player} is out of pocket by {}", -net)
            })?;
            let own = self.adversaries.iter().find(|adversary| adversary.player == player);
            let is_copier = own.is_some_and(|adversary| adversary.knowledge == Knowledge::Copier);
            ensure(!is_copier || net <= 0, || format!("player {player} ran nothing and gains {net}"))?;
        }
        Ok(())
    }

    /// Whether honest challengers see to an executor's claims.
    fn is_watched(&self, executor: usize) -> bool {
        let sees = |claim: &usize| self.court.claims[*claim].executor == executor;
        self.honest_challengers.iter().any(|challenger| challenger.claims.iter().any(sees))
    }
}

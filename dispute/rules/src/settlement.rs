//! What follows when a game ends: conviction, payouts, and the fate of claims.
//!
//! The contracts settle game by game when it is asked for, from running sums; here everything is settled at once, by the same
//! formulas. Payouts are credited, never pushed.

use crate::rule::Rule;
use crate::state::{Court, Game, Phase, Side, State};
use crate::terms::{Amount, Player, Time};

/// What a claim has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Its window is open, or a game or a stay holds it.
    Pending,
    /// It will not stand.
    Void,
    /// It stands.
    Final,
}

impl Court {
    /// The fate of a claim. `Void` and `Final` are for ever.
    #[must_use]
    pub fn fate(&self, state: &State, claim: usize) -> Fate {
        let ground = &state.grounds[claim];
        let executor = self.claims[claim].executor;
        let end = self.window_end(claim);
        let void_from = state.executors[executor].void_from;
        let is_caught = void_from.is_some_and(|from| end >= from || ground.open_games > 0);
        if ground.is_lost || is_caught && self.keeps(Rule::ConvictionVoids) {
            return Fate::Void;
        }
        let is_held = ground.open_games > 0 && void_from.is_none() && self.keeps(Rule::GamesHold);
        let is_stayed = self.oldest_stay(state, executor).is_some_and(|committed| end >= committed);
        if state.now <= end || is_held || is_stayed && self.keeps(Rule::StayHolds) {
            return Fate::Pending;
        }
        Fate::Final
    }

    /// When the oldest open stay against an executor was committed.
    fn oldest_stay(&self, state: &State, executor: Player) -> Option<Time> {
        let stays = state.games.iter().filter(|game| game.is_stay && game.mover().is_some());
        stays.filter(|game| self.claims[game.claim].executor == executor).map(|game| game.committed).min()
    }

    /// Ends a game.
    pub(crate) fn end(&self, next: &mut State, game: usize, winner: Side) {
        match winner {
            Side::Executor => self.end_lost_by_challenger(next, game),
            Side::Challenger => self.end_lost_by_executor(next, game),
        }
    }

    /// The bond pays the executor's gas with a margin; the rest is burned.
    fn end_lost_by_challenger(&self, next: &mut State, game: usize) {
        let Game { claim, bond, gas, .. } = next.games[game];
        let owed = (gas[Side::Executor as usize] * self.terms.margin_percent / 100).min(bond);
        let paid = if self.keeps(Rule::LoserPays) { owed } else { 0 };
        pay(next, self.claims[claim].executor, paid);
        burn(next, bond - paid);
        next.grounds[claim].open_games -= 1;
        close(&mut next.games[game], Side::Executor);
    }

    /// Convicts: slashes, pays, voids, and ends all games of the convict.
    fn end_lost_by_executor(&self, next: &mut State, game: usize) {
        let claim = next.games[game].claim;
        let executor = self.claims[claim].executor;
        next.grounds[claim].is_lost = true;
        if !self.keeps(Rule::LossConvicts) || next.executors[executor].void_from.is_some() {
            let Game { challenger, bond, .. } = next.games[game];
            pay(next, challenger, bond);
            close(&mut next.games[game], Side::Challenger);
            return;
        }
        let stay = self.oldest_stay(next, executor);
        next.executors[executor].void_from = Some(stay.map_or(next.now, |committed| committed.min(next.now)));
        self.share_out(next, game, executor);
        for other in 0..next.games.len() {
            let Game { claim, challenger, bond, .. } = next.games[other];
            let is_ended = other == game || self.keeps(Rule::ConvictionEnds);
            if is_ended && self.claims[claim].executor == executor && next.games[other].mover().is_some() {
                pay(next, challenger, bond);
                close(&mut next.games[other], Side::Challenger);
            }
        }
    }

    /// Slashes the stake: a share is burned, the pot pays gas first, then equal parts; what is left over is burned.
    fn share_out(&self, next: &mut State, convicting: usize, executor: Player) {
        let stake = std::mem::take(&mut next.executors[executor].stake);
        let burned = if self.keeps(Rule::ShareBurned) { self.terms.burned(stake) } else { 0 };
        let pot = stake - burned;
        let claim = next.games[convicting].claim;
        let games: Vec<Game> = next.games.iter().filter(|game| game.mover().is_some()).cloned().collect();
        let against = || games.iter().filter(|game| self.claims[game.claim].executor == executor);
        let owed = |game: &Game| {
            let is_paid = self.keeps(Rule::GasForAll) || game.claim == claim;
            if is_paid { game.gas[Side::Challenger as usize] } else { 0 }
        };
        let total: Amount = against().map(owed).sum();
        let mut left = pot;
        for game in against() {
            let is_short = total > pot && self.keeps(Rule::PotCaps);
            let part = if is_short { owed(game) * pot / total } else { owed(game) };
            pay(next, game.challenger, part);
            left -= part;
        }
        let opening = next.games[convicting].opening.clone();
        let ground = &next.grounds[claim];
        let is_early = |game: &Game| ground.first_reveal(&game.opening).is_some_and(|at| game.committed < at);
        let winners: Vec<Player> = against()
            .filter(|game| game.claim == claim && matches!(game.phase, Phase::Playing(_)))
            .filter(|game| is_early(game) || !self.keeps(Rule::EarlyOnly))
            .filter(|game| game.opening == opening || !self.keeps(Rule::SameOpening))
            .map(|game| game.challenger)
            .collect();
        let parts = Amount::try_from(winners.len()).expect("few games");
        let part = if parts > 0 && left > 0 { left / parts } else { 0 };
        for winner in winners {
            pay(next, winner, part);
            left -= part;
        }
        burn(next, burned + left.max(0));
    }
}

fn pay(next: &mut State, player: Player, amount: Amount) {
    next.ledger.court -= amount;
    next.ledger.players[player] += amount;
}

fn burn(next: &mut State, amount: Amount) {
    next.ledger.court -= amount;
    next.ledger.burned += amount;
}

/// Forgets everything of a game but who played it and who won.
fn close(game: &mut Game, winner: Side) {
    *game = Game {
        bond: 0,
        is_stay: false,
        committed: 0,
        opening: crate::state::Opening { boot: crate::machine::Hash(0), hashes: Vec::new() },
        phase: Phase::Ended(winner),
        left: [0; 2],
        turn_began: 0,
        gas: [0; 2],
        moves: 0,
        ..*game
    };
}

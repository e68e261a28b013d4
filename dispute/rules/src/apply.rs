//! What each action does. `apply` is the whole game: a new state, or the rule that the action breaks.
//!
//! Owns commitment, reveal, dissection, step, timeout and withdrawal. What follows when a game ends is in `settlement`.
//! An action that is refused changes nothing and costs nothing here.

use crate::machine::Hash;
use crate::rule::{Rule, Violation};
use crate::state::{Court, Game, Opening, Phase, Position, Side, State};
use crate::terms::{Amount, Player, Time};

/// An answer to the last dissection of a game.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reply {
    /// The position that it answers.
    pub answers: Position,
    /// j in 1..=m: the part that is disputed.
    pub part: usize,
    /// d_(j-1), with its proof.
    pub accepted: Hash,
    /// d_j, with its proof.
    pub disputed: Hash,
}

/// What a player can send.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Open a game on a claim.
    Commit {
        /// Index of the claim.
        claim: usize,
        /// What the commitment hides.
        opening: Opening,
        /// What is bonded.
        bond: Amount,
        /// Whether all claims of the executor shall wait for this game.
        is_stay: bool,
    },
    /// Show what was committed to.
    Reveal {
        /// Index of the game.
        game: usize,
        /// Whose hash the commitment is.
        opening: Opening,
    },
    /// Dispute one part of the opponent's dissection with another dissection of it.
    Dissect {
        /// Index of the game.
        game: usize,
        /// Which part.
        reply: Reply,
        /// d_1..d_m of that part.
        hashes: Vec<Hash>,
    },
    /// Let L1 execute the one step in question.
    Step {
        /// Index of the game.
        game: usize,
        /// Which part.
        reply: Reply,
    },
    /// End a game whose mover has run out of time.
    Timeout {
        /// Index of the game.
        game: usize,
    },
    /// An executor takes its stake out.
    Withdraw,
}

impl Court {
    /// The state after `by` has sent `action`, at block time `now`.
    ///
    /// # Errors
    /// The rule that the action breaks, or what it names that does not exist.
    ///
    /// # Panics
    /// If time goes backwards.
    pub fn apply(&self, state: &State, by: Player, action: &Action, now: Time) -> Result<State, Violation> {
        assert!(now >= state.now, "block time never falls");
        let mut next = State { now, ..state.clone() };
        let cost = match action {
            Action::Commit { claim, opening, bond, is_stay } => {
                self.commit(&mut next, by, *claim, opening, (*bond, *is_stay))?;
                self.terms.gas.commit
            }
            Action::Reveal { game, opening } => {
                self.reveal(&mut next, by, *game, opening)?;
                self.terms.gas.reveal
            }
            Action::Dissect { game, reply, hashes } => {
                self.dissect(&mut next, by, *game, reply, hashes)?;
                self.terms.gas.dissection
            }
            Action::Step { game, reply } => {
                self.step(&mut next, by, *game, reply)?;
                self.terms.gas.step
            }
            Action::Timeout { game } => {
                self.timeout(&mut next, by, *game)?;
                self.terms.gas.timeout
            }
            Action::Withdraw => {
                self.withdraw(&mut next, by)?;
                0
            }
        };
        next.ledger.players[by] -= cost;
        next.ledger.gas += cost;
        Ok(next)
    }

    /// A rule's condition: refused if it does not hold, unless the rule is dropped.
    pub(crate) fn require(&self, rule: Rule, holds: bool, got: i64, wanted: i64) -> Result<(), Violation> {
        if holds || !self.keeps(rule) { Ok(()) } else { Err(Violation::Breaks { rule, got, wanted }) }
    }

    fn commit(
        &self,
        next: &mut State,
        by: Player,
        claim: usize,
        opening: &Opening,
        (bond, is_stay): (Amount, bool),
    ) -> Result<(), Violation> {
        let count = self.claims.len();
        let executor = self.claims.get(claim).ok_or(Violation::Range { what: "claim", got: claim, count })?.executor;
        let (begin, end) = (self.claims[claim].posted, self.window_end(claim));
        self.require(Rule::CommitInWindow, (begin..=end).contains(&next.now), next.now, end)?;
        let is_live = !next.grounds[claim].is_lost && next.executors[executor].void_from.is_none();
        self.require(Rule::CommitOnLive, is_live, 0, 1)?;
        let earlier = next.games.iter().filter(|game| game.claim == claim).count();
        self.unless(Rule::ManyGames, earlier == 0)?;
        let is_against = |game: &&Game| self.claims[game.claim].executor == executor && game.mover().is_some();
        self.unless(Rule::NoStakeLocked, next.games.iter().filter(is_against).count() == 0)?;
        let bond_min = if is_stay { next.executors[executor].stake.max(self.terms.bond) } else { self.terms.bond };
        self.require(Rule::StayBond, bond >= bond_min, bond, bond_min)?;
        next.ledger.players[by] -= bond;
        next.ledger.court += bond;
        next.grounds[claim].open_games += 1;
        next.games.push(Game {
            claim,
            challenger: by,
            bond,
            is_stay,
            committed: next.now,
            opening: opening.clone(),
            phase: Phase::Committed,
            left: [self.terms.clock; 2],
            turn_began: next.now,
            gas: [self.terms.gas.commit, 0],
            moves: 0,
        });
        Ok(())
    }

    fn reveal(&self, next: &mut State, by: Player, game: usize, opening: &Opening) -> Result<(), Violation> {
        let now = next.now;
        let found = self.game(next, game)?;
        if found.phase != Phase::Committed {
            return Err(Violation::Phase { game });
        }
        let claim = self.claims[found.claim];
        self.in_time(found, now)?;
        self.require(Rule::RevealLater, now > found.committed, now, found.committed + 1)?;
        self.require(Rule::RevealBound, by == found.challenger && *opening == found.opening, 0, 1)?;
        self.exact_count(opening.hashes.len(), claim.length)?;
        let end = opening.hashes.last().and_then(|hash| self.machine.opens(*hash));
        let is_shown = end.is_some_and(|state| self.machine.odd != Some(state) || self.keeps(Rule::AnyRecordOpens));
        let contradicts = end.is_some_and(|state| self.machine.implied[usize::from(state)] != Some(claim.outcome));
        self.unless(Rule::AnyRecordOpens, is_shown)?;
        self.require(Rule::OpeningContradicts, contradicts, 0, 1)?;
        let boot = if self.keeps(Rule::BootComputed) { self.machine.boot() } else { opening.boot };
        let hashes = std::iter::once(boot).chain(opening.hashes.iter().copied()).collect();
        let position = Position { mover: Side::Executor, start: 0, length: claim.length, hashes };
        let index = found.claim;
        // A stranger that reveals another's opening, were that allowed, takes the game over.
        next.games[game].challenger = by;
        self.advance(&mut next.games[game], now, Side::Challenger, self.terms.gas.reveal);
        next.games[game].opening = opening.clone();
        next.games[game].phase = Phase::Playing(position);
        let ground = &mut next.grounds[index];
        if ground.first_reveal(opening).is_none() {
            ground.first_reveals.push((opening.clone(), now));
            // Their order is no part of the state.
            ground.first_reveals.sort_by(|a, b| (&a.0.hashes, a.0.boot).cmp(&(&b.0.hashes, b.0.boot)));
        }
        Ok(())
    }

    fn dissect(
        &self,
        next: &mut State,
        by: Player,
        game: usize,
        reply: &Reply,
        hashes: &[Hash],
    ) -> Result<(), Violation> {
        let (side, start, length) = self.answer(next, by, game, reply)?;
        self.require(Rule::StepAtOne, length > 1, i64::from(length), 2)?;
        self.exact_count(hashes.len(), length)?;
        self.require(Rule::EndDiffers, hashes.last() != Some(&reply.disputed), i64::from(reply.disputed.0), -1)?;
        let hashes = std::iter::once(reply.accepted).chain(hashes.iter().copied()).collect();
        let now = next.now;
        self.advance(&mut next.games[game], now, side, self.terms.gas.dissection);
        next.games[game].phase = Phase::Playing(Position { mover: side.other(), start, length, hashes });
        Ok(())
    }

    fn step(&self, next: &mut State, by: Player, game: usize, reply: &Reply) -> Result<(), Violation> {
        let (side, _, length) = self.answer(next, by, game, reply)?;
        self.require(Rule::StepAtOne, length == 1, i64::from(length), 1)?;
        // A hash that opens to nothing has no record and no witness: such a step can't be sent.
        let Some(state) = self.machine.opens(reply.accepted) else { return Err(Violation::Phase { game }) };
        self.unless(Rule::StepTotal, self.machine.unsteppable != Some(state))?;
        let outcome = self.machine.successors[usize::from(state)];
        let wins = outcome != reply.disputed.0;
        self.require(Rule::StepDiffers, wins, i64::from(outcome), i64::from(reply.disputed.0))?;
        let now = next.now;
        self.advance(&mut next.games[game], now, side, self.terms.gas.step);
        self.end(next, game, side);
        Ok(())
    }

    fn timeout(&self, next: &mut State, by: Player, game: usize) -> Result<(), Violation> {
        let found = self.game(next, game)?;
        let (Some(mover), Some(expiry)) = (found.mover(), found.expiry()) else {
            return Err(Violation::Phase { game });
        };
        let is_late = next.now > expiry || !self.keeps(Rule::TimeoutLate) && next.now == expiry;
        if !is_late {
            return Err(Violation::Breaks { rule: Rule::TimeoutLate, got: next.now, wanted: expiry + 1 });
        }
        let winner = mover.other();
        if by == self.player(found, winner) {
            next.games[game].gas[winner as usize] += self.terms.gas.timeout;
        }
        self.end(next, game, winner);
        Ok(())
    }

    fn withdraw(&self, next: &mut State, by: Player) -> Result<(), Violation> {
        let count = self.executors;
        let executor = next.executors.get_mut(by).ok_or(Violation::Range { what: "executor", got: by, count })?;
        let own = |claim: usize| self.claims[claim].executor == by;
        let last = self.claims.iter().filter(|claim| claim.executor == by).map(|claim| claim.posted).max();
        let free = last.map_or(0, |posted| posted + self.terms.window + 2 * self.terms.clock + 1);
        let is_bound = next.games.iter().any(|game| own(game.claim) && game.mover().is_some());
        self.require(Rule::WithdrawLate, next.now >= free && !is_bound, next.now, free)?;
        next.ledger.players[by] += executor.stake;
        next.ledger.court -= executor.stake;
        executor.stake = 0;
        Ok(())
    }

    /// What every answer must satisfy. Gives the side that answers, first step and length of the part.
    fn answer(&self, next: &State, by: Player, game: usize, reply: &Reply) -> Result<(Side, u32, u32), Violation> {
        let found = self.game(next, game)?;
        let Phase::Playing(position) = &found.phase else { return Err(Violation::Phase { game }) };
        let is_movers = by == self.player(found, position.mover);
        self.require(Rule::SideToMove, is_movers, by as i64, self.player(found, position.mover) as i64)?;
        let side = if is_movers { position.mover } else { position.mover.other() };
        if by != self.player(found, side) {
            return Err(Violation::Range { what: "player of the game", got: by, count: 2 });
        }
        self.require(Rule::AnswersState, reply.answers == *position, 0, 1)?;
        self.in_time(found, next.now)?;
        if !(1..=position.parts()).contains(&reply.part) {
            return Err(Violation::Range { what: "part", got: reply.part, count: position.parts() });
        }
        let (accepted, disputed) = (position.hashes[reply.part - 1], position.hashes[reply.part]);
        let number = |hash: Hash| i64::from(hash.0);
        self.require(Rule::DisputedProven, reply.disputed == disputed, number(reply.disputed), number(disputed))?;
        self.require(Rule::AcceptedProven, reply.accepted == accepted, number(reply.accepted), number(accepted))?;
        let (start, end) = (position.boundary(reply.part - 1), position.boundary(reply.part));
        Ok((side, start, end - start))
    }

    fn game<'a>(&self, state: &'a State, game: usize) -> Result<&'a Game, Violation> {
        state.games.get(game).ok_or(Violation::Range { what: "game", got: game, count: state.games.len() })
    }

    /// The player of a side.
    #[must_use]
    pub fn player(&self, game: &Game, side: Side) -> Player {
        match side {
            Side::Challenger => game.challenger,
            Side::Executor => self.claims[game.claim].executor,
        }
    }

    fn in_time(&self, game: &Game, now: Time) -> Result<(), Violation> {
        let expiry = game.expiry().unwrap_or(now);
        self.require(Rule::WithinClock, now <= expiry, now, expiry)
    }

    fn exact_count(&self, got: usize, length: u32) -> Result<(), Violation> {
        let wanted = self.terms.parts(length);
        self.require(Rule::ExactCount, got == wanted as usize, got as i64, i64::from(wanted))
    }

    /// A condition that holds only where the rule is dropped.
    fn unless(&self, rule: Rule, holds: bool) -> Result<(), Violation> {
        if self.keeps(rule) || holds { Ok(()) } else { Err(Violation::Breaks { rule, got: 0, wanted: 1 }) }
    }

    /// Charges the clocks for the turn that ends, and books the gas of the move.
    fn advance(&self, game: &mut Game, now: Time, side: Side, gas: Amount) {
        let spent = now - game.turn_began;
        game.left[side as usize] -= spent;
        if !self.keeps(Rule::MoverPays) {
            game.left[side.other() as usize] -= spent;
        }
        if !self.keeps(Rule::OneClock) {
            game.left[side as usize] = self.terms.clock;
        }
        game.turn_began = now;
        game.gas[side as usize] += gas;
        game.moves += 1;
    }
}

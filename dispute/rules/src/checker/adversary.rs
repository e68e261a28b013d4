//! Every action that an adversary can send in a state.
//!
//! What the rules refuse is not sent, unless the rule is dropped: then the actions that it forbids are sent too.

use super::honest::Wish;
use super::scenario::{Adversary, Knowledge, Scenario};
use super::{Event, Transition};
use crate::apply::{Action, Reply};
use crate::machine::Hash;
use crate::rule::Rule;
use crate::state::{Opening, Phase, Position, State};
use crate::terms::Player;

impl Scenario {
    /// Adds what adversaries can do.
    pub(crate) fn adversaries_send(&self, state: &State, wishes: &[Wish], transitions: &mut Vec<Transition>) {
        for adversary in &self.adversaries {
            for action in self.actions(state, adversary, wishes) {
                if let Ok(next) = self.court.apply(state, adversary.player, &action, state.now) {
                    transitions.push((Event::Sent(adversary.player, action), Ok(next)));
                }
            }
            if adversary.knowledge == Knowledge::Copier {
                self.front_run(state, adversary, wishes, transitions);
            }
        }
        if self.has_reorganisations {
            self.reorganise(state, transitions);
        }
    }

    fn actions(&self, state: &State, adversary: &Adversary, wishes: &[Wish]) -> Vec<Action> {
        let player = adversary.player;
        let mut actions = Vec::new();
        let own = state.games.iter().filter(|game| game.challenger == player).count();
        if own < adversary.games_max {
            for claim in 0..self.court.claims.len() {
                let openings = self.openings(claim);
                let is_known = |opening: &Opening| {
                    let has_run = adversary.knowledge == Knowledge::All;
                    has_run
                        || state.grounds[claim].first_reveal(opening).is_some()
                        || *opening != self.court.true_opening(claim)
                };
                actions.extend(
                    openings
                        .into_iter()
                        .filter(is_known)
                        .flat_map(|opening| self.commitments(state, adversary, claim, opening)),
                );
            }
        }
        for (game, found) in state.games.iter().enumerate() {
            if found.phase == Phase::Committed && found.challenger == player {
                actions.push(Action::Reveal { game, opening: found.opening.clone() });
            }
            if adversary.knowledge == Knowledge::Copier {
                continue;
            }
            if let Phase::Playing(position) = &found.phase {
                let is_mover = self.court.player(found, position.mover) == player;
                let is_player = is_mover || self.court.player(found, position.mover.other()) == player;
                if is_mover || is_player && !self.court.keeps(Rule::SideToMove) {
                    actions.extend(self.replies(game, position));
                }
            }
            // Nobody ends its own loss: who colludes with the opponent lets the opponent call.
            if found.mover().is_some_and(|mover| self.court.player(found, mover) != player) {
                actions.push(Action::Timeout { game });
            }
        }
        if player < self.court.executors && state.executors[player].stake > 0 {
            actions.push(Action::Withdraw);
        }
        if !self.court.keeps(Rule::RevealBound) {
            actions.extend(wishes.iter().filter_map(|wish| wish.action.clone()).filter(is_reveal));
        }
        actions
    }

    fn commitments(&self, state: &State, adversary: &Adversary, claim: usize, opening: Opening) -> Vec<Action> {
        let stake = state.executors[self.court.claims[claim].executor].stake;
        let bond = self.court.terms.bond;
        let mut commitments = vec![Action::Commit { claim, opening: opening.clone(), bond, is_stay: false }];
        if adversary.may_stay {
            let bond = if self.court.keeps(Rule::StayBond) { stake.max(bond) } else { bond };
            commitments.push(Action::Commit { claim, opening, bond, is_stay: true });
        }
        commitments
    }

    /// A copier sees an honest reveal on its way and puts its own transactions before it, in the same block.
    fn front_run(&self, state: &State, adversary: &Adversary, wishes: &[Wish], transitions: &mut Vec<Transition>) {
        let player = adversary.player;
        let apply = |state: &State, by: Player, action: &Action| self.court.apply(state, by, action, state.now).ok();
        for wish in wishes {
            let Some(seen @ Action::Reveal { game, opening }) = &wish.action else { continue };
            let claim = state.games[*game].claim;
            let own = state.games.iter().filter(|game| game.challenger == player).count();
            let mut push = |action: &Action, after: Option<State>| {
                if let Some(next) = after.and_then(|state| apply(&state, wish.player, seen)) {
                    transitions.push((Event::FrontRun(player, action.clone()), Ok(next)));
                }
            };
            if own < adversary.games_max {
                for commit in self.commitments(state, adversary, claim, opening.clone()) {
                    let committed = apply(state, player, &commit);
                    push(&commit, committed.clone());
                    let reveal = Action::Reveal { game: state.games.len(), opening: opening.clone() };
                    push(&commit, committed.and_then(|state| apply(&state, player, &reveal)));
                }
            }
            for (index, game) in state.games.iter().enumerate() {
                if game.challenger == player && game.phase == Phase::Committed {
                    let reveal = Action::Reveal { game: index, opening: opening.clone() };
                    push(&reveal, apply(state, player, &reveal));
                }
            }
        }
    }

    /// An adversary's move is replaced by another of its moves; the honest answer to the first lands on the second.
    fn reorganise(&self, state: &State, transitions: &mut Vec<Transition>) {
        for (game, found) in state.games.iter().enumerate() {
            let Phase::Playing(position) = &found.phase else { continue };
            let (mover, answering) =
                (self.court.player(found, position.mover), self.court.player(found, position.mover.other()));
            if self.is_honest(mover) || !self.is_honest(answering) {
                continue;
            }
            let replies = self.replies(game, position);
            let after: Vec<_> = replies
                .iter()
                .filter_map(|reply| Some((reply, self.court.apply(state, mover, reply, state.now).ok()?)))
                .collect();
            for (first, seen) in &after {
                let Phase::Playing(position) = &seen.games[game].phase else { continue };
                let Some(answer) = self.court.honest_answer(game, position) else { continue };
                for (second, real) in after.iter().filter(|(second, _)| second != first) {
                    if let Ok(next) = self.court.apply(real, answering, &answer, state.now) {
                        let event = Event::Reorganised(mover, (*first).clone(), (*second).clone());
                        transitions.push((event, Ok(next)));
                    }
                }
            }
        }
    }

    /// Every hash that is worth sending: each state's, and one that opens to nothing.
    fn alphabet(&self) -> Vec<Hash> {
        (0..=self.court.machine.count()).map(Hash).collect()
    }

    /// All sequences of a length over the alphabet.
    fn sequences(&self, length: u32) -> Vec<Vec<Hash>> {
        (0..length).fold(vec![Vec::new()], |sequences, _| {
            let extend = |sequence: Vec<Hash>| {
                self.alphabet().into_iter().map(move |hash| [sequence.as_slice(), &[hash]].concat())
            };
            sequences.into_iter().flat_map(extend).collect()
        })
    }

    fn counted_sequences(&self, length: u32) -> Vec<Vec<Hash>> {
        let mut sequences = self.sequences(self.court.terms.parts(length));
        if !self.court.keeps(Rule::ExactCount) {
            sequences.push(Vec::new());
        }
        sequences
    }

    /// Openings that L1 would accept at the reveal; one that it would not is a commitment that is never revealed.
    fn openings(&self, claim: usize) -> Vec<Opening> {
        let boots =
            if self.court.keeps(Rule::BootComputed) { vec![self.court.machine.boot()] } else { self.alphabet() };
        let wrong = |hashes: &Vec<Hash>| {
            let end = hashes.last().and_then(|hash| self.court.machine.opens(*hash));
            let outcome = end.map(|state| self.court.machine.implied[usize::from(state)]);
            outcome.is_some_and(|outcome| outcome != Some(self.court.claims[claim].outcome))
        };
        let is_bound = self.court.keeps(Rule::OpeningContradicts);
        let sequences = self.counted_sequences(self.court.claims[claim].length);
        let sequences = sequences.into_iter().filter(|hashes| !is_bound || wrong(hashes));
        sequences
            .flat_map(|hashes| boots.iter().map(move |boot| Opening { boot: *boot, hashes: hashes.clone() }))
            .collect()
    }

    /// Every answer to a position.
    fn replies(&self, game: usize, position: &Position) -> Vec<Action> {
        let mut actions = Vec::new();
        for part in 1..=position.parts() {
            let free = |rule: Rule, own: Hash| if self.court.keeps(rule) { vec![own] } else { self.alphabet() };
            let length = position.boundary(part) - position.boundary(part - 1);
            for accepted in free(Rule::AcceptedProven, position.hashes[part - 1]) {
                for disputed in free(Rule::DisputedProven, position.hashes[part]) {
                    let reply = Reply { answers: position.clone(), part, accepted, disputed };
                    if length == 1 || !self.court.keeps(Rule::StepAtOne) {
                        actions.push(Action::Step { game, reply: reply.clone() });
                    }
                    if length > 1 || !self.court.keeps(Rule::StepAtOne) {
                        let sequences = self.counted_sequences(length).into_iter();
                        let dissect = |hashes| Action::Dissect { game, reply: reply.clone(), hashes };
                        actions.extend(sequences.map(dissect));
                    }
                }
            }
        }
        actions
    }
}

const fn is_reveal(action: &Action) -> bool {
    matches!(action, Action::Reveal { .. })
}

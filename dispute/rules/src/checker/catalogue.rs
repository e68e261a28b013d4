//! The configurations that are explored, and for each rule the one that shows what it is good for.
//!
//! Duels are one game on every machine of a few states; courts are several claims and games on one small machine.

use super::scenario::{Adversary, Challenger, Knowledge, Scenario};
use crate::machine::{Machine, Outcome};
use crate::rule::Rule;
use crate::state::{Claim, Court};
use crate::terms::{Gas, Player, Terms, Time};

/// Toy numbers with the relations of a preset: the pot covers the gas of a few games, a bond the executor's gas with its margin.
pub const TERMS: Terms = Terms {
    arity: 2,
    window: 1,
    clock: 2,
    stake: 200,
    bond: 20,
    burned_percent: 60,
    margin_percent: 125,
    gas: Gas { commit: 1, reveal: 2, dissection: 3, step: 4, timeout: 1 },
};

/// A group of scenarios that the table shows as one line.
#[derive(Clone, Debug)]
pub struct Group {
    /// What is printed.
    pub name: &'static str,
    /// What is explored.
    pub scenarios: Vec<Scenario>,
}

/// 0 runs to 1, which is halted; 2 is halted too and never reached.
#[must_use]
pub fn one_step() -> Machine {
    Machine::new(&[1, 1, 2], &[None, Some(1), Some(2)])
}

fn claim(executor: Player, outcome: u8, length: u32, posted: Time) -> Claim {
    Claim { executor, outcome: Outcome(outcome), length, posted }
}

fn adversary(player: Player, games_max: usize) -> Adversary {
    Adversary { player, games_max, may_stay: false, knowledge: Knowledge::All }
}

fn copier(player: Player) -> Adversary {
    Adversary { knowledge: Knowledge::Copier, ..adversary(player, 1) }
}

fn honest(player: Player, claims: &[usize]) -> Challenger {
    Challenger { player, claims: claims.to_vec(), stays: false }
}

fn scenario(name: &str, terms: Terms, machine: Machine, claims: &[Claim], players: usize) -> Scenario {
    let executors = claims.iter().map(|claim| claim.executor + 1).max().unwrap_or(0);
    let court = Court { terms, machine, claims: claims.to_vec(), players, executors, dropped: None };
    Scenario {
        name: name.to_owned(),
        court,
        honest_executors: Vec::new(),
        honest_challengers: Vec::new(),
        adversaries: Vec::new(),
        has_reorganisations: false,
        loss_max: 0,
    }
}

/// One game about one claim of a machine: the executor is honest where the claim is true, the challenger where it is false.
#[must_use]
pub fn duel(terms: Terms, machine: &Machine, outcome: u8, length: u32) -> Scenario {
    let name = format!("duel, outcome {outcome} of {:?} after {length}", machine.successors);
    let scenario = scenario(&name, terms, machine.clone(), &[claim(0, outcome, length, 0)], 2);
    if scenario.court.is_true(0) {
        Scenario { honest_executors: vec![0], adversaries: vec![adversary(1, 1)], ..scenario }
    } else {
        Scenario { honest_challengers: vec![honest(1, &[0])], adversaries: vec![adversary(0, 0)], ..scenario }
    }
}

/// Duels about every outcome of every machine of a size.
fn duels(terms: Terms, states: u8, halted: u8, lengths: &[u32], has_reorganisations: bool) -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for machine in Machine::all(states, halted) {
        for length in lengths {
            for outcome in states - halted..states {
                scenarios.push(Scenario { has_reorganisations, ..duel(terms, &machine, outcome, *length) });
            }
        }
    }
    scenarios
}

/// An honest executor with a true claim against two challengers, who may stay its claims.
#[must_use]
pub fn besieged(terms: Terms, length: u32, games_max: usize, may_stay: bool) -> Scenario {
    let scenario = scenario("besieged", terms, one_step(), &[claim(0, 1, length, 0), claim(0, 1, length, 1)], 3);
    let adversaries =
        vec![Adversary { may_stay, ..adversary(1, games_max) }, Adversary { may_stay, ..adversary(2, 1) }];
    Scenario { honest_executors: vec![0], adversaries, ..scenario }
}

/// A liar with a friend, and an honest challenger on each of its false claims.
#[must_use]
pub fn liar_with_friend(terms: Terms, length: u32, friends: usize, posted: &[Time]) -> Scenario {
    let claims: Vec<Claim> = posted.iter().map(|posted| claim(0, 2, length, *posted)).collect();
    let all: Vec<usize> = (0..claims.len()).collect();
    let scenario = scenario("liar with friend", terms, one_step(), &claims, 3);
    let adversaries = vec![adversary(0, 0), adversary(2, friends)];
    Scenario { honest_challengers: vec![honest(1, &all)], adversaries, ..scenario }
}

/// A liar with several false claims; the honest challenger stays them all by one game on the first.
#[must_use]
pub fn stayed_liar(terms: Terms, length: u32, friends: usize, posted: &[Time]) -> Scenario {
    let scenario = liar_with_friend(terms, length, friends, posted);
    let challenger = Challenger { stays: true, ..honest(1, &[0]) };
    let adversaries = vec![adversary(0, 0), Adversary { may_stay: true, ..adversary(2, friends) }];
    Scenario { name: "stayed liar".to_owned(), honest_challengers: vec![challenger], adversaries, ..scenario }
}

/// A liar, its friend, and two honest challengers.
#[must_use]
pub fn two_watchers(terms: Terms, length: u32) -> Scenario {
    let scenario = scenario("two watchers", terms, one_step(), &[claim(0, 2, length, 0)], 4);
    let honest_challengers = vec![honest(1, &[0]), honest(2, &[0])];
    Scenario { honest_challengers, adversaries: vec![adversary(0, 0), adversary(3, 1)], ..scenario }
}

/// A liar that does not collude, an honest challenger, and one that has run nothing.
#[must_use]
pub fn copied(terms: Terms, length: u32) -> Scenario {
    let scenario = scenario("copied", terms, one_step(), &[claim(0, 2, length, 0)], 3);
    let adversaries = vec![adversary(0, 0), copier(2)];
    Scenario { honest_challengers: vec![honest(1, &[0])], adversaries, ..scenario }
}

/// An honest executor and a liar in one court; an honest challenger, and a dishonest one against both.
#[must_use]
pub fn mixed(terms: Terms, length: u32) -> Scenario {
    let claims = [claim(0, 1, length, 0), claim(1, 2, length, 0)];
    let scenario = scenario("mixed", terms, one_step(), &claims, 4);
    let adversaries = vec![adversary(1, 0), adversary(3, 2)];
    Scenario { honest_executors: vec![0], honest_challengers: vec![honest(2, &[1])], adversaries, ..scenario }
}

/// A liar whose friends' gas exceeds the pot: the honest challenger gets its part of it, pro rata.
#[must_use]
pub fn short_pot() -> Scenario {
    let terms = Terms { stake: 20, bond: 10, ..TERMS };
    let scenario = liar_with_friend(terms, 1, 2, &[0]);
    Scenario { name: "short pot".to_owned(), loss_max: 8, ..scenario }
}

/// A machine whose true end is a record that is not canonical.
#[must_use]
pub fn odd_end() -> Scenario {
    let machine = Machine { odd: Some(1), ..one_step() };
    duel(TERMS, &machine, 2, 1)
}

/// A machine with a state from which only a partial step function would refuse to go on.
#[must_use]
pub fn hard_state() -> Scenario {
    let machine = Machine { unsteppable: Some(0), ..one_step() };
    duel(TERMS, &machine, 1, 1)
}

/// What a test explores: seconds.
#[must_use]
pub fn short() -> Vec<Group> {
    let arity3 = Terms { arity: 3, ..TERMS };
    let group = |name, scenarios| Group { name, scenarios };
    vec![
        group("duels, 2 states, arity 2, N = 1, 2, 4, reorganisations", duels(TERMS, 2, 1, &[1, 2, 4], true)),
        group("duels, 3 states, arity 2, N = 4", duels(TERMS, 3, 2, &[4], false)),
        group("duels, 2 states, arity 3, N = 3, 5", duels(arity3, 2, 1, &[3, 5], false)),
        group("end not canonical; state that is hard to step", vec![odd_end(), hard_state()]),
        group("besieged honest executor, 2 stays, 2 claims, N = 1", vec![besieged(TERMS, 1, 1, true)]),
        group("besieged honest executor, 2 games, 2 claims, N = 2", vec![besieged(TERMS, 2, 1, false)]),
        group("liar, friend with 2 games, 1 false claim, N = 1", vec![liar_with_friend(TERMS, 1, 2, &[0])]),
        group("liar, friend, 1 false claim, N = 2", vec![liar_with_friend(TERMS, 2, 1, &[0])]),
        group("liar, friend, 2 false claims, N = 1", vec![liar_with_friend(TERMS, 1, 1, &[0, 1])]),
        group("liar, friend who may stay, 3 false claims, 1 stay, N = 1", vec![stayed_liar(TERMS, 1, 1, &[0, 0, 1])]),
        group("liar, friend, 2 honest challengers, N = 1", vec![two_watchers(TERMS, 1)]),
        group("liar, friend with 2 games, short pot, N = 1", vec![short_pot()]),
        group("liar, copier, N = 1, 2", vec![copied(TERMS, 1), copied(TERMS, 2)]),
        group("honest and lying executor, challengers of both, N = 1", vec![mixed(TERMS, 1)]),
    ]
}

/// Everything: minutes, in release.
#[must_use]
pub fn full() -> Vec<Group> {
    let arity3 = Terms { arity: 3, ..TERMS };
    let patient = Terms { clock: 3, window: 2, ..TERMS };
    let group = |name, scenarios| Group { name, scenarios };
    let mut groups = short();
    groups.extend([
        group("duels, 3 states, arity 2, N = 2, 4, 8, K = 3", duels(patient, 3, 1, &[2, 4, 8], false)),
        group("duels, 3 states, arity 2, N = 3, 5, 6, 7, 16", duels(TERMS, 3, 2, &[3, 5, 6, 7, 16], false)),
        group("duels, 3 states, arity 3, N = 4, 9", duels(arity3, 3, 1, &[4, 9], false)),
        group("duels, 3 states, arity 2, N = 4, 9, reorganisations", duels(TERMS, 3, 1, &[4, 9], true)),
        group("duels, 4 states, arity 2, N = 4", duels(TERMS, 4, 2, &[4], false)),
        group("besieged honest executor, 3 games, 2 claims, N = 1", vec![besieged(TERMS, 1, 2, false)]),
        group("besieged honest executor, 2 stays, 2 claims, N = 1, K = 3", vec![besieged(patient, 1, 1, true)]),
        group("liar, friend with 2 games, 1 false claim, N = 1, K = 3", vec![liar_with_friend(patient, 1, 2, &[0])]),
        group("liar, friend with 3 games, 1 false claim, N = 1", vec![liar_with_friend(TERMS, 1, 3, &[0])]),
        group("liar, friend, 1 false claim, N = 4", vec![liar_with_friend(TERMS, 4, 1, &[0])]),
        group("liar, friend, 1 false claim, arity 3, N = 3", vec![liar_with_friend(arity3, 3, 1, &[0])]),
        group("liar, friend with 2 stays, 3 false claims, N = 1, K = 3", vec![stayed_liar(patient, 1, 2, &[0, 1, 2])]),
        group("liar, friend, 2 honest challengers, N = 2", vec![two_watchers(TERMS, 2)]),
        group("honest and lying executor, challengers of both, N = 2", vec![mixed(TERMS, 2)]),
    ]);
    groups
}

/// The scenario in which a rule, once dropped, is missed.
#[must_use]
pub fn without(rule: Rule) -> Scenario {
    let clock1 = Terms { clock: 1, ..TERMS };
    let wide = Terms { clock: 1, window: 4, ..TERMS };
    let base = match rule {
        Rule::AnyRecordOpens => odd_end(),
        Rule::StepTotal => hard_state(),
        Rule::CommitInWindow | Rule::BootComputed | Rule::OpeningContradicts => duel(clock1, &one_step(), 1, 1),
        // The dishonest challenger has the last move: it answers the executor's dissection of a part of two steps.
        Rule::SideToMove
        | Rule::TimeoutLate
        | Rule::OneClock
        | Rule::MoverPays
        | Rule::DisputedProven
        | Rule::AcceptedProven
        | Rule::StepAtOne
        | Rule::StepDiffers => duel(TERMS, &one_step(), 1, 4),
        // The dishonest executor dissects, the honest challenger has the last move.
        Rule::WithinClock | Rule::ExactCount | Rule::EndDiffers => duel(TERMS, &one_step(), 2, 4),
        // States repeat while parts have different lengths: what answers one part is wrong for the other.
        Rule::AnswersState => {
            let machine = Machine::new(&[1, 0, 2], &[None, None, Some(2)]);
            Scenario { has_reorganisations: true, ..duel(clock1, &machine, 2, 9) }
        }
        Rule::RevealBound | Rule::EarlyOnly | Rule::SameOpening => copied(TERMS, 1),
        Rule::StayBond | Rule::LoserPays => besieged(clock1, 1, 1, true),
        Rule::ConvictionVoids | Rule::LossConvicts | Rule::StayHolds => stayed_liar(clock1, 1, 0, &[0, 1]),
        Rule::PotCaps => short_pot(),
        Rule::GasForAll => liar_with_friend(clock1, 1, 1, &[0, 0]),
        Rule::CommitOnLive => liar_with_friend(wide, 1, 1, &[0]),
        Rule::ManyGames
        | Rule::RevealLater
        | Rule::NoStakeLocked
        | Rule::ConvictionEnds
        | Rule::GamesHold
        | Rule::WithdrawLate
        | Rule::ShareBurned => liar_with_friend(clock1, 1, 1, &[0]),
    };
    Scenario { court: Court { dropped: Some(rule), ..base.court.clone() }, ..base }
}

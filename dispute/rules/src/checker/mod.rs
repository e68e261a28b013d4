//! Plays every game: a breadth-first search over all that adversaries can send, at every instant, in every order.
//!
//! ```text
//! scenario    who plays, what each may do
//! adversary   every action that an adversary can send
//! catalogue   the configurations that are explored
//! honest      what honest players want to send, and until when
//! properties  what must hold in every state, after every transition, at the end
//! ```
//!
//! Time is discrete and bounded. Honest transactions land when the adversary likes, at the latest at their deadline: that is
//! what a clock grants. A counterexample is a shortest one. States are told apart by 128-bit fingerprints.

pub mod adversary;
pub mod catalogue;
pub mod honest;
pub mod properties;
pub mod scenario;

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher};

use crate::apply::Action;
use crate::state::State;
use crate::terms::Player;
use scenario::Scenario;

/// What leads from one state to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A player's transaction is included.
    Sent(Player, Action),
    /// An adversary includes its own transaction before an honest one that it has seen, in one block.
    FrontRun(Player, Action),
    /// A reorganisation replaces an adversary's move by another, and the honest answer to the first lands after the second.
    Reorganised(Player, Action, Action),
    /// A block time passes.
    Tick,
}

/// What a finished search has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Distinct states.
    pub states: u64,
    /// Transitions, those to known states included.
    pub transitions: u64,
    /// Transitions that end at least one game.
    pub games_ended: u64,
    /// Plays that reached the horizon, counted by last state.
    pub endings: u64,
    /// Longest game with an honest player in it, in block times.
    pub duration_max: i64,
    /// Most moves of such a game: opening, dissections, step.
    pub moves_max: u32,
}

impl Statistics {
    /// Adds those of another search.
    pub fn add(&mut self, other: &Self) {
        self.states += other.states;
        self.transitions += other.transitions;
        self.games_ended += other.games_ended;
        self.endings += other.endings;
        self.duration_max = self.duration_max.max(other.duration_max);
        self.moves_max = self.moves_max.max(other.moves_max);
    }
}

/// A property that failed, and a shortest play to it.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// What failed.
    pub property: String,
    /// The events from the beginning.
    pub events: Vec<Event>,
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, after {} events:", self.property, self.events.len())?;
        let mut now = 0;
        for event in &self.events {
            match event {
                Event::Tick => now += 1,
                Event::Sent(by, action) => writeln!(f, "  t={now} player {by}: {}", shown(action))?,
                Event::FrontRun(by, action) => writeln!(f, "  t={now} player {by}, ahead: {}", shown(action))?,
                Event::Reorganised(by, first, second) => {
                    writeln!(f, "  t={now} player {by}: {}, replaced by {}", shown(first), shown(second))?;
                }
            }
        }
        Ok(())
    }
}

/// An action in one line.
fn shown(action: &Action) -> String {
    let values = |hashes: &[crate::machine::Hash]| hashes.iter().map(|hash| hash.0).collect::<Vec<_>>();
    match action {
        Action::Commit { claim, opening, is_stay, .. } => {
            let kind = if *is_stay { "commit a stay" } else { "commit" };
            format!("{kind} on claim {claim}, opening {:?}", values(&opening.hashes))
        }
        Action::Reveal { game, opening } => format!("reveal game {game}, opening {:?}", values(&opening.hashes)),
        Action::Dissect { game, reply, hashes } => format!(
            "dissect game {game}, part {} from {} against {} into {:?}",
            reply.part,
            reply.accepted.0,
            reply.disputed.0,
            values(hashes)
        ),
        Action::Step { game, reply } => {
            format!("step game {game}, part {} from {} against {}", reply.part, reply.accepted.0, reply.disputed.0)
        }
        Action::Timeout { game } => format!("timeout of game {game}"),
        Action::Withdraw => "withdraw".to_owned(),
    }
}

/// A state that a transition leads to, or the property that fails on the way.
pub(crate) type Transition = (Event, Result<State, String>);

/// How many states a search may visit before it gives up, so that a scenario that explodes is noticed.
const STATES_MAX: usize = 40_000_000;

/// Explores a scenario.
///
/// # Errors
/// A shortest counterexample, if a property fails.
///
/// # Panics
/// If the scenario has more states than a search may visit.
pub fn explore(scenario: &Scenario) -> Result<Statistics, Box<Counterexample>> {
    let mut statistics = Statistics::default();
    let mut seen = HashSet::new();
    // Of each state: the state that it was first reached from, and by which of its transitions.
    let mut origins: Vec<(u32, u32)> = vec![(0, 0)];
    let genesis = scenario.court.genesis();
    seen.insert(fingerprint(&genesis));
    let mut frontier = VecDeque::from([(0_u32, genesis)]);
    while let Some((id, state)) = frontier.pop_front() {
        let transitions = scenario.transitions(&state);
        if transitions.is_empty() {
            statistics.endings += 1;
            if let Err(property) = scenario.check_ending(&state) {
                return Err(Box::new(Counterexample { property, events: events_to(scenario, &origins, id) }));
            }
        }
        for (ordinal, (event, result)) in transitions.into_iter().enumerate() {
            statistics.transitions += 1;
            let checked = result.and_then(|next| {
                scenario.check_transition(&state, &event, &next, &mut statistics)?;
                scenario.check_state(&next)?;
                Ok(next)
            });
            match checked {
                Err(property) => {
                    let mut events = events_to(scenario, &origins, id);
                    events.push(event);
                    return Err(Box::new(Counterexample { property, events }));
                }
                Ok(next) => {
                    if seen.insert(fingerprint(&next)) {
                        assert!(origins.len() < STATES_MAX, "{}: too many states", scenario.name);
                        let index = u32::try_from(origins.len()).expect("fewer states than the limit");
                        origins.push((id, u32::try_from(ordinal).expect("few transitions")));
                        frontier.push_back((index, next));
                    }
                }
            }
        }
    }
    statistics.states = origins.len() as u64;
    Ok(statistics)
}

/// The play that first reached a state, found by repeating it.
fn events_to(scenario: &Scenario, origins: &[(u32, u32)], id: u32) -> Vec<Event> {
    let mut ordinals = Vec::new();
    let mut at = id;
    while at != 0 {
        let (parent, ordinal) = origins[at as usize];
        ordinals.push(ordinal);
        at = parent;
    }
    let mut state = scenario.court.genesis();
    let mut events = Vec::new();
    for ordinal in ordinals.into_iter().rev() {
        let (event, result) = scenario.transitions(&state).swap_remove(ordinal as usize);
        state = result.expect("the play that is repeated went on from here");
        events.push(event);
    }
    events
}

fn fingerprint(state: &State) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        state.hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

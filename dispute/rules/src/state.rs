//! What L1 keeps: claims, executors, games, and who has paid what.
//!
//! A [`Court`] is what does not change: terms, machine, claims. A [`State`] is everything else; equal states have equal futures,
//! so an ended game keeps nothing but its winner.

use crate::machine::{Hash, Machine, Outcome};
use crate::rule::Rule;
use crate::terms::{Amount, Player, Terms, Time};

/// What does not change.
#[derive(Clone, Debug)]
pub struct Court {
    /// The numbers.
    pub terms: Terms,
    /// The machine that every claim is about.
    pub machine: Machine,
    /// All claims, each posted at its time.
    pub claims: Vec<Claim>,
    /// Players; the first `executors` of them have a stake.
    pub players: usize,
    /// How many of the players are executors.
    pub executors: usize,
    /// A rule that does not apply, to see what it was good for. `None` in the game as it is.
    pub dropped: Option<Rule>,
}

/// A claim: an executor's signed result for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// Who signed it.
    pub executor: Player,
    /// What it says.
    pub outcome: Outcome,
    /// N, the step at which the machine must have halted with that outcome.
    pub length: u32,
    /// When its batch was posted.
    pub posted: Time,
}

/// A side of a game.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Who says that the claim is false.
    Challenger = 0,
    /// Who made it.
    Executor = 1,
}

impl Side {
    /// The opponent.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Challenger => Self::Executor,
            Self::Executor => Self::Challenger,
        }
    }
}

/// What a commitment hides: the dissection of the whole run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Opening {
    /// What would be state 0 if L1 did not compute it.
    pub boot: Hash,
    /// d_1..d_m.
    pub hashes: Vec<Hash>,
}

/// The last dissection of a game, and who must answer it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// The side to move.
    pub mover: Side,
    /// First step of the segment.
    pub start: u32,
    /// Its length in steps.
    pub length: u32,
    /// d_0 (inherited) and d_1..d_m.
    pub hashes: Vec<Hash>,
}

impl Position {
    /// Number of parts.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.hashes.len() - 1
    }

    /// The step that d_k is the state at: start + floor(k * length / parts).
    #[must_use]
    pub fn boundary(&self, k: usize) -> u32 {
        let parts = self.parts().max(1);
        let steps = self.length as usize * k / parts;
        self.start + u32::try_from(steps).expect("a boundary lies in its segment")
    }
}

/// Where a game stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The challenger has committed and must reveal.
    Committed,
    /// The side to move must answer.
    Playing(Position),
    /// One side has won.
    Ended(Side),
}

/// A game between one challenger and one executor about one claim.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Game {
    /// Index of the claim.
    pub claim: usize,
    /// Who opened it.
    pub challenger: Player,
    /// What the challenger has at stake.
    pub bond: Amount,
    /// Whether it holds back all claims of the executor.
    pub is_stay: bool,
    /// When the commitment was made.
    pub committed: Time,
    /// What was committed to.
    pub opening: Opening,
    /// Where it stands.
    pub phase: Phase,
    /// What is left of each side's clock, as of `turn_began`.
    pub left: [Time; 2],
    /// When the side to move became so.
    pub turn_began: Time,
    /// Gas that the schedule owes each side.
    pub gas: [Amount; 2],
    /// Dissections and steps made, the opening included.
    pub moves: u32,
}

impl Game {
    /// The side to move, if the game is open.
    #[must_use]
    pub const fn mover(&self) -> Option<Side> {
        match &self.phase {
            Phase::Committed => Some(Side::Challenger),
            Phase::Playing(position) => Some(position.mover),
            Phase::Ended(_) => None,
        }
    }

    /// The last block time at which the side to move may move, if the game is open.
    #[must_use]
    pub fn expiry(&self) -> Option<Time> {
        self.mover().map(|side| self.turn_began + self.left[side as usize])
    }
}

/// What the court keeps of a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ground {
    /// Open games on it. Conviction of its executor leaves the number as it is.
    pub open_games: u32,
    /// Whether its executor has lost a game on it.
    pub is_lost: bool,
    /// Each opening that was revealed on it, and when first.
    pub first_reveals: Vec<(Opening, Time)>,
}

/// What the court keeps of an executor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Executor {
    /// What is left of its stake.
    pub stake: Amount,
    /// After conviction: claims whose window ends at or after this are void.
    pub void_from: Option<Time>,
}

/// Where money is. All amounts sum to zero, since players begin with zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ledger {
    /// What each player has, relative to the beginning; negative is paid in.
    pub players: Vec<Amount>,
    /// What the contracts hold.
    pub court: Amount,
    /// What went to the treasury.
    pub burned: Amount,
    /// What was spent on gas.
    pub gas: Amount,
}

/// Everything that changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Block time.
    pub now: Time,
    /// By order of commitment.
    pub games: Vec<Game>,
    /// By index of claim.
    pub grounds: Vec<Ground>,
    /// By index of player.
    pub executors: Vec<Executor>,
    /// Where money is.
    pub ledger: Ledger,
}

impl Ground {
    /// When an opening was first revealed on the claim.
    #[must_use]
    pub fn first_reveal(&self, opening: &Opening) -> Option<Time> {
        self.first_reveals.iter().find(|(revealed, _)| revealed == opening).map(|(_, at)| *at)
    }
}

impl Court {
    /// Whether a rule applies.
    #[must_use]
    pub fn keeps(&self, rule: Rule) -> bool {
        self.dropped != Some(rule)
    }

    /// The last second of a claim's window.
    #[must_use]
    pub fn window_end(&self, claim: usize) -> Time {
        self.claims[claim].posted + self.terms.window
    }

    /// Whether a claim states the result of its job.
    #[must_use]
    pub fn is_true(&self, claim: usize) -> bool {
        self.machine.is_result(self.claims[claim].outcome, self.claims[claim].length)
    }

    /// The state before anything has happened: stakes deposited, nothing else.
    #[must_use]
    pub fn genesis(&self) -> State {
        let stake = self.terms.stake;
        let players = (0..self.players).map(|player| if player < self.executors { -stake } else { 0 }).collect();
        let held = stake * Amount::try_from(self.executors).expect("few executors");
        State {
            now: 0,
            games: Vec::new(),
            grounds: vec![Ground::default(); self.claims.len()],
            executors: vec![Executor { stake, void_from: None }; self.executors],
            ledger: Ledger { players, court: held, burned: 0, gas: 0 },
        }
    }
}

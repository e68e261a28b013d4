//! Players of simulations: the one player of `assay-dispute` with a key, a purse and a habit.

use std::convert::Infallible;
use std::sync::Arc;

use assay_dispute::evidence::TraceEvidence;
use assay_dispute::game::{Evidence, Side};
use assay_dispute::player::{Account, Board, Case, Duty, Intent, Stakes, Task, challenge, duties, play};
use assay_dispute::preflight::Preflight;
use assay_protocol::Address;
use revm::primitives::{TxKind, U256};

use crate::key::Key;
use crate::liar::Liar;
use crate::world::{CHAIN_ID, Failure, World};

/// What a player believes of the run.
#[derive(Clone)]
pub enum Belief {
    /// The truth.
    Truth(Arc<TraceEvidence>),
    /// A lie.
    Lie(Liar),
}

impl Belief {
    fn challenge(&self, case: &Case, stakes: &Stakes, until: u64) -> Option<Intent> {
        let Ok(intent) = match self {
            Self::Truth(truth) => challenge(case, truth.as_ref(), stakes, until),
            Self::Lie(lie) => challenge(case, lie, stakes, until),
        };
        intent
    }

    fn play(&self, duty: &Duty, board: &Board, case: &Case, key: &Key, preflight: &mut Preflight) -> Option<Intent> {
        fn with<E: Evidence<Error = Infallible>>(
            evidence: &E,
            (duty, board, case, key, preflight): (&Duty, &Board, &Case, &Key, &mut Preflight),
        ) -> Option<Intent> {
            play(duty, board, case, evidence, &key.secret(), preflight).ok()
        }
        let question = (duty, board, case, key, preflight);
        match self {
            Self::Truth(truth) => with(truth.as_ref(), question),
            Self::Lie(lie) => with(lie, question),
        }
    }
}

/// When a player does what it has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// At once.
    Prompt,
    /// As late as leaves this many seconds on its clock.
    Late {
        /// Seconds.
        spare: u64,
    },
    /// Not any more after this many moves.
    Silent {
        /// Moves made before.
        after: u32,
    },
}

/// A player.
pub struct Actor {
    /// Its key.
    pub key: Key,
    /// The side that it plays.
    pub side: Side,
    /// What it believes.
    pub belief: Belief,
    /// When it moves.
    pub habit: Habit,
    /// Index of the case that it plays.
    pub case: usize,
    /// Whether its challenge holds all claims of the executor.
    pub is_stay: bool,
    has_committed: bool,
    moves: u32,
    /// Wei that it has paid for gas, and gas.
    pub gas_cost: U256,
    /// Gas that it has used.
    pub gas: u64,
    /// Transactions that reverted.
    pub reverted: u32,
}

impl Actor {
    /// A player with a full purse.
    #[must_use]
    pub fn new(key: Key, side: Side, belief: Belief, habit: Habit, case: usize) -> Self {
        let (gas_cost, has_committed) = (U256::ZERO, false);
        Self { key, side, belief, habit, case, is_stay: false, has_committed, moves: 0, gas_cost, gas: 0, reverted: 0 }
    }

    /// Whether it plays by the truth and in time.
    #[must_use]
    pub fn is_honest(&self) -> bool {
        matches!(self.belief, Belief::Truth(_)) && !matches!(self.habit, Habit::Silent { .. })
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> Address {
        self.key.address()
    }

    fn account(&self) -> Account {
        match self.side {
            Side::Challenger => Account { challenger: Some(self.address()), executor: None },
            Side::Executor => Account { challenger: None, executor: Some(self.address()) },
        }
    }

    /// Does what it wants to do in the open block; the next one comes `pace` seconds later. `until` is the last L1 time at
    /// which a game can be begun.
    #[allow(clippy::too_many_arguments)]
    pub fn act(
        &mut self,
        world: &mut World,
        board: &Board,
        case: &Case,
        bond: U256,
        until: u64,
        pace: u64,
        preflight: &mut Preflight,
    ) {
        let now = world.head().time;
        if self.side == Side::Challenger && !self.has_committed && now <= until {
            self.has_committed = true;
            let stakes = Stakes {
                court: board.court(),
                chain_id: CHAIN_ID,
                challenger: self.address(),
                secret: self.key.secret(),
                bond,
                is_stay: self.is_stay,
            };
            if let Some(intent) = self.belief.challenge(case, &stakes, until) {
                self.send(world, intent);
            }
            return;
        }
        for duty in duties(board, &self.account(), now) {
            if self.rests(&duty, now + pace) {
                continue;
            }
            let Some(intent) = self.belief.play(&duty, board, case, &self.key, preflight) else { continue };
            if self.send(world, intent) && matches!(duty.task, Task::Reveal | Task::Answer(_)) {
                self.moves += 1;
            }
        }
    }

    /// Whether it lets a duty lie.
    fn rests(&self, duty: &Duty, next: u64) -> bool {
        let is_move = matches!(duty.task, Task::Reveal | Task::Answer(_));
        is_move
            && match self.habit {
                Habit::Prompt => false,
                Habit::Late { spare } => next + spare <= duty.until,
                Habit::Silent { after } => self.moves >= after,
            }
    }

    /// Sends; says whether it was taken.
    fn send(&mut self, world: &mut World, intent: Intent) -> bool {
        let result = world.send(self.address(), TxKind::Call(intent.to), intent.value, intent.data);
        let (gas, is_taken) = match result {
            Ok(receipt) => (receipt.gas, true),
            Err(Failure::Reverted { gas, .. }) => (gas, false),
            Err(Failure::Halted(_) | Failure::Refused(_)) => (0, false),
        };
        self.gas += gas;
        self.gas_cost += U256::from(gas) * U256::from(world.base_fee());
        self.reverted += u32::from(!is_taken);
        is_taken
    }
}

//! Players of simulations: the one player of `assay-dispute` with a key, a purse and a habit.
//!
//! Owns when and whether a player acts on what it believes. What it does is the product's own code; what an honest player
//! keeps between two blocks is nothing but its key and the board.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use alloy_sol_types::SolCall;
use assay_dispute::game::Side;
use assay_dispute::player::{
    Account, Board, Case, Duty, Hand, Intent, Phase, PlayError, Stakes, Task, challenge, duties,
};
use assay_dispute::preflight::CourtPreflight;
use assay_protocol::contracts::Court;
use assay_protocol::presets::Parameters;
use assay_protocol::{Address, B256};

use crate::job::Truth;
use crate::key::Key;
use crate::liar::Liar;
use crate::stage::claim_id;
use crate::world::CHAIN_ID;

/// What a player believes of a run.
#[derive(Clone)]
pub enum Belief {
    /// The truth.
    Truth(Truth),
    /// A lie.
    Lie(Liar),
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
    /// Not any more after this many moves in a game.
    Silent {
        /// Moves made before.
        after: u32,
    },
    /// At once where its opponent is a friend, at the last second elsewhere.
    Concede {
        /// The friend.
        friend: Address,
    },
    /// Waits until it sees an opening on its way, and commits to the same: in the same block and before it, or after it.
    Copy {
        /// In the same block.
        is_in_front: bool,
    },
    /// Sends whatever others send, before them, in its own name.
    Echo,
    /// Waits until it sees a move on its way that convicts an executor, and begins so many games against it in the same block and
    /// before, through a contract, to have their scheduled gas. It reveals none.
    FreeRide {
        /// Games.
        games: u32,
    },
    /// An executor that sees a stay on its way and deposits a wei before, so that the bond is too small.
    Deposit,
}

/// A key that moves for an executor's stake.
#[derive(Clone)]
pub struct Delegate {
    /// The key.
    pub key: Key,
    /// L1 time at which it is not valid any more.
    pub until: u64,
}

/// A player.
#[derive(Clone)]
pub struct Actor {
    /// Its key.
    pub key: Key,
    /// The side that it plays.
    pub side: Side,
    /// What it believes of the cases that it plays.
    pub beliefs: BTreeMap<usize, Belief>,
    /// When it moves.
    pub habit: Habit,
    /// Whether its challenges hold all claims of the executor.
    pub is_stay: bool,
    /// Who moves for it.
    pub delegate: Option<Delegate>,
    /// The contract through which it begins games.
    pub batcher: Option<Address>,
    /// Whether it is killed after every block and loses its board, which it makes anew from the logs.
    pub forgets: bool,
    /// What a liar has sent: it does not try the same for ever.
    attempts: BTreeMap<B256, u32>,
}

/// What a player wants in the next block.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Who sends it.
    pub from: Address,
    /// What.
    pub intent: Intent,
    /// The game, if there is one already, and what is done in it.
    pub duty: Option<Duty>,
    /// Whether its sender plays honestly.
    pub is_honest: bool,
}

/// What everybody sees between two blocks.
pub struct View<'a> {
    /// The games.
    pub board: &'a Board,
    /// The claims.
    pub cases: &'a [Case],
    /// The last L1 time at which a game about each can be begun.
    pub window_ends: &'a [u64],
    /// The numbers of the deployment.
    pub parameters: &'a Parameters,
    /// The contract that has the stakes.
    pub bonds: Address,
    /// Time of the newest block, and seconds to the next one.
    pub now: u64,
    /// Seconds to the next block.
    pub pace: u64,
    /// What others want, as far as it can be seen.
    pub mempool: &'a [Wish],
}

/// A fault of an honest player: it has a duty and no move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Helpless {
    /// Why.
    pub reason: String,
}

impl Actor {
    /// A player of one case, prompt, with nothing special about it.
    #[must_use]
    pub fn new(key: Key, side: Side, belief: Belief, habit: Habit, case: usize) -> Self {
        Self {
            key,
            side,
            beliefs: BTreeMap::from([(case, belief)]),
            habit,
            is_stay: false,
            delegate: None,
            batcher: None,
            forgets: false,
            attempts: BTreeMap::new(),
        }
    }

    /// Whether it plays by the truth and in time.
    #[must_use]
    pub fn is_honest(&self) -> bool {
        let is_true = self.beliefs.values().all(|belief| matches!(belief, Belief::Truth(_)));
        is_true && matches!(self.habit, Habit::Prompt | Habit::Late { .. })
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> Address {
        self.key.address()
    }

    /// Whether this is its account, or that of a key that moves for it.
    #[must_use]
    pub fn sends(&self, from: Address) -> bool {
        from == self.address() || self.delegate.as_ref().is_some_and(|delegate| from == delegate.key.address())
    }

    /// Whether it has to see what others are about to send.
    #[must_use]
    pub fn is_watcher(&self) -> bool {
        matches!(self.habit, Habit::Copy { .. } | Habit::Echo | Habit::FreeRide { .. } | Habit::Deposit)
    }

    fn account(&self) -> Account {
        match self.side {
            Side::Challenger => Account { challenger: Some(self.batcher.unwrap_or(self.address())), executor: None },
            Side::Executor => Account { challenger: None, executor: Some(self.address()) },
        }
    }

    /// What it wants to be in the next block.
    ///
    /// # Errors
    /// [`Helpless`], for honest players only.
    pub fn wishes(&mut self, view: &View<'_>, preflight: &CourtPreflight) -> Result<Vec<Wish>, Helpless> {
        let mut wishes = Vec::new();
        if self.habit == Habit::Echo {
            wishes.extend(view.mempool.iter().map(|wish| Wish {
                from: self.address(),
                is_honest: false,
                ..wish.clone()
            }));
        } else if let Habit::FreeRide { games } = self.habit {
            wishes.extend(self.ride(view, games));
        } else if self.habit == Habit::Deposit {
            wishes.extend(self.dodge(view));
        } else if self.side == Side::Challenger {
            self.challenges(view, &mut wishes);
        }
        for duty in duties(view.board, &self.account(), view.now) {
            if self.rests(&duty, view) {
                continue;
            }
            let game = view.board.game(duty.game).expect("a duty is about a game of the board");
            let Some(index) = view.cases.iter().position(|case| claim_id(case) == game.claim) else { continue };
            let (court, case, secret) = (view.board.court(), &view.cases[index], &self.key.secret());
            let made = match (self.beliefs.get(&index), duty.task) {
                (Some(Belief::Truth(truth)), _) => {
                    Hand { game, court, case, evidence: truth, secret, round: 0 }.play(&duty, preflight)
                }
                (Some(Belief::Lie(lie)), _) => {
                    let segment = match &game.phase {
                        Phase::Played(turn) => turn.dissection.segment(),
                        _ => case.claimed.segment(),
                    };
                    let lie = lie.about(segment);
                    Hand { game, court, case, evidence: &lie, secret, round: 0 }.play_untried(&duty)
                }
                // What is owed to who never meant to play.
                (None, Task::Timeout) => Ok(self.call(view, Court::timeoutCall { id: duty.game }.abi_encode())),
                (None, Task::Settle) => Ok(self.call(view, Court::settleCall { id: duty.game }.abi_encode())),
                (None, _) => continue,
            };
            match made {
                Ok(intent) => self.wish(view, intent, Some(duty), &mut wishes),
                Err(error) if self.is_honest() => return Err(helpless(&error)),
                Err(_) => {}
            }
        }
        Ok(wishes)
    }

    fn challenges(&self, view: &View<'_>, wishes: &mut Vec<Wish>) {
        for (index, belief) in &self.beliefs {
            let case = &view.cases[*index];
            let claim = claim_id(case);
            let is_known =
                view.board.games().any(|game| game.claim == claim && game.challenge.challenger == self.address());
            let executor = crate::stage::executor_of(case);
            let is_late =
                view.now + view.pace > view.window_ends[*index] || view.board.convicted_at(executor).is_some();
            if is_known || is_late || !self.is_tempted(view, claim) {
                continue;
            }
            // What is sent beyond the bond is credited: who is honest sends enough that a deposit does not make it too little.
            let stake = view.parameters.executor_stake;
            let bond = match (self.is_stay, self.is_honest()) {
                (true, true) => stake + stake,
                (true, false) => stake,
                (false, _) => view.parameters.challenge_bond,
            };
            let stakes = Stakes {
                court: view.board.court(),
                chain_id: CHAIN_ID,
                challenger: self.address(),
                secret: self.key.secret(),
                bond,
                is_stay: self.is_stay,
                round: 0,
            };
            let until = view.window_ends[*index];
            let Ok(intent) = match belief {
                Belief::Truth(truth) => challenge(case, truth, &stakes, until),
                Belief::Lie(lie) => challenge(case, &lie.about(case.claimed.segment()), &stakes, until),
            };
            let Some(intent) = intent else { continue };
            wishes.push(Wish { from: self.address(), intent, duty: None, is_honest: self.is_honest() });
        }
    }

    /// Whether it challenges a claim now.
    fn is_tempted(&self, view: &View<'_>, claim: B256) -> bool {
        let game_of = |wish: &Wish| wish.duty.filter(|duty| duty.task == Task::Reveal).map(|duty| duty.game);
        let revealing: BTreeSet<B256> = view.mempool.iter().filter_map(game_of).collect();
        match self.habit {
            Habit::Copy { is_in_front: true } => {
                view.board.games().any(|game| game.claim == claim && revealing.contains(&game.id))
            }
            Habit::Copy { is_in_front: false } => {
                view.board.games().any(|game| game.claim == claim && game.dissections > 0)
            }
            _ => true,
        }
    }

    /// Whether it lets a duty lie.
    fn rests(&self, duty: &Duty, view: &View<'_>) -> bool {
        if !matches!(duty.task, Task::Reveal | Task::Answer(_)) {
            return false;
        }
        // Whether the block after the next one is in time as well.
        let can_wait = |spare| view.now + 2 * view.pace + spare <= duty.until;
        let game = view.board.game(duty.game).expect("a duty is about a game of the board");
        match self.habit {
            Habit::Prompt | Habit::Copy { .. } | Habit::Echo | Habit::Deposit => false,
            Habit::FreeRide { .. } => true,
            Habit::Late { spare } => can_wait(spare),
            Habit::Silent { after } => game.dissections / 2 >= after,
            Habit::Concede { friend } => game.challenge.challenger != friend && can_wait(0),
        }
    }

    fn wish(&mut self, view: &View<'_>, intent: Intent, duty: Option<Duty>, wishes: &mut Vec<Wish>) {
        let is_honest = self.is_honest();
        let attempts = self.attempts.entry(intent.id).or_default();
        *attempts += 1;
        // What ends a game it asks for as long as it is due: a call may have been lost with its block more than once.
        let ends = duty.is_some_and(|duty| matches!(duty.task, Task::Timeout | Task::Settle));
        if !is_honest && !ends && *attempts > 2 {
            return;
        }
        let landing = view.now + view.pace;
        let delegate = self.delegate.as_ref().filter(|delegate| landing < delegate.until);
        let from = delegate.map_or(self.address(), |delegate| delegate.key.address());
        wishes.push(Wish { from, intent, duty, is_honest });
    }

    fn call(&self, view: &View<'_>, data: Vec<u8>) -> Intent {
        Intent {
            id: assay_protocol::keccak256(&data),
            to: view.board.court(),
            value: revm::primitives::U256::ZERO,
            data: data.into(),
            valid_until: u64::MAX,
        }
    }
}

fn helpless(error: &PlayError<Infallible>) -> Helpless {
    Helpless { reason: error.to_string() }
}

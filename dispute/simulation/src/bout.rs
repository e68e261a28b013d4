//! A bout: players on a stage until nobody has anything left to do.
//!
//! ```text
//! everybody sees block n --> wishes --> an order --> block n + 1 --> logs --> the board
//!                                                       |
//!                              reorganisation: the last blocks once more, otherwise
//! ```
//!
//! Owns the loop, and what happens to a chain besides moves. What must be true in the end is `referee`'s.

use std::collections::VecDeque;

use assay_dispute::player::{Board, GameState};
use assay_dispute::preflight::CourtPreflight;
use assay_protocol::Address;
use revm::primitives::{Bytes, TxKind, U256};

use crate::actor::{Actor, Habit, View, Wish};
use crate::dice::Dice;
use crate::referee::{Broken, Referee};
use crate::stage::{Stage, purse};
use crate::tamper;
use crate::world::{Block, Transaction, World};

/// Blocks that a reorganisation takes back at most.
pub const DEPTH_MAX: usize = 5;

/// Something that a player does besides its moves.
#[derive(Clone, Debug)]
pub struct Errand {
    /// In which block of the bout, counted from 1.
    pub block: u64,
    /// Who.
    pub from: Address,
    /// The contract.
    pub to: Address,
    /// The call.
    pub data: Bytes,
}

/// Who plays, where, and under which circumstances.
#[derive(Clone)]
pub struct Bout {
    /// The chain and the claims.
    pub stage: Stage,
    /// The players.
    pub actors: Vec<Actor>,
    /// Of each case: whether its claim is true.
    pub is_true: Vec<bool>,
    /// Seconds between blocks.
    pub pace: u64,
    /// The highest base fee of a block, wei; it changes from block to block. None: it stays what it is.
    pub base_fee_top: Option<u64>,
    /// What else is done.
    pub errands: Vec<Errand>,
    /// Reorganisations, at most.
    pub reorganisations: u32,
    /// Of how many honest moves, one is sent garbled as well; none if zero.
    pub tampering: u64,
    /// Chance.
    pub dice: Dice,
}

/// What a bout came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Games that were begun.
    pub games: u32,
    /// Games that ended with the executor's conviction.
    pub won_by_challengers: u32,
    /// Most dissections of a game, the opening included.
    pub dissections_max: u32,
    /// Longest game in seconds, and the most that it may be.
    pub duration_max: u64,
    /// The bound on it.
    pub duration_bound: u64,
    /// Gas of all players.
    pub gas: u64,
    /// Transactions that reverted.
    pub reverted: u32,
    /// Games that free riders have begun in the block of a conviction.
    pub ridden: u32,
    /// Deposits that were made.
    pub deposits: u32,
    /// Reorganisations.
    pub reorganisations: u32,
    /// Garbled calls that were refused with the error that names the cause.
    pub garbled: u32,
    /// Honest players that have won something, with what it came to net of gas: wei, negative if gas ate it up.
    pub profits: Vec<(bool, i128)>,
}

/// The loop's state.
struct Loop {
    board: Board,
    seen: usize,
    /// The chain before each of the last blocks.
    before: VecDeque<World>,
    /// Transactions that a reorganisation has put off.
    delayed: Vec<Transaction>,
    reorganisations: u32,
    garbled: u32,
}

impl Bout {
    /// Plays it to the end.
    ///
    /// # Errors
    /// [`Broken`] names what must not happen and did.
    pub fn play(self) -> Result<Report, Broken> {
        self.play_on().map(|(report, _)| report)
    }

    /// Plays it to the end and keeps the chain, as it is before anybody takes out what is theirs.
    ///
    /// # Errors
    /// [`Broken`] names what must not happen and did.
    pub fn play_on(mut self) -> Result<(Report, World), Broken> {
        let parameters = self.stage.deployment.parameters.clone();
        let window_ends: Vec<u64> = (0..self.stage.cases.len()).map(|case| self.stage.window_end(case)).collect();
        self.fund();
        let referee = Referee::new(&mut self.stage, &self.actors);
        let preflight = self.stage.deployment.preflight();
        let mut state = Loop {
            board: Board::new(self.stage.deployment.court),
            seen: 0,
            before: VecDeque::new(),
            delayed: Vec::new(),
            reorganisations: 0,
            garbled: 0,
        };
        state.read(&self.stage.world);
        let until = window_ends.iter().copied().max().unwrap_or_default();
        // Past every window and both clocks nobody has anything to do but to call what has run out, in a block each.
        let last = until + 2 * parameters.clock + 6 * self.pace + 2;
        for block in 1.. {
            let wishes = self.wishes(&state.board, &window_ends, &preflight)?;
            state.before.push_back(self.stage.world.clone());
            if state.before.len() > DEPTH_MAX || self.reorganisations == 0 {
                state.before.pop_front();
            }
            self.stage.world.advance(self.pace);
            if let Some(top) = self.base_fee_top {
                self.stage.world.set_base_fee(1 + self.dice.below(top));
            }
            state.garbled += self.tamper(&state.board, &wishes, &preflight)?;
            for late in std::mem::take(&mut state.delayed) {
                resend(&mut self.stage.world, &late);
            }
            for wish in wishes {
                let intent = wish.intent;
                // What is refused costs its sender gas and changes nothing.
                let _ = self.stage.world.send(wish.from, TxKind::Call(intent.to), intent.value, intent.data);
            }
            for errand in self.errands.iter().filter(|errand| errand.block == block) {
                let _ = self.stage.world.send(errand.from, TxKind::Call(errand.to), U256::ZERO, errand.data.clone());
            }
            state.read(&self.stage.world);
            if state.reorganisations < self.reorganisations && self.dice.below(3) == 0 {
                self.reorganise(&mut state)?;
            }
            let now = self.stage.world.head().time;
            if now > until && state.board.games().all(|game| !game.is_running()) {
                break;
            }
            if now > last {
                return Err(Broken::Endless);
            }
        }
        let (reorganisations, garbled) = (state.reorganisations, state.garbled);
        let world = self.stage.world.clone();
        let report = referee.judge(self, &state.board)?;
        Ok((Report { reorganisations, garbled, ..report }, world))
    }

    /// Whether honest players send what the games ask for and nothing else, about one false claim at most, at a price that the schedule
    /// covers: no exits, nothing mined twice, nobody in front.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let disturbs = |actor: &Actor| actor.delegate.is_some() || actor.habit == Habit::Echo;
        let lies = self.is_true.iter().filter(|is_true| !**is_true).count();
        let is_calm = self.reorganisations == 0 && self.errands.is_empty();
        let cap = self.stage.deployment.parameters.base_fee_max;
        let is_covered = self.stage.world.blocks().iter().all(|block| U256::from(block.base_fee) <= cap);
        is_calm && is_covered && lies <= 1 && !self.actors.iter().any(disturbs)
    }

    fn fund(&mut self) {
        for actor in &self.actors {
            let delegate = actor.delegate.as_ref().map(|delegate| delegate.key.address());
            for account in core::iter::once(actor.address()).chain(delegate) {
                if self.stage.world.balance(account) < purse() / U256::from(2) {
                    self.stage.world.fund(account, purse());
                }
            }
        }
    }

    /// What everybody wants in the next block, in the order in which it will be mined: who watches comes first.
    fn wishes(&mut self, board: &Board, ends: &[u64], preflight: &CourtPreflight) -> Result<Vec<Wish>, Broken> {
        let (stage, pace) = (&self.stage, self.pace);
        let (mut wishes, mut first) = (Vec::new(), Vec::new());
        for is_watcher in [false, true] {
            for actor in self.actors.iter_mut().filter(|actor| actor.is_watcher() == is_watcher) {
                let rebuilt = actor.forgets.then(|| board_of(stage.deployment.court, stage.world.blocks()));
                let view = View {
                    board: rebuilt.as_ref().unwrap_or(board),
                    cases: &stage.cases,
                    window_ends: ends,
                    parameters: &stage.deployment.parameters,
                    bonds: stage.deployment.bonds,
                    now: stage.world.head().time,
                    pace,
                    mempool: &wishes,
                };
                let made = actor.wishes(&view, preflight)?;
                if is_watcher { first.extend(made) } else { wishes.extend(made) }
            }
        }
        first.append(&mut wishes);
        Ok(first)
    }

    /// Sends some of the honest moves garbled, on a chain beside this one: each must be refused with its error.
    fn tamper(&mut self, board: &Board, wishes: &[Wish], preflight: &CourtPreflight) -> Result<u32, Broken> {
        let mut count = 0;
        for wish in wishes.iter().filter(|wish| wish.is_honest) {
            if self.tampering != 0 && self.dice.one_in(self.tampering) {
                count += tamper::probe(&self.stage.world, board, wish, preflight)?;
            }
        }
        Ok(count)
    }

    /// Takes back some blocks: what was in them is mined again elsewhere, later, or never.
    fn reorganise(&mut self, state: &mut Loop) -> Result<(), Broken> {
        let depth = 1 + self.dice.below(state.before.len() as u64) as usize;
        let world = state.before[state.before.len() - depth].clone();
        state.before.truncate(state.before.len() - depth);
        let old = std::mem::replace(&mut self.stage.world, world);
        let fork = self.stage.world.blocks().len();
        let mut blocks: Vec<Vec<Transaction>> = vec![Vec::new(); depth];
        for (index, block) in old.blocks()[fork..].iter().enumerate() {
            for transaction in &block.transactions {
                match self.dice.below(6) {
                    0 => {}
                    1 => state.delayed.push(transaction.clone()),
                    2 => blocks[self.dice.below(depth as u64) as usize].push(transaction.clone()),
                    _ => blocks[index].push(transaction.clone()),
                }
            }
        }
        for mut transactions in blocks {
            state.before.push_back(self.stage.world.clone());
            self.stage.world.advance(self.pace);
            self.dice.shuffle(&mut transactions);
            for transaction in &transactions {
                resend(&mut self.stage.world, transaction);
            }
        }
        state.board.roll_back(fork as u64 - 1);
        state.seen = fork;
        state.read(&self.stage.world);
        state.reorganisations += 1;
        let games = |board: &Board| board.games().cloned().collect::<Vec<GameState>>();
        let rebuilt = board_of(self.stage.deployment.court, self.stage.world.blocks());
        if games(&rebuilt) != games(&state.board) {
            return Err(Broken::Board { depth });
        }
        Ok(())
    }
}

impl Loop {
    /// Takes what new blocks say.
    fn read(&mut self, world: &World) {
        apply(&mut self.board, &world.blocks()[self.seen..]);
        self.seen = world.blocks().len();
        self.board.finalise((self.seen as u64).saturating_sub(1 + DEPTH_MAX as u64));
    }
}

/// The board of a court from all that it has ever emitted.
#[must_use]
pub fn board_of(court: Address, blocks: &[Block]) -> Board {
    let mut board = Board::new(court);
    apply(&mut board, blocks);
    board
}

fn apply(board: &mut Board, blocks: &[Block]) {
    for block in blocks {
        for log in block.logs() {
            board.apply(block.number, block.time, log).expect("the board takes what the court emits");
        }
    }
}

fn resend(world: &mut World, transaction: &Transaction) {
    let to = transaction.to.expect("players call contracts");
    // It may be out of place now; then it is refused.
    let _ = world.send(transaction.from, TxKind::Call(to), transaction.value, transaction.data.clone());
}

//! The board: every game of a court, from its events.
//!
//! Owns what the events say, in their order. It assumes that it is given all events of canonical blocks, once each, oldest
//! first, and refuses what the court can't have emitted. A reorganisation is undone by [`Board::roll_back`].

use std::collections::BTreeMap;

use alloy_sol_types::{SolEventInterface, SolValue};
use assay_protocol::contracts::Court::{self, Challenge, CourtEvents, Position};
use assay_protocol::{B256, keccak256};
use revm::primitives::{Address, Bytes, Log};
use thiserror::Error;

use crate::game::{Dissection, Segment, Side, WrongNumberOfHashes};

/// Logarithm of the most steps of a run (specs/06-fuel.md, "Steps and fuel").
const RUN_LOG2_MAX: u32 = 40;

/// Where a game stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The challenger has to reveal.
    Committed,
    /// A side has to answer a dissection.
    Played(Box<Turn>),
    /// The challenger has lost.
    Lost,
    /// The executor was convicted, and the challenger has been credited.
    Settled,
}

/// What the side to move has to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Who has to move.
    pub mover: Side,
    /// Hash of the position.
    pub state: B256,
    /// The position.
    pub position: Position,
    /// The dissection that was made last.
    pub dissection: Dissection,
}

/// A game.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GameState {
    /// Its id.
    pub id: B256,
    /// The claim: keccak256(abi.encode(region, batch number, leaf index)).
    pub claim: B256,
    /// The owner of the stake behind it.
    pub executor: Address,
    /// What the commitment says in clear.
    pub challenge: Challenge,
    /// What the leaf says, as the challenger has shown it to the court (specs/12-batches.md, "Records").
    pub record: Bytes,
    /// L1 time of the commitment.
    pub committed_at: u64,
    /// Where it stands.
    pub phase: Phase,
    /// L1 time until which the side to move may move, inclusive.
    pub expiry: u64,
    /// Seconds on the other side's clock.
    pub other_left: u64,
    /// Dissections made, the opening included.
    pub dissections: u32,
}

impl GameState {
    /// Whose move it is; none if it is over.
    #[must_use]
    pub fn mover(&self) -> Option<Side> {
        match &self.phase {
            Phase::Committed => Some(Side::Challenger),
            Phase::Played(turn) => Some(turn.mover),
            Phase::Lost | Phase::Settled => None,
        }
    }

    /// Whether it still has something to be done, by a move, a timeout or a settlement.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.mover().is_some()
    }
}

/// An event that the court can't have emitted here: the logs are not those of one chain, or not complete.
#[derive(Debug, Error)]
pub enum BoardError {
    /// Not an event of the court.
    #[error("a log of the court can't be read: {0}")]
    Log(#[from] alloy_sol_types::Error),
    /// An event of a game whose commitment was not seen.
    #[error("an event of game {game}, whose commitment was not seen")]
    UnknownGame {
        /// The game.
        game: B256,
    },
    /// A phase that nobody moves in.
    #[error("game {game} has phase {got} after a dissection")]
    Phase {
        /// The game.
        game: B256,
        /// The number of the phase.
        got: u8,
    },
    /// States beyond the longest run.
    #[error("game {game}: a segment of 2^{length_log2} steps from step {start}, the longest run has 2^{most}", most = RUN_LOG2_MAX)]
    Segment {
        /// The game.
        game: B256,
        /// Its first state.
        start: u64,
        /// Logarithm of its length.
        length_log2: u8,
    },
    /// A dissection of another size than its segment asks for.
    #[error("game {game}: {error}")]
    Dissection {
        /// The game.
        game: B256,
        /// What is wrong.
        error: WrongNumberOfHashes,
    },
    /// Hashes that are not those of the position.
    #[error("game {game}: hashes with root {got}, the position has {wanted}")]
    Root {
        /// The game.
        game: B256,
        /// Of the hashes.
        got: B256,
        /// Of the position.
        wanted: B256,
    },
    /// A position that is not what the game's state stands for.
    #[error("game {game}: a position with hash {got}, the state is {wanted}")]
    State {
        /// The game.
        game: B256,
        /// Of the position.
        got: B256,
        /// As emitted.
        wanted: B256,
    },
}

/// An event with its block.
#[derive(Clone, Debug)]
struct Seen {
    block: u64,
    time: u64,
    event: CourtEvents,
}

/// All games of one court.
#[derive(Clone, Debug)]
pub struct Board {
    court: Address,
    games: BTreeMap<B256, GameState>,
    convicted: BTreeMap<Address, u64>,
    /// Events of blocks that may still be taken back, and the state before the first of them.
    recent: Vec<Seen>,
    settled: Option<Box<Board>>,
}

impl Board {
    /// The board of a court before its first event.
    #[must_use]
    pub fn new(court: Address) -> Self {
        Self { court, games: BTreeMap::new(), convicted: BTreeMap::new(), recent: Vec::new(), settled: None }
    }

    /// The court.
    #[must_use]
    pub fn court(&self) -> Address {
        self.court
    }

    /// All games, by id.
    pub fn games(&self) -> impl Iterator<Item = &GameState> {
        self.games.values()
    }

    /// A game.
    #[must_use]
    pub fn game(&self, id: B256) -> Option<&GameState> {
        self.games.get(&id)
    }

    /// L1 time at which an executor was convicted.
    #[must_use]
    pub fn convicted_at(&self, executor: Address) -> Option<u64> {
        self.convicted.get(&executor).copied()
    }

    /// Takes a log of block `block`, whose time is `time`. Logs of other contracts change nothing.
    ///
    /// # Errors
    /// [`BoardError`]; nothing has changed then.
    pub fn apply(&mut self, block: u64, time: u64, log: &Log) -> Result<(), BoardError> {
        if log.address != self.court {
            return Ok(());
        }
        let event = CourtEvents::decode_log(log)?.data;
        if self.settled.is_none() {
            self.settled = Some(Box::new(self.clone()));
        }
        let seen = Seen { block, time, event };
        self.take(&seen)?;
        self.recent.push(seen);
        Ok(())
    }

    /// Forgets the events of all blocks after `block`, which are no longer part of the chain.
    pub fn roll_back(&mut self, block: u64) {
        let Some(mut board) = self.settled.take() else { return };
        let kept: Vec<Seen> = self.recent.drain(..).filter(|seen| seen.block <= block).collect();
        board.settled = Some(board.clone());
        for seen in &kept {
            board.take(seen).expect("events that were taken once are taken again in the same order");
        }
        board.recent = kept;
        *self = *board;
    }

    /// Declares that blocks up to `block` are never taken back, and drops what undoing them would need.
    pub fn finalise(&mut self, block: u64) {
        let Some(settled) = &mut self.settled else { return };
        let count = self.recent.iter().take_while(|seen| seen.block <= block).count();
        for seen in self.recent.drain(..count) {
            settled.take(&seen).expect("events that were taken once are taken again in the same order");
        }
    }

    fn take(&mut self, seen: &Seen) -> Result<(), BoardError> {
        match &seen.event {
            CourtEvents::Committed(event) => self.committed(event, seen.time),
            CourtEvents::Dissected(event) => return self.dissected(event),
            CourtEvents::ChallengeLost(event) => self.known(event.game)?.phase = Phase::Lost,
            CourtEvents::Settled(event) => self.known(event.game)?.phase = Phase::Settled,
            CourtEvents::Convicted(event) => {
                self.known(event.game)?;
                self.convicted.insert(event.executor, seen.time);
            }
            // What follows from a step is an event of its own.
            _ => {}
        }
        Ok(())
    }

    fn committed(&mut self, event: &Court::Committed, time: u64) {
        let game = GameState {
            id: event.game,
            claim: event.claim,
            executor: event.executor,
            committed_at: time,
            phase: Phase::Committed,
            expiry: event.challenge.expiry,
            // Each side has one clock; the challenger's runs from the commitment.
            other_left: event.challenge.expiry.saturating_sub(time),
            dissections: 0,
            challenge: event.challenge.clone(),
            record: event.record.clone(),
        };
        self.games.insert(event.game, game);
    }

    fn dissected(&mut self, event: &Court::Dissected) -> Result<(), BoardError> {
        let id = event.game;
        let game = self.known(id)?;
        let mover = match event.phase {
            2 => Side::Executor,
            3 => Side::Challenger,
            got => return Err(BoardError::Phase { game: id, got }),
        };
        let (start, length_log2) = (event.position.start, event.position.lengthLog2);
        let segment = segment(start, length_log2).ok_or(BoardError::Segment { game: id, start, length_log2 })?;
        let dissection = Dissection::new(segment, event.position.startState, event.hashes.clone())
            .map_err(|error| BoardError::Dissection { game: id, error })?;
        // What a player answers must be what the court has: a node that garbles hashes or position is found out here.
        let (got, wanted) = (dissection.tree().root(), event.position.root);
        if got != wanted {
            return Err(BoardError::Root { game: id, got, wanted });
        }
        let (got, wanted) = (keccak256(event.position.abi_encode()), event.state);
        if got != wanted {
            return Err(BoardError::State { game: id, got, wanted });
        }
        let turn = Turn { mover, state: event.state, position: event.position.clone(), dissection };
        game.phase = Phase::Played(Box::new(turn));
        game.expiry = event.expiry;
        game.other_left = event.otherLeft;
        game.dissections += 1;
        Ok(())
    }

    fn known(&mut self, game: B256) -> Result<&mut GameState, BoardError> {
        self.games.get_mut(&game).ok_or(BoardError::UnknownGame { game })
    }
}

/// A segment of a run, if one can be so long.
fn segment(start: u64, length_log2: u8) -> Option<Segment> {
    let length = 1_u64.checked_shl(length_log2.into())?;
    (start.checked_add(length)? <= 1 << RUN_LOG2_MAX).then_some(Segment { start, length })
}

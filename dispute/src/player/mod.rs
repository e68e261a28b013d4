//! The player: what an account does about the games that it is part of (specs/13-game.md).
//!
//! ```text
//! logs of L1 --> board --> due(now) --> case, evidence --> intent --> L1
//! ```
//!
//! `board` is the state of all games, from events alone. `due` says what is to be done now, without evidence; `play` makes
//! the call that does it. Nothing here does I/O, keeps time or sends: a process owns the board, feeds it the logs of
//! canonical blocks, and persists each intent before it is sent. All of it can be rebuilt from L1 and the player's key.

mod board;
mod calls;
mod case;
mod duty;

use assay_protocol::B256;
use revm::primitives::{Address, Bytes, U256};

pub use board::{Board, BoardError, GameState, Phase, Turn};
pub use calls::{Hand, PlayError, Stakes, challenge};
pub use case::{Case, salt};
pub use duty::{Account, Duty, Task, duties};

/// A transaction that a player wants mined once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Names what it does: the same duty in the same state has the same id, so that it is not sent twice.
    pub id: B256,
    /// The contract to call.
    pub to: Address,
    /// Wei to send along.
    pub value: U256,
    /// The call.
    pub data: Bytes,
    /// L1 time in seconds after which it is of no use.
    pub valid_until: u64,
}

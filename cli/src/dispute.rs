//! `assay dispute`: games on a deployment, as L1 shows them.
//!
//! Owns the command lines and the form of the answers; the facts are the operator crate's. Nothing is sent: games are played by the
//! processes of their players.

mod list;
mod show;

use assay_dispute::game::Side;
use assay_operator::games::{GameStatus, Stage};
use clap::Subcommand;
use eyre::Result;
use serde::Serialize;

/// What to ask about games.
#[derive(Subcommand)]
pub enum Command {
    /// Print all games, the most urgent first: whose turn it is, what is left on the clocks, who is ahead
    #[command(after_help = list::EXAMPLES)]
    List(list::Arguments),
    /// Print one game: its moves, clocks and amounts
    #[command(after_help = show::EXAMPLES)]
    Show(show::Arguments),
}

impl Command {
    /// Whether the answer is wanted as JSON.
    pub fn json(&self) -> bool {
        match self {
            Self::List(arguments) => arguments.json,
            Self::Show(arguments) => arguments.json,
        }
    }
}

/// Runs the command.
pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::List(arguments) => list::run(arguments),
        Command::Show(arguments) => show::run(arguments),
    }
}

/// A game in JSON.
#[derive(Serialize)]
struct GameReport {
    game: String,
    region: Option<String>,
    batch: Option<u64>,
    leaf: Option<u32>,
    executor: String,
    challenger: String,
    stage: &'static str,
    to_move: Option<&'static str>,
    seconds_left: Option<u64>,
    other_seconds_left: Option<u64>,
    is_overdue: bool,
    ahead: &'static str,
    is_over: bool,
    bond_wei: String,
    is_stay: bool,
    committed_at: u64,
    dissections: u32,
    segment_start: Option<u64>,
    segment_steps: Option<u64>,
}

impl From<&GameStatus> for GameReport {
    fn from(game: &GameStatus) -> Self {
        Self {
            game: game.id.to_string(),
            region: game.leaf.map(|leaf| leaf.region.to_string()),
            batch: game.leaf.map(|leaf| leaf.batch),
            leaf: game.leaf.map(|leaf| leaf.index),
            executor: game.executor.to_string(),
            challenger: game.challenger.to_string(),
            stage: stage_name(game.stage),
            to_move: game.mover.map(side_name),
            seconds_left: game.mover_left,
            other_seconds_left: game.other_left,
            is_overdue: game.is_overdue,
            ahead: side_name(game.ahead),
            is_over: is_over(game.stage),
            bond_wei: game.bond.to_string(),
            is_stay: game.is_stay,
            committed_at: game.committed_at,
            dissections: game.dissections,
            segment_start: game.segment.map(|(start, _)| start),
            segment_steps: game.segment.map(|(_, steps)| steps),
        }
    }
}

fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Committed => "committed",
        Stage::Played => "played",
        Stage::Convicted => "convicted",
        Stage::Lost => "lost",
        Stage::Settled => "settled",
    }
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Challenger => "challenger",
        Side::Executor => "executor",
    }
}

/// Whether the game is decided.
fn is_over(stage: Stage) -> bool {
    matches!(stage, Stage::Convicted | Stage::Lost | Stage::Settled)
}

//! `assay dispute list`: all games, the most urgent first.

use alloy_primitives::Address;
use assay_operator::Snapshot;
use assay_operator::games::{GameStatus, all};
use eyre::Result;
use serde::Serialize;

use super::{GameReport, is_over, side_name, stage_name};
use crate::console;
use crate::l1::{Connection, address, ago, block_on, ether, left};

/// What `assay dispute list --help` teaches.
pub const EXAMPLES: &str = "\
Examples:
  assay dispute list --open
  assay dispute list --account 0x7099…79C8                     games of one player
  assay dispute list --json | jq '.games[] | select(.seconds_left < 600)'

Who is ahead is who would win if nobody moved any more: L1 does not know who is right until a game is over.";

/// The command line of `assay dispute list`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only games that are not decided
    #[arg(long)]
    open: bool,
    /// Only games that this account plays, on either side
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    account: Option<Address>,
    #[command(flatten)]
    connection: Connection,
    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Report {
    l1_block: u64,
    l1_time: u64,
    games: Vec<GameReport>,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let snapshot = block_on(async { Ok(Snapshot::take(&arguments.connection.open().await?).await?) })?;
    let mut games = all(&snapshot);
    games.retain(|game| !arguments.open || !is_over(game.stage));
    games.retain(|game| arguments.account.is_none_or(|account| [game.executor, game.challenger].contains(&account)));
    if arguments.json {
        let games = games.iter().map(GameReport::from).collect();
        return console::print_json(&Report { l1_block: snapshot.head.number, l1_time: snapshot.head.time, games });
    }
    console::print(&text(&games, &snapshot))
}

fn text(games: &[GameStatus], snapshot: &Snapshot) -> String {
    if games.is_empty() {
        return format!("no games up to block {}\n", snapshot.head.number);
    }
    let mut text = format!(
        "{:<12} {:<12} {:<12} {:<10} {:<11} {:<12} {:<11} {:>9}  {}\n",
        "game", "executor", "challenger", "stage", "to move", "left", "ahead", "bond", "begun"
    );
    for game in games {
        let clock = match (game.is_overdue, game.mover_left) {
            (true, _) => "overdue".into(),
            (false, seconds) => seconds.map_or("-".into(), left),
        };
        text += &format!(
            "{:<12} {:<12} {:<12} {:<10} {:<11} {:<12} {:<11} {:>9}  {}\n",
            short(&game.id.to_string()),
            short(&game.executor.to_string()),
            short(&game.challenger.to_string()),
            stage_name(game.stage),
            game.mover.map_or("-", side_name),
            clock,
            side_name(game.ahead),
            ether(game.bond),
            ago(game.committed_at, snapshot.head.time),
        );
    }
    text
}

/// The beginning of a hash, which `dispute show` takes too.
fn short(hash: &str) -> String {
    format!("{}…", &hash[..10])
}

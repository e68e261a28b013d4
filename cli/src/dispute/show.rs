//! `assay dispute show`: one game from its commitment to its end.

use std::fmt::Write;

use alloy_primitives::U256;
use assay_dispute::game::Side;
use assay_node::endpoint::{BlockId, BlockNumberOrTag};
use assay_operator::games::{Event, GameStatus, What, all, history};
use assay_operator::{L1, Snapshot};
use assay_protocol::contracts::Court;
use eyre::{Result, bail};
use serde::Serialize;

use super::{GameReport, is_over, side_name, stage_name};
use crate::console;
use crate::failure::Failure;
use crate::l1::{Connection, ago, block_on, ether, left};
use crate::report::grouped;

/// What `assay dispute show --help` teaches.
pub const EXAMPLES: &str = "\
Examples:
  assay dispute show 0x5ab1c2d3          the beginning of an id is enough, where only one game has it
  assay dispute show 0x5ab1c2d3 --json | jq .moves";

/// The command line of `assay dispute show`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The game's id, or its beginning
    #[arg(value_name = "ID")]
    id: String,
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
    #[serde(flatten)]
    game: GameReport,
    challenger_cost_wei: String,
    executor_cost_wei: String,
    moves: Vec<MoveReport>,
}

#[derive(Serialize)]
struct MoveReport {
    block: u64,
    time: u64,
    transaction: String,
    by: Option<&'static str>,
    what: &'static str,
    text: String,
}

/// What the court has scheduled for the gas of each side, in wei.
struct Costs {
    challenger: U256,
    executor: U256,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    block_on(async {
        let l1 = arguments.connection.open().await?;
        let snapshot = Snapshot::take(&l1).await?;
        let game = find(&snapshot, &arguments.id)?;
        let costs = costs(&l1, &snapshot, &game).await?;
        let moves = history(&l1, &snapshot, game.id);
        if arguments.json {
            return console::print_json(&report(&snapshot, &game, &costs, &moves));
        }
        console::print(&text(&snapshot, &game, &costs, &moves))
    })
}

/// The one game whose id begins so.
fn find(snapshot: &Snapshot, id: &str) -> Result<GameStatus> {
    let wanted = id.trim_end_matches('…').to_lowercase();
    let wanted = wanted.strip_prefix("0x").unwrap_or(&wanted);
    if wanted.is_empty() || !wanted.chars().all(|c| c.is_ascii_hexdigit()) {
        bail!(Failure::Usage(format!("{id} is no id of a game, wanted hex digits")));
    }
    let mut found = all(snapshot);
    let games = found.len();
    found.retain(|game| hex::encode(game.id).starts_with(wanted));
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => bail!("none of {games} games has an id that begins with 0x{wanted}"),
        count => bail!("{count} games have ids that begin with 0x{wanted}; give more of it"),
    }
}

async fn costs(l1: &L1, snapshot: &Snapshot, game: &GameStatus) -> Result<Costs> {
    let at = BlockId::Number(BlockNumberOrTag::Number(snapshot.head.number));
    let wanted = Court::gameOfCall { id: game.id };
    let known = l1.endpoint.view("ask for a game", l1.deployment.contracts.court, &wanted, at).await?;
    Ok(Costs { challenger: U256::from(known.challengerCost), executor: U256::from(known.executorCost) })
}

fn report(snapshot: &Snapshot, game: &GameStatus, costs: &Costs, moves: &[Event]) -> Report {
    let moves = moves.iter().map(|event| MoveReport {
        block: event.block,
        time: event.time,
        transaction: event.transaction.to_string(),
        by: event.by.map(side_name),
        what: what_name(&event.what),
        text: words(event),
    });
    Report {
        l1_block: snapshot.head.number,
        l1_time: snapshot.head.time,
        game: game.into(),
        challenger_cost_wei: costs.challenger.to_string(),
        executor_cost_wei: costs.executor.to_string(),
        moves: moves.collect(),
    }
}

fn text(snapshot: &Snapshot, game: &GameStatus, costs: &Costs, moves: &[Event]) -> String {
    let now = snapshot.head.time;
    let mut text = format!("game {}\n", game.id);
    let mut line = |name: &str, value: &str| writeln!(text, "  {name:<12} {value}").expect("a String takes everything");
    if let Some(leaf) = game.leaf {
        line("about", &leaf.to_string());
    }
    line("executor", &game.executor.to_string());
    line("challenger", &game.challenger.to_string());
    line("stage", stage_name(game.stage));
    if let (Some(mover), Some(mover_left), Some(other_left)) = (game.mover, game.mover_left, game.other_left) {
        let clock = if game.is_overdue { "its clock has run out".into() } else { format!("{} left", left(mover_left)) };
        line("to move", &format!("{}, {clock}", side_name(mover)));
        line("other clock", &format!("{}, {} left", side_name(mover.opponent()), left(other_left)));
    }
    let ahead = if is_over(game.stage) { "won by" } else { "ahead" };
    line(ahead, side_name(game.ahead));
    if let Some((start, steps)) = game.segment {
        line("disputed", &format!("{} steps from step {}", grouped(steps), grouped(start)));
    }
    let stay = if game.is_stay { ", holds all open claims of the executor" } else { "" };
    line("bond", &format!("{}{stay}", ether(game.bond)));
    let (challenger, executor) = (ether(costs.challenger), ether(costs.executor));
    line("gas so far", &format!("challenger {challenger}, executor {executor}, as the court reckons it"));
    text += "\n";
    for (number, event) in moves.iter().enumerate() {
        let by = event.by.map_or("", side_name);
        text += &format!("  {:>2}. {:<12} {:<10} {}\n", number + 1, ago(event.time, now), by, words(event));
        text += &format!("      block {}, transaction {}\n", event.block, event.transaction);
    }
    text
}

fn what_name(what: &What) -> &'static str {
    match what {
        What::Committed { .. } => "committed",
        What::Dissected { .. } => "dissected",
        What::Stepped { .. } => "stepped",
        What::ChallengeLost { .. } => "challenge_lost",
        What::Convicted { .. } => "convicted",
        What::Settled { .. } => "settled",
    }
}

fn words(event: &Event) -> String {
    match &event.what {
        What::Committed { bond } => format!("commits to a challenge, locking {}", ether(*bond)),
        What::Dissected { start, steps, hashes } => {
            let verb = if event.by == Some(Side::Challenger) { "shows" } else { "answers with" };
            format!("{verb} {hashes} states of {} steps from step {}", grouped(*steps), grouped(*start))
        }
        What::Stepped { step, outcome } => format!("L1 executes step {}: it leads to {outcome}", grouped(*step)),
        What::ChallengeLost { to_executor, burned } => {
            format!("the challenge is lost: {} to the executor, {} burned", ether(*to_executor), ether(*burned))
        }
        What::Convicted { pot, winners } => {
            format!("the executor is convicted: {} for challengers, {winners} of them winners", ether(*pot))
        }
        What::Settled { bond, reward } => {
            format!("the challenger is credited its bond of {} and {}", ether(*bond), ether(*reward))
        }
    }
}

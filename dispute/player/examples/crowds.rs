//! A crowd of dishonest players against one honest player on anvil, in real time: a block is mined each second, whatever the honest side
//! has sent by then.
//!
//! ```sh
//! cargo run --release -p assay-player --example crowds -- 300
//! ```
//!
//! Prints, for each role, how many games there were and who won them, how many transactions the sender lets wait, wall-clock, and the gas
//! of both sides. Fails if a game is lost.
#![allow(clippy::unwrap_used)]

#[path = "../tests/l1/arena.rs"]
mod arena;
#[path = "../tests/l1/crowd.rs"]
mod crowd;
#[path = "../tests/l1/seat.rs"]
mod seat;

use std::time::{Duration, Instant};

use arena::Arena;
use assay_dispute::game::Side;
use assay_node::tx::UNMINED_MAX;
use assay_simulation::job::Job;
use assay_simulation::plan::Plan;
use crowd::{against_challengers, against_executors, check};
use seat::{Sitter, sit};
use tokio::time::MissedTickBehavior;

/// Seconds between blocks.
const PACE: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() {
    let count = std::env::args().nth(1).map_or(300, |count| count.parse().expect("how many dishonest players"));
    // A run of some 2^16 steps: three dissections, and a step.
    let (plan, sitter) = against_challengers(2, count);
    report("challengers", count, plan, sitter).await;
    let (plan, sitter) = against_executors(2, count);
    report("executors", count, plan, sitter).await;
}

async fn report(whom: &str, count: u32, plan: Plan, sitter: Sitter) {
    let mut arena = Arena::open(&plan, &Job::all()).await.expect("there is an anvil");
    let directory = tempfile::tempdir().unwrap();
    let seat = sit(sitter, &arena.anvil.url(), &arena.deployment, directory.path());
    let metrics = seat.metrics.clone();
    let leaves = if sitter.side == Side::Challenger { arena.false_leaves() } else { Vec::new() };
    let (began, start) = (Instant::now(), arena.now());
    let (stop, ended) = seat.play_beside(leaves);
    let mut pace = tokio::time::interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut least = u64::MAX;
    while !arena.is_over() {
        arena.provoke().await;
        pace.tick().await;
        arena.mine().await;
        least = least.min(arena.clock_least(&sitter.account()));
    }
    let wall = began.elapsed().as_secs_f64();
    stop.cancel();
    ended.await.unwrap();
    check(&arena, sitter, count as usize);
    let (rivals, seconds) = (arena.rivals(), arena.now() - start);
    let (own, theirs) = (arena.gas_of(&[sitter.address()]).await, arena.gas_of(&rivals).await);
    let games = arena.chain.view().board().games().count();
    println!("{count} dishonest {whom} against one honest player: {games} games, all won");
    println!("  at most {UNMINED_MAX} transactions of the honest side wait for a block, as shipped");
    println!("  {wall:.0} s wall-clock, {seconds} s of L1, at least {least} s left on every clock of the honest side");
    println!(
        "  gas {own} by the honest side, {theirs} by the others, {} and {} a game",
        own / games as u64,
        theirs / games as u64
    );
    let wanted = ["games_won_total", "games_lost_total", "moves_total", "attempts_failed_total"];
    for line in metrics.text().lines().filter(|line| wanted.iter().any(|name| line.contains(&format!("test_{name} "))))
    {
        println!("  {line}");
    }
}

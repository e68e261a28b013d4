//! L1 is reorganised under the honest player's moves, one to five blocks deep: what was in them is lost, the rivals' moves too. It wins,
//! also where that is deeper than what it remembers, and all must be read again.

use std::sync::Arc;

use assay_dispute::game::Side;
use assay_player::chain::Nowhere;
use assay_simulation::job::Job;
use assay_simulation::plan::Plan;

use crate::arena::Arena;
use crate::crowd::{against_challengers, against_executors, check};
use crate::seat::{Sitter, sit_with};

/// Dishonest players, who each give a game.
const CROWD: u32 = 3;
/// The deepest.
const DEPTH_MAX: u64 = 5;
/// What a player remembers that has to read all again.
const MEMORY: u64 = 2;

/// Plays, and after each block with a move of the honest player, who remembers so many blocks, takes back some.
async fn play(plan: Plan, sitter: Sitter, memory: u64) {
    let Some(mut arena) = Arena::open(&plan, &Job::all()).await else { return };
    let directory = tempfile::tempdir().unwrap();
    let seat = sit_with(sitter, &arena.anvil.url(), &arena.deployment, directory.path(), memory, Arc::new(Nowhere));
    let leaves = if sitter.side == Side::Challenger { arena.false_leaves() } else { Vec::new() };
    let (stop, ended) = seat.play_beside(leaves.clone());
    arena.wait_for_pending(sitter.address(), leaves.len() as u64).await;
    let mut depths: Vec<u64> = (1..=DEPTH_MAX).rev().collect();
    let floor = arena.chain.head().unwrap().number;
    while !arena.is_over() {
        arena.provoke().await;
        let sent = arena.wait_for(&sitter.account(), sitter.address()).await;
        arena.mine().await;
        // Never into the stage itself.
        let Some(depth) = depths.last().copied() else { continue };
        if sent && arena.chain.head().unwrap().number > floor + depth {
            depths.pop();
            arena.anvil.reorganise(depth).await.unwrap();
            arena.look().await;
        }
    }
    stop.cancel();
    ended.await.unwrap();
    assert!(depths.is_empty(), "depths {depths:?} had no turn");
    // No reorganisation has swallowed a game for good: a challenge that was lost was sent again, by either side.
    let games = if sitter.side == Side::Challenger { leaves.len() } else { arena.challengers() };
    assert!(games >= 2, "{games} challenges were sent");
    check(&arena, sitter, games);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_executor_wins_through_reorganisations() {
    let (plan, sitter) = against_challengers(2, CROWD);
    play(plan, sitter, 96).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_challenger_wins_through_reorganisations() {
    let (plan, sitter) = against_executors(2, CROWD);
    play(plan, sitter, 96).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_challenger_wins_through_reorganisations_beyond_its_memory() {
    let (plan, sitter) = against_executors(2, CROWD);
    play(plan, sitter, MEMORY).await;
}

//! Whole disputes in both roles.

use assay_node::telemetry::Metrics;
use assay_simulation::job::Job;

use crate::arena::{Arena, GLANCE, PATIENCE};
use crate::crowd::{against_challengers, against_executors, check, play, play_challenger};
use crate::seat::sit;

/// Dishonest players against the honest one in these tests.
const CROWD: u32 = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_executor_beats_a_crowd_of_challengers() {
    let (plan, sitter) = against_challengers(2, CROWD);
    let Some(mut arena) = Arena::open(&plan, &Job::all()).await else { return };
    let directory = tempfile::tempdir().unwrap();
    let seat = sit(sitter, &arena.anvil.url(), &arena.deployment, directory.path());
    let metrics = seat.metrics.clone();
    let (stop, ended) = seat.play_beside(Vec::new());
    play(&mut arena, sitter).await;
    check(&arena, sitter, CROWD as usize);
    check_metrics(&metrics).await;
    stop.cancel();
    ended.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_challenger_beats_a_crowd_of_executors() {
    let (plan, sitter) = against_executors(2, CROWD);
    let Some(mut arena) = Arena::open(&plan, &Job::all()).await else { return };
    let directory = tempfile::tempdir().unwrap();
    let seat = sit(sitter, &arena.anvil.url(), &arena.deployment, directory.path());
    let (metrics, leaves) = (seat.metrics.clone(), arena.false_leaves());
    let (stop, ended) = seat.play_beside(leaves);
    play_challenger(&mut arena, sitter).await;
    check(&arena, sitter, CROWD as usize);
    check_metrics(&metrics).await;
    stop.cancel();
    ended.await.unwrap();
}

/// The player says that it has won all games, when it has read the last block.
async fn check_metrics(metrics: &Metrics) {
    let wanted = format!("test_won_total {CROWD}\n");
    let won = async {
        while !metrics.text().contains(&wanted) {
            tokio::time::sleep(GLANCE).await;
        }
    };
    let _ = tokio::time::timeout(PATIENCE, won).await;
    let text = metrics.text();
    assert!(text.contains(&wanted) && text.contains("test_lost_total 0\n"), "{text}");
}

//! `kill -9` of the honest player at every block of its games, and at every point of those that ask it for something: before it has sent
//! that, when it is sent and not mined, and when it is mined; with its database kept, and with it deleted each time. It comes back and
//! wins.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use assay_dispute::game::Side;
use assay_player::chain::LeafId;
use assay_protocol::deployment::Deployment;
use assay_simulation::job::Job;
use assay_simulation::plan::Plan;

use crate::arena::Arena;
use crate::crowd::{against_challengers, against_executors, check};
use crate::seat::{Sitter, sit};

/// Set in the child: where L1 is, who plays, and the file of the deployment with the leaves to challenge.
const URL: &str = "ASSAY_TEST_URL";
const SITTER: &str = "ASSAY_TEST_SITTER";
const DIRECTORY: &str = "ASSAY_TEST_DIRECTORY";

/// Dishonest players, who each give a game.
const CROWD: u32 = 3;
/// Steps of the run in dispute, at least: enough for two dissections of each side, and what comes after.
const STEPS: u64 = 1 << 18;

/// The child; as a test of its own it has nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_plays_until_it_is_killed() {
    let (Ok(url), Ok(sitter), Ok(directory)) = (std::env::var(URL), std::env::var(SITTER), std::env::var(DIRECTORY))
    else {
        return;
    };
    let _ = assay_node::telemetry::logs(assay_node::telemetry::LogFormat::Human, "info");
    let directory = Path::new(&directory);
    let (side, number) = sitter.split_once(' ').expect("a side and a number");
    let side = if side == "executor" { Side::Executor } else { Side::Challenger };
    let sitter = Sitter { side, number: number.parse().unwrap() };
    let deployment =
        Deployment::from_json(&std::fs::read_to_string(directory.join("deployment.json")).unwrap()).unwrap();
    let leaves: Vec<LeafId> =
        serde_json::from_str(&std::fs::read_to_string(directory.join("leaves.json")).unwrap()).unwrap();
    sit(sitter, &url, &deployment, directory).play(&leaves).await;
}

/// The player as a process of its own.
struct Player {
    url: String,
    sitter: Sitter,
    directory: tempfile::TempDir,
    forgets: bool,
    child: Option<Child>,
    kills: u32,
}

impl Player {
    fn new(arena: &Arena, sitter: Sitter, forgets: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("deployment.json"), arena.deployment.to_json()).unwrap();
        let leaves = if sitter.side == Side::Challenger { arena.false_leaves() } else { Vec::new() };
        std::fs::write(directory.path().join("leaves.json"), serde_json::to_string(&leaves).unwrap()).unwrap();
        let mut player = Self { url: arena.anvil.url(), sitter, directory, forgets, child: None, kills: 0 };
        player.start();
        player
    }

    fn start(&mut self) {
        let side = if self.sitter.side == Side::Executor { "executor" } else { "challenger" };
        let log = std::fs::File::options().create(true).append(true).open(self.directory.path().join("log")).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::child_plays_until_it_is_killed", "--nocapture", "--test-threads=1"])
            .env(URL, &self.url)
            .env(SITTER, format!("{side} {}", self.sitter.number))
            .env(DIRECTORY, self.directory.path())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// Kills it as `kill -9` does, and starts it again.
    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
            self.kills += 1;
        }
        if self.forgets {
            let _ = std::fs::remove_dir_all(self.directory.path().join("store"));
        }
        self.start();
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
            eprintln!("{log}");
        }
    }
}

/// Plays with a kill in each block, and at each point of those that ask the player for something.
async fn play(plan: Plan, sitter: Sitter, forgets: bool) {
    let Some(mut arena) = Arena::open(&plan, &[Job::long(STEPS)]).await else { return };
    let mut player = Player::new(&arena, sitter, forgets);
    let account = sitter.account();
    let mut is_first = sitter.side == Side::Challenger;
    let (mut blocks, mut moves) = (0, 0);
    while !arena.is_over() {
        arena.provoke().await;
        player.kill();
        blocks += 1;
        let sent = match is_first {
            true => arena.wait_for_pending(sitter.address(), CROWD.into()).await,
            false => arena.wait_for(&account, sitter.address()).await,
        };
        is_first = false;
        if sent {
            player.kill();
        }
        arena.mine().await;
        if sent {
            player.kill();
            moves += 1;
        }
    }
    println!("{:?}, forgets {forgets}: killed {} times in {blocks} blocks", sitter.side, player.kills);
    // An executor makes three moves, of which one may be a timeout, a challenger commits and reveals besides.
    let least = if sitter.side == Side::Executor { 3 } else { 4 };
    assert!(moves >= least, "{moves} blocks with moves, at least {least}");
    assert_eq!(player.kills, blocks + 2 * moves, "in each block, and at two more points of those with moves");
    drop(player);
    check(&arena, sitter, CROWD as usize);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_executor_with_its_database_comes_back_and_wins() {
    let (plan, sitter) = against_challengers(0, CROWD);
    play(plan, sitter, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_executor_without_its_database_comes_back_and_wins() {
    let (plan, sitter) = against_challengers(0, CROWD);
    play(plan, sitter, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_challenger_with_its_database_comes_back_and_wins() {
    let (plan, sitter) = against_executors(0, CROWD);
    play(plan, sitter, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_challenger_without_its_database_comes_back_and_wins() {
    let (plan, sitter) = against_executors(0, CROWD);
    play(plan, sitter, true).await;
}

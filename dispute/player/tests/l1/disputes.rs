//! Whole disputes in both roles.

use std::sync::Arc;

use alloy_primitives::U256;
use assay_dispute::game::Side;
use assay_dispute::player::Phase;
use assay_node::Remedy;
use assay_node::endpoint::{Endpoint, EndpointConfig};
use assay_node::l1::L1Error;
use assay_node::telemetry::Metrics;
use assay_node::tx::{INTENTS, Outcome};
use assay_player::chain::{Blobs, ChainError, Fate};
use assay_player::player::rows::WORKS;
use assay_protocol::BlobRef;
use assay_protocol::deployment::Deployment;
use assay_protocol::presets::Preset;
use assay_simulation::actor::Habit;
use assay_simulation::job::Job;
use assay_simulation::plan::{Conduct, Plan, Player};

use crate::arena::{Arena, GLANCE, PATIENCE};
use crate::crowd::{against_challengers, against_executors, check, claim, lying, plan, play, play_challenger};
use crate::seat::{Sitter, follow, open_store, sit, sit_with};
use tokio_util::sync::CancellationToken;

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

/// A challenge that is a stay holds every claim of its executor, true ones too, past their windows, until it is decided. A liar's other
/// claims fall with it; an executor who told the truth keeps all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stay_holds_all_claims_of_its_executor() {
    let sitter = Sitter { side: Side::Challenger, number: 0 };
    let players = vec![
        Player::new(Side::Challenger, 0, Conduct::Honest, vec![0]),
        // Its silence makes the game outlast the windows.
        Player { habit: Habit::Silent { after: 0 }, ..Player::new(Side::Executor, 1, lying(1), vec![0]) },
    ];
    let plan = plan(vec![claim(2, 1, Some(1)), claim(2, 1, None), claim(2, 3, None)], players);
    let Some(mut arena) = Arena::open(&plan, &Job::all()).await else { return };
    let directory = tempfile::tempdir().unwrap();
    let seat = sit(sitter, &arena.anvil.url(), &arena.deployment, directory.path());
    seat.player.challenge(arena.leaf(0), true).await.unwrap();
    let (stop, ended) = seat.play_beside(Vec::new());
    arena.wait_for_pending(sitter.address(), 1).await;

    let (window, held) = (arena.chain.parameters().window, arena.leaf(1));
    let mut held_late = false;
    while !arena.is_over() {
        arena.provoke().await;
        arena.wait_for(&sitter.account(), sitter.address()).await;
        arena.mine().await;
        let view = arena.chain.view();
        let is_running = view.board().games().any(|game| game.is_running());
        let fate = |case: usize| view.fate(arena.leaf(case), arena.executor(case), window, arena.now()).unwrap();
        if is_running {
            assert_eq!((fate(1), view.games_on(held.claim()).count()), (Fate::Challenged, 0), "no game is on it");
            held_late |= arena.now() > arena.window_end();
        }
        assert!(matches!(fate(2), Fate::Pending { .. } | Fate::Stands), "another executor's claim");
    }
    assert!(held_late, "the game went on past the window");
    stop.cancel();
    ended.await.unwrap();
    let view = arena.chain.view();
    let game = view.board().games().next().unwrap();
    assert!(game.challenge.isStay && game.phase == Phase::Settled, "{game:?}");
    let conviction = view.conviction(arena.executor(0)).unwrap();
    for case in [0, 1] {
        let fate = view.fate(arena.leaf(case), arena.executor(case), window, arena.now());
        assert_eq!(fate, Some(Fate::Void { since: conviction.at }), "case {case}");
    }
    assert_eq!(view.fate(arena.leaf(2), arena.executor(2), window, arena.now()), Some(Fate::Stands));
}

/// One stake behind many lies costs one game and one stay, not a game a lie: the first is challenged by itself, the second holds the rest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_lies_of_one_executor_are_met_with_one_game_and_one_stay() {
    let sitter = Sitter { side: Side::Challenger, number: 0 };
    let lies: Vec<usize> = (0..5).collect();
    let liar = Player { habit: Habit::Silent { after: 0 }, ..Player::new(Side::Executor, 1, lying(1), lies.clone()) };
    let players = vec![Player::new(Side::Challenger, 0, Conduct::Honest, lies.clone()), liar];
    let plan = plan(lies.iter().map(|lie| claim(2, 1, Some(*lie as u64 + 1))).collect(), players);
    let Some(mut arena) = Arena::open(&plan, &Job::all()).await else { return };
    let directory = tempfile::tempdir().unwrap();
    let seat = sit(sitter, &arena.anvil.url(), &arena.deployment, directory.path());
    let (stop, ended) = seat.play_beside(arena.false_leaves());
    for _ in 0..2 {
        arena.wait_for_pending(sitter.address(), 1).await;
        arena.mine().await;
    }
    play(&mut arena, sitter).await;
    stop.cancel();
    ended.await.unwrap();
    let view = arena.chain.view();
    let mut stays: Vec<bool> = view.board().games().map(|game| game.challenge.isStay).collect();
    stays.sort_unstable();
    assert_eq!(stays, [false, true], "one game and one stay");
    let window = arena.chain.parameters().window;
    for case in lies {
        let fate = view.fate(arena.leaf(case), arena.executor(case), window, arena.now());
        assert!(matches!(fate, Some(Fate::Void { .. })), "lie {case}: {fate:?}");
    }
}

/// A stay that was asked for and can't be paid for is taken back before it was sent, and the claim is challenged by a game.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stay_without_the_money_becomes_a_game() {
    let (plan, sitter) = against_executors(2, 1);
    let Some(mut arena) = Arena::open(&plan, &Job::all()).await else { return };
    // Less than a stake, enough for a game.
    let balance = arena.chain.parameters().executor_stake / U256::from(4);
    arena.anvil.set_balance(sitter.address(), balance).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let seat = sit(sitter, &arena.anvil.url(), &arena.deployment, directory.path());
    let store = seat.chain.store().clone();
    seat.player.challenge(arena.leaf(0), true).await.unwrap();
    let (stop, ended) = seat.play_beside(Vec::new());
    let has_game = |arena: &Arena| arena.chain.view().board().games().count() > 0;
    while !has_game(&arena) && arena.now() < arena.window_end() {
        // Nothing is sent before the sender has seen the balance, and the player another block.
        let _ = tokio::time::timeout(PATIENCE / 10, arena.wait_for_pending(sitter.address(), 1)).await;
        arena.mine().await;
    }
    play(&mut arena, sitter).await;
    check(&arena, sitter, 1);
    assert!(arena.chain.view().board().games().all(|game| !game.challenge.isStay), "a game");
    let outcomes = store.prefix(&INTENTS, &sitter.address()).map(|row| row.unwrap().1.outcome);
    assert_eq!(outcomes.filter(|outcome| *outcome == Some(Outcome::Withdrawn)).count(), 1, "and before it a stay");
    stop.cancel();
    ended.await.unwrap();
}

/// What an executor keeps of what it has signed: input and module.
struct Kept(Vec<Job>);

impl Blobs for Kept {
    fn fetch(&self, blob: &BlobRef) -> Result<Option<Arc<[u8]>>, String> {
        let bytes = |job: &Job| {
            let is_input = (job.input_ref == *blob).then(|| job.input[..].into());
            is_input.or_else(|| (job.descriptor.wasm == *blob).then(|| job.wasm[..].into()))
        };
        Ok(self.0.iter().find_map(bytes))
    }
}

/// A sequencer posts an honest executor's claim in a batch whose data is garbage, and its friends open games on it: the court has shown the
/// record, and the executor wins by what it has kept itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_executor_wins_whatever_the_sequencer_keeps_back() {
    let (plan, sitter) = against_challengers(2, 3);
    let plan = Plan { is_withheld: true, ..plan };
    let Some(mut arena) = Arena::open(&plan, &Job::all()).await else { return };
    let leaf = arena.leaf(0);
    assert!(arena.chain.open_leaf(leaf).is_err(), "the posted data does not open it");
    let directory = tempfile::tempdir().unwrap();
    let kept = Arc::new(Kept(Job::all()));
    let seat = sit_with(sitter, &arena.anvil.url(), &arena.deployment, directory.path(), 96, kept);
    let (stop, ended) = seat.play_beside(Vec::new());
    play(&mut arena, sitter).await;
    check(&arena, sitter, 3);
    assert!(arena.chain.open_leaf(leaf).unwrap().is_some_and(|opened| opened.siblings.is_empty()));
    stop.cancel();
    ended.await.unwrap();
}

/// A deployment with another verifier or court than this build's is not played on, nor one that was made with other numbers, nor one of another
/// chain, where others may have the same addresses. Nothing of it is read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_contracts_are_refused() {
    let (plan, sitter) = against_challengers(2, 1);
    let Some(arena) = Arena::open(&plan, &Job::all()).await else { return };
    let directory = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::new(&EndpointConfig::new(arena.anvil.url())).unwrap();
    let refused = async |name: &str, change: &dyn Fn(&mut Deployment)| {
        let mut deployment = arena.deployment.clone();
        change(&mut deployment);
        let (chain, follower) = follow(open_store(&directory.path().join(name)), endpoint.clone(), &deployment);
        let error = follower.run(CancellationToken::new()).await.unwrap_err();
        assert!(chain.head().is_none() && error.remedy() == Remedy::Stop, "{error}");
        error
    };
    let code = |error: ChainError| match error {
        ChainError::Code { contract, at, .. } => (contract, at),
        error => panic!("{error}"),
    };
    let (nobody, court) = (sitter.address(), arena.deployment.contracts.court);
    let verifier = refused("verifier", &|deployment| deployment.contracts.step_verifier = nobody).await;
    assert_eq!(code(verifier), ("step verifier", nobody));
    assert_eq!(code(refused("court", &|deployment| deployment.contracts.court = nobody).await), ("court", nobody));
    assert_eq!(code(refused("numbers", &|deployment| deployment.preset = Preset::Testnet).await), ("court", court));
    let chain = refused("chain", &|deployment| deployment.chain_id = 1).await;
    assert!(matches!(chain, ChainError::L1(L1Error::WrongChain { got: 31_337, wanted: 1 })), "{chain}");
}

/// What a player has written down about its games goes when they are over and no reorganisation reaches them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_games_that_are_over_go() {
    let (plan, sitter) = against_challengers(2, 2);
    let Some(mut arena) = Arena::open(&plan, &Job::all()).await else { return };
    let directory = tempfile::tempdir().unwrap();
    let seat = sit(sitter, &arena.anvil.url(), &arena.deployment, directory.path());
    let store = seat.chain.store().clone();
    let (stop, ended) = seat.play_beside(Vec::new());
    play(&mut arena, sitter).await;
    let rows = || {
        let account = sitter.address();
        (store.prefix(&WORKS, &account).count(), store.prefix(&INTENTS, &account).count())
    };
    let (works, intents) = rows();
    assert!(works >= 4 && intents >= 4, "{works} works, {intents} intents of two games");
    arena.anvil.mine(300).await.unwrap();
    // It looks for such rows every few heads.
    let swept = async {
        while rows() != (0, 0) {
            arena.anvil.mine(1).await.unwrap();
            tokio::time::sleep(3 * GLANCE).await;
        }
    };
    let _ = tokio::time::timeout(PATIENCE, swept).await;
    assert_eq!(rows(), (0, 0), "of {works} works and {intents} intents");
    stop.cancel();
    ended.await.unwrap();
}

/// The player says that it has won all games, when it has read the last block.
async fn check_metrics(metrics: &Metrics) {
    let wanted = format!("test_games_won_total {CROWD}\n");
    let won = async {
        while !metrics.text().contains(&wanted) {
            tokio::time::sleep(GLANCE).await;
        }
    };
    let _ = tokio::time::timeout(PATIENCE, won).await;
    let text = metrics.text();
    assert!(text.contains(&wanted) && text.contains("test_games_lost_total 0\n"), "{text}");
    // Nothing is under way any more, and nothing locked.
    for line in ["test_games_ahead 0\n", "test_games_behind 0\n", "test_bonds_locked_gwei 0\n"] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}

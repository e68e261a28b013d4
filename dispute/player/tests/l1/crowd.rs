//! Crowds: one honest player against so many dishonest ones, played to the end, and what must be true then.
#![allow(dead_code, reason = "each program uses its own part of this")]

use assay_dispute::game::Side;
use assay_dispute::player::Phase;
use assay_player::chain::Fate;
use assay_simulation::actor::Habit;
use assay_simulation::liar::{Corruption, Story};
use assay_simulation::plan::{Claim, Conduct, Plan, Player};

use crate::arena::Arena;
use crate::seat::Sitter;

/// Corruptions that every claim of a run that exits can be disputed with.
const KINDS: [Corruption; 4] = [Corruption::Fuel, Corruption::Pc, Corruption::Running, Corruption::Illegal];

/// A lie that begins at some step, told by player `number`.
pub fn lying(number: u32) -> Conduct {
    let (from, corruption) = (6 * u64::from(number * 37 % 101) + 4, KINDS[number as usize % KINDS.len()]);
    Conduct::Lying { from, corruption, story: Story::Steady }
}

pub fn claim(job: usize, executor: u32, lie: Option<u64>) -> Claim {
    Claim { job, executor, lie, is_old: false }
}

pub fn plan(claims: Vec<Claim>, players: Vec<Player>) -> Plan {
    Plan { claims, players, is_withheld: false, pace: 1, base_fee_top: None, reorganisations: 0, tampering: 0, seed: 1 }
}

/// One honest executor of a claim about job `job`, and so many challengers that lie.
pub fn against_challengers(job: usize, count: u32) -> (Plan, Sitter) {
    let mut players = vec![Player::new(Side::Executor, 0, Conduct::Honest, vec![0])];
    players.extend((1..=count).map(|number| {
        let habit = if number % 5 == 4 { Habit::Silent { after: 1 } } else { Habit::Prompt };
        Player { habit, ..Player::new(Side::Challenger, number, lying(number), vec![0]) }
    }));
    (plan(vec![claim(job, 0, None)], players), Sitter { side: Side::Executor, number: 0 })
}

/// One honest challenger, and so many executors that lie about job `job`.
pub fn against_executors(job: usize, count: u32) -> (Plan, Sitter) {
    let claims = (1..=count).map(|number| claim(job, number, Some(u64::from(number)))).collect();
    let cases: Vec<usize> = (0..count as usize).collect();
    let mut players = vec![Player::new(Side::Challenger, 0, Conduct::Honest, cases.clone())];
    players.extend(cases.iter().map(|case| {
        let number = *case as u32 + 1;
        let habit = if number % 5 == 4 { Habit::Silent { after: 0 } } else { Habit::Prompt };
        Player { habit, ..Player::new(Side::Executor, number, lying(number), vec![*case]) }
    }));
    (plan(claims, players), Sitter { side: Side::Challenger, number: 0 })
}

/// Plays the arena to its end, the honest player sitting beside it.
pub async fn play(arena: &mut Arena, sitter: Sitter) {
    while !arena.is_over() {
        arena.provoke().await;
        arena.wait_for(&sitter.account(), sitter.address()).await;
        arena.mine().await;
    }
}

/// The honest player has won every game that it was part of, and at least so many.
pub fn check(arena: &Arena, sitter: Sitter, games_least: usize) {
    let view = arena.chain.view();
    let account = sitter.account();
    let mut games = 0;
    for game in view.board().games() {
        let is_executor = account.executor == Some(game.executor);
        if is_executor || account.challenger == Some(game.challenge.challenger) {
            games += 1;
            let won = if is_executor { Phase::Lost } else { Phase::Settled };
            assert_eq!(game.phase, won, "game {}", game.id);
        }
    }
    assert!(games >= games_least, "{games} games, at least {games_least} were to be played");
    for case in 0..arena.is_true.len() {
        let (leaf, executor) = (arena.leaf(case), arena.executor(case));
        let fate = view.fate(leaf, executor, arena.chain.parameters().window, arena.now());
        assert_eq!(matches!(fate, Some(Fate::Void { .. })), !arena.is_true[case], "case {case}: {fate:?}");
        assert_eq!(view.conviction(executor).is_some(), !arena.is_true[case], "case {case}");
    }
}

/// As [`play`], but no block is mined before the challenges are on their way.
pub async fn play_challenger(arena: &mut Arena, sitter: Sitter) {
    let wanted = arena.false_leaves().len() as u64;
    arena.wait_for_pending(sitter.address(), wanted).await;
    play(arena, sitter).await;
}

//! What can be enumerated, enumerated: a lie from every step of a short run on, in both roles; every image by hand, in both
//! roles; hundreds of liars on one side against one honest player on the other.

use assay_dispute::game::Side;
use assay_machine::program::Limits;
use assay_simulation::actor::Habit;
use assay_simulation::bout::Report;
use assay_simulation::image;
use assay_simulation::job::Job;
use assay_simulation::liar::{Corruption, Story};
use assay_simulation::plan::{Claim, Conduct, Plan, Player, parameters};

const CROWD: u32 = 300;

/// A run of 512 states: two dissections, the second of two hashes.
fn short() -> Job {
    Job::new(
        "short",
        r#"(module (func (export "_start") (loop $l (br $l))))"#,
        b"",
        Limits { fuel: 400, output_bytes: 1 << 10 },
    )
}

/// A lie from step `from` on, counted from 1.
fn lying(from: u64, corruption: Corruption) -> Conduct {
    // Inverts the draw of plans: 4 is the first that names a step by its number.
    Conduct::Lying { from: 6 * (from - 1) + 4, corruption, story: Story::Steady }
}

fn kind(number: u64) -> Corruption {
    Corruption::ALL[number as usize % Corruption::ALL.len()]
}

fn claim(job: usize, executor: u32, lie: Option<u64>) -> Claim {
    Claim { job, executor, lie, is_old: false }
}

fn honest(side: Side, cases: Vec<usize>) -> Player {
    Player::new(side, 0, Conduct::Honest, cases)
}

fn plan(claims: Vec<Claim>, players: Vec<Player>) -> Plan {
    Plan { claims, players, is_withheld: false, pace: 2, base_fee_top: None, reorganisations: 0, tampering: 0, seed: 1 }
}

fn play(jobs: &[Job], claims: Vec<Claim>, players: Vec<Player>) -> Report {
    let plan = plan(claims, players);
    plan.play(jobs).unwrap_or_else(|broken| panic!("{broken}: {plan:#?}"))
}

/// Plays these bouts on two threads; returns how many games there were.
fn all(jobs: &[Job], bouts: Vec<(Vec<Claim>, Vec<Player>)>) -> u32 {
    let (left, right) = bouts.split_at(bouts.len() / 2);
    let games = |bouts: &[(Vec<Claim>, Vec<Player>)]| -> u32 {
        bouts.iter().map(|(claims, players)| play(jobs, claims.clone(), players.clone()).games).sum()
    };
    std::thread::scope(|scope| {
        let left = scope.spawn(move || games(left));
        games(right) + left.join().expect("a bout failed as printed above")
    })
}

#[test]
fn challengers_that_lie_from_every_step_on_lose() {
    let jobs = [short()];
    let mut players = vec![honest(Side::Executor, vec![0])];
    for step in 1..=512 {
        players.push(Player::new(Side::Challenger, step as u32, lying(step, kind(step)), vec![0]));
    }
    let report = play(&jobs, vec![claim(0, 0, None)], players);
    println!("{} games, {} gas", report.games, report.gas);
    // A true last state with another memory or output implies an exhausted result as well: there is nothing to open with.
    assert!(report.games > 390 && report.won_by_challengers == 0, "{report:?}");
    assert_eq!(report.dissections_max, 2);
}

#[test]
fn executors_that_lie_from_every_step_on_lose() {
    let jobs = [short()];
    let bout = |step: u64| {
        let executor = Player::new(Side::Executor, 0, lying(step, kind(step)), vec![0]);
        (vec![claim(0, 0, Some(0))], vec![executor, honest(Side::Challenger, vec![0])])
    };
    assert_eq!(all(&jobs, (1..=512).map(bout).collect()), 512);
}

#[test]
fn images_by_hand_change_nothing() {
    let jobs = image::all();
    let has_truth = |job: &usize| jobs[*job].has_truth;
    let attack = |job: usize| {
        // Of an image that has no true result, every result is false.
        let lie = (!has_truth(&job)).then_some(0).map_or(Some(job as u64), |_| None);
        let executor = Player::new(Side::Executor, 0, lying(1, kind(job as u64)), vec![0]);
        (vec![claim(job, 0, lie)], vec![executor, honest(Side::Challenger, vec![0])])
    };
    let siege = |job: usize| {
        let mut players = vec![honest(Side::Executor, vec![0])];
        for (number, corruption) in (1..).zip(Corruption::ALL) {
            players.push(Player::new(Side::Challenger, number, lying(u64::from(number) % 4 + 1, corruption), vec![0]));
        }
        (vec![claim(job, 0, None)], players)
    };
    let true_ones = (0..jobs.len()).filter(has_truth).count();
    println!("{} images, {true_ones} with a true result", jobs.len());
    assert!(jobs.len() >= 30 && true_ones >= 4, "there are enough of both");
    let bouts = (0..jobs.len()).map(attack).chain((0..jobs.len()).filter(has_truth).map(siege)).collect();
    assert!(all(&jobs, bouts) as usize >= jobs.len() + 4 * true_ones);
}

#[test]
fn one_honest_challenger_convicts_hundreds() {
    let jobs = [short()];
    let claims: Vec<Claim> = (0..CROWD).map(|number| claim(0, number, Some(0))).collect();
    let mut players = vec![honest(Side::Challenger, (0..claims.len()).collect())];
    for number in 0..CROWD {
        let step = 1 + u64::from(number) * 7 % 512;
        players.push(Player::new(Side::Executor, number, lying(step, kind(step)), vec![number as usize]));
    }
    let report = play(&jobs, claims, players);
    println!("{} games, {} gas, longest {} s", report.games, report.gas, report.duration_max);
    assert_eq!((report.games, report.won_by_challengers), (CROWD, CROWD));
}

/// What an honest executor has left of a game at a base fee, in wei.
fn profit_of_defence(jobs: &[Job], habit: Habit, base_fee: u64) -> i128 {
    let mut challenger = Player::new(Side::Challenger, 1, lying(100, Corruption::Fuel), vec![0]);
    challenger.habit = habit;
    let players = vec![honest(Side::Executor, vec![0]), challenger];
    let mut bout = plan(vec![claim(0, 0, None)], players).bout(jobs);
    bout.stage.world.set_base_fee(base_fee);
    let report = bout.play().unwrap_or_else(|broken| panic!("{broken}"));
    let [(true, wei)] = report.profits[..] else { panic!("the executor was paid: {report:?}") };
    wei
}

#[test]
fn an_honest_executor_is_paid_for_what_a_challenge_costs_it() {
    let jobs = [short()];
    for habit in [Habit::Prompt, Habit::Silent { after: 1 }, Habit::Silent { after: 0 }] {
        let profit = profit_of_defence(&jobs, habit, 1_000_000_000) / 1_000_000_000;
        println!("{habit:?}: {profit} gas");
        assert!(profit >= 0, "{habit:?}: {profit} gas");
    }
}

/// Up to the cap the schedule pays for a defence whatever gas costs; above it the executor bears the rest, and nothing else (chapter 15,
/// "baseFeeMax").
#[test]
fn a_base_fee_above_the_cap_costs_an_executor_the_rest_alone() {
    let jobs = [short()];
    let cap = u64::try_from(parameters().base_fee_max).expect("a cap is no more than a base fee can be");
    for habit in [Habit::Prompt, Habit::Silent { after: 1 }, Habit::Silent { after: 0 }] {
        let profit = |tenths: u64| profit_of_defence(&jobs, habit, cap / 10 * tenths);
        let [low, at, above, high] = [5, 10, 20, 30].map(profit);
        // The contract takes some gas more or less to find which of both is lower.
        assert!(at >= 0 && (2 * low - at).abs() <= at / 1_000, "{habit:?}: {low} wei at half the cap, {at} at the cap");
        // What a transaction costs more for each more that its gas costs is the same everywhere, and is all.
        assert!(above - high == at - above && high < at, "{habit:?}: {at}, {above}, {high} wei");
    }
}

/// A pot that is short pays the gas of all games in proportion: a liar's friends, who have it emptied, take at most one game's gas from an
/// honest challenger, and lose as much each (chapter 14, "Sybils beside an honest challenger").
#[test]
fn friends_that_empty_a_pot_lose_more_than_they_take() {
    let jobs = [short()];
    let cap = u64::try_from(parameters().base_fee_max).expect("a cap is no more than a base fee can be");
    let executor = Player::new(Side::Executor, 0, lying(100, Corruption::Fuel), vec![0]);
    let mut players = vec![executor, honest(Side::Challenger, vec![0])];
    players.extend((1..=150).map(|number| Player::new(Side::Challenger, number, lying(1, Corruption::Fuel), vec![0])));
    let mut bout = plan(vec![claim(0, 0, Some(0))], players).bout(&jobs);
    bout.stage.world.set_base_fee(cap);
    // The referee has seen to it that it lost what the pot was short of for its game and what it paid beyond the schedule, no more.
    let report = bout.play().unwrap_or_else(|broken| panic!("{broken}"));
    let [(false, wei)] = report.profits[..] else { panic!("the challenger was paid: {report:?}") };
    println!("{} games, {} gas by the challenger lost", report.games, wei / i128::from(cap));
    assert_eq!(report.games, 151);
    assert!(wei < 0, "the pot was short: {wei} wei");
}

#[test]
fn who_joins_a_conviction_gains_nothing() {
    let jobs = [short()];
    for games in [1, 5, 40] {
        let executor = Player::new(Side::Executor, 0, lying(100, Corruption::Fuel), vec![0]);
        let mut rider = Player::new(Side::Challenger, 1, lying(1, Corruption::Fuel), vec![0]);
        rider.habit = Habit::FreeRide { games };
        let players = vec![executor, honest(Side::Challenger, vec![0]), rider];
        let report = play(&jobs, vec![claim(0, 0, Some(0))], players);
        // The referee has seen that it is not richer, and that the honest challenger is not poorer.
        assert_eq!((report.ridden, report.games), (games, games + 1));
    }
}

#[test]
fn a_deposit_does_not_evade_an_honest_stay() {
    let jobs = [short()];
    let mut executor = Player::new(Side::Executor, 0, lying(100, Corruption::Fuel), vec![0, 1]);
    executor.habit = Habit::Deposit;
    let mut challenger = honest(Side::Challenger, vec![0]);
    challenger.is_stay = true;
    let report = play(&jobs, vec![claim(0, 0, Some(0)), claim(0, 0, Some(1))], vec![executor, challenger]);
    assert_eq!((report.deposits, report.games, report.won_by_challengers), (1, 1, 1));
}

#[test]
fn withheld_data_does_not_disarm_an_honest_executor() {
    let jobs = [short()];
    let mut players = vec![honest(Side::Executor, vec![0])];
    for number in 1..=5 {
        players.push(Player::new(Side::Challenger, number, lying(u64::from(number) * 90, Corruption::Fuel), vec![0]));
    }
    let claims = vec![claim(0, 0, None)];
    let plan = Plan {
        claims,
        players,
        is_withheld: true,
        pace: 2,
        base_fee_top: None,
        reorganisations: 0,
        tampering: 0,
        seed: 1,
    };
    let report = plan.play(&jobs).unwrap_or_else(|broken| panic!("{broken}: {plan:#?}"));
    assert_eq!((report.games, report.won_by_challengers), (5, 0));
}

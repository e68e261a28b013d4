//! The catalogue of dishonest players, and bouts drawn from it by a seed.
//!
//! A bout is a number under a seed: the same two give the same bout, so that a report that names them can be replayed.

use assay_dispute::game::Side;

use crate::actor::Habit;
use crate::bout::Report;
use crate::dice::Dice;
use crate::image;
use crate::job::Job;
use crate::liar::{Corruption, Story};
use crate::plan::{Claim, Conduct, Plan, Player, challenger};
use crate::referee::Broken;

/// An honest player dawdles once; what is left is for the moves to come.
const LATE: Habit = Habit::Late { spare: 30 };

/// Draws the players of a bout, and what they fight about.
type Scene = fn(&mut Dice, &[Job]) -> (Vec<Claim>, Vec<Player>);

/// What bouts are about.
pub const SCENES: [(&str, Scene); 10] = [
    ("an honest executor against liars", siege),
    ("an honest challenger against a lying executor", attack),
    ("one honest challenger against many lying executors", watch),
    ("one stake behind many lies, and claims that are final", stake),
    ("a liar that concedes to its friend", friend),
    ("copiers of the honest challenger", copiers),
    ("free riders in the block of a conviction", riders),
    ("an executor that evades stays", dodger),
    (WITHHELD, siege),
    ("all at once", melee),
];

/// The scene of a batch whose bytes nobody has but its sequencer: the honest executor defends itself by what the court shows.
const WITHHELD: &str = "an honest executor against liars, the data withheld";

/// The jobs of the catalogue: programs, a long run, and images by hand.
#[must_use]
pub fn jobs(long: u64) -> Vec<Job> {
    let mut jobs = Job::all();
    jobs.push(Job::long(long));
    jobs.extend(image::all());
    jobs
}

/// The plan of bout `number` under a seed.
#[must_use]
pub fn plan(jobs: &[Job], seed: u64, number: u64) -> Plan {
    let mut dice = Dice::new(seed, number);
    let (name, scene) = SCENES[(number % SCENES.len() as u64) as usize];
    let (claims, mut players) = scene(&mut dice, jobs);
    let reorganisations = if dice.one_in(4) { 1 + dice.below(2) as u32 } else { 0 };
    for player in players.iter_mut().filter(|player| player.conduct == Conduct::Honest && player.habit == Habit::Prompt)
    {
        player.forgets = dice.one_in(2);
        if reorganisations == 0 && dice.one_in(3) {
            player.habit = LATE;
        }
    }
    for player in players.iter_mut().filter(|player| player.side == Side::Executor) {
        (player.is_delegated, player.exits) = (dice.one_in(3), dice.one_in(4));
    }
    let pace = if reorganisations == 0 { dice.pick(&[1, 2, 5]) } else { dice.pick(&[1, 2]) };
    let tampering = if dice.one_in(3) { 2 } else { 0 };
    let base_fee_top = dice.pick(&[None, Some(100), Some(300)]);
    Plan {
        claims,
        players,
        is_withheld: name == WITHHELD,
        pace,
        base_fee_top,
        reorganisations,
        tampering,
        seed: dice.below(u64::MAX),
    }
}

/// Plays bout `number` under a seed.
///
/// # Errors
/// [`Broken`] if the honest side did not get its due.
pub fn bout(jobs: &[Job], seed: u64, number: u64) -> Result<Report, Broken> {
    plan(jobs, seed, number).play(jobs)
}

fn lying(dice: &mut Dice) -> Conduct {
    let story = dice.pick(&[Story::Steady, Story::Steady, Story::Late, Story::Fickle]);
    Conduct::Lying { from: dice.below(1 << 40), corruption: dice.pick(&Corruption::ALL), story }
}

fn habit(dice: &mut Dice) -> Habit {
    match dice.below(6) {
        0 => Habit::Late { spare: dice.below(30) },
        1 => Habit::Late { spare: 0 },
        2 => Habit::Silent { after: dice.below(4) as u32 },
        _ => Habit::Prompt,
    }
}

fn liar(dice: &mut Dice, side: Side, number: u32, cases: Vec<usize>) -> Player {
    let mut player = Player::new(side, number, lying(dice), cases);
    player.habit = habit(dice);
    player.is_stay = side == Side::Challenger && dice.one_in(5);
    player
}

fn honest(side: Side, number: u32, cases: Vec<usize>) -> Player {
    Player::new(side, number, Conduct::Honest, cases)
}

fn any(dice: &mut Dice, jobs: &[Job]) -> usize {
    dice.below(jobs.len() as u64) as usize
}

/// A true claim.
fn right(dice: &mut Dice, jobs: &[Job], executor: u32) -> Claim {
    let true_ones: Vec<usize> = (0..jobs.len()).filter(|job| jobs[*job].has_truth).collect();
    Claim { job: dice.pick(&true_ones), executor, lie: None, is_old: false }
}

/// A false claim. One about an image that has no true result is false as it is.
fn wrong(dice: &mut Dice, jobs: &[Job], executor: u32) -> Claim {
    let job = any(dice, jobs);
    let lie = if !jobs[job].has_truth && dice.one_in(2) { None } else { Some(dice.below(1 << 20)) };
    Claim { job, executor, lie, is_old: false }
}

fn siege(dice: &mut Dice, jobs: &[Job]) -> (Vec<Claim>, Vec<Player>) {
    let claims: Vec<Claim> = (0..1 + dice.below(2)).map(|_| right(dice, jobs, 0)).collect();
    let mut players = vec![honest(Side::Executor, 0, (0..claims.len()).collect())];
    for number in 1..=1 + dice.below(6) as u32 {
        let case = dice.below(claims.len() as u64) as usize;
        players.push(liar(dice, Side::Challenger, number, vec![case]));
    }
    (claims, players)
}

fn attack(dice: &mut Dice, jobs: &[Job]) -> (Vec<Claim>, Vec<Player>) {
    let claims = vec![wrong(dice, jobs, 0)];
    let mut players = vec![liar(dice, Side::Executor, 0, vec![0]), honest(Side::Challenger, 0, vec![0])];
    for number in 1..=dice.below(4) as u32 {
        players.push(liar(dice, Side::Challenger, number, vec![0]));
    }
    (claims, players)
}

fn watch(dice: &mut Dice, jobs: &[Job]) -> (Vec<Claim>, Vec<Player>) {
    let (mut claims, mut players) = (vec![right(dice, jobs, 0)], vec![honest(Side::Executor, 0, vec![0])]);
    for number in 1..=2 + dice.below(4) as u32 {
        claims.push(wrong(dice, jobs, number));
        players.push(liar(dice, Side::Executor, number, vec![claims.len() - 1]));
    }
    players.push(honest(Side::Challenger, 0, (0..claims.len()).collect()));
    players.push(liar(dice, Side::Challenger, 1, vec![0]));
    (claims, players)
}

fn stake(dice: &mut Dice, jobs: &[Job]) -> (Vec<Claim>, Vec<Player>) {
    let old = |claim: Claim| Claim { is_old: true, ..claim };
    let mut claims = vec![old(wrong(dice, jobs, 0)), old(right(dice, jobs, 1))];
    claims.extend((0..2 + dice.below(3)).map(|_| wrong(dice, jobs, 0)));
    claims.push(right(dice, jobs, 0));
    claims.push(right(dice, jobs, 1));
    let last = claims.len() - 1;
    let watched = 2 + dice.below(last as u64 - 3) as usize;
    let mut players = vec![
        liar(dice, Side::Executor, 0, (2..last).collect()),
        honest(Side::Executor, 1, vec![last]),
        honest(Side::Challenger, 0, vec![watched]),
    ];
    let elsewhere = 2 + dice.below(last as u64 - 1) as usize;
    players.push(liar(dice, Side::Challenger, 1, vec![elsewhere]));
    (claims, players)
}

fn friend(dice: &mut Dice, jobs: &[Job]) -> (Vec<Claim>, Vec<Player>) {
    let claims = vec![wrong(dice, jobs, 0), wrong(dice, jobs, 0)];
    let where_friend_plays = dice.below(2) as usize;
    let mut executor = Player::new(Side::Executor, 0, lying(dice), vec![0, 1]);
    executor.habit = Habit::Concede { friend: challenger(1).address() };
    let mut players = vec![executor, honest(Side::Challenger, 0, vec![0])];
    // The friend knows the truth; it plays honestly for a dishonest purpose.
    players.push(honest(Side::Challenger, 1, vec![where_friend_plays]));
    (claims, players)
}

fn copiers(dice: &mut Dice, jobs: &[Job]) -> (Vec<Claim>, Vec<Player>) {
    let claims = vec![wrong(dice, jobs, 0)];
    let mut players = vec![liar(dice, Side::Executor, 0, vec![0]), honest(Side::Challenger, 0, vec![0])];
    let habits = [Habit::Copy { is_in_front: true }, Habit::Copy { is_in_front: false }, Habit::Echo];
    for (number, habit) in (1..).zip(habits) {
        if dice.one_in(4) {
            continue;
        }
        let cases = if habit == Habit::Echo { Vec::new() } else { vec![0] };
        players.push(Player { habit, ..honest(Side::Challenger, number, cases) });
    }
    (claims, players)
}

fn riders(dice: &mut Dice, jobs: &[Job]) -> (Vec<Claim>, Vec<Player>) {
    let claims: Vec<Claim> = (0..1 + dice.below(2)).map(|_| wrong(dice, jobs, 0)).collect();
    let all: Vec<usize> = (0..claims.len()).collect();
    let mut players = vec![liar(dice, Side::Executor, 0, all.clone()), honest(Side::Challenger, 0, vec![0])];
    for number in 1..=1 + dice.below(2) as u32 {
        let habit = Habit::FreeRide { games: 1 + dice.below(40) as u32 };
        players.push(Player { habit, ..Player::new(Side::Challenger, number, lying(dice), all.clone()) });
    }
    (claims, players)
}

fn dodger(dice: &mut Dice, jobs: &[Job]) -> (Vec<Claim>, Vec<Player>) {
    let claims: Vec<Claim> = (0..1 + dice.below(3)).map(|_| wrong(dice, jobs, 0)).collect();
    let executor = Player::new(Side::Executor, 0, lying(dice), (0..claims.len()).collect());
    let mut players = vec![
        Player { habit: Habit::Deposit, ..executor },
        Player { is_stay: true, ..honest(Side::Challenger, 0, vec![0]) },
    ];
    for number in 1..=dice.below(3) as u32 {
        players.push(Player { is_stay: true, ..liar(dice, Side::Challenger, number, vec![0]) });
    }
    (claims, players)
}

fn melee(dice: &mut Dice, jobs: &[Job]) -> (Vec<Claim>, Vec<Player>) {
    let (mut claims, mut players) = watch(dice, jobs);
    claims.push(wrong(dice, jobs, 1));
    let last = claims.len() - 1;
    players[1].cases.push(last);
    for number in 2..5 {
        let case = dice.below(claims.len() as u64) as usize;
        players.push(liar(dice, Side::Challenger, number, vec![case]));
    }
    players.push(Player { habit: Habit::Copy { is_in_front: dice.one_in(2) }, ..honest(Side::Challenger, 5, vec![1]) });
    players.push(Player { habit: Habit::Echo, ..honest(Side::Challenger, 6, Vec::new()) });
    players.push(Player { habit: Habit::FreeRide { games: 10 }, ..liar(dice, Side::Challenger, 7, vec![1, 2]) });
    (claims, players)
}

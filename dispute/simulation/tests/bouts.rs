//! Bouts of the catalogue against the contracts' bytecode. `ASSAY_BOUTS` plays more of them, `ASSAY_SEED` others.

use assay_dispute::game::Side;
use assay_simulation::catalogue::{jobs, plan};
use assay_simulation::job::Job;
use assay_simulation::liar::Corruption;
use assay_simulation::plan::{Conduct, Plan};
use assay_simulation::shrink::shrink;

/// Steps of the long run: three dissections.
const LONG: u64 = 1 << 21;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Plays some bouts; returns their games and reorganisations, how many calls were sent garbled, games of free riders and deposits
/// before stays, and most dissections of a game.
fn play(jobs: &[Job], seed: u64, numbers: impl Iterator<Item = u64>) -> [u64; 6] {
    let mut sums = [0; 6];
    for number in numbers {
        let plan = plan(jobs, seed, number);
        match plan.play(jobs) {
            Ok(report) => {
                let counts = [report.games, report.reorganisations, report.garbled, report.ridden, report.deposits]
                    .map(u64::from);
                for (sum, count) in sums.iter_mut().zip(counts) {
                    *sum += count;
                }
                sums[5] = sums[5].max(report.dissections_max.into());
            }
            Err(broken) => {
                let smallest = shrink(plan, |plan| plan.play(jobs).is_err());
                panic!("bout {number} under seed {seed}: {broken}\nfails as small as this: {smallest:#?}");
            }
        }
    }
    sums
}

#[test]
fn the_honest_side_wins() {
    let (seed, count) = (setting("ASSAY_SEED", 1), setting("ASSAY_BOUTS", 160));
    let jobs = jobs(LONG);
    let halves = std::thread::scope(|scope| {
        let halves = [0, 1].map(|half| {
            let jobs = &jobs;
            scope.spawn(move || play(jobs, seed, (0..count).filter(|number| number % 2 == half)))
        });
        halves.map(|half| half.join().expect("a bout of each half failed as printed above"))
    });
    let [games, reorganisations, garbled, ridden, deposits] =
        [0, 1, 2, 3, 4].map(|sum| halves[0][sum] + halves[1][sum]);
    let dissections = halves[0][5].max(halves[1][5]);
    println!(
        "{count} bouts under seed {seed}: {games} games of at most {dissections} dissections, {reorganisations} reorganisations, {garbled} garbled calls, {ridden} games of free riders, {deposits} deposits before stays"
    );
    assert!(games >= count && reorganisations >= count / 10 && garbled >= count, "they are what they should be");
    assert!(ridden >= count / 10 && deposits >= count / 20, "{ridden} games of free riders, {deposits} deposits");
}

/// A liar whose settlements were lost with their blocks twice asks for a third.
#[test]
fn bouts_that_have_failed_once_are_won() {
    play(&jobs(1 << 25), 2, [3149].into_iter());
}

#[test]
fn a_failing_bout_is_reduced_to_what_makes_it_fail() {
    let jobs = jobs(1 << 12);
    let is_guilty = |corruption| matches!(corruption, Conduct::Lying { corruption: Corruption::Repeat, .. });
    let fails =
        |plan: &Plan| plan.players.iter().any(|player| player.side == Side::Challenger && is_guilty(player.conduct));
    let failing = (0..).map(|number| plan(&jobs, 7, number)).find(|plan| fails(plan) && plan.players.len() > 4);
    let smallest = shrink(failing.expect("there is one"), fails);
    assert_eq!((smallest.claims.len(), smallest.players.len()), (1, 1));
}

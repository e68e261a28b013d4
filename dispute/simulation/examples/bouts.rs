//! Plays many bouts of the catalogue and says what they came to.
//!
//! ```sh
//! cargo run --release -p assay-simulation --example bouts -- --bouts 10000 --seed 1
//! cargo run --release -p assay-simulation --example bouts -- --seed 1 --only 4711     # one of them
//! ```

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use assay_simulation::actor::Habit;
use assay_simulation::bout::Report;
use assay_simulation::catalogue::{SCENES, jobs, plan};
use assay_simulation::job::Job;
use assay_simulation::plan::{Plan, Player};
use assay_simulation::shrink::shrink;

/// Steps of the long run.
const LONG: u64 = 1 << 25;
const USAGE: &str = "usage: bouts [--bouts COUNT] [--seed SEED] [--only NUMBER] [--threads COUNT]";

#[derive(Default)]
struct Sums {
    bouts: u64,
    games: u64,
    by_challengers: u64,
    dissections: u32,
    /// Of the game that came nearest to its bound: its duration, and the bound.
    longest: (u64, u64),
    gas: u64,
    reverted: u64,
    reorganisations: u64,
    garbled: u64,
    ridden: u64,
    deposits: u64,
    /// What honest challengers, and executors, have gained where nothing but the games cost them gas.
    profits: [Vec<i128>; 2],
    broken: Vec<u64>,
}

impl Sums {
    fn add(&mut self, report: Report, is_quiet: bool) {
        self.bouts += 1;
        self.games += u64::from(report.games);
        self.by_challengers += u64::from(report.won_by_challengers);
        self.dissections = self.dissections.max(report.dissections_max);
        if report.duration_max * self.longest.1.max(1) >= self.longest.0 * report.duration_bound {
            self.longest = (report.duration_max, report.duration_bound);
        }
        self.gas += report.gas;
        self.reverted += u64::from(report.reverted);
        self.reorganisations += u64::from(report.reorganisations);
        self.garbled += u64::from(report.garbled);
        self.ridden += u64::from(report.ridden);
        self.deposits += u64::from(report.deposits);
        for (is_executor, wei) in report.profits.into_iter().filter(|_| is_quiet) {
            self.profits[usize::from(is_executor)].push(wei);
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        Some(arguments.get(at + 1).and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{USAGE}")))
    };
    let seed: u64 = option("--seed").unwrap_or(1);
    let (first, count): (u64, u64) =
        option("--only").map_or((0, option("--bouts").unwrap_or(150)), |number| (number, 1));
    let begun = Instant::now();
    let jobs = jobs(LONG);
    println!("{} jobs, the longest run of {LONG} steps, ready in {:.1} s", jobs.len(), begun.elapsed().as_secs_f64());
    let (next, sums) = (AtomicU64::new(first), Mutex::new(Sums::default()));
    std::thread::scope(|scope| {
        for _ in 0..option("--threads").unwrap_or(2) {
            scope.spawn(|| work(&jobs, seed, first + count, &next, &sums));
        }
    });
    let sums = sums.into_inner().expect("no thread panicked");
    print(&sums, begun.elapsed().as_secs_f64());
    std::process::exit(i32::from(!sums.broken.is_empty()));
}

fn work(jobs: &[Job], seed: u64, end: u64, next: &AtomicU64, sums: &Mutex<Sums>) {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= end {
            return;
        }
        let plan = plan(jobs, seed, number);
        let result = plan.play(jobs);
        let mut sums = sums.lock().expect("no thread panicked");
        match result {
            Ok(report) => sums.add(report, is_quiet(&plan)),
            Err(broken) => {
                sums.broken.push(number);
                drop(sums);
                let smallest = shrink(plan, |plan| plan.play(jobs).is_err());
                println!("bout {number} under seed {seed}: {broken}\nfails as small as this: {smallest:#?}");
            }
        }
    }
}

/// Whether honest players send what the games ask for and nothing else: no exits, nothing mined twice, nobody in front,
/// gas at a price that the schedule covers.
fn is_quiet(plan: &Plan) -> bool {
    let disturbs = |player: &Player| player.exits || player.is_delegated || player.habit == Habit::Echo;
    let is_covered = plan.base_fee_top.is_none_or(|percent| percent <= 100);
    is_covered && plan.reorganisations == 0 && !plan.players.iter().any(disturbs)
}

fn print(sums: &Sums, seconds: f64) {
    let played = sums.bouts + sums.broken.len() as u64;
    println!("{} scenes, {played} bouts, {} games in {seconds:.0} s", SCENES.len(), sums.games);
    println!("the honest side won in {} of {played} bouts", sums.bouts);
    println!("games won by challengers: {}", sums.by_challengers);
    println!("most dissections of a game: {}", sums.dissections);
    println!("longest game: {} s, bound {} s", sums.longest.0, sums.longest.1);
    println!("gas: {}; {} transactions reverted", sums.gas, sums.reverted);
    println!("reorganisations: {}; garbled calls refused as they should be: {}", sums.reorganisations, sums.garbled);
    println!("games of free riders: {}; deposits before stays: {}", sums.ridden, sums.deposits);
    for (name, profits) in ["challengers", "executors"].iter().zip(&sums.profits) {
        let (least, most) = (profits.iter().min().unwrap_or(&0), profits.iter().max().unwrap_or(&0));
        println!(
            "honest {name} that were paid, in quiet bouts: {}, net of their gas {least} to {most} wei",
            profits.len()
        );
    }
    println!("broken: {:?}", sums.broken);
}

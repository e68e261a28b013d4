//! Explores the whole catalogue and prints a line for each group; then drops each rule in turn and prints what goes wrong.
//!
//! `cargo run --release -p assay-dispute-rules --example check`

use std::time::Instant;

use assay_dispute_rules::checker::{Statistics, catalogue, explore};
use assay_dispute_rules::rule::Rule;

fn main() -> std::process::ExitCode {
    let mut violations = 0;
    println!(
        "{:<60} {:>9} {:>10} {:>11} {:>9} {:>8} {:>5} {:>6} {:>10} {:>7}",
        "configuration", "scenarios", "states", "transitions", "games", "endings", "time", "moves", "violations", "s"
    );
    for group in catalogue::full() {
        let began = Instant::now();
        let (mut sum, mut failed) = (Statistics::default(), 0);
        for scenario in &group.scenarios {
            match explore(scenario) {
                Ok(statistics) => sum.add(&statistics),
                Err(counterexample) => {
                    failed += 1;
                    println!("{}: {counterexample}", scenario.name);
                }
            }
        }
        println!(
            "{:<60} {:>9} {:>10} {:>11} {:>9} {:>8} {:>5} {:>6} {:>10} {:>7.1}",
            group.name,
            group.scenarios.len(),
            sum.states,
            sum.transitions,
            sum.games_ended,
            sum.endings,
            sum.duration_max,
            sum.moves_max,
            failed,
            began.elapsed().as_secs_f64()
        );
        violations += failed;
    }
    println!("\neach rule dropped, and what the checker then finds:");
    for rule in Rule::ALL {
        match explore(&catalogue::without(*rule)) {
            Ok(statistics) => {
                violations += 1;
                println!("G{} {rule:?}: NOTHING in {} states", rule.number(), statistics.states);
            }
            Err(counterexample) => print!("G{} {rule:?}: {counterexample}", rule.number()),
        }
    }
    if violations == 0 { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}

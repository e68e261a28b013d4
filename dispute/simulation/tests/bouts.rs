//! Bouts of the catalogue against the contracts' bytecode. `ASSAY_BOUTS` plays more of them, `ASSAY_SEED` others.

use assay_simulation::catalogue::bout;
use assay_simulation::job::Job;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn the_honest_side_wins() {
    let (seed, count) = (setting("ASSAY_SEED", 1), setting("ASSAY_BOUTS", 60));
    let jobs = Job::all();
    let (mut games, mut dissections, mut duration) = (0, 0, 0);
    for number in 0..count {
        match bout(&jobs, seed, number) {
            Ok(report) => {
                games += report.games;
                dissections = report.dissections_max.max(dissections);
                duration = report.duration_max.max(duration);
            }
            Err(broken) => panic!("bout {number} under seed {seed}: {broken}"),
        }
    }
    println!("{count} bouts under seed {seed}: {games} games, at most {dissections} dissections and {duration} s each");
    assert!(games >= count as u32 / 2, "most bouts have games: {games}");
}

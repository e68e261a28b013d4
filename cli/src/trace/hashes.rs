//! State hashes along a run, as the levels of a dispute ask for them.

use assay_machine::trace::{CheckpointLimits, Trace};
use assay_protocol::B256;
use eyre::Result;
use serde::Serialize;

use crate::console;
use crate::job::{Job, walk};
use crate::progress::{Progress, scaled};
use crate::report::{ending, grouped};

/// States that are hashed between two updates of the progress line, each while the run is on its way to the next.
const GROUP: usize = 16;

#[derive(Serialize)]
struct Report {
    program: String,
    steps: u64,
    states: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    step: u64,
    state_hash: String,
}

/// Answers the question: one run to find its length, one to hash.
pub fn run(job: &Job, count: u64, json: bool) -> Result<()> {
    let program = job.program()?;
    let input = job.read_input()?;
    let mut run = job.boot(&program, &input)?;
    walk(&mut run, u64::MAX, &mut Progress::start())?;
    let (steps, halted) = (run.steps(), *run.record());
    // Its memory goes before the second run has its own.
    drop(run);

    let mut trace = Trace::with_limits(
        job.boot(&program, &input)?,
        CheckpointLimits { count_max: 0, ..CheckpointLimits::default() },
    );
    let mut progress = Progress::start();
    let asked: Vec<u64> = divide(steps, count).collect();
    let mut states: Vec<(u64, B256)> = Vec::with_capacity(asked.len());
    for group in asked.chunks(GROUP) {
        states.extend(group.iter().copied().zip(trace.try_state_hashes(group)?));
        let done = trace.interpreted_steps() as f64;
        progress.tick(|seconds| format!("{}steps, {}steps/s", scaled(done), scaled(done / seconds)));
    }
    drop(progress);
    if json {
        let entry = |(step, hash): &(u64, B256)| Entry { step: *step, state_hash: hash.to_string() };
        let states = states.iter().map(entry).collect();
        return console::print_json(&Report { program: program.id().to_string(), steps, states });
    }
    let mut text = String::new();
    for (step, hash) in states {
        text += &format!("{:>20}  {hash}\n", grouped(step));
    }
    let end = ending(halted.status, halted.pc_or_code);
    console::print(&format!("{text}the run halts at step {}: {end}\n", grouped(steps)))
}

/// `count` steps from 0 to `last` at equal distances, rounded down.
fn divide(last: u64, count: u64) -> impl Iterator<Item = u64> {
    let at = move |i: u64| u128::from(last) * u128::from(i) / u128::from(count - 1);
    (0..count).map(move |i| u64::try_from(at(i)).expect("a part of a u64 is one"))
}

#[cfg(test)]
mod tests {
    use super::divide;

    #[test]
    fn the_first_and_the_last_state_are_among_them() {
        assert_eq!(divide(10, 2).collect::<Vec<_>>(), [0, 10]);
        assert_eq!(divide(10, 4).collect::<Vec<_>>(), [0, 3, 6, 10]);
        assert_eq!(divide(1, 4).collect::<Vec<_>>(), [0, 0, 0, 1]);
        assert_eq!(divide(u64::MAX, 3).collect::<Vec<_>>(), [0, u64::MAX / 2, u64::MAX]);
    }
}

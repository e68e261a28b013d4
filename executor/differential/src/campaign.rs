//! Many seeds on some threads, counted.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{ControlFlow, Range};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use assay_executor::Engine;
use assay_protocol::{Status, TrapCode};

use crate::{Random, Skip, check, job};

/// What became of the seeds of a campaign.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Modules that ran alike everywhere.
    pub compared: u64,
    /// The same, by who made them.
    pub by_generator: BTreeMap<&'static str, u64>,
    /// Runs that were compared: modules times limits times meterings.
    pub runs: u64,
    /// Steps of the machine, over the runs with ample fuel.
    pub steps: u64,
    /// Those modules by how they end with ample fuel.
    pub endings: BTreeMap<String, u64>,
    /// Modules that wrote some output which is not all zero.
    pub telling: u64,
    /// Seeds without a module, modules that are not programs, and programs that the native engine declines, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Seeds whose module behaves differently, with the report.
    pub differences: Vec<(u64, String)>,
}

impl Counts {
    /// Compared modules whose ending starts so.
    #[must_use]
    pub fn ending(&self, start: &str) -> u64 {
        self.endings.iter().filter(|(ending, _)| ending.starts_with(start)).map(|(_, count)| count).sum()
    }

    fn done(&self) -> u64 {
        self.compared + self.skipped.values().sum::<u64>() + self.differences.len() as u64
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mean = self.steps / self.compared.max(1);
        writeln!(
            f,
            "{} seeds: {} modules compared in {} runs ({mean} steps each on average, {} with output that tells), {} differences",
            self.done(),
            self.compared,
            self.runs,
            self.telling,
            self.differences.len()
        )?;
        for (generator, count) in &self.by_generator {
            writeln!(f, "  made by {generator:40} {count:8}")?;
        }
        for (name, counts, whole) in
            [("ends by", &self.endings, self.compared), ("skipped", &self.skipped, self.done())]
        {
            for (reason, count) in counts {
                writeln!(f, "  {name} {reason:40} {count:8}  {:5.1} %", 100.0 * *count as f64 / whole.max(1) as f64)?;
            }
        }
        Ok(())
    }
}

/// Checks the seeds on `threads` threads; `progress` is called now and then, and may end it. A module that makes a
/// difference is written to the folder of temporary files.
pub fn run(
    engine: &Engine,
    seeds: Range<u64>,
    threads: usize,
    progress: impl Fn(&Counts) -> ControlFlow<()> + Sync,
) -> Counts {
    let (next, is_over) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
    let counts = Mutex::new(Counts::default());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    let guard = OnPanic(seed);
                    let entry = one(engine, seed);
                    std::mem::forget(guard);
                    let mut counts = counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                    entry(&mut counts);
                    if counts.done() % 1000 == 0 && progress(&counts).is_break() {
                        is_over.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    counts.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Names the seed that a panic came of.
struct OnPanic(u64);

impl Drop for OnPanic {
    fn drop(&mut self) {
        eprintln!("the panic came of seed {}", self.0);
    }
}

/// Checks a seed and returns how to count it.
fn one(engine: &Engine, seed: u64) -> Box<dyn FnOnce(&mut Counts)> {
    let skip = |reason: String| -> Box<dyn FnOnce(&mut Counts)> {
        Box::new(move |counts: &mut Counts| *counts.skipped.entry(reason).or_default() += 1)
    };
    let Some(job) = job(seed) else { return skip("no module".into()) };
    match check(engine, &job, &mut Random::new(!seed)) {
        Err(Skip::Refused(reason)) => skip(format!("refused: {reason}")),
        Err(Skip::Declined(reason)) => skip(format!("declined: {reason}")),
        Ok(Err(difference)) => {
            let path = std::env::temp_dir().join(format!("assay-differential-{seed}.wasm"));
            let written = write(path, &job.wasm);
            let report = format!("seed {seed}, module {written}, {} bytes of input\n{difference}", job.input.len());
            Box::new(move |counts| counts.differences.push((seed, report)))
        }
        Ok(Ok(checked)) => Box::new(move |counts| {
            let outcome = &checked.run.outcome;
            let ending = match outcome.status {
                Status::Trap => format!("trap: {:?}", TrapCode::from_code(outcome.code)),
                status => format!("{status:?}"),
            };
            *counts.endings.entry(ending).or_default() += 1;
            counts.compared += 1;
            *counts.by_generator.entry(job.generator).or_default() += 1;
            counts.steps += checked.steps;
            counts.runs += 2 * checked.limits as u64;
            counts.telling += u64::from(checked.run.output.iter().any(|byte| *byte != 0));
        }),
    }
}

fn write(path: PathBuf, wasm: &[u8]) -> String {
    match std::fs::write(&path, wasm) {
        Ok(()) => path.display().to_string(),
        Err(error) => format!("not written ({error})"),
    }
}

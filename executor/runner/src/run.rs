//! One run of a job: natively, and by the interpreter where that gives no result.
//!
//! Owns when which engine is asked, and what becomes a refusal. The interpreter is the reference, so that nothing is behind it: where it
//! is stopped too, the host has no result.

use std::sync::Arc;
use std::time::{Duration, Instant};

use assay_executor::{Limits, NotAResult, Watch};
use assay_machine::memory::OutputRefused;
use assay_machine::record::MEMORY_PAGE_SIZE;
use assay_protocol::{Outcome, Status};
use thiserror::Error;
use tracing::{info, warn};

use super::{Ready, Runner};

/// Steps of the interpreter between two looks at the watch: some hundredths of a second.
const SLICE_STEPS: u64 = 1 << 24;

/// What ran a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineUsed {
    /// Compiled code.
    Native,
    /// The machine's interpreter.
    Interpreter,
}

/// The result of a run, which is that of the machine.
#[derive(Clone, Debug)]
pub struct Ran {
    /// How it ended.
    pub outcome: Outcome,
    /// What it wrote; empty if it ran out of fuel.
    pub output: Vec<u8>,
    /// Which engine it was.
    pub engine: EngineUsed,
    /// How long it took.
    pub time: Duration,
}

/// Why this host has no result. None of these says anything about the job.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Declined {
    /// It took longer than the host gives.
    #[error("the run took longer than {most_ms} ms")]
    WallClock {
        /// Milliseconds that a run is given.
        most_ms: u128,
    },
    /// It needs more memory than the host gives.
    #[error("the run needs more memory than there is for it: {reason}")]
    Memory {
        /// What was asked for, and what there is.
        reason: String,
    },
    /// Whoever waited for it does not any more.
    #[error("the run was stopped")]
    Stopped,
    /// It does not start on this host.
    #[error("the run does not start on this host: {reason}")]
    Host {
        /// What the host says.
        reason: String,
    },
}

impl Runner {
    /// Runs a job until it ends, the host's time for it is over, or the watch stops it.
    ///
    /// # Errors
    /// [`Declined`].
    pub fn run(&self, ready: &Ready, input: &Arc<[u8]>, limits: Limits, watch: &Watch) -> Result<Ran, Declined> {
        let most = self.inner.memory_bytes_max;
        let booted = u64::from(ready.program.descriptor().memory_pages) * MEMORY_PAGE_SIZE;
        if booted > most {
            return Err(too_much(booted, most));
        }
        let began = Instant::now();
        let deadline = began + self.inner.wall_clock;
        let watch = watch.with_deadline(deadline).with_memory_max(usize::try_from(most).unwrap_or(usize::MAX));
        let late = || Declined::WallClock { most_ms: self.inner.wall_clock.as_millis() };
        let stopped = || if Instant::now() >= deadline { late() } else { Declined::Stopped };
        if let Ok(prepared) = &ready.native {
            match prepared.run_watched(input.clone(), limits, &watch) {
                Ok(run) => {
                    let (outcome, output) = (run.outcome, run.output);
                    return Ok(Ran { outcome, output, engine: EngineUsed::Native, time: began.elapsed() });
                }
                Err(NotAResult::Stopped) => return Err(stopped()),
                Err(NotAResult::Memory(reason)) => return Err(Declined::Memory { reason }),
                Err(error) => info!(program = %ready.program.id(), %error, "no native result, the interpreter runs it"),
            }
        }
        let (outcome, output) = interpret(ready, input, limits, &watch, most).map_err(|declined| match declined {
            Declined::Stopped => stopped(),
            other => other,
        })?;
        Ok(Ran { outcome, output, engine: EngineUsed::Interpreter, time: began.elapsed() })
    }
}

fn interpret(
    ready: &Ready,
    input: &Arc<[u8]>,
    limits: Limits,
    watch: &Watch,
    memory_bytes_max: u64,
) -> Result<(Outcome, Vec<u8>), Declined> {
    let booted = ready.program.boot(Arc::new(input.clone()), limits);
    let mut run = booted.map_err(|error| Declined::Host { reason: error.to_string() })?;
    if let Some(error) = run.slow_because() {
        warn!(program = %ready.program.id(), %error, "no address space for a fast run, each step is made by itself");
    }
    loop {
        // Also of a run that has ended: both engines keep to one bound.
        if run.record().memory_size() > memory_bytes_max {
            return Err(too_much(run.record().memory_size(), memory_bytes_max));
        }
        if !run.record().is_running() {
            break;
        }
        if watch.is_over() {
            return Err(Declined::Stopped);
        }
        let refused = |error: OutputRefused| Declined::Memory { reason: error.to_string() };
        run.try_run_to(run.steps().saturating_add(SLICE_STEPS)).map_err(refused)?;
    }
    let record = *run.record();
    let status = Status::from_byte(record.status).expect("the machine halts with a known status");
    let outcome = Outcome { status, code: record.pc_or_code, fuel_used: limits.fuel - record.fuel };
    let output = if status == Status::OutOfFuel { Vec::new() } else { run.into_output() };
    Ok((outcome, output))
}

fn too_much(got: u64, most: u64) -> Declined {
    Declined::Memory { reason: format!("{got} bytes of linear memory, at most {most} are given") }
}

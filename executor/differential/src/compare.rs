//! One job in the interpreter and in both meterings of the native engine, under several limits.

use std::fmt;
use std::sync::Arc;

use assay_executor::{Engine, NotAResult, Run};
use assay_machine::program::{Limits, Program, ProgramError};
use assay_protocol::{Outcome, Status};

use crate::{Job, Random};

/// Fuel that most generated programs do not use up, and that costs the interpreter a few milliseconds.
const FUEL_AMPLE: u64 = 1_000_000;
/// Bytes of output: five calls and the end fit, and a program that writes for itself comes to the limit at times.
const OUTPUT_BYTES: u64 = 20_000;

/// A job that was run everywhere, with the same results.
#[derive(Clone, Debug)]
pub struct Checked {
    /// How it ends with ample fuel.
    pub run: Run,
    /// Steps of the machine in that run.
    pub steps: u64,
    /// Limits under which it was run.
    pub limits: usize,
}

/// Why there is nothing to compare; the text is a reason to count by.
#[derive(Clone, Debug)]
pub enum Skip {
    /// The module is no program.
    Refused(String),
    /// The native engine says of itself that it has no result.
    Declined(String),
}

/// Two engines disagree: never to be expected.
#[derive(Debug)]
pub struct Difference {
    /// The engine that disagrees with the interpreter.
    pub engine: &'static str,
    /// The limits of the run.
    pub limits: Limits,
    /// What the interpreter says.
    pub interpreter: Run,
    /// What the engine says; or why it has no result, where that can't be the host's doing.
    pub native: Result<Run, NotAResult>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let a = &self.interpreter;
        writeln!(f, "{:?}", self.limits)?;
        writeln!(f, "interpreter      {:?}, {} bytes of output", a.outcome, a.output.len())?;
        let b = match &self.native {
            Ok(run) => run,
            Err(error) => return writeln!(f, "native, {:8} {error}", self.engine),
        };
        writeln!(f, "native, {:8} {:?}, {} bytes of output", self.engine, b.outcome, b.output.len())?;
        match a.output.iter().zip(&b.output).position(|(a, b)| a != b) {
            Some(at) => {
                let piece = |output: &[u8]| output[at..output.len().min(at + 16)].to_vec();
                writeln!(f, "outputs differ at byte {at}: {:02x?} and {:02x?}", piece(&a.output), piece(&b.output))
            }
            None => Ok(()),
        }
    }
}

/// Runs a job with ample fuel, with exactly the fuel that it uses, with one less, and with a random smaller limit.
///
/// # Errors
/// [`Skip`] if there is nothing to compare; a [`Difference`] is the inner error.
pub fn check(engine: &Engine, job: &Job, random: &mut Random) -> Result<Result<Checked, Box<Difference>>, Skip> {
    let refused = |error: ProgramError| {
        Skip::Refused(match &error {
            ProgramError::Admission(error) => error.reason().into(),
            error => error.to_string(),
        })
    };
    let program = Program::from_wasm(&job.wasm).map_err(refused)?;
    let ample = Limits { fuel: FUEL_AMPLE, output_bytes: OUTPUT_BYTES };
    let (run, steps) = interpret(&program, &job.input, ample).map_err(refused)?;
    let prepared = match engine.prepare_program(&program) {
        Err(error) if is_the_hosts(&error) => return Err(Skip::Declined(error.to_string())),
        Err(error) => {
            let native = Err(error);
            return Ok(Err(Box::new(Difference { engine: "none", limits: ample, interpreter: run, native })));
        }
        Ok(prepared) => prepared,
    };
    let input: Arc<[u8]> = job.input.clone().into();
    let used = run.outcome.fuel_used;
    let below = (random.word() % used.max(1)).min(used.saturating_sub(1));
    let mut limits = vec![ample];
    if run.outcome.status != Status::OutOfFuel {
        limits.extend([used, used.saturating_sub(1)].map(|fuel| Limits { fuel, ..ample }));
    }
    limits.push(Limits { fuel: below, ..ample });
    for limits in &limits {
        let interpreter =
            if *limits == ample { run.clone() } else { interpret(&program, &job.input, *limits).map_err(refused)?.0 };
        let fast = prepared.run(input.clone(), *limits);
        let exact = prepared.run_exact(input.clone(), *limits);
        for (engine, native) in [("fast", fast), ("exact", exact)] {
            match native {
                Ok(run) if run == interpreter => {}
                Err(error) if is_the_hosts(&error) => return Err(Skip::Declined(error.to_string())),
                native => return Ok(Err(Box::new(Difference { engine, limits: *limits, interpreter, native }))),
            }
        }
    }
    Ok(Ok(Checked { run, steps, limits: limits.len() }))
}

/// Whether a host may have no result for this reason. Every other one is the engine's own fault: no generated program is one that
/// the compiler refuses by itself, and the limits here are far below what the meter counts.
fn is_the_hosts(error: &NotAResult) -> bool {
    use NotAResult as N;
    match error {
        N::NativeStack | N::Memory(_) | N::TooLarge(_) => true,
        N::Compile(_) | N::Unmetered | N::FuelCounter | N::Instrument(_) | N::Start(_) | N::Stopped | N::Engine(_) => {
            false
        }
        N::Disagreement | N::Export(_) => false,
    }
}

/// What the interpreter says of a job, and in how many steps.
fn interpret(program: &Program, input: &[u8], limits: Limits) -> Result<(Run, u64), ProgramError> {
    let mut interpreter = program.boot(Arc::new(input.to_vec()), limits)?;
    interpreter.run();
    let record = *interpreter.record();
    let outcome = Outcome {
        status: Status::from_byte(record.status).unwrap_or(Status::Illegal),
        code: record.pc_or_code,
        fuel_used: limits.fuel - record.fuel,
    };
    Ok((Run { outcome, output: interpreter.output().to_vec() }, interpreter.steps()))
}

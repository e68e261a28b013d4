//! `assay run`: a job's output, how it ended, and what it cost.
//!
//! Owns the choice of the engine. Where the native engine has no result, the machine itself runs the job, and says so.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use assay_executor::{CacheState, Engine, EngineConfig, EngineError, Limits, NotAResult};
use assay_machine::memory::commit_blob;
use assay_machine::program::Program;
use assay_machine::stderr::StderrLog;
use assay_protocol::{Outcome, Status};
use eyre::{Result, WrapErr, bail, ensure};
use serde::Serialize;

use crate::console;
use crate::diagnosis::{Diagnosis, has_failed, is_cheap};
use crate::failure::{Failure, is_broken_pipe};
use crate::job::{Allowance, Job, boot, walk_watched};
use crate::program::ModuleFacts;
use crate::progress::Progress;
use crate::report::{Blob, ending, grouped, hex, status_name, trap_of};

/// What `assay run --help` teaches.
pub const EXAMPLES: &str = "\
Examples:
  assay run jobs/wasm/csv.wasm --input jobs/inputs/csv.csv
  assay run jobs/wasm/mandelbrot.wasm --input jobs/inputs/mandelbrot.txt --output fractal.png
  echo 1000000 | assay run jobs/wasm/primes.wasm --input - --json
  assay run jobs/wasm/sha256.wasm --input big.bin --engine machine

The output goes to stdout, or to the file of --output; the summary goes to stderr.
With --json the summary goes to stdout, and holds the output as hex unless --output
names a file.

What a job writes to its stderr is no part of its result. Where a job fails, it is run again
on the machine, and the summary says in which function it stopped and what it wrote to
stderr (64 KiB at most). A long one, of more than 2^29 fuel, is run again with --explain
only; --engine machine sees it at once.

How the job ended does not change the exit code of `assay run`, unless --strict is
given: a trap is a result too. Exit codes: 0 answered, 1 failed, 2 usage, 3 module
refused, 4 --strict and the job did not exit with 0, 130 interrupted.";

/// The command line of `assay run`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    job: Job,
    /// Write the job's output to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What runs the job. Both give the same result; wasmtime is faster, the machine is the definition
    #[arg(long, value_enum, default_value_t = EngineName::Wasmtime)]
    engine: EngineName,
    /// Where compiled modules are kept, 4 GiB at most; '' keeps none [default: assay/native under the user's cache folder]
    #[arg(long, value_name = "FOLDER", env = "ASSAY_CACHE")]
    cache: Option<OsString>,
    /// Say what the job wrote to its stderr and where it stopped, however it ended and however long that takes
    #[arg(long)]
    explain: bool,
    /// Exit with code 4 unless the job ends with exit code 0
    #[arg(long)]
    strict: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

impl Arguments {
    /// The folder of compiled modules; an empty name is none.
    fn cache(&self) -> Option<PathBuf> {
        match &self.cache {
            None => default_cache(),
            Some(name) => Some(name).filter(|name| !name.is_empty()).map(PathBuf::from),
        }
    }
}

/// The engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum EngineName {
    /// Compiled to native code.
    Wasmtime,
    /// The machine, instruction by instruction.
    Machine,
}

/// A result with how it was found.
pub struct Finished {
    /// How the run ended.
    pub outcome: Outcome,
    /// What it wrote.
    pub output: Vec<u8>,
    /// The engine that ran it.
    pub engine: EngineName,
    /// Steps of the machine; the native engine counts none.
    pub steps: Option<u64>,
    /// Why the native engine had no result, if it was asked.
    pub fallback: Option<String>,
    /// Milliseconds of the run, compilation aside; but a native run that stops early is repeated with exact metering, and what that takes, its
    /// compilation included, counts.
    pub run_ms: f64,
    /// What only the machine sees.
    pub diagnosis: Option<Diagnosis>,
}

#[derive(Serialize)]
struct Report {
    program: String,
    engine: &'static str,
    fallback: Option<String>,
    status: &'static str,
    code: u32,
    trap: Option<&'static str>,
    fuel_used: u64,
    fuel_limit: u64,
    steps: Option<u64>,
    input: Blob,
    output: Blob,
    output_hex: Option<String>,
    output_file: Option<String>,
    run_ms: f64,
    function: Option<String>,
    stderr: Option<String>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<()> {
    if let Some(path) = &arguments.output {
        console::check_place(path)?;
    }
    let (wasm, program) = arguments.job.module()?;
    let input = arguments.job.read_input()?;
    let mut finished = match arguments.engine {
        EngineName::Machine => on_machine(&program, arguments.job.allowance, input.clone(), None)?,
        EngineName::Wasmtime => natively(&program, arguments.job.allowance, input.clone(), arguments.cache())?,
    };
    // What is known goes out before anything else is tried.
    let written = match &arguments.output {
        Some(path) => console::write_file(path, &finished.output),
        None if arguments.json => Ok(()),
        None => console::print_output(&finished.output),
    };
    if !arguments.json || written.is_err() {
        console::note(&summary(&program, &finished));
    }
    let told = written.and_then(|()| tell(arguments, &wasm, &program, &input, &mut finished));
    let is_unread = told.as_ref().is_err_and(is_broken_pipe);
    if arguments.strict && has_failed(&finished.outcome) && (told.is_ok() || is_unread) {
        bail!(Failure::JobFailed);
    }
    told
}

/// Tells why a job has failed, if that is asked for or soon known; and as JSON all of the result.
fn tell(
    arguments: &Arguments,
    wasm: &[u8],
    program: &Program,
    input: &Arc<[u8]>,
    finished: &mut Finished,
) -> Result<()> {
    let is_told = arguments.explain || has_failed(&finished.outcome);
    if finished.diagnosis.is_none() && is_told && (arguments.explain || is_cheap(&finished.outcome)) {
        finished.diagnosis = explain(program, arguments.job.allowance, input.clone(), finished)?;
    }
    let diagnosis = finished.diagnosis.as_ref().filter(|_| is_told);
    let function =
        diagnosis.and_then(|diagnosis| diagnosis.function(program, &ModuleFacts::of(wasm), &finished.outcome));
    if arguments.json {
        let stderr = diagnosis.map(Diagnosis::stderr_text);
        return console::print_json(&Report { function, stderr, ..report(arguments, program, input, finished)? });
    }
    if let Some(diagnosis) = diagnosis {
        console::note(&diagnosis.text(function.as_deref()));
    }
    Ok(())
}

/// Runs a job once more, on the machine, to see what a native run does not.
fn explain(
    program: &Program,
    allowance: Allowance,
    input: Arc<[u8]>,
    finished: &Finished,
) -> Result<Option<Diagnosis>> {
    let again = match on_machine(program, allowance, input, None) {
        Ok(again) => again,
        Err(reason) => {
            console::note(&format!("the machine can't say why ({reason:#})\n"));
            return Ok(None);
        }
    };
    let is_same = again.outcome == finished.outcome && again.output == finished.output;
    ensure!(is_same, "the native engine and the machine disagree: report this as a fault");
    Ok(again.diagnosis)
}

/// Runs a job natively, and on the machine where that gives no result.
pub fn natively(program: &Program, allowance: Allowance, input: Arc<[u8]>, cache: Option<PathBuf>) -> Result<Finished> {
    match try_natively(program, allowance, input.clone(), cache) {
        Ok(finished) => Ok(finished),
        Err(reason) => {
            console::note(&format!("the native engine has no result ({reason:#}); running on the machine\n"));
            on_machine(program, allowance, input, Some(format!("{reason:#}")))
        }
    }
}

fn try_natively(program: &Program, allowance: Allowance, input: Arc<[u8]>, cache: Option<PathBuf>) -> Result<Finished> {
    let engine = match Engine::new(EngineConfig { cache, ..EngineConfig::default() }) {
        Err(error @ EngineError::Cache { .. }) => {
            console::note(&format!("{error}; compiled modules are not kept\n"));
            Engine::new(EngineConfig::default())?
        }
        engine => engine?,
    };
    let prepared =
        Progress::during("compiling", || engine.prepare(program.normalised(), program.image(), program.id()))?;
    if prepared.cache_state() == CacheState::NotWritten {
        console::note("the compiled module can't be kept in the cache folder; the next run compiles again\n");
    }
    let limits = Limits { fuel: allowance.fuel, output_bytes: allowance.output_limit };
    let started = Instant::now();
    let ran: Result<_, NotAResult> = Progress::during("running natively", || prepared.run(input, limits));
    let ran = ran?;
    Ok(Finished {
        outcome: ran.outcome,
        output: ran.output,
        engine: EngineName::Wasmtime,
        steps: None,
        fallback: None,
        run_ms: started.elapsed().as_secs_f64() * 1e3,
        diagnosis: None,
    })
}

/// Runs a job on the machine.
pub fn on_machine(
    program: &Program,
    allowance: Allowance,
    input: Arc<[u8]>,
    fallback: Option<String>,
) -> Result<Finished> {
    let mut run = boot(program, &input, allowance)?;
    let started = Instant::now();
    let mut stderr = StderrLog::default();
    walk_watched(&mut run, u64::MAX, &mut Progress::start(), |record, memory| {
        if let Some(source) = program.stderr() {
            source.read(record, memory, &mut stderr);
        }
    })?;
    let run_ms = started.elapsed().as_secs_f64() * 1e3;
    let record = *run.record();
    let status = Status::from_byte(record.status).expect("the machine halts with a known status");
    Ok(Finished {
        outcome: Outcome { status, code: record.pc_or_code, fuel_used: allowance.fuel - record.fuel },
        engine: EngineName::Machine,
        steps: Some(run.steps()),
        fallback,
        run_ms,
        diagnosis: Some(Diagnosis { halted_pc: run.halted_pc(), stderr }),
        output: run.into_output(),
    })
}

/// `assay/native` under the user's cache folder, if there is one.
fn default_cache() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")))?;
    Some(base.join("assay").join("native"))
}

/// The engine's name in JSON.
pub fn engine_name(engine: EngineName) -> &'static str {
    match engine {
        EngineName::Wasmtime => "wasmtime",
        EngineName::Machine => "machine",
    }
}

fn report(arguments: &Arguments, program: &Program, input: &[u8], finished: &Finished) -> Result<Report> {
    let Outcome { status, code, fuel_used } = finished.outcome;
    let output = commit_blob(&finished.output).wrap_err("the output is no blob")?;
    let file = arguments.output.as_deref().map(Path::display);
    Ok(Report {
        program: program.id().to_string(),
        engine: engine_name(finished.engine),
        fallback: finished.fallback.clone(),
        status: status_name(status as u8),
        code,
        trap: trap_of(status as u8, code),
        fuel_used,
        fuel_limit: arguments.job.allowance.fuel,
        steps: finished.steps,
        input: commit_blob(input)?.into(),
        output: output.into(),
        output_hex: file.is_none().then(|| hex(&finished.output)),
        output_file: file.map(|file| file.to_string()),
        run_ms: finished.run_ms,
        function: None,
        stderr: None,
    })
}

/// The result in a few lines.
pub fn summary(program: &Program, finished: &Finished) -> String {
    let Outcome { status, code, fuel_used } = finished.outcome;
    let steps = finished.steps.map_or(String::new(), |steps| format!(", {} steps", grouped(steps)));
    format!(
        "{}, {} bytes of output, fuel {}{steps}, {:.1} ms on {}\nprogram {}\n",
        ending(status as u8, code),
        grouped(finished.output.len() as u64),
        grouped(fuel_used),
        finished.run_ms,
        engine_name(finished.engine),
        program.id(),
    )
}

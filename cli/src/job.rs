//! What the commands have in common: a module, an input, limits, and a walk along a run.
//!
//! Owns reading them from files. Everything it reads is hostile, and goes to admission as it is.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use assay_machine::admission::Limit;
use assay_machine::interpreter::Interpreter;
use assay_machine::memory::FlatMemory;
use assay_machine::program::{Limits, Program, ProgramError};
use assay_machine::record::Record;
use assay_protocol::BLOB_LENGTH_MAX;
use eyre::{Result, WrapErr, ensure};
use thiserror::Error;

use crate::console;
use crate::failure::Failure;
use crate::progress::{Progress, scaled};

/// Steps between two looks at the clock.
const SLICE_STEPS: u64 = 1 << 24;

/// What a job may use.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct Allowance {
    /// Fuel that the job may use, about one unit an instruction
    #[arg(long, value_name = "N", default_value_t = Limits::default().fuel)]
    pub fuel: u64,
    /// Bytes that the job may output
    #[arg(long, value_name = "N", default_value_t = Limits::default().output_bytes)]
    pub output_limit: u64,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { fuel: Limits::default().fuel, output_limit: Limits::default().output_bytes }
    }
}

impl Allowance {
    /// The limits as the machine takes them.
    pub fn limits(&self) -> Limits {
        Limits { fuel: self.fuel, output_bytes: self.output_limit }
    }
}

/// A job on the command line.
#[derive(clap::Args, Clone, Debug)]
pub struct Job {
    /// The module: a WASI program as a compiler wrote it (.wasm)
    #[arg(value_name = "FILE.wasm")]
    pub module: PathBuf,
    /// The job's input: a file, or `-` for stdin. Without it the input is empty
    #[arg(long, value_name = "FILE|-")]
    pub input: Option<PathBuf>,
    /// What the job may use.
    #[command(flatten)]
    pub allowance: Allowance,
}

impl Job {
    /// Reads the input.
    pub fn read_input(&self) -> Result<Arc<[u8]>> {
        let bytes = match self.input.as_deref() {
            None => Vec::new(),
            Some(path) if path == Path::new("-") => {
                read_at_most(std::io::stdin().lock(), BLOB_LENGTH_MAX).wrap_err("can't read the input from stdin")?
            }
            Some(path) => read(path, BLOB_LENGTH_MAX)?,
        };
        Ok(bytes.into())
    }

    /// Reads, admits and lowers the module.
    pub fn program(&self) -> Result<Program> {
        admit(&self.module)
    }

    /// As [`Job::program`], with the module's bytes. They are read once: a pipe can't be read again.
    pub fn module(&self) -> Result<(Vec<u8>, Program)> {
        load(&self.module)
    }

    /// A run of the job at its first state. The input is read by [`Job::read_input`], once: stdin can't be read again.
    pub fn boot(&self, program: &Program, input: &Arc<[u8]>) -> Result<Interpreter> {
        boot(program, input, self.allowance)
    }
}

/// A run of a program at its first state. Where the host leaves it no fast path that is said, once in a command.
pub fn boot(program: &Program, input: &Arc<[u8]>, allowance: Allowance) -> Result<Interpreter> {
    static TOLD: Once = Once::new();
    let run = program.boot(Arc::new(input.clone()), allowance.limits())?;
    if let Some(reason) = run.slow_because() {
        TOLD.call_once(|| {
            console::note(&format!(
                "the host does not give the 4 GiB of address space that a fast run takes ({reason}); \
                 going on slowly, step by step\n"
            ));
        });
    }
    Ok(run)
}

/// Reads, admits and lowers a module.
pub fn admit(module: &Path) -> Result<Program> {
    load(module).map(|(_, program)| program)
}

fn load(module: &Path) -> Result<(Vec<u8>, Program)> {
    let wasm = read_module(module)?;
    let program = lower(&wasm).map_err(|error| explain(error, module))?;
    Ok((wasm, program))
}

/// Reads a module. One that is longer than admission takes them is refused as it refuses.
pub fn read_module(path: &Path) -> Result<Vec<u8>> {
    let refused = || Failure::Refused(format!("{} is refused: {}", path.display(), too_large())).into();
    read_admissible(path)?.ok_or_else(refused)
}

/// Reads a module, unless it is longer than admission takes them.
pub fn read_admissible(path: &Path) -> Result<Option<Vec<u8>>> {
    match read(path, Limit::ModuleBytes.bound()) {
        Ok(wasm) => Ok(Some(wasm)),
        Err(error) if error.downcast_ref::<TooLong>().is_some() => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is wrong with a module that is not even read to its end.
pub fn too_large() -> String {
    let limit = Limit::ModuleBytes;
    format!("too many or too large: {}: got more than {}", limit.name(), limit.bound())
}

/// Admits and lowers a module.
pub fn lower(wasm: &[u8]) -> Result<Program, ProgramError> {
    Progress::during("admitting and lowering", || Program::from_wasm(wasm))
}

/// Reads a file whole, if it has at most `most` bytes.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let read = || {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        ensure!(length <= most, TooLong { most });
        read_at_most(file, most)
    };
    read().wrap_err_with(|| format!("can't read {}", path.display()))
}

/// Reads to the end, which must come within `most` bytes.
pub fn read_at_most(from: impl Read, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most + 1).read_to_end(&mut bytes)?;
    ensure!(bytes.len() as u64 <= most, TooLong { most });
    Ok(bytes)
}

/// More bytes than the machine takes.
#[derive(Debug, Error)]
#[error("more than {most} bytes")]
struct TooLong {
    most: u64,
}

/// A refusal has its own exit code; everything else is ours or the host's.
pub fn explain(error: ProgramError, module: &Path) -> eyre::Report {
    match error {
        ProgramError::Admission(_) | ProgramError::Lower(_) => {
            Failure::Refused(format!("{} is refused: {error}", module.display())).into()
        }
        error => error.into(),
    }
}

/// Runs until `steps` steps are done in all or the machine has halted, with progress.
///
/// # Errors
/// If the host does not give the memory that the output needs.
pub fn walk(run: &mut Interpreter, steps: u64, progress: &mut Progress) -> Result<()> {
    walk_watched(run, steps, progress, |_, _| {})
}

/// The same, with a look at the states before the instruction that the program watches.
pub fn walk_watched(
    run: &mut Interpreter,
    steps: u64,
    progress: &mut Progress,
    mut look: impl FnMut(&Record, &FlatMemory),
) -> Result<()> {
    while run.record().is_running() && run.steps() < steps {
        run.run_watched(steps.min(run.steps().saturating_add(SLICE_STEPS)), &mut look)?;
        let done = run.steps() as f64;
        progress.tick(|seconds| format!("{}steps, {}steps/s", scaled(done), scaled(done / seconds)));
    }
    Ok(())
}

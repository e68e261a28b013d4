//! What the commands have in common: a module, an input, limits, and a walk along a run.
//!
//! Owns reading them from files. Everything it reads is hostile, and goes to admission as it is.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use assay_machine::interpreter::Interpreter;
use assay_machine::program::{Limits, Program, ProgramError};
use eyre::{Result, WrapErr};

use crate::failure::Failure;
use crate::interrupt;
use crate::progress::{Progress, scaled};

/// Steps between two looks at the clock and at Ctrl-C.
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
                let mut bytes = Vec::new();
                std::io::stdin().lock().read_to_end(&mut bytes).wrap_err("can't read the input from stdin")?;
                bytes
            }
            Some(path) => read(path)?,
        };
        Ok(bytes.into())
    }

    /// Reads, admits and lowers the module.
    pub fn program(&self) -> Result<Program> {
        admit(&self.module)
    }

    /// A run of the job at its first state. The input is read by [`Job::read_input`], once: stdin can't be read again.
    pub fn boot(&self, program: &Program, input: &Arc<[u8]>) -> Result<Interpreter> {
        Ok(program.boot(Arc::new(input.clone()), self.allowance.limits())?)
    }
}

/// Reads, admits and lowers a module.
pub fn admit(module: &Path) -> Result<Program> {
    lower(&read(module)?).map_err(|error| explain(error, module))
}

/// Admits and lowers a module.
pub fn lower(wasm: &[u8]) -> Result<Program, ProgramError> {
    Progress::during("admitting and lowering", || Program::from_wasm(wasm))
}

/// Reads a file whole.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).wrap_err_with(|| format!("can't read {}", path.display()))
}

/// A refusal has its own exit code; everything else is ours or the host's.
fn explain(error: ProgramError, module: &Path) -> eyre::Report {
    let is_refusal = matches!(error, ProgramError::Admission(_) | ProgramError::Lower(_));
    if is_refusal {
        eprintln!("{}: {error}", module.display());
        return Failure::Refused.into();
    }
    error.into()
}

/// Runs until `steps` steps are done in all or the machine has halted, with progress and an ear for Ctrl-C.
pub fn walk(run: &mut Interpreter, steps: u64, progress: &mut Progress) -> Result<()> {
    while run.record().is_running() && run.steps() < steps {
        interrupt::check()?;
        run.run_to(steps.min(run.steps().saturating_add(SLICE_STEPS)));
        let done = run.steps() as f64;
        progress.tick(|seconds| format!("{}steps, {}steps/s", scaled(done), scaled(done / seconds)));
    }
    Ok(())
}

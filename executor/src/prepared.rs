//! A compiled program and its runs.
//!
//! A run uses the fast module, whose fuel counter is in registers. Where hardware raises a trap the counter is lost;
//! then the run is repeated with the exact module, whose counter is in a global, and both must end alike.

use std::sync::{Arc, OnceLock};

use assay_machine::admission::ENTRY_EXPORT;
use assay_machine::lower::FunctionPlan;
use assay_machine::program::Limits;
use assay_protocol::{B256, Outcome, Status, TrapCode};
use wasmtime::InstancePre;

use crate::cache::CacheState;
use crate::ending::NotAResult;
use crate::engine::{Engine, NATIVE_STACK_BYTES};
use crate::host::{FUEL_MAX, Host, Watch};
use crate::instrument::Metering;
use crate::session::{Finish, Instance, Session};

/// Native stack beside what the program may use, for the host functions.
const HOST_STACK_BYTES: usize = 4 << 20;

/// The result of a run, equal to the machine's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// How the run ended.
    pub outcome: Outcome,
    /// What it wrote; empty if it ran out of fuel.
    pub output: Vec<u8>,
}

/// What a program is compiled from.
pub(crate) struct Source {
    pub normalised: Box<[u8]>,
    pub plans: Box<[FunctionPlan]>,
    pub memory_pages_max: u32,
    pub key: B256,
}

/// A program that is ready to run, any number of times and from any thread.
pub struct Prepared {
    engine: Engine,
    source: Source,
    fast: InstancePre<Host>,
    /// Compiled when a trap first asks for it.
    exact: OnceLock<InstancePre<Host>>,
    cache_state: CacheState,
}

impl Prepared {
    pub(crate) fn new(engine: Engine, source: Source) -> Result<Self, NotAResult> {
        let (fast, cache_state) = engine.compile(&source, Metering::Parameter)?;
        Ok(Self { engine, source, fast, exact: OnceLock::new(), cache_state })
    }

    /// Where the fast module came from.
    pub fn cache_state(&self) -> CacheState {
        self.cache_state
    }

    /// Runs the program.
    ///
    /// # Errors
    /// [`NotAResult`] if nothing can be said about the machine's result.
    pub fn run(&self, input: impl Into<Arc<[u8]>>, limits: Limits) -> Result<Run, NotAResult> {
        self.run_watched(input, limits, &Watch::default())
    }

    /// Runs the program until it ends or the watch stops it.
    ///
    /// # Errors
    /// [`NotAResult`]; [`NotAResult::Stopped`] if the watch stopped it.
    pub fn run_watched(&self, input: impl Into<Arc<[u8]>>, limits: Limits, watch: &Watch) -> Result<Run, NotAResult> {
        let input = input.into();
        match self.run_once(input.clone(), limits, watch, Metering::Parameter)? {
            Attempt::Run(run) => Ok(run),
            Attempt::FuelLost { code, output } => match self.run_once(input, limits, watch, Metering::Global)? {
                Attempt::Run(run) if run.outcome.status == Status::OutOfFuel => Ok(run),
                Attempt::Run(run) => {
                    let agrees = run.outcome.status == Status::Trap && run.outcome.code == code as u32;
                    if agrees && run.output == output { Ok(run) } else { Err(NotAResult::Disagreement) }
                }
                Attempt::FuelLost { .. } => Err(NotAResult::Disagreement),
            },
        }
    }

    /// Runs the program with the exact module only: slower, and the same result.
    ///
    /// # Errors
    /// [`NotAResult`] if nothing can be said about the machine's result.
    pub fn run_exact(&self, input: impl Into<Arc<[u8]>>, limits: Limits) -> Result<Run, NotAResult> {
        match self.run_once(input.into(), limits, &Watch::default(), Metering::Global)? {
            Attempt::Run(run) => Ok(run),
            Attempt::FuelLost { .. } => Err(NotAResult::Disagreement),
        }
    }

    /// An instance whose exports can be called one by one, its state kept: for harnesses.
    ///
    /// # Errors
    /// [`NotAResult`] if the instance can't be made.
    pub fn session(
        &self,
        input: impl Into<Arc<[u8]>>,
        output_bytes: u64,
        metering: Metering,
    ) -> Result<Session, NotAResult> {
        let host = Host::new(input.into(), output_bytes, Watch::default());
        Ok(Session::new(Instance::new(self.module(metering)?, host, metering)?))
    }

    fn module(&self, metering: Metering) -> Result<&InstancePre<Host>, NotAResult> {
        match metering {
            Metering::Parameter => Ok(&self.fast),
            Metering::Global => match self.exact.get() {
                Some(module) => Ok(module),
                None => {
                    let (module, _) = self.engine.compile(&self.source, metering)?;
                    Ok(self.exact.get_or_init(|| module))
                }
            },
        }
    }

    fn run_once(
        &self,
        input: Arc<[u8]>,
        limits: Limits,
        watch: &Watch,
        metering: Metering,
    ) -> Result<Attempt, NotAResult> {
        let module = self.module(metering)?;
        let host = Host::new(input, limits.output_bytes, watch.clone());
        on_large_stack(|| {
            let mut instance = Instance::new(module, host, metering)?;
            let finish = instance.call(ENTRY_EXPORT, &[], limits.fuel)?;
            let output = instance.take_output();
            let (status, code, fuel_left) = match finish {
                Finish::Exit { code, fuel_left } => (Status::Exit, code, fuel_left),
                Finish::Trap { code, fuel_left: Some(fuel_left) } => (Status::Trap, code as u32, fuel_left),
                Finish::Trap { code, fuel_left: None } => return Ok(Attempt::FuelLost { code, output }),
                Finish::OutOfFuel => (Status::OutOfFuel, 0, -1),
                Finish::Returned { .. } => return Err(NotAResult::Engine("the program returned".into())),
            };
            let fuel_limit = limits.fuel.min(FUEL_MAX);
            Ok(Attempt::Run(match u64::try_from(fuel_left) {
                Ok(left) => Run { outcome: Outcome { status, code, fuel_used: fuel_limit - left }, output },
                Err(_) if limits.fuel > FUEL_MAX => return Err(NotAResult::FuelCounter),
                Err(_) => Run {
                    outcome: Outcome { status: Status::OutOfFuel, code: 0, fuel_used: limits.fuel },
                    output: Vec::new(),
                },
            }))
        })
    }
}

/// What one execution of one of the modules says.
enum Attempt {
    Run(Run),
    /// A trap, and the counter is gone. Whether fuel lasted until then is unknown.
    FuelLost {
        code: TrapCode,
        output: Vec<u8>,
    },
}

/// Runs a closure on a thread with room for the deepest recursion that the machine allows.
pub(crate) fn on_large_stack<R: Send>(work: impl FnOnce() -> Result<R, NotAResult> + Send) -> Result<R, NotAResult> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("assay-run".into())
            .stack_size(NATIVE_STACK_BYTES + HOST_STACK_BYTES)
            .spawn_scoped(scope, work)
            .map_err(|error| NotAResult::Start(error.to_string()))?;
        match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

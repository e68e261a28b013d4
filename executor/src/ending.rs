//! How native runs end, and when that is no result.

use assay_protocol::TrapCode;
use thiserror::Error;
use wasmtime::Trap;

use crate::instrument::InstrumentError;

/// Why a native run says nothing about what the machine computes. Run the interpreter instead, or decline the job.
#[derive(Debug, Error)]
pub enum NotAResult {
    /// The program needs more native stack than the engine gives.
    #[error("the native stack is exhausted")]
    NativeStack,
    /// The host could not provide memory that the program is entitled to.
    #[error("the host refuses memory: {0}")]
    Memory(String),
    /// The program is larger than what the engine compiles: its own bound, known before the compiler is asked.
    #[error("left to the interpreter: {0}")]
    TooLarge(String),
    /// The compiler refuses the program.
    #[error("the program does not compile: {0}")]
    Compile(String),
    /// The module and its image do not fit each other.
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
    /// The host could not start the run.
    #[error("the run does not start: {0}")]
    Start(String),
    /// The run was cancelled, or its deadline has passed.
    #[error("the run was stopped")]
    Stopped,
    /// The run used up the 2^63 - 1 units of fuel that the engine can count, and the limit is higher.
    #[error("the run needs more fuel than the engine can count")]
    FuelCounter,
    /// The program recurses through billions of instructions without a loop or a return between, so that the meter
    /// could not be refilled in time.
    #[error("the program runs for too long without a loop or a return")]
    Unmetered,
    /// The engine ended the run in a way that no instrumented program can.
    #[error("the engine failed: {0}")]
    Engine(String),
    /// The run that repeats a trap to learn its fuel ended differently.
    #[error("two runs of the same job end differently")]
    Disagreement,
    /// The module exports no such function, or the arguments are not of its types.
    #[error("there is no function `{0}` with these parameters")]
    Export(String),
}

/// An error that a host function raises in order to end the run.
#[derive(Clone, Debug, Error)]
pub(crate) enum Ending {
    #[error("exit with code {code}")]
    Exit { code: u32, meter: i64 },
    #[error("trap {code:?}")]
    Trap { code: TrapCode, meter: i64 },
    #[error("out of fuel")]
    OutOfFuel,
    /// There is fuel, and the meter went far below zero where it can't be refilled.
    #[error("too long without a check")]
    Unmetered,
    #[error("stopped")]
    Stopped,
    #[error("{0}")]
    Memory(String),
}

/// The machine's name for a trap that hardware or the engine's own code raises. `unreachable` is not among them:
/// instrumented code calls the host for it.
pub(crate) fn trap_code(trap: Trap) -> Result<TrapCode, NotAResult> {
    Ok(match trap {
        Trap::MemoryOutOfBounds => TrapCode::MemoryOutOfBounds,
        Trap::TableOutOfBounds => TrapCode::TableOutOfBounds,
        Trap::IndirectCallToNull => TrapCode::IndirectCallToNull,
        Trap::BadSignature => TrapCode::BadSignature,
        Trap::IntegerOverflow => TrapCode::IntegerOverflow,
        Trap::IntegerDivisionByZero => TrapCode::DivisionByZero,
        Trap::BadConversionToInteger => TrapCode::InvalidConversion,
        Trap::StackOverflow => return Err(NotAResult::NativeStack),
        other => return Err(NotAResult::Engine(other.to_string())),
    })
}

//! How a run of the machine ends, as everybody outside the machine sees it.

/// Status byte of a machine record (specs/03-state.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Status {
    /// The machine has a next step.
    Running = 0,
    /// The program ended by itself; the code is its exit code.
    Exit = 1,
    /// The program broke a rule of WASM; the code is a [`TrapCode`].
    Trap = 2,
    /// The fuel limit was reached: code 0, fuel used = the limit, empty output.
    OutOfFuel = 3,
    /// The image asked for a step that does not exist. Lowered programs never get here.
    Illegal = 4,
}

impl Status {
    /// The status with this number, if there is one.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Running,
            1 => Self::Exit,
            2 => Self::Trap,
            3 => Self::OutOfFuel,
            4 => Self::Illegal,
            _ => return None,
        })
    }
}

/// Why a program trapped (specs/03-state.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum TrapCode {
    /// `unreachable` was executed.
    Unreachable = 1,
    /// A load, store or bulk operation left the linear memory or its data segment.
    MemoryOutOfBounds = 2,
    /// A table access or bulk operation left the table or its element segment.
    TableOutOfBounds = 3,
    /// `call_indirect` found a null reference.
    IndirectCallToNull = 4,
    /// `call_indirect` found a function of another type.
    BadSignature = 5,
    /// Signed division overflow, or a conversion of a number that does not fit.
    IntegerOverflow = 6,
    /// Integer division or remainder by zero.
    DivisionByZero = 7,
    /// Conversion of a NaN to an integer.
    InvalidConversion = 8,
    /// A frame would not fit the stack of 2^18 slots.
    StackOverflow = 9,
    /// The output would grow beyond the job's limit.
    OutputLimit = 10,
}

impl TrapCode {
    /// The trap code with this number, if there is one.
    pub const fn from_code(code: u32) -> Option<Self> {
        Some(match code {
            1 => Self::Unreachable,
            2 => Self::MemoryOutOfBounds,
            3 => Self::TableOutOfBounds,
            4 => Self::IndirectCallToNull,
            5 => Self::BadSignature,
            6 => Self::IntegerOverflow,
            7 => Self::DivisionByZero,
            8 => Self::InvalidConversion,
            9 => Self::StackOverflow,
            10 => Self::OutputLimit,
            _ => return None,
        })
    }
}

/// The result of a run: what an executor signs and a dispute is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How the run ended; never [`Status::Running`].
    pub status: Status,
    /// Exit code or [`TrapCode`], else 0.
    pub code: u32,
    /// Fuel used, at most the limit.
    pub fuel_used: u64,
}

//! What a job's author links: the input, the output, and how a job ends.
//!
//! ```no_run
//! fn main() -> assay_guest::End {
//!     assay_guest::run(|input| {
//!         let text = std::str::from_utf8(input)?;
//!         let sum: i64 = text.split_whitespace().map(str::parse::<i64>).sum::<Result<_, _>>()?;
//!         Ok::<_, Box<dyn std::error::Error>>(format!("{sum}\n"))
//!     })
//! }
//! ```
//!
//! Owns no more than names for what the machine gives a job: standard input is the input, standard output the output, the exit code is
//! part of the result. There is no clock, no file, no network, no randomness and one thread (specs/07-host-interface.md); what
//! a program asks for beyond these answers with an error, the same everywhere. What is written to standard error is no part of the
//! result. A panic is a trap, and a trap is a result too: its output is empty.
//!
//! A job need not use this crate: any WASI program is one. On the host the same functions read and write the process's own streams, so
//! that `echo 1 2 | cargo run` tries a job out.
#![forbid(unsafe_code)]

use std::fmt::Display;
use std::io::{BufWriter, Read, StdinLock, StdoutLock, Write};
use std::process::{ExitCode, Termination};

/// How a job ends: with exit code 0 or another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End(u8);

impl End {
    /// The job did what it was asked for.
    pub const OK: Self = Self(0);

    /// The job ends with a code of its own. Contracts take results whose code is 0.
    #[must_use]
    pub const fn code(code: u8) -> Self {
        Self(code)
    }
}

impl Termination for End {
    fn report(self) -> ExitCode {
        ExitCode::from(self.0)
    }
}

/// The whole input.
///
/// # Panics
/// If it does not fit the memory: a trap.
#[must_use]
pub fn input() -> Vec<u8> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes).expect("the input can always be read");
    bytes
}

/// The input as it is read, for inputs that are longer than memory should be.
pub fn input_stream() -> StdinLock<'static> {
    std::io::stdin().lock()
}

/// Writes to the output. What was written before stays.
///
/// # Panics
/// If the output would be longer than the task allows: a trap.
pub fn output(bytes: impl AsRef<[u8]>) {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes.as_ref()).and_then(|()| out.flush()).expect("the output can always be written");
}

/// The output in large pieces: much cheaper than many small writes. It must be flushed, or dropped, before the job ends.
#[must_use]
pub fn output_stream() -> BufWriter<StdoutLock<'static>> {
    BufWriter::with_capacity(64 << 10, std::io::stdout().lock())
}

/// A job as a function: reads the input whole, writes what the function returns, and ends with 0; or writes nothing, says the error on
/// standard error, and ends with 1.
pub fn run<O: AsRef<[u8]>, E: Display>(job: impl FnOnce(&[u8]) -> Result<O, E>) -> End {
    match job(&input()) {
        Ok(bytes) => {
            output(bytes);
            End::OK
        }
        Err(error) => {
            // Nobody has to read it; on the host it helps.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            End::code(1)
        }
    }
}

//! The frame that every sample job in Rust shares: standard streams, one error message, one exit code.
//!
//! It assumes nothing about the host beyond WASI's standard streams, so the same program runs on a laptop.
//! A job never panics: whatever its input is, it ends with an exit code, and a refusal says why on stderr.

use std::error::Error;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::process::ExitCode;

/// Bytes moved between the job and the host at a time.
const STREAM_BUFFER_BYTES: usize = 64 * 1024;

/// The exit code of a job that refused its input.
const EXIT_REFUSED: u8 = 2;

/// What a job's body gives back: an exit code that the job chose itself, or the reason why it refused its input.
pub type Outcome = Result<ExitCode, Box<dyn Error>>;

/// Runs `body` between stdin and stdout and reports a refusal as `name: reason` on stderr, exit code 2.
///
/// Whatever the body wrote before it refused is flushed and stays part of the output.
pub fn run(name: &str, body: impl FnOnce(&mut dyn BufRead, &mut dyn Write) -> Outcome) -> ExitCode {
    let mut input = BufReader::with_capacity(STREAM_BUFFER_BYTES, io::stdin().lock());
    let mut output = BufWriter::with_capacity(STREAM_BUFFER_BYTES, io::stdout().lock());
    let outcome = body(&mut input, &mut output).and_then(|code| {
        output.flush()?;
        Ok(code)
    });
    outcome.unwrap_or_else(|reason| {
        // If even stderr is closed there is nobody left to tell; the exit code still says it.
        let _ = writeln!(io::stderr(), "{name}: {reason}");
        ExitCode::from(EXIT_REFUSED)
    })
}

/// Reads the next line of the input, without its line ending; at the end of the input an empty one.
///
/// # Errors
/// When the line is longer than `size_max_bytes`, is not UTF-8, or can't be read.
pub fn read_line(input: &mut dyn BufRead, size_max_bytes: u16) -> Result<String, Box<dyn Error>> {
    let mut line = String::new();
    let size_bytes = input
        .take(u64::from(size_max_bytes) + 1)
        .read_line(&mut line)
        .map_err(|error| format!("a line can't be read: {error}"))?;
    if size_bytes > usize::from(size_max_bytes) {
        return Err(format!("a line is longer than {size_max_bytes} bytes").into());
    }
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line)
}

//! SHA-256 of the whole input, printed as one line of lower-case hex.
//!
//! The input is streamed, so memory does not grow with it.

use std::io::{BufRead, Write};
use std::process::ExitCode;

use job::Outcome;
use sha2::{Digest, Sha256};

fn main() -> ExitCode {
    job::run("sha256", digest)
}

fn digest(input: &mut dyn BufRead, output: &mut dyn Write) -> Outcome {
    let mut hasher = Sha256::new();
    loop {
        let chunk = input.fill_buf()?;
        if chunk.is_empty() {
            break;
        }
        hasher.update(chunk);
        let size_bytes = chunk.len();
        input.consume(size_bytes);
    }
    writeln!(output, "{:x}", hasher.finalize())?;
    Ok(ExitCode::SUCCESS)
}

//! BLAKE3 of the whole input, printed as one line of lower-case hex.
//!
//! The input is streamed: memory grows only with the logarithm of its length (one chaining value a tree level).

use std::io::{BufRead, Write};
use std::process::ExitCode;

use blake3::Hasher;
use job::Outcome;

fn main() -> ExitCode {
    job::run("blake3", digest)
}

fn digest(input: &mut dyn BufRead, output: &mut dyn Write) -> Outcome {
    let mut hasher = Hasher::new();
    loop {
        let chunk = input.fill_buf()?;
        if chunk.is_empty() {
            break;
        }
        hasher.update(chunk);
        let size_bytes = chunk.len();
        input.consume(size_bytes);
    }
    writeln!(output, "{}", hasher.finalize().to_hex())?;
    Ok(ExitCode::SUCCESS)
}

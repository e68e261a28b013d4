//! Regular-expression search: the first line of the input is the pattern, the rest is the text.
//!
//! Every matching line is printed as `number:line`, numbers counted from 1. Exit codes are grep's: 0 when a line
//! matched, 1 when none did, 2 when the pattern was refused. The text may be any bytes; matching is linear in the
//! text for every pattern, and a pattern that compiles to more than `PROGRAM_SIZE_MAX_BYTES` is refused.

use std::io::{BufRead, Write};
use std::process::ExitCode;

use job::Outcome;
use regex::bytes::RegexBuilder;

const PATTERN_SIZE_MAX_BYTES: u16 = 4096;
const PROGRAM_SIZE_MAX_BYTES: usize = 1 << 20;
const EXIT_NO_MATCH: u8 = 1;

fn main() -> ExitCode {
    job::run("grep", search)
}

fn search(input: &mut dyn BufRead, output: &mut dyn Write) -> Outcome {
    let pattern = job::read_line(input, PATTERN_SIZE_MAX_BYTES)?;
    let regex = RegexBuilder::new(&pattern)
        .size_limit(PROGRAM_SIZE_MAX_BYTES)
        .dfa_size_limit(PROGRAM_SIZE_MAX_BYTES)
        .build()
        .map_err(|error| format!("the pattern was refused: {error}"))?;

    let mut line = Vec::new();
    let mut line_number = 0u64;
    let mut found = false;
    while input.read_until(b'\n', &mut line)? > 0 {
        line_number += 1;
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        if regex.is_match(text) {
            found = true;
            write!(output, "{line_number}:")?;
            output.write_all(text)?;
            output.write_all(b"\n")?;
        }
        line.clear();
    }
    Ok(if found { ExitCode::SUCCESS } else { ExitCode::from(EXIT_NO_MATCH) })
}

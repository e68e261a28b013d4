//! What goes to stdout and to files: answers, for people or as JSON, and the bytes that jobs output.
//!
//! Files appear whole or not at all. Everything that is not the answer goes to stderr.

use std::io::{IsTerminal, Write, stdout};
use std::path::Path;

use eyre::{Result, WrapErr};
use serde::Serialize;

/// Prints an answer as JSON.
pub fn print_json(answer: &impl Serialize) -> Result<()> {
    let mut out = stdout().lock();
    serde_json::to_writer_pretty(&mut out, answer).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// Prints an answer for people.
pub fn print(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Writes a job's output to stdout, unless that would fill a terminal with what is no text; then says so.
pub fn print_output(bytes: &[u8]) -> Result<()> {
    let mut out = stdout().lock();
    if out.is_terminal() && !is_text(bytes) {
        eprintln!("the output is binary, {} bytes; write it to a file with --output", bytes.len());
        return Ok(());
    }
    out.write_all(bytes)?;
    if out.is_terminal() && bytes.last().is_some_and(|last| *last != b'\n') {
        writeln!(out)?;
    }
    out.flush()?;
    Ok(())
}

/// Writes a file, whole or not at all.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        let mut file = tempfile::Builder::new().prefix(".assay-").tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.persist(path).map_err(|error| error.error)
    };
    write().wrap_err_with(|| format!("can't write {}", path.display()))?;
    Ok(())
}

/// Whether bytes can be shown on a terminal.
pub fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes)
        .is_ok_and(|text| !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r')))
}

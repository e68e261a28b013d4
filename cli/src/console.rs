//! What goes to stdout and to files: answers, for people or as JSON, and the bytes that jobs output.
//!
//! Files appear whole or not at all. Everything that is not the answer goes to stderr. Names that others gave are
//! escaped before they reach a terminal.

use std::fs::{OpenOptions, Permissions};
use std::io::{IsTerminal, Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use eyre::{Result, WrapErr, ensure};
use serde::Serialize;

/// Whether any of the answer may have been written.
static HAS_BEGUN: AtomicBool = AtomicBool::new(false);

/// What is there of a file that is being written, and has not its name yet.
static UNFINISHED: Mutex<Option<PathBuf>> = Mutex::new(None);

fn unfinished() -> MutexGuard<'static, Option<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the process from any of its threads. What is there of a file that is being written goes.
pub fn leave(exit_code: i32) -> ! {
    // Held to the end: meanwhile no file is begun, and none gets its name.
    let mut unfinished = unfinished();
    if let Some(path) = unfinished.take() {
        let _ = std::fs::remove_file(path);
    }
    std::process::exit(exit_code)
}

/// Whether any of the answer may have been written, to stdout or to a file.
pub fn has_begun() -> bool {
    HAS_BEGUN.load(Ordering::Relaxed)
}

fn begin() {
    HAS_BEGUN.store(true, Ordering::Relaxed);
}

/// Prints an answer as JSON.
pub fn print_json(answer: &impl Serialize) -> Result<()> {
    begin();
    let mut out = stdout().lock();
    serde_json::to_writer_pretty(&mut out, answer).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// Prints an answer as JSON on one line: for whoever reads lines, beside logs.
pub fn print_json_line(answer: &impl Serialize) -> Result<()> {
    begin();
    let mut out = stdout().lock();
    serde_json::to_writer(&mut out, answer).map_err(std::io::Error::from)?;
    writeln!(out)?;
    out.flush()?;
    Ok(())
}

/// Prints an answer for people.
pub fn print(text: &str) -> Result<()> {
    begin();
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Writes a job's output to stdout, unless that would fill a terminal with what is no text; then says so.
pub fn print_output(bytes: &[u8]) -> Result<()> {
    let mut out = stdout().lock();
    if out.is_terminal() && !is_text(bytes) {
        note(&format!("the output is binary, {} bytes; write it to a file with --output\n", bytes.len()));
        return Ok(());
    }
    begin();
    out.write_all(bytes)?;
    if out.is_terminal() && bytes.last().is_some_and(|last| *last != b'\n') {
        writeln!(out)?;
    }
    out.flush()?;
    Ok(())
}

/// Says something beside the answer, on stderr. Where nobody can hear it, nothing is lost.
pub fn note(text: &str) {
    let _ = stderr().lock().write_all(text.as_bytes());
}

/// A line as a terminal may have it: what is no text is escaped, and text stays as it is.
pub fn shown(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    for character in line.chars() {
        match character {
            '\t' | '\'' | '"' | '\\' => shown.push(character),
            other => shown.extend(other.escape_debug()),
        }
    }
    shown
}

/// Whether a file can lie at a path at all: said before the work that fills it.
pub fn check_place(path: &Path) -> Result<()> {
    let folder = folder_of(path);
    ensure!(folder.is_dir(), "can't write {}: there is no folder {}", path.display(), folder.display());
    ensure!(!path.is_dir(), "can't write {}: it is a folder", path.display());
    Ok(())
}

/// Writes a file. What is new, or a file already, appears whole or not at all, and a file keeps its permissions; into
/// anything else (a pipe, a device) the bytes are written as they are. A link is followed.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    begin();
    let write = || {
        let target = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        match target.metadata() {
            Ok(metadata) if metadata.is_file() => replace(&target, bytes, Some(metadata.permissions())),
            Ok(_) => OpenOptions::new().write(true).open(&target)?.write_all(bytes),
            Err(_) => replace(&target, bytes, None),
        }
    };
    // The cause without the name of the file that would have become this one.
    let cause = |error: std::io::Error| std::io::Error::from(error.kind());
    write().map_err(cause).wrap_err_with(|| format!("can't write {}", path.display()))
}

/// The folder that a file lies in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Puts a file with these bytes in a path's place.
fn replace(path: &Path, bytes: &[u8], permissions: Option<Permissions>) -> std::io::Result<()> {
    let folder = folder_of(path);
    let mut builder = tempfile::Builder::new();
    // As any program creates a file: what the umask leaves of it.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = {
        let mut unfinished = unfinished();
        let file = builder.prefix(".assay-").tempfile_in(folder)?;
        *unfinished = Some(file.path().to_path_buf());
        file
    };
    let written = file.write_all(bytes).and_then(|()| match permissions {
        Some(permissions) => file.as_file().set_permissions(permissions),
        None => Ok(()),
    });
    let mut unfinished = unfinished();
    // It has its name, or is gone.
    let placed = written.and_then(|()| file.persist(path).map_err(std::io::Error::from));
    *unfinished = None;
    placed.map(drop)
}

/// Whether bytes can be shown on a terminal.
pub fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes)
        .is_ok_and(|text| !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r')))
}

//! What goes to stdout and to files: answers, for people or as JSON, and the bytes that jobs output.
//!
//! Files appear whole or not at all. Everything that is not the answer goes to stderr. Names that others gave are
//! escaped before they reach a terminal.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{IsTerminal, Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use eyre::{Result, WrapErr, ensure};
use serde::Serialize;
use tempfile::NamedTempFile;

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
    prepare(path)?.write(bytes)
}

/// A file that is open for its bytes, and that its path does not show before they are written. Dropped, it leaves nothing.
pub struct Prepared<'a> {
    path: &'a Path,
    place: Place,
}

enum Place {
    /// Beside the target, whose name it takes when it is whole, and the permissions of the file that has that name.
    Beside { file: NamedTempFile, target: PathBuf, permissions: Option<Permissions> },
    /// A pipe or a device.
    Open(File),
}

/// Opens what [`write_file`] writes to, before the work that must not be lost.
pub fn prepare(path: &Path) -> Result<Prepared<'_>> {
    let target = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let opened = match target.metadata() {
        Ok(metadata) if metadata.is_file() => beside(target, Some(metadata.permissions())),
        Ok(_) => OpenOptions::new().write(true).open(&target).map(Place::Open),
        Err(_) => beside(target, None),
    };
    Ok(Prepared { path, place: opened.wrap_err_with(|| unwritable(path))? })
}

impl Prepared<'_> {
    /// Writes the bytes, and gives the file its name.
    pub fn write(self, bytes: &[u8]) -> Result<()> {
        begin();
        let written = match self.place {
            Place::Beside { file, target, permissions } => replace(file, &target, permissions, bytes),
            Place::Open(mut file) => file.write_all(bytes),
        };
        written.wrap_err_with(|| unwritable(self.path))
    }
}

fn unwritable(path: &Path) -> String {
    format!("can't write {}", path.display())
}

/// The folder that a file lies in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Creates a file in the target's folder, as any program creates one: with the permissions that the umask leaves.
fn beside(target: PathBuf, permissions: Option<Permissions>) -> std::io::Result<Place> {
    let mut unfinished = unfinished();
    let create = |path: &Path| OpenOptions::new().write(true).create_new(true).open(path);
    let file = tempfile::Builder::new().prefix(".assay-").make_in(folder_of(&target), create)?;
    *unfinished = Some(file.path().to_path_buf());
    Ok(Place::Beside { file, target, permissions })
}

/// Puts a file with these bytes in the target's place.
fn replace(
    mut file: NamedTempFile,
    target: &Path,
    permissions: Option<Permissions>,
    bytes: &[u8],
) -> std::io::Result<()> {
    // By the file itself: the errors of what has it name it, and nobody knows that name.
    let written = file.as_file_mut().write_all(bytes).and_then(|()| match permissions {
        Some(permissions) => file.as_file().set_permissions(permissions),
        None => Ok(()),
    });
    let mut unfinished = unfinished();
    // It has its name, or is gone.
    let placed = written.and_then(|()| file.persist(target).map_err(std::io::Error::from));
    *unfinished = None;
    placed.map(drop)
}

/// Whether bytes can be shown on a terminal.
pub fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes)
        .is_ok_and(|text| !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r')))
}

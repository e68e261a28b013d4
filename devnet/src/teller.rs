//! What is told while something goes on: lines for people with the time that has passed, and the same as JSON at the end.
//!
//! Owns the clock of the story and the form of its lines.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::time::Instant;

use serde::Serialize;
use serde_json::Value;

/// Something that was told.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Seconds since the beginning.
    pub seconds: f64,
    /// What it is about, in a word that stays the same.
    pub event: &'static str,
    /// The words.
    pub text: String,
    /// The facts.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub facts: Value,
}

/// Tells.
#[derive(Debug)]
pub struct Teller {
    started: Instant,
    is_quiet: bool,
    is_terminal: bool,
    has_progress: bool,
    lines: Vec<Line>,
}

impl Teller {
    /// The clock starts. Who wants JSON, has it at the end and hears nothing before.
    #[must_use]
    pub fn new(is_quiet: bool) -> Self {
        let is_terminal = stderr().is_terminal();
        Self { started: Instant::now(), is_quiet, is_terminal, has_progress: false, lines: Vec::new() }
    }

    /// A heading for people.
    pub fn chapter(&mut self, text: &str) {
        self.clear();
        if !self.is_quiet {
            // Nobody who listens is no reason to stop.
            let _ = writeln!(stdout(), "\n{text}\n");
        }
    }

    /// Tells something.
    pub fn tell(&mut self, event: &'static str, text: impl Into<String>, facts: Value) {
        self.clear();
        let line = Line { seconds: self.seconds(), event, text: text.into(), facts };
        if !self.is_quiet {
            let _ = writeln!(stdout(), "  [{:>5.1} s]  {}", line.seconds, line.text);
        }
        self.lines.push(line);
    }

    /// More words for people on what was just told.
    pub fn more(&mut self, text: &str) {
        self.clear();
        if !self.is_quiet {
            let _ = writeln!(stdout(), "             {text}");
        }
    }

    /// A line that says what is waited for, and goes away.
    pub fn progress(&mut self, text: &str) {
        if !self.is_quiet && self.is_terminal {
            self.has_progress = true;
            let _ = write!(stderr(), "\r\x1b[2K  [{:>5.1} s]  {text}", self.seconds()).and_then(|()| stderr().flush());
        }
    }

    /// Seconds since the beginning.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// All that was told.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.has_progress) {
            let _ = write!(stderr(), "\r\x1b[2K").and_then(|()| stderr().flush());
        }
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.clear();
    }
}

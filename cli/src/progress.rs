//! Progress on stderr while work takes long: one line that overwrites itself and is gone at the end.
//!
//! Shows nothing for work under half a second, and nothing at all where stderr is no terminal.

use std::io::{IsTerminal, Write, stderr};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Time until the line first appears.
const PATIENCE: Duration = Duration::from_millis(500);
/// Time between two updates.
const INTERVAL: Duration = Duration::from_millis(200);

/// A line of progress.
pub struct Progress {
    is_terminal: bool,
    started: Instant,
    next: Instant,
    is_shown: bool,
}

impl Progress {
    /// Progress of work that starts now.
    pub fn start() -> Self {
        let started = Instant::now();
        Self { is_terminal: stderr().is_terminal(), started, next: started + PATIENCE, is_shown: false }
    }

    /// Updates the line, if it is time to. The text is given the seconds since the start.
    pub fn tick(&mut self, text: impl FnOnce(f64) -> String) {
        if self.is_terminal && Instant::now() >= self.next {
            self.next = Instant::now() + INTERVAL;
            self.is_shown = true;
            let text = text(self.started.elapsed().as_secs_f64());
            // A terminal that takes no progress is no reason to fail.
            let _ = write!(stderr(), "\r\x1b[2K{text}").and_then(|()| stderr().flush());
        }
    }

    /// Does work that can't be watched, and shows how long it has taken so far.
    pub fn during<R: Send>(what: &str, work: impl FnOnce() -> R + Send) -> R {
        std::thread::scope(|scope| {
            let (done, is_done) = channel::<()>();
            scope.spawn(move || {
                let mut progress = Self::start();
                while is_done.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                    progress.tick(|seconds| format!("{what} … {seconds:.0} s"));
                }
            });
            let result = work();
            drop(done);
            result
        })
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            let _ = write!(stderr(), "\r\x1b[2K").and_then(|()| stderr().flush());
        }
    }
}

/// A count with its unit prefix, for people: `1.23 G`.
pub fn scaled(count: f64) -> String {
    let prefixes = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    match prefixes.iter().find(|(size, _)| count >= *size) {
        Some((size, prefix)) => format!("{:.2} {prefix}", count / size),
        None => format!("{count:.0} "),
    }
}

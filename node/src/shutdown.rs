//! How a process ends: at a signal, or when a task that it can't do without has died.
//!
//! Owns the tasks of a process and the one token that tells them to stop. Assumes that a task watches the token. Nothing is left running
//! behind: what has not ended [`DEADLINE`] after the token is aborted, and named. A role has five seconds from the signal to its last breath:
//! threads that still compute have what is left.
//!
//! ```text
//!   running ──SIGTERM, Ctrl-C, token──────────────> stopping ──all ended──────────> Ok
//!      │                                               │
//!      └──critical task ended: error, panic, return──> │ ──DEADLINE──> abort ─────> Err
//! ```

use crate::Remedy;
use std::collections::HashMap;
use std::fmt::Display;
use std::future::Future;
use std::time::Duration;
use thiserror::Error;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// How long tasks have to end.
pub const DEADLINE: Duration = Duration::from_millis(3500);

/// Why a process did not end well.
#[derive(Debug, Error)]
pub enum Stopped {
    /// A critical task died.
    #[error("the {task} died: {reason}")]
    Died {
        /// Its name.
        task: &'static str,
        /// What it said, or that it panicked or just returned.
        reason: String,
    },
    /// Tasks did not end in time.
    #[error("not ended {deadline_ms} ms after the stop: {tasks}")]
    Late {
        /// Their names.
        tasks: String,
        /// How long they had.
        deadline_ms: u128,
    },
    /// The system gives no signals.
    #[error("signals can't be listened to: {reason}")]
    Signals {
        /// What the system says.
        reason: String,
    },
}

impl Stopped {
    /// What helps: an operator, or the supervisor that starts the process again.
    pub fn remedy(&self) -> Remedy {
        Remedy::Stop
    }
}

/// The tasks of a process.
#[derive(Debug, Default)]
pub struct Process {
    token: CancellationToken,
    tasks: JoinSet<Result<(), String>>,
    names: HashMap<Id, &'static str>,
}

impl Process {
    /// A process without tasks.
    pub fn new() -> Self {
        Process::default()
    }

    /// The token that is cancelled when the process shall stop. Cancelling it stops the process.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Starts a task that the process can't do without: when it ends before the token is cancelled, the process stops.
    pub fn critical<E: Display>(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let handle = self.tasks.spawn(async move { task.await.map_err(|error| error.to_string()) });
        self.names.insert(handle.id(), name);
    }

    /// Waits for a signal, the token, or the death of a task; then stops all of them.
    ///
    /// # Errors
    /// [`Stopped::Died`] for the first task that died, [`Stopped::Late`], [`Stopped::Signals`].
    pub async fn run(mut self) -> Result<(), Stopped> {
        let signal = signal();
        tokio::pin!(signal);
        let ended = loop {
            tokio::select! {
                () = self.token.cancelled() => break Ok(()),
                got = &mut signal => {
                    match got {
                        Ok(name) => {
                            info!(signal = name, "stopping");
                            break Ok(());
                        }
                        Err(reason) => break Err(Stopped::Signals { reason }),
                    }
                }
                Some(ended) = self.tasks.join_next_with_id(), if !self.tasks.is_empty() => {
                    let (task, ended) = self.ended(ended);
                    // A task may notice the token sooner than this loop does.
                    if self.token.is_cancelled() && ended.is_ok() {
                        continue;
                    }
                    let reason = ended.err().unwrap_or_else(|| "it returned".into());
                    error!(task, reason, "a critical task died, stopping");
                    break Err(Stopped::Died { task, reason });
                }
            }
        };
        self.token.cancel();
        let late = self.drain().await;
        match (ended, late.is_empty()) {
            (Err(stopped), _) => Err(stopped),
            (Ok(()), true) => Ok(()),
            (Ok(()), false) => Err(Stopped::Late { tasks: late.join(", "), deadline_ms: DEADLINE.as_millis() }),
        }
    }

    /// Waits for all tasks until the deadline, aborts the rest, and names them.
    async fn drain(&mut self) -> Vec<&'static str> {
        let deadline = tokio::time::Instant::now() + DEADLINE;
        while let Ok(Some(ended)) = tokio::time::timeout_at(deadline, self.tasks.join_next_with_id()).await {
            if let (task, Err(reason)) = self.ended(ended) {
                warn!(task, reason, "a task failed while stopping");
            }
        }
        let mut late: Vec<_> = self.names.values().copied().collect();
        late.sort_unstable();
        if !late.is_empty() {
            warn!(tasks = late.join(", "), "tasks are aborted, they did not stop in time");
            self.tasks.abort_all();
        }
        late
    }

    /// The name of a task that ended, and how it did.
    fn ended(&mut self, ended: Result<(Id, Result<(), String>), JoinError>) -> (&'static str, Result<(), String>) {
        let (id, result) = match ended {
            Ok((id, result)) => (id, result),
            Err(error) => (error.id(), Err(format!("it panicked: {error}"))),
        };
        (self.names.remove(&id).expect("every task is named when it is started"), result)
    }
}

/// Waits for the signal to stop, and names it.
async fn signal() -> Result<&'static str, String> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
        tokio::select! {
            _ = terminate.recv() => Ok("SIGTERM"),
            _ = interrupt.recv() => Ok("SIGINT"),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map(|()| "Ctrl-C").map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    async fn obedient(token: CancellationToken) -> Result<(), Infallible> {
        token.cancelled().await;
        Ok(())
    }

    #[tokio::test]
    async fn tasks_that_obey_end_well() {
        let mut process = Process::new();
        process.critical("reader", obedient(process.token()));
        process.critical("sender", obedient(process.token()));
        process.token().cancel();
        process.run().await.expect("all obey");
    }

    #[tokio::test]
    async fn the_death_of_a_task_stops_the_others_and_is_named() {
        for (kind, reason) in [("error", "no luck"), ("panic", "panicked"), ("return", "returned")] {
            let mut process = Process::new();
            let token = process.token();
            process.critical("reader", obedient(token.clone()));
            process.critical("player", async move {
                match kind {
                    "error" => Err("no luck"),
                    "panic" => panic!("a bug"),
                    _ => Ok(()),
                }
            });
            let stopped = process.run().await.expect_err("a task died");
            assert!(matches!(&stopped, Stopped::Died { task: "player", .. }), "{stopped}");
            assert!(stopped.to_string().contains(reason), "{stopped}");
            assert!(token.is_cancelled());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_stop_is_aborted_and_named() {
        let mut process = Process::new();
        process.critical("sleeper", std::future::pending::<Result<(), Infallible>>());
        process.critical("reader", obedient(process.token()));
        process.token().cancel();
        let began = tokio::time::Instant::now();
        let stopped = process.run().await.expect_err("one never stops");
        assert!(matches!(&stopped, Stopped::Late { tasks, .. } if tasks == "sleeper"), "{stopped}");
        assert_eq!(began.elapsed(), DEADLINE);
    }
}

//! Waiting until a task has come as far as wanted.
//!
//! Owns the questions and the pauses between them. A leaf that became void takes its task back to the queue, so that a goal which was
//! reached may be left again, until the task is final.

use std::time::Duration;

use assay_protocol::B256;
use assay_protocol::rpc::{TaskState, TaskView};

use crate::api::AssayApi;
use crate::error::ClientError;

/// The first pause, and the longest.
const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_millis(500);
/// Questions in a row that nobody answers.
const FAILURES_MAX: u32 = 20;

/// How far a task is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Goal {
    /// A signed result is here: on the executor's word and stake.
    Executed,
    /// It is on L1, where it can be challenged.
    Posted,
    /// It stands: final, or attested where not all that the run needs is L1 data.
    Final,
}

impl Goal {
    /// Whether a state is as far as that.
    #[must_use]
    pub fn is_reached(self, state: TaskState) -> bool {
        match state {
            TaskState::Queued | TaskState::Running | TaskState::Expired => false,
            TaskState::Executed => self <= Self::Executed,
            TaskState::Posted | TaskState::Challenged => self <= Self::Posted,
            TaskState::Attested | TaskState::Final => true,
        }
    }
}

/// Waits until a task has come as far as wanted. Goes on through failures that may pass, and is dropped by whoever waits no longer.
///
/// # Errors
/// [`ClientError::UnknownTask`], [`ClientError::Expired`], and what does not pass.
pub async fn wait_for(api: &impl AssayApi, task: B256, goal: Goal) -> Result<TaskView, ClientError> {
    let (mut pause, mut failures) = (PAUSE_MIN, 0);
    loop {
        match api.get_task(task).await {
            Ok(None) => return Err(ClientError::UnknownTask { task }),
            Ok(Some(view)) if goal.is_reached(view.state) => return Ok(view),
            Ok(Some(view)) if view.state == TaskState::Expired => return Err(ClientError::Expired { task }),
            Ok(Some(_)) => failures = 0,
            Err(error) if error.is_retryable() && failures < FAILURES_MAX => failures += 1,
            Err(error) => return Err(error),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(PAUSE_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_reached_in_order() {
        use TaskState::{Attested, Challenged, Executed, Expired, Final, Posted, Queued, Running};
        let reached = |goal: Goal| {
            let all = [Queued, Running, Executed, Posted, Challenged, Expired, Attested, Final];
            all.into_iter().filter(|state| goal.is_reached(*state)).collect::<Vec<_>>()
        };
        assert_eq!(reached(Goal::Executed), [Executed, Posted, Challenged, Attested, Final]);
        assert_eq!(reached(Goal::Posted), [Posted, Challenged, Attested, Final]);
        assert_eq!(reached(Goal::Final), [Attested, Final]);
    }
}

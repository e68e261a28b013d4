//! Whether anything goes on over a connection.
//!
//! Owns a count of what goes on, and the moment at which it ended last. A connection over which nothing goes on can be closed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What goes on over a connection. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Activity {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    going_on: usize,
    ended_at: Instant,
}

/// Something that goes on, until it is dropped.
#[derive(Debug)]
pub struct Going {
    activity: Activity,
}

impl Default for Activity {
    fn default() -> Self {
        Self { state: Arc::new(Mutex::new(State { going_on: 0, ended_at: Instant::now() })) }
    }
}

impl Activity {
    /// Something begins: a call, a subscription.
    pub fn begin(&self) -> Going {
        self.change(|state| state.going_on += 1);
        Going { activity: self.clone() }
    }

    /// For how long nothing has gone on; `None` while something does.
    pub fn idle(&self) -> Option<Duration> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.going_on == 0).then(|| state.ended_at.elapsed())
    }

    /// Returns when nothing has gone on for so long.
    pub async fn ends(&self, idle_max: Duration) {
        loop {
            let left = idle_max.saturating_sub(self.idle().unwrap_or(Duration::ZERO));
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        self.activity.change(|state| {
            state.going_on -= 1;
            state.ended_at = Instant::now();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn idle_is_when_nothing_goes_on() {
        let (activity, limit, began) = (Activity::default(), Duration::from_secs(60), Instant::now());
        activity.ends(limit).await;
        assert_eq!(began.elapsed(), limit);
        let going = activity.begin();
        assert_eq!(activity.idle(), None);
        tokio::time::sleep(10 * limit).await;
        let more = activity.begin();
        drop(going);
        assert_eq!(activity.idle(), None);
        drop(more);
        assert_eq!(activity.idle(), Some(Duration::ZERO));
        let began = Instant::now();
        activity.ends(limit).await;
        assert_eq!(began.elapsed(), limit);
    }
}

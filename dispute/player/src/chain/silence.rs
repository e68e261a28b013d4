//! Whether L1 is still heard: when its head was read last, and when it was last a new one.
//!
//! Owns the judgement and the word on it in a process's health. A node that does not answer, and one that shows the same head for ever, are
//! both as good as lost: a player that acts on what they said may be too late. It recovers by itself, as soon as L1 is heard again.

use std::convert::Infallible;
use std::time::Duration;

use assay_node::telemetry::Part;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Chain;

/// How often is looked.
const TICK: Duration = Duration::from_secs(1);

/// How long L1 may be silent before a process that acts on it is not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Since its head was read.
    pub unread_max: Duration,
    /// Since it had a new head; none lets it stand for ever, as chains do that mine when they are asked to.
    pub unmoved_max: Option<Duration>,
}

/// When L1 was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    /// All up to the head had been read.
    pub read_at: Instant,
    /// The head was another than before.
    pub moved_at: Instant,
}

impl Silence {
    /// What is wrong, if anything is.
    fn judge(&self, heard: Option<Heard>, now: Instant) -> Option<String> {
        let Some(heard) = heard else { return Some("L1 is being read".into()) };
        let (unread, unmoved) = (now.duration_since(heard.read_at), now.duration_since(heard.moved_at));
        if unread > self.unread_max {
            return Some(format!("L1 was not read to its head for more than {} s", self.unread_max.as_secs()));
        }
        let most = self.unmoved_max.filter(|most| unmoved > *most)?;
        Some(format!("L1 has shown no new block for more than {} s", most.as_secs()))
    }
}

/// Says in a part of the process's health whether L1 is heard, until the token is cancelled.
///
/// # Errors
/// None.
pub async fn watch(chain: Chain, limits: Silence, part: Part, stop: CancellationToken) -> Result<(), Infallible> {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut heads = chain.heads();
    loop {
        match limits.judge(chain.heard(), Instant::now()) {
            Some(words) => part.not_ready(words),
            None => part.ready(),
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = tick.tick() => {}
            // It fails only when the follower has ended, which says so itself.
            changed = heads.changed() => if changed.is_err() {
                stop.cancelled().await;
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Silence =
        Silence { unread_max: Duration::from_secs(60), unmoved_max: Some(Duration::from_secs(300)) };

    #[tokio::test(start_paused = true)]
    async fn a_node_that_is_silent_or_stands_still_is_lost() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let heard = |read, moved| Some(Heard { read_at: at(read), moved_at: at(moved) });
        let check = |limits: Silence, heard, now, wanted: Option<&str>| {
            let words = limits.judge(heard, at(now));
            assert_eq!(words.is_some(), wanted.is_some(), "{words:?}");
            assert!(words.unwrap_or_default().contains(wanted.unwrap_or_default()));
        };
        check(LIMITS, None, 0, Some("is being read"));
        check(LIMITS, heard(10, 10), 70, None);
        check(LIMITS, heard(10, 10), 71, Some("not read to its head for more than 60 s"));
        check(LIMITS, heard(310, 10), 310, None);
        check(LIMITS, heard(311, 10), 311, Some("no new block for more than 300 s"));
        check(Silence { unmoved_max: None, ..LIMITS }, heard(9999, 10), 9999, None);
    }
}

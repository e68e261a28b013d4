//! An account that is too poor, in a process's health.
//!
//! Owns the word on it. It heals by itself, when somebody pays in.

use super::{Shortage, Shortages};
use crate::telemetry::Part;
use alloy_primitives::U256;
use std::convert::Infallible;
use tokio_util::sync::CancellationToken;

impl Shortage {
    /// Wei that are missing.
    pub fn missing(&self) -> U256 {
        self.wanted.saturating_sub(self.got)
    }

    /// Whether the next intent by itself can't be paid, so that to wait for those in flight is of no use.
    pub fn is_lasting(&self) -> bool {
        self.got < self.wanted.saturating_sub(self.reserved)
    }
}

/// Says in a part of the process's health that the account is too poor to send, while it is, until the token is cancelled.
///
/// # Errors
/// None.
pub async fn watch_shortage(mut shortages: Shortages, part: Part, stop: CancellationToken) -> Result<(), Infallible> {
    loop {
        let shortage = shortages.borrow_and_update().filter(Shortage::is_lasting);
        match shortage {
            None => part.ready(),
            Some(shortage) => {
                part.not_ready(format!("the account is too poor to send: it lacks {} wei", shortage.missing()));
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            // The sender has ended, and says why itself.
            changed = shortages.changed() => if changed.is_err() {
                stop.cancelled().await;
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Health;

    #[tokio::test]
    async fn a_poor_account_is_said_and_heals() {
        let (tell, heard) = tokio::sync::watch::channel(None);
        let (health, stop) = (Health::new(), CancellationToken::new());
        let watching = tokio::spawn(watch_shortage(heard, health.part("account"), stop.clone()));
        let poor = Shortage { got: U256::from(5), wanted: U256::from(12), reserved: U256::ZERO };
        let waits = Shortage { reserved: U256::from(7), ..poor };
        for (shortage, is_ready) in
            [(None, true), (Some(poor), false), (None, true), (Some(poor), false), (Some(waits), true)]
        {
            tell.send(shortage).expect("it listens");
            while health.waits_for().is_empty() != is_ready {
                tokio::task::yield_now().await;
            }
            if !is_ready {
                assert!(health.waits_for()["account"].contains("lacks 7 wei"), "{:?}", health.waits_for());
            }
        }
        stop.cancel();
        watching.await.expect("it does not panic").expect("it does not fail");
    }
}

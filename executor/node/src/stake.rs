//! Whether L1 knows the executor: its stake and its key, at each head.
//!
//! Owns the word on it in the process's health. That L1 is heard at all is another watch's matter. It registers nobody: that is an
//! operator's command (`assay bond`). Pure but for the loop.

use std::sync::Arc;

use alloy_primitives::Address;
use assay_node::telemetry::Part;
use assay_player::chain::{Head, Registration, View};
use assay_protocol::objects::Role;
use tokio_util::sync::CancellationToken;

use crate::job::Context;
use crate::ledger::{Ledger, LedgerError};

/// Heads between two looks for results that nobody can ask for any more.
const PRUNE_EVERY: u64 = 64;

/// How L1 sees an executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Registered, with this key.
    Good,
    /// Nobody's stake stands behind it.
    NotRegistered,
    /// Its registration has ended, and none begins again.
    Exited,
    /// The key does not sign for it.
    NotItsKey,
    /// It lost a game: its stake is gone.
    Convicted,
}

impl Standing {
    /// How L1 sees an executor with a key, at a time.
    #[must_use]
    pub fn of(view: &View, executor: Address, key: Address, now: u64) -> Self {
        if view.conviction(executor).is_some() {
            Self::Convicted
        } else if !view.stakes().is_registered(Role::Executor, executor, now) {
            Self::unregistered(view.stakes().registration(Role::Executor, executor), now)
        } else if !view.stakes().is_key(Role::Executor, executor, key, now) {
            Self::NotItsKey
        } else {
            Self::Good
        }
    }

    /// How L1 sees an executor that is not registered at a time, but may have been before.
    fn unregistered(registration: Option<&Registration>, now: u64) -> Self {
        match registration {
            Some(registration) if registration.until <= now => Self::Exited,
            _ => Self::NotRegistered,
        }
    }

    /// What an operator is told.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Good => "registered",
            Self::NotRegistered => "not registered on L1: deposit a stake, no sequencer gives it tasks",
            Self::Exited => {
                "it has exited, and no sequencer gives it tasks: an account registers once, another one is needed"
            }
            Self::NotItsKey => "the key is not authorised by the owner of the stake",
            Self::Convicted => "convicted: it lost a dispute, and its stake is gone",
        }
    }
}

/// Watches until the token is cancelled.
pub(crate) async fn watch(
    context: Arc<Context>,
    key: Address,
    stake: Part,
    stop: CancellationToken,
) -> Result<(), LedgerError> {
    let mut heads = context.chain.heads();
    let mut looks = 0_u64;
    loop {
        let head: Option<Head> = *heads.borrow_and_update();
        if let Some(head) = head {
            let standing = Standing::of(&context.chain.view(), context.executor, key, head.time);
            match standing {
                Standing::Good => stake.ready(),
                _ => stake.not_ready(standing.words()),
            }
            context.meters.registered.set(i64::from(standing == Standing::Good));
            // At the first head too: what has gone while the process was down takes no room among what is to be defended.
            if looks.is_multiple_of(PRUNE_EVERY) {
                let (ledger, stop) = (context.ledger.clone(), stop.clone());
                let pruned = tokio::task::spawn_blocking(move || prune(&ledger, head.time, &stop)).await;
                pruned.expect("pruning does not panic, and a runtime that ends it ends its caller too")?;
            }
            looks += 1;
            context.meters.open(context.ledger.open_steps());
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            // The follower has ended, and says why itself.
            changed = heads.changed() => if changed.is_err() { return Ok(()) },
        }
    }
}

/// Throws away until nothing is left to, or the process stops.
fn prune(ledger: &Ledger, now: u64, stop: &CancellationToken) -> Result<(), LedgerError> {
    while !stop.is_cancelled() && ledger.prune(now)? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::U256;

    /// Reported: an executor that had exited was told to deposit a stake, which no contract takes twice.
    #[test]
    fn who_has_exited_is_told_apart_from_who_never_registered() {
        let registration = Registration { from: 10, until: 20, stake: U256::ZERO };
        for (registration, now, wanted) in [
            (None, 20, Standing::NotRegistered),
            (Some(&registration), 9, Standing::NotRegistered),
            (Some(&registration), 20, Standing::Exited),
            (Some(&registration), 21, Standing::Exited),
        ] {
            assert_eq!(Standing::unregistered(registration, now), wanted, "{now}");
        }
        assert!(Standing::Exited.words().contains("another one is needed"));
    }
}

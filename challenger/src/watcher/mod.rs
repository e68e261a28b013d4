//! The loop: a head, what is new by it, what is due, workers that run leaves again, and what follows from what they find.
//!
//! # Protocol
//!
//! With each new head the watcher looks at the faces of new batches, draws leaves from clean ones while the queue has room, and keeps its
//! workers busy, most urgent leaf first. A wrong result is handed to the player, which persists the challenge, before the verdict is
//! written; a face fault becomes an intent in one commit with the batch's row. So a crash between two of these repeats the first.
//!
//! *Mailbox*: none. Heads are a value of which the newest counts; workers' results are taken as they come, at most as many as workers.
//!
//! *Failures*: rows that contradict L1 are the follower's to heal, and the look is repeated; a run that panics declines its leaf; only the
//! store ends the watcher, and, where there is neither key nor hook, a finding.

mod batches;
mod leaves;
mod proofs;
mod tell;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use assay_node::Remedy;
use assay_node::blobs::BlobStore;
use assay_node::telemetry::{Metrics, Part};
use assay_node::tx::Sender;
use assay_player::chain::{Chain, Head, LeafId, Sources};
use assay_player::player::Player;
use assay_protocol::B256;
use assay_runner::{Inputs, Runner, Watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use self::proofs::Proving;
use crate::budget::Budget;
use crate::check::Checked;
use crate::config::ChallengerConfig;
use crate::error::ChallengerError;
use crate::meters::Meters;
use crate::sampling::Sampler;
use crate::teller::Teller;
use crate::work::{BatchKey, Work};

/// How often clocks are looked at without a new head.
const TICK: Duration = Duration::from_secs(1);

/// What a challenger acts with; a watcher has none of it.
pub(crate) struct Hands {
    pub sender: Sender,
    pub player: Player,
}

/// What workers share.
pub(crate) struct Shared {
    pub chain: Chain,
    pub sources: Sources,
    /// Bytes that came from elsewhere than L1.
    pub blobs: BlobStore,
    pub runner: Runner,
    /// Inputs of leaves that are run again.
    pub inputs: Inputs,
    pub sampler: Sampler,
    pub hands: Option<Hands>,
    pub config: ChallengerConfig,
}

/// The actor.
pub(crate) struct Watcher {
    shared: Arc<Shared>,
    meters: Meters,
    health: Part,
    work: Work,
    /// Next batch of each region that is looked at.
    next: BTreeMap<B256, u64>,
    /// Batches with a fault, proven or not, until their windows are over.
    faulty: BTreeMap<BatchKey, Proving>,
    /// Batches without one that are void, until then: L1 may take the voiding back.
    void: BTreeSet<BatchKey>,
    checks: JoinSet<(LeafId, Checked)>,
    teller: Teller,
    watch: Watch,
    budget: Budget,
    began: Instant,
    /// Seconds of a check, a moving average.
    mean: f64,
    is_behind: bool,
    is_resumed: bool,
    is_unreported: bool,
    ticks: u32,
}

impl Watcher {
    pub(crate) fn new(shared: Arc<Shared>, metrics: &Metrics, health: Part, watch: Watch) -> Self {
        let budget = Budget::new(shared.config.budget.cores);
        let teller = Teller::new(shared.chain.store().clone(), shared.config.hook.clone());
        Self {
            shared,
            meters: Meters::new(metrics),
            health,
            work: Work::default(),
            next: BTreeMap::new(),
            faulty: BTreeMap::new(),
            void: BTreeSet::new(),
            checks: JoinSet::new(),
            teller,
            watch,
            budget,
            began: Instant::now(),
            mean: 0.05,
            is_behind: false,
            is_resumed: false,
            is_unreported: true,
            ticks: 0,
        }
    }

    pub(crate) async fn run(mut self, stop: CancellationToken) -> Result<(), ChallengerError> {
        let mut heads = self.shared.chain.heads();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let head = *heads.borrow_and_update();
            let is_partial = match head {
                Some(head) => self.round(head).await?,
                None => false,
            };
            // Until there is news, workers are kept busy with what was drawn.
            loop {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => {
                        self.watch.cancel();
                        return self.write_report().await;
                    }
                    Some(checked) = self.checks.join_next(), if !self.checks.is_empty() => {
                        let (leaf, checked) = checked.expect("who waits for it does not panic, nor is aborted");
                        let head = head.expect("nothing is checked before the first head");
                        self.dispatch(head);
                        self.checked(leaf, checked, head).await?;
                        self.draw(head).await?;
                        self.dispatch(head);
                    }
                    told = self.teller.ended() => told?,
                    () = std::future::ready(()), if is_partial => break,
                    changed = heads.changed() => match changed {
                        Ok(()) => break,
                        // The follower has ended, and says why itself.
                        Err(_) => return Ok(()),
                    },
                    _ = tick.tick() => {
                        self.report_if_due().await?;
                        self.teller.start()?;
                        if let Some(head) = head {
                            self.dispatch(head);
                        }
                    }
                }
            }
        }
    }

    /// Does what a head asks for. Says whether there is more of it.
    async fn round(&mut self, head: Head) -> Result<bool, ChallengerError> {
        let is_partial = match self.look(head).await {
            Ok(is_partial) => is_partial,
            Err(error) if error.remedy() != Remedy::Stop => {
                warn!(%error, "L1's batches can't be looked at now");
                false
            }
            Err(error) => return Err(error),
        };
        self.part_void(head).await?;
        self.prove(head).await?;
        self.expire(head).await?;
        self.draw(head).await?;
        self.dispatch(head);
        self.measure(head, is_partial);
        Ok(is_partial)
    }

    fn window_end(&self, key: BatchKey) -> u64 {
        key.0 + self.shared.chain.parameters().window
    }
}

/// Work that asks the store or computes, on a thread that may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ChallengerError> + Send + 'static,
) -> Result<T, ChallengerError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.expect("the work does not panic, and a runtime that ends it ends its caller too")
}

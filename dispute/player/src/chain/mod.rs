//! Derivation: what L1 says, from logs alone (specs/16-derivation.md).
//!
//! ```text
//! follow    a reader's deliveries, taken one by one        rows      events and data in the store
//! ingest    a delivery as one batch of writes              view      what events fold into, in memory
//! settled   the view where no reorganisation reaches
//! data      bytes of batches, leaves, blobs                facts     what faults of claims lean on
//! sources   the bytes that a run needs                       silence   whether L1 is still heard
//! ```
//!
//! Owns the tables of [`schema`] and the view that is folded from them. It assumes that the node shows what L1 emitted, and
//! holds what it can against hashes: data against its header, blobs against their roots. It never sends anything.
//!
//! Memory is linear in what L1 has, twice, for the settled view stands beside the newest: about 400 bytes for each batch, program, registration, key and account with credit, and
//! some kilobytes for each game that runs; posting any of it costs its sender gas by the slot. Bytes of batches lie in the store
//! alone, and are read batch by batch, of at most 4 MiB. While it catches up, one page of logs is held besides, which aims at 4 MiB too.

mod data;
mod error;
mod facts;
mod follow;
mod ingest;
mod leaf;
mod rows;
mod settled;
mod silence;
mod sources;
mod view;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use assay_node::store::Store;
use assay_protocol::B256;
use assay_protocol::deployment::Deployment;
use assay_protocol::objects::Domain;
use assay_protocol::presets::Parameters;
use tokio::sync::watch;
use tokio::time::Instant;

pub use data::{BatchData, OpenedLeaf};
pub use error::{ChainError, FoldError};
pub use facts::RegionFacts;
pub use follow::{ChainConfig, Follower};
pub use ingest::Placed;
pub use leaf::LeafId;
pub use rows::schema;
pub use silence::{Silence, watch as watch_l1};
pub use sources::{Blobs, Nowhere, Outputs, Reexecution, Run, SourceMissing, Sources};
pub use view::{BatchState, Conviction, Credit, Fate, Key, Program, Region, Registration, Stakes, Standing, View};

use settled::Settled;
use silence::Heard;

/// The newest block whose events are in the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Height.
    pub number: u64,
    /// Hash.
    pub hash: B256,
    /// L1 time in seconds.
    pub time: u64,
}

/// What L1 says, as far as it was read. Cheap to clone; all clones are one. Questions that go to the store block for a read of the
/// disk: ask them from a worker thread.
#[derive(Clone)]
pub struct Chain {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    deployment: Deployment,
    parameters: Parameters,
    view: RwLock<View>,
    settled: Mutex<Settled>,
    head: watch::Sender<Option<Head>>,
    heard: Mutex<Option<Heard>>,
}

impl Chain {
    fn new(store: Store, deployment: Deployment, settled: Settled, view: View) -> Self {
        let parameters = deployment.preset.parameters(deployment.treasury);
        let (head, _) = watch::channel(None);
        Self {
            inner: Arc::new(Inner {
                store,
                deployment,
                parameters,
                view: RwLock::new(view),
                settled: Mutex::new(settled),
                head,
                heard: Mutex::default(),
            }),
        }
    }

    /// A chain that follows nothing, of what the store has and these logs besides: for tests and for tools that have the logs.
    ///
    /// # Errors
    /// [`ChainError`]: no L1 has such logs, or rows can't be read or written.
    pub fn still(store: Store, deployment: Deployment, logs: &[Placed]) -> Result<Self, ChainError> {
        let mut batch = store.batch();
        ingest::write(&mut batch, &deployment, logs)?;
        batch.commit_lazily()?;
        let settled = Settled::new(&deployment);
        let view = settled.newest(&store)?;
        Ok(Self::new(store, deployment, settled, view))
    }

    /// News: the newest block, each time that all up to it has been read. `None` until that was so for the first time; roles that act
    /// on the view wait for it.
    #[must_use]
    pub fn heads(&self) -> watch::Receiver<Option<Head>> {
        self.inner.head.subscribe()
    }

    /// The newest block, as [`Chain::heads`] has it.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        *self.inner.head.borrow()
    }

    /// What all events up to now fold into. Holds a lock that the follower waits for: look, copy, let go, and never across an await.
    pub fn view(&self) -> RwLockReadGuard<'_, View> {
        // A panic under the lock is a bug that ends the follower; what is there is still what rows said.
        self.inner.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the contracts are.
    #[must_use]
    pub fn deployment(&self) -> &Deployment {
        &self.inner.deployment
    }

    /// The numbers of the deployment.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.inner.parameters
    }

    /// What requests and results are signed for.
    #[must_use]
    pub fn domain(&self) -> Domain {
        self.inner.deployment.domain()
    }

    /// The store that the rows are in.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// What faults of a region's claims lean on.
    #[must_use]
    pub fn facts(&self, region: B256) -> RegionFacts<'_> {
        RegionFacts::new(self, region)
    }

    fn settled(&self) -> MutexGuard<'_, Settled> {
        self.inner.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, view: View) {
        *self.inner.view.write().unwrap_or_else(PoisonError::into_inner) = view;
    }

    fn change<T>(&self, change: impl FnOnce(&mut View) -> T) -> T {
        change(&mut self.inner.view.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// All up to a head has been read, now.
    fn publish(&self, head: Head) {
        let has_moved = self.inner.head.send_if_modified(|known| known.replace(head) != Some(head));
        let mut heard = self.inner.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let read_at = Instant::now();
        let moved_at = heard.filter(|_| !has_moved).map_or(read_at, |heard| heard.moved_at);
        *heard = Some(Heard { read_at, moved_at });
    }

    /// When L1 was heard last; none before its head was read for the first time.
    fn heard(&self) -> Option<Heard> {
        *self.inner.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;

//! Whether new work is taken, and why not.
//!
//! Owns three switches: the operator's, the disk's and L1's. Anybody may look at any time; nothing here waits.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use assay_node::telemetry::Part;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How often the disk is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// The switches. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    inner: Arc<Switches>,
}

#[derive(Debug, Default)]
struct Switches {
    is_paused: AtomicBool,
    is_disk_full: AtomicBool,
    knows_l1: AtomicBool,
}

impl Gate {
    /// Why nothing new is taken, if it is so.
    pub fn closed(&self) -> Option<&'static str> {
        let set = |switch: &AtomicBool| switch.load(Ordering::Relaxed);
        if set(&self.inner.is_paused) {
            return Some("intake is paused by the operator");
        }
        if set(&self.inner.is_disk_full) {
            return Some("the disk has too little room");
        }
        (!set(&self.inner.knows_l1)).then_some("L1's state is not known yet")
    }

    /// The operator's switch.
    pub fn pause(&self, is_paused: bool) {
        self.inner.is_paused.store(is_paused, Ordering::Relaxed);
    }

    /// Whether the operator has paused intake.
    pub fn is_paused(&self) -> bool {
        self.inner.is_paused.load(Ordering::Relaxed)
    }

    /// Whether L1 has been read up to its head.
    pub fn knows_l1(&self) -> bool {
        self.inner.knows_l1.load(Ordering::Relaxed)
    }

    /// L1 has been read up to its head.
    pub fn l1_is_known(&self) {
        self.inner.knows_l1.store(true, Ordering::Relaxed);
    }

    fn disk(&self, is_full: bool) -> bool {
        self.inner.is_disk_full.swap(is_full, Ordering::Relaxed) != is_full
    }
}

/// Looks at the disk until the token is cancelled: below the reserve the gate is closed, so that what was promised can still be kept.
pub async fn watch_disk(folder: PathBuf, reserve_bytes: u64, gate: Gate, part: Part, stop: CancellationToken) {
    loop {
        let free = free_bytes(&folder);
        let is_full = free.is_some_and(|free| free < reserve_bytes);
        if gate.disk(is_full) {
            match is_full {
                true => warn!(free, reserve_bytes, "the disk has too little room, nothing new is taken"),
                false => info!(free, "the disk has room again"),
            }
        }
        match is_full {
            true => part.not_ready("the disk has too little room"),
            false => part.ready(),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Bytes that this process may still write in a folder; unknown where the system does not say.
fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_node::telemetry::Health;

    #[tokio::test]
    async fn a_full_disk_closes_the_gate_and_room_opens_it() {
        let (gate, health, directory) = (Gate::default(), Health::new(), tempfile::tempdir().expect("there is room"));
        gate.l1_is_known();
        for (reserve, wanted) in [(u64::MAX, Some("the disk has too little room")), (0, None)] {
            let stop = CancellationToken::new();
            stop.cancel();
            watch_disk(directory.path().to_owned(), reserve, gate.clone(), health.part("disk"), stop).await;
            assert_eq!(gate.closed(), wanted);
            assert_eq!(health.waits_for().is_empty(), wanted.is_none());
        }
        gate.pause(true);
        assert_eq!(gate.closed(), Some("intake is paused by the operator"));
        assert_eq!(Gate::default().closed(), Some("L1's state is not known yet"));
    }
}

//! Whether new work is taken, and why not.
//!
//! Owns four switches: the operator's, the disk's, L1's, and that of the registration there; and sees whether the account can pay. Anybody may
//! look at any time; nothing here waits.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use assay_node::blobs::free_bytes;
use assay_node::telemetry::Part;
use assay_node::tx::Shortages;
use tokio_util::sync::CancellationToken;

/// How often the disk is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// The switches. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gate {
    inner: Arc<Switches>,
}

#[derive(Debug)]
struct Switches {
    is_paused: AtomicBool,
    is_disk_full: AtomicBool,
    is_unregistered: AtomicBool,
    knows_l1: AtomicBool,
    /// Milliseconds from the beginning to when L1 was last read up to its head.
    read_at_ms: AtomicU64,
    /// What the account lacks that posts batches.
    shortages: OnceLock<Shortages>,
    began: Instant,
    stale_after: Duration,
}

impl Gate {
    /// Closed until L1 is known, and whenever it could not be read up to its head for so long.
    pub fn new(stale_after: Duration) -> Self {
        Self {
            inner: Arc::new(Switches {
                is_paused: AtomicBool::default(),
                is_disk_full: AtomicBool::default(),
                is_unregistered: AtomicBool::default(),
                knows_l1: AtomicBool::default(),
                read_at_ms: AtomicU64::default(),
                shortages: OnceLock::new(),
                began: Instant::now(),
                stale_after,
            }),
        }
    }

    /// Why nothing new is taken, if it is so.
    pub fn closed(&self) -> Option<&'static str> {
        let set = |switch: &AtomicBool| switch.load(Ordering::Relaxed);
        if set(&self.inner.is_paused) {
            return Some("intake is paused by the operator");
        }
        if set(&self.inner.is_disk_full) {
            return Some("the disk has too little room");
        }
        if self
            .inner
            .shortages
            .get()
            .is_some_and(|shortages| shortages.borrow().is_some_and(|shortage| shortage.is_lasting()))
        {
            return Some("the account is too poor to post batches");
        }
        if !set(&self.inner.knows_l1) {
            return Some("L1's state is not known yet");
        }
        if set(&self.inner.is_unregistered) {
            return Some("this sequencer is not registered on L1");
        }
        self.is_stale(self.inner.began.elapsed()).then_some("L1 can't be read")
    }

    fn is_stale(&self, elapsed: Duration) -> bool {
        let read_at = Duration::from_millis(self.inner.read_at_ms.load(Ordering::Relaxed));
        elapsed.saturating_sub(read_at) > self.inner.stale_after
    }

    /// The operator's switch.
    pub fn pause(&self, is_paused: bool) {
        self.inner.is_paused.store(is_paused, Ordering::Relaxed);
    }

    /// Whether the operator has paused intake.
    pub fn is_paused(&self) -> bool {
        self.inner.is_paused.load(Ordering::Relaxed)
    }

    /// Names the account that posts: while it is too poor to, no receipt is given. Called once.
    pub fn pays_from(&self, shortages: Shortages) {
        assert!(self.inner.shortages.set(shortages).is_ok(), "there is one account");
    }

    /// Whether L1 has been read up to its head, and not too long ago.
    pub fn knows_l1(&self) -> bool {
        self.inner.knows_l1.load(Ordering::Relaxed) && !self.is_stale(self.inner.began.elapsed())
    }

    /// What L1 says up to its head has been taken in.
    pub fn l1_is_known(&self) {
        self.inner.knows_l1.store(true, Ordering::Relaxed);
    }

    /// What L1 said is void, all of it.
    pub fn l1_is_lost(&self) {
        self.inner.knows_l1.store(false, Ordering::Relaxed);
    }

    /// Whether the sequencer's stake stands on L1. Without it no batch of its would be taken, so that no receipt is given.
    pub fn registered(&self, is_registered: bool) {
        self.inner.is_unregistered.store(!is_registered, Ordering::Relaxed);
    }

    /// L1 has just been read up to its head.
    pub fn l1_was_read(&self) {
        let elapsed = u64::try_from(self.inner.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.inner.read_at_ms.store(elapsed, Ordering::Relaxed);
    }

    fn disk(&self, is_full: bool) {
        self.inner.is_disk_full.store(is_full, Ordering::Relaxed);
    }
}

/// Where free bytes are asked for: `None` where the system does not say.
pub struct Disk {
    free_bytes: Box<dyn Fn() -> Option<u64> + Send + Sync>,
}

impl Disk {
    /// The disk that a folder is on: bytes that this process may still write there.
    pub fn of(folder: PathBuf) -> Self {
        Self { free_bytes: Box::new(move || free_bytes(&folder)) }
    }
}

/// Looks at the disk until the token is cancelled: below the reserve the gate is closed, so that what was promised can still be kept.
pub async fn watch_disk(disk: Disk, reserve_bytes: u64, gate: Gate, part: Part, stop: CancellationToken) {
    loop {
        let is_full = (disk.free_bytes)().is_some_and(|free| free < reserve_bytes);
        gate.disk(is_full);
        match is_full {
            true => {
                part.not_ready(format!("the disk has less than {reserve_bytes} bytes of room, nothing new is taken"))
            }
            false => part.ready(),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::U256;
    use assay_node::telemetry::Health;
    use assay_node::tx::Shortage;

    const PATIENCE: Duration = Duration::from_secs(120);

    #[tokio::test]
    async fn a_full_disk_closes_the_gate_and_room_opens_it() {
        let (gate, health, directory) =
            (Gate::new(PATIENCE), Health::new(), tempfile::tempdir().expect("there is room"));
        gate.l1_is_known();
        for (reserve, wanted) in [(u64::MAX, Some("the disk has too little room")), (0, None)] {
            let stop = CancellationToken::new();
            stop.cancel();
            let disk = Disk::of(directory.path().to_owned());
            watch_disk(disk, reserve, gate.clone(), health.part("disk"), stop).await;
            assert_eq!(gate.closed(), wanted);
            assert_eq!(health.waits_for().is_empty(), wanted.is_none());
        }
        gate.pause(true);
        assert_eq!(gate.closed(), Some("intake is paused by the operator"));
        gate.pause(false);
        gate.registered(false);
        assert_eq!(gate.closed(), Some("this sequencer is not registered on L1"));
        gate.registered(true);
        gate.pause(true);
        assert_eq!(Gate::new(PATIENCE).closed(), Some("L1's state is not known yet"));
    }

    /// One run of the watch: the disk fills, and has room again.
    #[tokio::test(start_paused = true)]
    async fn the_disk_is_looked_at_again_and_again() {
        let (gate, health, stop) = (Gate::new(PATIENCE), Health::new(), CancellationToken::new());
        gate.l1_is_known();
        let free = Arc::new(AtomicU64::new(100));
        let probe = free.clone();
        let disk = Disk { free_bytes: Box::new(move || Some(probe.load(Ordering::Relaxed))) };
        tokio::spawn(watch_disk(disk, 50, gate.clone(), health.part("disk"), stop.clone()));
        for (bytes, wanted) in [
            (100, None),
            (49, Some("the disk has too little room")),
            (50, None),
            (0, Some("the disk has too little room")),
        ] {
            free.store(bytes, Ordering::Relaxed);
            tokio::time::sleep(2 * LOOK).await;
            assert_eq!((gate.closed(), health.waits_for().is_empty()), (wanted, wanted.is_none()), "{bytes} bytes");
        }
        stop.cancel();
    }

    /// Reported: receipts were given for batches that nobody could pay for.
    #[test]
    fn an_account_that_is_too_poor_closes_the_gate_while_it_is() {
        let (gate, (tell, heard)) = (Gate::new(PATIENCE), tokio::sync::watch::channel(None));
        gate.l1_is_known();
        gate.pays_from(heard);
        let poor = Shortage { got: U256::from(5), wanted: U256::from(12), reserved: U256::ZERO };
        let waits = Shortage { reserved: U256::from(7), ..poor };
        for (shortage, wanted) in [
            (None, None),
            (Some(poor), Some("the account is too poor to post batches")),
            (Some(waits), None),
            (None, None),
        ] {
            tell.send(shortage).expect("it listens");
            assert_eq!(gate.closed(), wanted);
        }
    }

    /// Reported: once L1 was known, its loss was never seen.
    #[test]
    fn l1_that_is_read_no_more_closes_the_gate_until_it_is() {
        let gate = Gate::new(PATIENCE);
        gate.l1_is_known();
        let elapsed = gate.inner.began.elapsed();
        assert!(!gate.is_stale(elapsed + PATIENCE - Duration::from_secs(1)));
        assert!(gate.is_stale(elapsed + PATIENCE + Duration::from_secs(1)));
        let gate = Gate::new(Duration::ZERO);
        gate.l1_is_known();
        gate.inner.read_at_ms.store(0, Ordering::Relaxed);
        while gate.inner.began.elapsed().is_zero() {}
        assert_eq!((gate.closed(), gate.knows_l1()), (Some("L1 can't be read"), false));
        gate.inner.read_at_ms.store(u64::MAX, Ordering::Relaxed);
        assert_eq!((gate.closed(), gate.knows_l1()), (None, true), "it was read since");
        gate.l1_is_lost();
        assert_eq!(gate.closed(), Some("L1's state is not known yet"));
    }
}

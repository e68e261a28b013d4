//! Faulty batches on anvil, one of each kind: found by a challenger as soon as they are posted, and proven at once; and a watcher without a
//! key, which ends, or calls a program. Batches and their faults are those of the simulation's catalogue.
#![allow(clippy::unwrap_used)]

#[path = "../../../dispute/player/tests/l1/arena.rs"]
mod arena;
#[path = "../../../dispute/simulation/tests/faults/catalogue.rs"]
mod catalogue;
#[path = "../../../dispute/simulation/tests/faults/region.rs"]
#[allow(dead_code, reason = "the simulation's own tests ask it more")]
mod region;
#[path = "../../../dispute/player/tests/l1/seat.rs"]
mod seat;

use std::path::Path;
use std::time::{Duration, Instant};

use alloy_primitives::{B256, Bytes, U256};
use alloy_sol_types::SolCall;
use assay_anvil::{Anvil, Settings};
use assay_challenger::{Challenger, ChallengerConfig, ChallengerError, Finding, Report};
use assay_node::keys::Wallet;
use assay_node::telemetry::{Health, Metrics};
use assay_player::chain::Chain;
use assay_protocol::contracts::Batches;
use assay_protocol::data::data_root;
use assay_runner::L1Config;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use arena::{deployment_of, replay};
use region::{BEFORE, Draft, Region};

/// Nothing here takes longer, on however slow a machine, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// A region on anvil.
struct Place {
    anvil: Anvil,
    region: Region,
}

impl Place {
    async fn open(region: &Region) -> Option<Self> {
        let timestamp = Some(region.world.blocks()[0].time);
        let anvil = Anvil::start_or_skip(&Settings { timestamp, ..Settings::default() }).await?;
        replay(&anvil, &region.world).await;
        anvil.set_balance(wallet().address(), U256::from(10).pow(U256::from(20))).await.unwrap();
        Some(Self { anvil, region: region.clone() })
    }

    /// Posts a batch, as the sequencer.
    async fn post(&self, draft: Draft) {
        let Draft { mut batch, bytes } = draft;
        (batch.data_length, batch.data_root) = (bytes.len() as u32, data_root(&bytes));
        let call = Batches::postCall { batch: (&batch).into(), lastPart: Bytes::from(bytes) };
        let (from, to) = (self.region.sequencer.address(), self.region.deployment.batches);
        let call =
            json!([{ "from": from, "to": to, "data": Bytes::from(call.abi_encode()), "gas": U256::from(1 << 24) }]);
        let hash = self.anvil.request("eth_sendTransaction", call).await.unwrap();
        self.anvil.mine(1).await.unwrap();
        let receipt = self.anvil.request("eth_getTransactionReceipt", json!([hash])).await.unwrap();
        assert_eq!(receipt["status"], json!("0x1"), "the batch is posted");
    }

    fn challenger(&self, data: &Path, has_key: bool, change: impl FnOnce(&mut ChallengerConfig)) -> Watching {
        let l1 = L1Config { poll_interval_ms: 20, ..L1Config::devnet(self.anvil.url()) };
        let mut config = ChallengerConfig::new(l1, "none".into(), data.to_owned());
        // What the records claim of runs is not true, and no matter here.
        config.sampling.rate = 0.0;
        change(&mut config);
        let (health, metrics, stop) = (Health::new(), Metrics::new("test"), CancellationToken::new());
        let deployment = deployment_of(&self.region.deployment);
        let key = has_key.then(wallet);
        let challenger = Challenger::open(config, deployment, key, &health, &metrics).unwrap();
        let (chain, report) = (challenger.chain().clone(), Box::new(challenger.reporter()));
        Watching { chain, report, ended: tokio::spawn(challenger.run(stop.clone())), stop }
    }

    /// Mines a block each moment, until there is something.
    async fn until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "not within {} s: {what}", PATIENCE.as_secs());
            // A second of L1 for some moments here: a slow machine must not miss a window.
            tokio::time::sleep(Duration::from_millis(400)).await;
            self.anvil.mine(1).await.unwrap();
        }
    }
}

struct Watching {
    chain: Chain,
    report: Box<dyn Fn() -> Result<Report, ChallengerError> + Send + Sync>,
    stop: CancellationToken,
    ended: JoinHandle<Result<(), ChallengerError>>,
}

impl Watching {
    async fn stop(self) -> Result<(), ChallengerError> {
        self.stop.cancel();
        self.ended.await.unwrap()
    }
}

fn wallet() -> Wallet {
    Wallet::from_secret(&B256::repeat_byte(0x99)).unwrap()
}

/// The first case of each fault.
fn cases() -> Vec<catalogue::Case> {
    let mut wanted: Vec<u8> = Vec::new();
    catalogue::all()
        .into_iter()
        .filter(|case| {
            !wanted.contains(&case.wanted) && {
                wanted.push(case.wanted);
                true
            }
        })
        .collect()
}

/// Each kind of fault, found and proven at once by a challenger that was there before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_is_proven_at_once() {
    let region = Region::new();
    let mut kinds = Vec::new();
    for case in cases() {
        let Some(place) = Place::open(&region).await else { return };
        let folder = tempfile::tempdir().unwrap();
        let challenger = place.challenger(folder.path(), true, |_| {});
        let chain = challenger.chain.clone();
        let before = || chain.view().region(region.id).is_some_and(|region| region.batches.len() as u64 == BEFORE);
        place.until("L1 is read", || before().then_some(())).await;
        place.post(case.draft(&region)).await;
        let void = || chain.batch(region.id, BEFORE).and_then(|batch| batch.voided_at.map(|at| at - batch.posted_at));
        let seconds = place.until(case.name, void).await;
        let report = (challenger.report)().unwrap();
        assert_eq!((report.batches_faulty, report.leaves), (1, report.leaves), "{}", case.name);
        let owed = chain.view().credit(chain.deployment().contracts.faults, wallet().address()).owed;
        assert!(owed > U256::ZERO, "{}", case.name);
        kinds.push((case.wanted, seconds));
        challenger.stop().await.unwrap();
    }
    println!("seconds of L1 from posting to the voiding, by fault: {kinds:?}");
    assert_eq!(kinds.len(), 15);
}

/// A challenger that comes after the window derives all, skips what nobody can change, and is there for what comes next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_late_skips_and_catches_up() {
    let region = Region::new();
    let Some(place) = Place::open(&region).await else { return };
    let case = cases().into_iter().next().unwrap();
    place.post(case.draft(&region)).await;
    let a_day_later = place.region.world.head().time + 86_400;
    place.anvil.request("evm_setNextBlockTimestamp", json!([a_day_later])).await.unwrap();
    place.anvil.mine(1).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let challenger = place.challenger(folder.path(), true, |_| {});
    let skipped = place.until("what is old is skipped", || {
        let report = (challenger.report)().unwrap();
        (report.batches_skipped == BEFORE + 1).then_some(report)
    });
    let skipped = skipped.await;
    assert!(skipped.leaves_skipped > 0 && skipped.batches == 0, "{skipped:?}");
    challenger.stop().await.unwrap();

    // With its database, and without: nothing is counted twice, nothing is missed.
    let again = place.challenger(folder.path(), true, |_| {});
    place.until("L1 is read again", || again.chain.head().map(|_| ())).await;
    assert_eq!((again.report)().unwrap().batches_skipped, BEFORE + 1);
    again.stop().await.unwrap();
    let fresh = tempfile::tempdir().unwrap();
    let challenger = place.challenger(fresh.path(), true, |_| {});
    place
        .until("all is derived", || ((challenger.report)().unwrap().batches_skipped == BEFORE + 1).then_some(()))
        .await;
    challenger.stop().await.unwrap();
}

/// A watcher ends with what it has found, each time it is started; with a program it calls that and goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_ends_or_calls_a_program() {
    let region = Region::new();
    let Some(place) = Place::open(&region).await else { return };
    let case = cases().into_iter().next().unwrap();
    place.post(case.draft(&region)).await;
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let watcher = place.challenger(folder.path(), false, |_| {});
        let found = tokio::time::timeout(PATIENCE, watcher.ended).await.unwrap().unwrap().unwrap_err();
        let ChallengerError::Found(Finding::FaceFault { batch, fault, .. }) = &found else { panic!("{found}") };
        assert_eq!((*batch, *fault), (BEFORE, case.wanted), "{found}");
    }
    let told = folder.path().join("told");
    let script = format!("echo $ASSAY_FAULT $ASSAY_BATCH >> {}", told.display());
    let watcher = place.challenger(folder.path(), false, |config| config.hook = vec!["sh".into(), "-c".into(), script]);
    let text =
        place.until("the program is called", || std::fs::read_to_string(&told).ok().filter(|text| !text.is_empty()));
    assert_eq!(text.await, format!("F{} {BEFORE}\n", case.wanted));
    watcher.stop().await.unwrap();
}

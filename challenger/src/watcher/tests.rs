//! What follows from verdicts, and from bytes that are not to be had: a watcher on a chain that stands still.

use assay_dispute::player::Account;
use assay_node::blobs::BlobConfig;
use assay_node::keys::Wallet;
use assay_node::telemetry::Health;
use assay_node::tx;
use assay_player::cases::{Cases, RunsConfig};
use assay_player::player::{PlayerConfig, player, secret_of};
use assay_runner::{L1Config, RunnerConfig};
use assay_simulation::job::Job;
use assay_simulation::world::CHAIN_ID;

use super::*;
use crate::rows::{KEPT, TALLIES, Tally, VERDICTS, Verdict};
use crate::sampling::{Chosen, SamplingConfig};
use crate::scene::Scene;

/// A watcher with a key, which samples everything; nobody plays for it or sends.
fn watcher(scene: &Scene) -> Watcher {
    let (chain, metrics) = (scene.chain(), Metrics::new("test"));
    let config = ChallengerConfig::new(L1Config::devnet("http://nowhere"), "none".into(), scene.folder.path().into());
    let wallet = Wallet::from_secret(&B256::repeat_byte(0x99)).unwrap();
    let endpoint = config.l1.endpoint().unwrap();
    let sending = config.l1.sender(CHAIN_ID);
    let (sender, _) = tx::sender(scene.store.clone(), endpoint, wallet.clone(), sending).unwrap();
    let sources = Sources::of_l1(chain.clone());
    let cases = Arc::new(Cases::new(sources.clone(), RunsConfig::default()));
    let playing = PlayerConfig::new(Account { challenger: Some(wallet.address()), executor: None });
    let secret = secret_of(&wallet).unwrap();
    let (player, _) = player(chain.clone(), cases, sender.clone(), secret, playing, &metrics);
    let blobs = BlobStore::open(&scene.store, &scene.folder.path().join("blobs"), BlobConfig::default()).unwrap();
    let shared = Shared {
        chain,
        sources,
        blobs,
        runner: Runner::new(&RunnerConfig::default()).unwrap(),
        inputs: Inputs::new(1 << 20),
        sampler: Sampler::new(B256::ZERO, SamplingConfig { rate: 1.0, ..SamplingConfig::default() }),
        hands: Some(Hands { sender, player }),
        config,
    };
    Watcher::new(Arc::new(shared), &metrics, Health::new().part("batches"), Watch::default())
}

/// L1 may take a conviction back, and then the lie stands again: what a challenge of it takes is kept, and the player is asked for it.
#[tokio::test]
async fn a_convicts_lie_is_kept_and_challenged_too() {
    let mut scene = Scene::new(&Job::all()[1]);
    scene.convict();
    let mut watcher = watcher(&scene);
    assert!(watcher.shared.chain.view().conviction(scene.executor).is_some());
    watcher.verdict(scene.leaf, Verdict::Wrong, "claimed this; it is that".into()).await.unwrap();
    let hands = watcher.shared.hands.as_ref().unwrap();
    assert_eq!(hands.player.challenges().unwrap(), [scene.leaf]);
    let kept: Vec<_> = scene.store.range(&KEPT, ..).map(|row| row.unwrap().1.0.len()).collect();
    assert_eq!(kept, [2], "WASM and input");
}

/// Bytes that are withheld for longer than the quick attempts last are asked for still, and only the end of the window is a verdict.
#[tokio::test]
async fn bytes_are_asked_for_until_the_window_is_over() {
    let scene = Scene::new(&Job::all()[1]);
    let mut watcher = watcher(&scene);
    let at = |time| Head { number: 1_001, hash: B256::ZERO, time };
    let key = (scene.posted_at, scene.leaf.region, scene.leaf.batch);
    watcher.work.open(key, watcher.window_end(key));
    let tally = || -> Tally { scene.store.get(&TALLIES, &scene.executor).unwrap().unwrap_or_default() };
    watcher.draw(at(scene.posted_at)).await.unwrap();
    for day in 0..3 {
        while let Some(leaf) = watcher.work.take(u64::MAX) {
            let withheld = Checked::Later { reason: "withheld".into() };
            watcher.checked(leaf, withheld, at(scene.posted_at)).await.unwrap();
        }
        assert_eq!((watcher.work.count(), tally()), (0, Tally::default()), "day {day}");
        watcher.draw(at(scene.posted_at + 86_400)).await.unwrap();
        assert_eq!(watcher.work.count(), 1, "day {day}");
    }
    let row = scene.store.get(&VERDICTS, &(scene.leaf.region, (scene.leaf.batch, 0))).unwrap();
    assert_eq!(row, None, "nothing is said of it yet");
    let leaf = watcher.work.take(u64::MAX).unwrap();
    watcher.checked(leaf, Checked::Later { reason: "withheld".into() }, at(scene.posted_at)).await.unwrap();
    watcher.expire(at(watcher.window_end(key))).await.unwrap();
    assert_eq!(tally(), Tally { sampled: 1, unavailable: 1, ..Tally::default() });
    assert_eq!(watcher.work.batches().count(), 0);
}

/// Who runs a leaf to have another's input, and finds it wrong, says so, once, and what leaned on it is not to be had.
#[tokio::test]
async fn a_lie_that_is_found_on_the_way_is_challenged() {
    let scene = Scene::new(&Job::all()[1]);
    let mut watcher = watcher(&scene);
    let head = Head { number: 1_001, hash: B256::ZERO, time: scene.posted_at };
    let behind = LeafId { index: scene.leaf.index + 1, ..scene.leaf };
    for time in [scene.posted_at, scene.posted_at + 300] {
        let head = Head { time, ..head };
        let checked = Checked::False { leaf: scene.leaf, reason: "other bytes".into(), time: Duration::ZERO };
        watcher.work.open((scene.posted_at, behind.region, behind.batch), u64::MAX);
        watcher.work.drawn((scene.posted_at, behind.region, behind.batch), &[(behind.index, Chosen::Drawn)]);
        assert_eq!(watcher.work.take(time), Some(behind));
        watcher.checked(behind, checked, head).await.unwrap();
    }
    let tally: Tally = scene.store.get(&TALLIES, &scene.executor).unwrap().unwrap_or_default();
    assert_eq!((tally.wrong, tally.unavailable), (1, 0), "what leans on it is tried again");
    assert_eq!((watcher.work.count(), watcher.work.aside_count()), (0, 1));
    assert_eq!(watcher.shared.hands.as_ref().unwrap().player.challenges().unwrap(), [scene.leaf]);
}

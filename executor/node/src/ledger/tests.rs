//! What a ledger keeps.

use super::*;
use crate::tests::domain;
use alloy_primitives::keccak256;
use assay_node::blobs::{self, BlobConfig};
use assay_protocol::signature::recover;
use assay_runner::blob_of;

const REGION: B256 = B256::repeat_byte(5);

struct Desk {
    ledger: Ledger,
    writer: Option<std::thread::JoinHandle<Result<(), LedgerError>>>,
}

fn open(folder: &std::path::Path) -> Desk {
    open_with(folder, u64::MAX)
}

/// With a capacity of so many steps.
fn open_with(folder: &std::path::Path, capacity: u64) -> Desk {
    let store = Store::open(&folder.join("store"), &schema(blobs::schema(Schema::new("test", 1)))).expect("it opens");
    let blobs = BlobStore::open(&store, &folder.join("blobs"), BlobConfig::default()).expect("it opens");
    let open = Defensible::new(capacity, 64);
    let (ledger, writer) = ledger(store, blobs, wallet(), domain(), open).expect("it reads");
    Desk { ledger, writer: Some(std::thread::spawn(move || writer.run())) }
}

impl Desk {
    async fn sign(&self, made: &Made) -> SignedResult {
        self.said(made).await.expect("it can be defended")
    }

    async fn said(&self, made: &Made) -> Result<SignedResult, Indefensible> {
        self.ledger.sign(made.clone()).await.expect("the writer runs")
    }

    /// Ends the writer, as a process that stops does.
    fn close(mut self) {
        let writer = self.writer.take();
        drop(self.ledger);
        writer.expect("it runs").join().expect("it does not panic").expect("it writes");
    }
}

fn wallet() -> Wallet {
    Wallet::from_secret(&B256::repeat_byte(3)).expect("it is a key")
}

fn made(task: u64, output: &'static [u8]) -> Made {
    let result = TaskResult {
        task: keccak256(task.to_be_bytes()),
        attempt: 0,
        executor: wallet().address(),
        status: 1,
        code: 0,
        fuel_used: 7,
        output: blob_of(output),
    };
    let output = Some(Bytes::from_static(output));
    let input_bytes = Bytes::copy_from_slice(format!("the input of task {task}").as_bytes());
    Made {
        result,
        output,
        input: blob_of(&input_bytes),
        input_bytes: Some(input_bytes),
        module: blob_of(b"a module"),
        region: REGION,
        expires_at: 100 + task,
    }
}

fn id(made: &Made) -> AssignmentId {
    AssignmentId { task: made.result.task, attempt: made.result.attempt }
}

#[tokio::test]
async fn what_is_signed_is_written_first_and_stays() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let desk = open(folder.path());
    let made = made(1, b"out");
    assert_eq!(desk.ledger.signed(id(&made)).expect("it reads"), None);
    let signed = desk.sign(&made).await;
    assert_eq!(signed.result, made.result);
    let digest = made.result.digest(&domain());
    assert_eq!(recover(&signed.signature, &digest), Ok(wallet().address()));
    desk.close();

    let desk = open(folder.path());
    assert_eq!(desk.ledger.signed(id(&made)).expect("it reads"), Some(signed.clone()));
    assert_eq!(desk.ledger.unsent(REGION, None, 10).expect("it reads"), std::slice::from_ref(&signed));
    assert_eq!(desk.ledger.unsent(B256::ZERO, None, 10).expect("it reads"), []);
    let output = desk.ledger.blobs.read_all(&made.result.output, 1 << 20).expect("it reads");
    assert_eq!(output, Some(Bytes::from_static(b"out")));
    desk.ledger.sent(REGION, id(&made)).expect("it writes");
    assert_eq!(desk.ledger.unsent(REGION, None, 10).expect("it reads"), []);
    assert!(desk.ledger.signed(id(&made)).expect("it reads").is_some(), "who asks again is answered");
    desk.close();
}

/// Whatever is made of an attempt later, the first result is the one: in one commit, in another, after a restart.
#[tokio::test]
async fn no_attempt_is_signed_twice() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let desk = open(folder.path());
    let (first, mut second) = (made(1, b"one"), made(1, b"two"));
    second.result.fuel_used = 8;
    let (one, other) = tokio::join!(desk.sign(&first), desk.sign(&second));
    assert_eq!(one, other);
    assert_eq!(desk.sign(&second).await, one);
    desk.close();
    let desk = open(folder.path());
    assert_eq!(desk.sign(&second).await, one);
    second.result.attempt = 1;
    let next = desk.sign(&second).await;
    assert_eq!(next.result, second.result, "the next attempt is another");
    desk.close();
}

#[tokio::test]
async fn what_nobody_can_ask_for_goes() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let desk = open(folder.path());
    let made: Vec<Made> = (0..3).map(|task| made(task, b"same output")).collect();
    for made in &made {
        desk.sign(made).await;
    }
    let held = |desk: &Desk| {
        made.iter().map(|made| desk.ledger.signed(id(made)).expect("it reads").is_some()).collect::<Vec<_>>()
    };
    assert_eq!(desk.ledger.prune(100).expect("it writes"), 0);
    assert_eq!(desk.ledger.prune(102).expect("it writes"), 2);
    assert_eq!(held(&desk), [false, false, true]);
    let is_pinned = |blob: &BlobRef| desk.ledger.blobs.is_pinned(blob).expect("it reads");
    let third = [made[2].result.output, made[2].input, made[2].module];
    assert!(third.iter().all(is_pinned), "the third needs them");
    assert!(!is_pinned(&made[0].input), "nobody needs the first one's input");
    let input = desk.ledger.blobs.read_all(&made[2].input, 1 << 20).expect("it reads");
    assert_eq!(input, made[2].input_bytes, "it is there to defend the result");
    assert_eq!(desk.ledger.prune(1000).expect("it writes"), 1);
    assert!(!third.iter().any(is_pinned));
    desk.close();
}

/// Reported: rows of results that were gone took the places of those that were to be handed in, and only the first were ever read.
#[tokio::test]
async fn what_was_not_taken_is_read_page_by_page_and_goes_with_its_result() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let desk = open(folder.path());
    let mut signed = Vec::new();
    for task in 0..5 {
        signed.push(desk.sign(&made(task, b"out")).await);
    }
    signed.sort_by_key(|signed| signed.result.task);
    let page = |after: Option<&SignedResult>, most| {
        let after = after.map(|signed| AssignmentId { task: signed.result.task, attempt: signed.result.attempt });
        desk.ledger.unsent(REGION, after, most).expect("it reads")
    };
    assert_eq!(page(None, 2), signed[..2]);
    assert_eq!(page(signed.get(1), 2), signed[2..4]);
    assert_eq!(page(signed.get(3), 2), signed[4..]);
    assert_eq!(page(signed.last(), 2), []);
    // The rows of two are gone, and what was never there takes no place of others.
    assert_eq!(desk.ledger.prune(102).expect("it writes"), 2);
    let mut batch = desk.ledger.store.batch();
    batch.put(&UNSENT, &(REGION, (B256::ZERO, 0)), &()).expect("it is written");
    batch.commit().expect("there is room");
    let gone = [0, 1].map(|task: u64| keccak256(task.to_be_bytes()));
    signed.retain(|signed| !gone.contains(&signed.result.task));
    assert_eq!((page(None, 1), page(None, 4)), (signed[..1].to_vec(), signed.clone()));
    assert_eq!(desk.ledger.store.range(&UNSENT, ..).count(), 4);
    desk.close();
}

/// Runs of eight steps where there is room for sixteen: they take it by their rows, after a restart too, and give it back with them.
#[tokio::test]
async fn nothing_is_signed_beyond_what_can_be_defended() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let desk = open_with(folder.path(), 16);
    let made: Vec<Made> = (0..4).map(|task| made(task, b"out")).collect();
    let first = desk.sign(&made[0]).await;
    assert_eq!((desk.ledger.room(), desk.ledger.open_steps()), (Ok(()), 8));
    let (second, third) = tokio::join!(desk.said(&made[1]), desk.said(&made[2]));
    assert_eq!(second.expect("it came first").result, made[1].result);
    let refused = third.expect_err("two at once take no room twice");
    assert_eq!(refused, Indefensible { steps: 8, games_max: 64, got: 24, most: 16 });
    assert_eq!(desk.ledger.signed(id(&made[2])).expect("it reads"), None);
    assert_eq!(
        desk.ledger.unsent(REGION, None, 10).expect("it reads").len(),
        2,
        "nothing is written of what is refused"
    );
    assert_eq!((desk.ledger.room().is_err(), desk.ledger.open_steps()), (true, 16));
    assert_eq!(desk.sign(&made[0]).await, first, "what was signed stays so, room or no room");
    desk.close();

    let desk = open_with(folder.path(), 16);
    assert_eq!(desk.ledger.open_steps(), 16);
    assert_eq!(desk.said(&made[2]).await, Err(refused));
    assert_eq!(desk.ledger.prune(101).expect("it writes"), 1);
    assert_eq!(desk.ledger.open_steps(), 8);
    assert_eq!(desk.sign(&made[2]).await.result, made[2].result);
    assert_eq!(desk.said(&made[3]).await, Err(refused));
    desk.close();
    let desk = open_with(folder.path(), 24);
    desk.sign(&made[3]).await;
    desk.close();
}

#[tokio::test]
async fn hundreds_at_once_are_all_written() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let desk = open(folder.path());
    let mut signing = tokio::task::JoinSet::new();
    for task in 0..600 {
        let (ledger, made) = (desk.ledger.clone(), made(task, b"out"));
        signing.spawn(async move { ledger.sign(made).await.expect("the writer runs").expect("it can be defended") });
    }
    while let Some(signed) = signing.join_next().await {
        let signed = signed.expect("it does not panic");
        let id = AssignmentId { task: signed.result.task, attempt: 0 };
        assert_eq!(desk.ledger.signed(id).expect("it reads"), Some(signed));
    }
    desk.close();
}

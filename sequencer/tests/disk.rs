//! A disk that fills up: new work is refused with a code, what was promised is kept, and all goes on when there is room.
//!
//! The disk is a small file system in memory that a child mounts where nobody else sees it, by util-linux's `unshare`. Where the system
//! does not let it, each test says so and is skipped.
#![allow(clippy::unwrap_used)]

mod stage;

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use alloy_primitives::{B256, Bytes};
use assay_node::blobs::free_bytes;
use assay_node::shutdown::{Process, Stopped};
use assay_node::store::StoreError;
use assay_protocol::data::blob_root;
use assay_protocol::rpc::{ErrorCode, ProgramView, TaskState, blobs, methods};
use assay_sequencer::{Sequencer, SequencerError};
use jsonrpsee::core::client::{ClientT, Error};
use jsonrpsee::rpc_params;
use stage::raw::{raw, refused};
use stage::{Behaviour, CLIENT, Client, EXECUTOR, FakeExecutor, SEQUENCER, Stage, eventually, leaves, wallet, wasm};

const MIB: u64 = 1 << 20;
/// Bytes of the disk: RocksDB takes some tens of MiB for its log at once.
const DISK: u64 = 384 * MIB;
/// Mounts, says so, and waits for the end of standard input.
const MOUNT: &str = r#"mount -t tmpfs -o size="$1" none "$2" && echo $$ && read -r _"#;

/// A disk that goes away with its test.
struct Disk {
    holder: Child,
    path: PathBuf,
    _point: tempfile::TempDir,
}

impl Disk {
    /// `None`, said aloud, where nothing can be mounted.
    fn mount() -> Option<Self> {
        let point = tempfile::tempdir().unwrap();
        for how in [&["--mount"][..], &["--map-root-user", "--mount"]] {
            let mut command = Command::new("unshare");
            command.args(how).args(["sh", "-c", MOUNT, "sh", &DISK.to_string()]).arg(point.path());
            let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
            let Ok(mut holder) = started else { continue };
            let mut line = String::new();
            BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
            if let Ok(id) = line.trim().parse::<u32>() {
                let path = PathBuf::from(format!("/proc/{id}/root{}", point.path().display()));
                if free_bytes(&path).is_some_and(|free| free <= DISK) {
                    return Some(Self { holder, path, _point: point });
                }
            }
            let _ = holder.kill();
            let _ = holder.wait();
        }
        // Past the test harness, as all that is skipped is counted.
        let _ = std::io::stderr().write_all(b"skipped (1) disk: no file system can be mounted here\n");
        None
    }

    fn filler(&self) -> PathBuf {
        self.path.join("filler")
    }

    /// Writes until so many bytes are free, or none.
    fn fill(&self, leave: u64) {
        let mut file = File::options().create(true).append(true).open(self.filler()).unwrap();
        while let Some(free) = free_bytes(&self.path).filter(|free| *free > leave) {
            let piece = vec![0; (free - leave).min(MIB) as usize];
            match file.write_all(&piece) {
                Err(error) if error.kind() == ErrorKind::StorageFull => return,
                written => written.unwrap(),
            }
        }
    }

    fn empty(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

async fn are_posted(client: &Client, tasks: &[B256]) {
    for task in tasks {
        eventually("every task is posted", async || {
            let state = client.task(*task).await?.state;
            matches!(state, TaskState::Posted | TaskState::Attested | TaskState::Final).then_some(())
        })
        .await;
    }
}

async fn each_once(stage: &Stage, region: B256, tasks: &[B256]) {
    let mut times: HashMap<B256, u32> = HashMap::new();
    leaves(stage, region).await.iter().for_each(|(task, _)| *times.entry(*task).or_default() += 1);
    assert!(tasks.iter().all(|task| times.get(task) == Some(&1)), "{times:?}");
    assert_eq!(times.len(), tasks.len());
}

/// Less room than the reserve: intake is closed, and what was taken in goes on to L1.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_closes_the_intake_and_room_opens_it() {
    let Some(disk) = Disk::mount() else { return };
    let Some(stage) = Stage::open().await else { return };
    let mut config = stage.config(&disk.path.join("sequencer"));
    config.intake.disk_reserve_bytes = 64 * MIB;
    config.blobs.disk_reserve_bytes = 0;
    let running = stage.sequencer(config).await;
    let region = running.sequencer.region;
    let client = Client::new(&running.url(), wallet(CLIENT), stage.domain).await;
    let program = client.register(&wasm()).await.program;
    let mut executor = FakeExecutor::arrives(&running.url(), wallet(EXECUTOR), stage.domain, region).await;
    let mut tasks = Vec::new();
    for nonce in 0..20 {
        tasks.push(client.job(program, &[nonce as u8; 1000], nonce).await);
    }

    disk.fill(32 * MIB);
    eventually("it is seen that the disk is full", async || {
        running.sequencer.health.waits_for().contains_key("disk").then_some(())
    })
    .await;
    let (request, signature) = client.request(program, b"more", 100);
    refused(client.submit(&request, &signature, b"more").await, ErrorCode::Unavailable);
    let other = [wasm(), b"\0\x03\x02hi".to_vec()].concat();
    let registered: Result<ProgramView, Error> =
        client.rpc.request(methods::REGISTER_PROGRAM, rpc_params![Bytes::from(other)]).await;
    refused(registered, ErrorCode::Unavailable);
    let blob = vec![7; 100_000];
    let head = format!(
        "PUT {} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 100000",
        blobs::path(&blob_root(&blob))
    );
    let answer = raw(running.sequencer.rpc, &[format!("{head}\r\n\r\n").as_bytes(), &blob].concat()).await;
    assert!(answer.starts_with("HTTP/1.1 507"), "{answer}");

    // What was promised is kept meanwhile, and asked for.
    executor.start(8, Behaviour::Works).await;
    are_posted(&client, &tasks).await;
    assert!(running.sequencer.health.waits_for().contains_key("disk"));
    disk.empty();
    eventually("the disk has room again", async || running.sequencer.health.waits_for().is_empty().then_some(())).await;
    let receipt = client.submit(&request, &signature, b"more").await.unwrap();
    tasks.push(receipt.receipt.task);
    are_posted(&client, &tasks).await;
    each_once(&stage, region, &tasks).await;
    running.stop().await;
}

/// Not a byte is left, which the reserve is there to prevent: the process ends rather than promise what it can't keep, and does not start
/// as long as it can't write. With room it has everything that it had promised.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_byte_left_it_stops_and_has_everything_when_there_is_room() {
    let Some(disk) = Disk::mount() else { return };
    let Some(stage) = Stage::open().await else { return };
    let data = disk.path.join("sequencer");
    let mut settings = stage.config(&data);
    (settings.intake.disk_reserve_bytes, settings.blobs.disk_reserve_bytes) = (0, 0);
    let running = stage.sequencer(settings.clone()).await;
    let region = running.sequencer.region;
    let client = Client::new(&running.url(), wallet(CLIENT), stage.domain).await;
    let program = client.register(&wasm()).await.program;
    disk.fill(0);
    let mut accepted = Vec::new();
    // RocksDB has room in its log for some.
    for nonce in 0..100_000_u64 {
        let input = [nonce.to_be_bytes().to_vec(), vec![7; 60_000]].concat();
        let (request, signature) = client.request(program, &input, nonce);
        match client.submit(&request, &signature, &input).await {
            Ok(receipt) => accepted.push((receipt, request, signature, input)),
            Err(Error::Call(error)) => {
                assert_eq!(error.code(), ErrorCode::Unavailable.code(), "{error:?}");
                break;
            }
            // It has ended before it could answer.
            Err(_) => break,
        }
    }
    let ended = running.ended().await.unwrap_err();
    assert!(matches!(&ended, Stopped::Died { reason, .. } if reason.contains("no room")), "{ended}");
    println!("{} tasks were accepted on a disk without room: {ended}", accepted.len());

    let error = eventually("the store is free", async || {
        let (mut process, deployment) = (Process::new(), stage.deployment.clone());
        match Sequencer::start(settings.clone(), deployment, wallet(SEQUENCER), &mut process).await {
            Err(SequencerError::Store(StoreError::Locked { .. })) => None,
            started => Some(started.expect_err("it can't write")),
        }
    })
    .await;
    assert!(matches!(&error, SequencerError::Store(StoreError::Full { .. })), "{error}");

    disk.empty();
    let running = stage.sequencer(settings).await;
    let client = Client::new(&running.url(), wallet(CLIENT), stage.domain).await;
    let mut executor = FakeExecutor::arrives(&running.url(), wallet(EXECUTOR), stage.domain, region).await;
    executor.start(64, Behaviour::Works).await;
    let mut tasks = Vec::new();
    for (receipt, request, signature, input) in &accepted {
        assert_eq!(&client.submit(request, signature, input).await.unwrap(), receipt, "the same receipt, bit for bit");
        tasks.push(receipt.receipt.task);
    }
    tasks.push(client.job(program, b"after", 1_000_000).await);
    are_posted(&client, &tasks).await;
    let posted: Vec<B256> = leaves(&stage, region).await.into_iter().map(|(task, _)| task).collect();
    for task in &tasks {
        assert_eq!(posted.iter().filter(|posted| *posted == task).count(), 1, "{task}");
    }
    running.stop().await;
}

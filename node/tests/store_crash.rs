//! What a store holds after its process was killed in the middle of writing, and what it says when there is no room.
//!
//! The tests start themselves again as a child process that writes until it is killed. The parent knows what the child has reported as
//! committed before it died.

use alloy_primitives::B256;
use assay_node::store::{Schema, Store, StoreError, Table};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// Set in the child: the directory of the store.
const DIRECTORY: &str = "ASSAY_TEST_STORE";

/// Two tables that every batch writes one row of each: equal numbers of rows, or a batch was torn.
const LEFT: Table<u64, B256> = Table::new("left");
const RIGHT: Table<u64, B256> = Table::new("right");
/// The number of the last batch.
const LAST: Table<(), u64> = Table::new("last");

fn open(path: &Path) -> Result<Store, StoreError> {
    Store::open(path, &Schema::new("crash", 1).table(&LEFT).table(&RIGHT).table(&LAST))
}

/// Row `number` of a table: anybody can say what must be in it.
fn row(table: &str, number: u64) -> B256 {
    alloy_primitives::keccak256([table.as_bytes(), &number.to_be_bytes()].concat())
}

fn write(store: &Store, number: u64, synced: bool) -> Result<(), StoreError> {
    let mut batch = store.batch();
    batch.put(&LEFT, &number, &row("left", number))?;
    batch.put(&RIGHT, &number, &row("right", number))?;
    batch.put(&LAST, &(), &number)?;
    if synced { batch.commit() } else { batch.commit_lazily() }
}

/// This test binary again, to run one test as a child.
fn child(test: &str, directory: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a test has a binary"));
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(DIRECTORY, directory);
    command
}

/// The child of the next test; as a test of its own it has nothing to do.
#[test]
fn child_writes_until_it_is_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let store = open(Path::new(&directory)).expect("the parent has closed it");
    let first = store.get(&LAST, &()).expect("it reads").map_or(0, |last| last + 1);
    for number in first.. {
        // Every third commit is lazy: it must survive the end of a process too.
        write(&store, number, number % 3 != 0).expect("there is room");
        println!("committed {number}");
    }
}

#[test]
fn kill_9_loses_nothing_that_was_committed_and_tears_nothing() {
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut known = None;
    for _ in 0..12 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let commits = 1 + (seed >> 33) % 60;
        let mut child = child("child_writes_until_it_is_killed", directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("this binary runs");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut committed = lines.by_ref().filter_map(|line| number(&line.expect("it prints text")));
        for _ in 0..commits {
            known = Some(committed.next().expect("the child writes for ever"));
        }
        child.kill().expect("it runs");
        child.wait().expect("it was started");
        // What it said between the last line that was read and its end counts too.
        known = committed.last().or(known);

        let store = open(directory.path()).expect("it opens after a kill");
        let last = store.get(&LAST, &()).expect("it reads").expect("something was committed");
        let known = known.expect("something was committed");
        assert!(last == known || last == known + 1, "the last commit reported is {known}, the store's is {last}");
        assert_whole(&store, last);
    }
}

/// The number in a line of the child; the test harness prints lines too, and may share one with it.
fn number(line: &str) -> Option<u64> {
    line.split_once("committed ").and_then(|(_, number)| number.trim().parse().ok())
}

fn assert_whole(store: &Store, last: u64) {
    for (name, table) in [("left", &LEFT), ("right", &RIGHT)] {
        let rows: Vec<_> = store.range(table, ..).collect::<Result<_, _>>().expect("every row reads");
        assert_eq!(rows.len() as u64, last + 1, "rows of {name}");
        for (number, (key, value)) in (0..).zip(rows) {
            assert_eq!((key, value), (number, row(name, number)), "row {number} of {name}");
        }
    }
}

/// The child of the next test: writes big rows under a limit on the size of files, until an error.
#[test]
fn child_runs_out_of_room() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let store = open(Path::new(&directory)).expect("the parent has closed it");
    for number in 0.. {
        if let Err(error) = write(&store, number, true) {
            let again = write(&store, number, true).is_err();
            println!("committed {}", number - 1);
            println!("full {} again {again} {error}", matches!(error, StoreError::Full { .. }));
            return;
        }
    }
}

/// A limit on the size of files stands for a full disk: both make a write fail half way. The signal that comes with it is ignored, as a
/// full disk sends none.
#[test]
fn a_full_disk_is_an_error_and_no_loss() {
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let child = child("child_runs_out_of_room", directory.path());
    let mut shell = Command::new("bash");
    // In KiB: enough for RocksDB's own files, too little for more than some hundred rows in the log.
    shell
        .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$@\"", "bash"])
        .arg(child.get_program())
        .args(child.get_args());
    let output = shell.env(DIRECTORY, directory.path()).output().expect("bash is there");
    let text = String::from_utf8_lossy(&output.stdout);
    let full = text.lines().find_map(|line| line.split_once("full ")).map(|(_, rest)| rest);
    assert!(full.is_some_and(|rest| rest.starts_with("true again true no room to commit")), "{text}");
    let known = text.lines().find_map(number).expect("some commits came first");

    let store = open(directory.path()).expect("it opens when there is room again");
    let last = store.get(&LAST, &()).expect("it reads").expect("something was committed");
    assert!(last >= known, "{known} was reported, {last} is there");
    assert_whole(&store, last);
    write(&store, last + 1, true).expect("there is room again");
}

/// The lock names its holder across processes.
#[test]
fn child_holds_the_lock() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let _store = open(Path::new(&directory)).expect("nobody has it open");
    println!("committed 0");
    let mut line = String::new();
    let _ = std::io::stdin().read_line(&mut line);
}

#[test]
fn a_locked_store_says_which_process_has_it() {
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let mut child = child("child_holds_the_lock", directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // It complains that nobody reads its output to the end.
        .stderr(Stdio::null())
        .spawn()
        .expect("this binary runs");
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    lines.map(|line| line.expect("it prints text")).find_map(|line| number(&line)).expect("it opens the store");
    let error = open(directory.path()).expect_err("the child has it open");
    let holder = format!("process {} (", child.id());
    assert!(matches!(&error, StoreError::Locked { .. }) && error.to_string().contains(&holder), "{error}");
    drop(child.stdin.take());
    child.wait().expect("it was started");
    open(directory.path()).expect("the child is gone");
}

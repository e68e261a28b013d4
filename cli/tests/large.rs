//! A long input and a long output, through every role as a process of its own: whole, in bounded memory, and going on where they broke off.
//!
//! 96 and 24 MiB by default; `ASSAY_LARGE=1024,256` asks for other numbers of MiB. The input is too long for L1, so that the result is
//! attested, and says so.
#![allow(clippy::unwrap_used)]

mod processes;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Instant;

use processes::{
    Environment, Running, answer, anvil, assay, deployed, eventually, executor, party, registered, sequencer,
};
use serde_json::Value;

const MIB: u64 = 1 << 20;
/// What a process may take beside the input and the output of the job that it runs.
const BESIDES: u64 = 512 * MIB;

/// Writes the beginning of its input, 64 KiB at a time, and reads all of it.
fn module(output: u64) -> Vec<u8> {
    let text = r#"(module
        (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 2)
        (global $left (mut i32) (i32.const OUTPUT))
        (func (export "_start") (local $got i32) (local $put i32)
            (i32.store (i32.const 0) (i32.const 1024))
            (i32.store (i32.const 4) (i32.const 65536))
            (i32.store (i32.const 16) (i32.const 1024))
            (loop $more
                (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
                (local.set $got (i32.load (i32.const 8)))
                (local.set $put (select (local.get $got) (global.get $left) (i32.lt_u (local.get $got) (global.get $left))))
                (if (local.get $put) (then
                    (i32.store (i32.const 20) (local.get $put))
                    (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24)))
                    (global.set $left (i32.sub (global.get $left) (i32.load (i32.const 24))))))
                (br_if $more (local.get $got)))))"#;
    wat::parse_str(text.replace("OUTPUT", &output.to_string())).unwrap()
}

/// Bytes that can't be compressed, the same each time.
fn write_input(file: &Path, length: u64) {
    let (mut out, mut state) = (BufWriter::with_capacity(MIB as usize, File::create(file).unwrap()), 0x5eed_u64);
    for _ in 0..length / 8 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.write_all(&state.to_le_bytes()).unwrap();
    }
    out.flush().unwrap();
}

/// Whether a file is the beginning of another, which is so long at least.
fn is_beginning(file: &Path, of: &Path, length: u64) -> bool {
    let (mut one, mut other) = (File::open(file).unwrap(), File::open(of).unwrap());
    let (mut a, mut b) = (vec![0; MIB as usize], vec![0; MIB as usize]);
    for _ in 0..length / MIB {
        one.read_exact(&mut a).unwrap();
        other.read_exact(&mut b).unwrap();
        if a != b {
            return false;
        }
    }
    one.metadata().unwrap().len() == length
}

/// Peaks of memory, by process.
#[derive(Default)]
struct Peaks(BTreeMap<&'static str, u64>);

impl Peaks {
    fn look(&mut self, who: &'static str, id: u32) {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak =
            line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).map_or(0, |kib| kib << 10);
        let most = self.0.entry(who).or_default();
        *most = peak.max(*most);
    }
}

/// A transfer that is under way: a file, or the first of a folder; none where there is none.
fn under_way(place: &Path) -> Option<(PathBuf, u64)> {
    if place.is_dir() {
        let file = std::fs::read_dir(place).ok()?.next()?.ok()?;
        return Some((file.path(), file.metadata().ok()?.len()));
    }
    Some((place.to_owned(), place.metadata().ok()?.len()))
}

/// Kills a process when so much of its transfer is there; says which file that is, and how much was.
fn killed_at(child: &mut Child, place: &Path, least: u64) -> (PathBuf, u64) {
    eventually("a part is there", || {
        assert!(child.try_wait().unwrap().is_none(), "it ended before its transfer was killed");
        under_way(place).filter(|(_, length)| *length >= least)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let (file, left) = under_way(place).unwrap();
    println!("killed with {} MiB of {} there", left / MIB, place.display());
    (file, left)
}

/// Watches a transfer that goes on: never with less than it had, until it is over.
fn goes_on((file, from): (PathBuf, u64), mut is_over: impl FnMut() -> bool) {
    let (mut least, mut seen) = (u64::MAX, 0);
    while !is_over() {
        if let Some((_, length)) = under_way(&file) {
            (least, seen) = (least.min(length), seen + 1);
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert!(seen == 0 || least >= from, "{least} bytes of {} are there, there were {from}", file.display());
}

struct Client {
    folder: PathBuf,
    environment: Environment,
}

impl Client {
    fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = assay(&self.folder, arguments, &self.environment);
        command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap()
    }

    /// What a command answers, and its peak.
    fn run(&self, peaks: &mut Peaks, arguments: &[&str]) -> Value {
        let mut child = self.spawn(arguments);
        while child.try_wait().unwrap().is_none() {
            peaks.look("client", child.id());
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        answer(&child.wait_with_output().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn long_inputs_and_outputs_pass_through_bounded_memory() {
    let sizes = std::env::var("ASSAY_LARGE").unwrap_or_else(|_| "96,24".into());
    let (input, output) = sizes.split_once(',').unwrap();
    let (input, output) = (input.parse::<u64>().unwrap() * MIB, output.parse::<u64>().unwrap() * MIB);
    let Some(anvil) = anvil().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let path = |name: &str| folder.join(name).display().to_string();
    write_input(&folder.join("input"), input);
    std::fs::write(folder.join("head.wasm"), module(output)).unwrap();
    let environment = deployed(&anvil, folder).await;
    let ordering = registered(&anvil, folder, "sequencer").await;
    let executing = registered(&anvil, folder, "executor").await;
    let (serving, address) = sequencer(folder, &ordering);
    // It runs everything again, and ends with another exit code if anything is wrong.
    let mut watching = environment.clone();
    watching.retain(|(name, _)| *name != "ASSAY__KEYSTORE");
    watching.push(("ASSAY__BLOBS", format!("[\"{address}\"]")));
    watching.push(("ASSAY__L1__POLL_INTERVAL_MS", "100".into()));
    let flags = ["challenger", "--watch-only", "--rate", "1", "--data", "challenger", "--log", "error"];
    let challenger = Running::start(assay(folder, &flags, &watching));
    let mut asking = party(&anvil, folder).await;
    asking.push(("ASSAY__SEQUENCER", address.clone()));
    asking.push(("ASSAY__DEPLOYMENT", path("deployment.json")));
    let client = Client { folder: folder.to_owned(), environment: asking };
    let (mut peaks, began) = (Peaks::default(), Instant::now());

    // Up: broken off in the middle, and gone on with.
    let limit = output.to_string();
    let submit = ["job", "submit", "head.wasm", "--input", "input", "--output-limit", &limit];
    let submit = [&submit[..], &["--fuel", "1073741823", "--deadline", "3600", "--json"]].concat();
    eventually("the sequencer takes work", || {
        let registering =
            assay(folder, &["job", "submit", "head.wasm", "--json"], &client.environment).output().unwrap();
        registering.status.success().then_some(())
    });
    let place = folder.join("sequencer/blobs/partial");
    let left = killed_at(&mut client.spawn(&submit), &place, input / 4);
    let mut child = client.spawn(&submit);
    goes_on(left, || {
        peaks.look("client", child.id());
        peaks.look("sequencer", serving.child.id());
        child.try_wait().unwrap().is_some()
    });
    let submitted = answer(&child.wait_with_output().unwrap());
    let task = submitted["task"].as_str().unwrap();
    assert_eq!(submitted["may_end_attested"], true, "{submitted}");
    println!("submitted after {:.1} s", began.elapsed().as_secs_f64());

    // Across: an executor is killed while it fetches, and the next goes on.
    let place = folder.join("executor/blobs/partial");
    let mut first = executor(folder, &executing, &address);
    let left = killed_at(&mut first.child, &place, input / 4);
    let working = executor(folder, &executing, &address);
    let mut view = Value::Null;
    let mut state = || {
        view = client.run(&mut Peaks::default(), &["job", "status", task, "--json"]);
        view["result"].is_object()
    };
    let mut rounds = 0_u32;
    goes_on(left, || {
        peaks.look("executor", working.child.id());
        peaks.look("sequencer", serving.child.id());
        rounds += 1;
        rounds.is_multiple_of(50) && state()
    });
    println!("executed after {:.1} s", began.elapsed().as_secs_f64());
    assert_eq!(
        (&view["result"]["status"], &view["result"]["output"]["length"]),
        (&"exit".into(), &output.into()),
        "{view}"
    );

    // Down: likewise.
    let (got, partial) = (path("output"), folder.join("output.partial"));
    let fetch = ["job", "output", task, "--output", &got, "--json"];
    let left = killed_at(&mut client.spawn(&fetch), &partial, output / 4);
    let mut child = client.spawn(&fetch);
    goes_on(left, || {
        peaks.look("client", child.id());
        child.try_wait().unwrap().is_some()
    });
    answer(&child.wait_with_output().unwrap());
    assert!(is_beginning(Path::new(&got), &folder.join("input"), output), "the output is what it should be");

    // What L1 can't see it says so of: posted, then attested and not final, to the client and to a contract.
    let report = eventually("the challenger has run it again", || {
        peaks.look("challenger", challenger.child.id());
        let report = std::fs::read_to_string(folder.join("challenger/report.json")).ok()?;
        let report: Value = serde_json::from_str(&report).ok()?;
        (report["executors"][0]["sampled"].as_u64()? >= 2).then(|| report["executors"][0].clone())
    });
    assert_eq!((&report["agreed"], &report["wrong"], &report["unavailable"]), (&2.into(), &0.into(), &0.into()));
    anvil.pass_time(100).await.unwrap();
    let view = eventually("the task is over", || {
        let view = client.run(&mut Peaks::default(), &["job", "status", task, "--json"]);
        (view["is_over"] == true).then_some(view)
    });
    assert_eq!(view["state"], "attested");
    let proven = client.run(&mut Peaks::default(), &["job", "prove", task, "--json"]);
    assert_eq!(proven["fate"], "attested");
    println!(
        "attested after {:.1} s, {} MiB in and {} MiB out",
        began.elapsed().as_secs_f64(),
        input / MIB,
        output / MIB
    );

    for (who, id) in [("sequencer", &serving), ("executor", &working), ("challenger", &challenger)] {
        peaks.look(who, id.child.id());
    }
    for (who, peak) in &peaks.0 {
        let job = if ["executor", "challenger"].contains(who) { input + output } else { 0 };
        println!("peak of the {who}: {} MiB, of which the job's own {} MiB", peak / MIB, job / MIB);
        assert!(*peak < job + BESIDES, "{who}: {} MiB", peak / MIB);
    }
    let (_, code, _) = challenger.terminate();
    assert_eq!(code, Some(0), "nothing was wrong");
}

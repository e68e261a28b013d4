//! What operators do with processes, with the built binary against anvil: a sequencer is administered and stopped, a challenger loses L1 and
//! finds it again, a devnet on a node that was there has a client with money and a consumer.
//!
//! Without an anvil each test counts itself as skipped, aloud; where `ASSAY_REQUIRE_ANVIL` is set it fails.
#![allow(clippy::unwrap_used)]

mod processes;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use processes::{
    PATIENCE, Running, answer, anvil, assay, deployed, eventually, executor, party, registered, sequencer,
};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_sequencer_is_administered_and_stops_within_five_seconds() {
    let Some(anvil) = anvil().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let environment = deployed(&anvil, folder).await;

    let mut listening = environment.clone();
    listening.push(("ASSAY__LISTEN__ADMIN", "127.0.0.1:0".into()));
    listening.push(("ASSAY__LISTEN__TELEMETRY", "127.0.0.1:0".into()));
    let flags = ["sequencer", "--listen", "127.0.0.1:0", "--data", "sequencer", "--log-json", "--log", "error"];
    let mut sequencer = Running::start(assay(folder, &flags, &listening));
    let started = sequencer.first();
    assert_eq!(started["role"], "sequencer");
    assert!(started["rpc"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{started}");
    let port = started["admin"].as_str().unwrap().to_owned();

    let asked = |what: &str, more: &[&str]| {
        let arguments = [&["admin", what, "--admin", &port, "--json"], more].concat();
        assay(folder, &arguments, &[]).output().unwrap()
    };
    let by_secret = ["--secret", "sequencer/admin.secret"];
    let status = answer(&asked("status", &by_secret));
    assert_eq!((&status["is_paused"], &status["next_sequence"]), (&json!(false), &json!(0)), "{status}");
    assert_eq!(answer(&asked("pause", &by_secret))["is_paused"], true);
    // By the sequencer's configuration, as an operator has it.
    std::fs::write(folder.join("sequencer.toml"), "data = \"sequencer\"\n[listen]\nrpc = \"0.0.0.0:8651\"\n").unwrap();
    assert_eq!(answer(&asked("post-now", &["--config", "sequencer.toml"]))["is_paused"], true);
    assert_eq!(answer(&asked("resume", &["--config", "sequencer.toml"]))["is_paused"], false);

    std::fs::write(folder.join("other.secret"), "11".repeat(32)).unwrap();
    let refused = asked("status", &["--secret", "other.secret"]);
    assert_eq!(refused.status.code(), Some(5), "{}", String::from_utf8_lossy(&refused.stderr));
    let missing = asked("status", &["--secret", "none.secret"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(!folder.join("none.secret").exists(), "only the sequencer makes a secret");

    let (time, code, rest) = sequencer.terminate();
    assert_eq!((code, rest.as_str()), (Some(0), ""));
    assert!(time < Duration::from_secs(5), "{time:?}");
    let gone = asked("status", &by_secret);
    assert_eq!(gone.status.code(), Some(6), "{}", String::from_utf8_lossy(&gone.stderr));

    // Why a role does not start is a line of JSON too.
    let flags = ["sequencer", "--listen", "nowhere", "--data", "other", "--log-json", "--log", "off"];
    let failed = assay(folder, &flags, &listening).output().unwrap();
    let line: Value = serde_json::from_slice(&failed.stdout).unwrap();
    assert_eq!((failed.status.code(), &line["exit_code"]), (Some(1), &json!(1)));
    assert!(line["error"].as_str().unwrap().contains("nowhere") && failed.stderr.is_empty(), "{line}");
}

/// Runs until its fuel is gone, and spends it on square roots, one of another: they take a processor's time as nothing else does.
fn endless() -> Vec<u8> {
    let roots = "f64.sqrt ".repeat(1000);
    let text = format!(
        r#"(module (memory (export "memory") 1) (func (export "_start") (local $x f64)
            (loop $on local.get $x {roots} local.set $x (br $on))))"#
    );
    wat::parse_str(text).unwrap()
}

/// An executor in the middle of a run, and its sequencer, end when they are told to; the task is still there for the next ones.
#[tokio::test(flavor = "multi_thread")]
async fn roles_that_work_stop_within_five_seconds_and_lose_nothing() {
    let Some(anvil) = anvil().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    deployed(&anvil, folder).await;
    let (ordering, executing) =
        (registered(&anvil, folder, "sequencer").await, registered(&anvil, folder, "executor").await);
    let (serving, address) = sequencer(folder, &ordering);
    let working = executor(folder, &executing, &address);
    let mut asking = party(&anvil, folder).await;
    asking.push(("ASSAY__SEQUENCER", address.clone()));
    std::fs::write(folder.join("endless.wasm"), endless()).unwrap();
    let run = |arguments: &[&str]| assay(folder, &[arguments, &["--json"]].concat(), &asking).output().unwrap();
    let submit = ["job", "submit", "endless.wasm", "--fuel", "1073741823"];
    let submitted = eventually("the sequencer takes work", || {
        let submitted = run(&submit);
        (submitted.status.code() != Some(6)).then(|| answer(&submitted))
    });
    let task = submitted["task"].as_str().unwrap();
    let state = |wanted: &str| (answer(&run(&["job", "status", task]))["state"] == wanted).then_some(());
    eventually("the task runs", || state("running"));

    let (time, code, _) = working.terminate();
    assert_eq!(code, Some(0));
    println!("an executor in the middle of a run ended after {time:?}");
    assert!(time < Duration::from_secs(5), "{time:?}");
    eventually("nobody has the task", || state("queued"));
    let working = executor(folder, &executing, &address);
    eventually("the next one has it", || state("running"));
    let (time, code, _) = serving.terminate();
    assert_eq!(code, Some(0));
    println!("its sequencer ended after {time:?}");
    assert!(time < Duration::from_secs(5), "{time:?}");
    let (time, code, _) = working.terminate();
    assert_eq!(code, Some(0));
    assert!(time < Duration::from_secs(5), "{time:?}");
    let (_serving, address) = sequencer(folder, &ordering);
    asking.push(("ASSAY__SEQUENCER", address));
    let view = answer(&assay(folder, &["job", "status", task, "--json"], &asking).output().unwrap());
    assert_eq!(view["state"], "queued");
}

/// Whoever waits is told that nobody works, and knows the task's id whatever happens then.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_was_handed_in_is_named_though_nobody_runs_it() {
    let Some(anvil) = anvil().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    deployed(&anvil, folder).await;
    let (serving, address) = sequencer(folder, &registered(&anvil, folder, "sequencer").await);
    let mut asking = party(&anvil, folder).await;
    asking.push(("ASSAY__SEQUENCER", address.clone()));
    let module = wat::parse_str(r#"(module (memory 1) (func (export "_start")))"#).unwrap();
    std::fs::write(folder.join("exit.wasm"), module).unwrap();
    let run = |arguments: &[&str]| assay(folder, &[arguments, &["--json"]].concat(), &asking).output().unwrap();
    let submit = ["job", "submit", "exit.wasm"];
    eventually("the sequencer takes work", || {
        let submitted = run(&submit);
        (submitted.status.code() != Some(6)).then(|| answer(&submitted))
    });

    let refused = |arguments: &[&str], code: i32| -> Value {
        let output = run(arguments);
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        told
    };
    let told = refused(&[&submit[..], &["--fuel", "0"]].concat(), 5);
    assert_eq!((&told["code"], &told["retryable"]), (&json!("FUEL_LIMIT"), &json!(false)), "{told}");
    assert!(told.get("task").is_none(), "the sequencer has not got it");
    let told = refused(&[&submit[..], &["--sequencer", &anvil.url()]].concat(), 2);
    assert!(told["error"].as_str().unwrap().contains("no sequencer of Assay"), "{told}");
    let told = refused(&["admin", "status", "--admin", &address, "--secret", "sequencer/admin.secret"], 2);
    assert!(told["error"].as_str().unwrap().contains("no admin port"), "{told}");

    let mut command = assay(folder, &[&submit[..], &["--wait", "soft", "--json"]].concat(), &asking);
    let mut waiting = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(waiting.stderr.take().unwrap()).lines().map(Result::unwrap);
    let task = said.find_map(|line| line.strip_prefix("task ").map(str::to_owned)).unwrap();
    assert!(said.next().is_some_and(|line| line.starts_with("no executor is connected")));
    serving.terminate();
    // It asks again for some seconds.
    let ended = waiting.wait_with_output().unwrap();
    let told: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!((ended.status.code(), told["task"].as_str()), (Some(6), Some(task.as_str())), "{told}");
}

/// A way to L1 that can be cut: its connections, or none while it is.
#[derive(Clone)]
struct Wire(Arc<Mutex<Option<Vec<TcpStream>>>>);

impl Wire {
    /// Leads from a port of its own to L1.
    fn to(l1: String) -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let wire = Self(Arc::new(Mutex::new(Some(Vec::new()))));
        let shared = wire.clone();
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let mut held = shared.0.lock().unwrap();
                let (Some(held), Ok(far)) = (held.as_mut(), TcpStream::connect(&l1)) else { continue };
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    std::thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
                held.push(near);
            }
        });
        (wire, address)
    }

    fn cut(&self) {
        for stream in self.0.lock().unwrap().take().unwrap() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn mend(&self) {
        *self.0.lock().unwrap() = Some(Vec::new());
    }
}

/// Waits until `/readyz` has this in its answer.
fn readiness(port: u16, wanted: &str) {
    let (began, mut answer) = (Instant::now(), String::new());
    while began.elapsed() < PATIENCE {
        answer.clear();
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
            stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
            let _ = stream.read_to_string(&mut answer);
        }
        if answer.contains(wanted) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no {wanted:?} in {answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_loses_l1_is_not_ready_until_it_finds_it_again() {
    let Some(anvil) = anvil().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut environment = deployed(&anvil, folder).await;
    let (wire, url) = Wire::to(anvil.url().trim_start_matches("http://").to_owned());
    environment.push(("ASSAY__L1__URL", url));
    environment.push(("ASSAY__L1__UNREAD_SECONDS_MAX", "2".into()));
    // One that nobody has: it is free again as soon as it is known.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let telemetry = format!("127.0.0.1:{port}");
    let flags = ["challenger", "--watch-only", "--data", "watch", "--telemetry", &telemetry, "--log", "off"];
    let challenger = Running::start(assay(folder, &flags, &environment));
    readiness(port, "200 OK");
    wire.cut();
    readiness(port, "l1: L1 was not read to its head for more than 2 s");
    wire.mend();
    readiness(port, "200 OK");
    let (time, code, _) = challenger.terminate();
    assert_eq!(code, Some(0));
    assert!(time < Duration::from_secs(5), "{time:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_devnet_on_a_node_that_is_there_takes_a_newcomer_to_a_consumer() {
    let Some(anvil) = anvil().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let url = anvil.url();
    let flags = ["devnet", "up", "--l1", &url, "--port", "0", "--telemetry", "0", "--data", "net", "--json"];
    let mut devnet = Running::start(assay(folder, &flags, &[]));
    let told = devnet.first();
    let field = |name: &str| told[name].as_str().unwrap().to_owned();
    let balance = anvil.request("eth_getBalance", json!([field("client"), "latest"])).await.unwrap();
    assert_eq!(balance, "0x56bc75e2d63100000", "100 ether, in hex");

    // What it says to set in another shell does, from the first job to the contract.
    let environment = [
        ("ASSAY__L1__URL", field("l1")),
        ("ASSAY__DEPLOYMENT", field("deployment")),
        ("ASSAY__SEQUENCER", field("sequencer")),
        ("ASSAY__KEYSTORE", field("keystore")),
        ("ASSAY__PASSWORD_FILE", field("password_file")),
    ];
    let run = |arguments: &[&str]| assay(folder, &[arguments, &["--json"]].concat(), &environment).output().unwrap();
    let jobs = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../jobs"));
    let (module, input) = (jobs.join("wasm/csv.wasm"), jobs.join("inputs/csv.csv"));
    let (module, input) = (module.to_str().unwrap(), input.to_str().unwrap());
    let submitted = answer(&run(&["job", "submit", module, "--input", input, "--wait", "batch"]));
    assert_eq!(submitted["may_end_attested"], false);
    let task = submitted["task"].as_str().unwrap();
    let program = submitted["program"].as_str().unwrap();
    let consumer = answer(&run(&["job", "consumer", "--program", program]));
    assert_eq!((consumer["program"].as_str(), consumer["gas"].is_u64()), (Some(program), true));
    let address = consumer["consumer"].as_str().unwrap();
    let early = run(&["job", "prove", task, "--consumer", address]);
    assert_eq!(early.status.code(), Some(5), "its window is open");
    assert!(String::from_utf8_lossy(&early.stderr).contains("L1 says that the result is pending"), "{early:?}");
    let proven = answer(&run(&["job", "prove", task, "--wait", "--consumer", address]));
    assert_eq!((&proven["fate"], proven["transaction"].is_string()), (&json!("final"), true));
    assert_eq!(proven["relies_on"], json!([program]));
    // The contract takes it once, and of its program alone.
    assert_eq!(run(&["job", "prove", task, "--consumer", address]).status.code(), Some(5));
    let other = jobs.join("wasm/sha256.wasm");
    let other = answer(&run(&["job", "consumer", "--program", other.to_str().unwrap()]));
    let other = other["consumer"].as_str().unwrap();
    assert_eq!(run(&["job", "prove", task, "--consumer", other]).status.code(), Some(5));

    // A pipe does not say how long it is.
    let pipe = folder.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::write(pipe, [7; 200_000])
    });
    let sha256 = jobs.join("wasm/sha256.wasm");
    let piped = ["job", "submit", sha256.to_str().unwrap(), "--input", pipe.to_str().unwrap(), "--wait", "soft"];
    let piped = answer(&run(&piped));
    writer.join().unwrap().unwrap();
    assert_eq!((&piped["outcome"]["input"]["length"], &piped["may_end_attested"]), (&json!(200_000), &json!(true)));

    let (time, code, _) = devnet.terminate();
    assert_eq!(code, Some(0));
    assert!(time < PATIENCE, "{time:?}");
}

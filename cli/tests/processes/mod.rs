//! Roles as processes of their own, as the built binary makes them, on an anvil.
#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(clippy::unwrap_used, reason = "this is part of tests")]

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use alloy_primitives::{Address, U256};
use assay_anvil::{Anvil, Mining, Settings};
use serde_json::Value;

/// Nothing here takes longer, on however slow a machine, unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// The binary in a folder, with nothing of this test's own environment.
pub fn assay(folder: &Path, arguments: &[&str], environment: &[(&str, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    for name in ["L1__URL", "DEPLOYMENT", "KEYSTORE", "PASSWORD_FILE", "SEQUENCER", "DATA"] {
        command.env_remove(format!("ASSAY__{name}"));
    }
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).env_remove("ASSAY_PASSWORD");
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command
}

pub fn answer(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A process that goes away with its test.
pub struct Running {
    pub child: Child,
    pub stdout: BufReader<ChildStdout>,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    /// Its first JSON value, whether on one line or on many.
    pub fn first(&mut self) -> Value {
        let mut text = String::new();
        loop {
            let read = self.stdout.read_line(&mut text).unwrap();
            assert!(read > 0, "it has ended: {text}");
            if let Ok(value) = serde_json::from_str(&text) {
                return value;
            }
        }
    }

    /// Asks it to stop, and says how long that took, with what else it printed.
    pub fn terminate(mut self) -> (Duration, Option<i32>, String) {
        let began = Instant::now();
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        let code = self.child.wait().unwrap().code();
        (began.elapsed(), code, rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub async fn anvil() -> Option<Anvil> {
    let settings = Settings { mining: Mining::Every(Duration::from_secs(1)), ..Settings::default() };
    Anvil::start_or_skip(&settings).await
}

/// Settings, as the environment has them.
pub type Environment = Vec<(&'static str, String)>;

/// A key with money, for a node.
pub async fn party(anvil: &Anvil, folder: &Path) -> Environment {
    std::fs::write(folder.join("password"), "correct horse\n").unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    let mut environment = vec![("ASSAY__L1__URL", anvil.url()), ("ASSAY__PASSWORD_FILE", path("password"))];
    let made = answer(&assay(folder, &["keys", "new", "--folder", "keys", "--json"], &environment).output().unwrap());
    let address: Address = made["address"].as_str().unwrap().parse().unwrap();
    anvil.set_balance(address, U256::from(10).pow(U256::from(20))).await.unwrap();
    environment.push(("ASSAY__KEYSTORE", path(made["keystore"].as_str().unwrap())));
    environment
}

/// The same with a stake, at a deployment that is there.
pub async fn registered(anvil: &Anvil, folder: &Path, role: &str) -> Environment {
    let mut environment = party(anvil, folder).await;
    environment.push(("ASSAY__DEPLOYMENT", folder.join("deployment.json").display().to_string()));
    answer(&assay(folder, &["bond", "register", "--role", role, "--json"], &environment).output().unwrap());
    environment
}

/// Starts a sequencer on free ports, for a chain with a block every second; gives its address.
pub fn sequencer(folder: &Path, environment: &Environment) -> (Running, String) {
    let mut environment = environment.clone();
    environment.extend(
        [("LISTEN__ADMIN", "127.0.0.1:0"), ("LISTEN__TELEMETRY", "127.0.0.1:0"), ("CHAIN__CONFIRMATIONS", "1")]
            .into_iter()
            .chain([("CHAIN__SETTLED_CONFIRMATIONS", "3"), ("CHAIN__POLL_MS", "100"), ("BATCHES__WAIT_MS", "500")])
            .map(|(name, value)| (setting(name), value.to_owned())),
    );
    let flags = ["sequencer", "--listen", "127.0.0.1:0", "--data", "sequencer", "--log-json", "--log", "error"];
    let mut running = Running::start(assay(folder, &flags, &environment));
    let address = running.first()["rpc"].as_str().unwrap().to_owned();
    (running, address)
}

/// Starts an executor for a sequencer.
pub fn executor(folder: &Path, environment: &Environment, sequencer: &str) -> Running {
    let address = sequencer.replace("http", "ws");
    let flags = ["executor", "--sequencer", &address, "--data", "executor", "--log-json", "--log", "error"];
    let mut environment = environment.clone();
    environment.extend([(setting("L1__POLL_INTERVAL_MS"), "100".into()), (setting("L1__CONFIRMATIONS"), "1".into())]);
    Running::start(assay(folder, &flags, &environment))
}

/// The variable of a setting.
fn setting(name: &str) -> &'static str {
    format!("ASSAY__{name}").leak()
}

/// Asks again until there is something.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "not within {} s: {what}", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A key with money, and the deployment, in a folder.
pub async fn deployed(anvil: &Anvil, folder: &Path) -> Environment {
    let path = |name: &str| folder.join(name).display().to_string();
    let mut environment = party(anvil, folder).await;
    let deploy = ["deploy", "--preset", "devnet", "--output", "deployment.json", "--json"];
    answer(&assay(folder, &deploy, &environment).output().unwrap());
    environment.push(("ASSAY__DEPLOYMENT", path("deployment.json")));
    environment
}

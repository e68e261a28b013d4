//! The process: how it is started, and how it ends.
//!
//! Owns the child and what it is told at its start. Assumes a POSIX shell on Unix. Between the two processes stands a shell that reads
//! from a pipe which nobody writes to: when this process ends, by whatever, the pipe closes and the shell kills anvil. Ctrl-C ends this
//! process alone, so that a devnet can stop its roles before their L1.

use crate::{AnvilError, binary};
use assay_node::endpoint::{Endpoint, EndpointConfig};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;

/// The chain id that anvil takes when it is told none.
pub const CHAIN_ID: u64 = 31_337;

/// How long anvil has to listen: it takes a tenth of a second, and longer on a busy machine.
const START_TIME_MAX: Duration = Duration::from_secs(60);

/// How long it has to write its state and end.
#[cfg(unix)]
const STOP_TIME_MAX: Duration = Duration::from_secs(60);

/// Lines of output that are kept for the error when it does not start.
const LINES_KEPT: usize = 5;

/// Starts its arguments, and kills them when standard input ends; at a line there they are asked to end, and write what they keep. Output
/// goes to one pipe, which the shell itself lets go of, so that its end is anvil's.
#[cfg(unix)]
const GUARD: &str = r#"trap "" INT; exec 3<&0; "$@" </dev/null 2>&1 3<&- & exec >&- 2>&-; read -r _ <&3 && kill -TERM $! && read -r _ <&3; kill -KILL $!; wait"#;

/// When blocks are mined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mining {
    /// When told to, by [`Anvil::mine`].
    #[default]
    OnDemand,
    /// At once, a block for each transaction.
    EachTransaction,
    /// At intervals, in whole seconds.
    Every(Duration),
}

/// What anvil is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The binary; it is looked for when there is none, see [`crate::find`].
    pub binary: Option<PathBuf>,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// The chain id.
    pub chain_id: u64,
    /// When blocks are mined.
    pub mining: Mining,
    /// Time of the first block, in seconds since 1970; now, when there is none.
    pub timestamp: Option<u64>,
    /// Gas of a block; anvil's own 30 million when there is none.
    pub block_gas_limit: Option<u64>,
    /// Whether contracts may be larger than L1 allows.
    pub large_contracts: bool,
    /// A file that the chain is read from, if it is there, and written to when anvil is [stopped](Anvil::stop). Anvil 1.7 makes the first
    /// block anew, the same one only if `timestamp` is the same; and time begins there again, until it is [passed](Anvil::pass_time).
    pub state: Option<PathBuf>,
}

impl Default for Settings {
    /// A free port, and blocks on demand.
    fn default() -> Self {
        Settings {
            binary: None,
            port: 0,
            chain_id: CHAIN_ID,
            mining: Mining::OnDemand,
            timestamp: None,
            block_gas_limit: None,
            large_contracts: false,
            state: None,
        }
    }
}

impl Settings {
    /// Anvil's arguments. Transactions of one block are mined in the order in which they came.
    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--order".into(), "fifo".into()];
        let mut set = |flag: &str, value: String| arguments.extend([flag.into(), value]);
        set("--port", self.port.to_string());
        set("--chain-id", self.chain_id.to_string());
        self.timestamp.iter().for_each(|timestamp| set("--timestamp", timestamp.to_string()));
        self.block_gas_limit.iter().for_each(|limit| set("--gas-limit", limit.to_string()));
        self.state.iter().for_each(|path| set("--state", path.display().to_string()));
        match self.mining {
            Mining::Every(interval) => set("--block-time", interval.as_secs().max(1).to_string()),
            Mining::OnDemand => arguments.push("--no-mining".into()),
            Mining::EachTransaction => {}
        }
        if self.large_contracts {
            arguments.push("--disable-code-size-limit".into());
        }
        arguments
    }
}

/// A running anvil, killed when dropped.
#[derive(Debug)]
pub struct Anvil {
    process: Child,
    port: u16,
    endpoint: Endpoint,
    ended: Arc<AtomicBool>,
}

impl Anvil {
    /// Starts one and waits until it listens.
    ///
    /// # Errors
    /// [`AnvilError::Missing`], [`AnvilError::Unstartable`]; [`AnvilError::Deaf`], for example when the port is taken.
    pub async fn start(settings: &Settings) -> Result<Self, AnvilError> {
        let path = binary::find(settings.binary.as_deref())?;
        let unstartable = |reason: String| AnvilError::Unstartable { path: path.clone(), reason };
        let mut process = command(&path, &settings.arguments())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| unstartable(error.to_string()))?;
        let output = process.stdout.take().expect("it is piped");
        let (tell, heard) = oneshot::channel();
        let ended = Arc::new(AtomicBool::new(false));
        let end = ended.clone();
        std::thread::spawn(move || {
            read(output, tell);
            end.store(true, Ordering::Release);
        });
        // From here on dropping ends it.
        let endpoint = Endpoint::new(&EndpointConfig::new("http://127.0.0.1:1"))?;
        let mut anvil = Anvil { process, port: 0, endpoint, ended };
        let deaf = |reason: String| AnvilError::Deaf { path: path.clone(), reason };
        anvil.port = match tokio::time::timeout(START_TIME_MAX, heard).await {
            Ok(Ok(Ok(port))) => port,
            Ok(Ok(Err(said))) => return Err(deaf(said)),
            Ok(Err(_)) => return Err(deaf("its output can't be read".into())),
            Err(_) => return Err(deaf(format!("not within {} s", START_TIME_MAX.as_secs()))),
        };
        anvil.endpoint = Endpoint::new(&EndpointConfig::new(anvil.url()))?;
        Ok(anvil)
    }

    /// The port that it listens on, of this machine only.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it is, over HTTP.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where it is, over a WebSocket.
    pub fn websocket_url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// A connection over HTTP. Clones share it.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Asks it to end, and waits until it has written its state and is gone.
    ///
    /// # Errors
    /// [`AnvilError::Unstopped`] if it does not end.
    #[cfg(unix)]
    pub async fn stop(mut self) -> Result<(), AnvilError> {
        use std::io::Write;
        let unstopped = |reason: String| AnvilError::Unstopped { reason };
        let mut line = self.process.stdin.take().expect("it is piped, and taken here alone");
        line.write_all(b"\n").map_err(|error| unstopped(error.to_string()))?;
        let deadline = tokio::time::Instant::now() + STOP_TIME_MAX;
        while self.is_running() {
            if tokio::time::Instant::now() > deadline {
                return Err(unstopped(format!("not within {} s", STOP_TIME_MAX.as_secs())));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Whether it still runs: nobody but its owner should end it.
    pub fn is_running(&self) -> bool {
        !self.ended.load(Ordering::Acquire)
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // The pipe's end is what the guard waits for.
        drop(self.process.stdin.take());
        #[cfg(not(unix))]
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(unix)]
fn command(path: &Path, arguments: &[String]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", GUARD, "anvil"]).arg(path).args(arguments);
    command
}

#[cfg(not(unix))]
fn command(path: &Path, arguments: &[String]) -> Command {
    let mut command = Command::new(path);
    command.args(arguments);
    command
}

/// Reads all output, or anvil would stop at a full pipe. Tells the port when it is said, or the last lines when there are no more.
fn read(output: impl Read, tell: oneshot::Sender<Result<u16, String>>) {
    let mut tell = Some(tell);
    let mut last = VecDeque::new();
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        if tell.is_none() {
            continue;
        }
        if let Some(port) = port(&line)
            && let Some(tell) = tell.take()
        {
            // Whoever gave up waiting has dropped the process too.
            let _ = tell.send(Ok(port));
        } else if !line.trim().is_empty() {
            last.push_back(line);
            last.drain(..last.len().saturating_sub(LINES_KEPT));
        }
    }
    if let Some(tell) = tell {
        let said = if last.is_empty() { "it ended without a word".into() } else { last.make_contiguous().join(" | ") };
        let _ = tell.send(Err(said));
    }
}

/// The port in the line that says where anvil listens.
fn port(line: &str) -> Option<u16> {
    line.strip_prefix("Listening on ")?.rsplit(':').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_become_arguments() {
        let plain = Settings::default().arguments().join(" ");
        assert_eq!(plain, "--order fifo --port 0 --chain-id 31337 --no-mining");
        let every = Settings {
            port: 8545,
            chain_id: 7,
            mining: Mining::Every(Duration::from_secs(2)),
            timestamp: Some(9),
            block_gas_limit: Some(60_000_000),
            large_contracts: true,
            state: Some("chain.json".into()),
            ..Settings::default()
        };
        let expected = "--order fifo --port 8545 --chain-id 7 --timestamp 9 --gas-limit 60000000 --state chain.json --block-time 2 \
            --disable-code-size-limit";
        assert_eq!(every.arguments().join(" "), expected);
        let each = Settings { mining: Mining::EachTransaction, ..Settings::default() };
        assert_eq!(each.arguments().join(" "), "--order fifo --port 0 --chain-id 31337");
    }

    #[test]
    fn output_tells_the_port_or_why_there_is_none() {
        let heard = |output: &str| {
            let (tell, mut heard) = oneshot::channel();
            read(output.as_bytes(), tell);
            heard.try_recv().expect("something is always told")
        };
        assert_eq!(heard("Private Keys\n\nListening on 127.0.0.1:4242\nmore\n"), Ok(4242));
        assert_eq!(heard("Listening on [::1]:1\n"), Ok(1));
        assert_eq!(heard(""), Err("it ended without a word".into()));
        assert_eq!(heard("1\n2\n3\n4\n5\n\n6\n"), Err("2 | 3 | 4 | 5 | 6".into()));
    }
}

//! What the commands that talk to L1 have in common: where it is, which deployment, whose key, and how amounts and times are written.
//!
//! Owns the flags. A value comes from a file, the environment or a flag, the later wins; node's configuration merges them. A password is
//! never a flag: other users of a machine can read those.

mod amount;
mod key;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy_primitives::Address;
use assay_node::config::Sources;
use assay_node::endpoint::{Endpoint, EndpointConfig};
use assay_node::shutdown::DEADLINE;
use assay_operator::L1;
use assay_protocol::deployment::Deployment;
use eyre::{Result, WrapErr, eyre};
use serde::Deserialize;

use crate::failure::Failure;

pub use amount::{Amount, ago, ether, left};
pub use key::{KeyFlags, PasswordFlags, keys_folder, stated_address};

/// Where the commands of this file look for what they need, told under their `--help`.
pub const SETTINGS: &str = "\
Where L1 and its contracts are, and whose key signs, is said by flags, or by the environment (ASSAY__L1__URL,
ASSAY__DEPLOYMENT, ASSAY__KEYSTORE, ASSAY__PASSWORD_FILE), or by a TOML file (--config: l1.url, deployment, keystore,
password_file); flags win. The password of a keystore comes from its file, or from ASSAY_PASSWORD, or is asked for.

Exit codes: 0 done, 1 failed, 2 usage, 5 a contract refuses and nothing was sent, 6 L1 can't be reached.";

/// Which L1, and which deployment on it.
#[derive(clap::Args, Clone, Debug)]
pub struct Connection {
    /// The L1 node: http, https, ws or wss
    #[arg(long = "l1", value_name = "URL", help_heading = "Where")]
    url: Option<String>,
    /// Where the contracts are: the file that `assay deploy` wrote
    #[arg(long, value_name = "FILE", help_heading = "Where")]
    deployment: Option<PathBuf>,
    /// A TOML file with these settings; environment and flags win over it
    #[arg(long, value_name = "FILE", help_heading = "Where")]
    config: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Contracts {
    deployment: PathBuf,
}

/// The same where it may be missing.
#[derive(Deserialize)]
struct MaybeNode {
    l1: Option<MaybeUrl>,
}

#[derive(Default, Deserialize)]
struct MaybeUrl {
    url: Option<String>,
    timeout_ms: Option<u64>,
}

#[derive(Deserialize)]
struct MaybeContracts {
    deployment: Option<PathBuf>,
}

impl Connection {
    /// The node that was named. Nothing is asked yet.
    pub fn endpoint(&self) -> Result<Endpoint> {
        Ok(Endpoint::new(&self.node()?)?)
    }

    fn node(&self) -> Result<EndpointConfig> {
        let named: MaybeNode = self.sources()?.flag("--l1", "l1.url", self.url.clone())?.load()?;
        let l1 = named.l1.unwrap_or_default();
        let url = l1.url.ok_or_else(|| {
            Failure::Usage(
                "l1.url is set nowhere: not in a file, not in the environment (ASSAY__L1__URL), not by --l1".into(),
            )
        })?;
        let usual = EndpointConfig::new(url);
        Ok(EndpointConfig { timeout_ms: l1.timeout_ms.unwrap_or(usual.timeout_ms), ..usual })
    }

    /// The deployment that was named.
    pub fn deployment(&self) -> Result<Deployment> {
        let flag = self.deployment.as_ref().map(|path| path.display());
        let Contracts { deployment } = self.sources()?.flag("--deployment", "deployment", flag)?.load()?;
        read_deployment(&deployment)
    }

    /// The deployment, if one was named.
    pub fn maybe_deployment(&self) -> Result<Option<Deployment>> {
        let flag = self.deployment.as_ref().map(|path| path.display());
        let MaybeContracts { deployment } = self.sources()?.flag("--deployment", "deployment", flag)?.load()?;
        deployment.as_deref().map(read_deployment).transpose()
    }

    /// Whether a node and a deployment were named.
    pub fn is_named(&self) -> Result<bool> {
        let named: MaybeNode = self.sources()?.flag("--l1", "l1.url", self.url.clone())?.load()?;
        Ok(named.l1.is_some_and(|l1| l1.url.is_some()) && self.maybe_deployment()?.is_some())
    }

    /// Connects to the deployment that was named.
    pub async fn open(&self) -> Result<L1> {
        let (node, deployment) = (self.node()?, self.deployment()?);
        Ok(L1::open(&node, deployment).await?)
    }

    /// File and environment.
    pub fn sources(&self) -> Result<Sources> {
        let sources = match &self.config {
            Some(path) => Sources::new().file(path)?,
            None => Sources::new(),
        };
        Ok(sources.environment("ASSAY", variables())?)
    }
}

/// Reads the file of a deployment.
pub fn read_deployment(path: &Path) -> Result<Deployment> {
    let text =
        std::fs::read_to_string(path).wrap_err_with(|| format!("can't read the deployment {}", path.display()))?;
    // The error says its cause itself.
    Deployment::from_json(&text).map_err(|error| eyre!("{}: {error}", path.display()))
}

/// An address on the command line.
pub fn address(text: &str) -> Result<Address, String> {
    text.parse().map_err(|_| "an address is 0x and 40 hex digits".into())
}

/// The variables that are text.
pub fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// How long threads that compute may go on once nobody waits for them: what matters of a role is on the disk by then.
const FAREWELL: Duration = Duration::from_secs(1);
/// A role ends five seconds after the signal at the latest: its tasks, its threads, and a moment for the disk.
const _: () = assert!(DEADLINE.as_millis() + FAREWELL.as_millis() <= 4_500);

/// Runs what waits for others. A thread that still computes when that has ended, a player's for example, does not hold the process up.
pub fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .wrap_err("can't start the threads that wait for L1")?;
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(FAREWELL);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a player does that computes the evidence of a game when the process is told to stop.
    #[test]
    fn a_thread_that_computes_does_not_hold_the_process_up() {
        let (release, released) = std::sync::mpsc::channel::<()>();
        let began = std::time::Instant::now();
        let answer = block_on(async {
            drop(tokio::task::spawn_blocking(move || released.recv()));
            Ok(7)
        });
        assert_eq!(answer.expect("nothing fails"), 7);
        assert!(began.elapsed() < FAREWELL * 2, "{:?}", began.elapsed());
        drop(release);
    }
}

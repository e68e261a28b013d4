//! `assay sequencer`, `assay executor`, `assay challenger`: the roles, each a process until it is stopped.
//!
//! Owns how a role's configuration comes together (file, environment, flags), its key and its logs. What a role does is its own
//! crate's. SIGTERM and Ctrl-C stop a role within five seconds, and nothing is lost by it.

use std::path::{Path, PathBuf};

use assay_challenger::{Challenger, ChallengerConfig, ChallengerError};
use assay_executor_node::{Executor, ExecutorConfig};
use assay_node::config::Sources;
use assay_node::keys::Wallet;
use assay_node::shutdown::Process;
use assay_node::telemetry::{Health, LogFormat, Metrics, logs};
use assay_protocol::deployment::Deployment;
use assay_sequencer::{Config as SequencerConfig, Sequencer};
use eyre::{Result, WrapErr, bail};
use serde::Serialize;

use crate::console;
use crate::failure::Failure;
use crate::l1::{PasswordFlags, block_on, read_deployment, variables};

/// What the roles' `--help` teaches of configuration.
pub const SETTINGS: &str = "\
Every setting has a name, for example l1.url. It comes from the TOML file (--config: `url` in table [l1]), from the
environment (ASSAY__L1__URL), or from a flag; flags win, then the environment. A name that is not known is refused. The
guides in docs/ list the settings, what to watch, and what to do when something goes wrong. The password of the keystore
comes from its file, from ASSAY_PASSWORD, or is asked for.

GET /healthz, /readyz and /metrics are served where `telemetry` says. SIGTERM and Ctrl-C stop the process within 5 s.";

const SEQUENCER_EXAMPLES: &str = "\
Example:
  assay sequencer --l1 ws://127.0.0.1:8545 --deployment deployment.json --keystore sequencer.json --data /var/lib/assay";

const EXECUTOR_EXAMPLES: &str = "\
Example:
  assay executor --l1 ws://127.0.0.1:8545 --deployment deployment.json --keystore executor.json \\
    --data /var/lib/assay --sequencer ws://sequencer.example:8651";

const CHALLENGER_EXAMPLES: &str = "\
Examples:
  assay challenger --l1 https://… --deployment deployment.json --data watch --watch-only
  assay challenger --l1 https://… --deployment deployment.json --data play --keystore challenger.json --rate 0.1

With --watch-only no key is needed: a wrong result ends the process with exit code 4, or calls the hook if there is one.";

/// The roles.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Run a region's sequencer: takes tasks, has them run, posts their results to L1
    #[command(after_help = SEQUENCER_EXAMPLES, after_long_help = format!("{SEQUENCER_EXAMPLES}\n\n{SETTINGS}"))]
    Sequencer(SequencerFlags),
    /// Run an executor: runs tasks of sequencers for fees, and defends their results
    #[command(after_help = EXECUTOR_EXAMPLES, after_long_help = format!("{EXECUTOR_EXAMPLES}\n\n{SETTINGS}"))]
    Executor(ExecutorFlags),
    /// Run a challenger: runs a sample of all results again, and disputes what is wrong
    #[command(after_help = CHALLENGER_EXAMPLES, after_long_help = format!("{CHALLENGER_EXAMPLES}\n\n{SETTINGS}"))]
    Challenger(ChallengerFlags),
}

/// What all roles have.
#[derive(clap::Args)]
pub struct RoleFlags {
    /// The configuration, TOML
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// l1.url: the L1 node, http, https, ws or wss
    #[arg(long = "l1", value_name = "URL")]
    url: Option<String>,
    /// deployment: the file that `assay deploy` wrote
    #[arg(long, value_name = "FILE")]
    deployment: Option<PathBuf>,
    /// data: the folder of everything that is kept
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// keystore: the encrypted key
    #[arg(long, value_name = "FILE")]
    keystore: Option<PathBuf>,
    #[command(flatten)]
    password: PasswordFlags,
    /// What is logged: a level, or target=level with commas
    #[arg(long, value_name = "FILTER", env = "ASSAY_LOG", default_value = "info")]
    log: String,
    /// Log one JSON object a line; where it listens, and why it ended, are such lines on stdout
    #[arg(long, env = "ASSAY_LOG_JSON")]
    log_json: bool,
}

/// Where a sequencer serves.
#[derive(Serialize)]
struct Started {
    role: &'static str,
    region: String,
    rpc: String,
    admin: Option<String>,
    telemetry: Option<String>,
}

/// The command line of `assay sequencer`.
#[derive(clap::Args)]
pub struct SequencerFlags {
    #[command(flatten)]
    role: RoleFlags,
    /// listen.rpc: where the RPC and the blobs are served
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// listen.telemetry: where health and metrics are served
    #[arg(long, value_name = "ADDRESS")]
    telemetry: Option<String>,
}

/// The command line of `assay executor`.
#[derive(clap::Args)]
pub struct ExecutorFlags {
    #[command(flatten)]
    role: RoleFlags,
    /// sequencers: whom to work for, ws or wss; may be given several times
    #[arg(long = "sequencer", value_name = "URL")]
    sequencers: Vec<String>,
    /// telemetry: where health and metrics are served
    #[arg(long, value_name = "ADDRESS")]
    telemetry: Option<String>,
}

/// The command line of `assay challenger`.
#[derive(clap::Args)]
pub struct ChallengerFlags {
    #[command(flatten)]
    role: RoleFlags,
    /// sampling.rate: share of results that are run again, 0 to 1
    #[arg(long, value_name = "SHARE")]
    rate: Option<f64>,
    /// Watch without a key: end, or call the hook, at a wrong result
    #[arg(long, conflicts_with = "keystore")]
    watch_only: bool,
    /// telemetry: where health and metrics are served
    #[arg(long, value_name = "ADDRESS")]
    telemetry: Option<String>,
}

impl Command {
    fn flags(&self) -> &RoleFlags {
        match self {
            Self::Sequencer(flags) => &flags.role,
            Self::Executor(flags) => &flags.role,
            Self::Challenger(flags) => &flags.role,
        }
    }

    /// Whether what is not logged is wanted as JSON too.
    pub fn json(&self) -> bool {
        self.flags().log_json
    }
}

/// Runs the role.
pub fn run(command: &Command) -> Result<()> {
    let flags = command.flags();
    let format = if flags.log_json { LogFormat::Json } else { LogFormat::Human };
    logs(format, &flags.log)?;
    match command {
        Command::Sequencer(flags) => sequencer(flags),
        Command::Executor(flags) => executor(flags),
        Command::Challenger(flags) => challenger(flags),
    }
}

impl RoleFlags {
    fn sources(&self) -> Result<Sources> {
        let sources = match &self.config {
            Some(path) => Sources::new().file(path)?,
            None => Sources::new(),
        };
        // Settings of commands that are no roles', and that an operator may have in the same shell.
        let variables = variables().filter(|(name, _)| name != "ASSAY__SEQUENCER");
        let shown = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let sources = sources
            .environment("ASSAY", variables)?
            .flag("--l1", "l1.url", self.url.clone())?
            .flag("--deployment", "deployment", shown(&self.deployment))?
            .flag("--data", "data", shown(&self.data))?
            .flag("--keystore", "keystore", shown(&self.keystore))?;
        Ok(sources)
    }

    fn wallet(&self, keystore: Option<&Path>, password_file: Option<&Path>) -> Result<Wallet> {
        let keystore = keystore.ok_or_else(|| {
            Failure::Usage("keystore is set nowhere: not in a file, not by ASSAY__KEYSTORE, not by --keystore".into())
        })?;
        Ok(Wallet::open(keystore, &self.password.or(password_file.map(Path::to_owned)))?)
    }
}

fn sequencer(flags: &SequencerFlags) -> Result<()> {
    let sources = flags.role.sources()?;
    let sources = sources.flag("--listen", "listen.rpc", flags.listen.clone())?;
    let config: SequencerConfig = sources.flag("--telemetry", "listen.telemetry", flags.telemetry.clone())?.load()?;
    let deployment = config
        .deployment
        .clone()
        .ok_or_else(|| Failure::Usage("deployment is set nowhere: name it by --deployment".into()))?;
    let deployment = read_deployment(&deployment)?;
    let wallet = flags.role.wallet(config.keystore.as_deref(), config.password_file.as_deref())?;
    block_on(async {
        let mut process = Process::new();
        let started = Sequencer::start(config, deployment, wallet, &mut process).await?;
        let (region, rpc) = (started.region, started.rpc);
        if flags.role.log_json {
            console::print_json_line(&Started {
                role: "sequencer",
                region: region.to_string(),
                rpc: format!("http://{rpc}"),
                admin: started.admin.map(|address| format!("http://{address}")),
                telemetry: started.telemetry.map(|address| format!("http://{address}")),
            })?;
        } else {
            console::note(&format!("region {region}\nlistening on http://{rpc} and ws://{rpc}\n"));
        }
        Ok(process.run().await?)
    })
}

fn executor(flags: &ExecutorFlags) -> Result<()> {
    let sources = flags.role.sources()?;
    let named = (!flags.sequencers.is_empty()).then(|| format!("{:?}", flags.sequencers));
    let sources = sources.flag("--sequencer", "sequencers", named)?;
    let config: ExecutorConfig = sources.flag("--telemetry", "telemetry", flags.telemetry.clone())?.load()?;
    let deployment = deployment_of(&config.deployment)?;
    let wallet = flags.role.wallet(config.keystore.as_deref(), config.password_file.as_deref())?;
    block_on(async {
        let (health, metrics) = (Health::new(), Metrics::new("assay"));
        let executor = Executor::open(config, deployment, wallet, &health, &metrics)?;
        // It hears signals itself; the token is for who has it in a process of more.
        Ok(executor.run(tokio_util::sync::CancellationToken::new()).await?)
    })
}

fn challenger(flags: &ChallengerFlags) -> Result<()> {
    let sources = flags.role.sources()?;
    let sources = sources.flag("--rate", "sampling.rate", flags.rate)?;
    let config: ChallengerConfig = sources.flag("--telemetry", "telemetry", flags.telemetry.clone())?.load()?;
    let deployment = deployment_of(&config.deployment)?;
    let wallet = match (flags.watch_only, config.keystore.as_deref()) {
        (true, _) => None,
        (false, None) => {
            bail!(Failure::Usage("a challenger needs a key: name --keystore, or --watch-only".into()));
        }
        (false, keystore) => Some(flags.role.wallet(keystore, config.password_file.as_deref())?),
    };
    block_on(async {
        let (health, metrics) = (Health::new(), Metrics::new("assay"));
        let challenger = Challenger::open(config, deployment, wallet, &health, &metrics)?;
        match challenger.run(tokio_util::sync::CancellationToken::new()).await {
            Err(error @ ChallengerError::Found(_)) => Err(Failure::Found(error.to_string()).into()),
            ended => Ok(ended?),
        }
    })
}

fn deployment_of(path: &Path) -> Result<Deployment> {
    read_deployment(path).wrap_err("no deployment")
}

//! `assay devnet`: a whole deployment on this machine, until it is stopped; and the story that shows it at work.
//!
//! Owns the command lines and what a user of the devnet is handed. Keys are anvil's, which everybody knows.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use alloy_primitives::U256;
use assay_devnet::{DISHONEST_MAX, Devnet, DevnetConfig, Line, Site, Teller, demo};
use assay_executor_node::Corruption;
use assay_node::keys::{Password, Wallet};
use assay_node::telemetry::{LogFormat, logs};
use clap::Subcommand;
use eyre::{Result, WrapErr, bail};
use serde::Serialize;

use crate::console;
use crate::l1::block_on;

const UP_EXAMPLES: &str = "\
Examples:
  assay devnet up                         L1, contracts, a sequencer, two executors, a challenger; until Ctrl-C
  assay devnet up --dishonest 2           and two executors that lie, until they are caught
  assay devnet up --l1 http://127.0.0.1:8545     on an anvil that is there

It prints what to set in a shell so that `assay job submit` works. anvil comes with the contracts' tools (npm install
--no-save in bridge-contracts), or is on PATH, or is named by ASSAY_ANVIL.";

const DEMO_EXAMPLES: &str = "\
Examples:
  assay devnet demo                 the whole story, about two minutes, then exit code 0
  assay devnet demo --json          the same as data, at the end

A job goes from its request to final and its output is proven to a contract; an executor that lies is found by running
its result again, brought down to one step that L1 executes, and loses its stake; the job is run again and is final.";

/// What the client's key is given.
const CLIENT_ETHER: u64 = 100;

/// Devnets.
#[derive(Subcommand)]
pub enum Command {
    /// Run everything on this machine, until Ctrl-C
    #[command(after_help = UP_EXAMPLES)]
    Up(Up),
    /// Tell the whole story on a devnet of its own, then end
    #[command(after_help = DEMO_EXAMPLES)]
    Demo(Demo),
}

impl Command {
    /// Whether the answer is wanted as JSON.
    pub fn json(&self) -> bool {
        match self {
            Self::Up(arguments) => arguments.json,
            Self::Demo(arguments) => arguments.json,
        }
    }
}

/// The command line of `assay devnet up`.
#[derive(clap::Args)]
pub struct Up {
    /// Executors that lie, at most 4
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(..=DISHONEST_MAX as i64))]
    dishonest: u8,
    /// `anvil` starts one; a URL names a development node that is there
    #[arg(long, value_name = "anvil|URL", default_value = "anvil")]
    l1: String,
    /// anvil's port
    #[arg(long, value_name = "PORT", default_value_t = 8545)]
    l1_port: u16,
    /// The sequencer's port
    #[arg(long, value_name = "PORT", default_value_t = 8651)]
    port: u16,
    /// The first of the ports for health and metrics: sequencer, executors, challenger, liars
    #[arg(long, value_name = "PORT", default_value_t = 8700)]
    telemetry: u16,
    /// Keep everything in this folder, which must be new [default: a folder that goes away at the end]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// What is logged: a level, or target=level with commas
    #[arg(long, value_name = "FILTER", env = "ASSAY_LOG", default_value = "warn")]
    log: String,
    /// Print where everything is as JSON, once it is ready
    #[arg(long)]
    json: bool,
}

/// The command line of `assay devnet demo`.
#[derive(clap::Args)]
pub struct Demo {
    /// Keep everything in this folder, which must be new [default: a folder that goes away at the end]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// What is logged beside the story: a level, or target=level with commas
    #[arg(long, value_name = "FILTER", env = "ASSAY_LOG", default_value = "off")]
    log: String,
    /// Print the story as JSON, at its end
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct DemoReport<'a> {
    ok: bool,
    seconds: f64,
    error: Option<String>,
    lines: &'a [Line],
}

#[derive(Serialize)]
struct UpReport {
    l1: String,
    sequencer: String,
    deployment: String,
    keystore: String,
    password_file: String,
    client: String,
    accounts: Vec<AccountReport>,
    telemetry: Vec<TelemetryReport>,
}

#[derive(Serialize)]
struct AccountReport {
    name: String,
    address: String,
}

/// Where a role serves `/healthz`, `/readyz` and `/metrics`.
#[derive(Serialize)]
struct TelemetryReport {
    name: String,
    url: String,
}

/// Runs the command.
pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Up(arguments) => up(arguments),
        Command::Demo(arguments) => tell(arguments),
    }
}

/// The folder that was named, or one that goes away.
fn folder(given: Option<&Path>) -> Result<(PathBuf, Option<tempfile::TempDir>)> {
    match given {
        Some(path) if path.exists() && path.read_dir().is_ok_and(|mut entries| entries.next().is_some()) => {
            bail!("{} is not empty: a devnet begins anew, name another folder", path.display())
        }
        Some(path) => Ok((path.to_owned(), None)),
        None => {
            let folder =
                tempfile::Builder::new().prefix("assay-devnet-").tempdir().wrap_err("no folder for the devnet")?;
            Ok((folder.path().to_owned(), Some(folder)))
        }
    }
}

fn tell(arguments: &Demo) -> Result<()> {
    logs(LogFormat::Human, &arguments.log)?;
    let (data, kept) = folder(arguments.data.as_deref())?;
    let config = DevnetConfig { site: Site::Anvil { port: 0 }, dishonest: 1, port: 0, telemetry: None, data };
    let mut teller = Teller::new(arguments.json);
    let told = block_on(async {
        tokio::select! {
            told = demo::run(config, &mut teller) => told,
            () = interrupted() => bail!(crate::failure::Failure::Interrupted),
        }
    });
    drop(kept);
    if arguments.json {
        let error = told.as_ref().err().map(|error| format!("{error:#}"));
        console::print_json(&DemoReport { ok: told.is_ok(), seconds: teller.seconds(), error, lines: teller.lines() })?;
    } else if told.is_ok() {
        console::print(&format!("\nAll of it in {:.0} seconds.\n", teller.seconds()))?;
    }
    told
}

/// Says which port is taken before anything is started.
fn free_ports(arguments: &Up) -> Result<()> {
    // The sequencer, two executors and the challenger, then liars.
    let telemetry = (0..4 + u16::from(arguments.dishonest)).map(|number| arguments.telemetry.saturating_add(number));
    let telemetry = telemetry.filter(|_| arguments.telemetry != 0).map(|port| ("--telemetry", port));
    let l1 = (arguments.l1 == "anvil").then_some(("--l1-port", arguments.l1_port));
    for (flag, port) in l1.into_iter().chain([("--port", arguments.port)]).chain(telemetry) {
        TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .wrap_err_with(|| format!("can't listen on port {port}; {flag} names another, 0 takes a free one"))?;
    }
    Ok(())
}

fn up(arguments: &Up) -> Result<()> {
    logs(LogFormat::Human, &arguments.log)?;
    let (data, kept) = folder(arguments.data.as_deref())?;
    let site = match arguments.l1.as_str() {
        "anvil" => Site::Anvil { port: arguments.l1_port },
        url => Site::Node { url: url.to_owned() },
    };
    free_ports(arguments)?;
    let (dishonest, port) = (usize::from(arguments.dishonest), arguments.port);
    let config = DevnetConfig { site, dishonest, port, telemetry: Some(arguments.telemetry), data: data.clone() };
    let mut teller = Teller::new(arguments.json);
    let ended = block_on(async {
        let started = async {
            let mut devnet = Devnet::start(config, &mut teller).await?;
            let kinds = [Corruption::WrongState, Corruption::WrongOutput, Corruption::WrongFuel, Corruption::Silent];
            for (number, kind) in kinds.into_iter().enumerate().take(dishonest) {
                devnet.add_liar(number, kind, 1000).await?;
            }
            let report = client(&devnet, &data).await?;
            Ok::<_, eyre::Report>((devnet, report))
        };
        let (devnet, report) = tokio::select! {
            started = started => started?,
            () = interrupted() => bail!(crate::failure::Failure::Interrupted),
        };
        if arguments.json {
            console::print_json(&report)?
        } else {
            console::print(&text(&report))?
        }
        let died = watch(&devnet).await;
        let stopped = devnet.stop().await;
        match died {
            Some(role) => Err(stopped.err().unwrap_or_else(|| eyre::eyre!("the {role} has ended by itself"))),
            None => stopped,
        }
    });
    drop(kept);
    ended
}

/// Waits for a signal, or for a role that ends by itself.
async fn watch(devnet: &Devnet) -> Option<String> {
    let interrupted = interrupted();
    tokio::pin!(interrupted);
    loop {
        tokio::select! {
            () = &mut interrupted => return None,
            () = tokio::time::sleep(std::time::Duration::from_millis(500)) => {
                if let Some(role) = devnet.ended() {
                    return Some(role.to_owned());
                }
            }
        }
    }
}

/// Ctrl-C or SIGTERM. The roles hear them too, and stop by themselves.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// A client's key with money, and where everything is.
async fn client(devnet: &Devnet, data: &Path) -> Result<UpReport> {
    let password_file = data.join("client.password");
    std::fs::write(&password_file, "devnet\n").wrap_err("can't write the client's password")?;
    let (wallet, keystore) = Wallet::create(&data.join("keys"), &Password::File(password_file.clone()))?;
    devnet.fund(wallet.address(), U256::from(CLIENT_ETHER) * U256::from(10).pow(U256::from(18))).await?;
    let accounts = devnet.parties.all();
    let accounts =
        accounts.map(|party| AccountReport { name: party.name.clone(), address: party.address().to_string() });
    let telemetry =
        devnet.telemetry().map(|(name, at)| TelemetryReport { name: name.to_owned(), url: format!("http://{at}") });
    Ok(UpReport {
        l1: devnet.ground.l1.clone(),
        sequencer: devnet.sequencer(),
        deployment: devnet.ground.deployment_file.display().to_string(),
        keystore: keystore.display().to_string(),
        password_file: password_file.display().to_string(),
        client: wallet.address().to_string(),
        accounts: accounts.collect(),
        telemetry: telemetry.collect(),
    })
}

fn text(report: &UpReport) -> String {
    let mut text = String::from("\nAccounts, with anvil's keys, which everybody knows:\n\n");
    for account in &report.accounts {
        text += &format!("  {:<24} {}\n", account.name, account.address);
    }
    text += &format!(
        "\nIn another shell:\n\n  export ASSAY__L1__URL={}\n  export ASSAY__DEPLOYMENT={}\n  export ASSAY__SEQUENCER={}\n  export ASSAY__KEYSTORE={}\n  export ASSAY__PASSWORD_FILE={}\n\n",
        report.l1, report.deployment, report.sequencer, report.keystore, report.password_file
    );
    text += "  assay job submit jobs/wasm/csv.wasm --input jobs/inputs/csv.csv --wait soft\n  assay dispute list\n\n";
    text += "Metrics:\n\n";
    for role in &report.telemetry {
        text += &format!("  {:<24} {}/metrics\n", role.name, role.url);
    }
    text += "\nCtrl-C ends all of it.\n";
    text
}

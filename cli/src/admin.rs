//! `assay admin`: what a sequencer's operator asks of it while it runs.
//!
//! Owns the command lines. The token is made here from the sequencer's secret, which never leaves the file otherwise.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use assay_client::{AdminClient, AdminStatus};
use assay_node::config::Sources;
use assay_sequencer::Secret;
use clap::Subcommand;
use eyre::{Result, bail};
use serde::{Deserialize, Serialize};

use crate::console;
use crate::failure::{Failure, of_server};
use crate::l1::{block_on, variables};
use crate::report::grouped;

/// What `assay admin --help` teaches.
pub const EXAMPLES: &str = "\
Examples:
  assay admin status --config sequencer.toml                    by the sequencer's own configuration
  assay admin pause --admin http://127.0.0.1:8652 --secret /var/lib/assay/sequencer/admin.secret

Where the port is comes from --admin, or from listen.admin of the sequencer's configuration and environment, or is
127.0.0.1:8652; the secret's file from --secret, listen.admin_secret, or admin.secret in the folder `data`.

Exit codes: 0 done, 1 failed, 2 usage, 5 the sequencer refuses, 6 it can't be reached.";

/// What to ask of a sequencer.
#[derive(Subcommand)]
pub enum Command {
    /// Print what it has to do, and whether it takes tasks
    #[command(after_help = EXAMPLES)]
    Status(Arguments),
    /// Take no tasks any more; what is there is worked on
    #[command(after_help = EXAMPLES)]
    Pause(Arguments),
    /// Take tasks again
    #[command(after_help = EXAMPLES)]
    Resume(Arguments),
    /// Make a batch of the results that wait, now
    #[command(after_help = EXAMPLES)]
    PostNow(Arguments),
}

/// Which sequencer, and by which secret.
#[derive(clap::Args)]
pub struct Arguments {
    /// The admin port: http or https
    #[arg(long, value_name = "URL", help_heading = "Where")]
    admin: Option<String>,
    /// The file of the admin's secret, 32 bytes in hex, which the sequencer has made
    #[arg(long, value_name = "FILE", help_heading = "Where")]
    secret: Option<PathBuf>,
    /// The sequencer's configuration, TOML
    #[arg(long, value_name = "FILE", help_heading = "Where")]
    config: Option<PathBuf>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

/// What of a sequencer's configuration matters here.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Configured {
    data: Option<PathBuf>,
    listen: Listen,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Listen {
    admin: Option<String>,
    admin_secret: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    intake: String,
    is_paused: bool,
    tasks: u64,
    queued: u64,
    running: u64,
    ready: u64,
    executors: u64,
    next_sequence: u64,
    next_batch: u64,
    l1_block: Option<u64>,
}

impl Command {
    fn arguments(&self) -> &Arguments {
        match self {
            Self::Status(arguments) | Self::Pause(arguments) | Self::Resume(arguments) | Self::PostNow(arguments) => {
                arguments
            }
        }
    }

    /// Whether the answer is wanted as JSON.
    pub fn json(&self) -> bool {
        self.arguments().json
    }
}

/// Runs the command. Each ends with how the sequencer stands.
pub fn run(command: &Command) -> Result<()> {
    let arguments = command.arguments();
    let client = client(arguments)?;
    let status = block_on(async {
        let asked = async {
            match command {
                Command::Status(_) => {}
                Command::Pause(_) => client.pause().await?,
                Command::Resume(_) => client.resume().await?,
                Command::PostNow(_) => client.post_now().await?,
            }
            client.status().await
        };
        asked.await.map_err(|error| of_server(error, "admin port of a sequencer"))
    })?;
    if arguments.json { console::print_json(&report(&status)) } else { console::print(&text(&status)) }
}

fn client(arguments: &Arguments) -> Result<AdminClient> {
    let sources = match &arguments.config {
        Some(path) => Sources::new().file(path)?,
        None => Sources::new(),
    };
    let configured: Configured = sources.environment("ASSAY", variables())?.load()?;
    let beside = configured.data.map(|data| data.join("admin.secret"));
    let path = arguments.secret.clone().or(configured.listen.admin_secret).or(beside);
    let path = path.ok_or_else(|| {
        Failure::Usage("no secret: name its file by --secret, or the configuration by --config".into())
    })?;
    let address = arguments.admin.clone().or(configured.listen.admin).unwrap_or_else(|| "127.0.0.1:8652".into());
    let address = if address.contains("://") { address } else { format!("http://{address}") };
    Ok(AdminClient::new(&address, &token(&path)?)?)
}

/// A token of now. Only the sequencer makes a secret.
fn token(path: &Path) -> Result<String> {
    if !path.exists() {
        bail!("there is no secret at {}: the sequencer makes it when it starts", path.display());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Ok(Secret::open(path)?.token(now))
}

fn report(status: &AdminStatus) -> Report {
    Report {
        intake: status.intake.clone(),
        is_paused: status.is_paused,
        tasks: status.tasks,
        queued: status.queued,
        running: status.running,
        ready: status.ready,
        executors: status.executors,
        next_sequence: status.next_sequence,
        next_batch: status.next_batch,
        l1_block: status.l1_block,
    }
}

fn text(status: &AdminStatus) -> String {
    let mut text = format!("  {:<14} {}\n", "intake", status.intake);
    let mut line = |name: &str, value: u64| text += &format!("  {name:<14} {}\n", grouped(value));
    line("tasks", status.tasks);
    line("queued", status.queued);
    line("running", status.running);
    line("unposted", status.ready);
    line("executors", status.executors);
    line("next task", status.next_sequence);
    line("next batch", status.next_batch);
    match status.l1_block {
        Some(block) => line("L1 block", block),
        None => text += &format!("  {:<14} being read\n", "L1"),
    }
    text
}

//! `assay job`: jobs on a sequencer, from a request to a proof on L1.
//!
//! Owns the command lines. A job on a sequencer is a task, and is named by the hash of its signed request.

mod consumer;
mod follow;
mod new;
mod prove;
mod submit;

use std::path::Path;
use std::str::FromStr;

use alloy_primitives::B256;
use assay_client::{AssayApi, BlobClient, ClientError, connect};
use assay_protocol::rpc::{StatusView, TaskState};
use clap::{Subcommand, ValueEnum};
use eyre::{Result, bail, ensure};
use serde::Deserialize;

use crate::failure::{Failure, of_server};
use crate::l1::Connection;

/// What to do with jobs on a sequencer.
#[derive(Subcommand)]
pub enum Command {
    /// Hand in a job, and wait for as much certainty as wanted
    #[command(after_help = submit::EXAMPLES)]
    Submit(submit::Arguments),
    /// Print how far a task has come
    #[command(after_help = "Example:\n  assay job status 0x5a… --json")]
    Status(follow::Status),
    /// Fetch a task's output, checked against its result
    #[command(after_help = "Examples:\n  assay job output 0x5a…\n  assay job output 0x5a… --output result.bin")]
    Output(follow::Output),
    /// Fetch the proof of a task's result, ask L1 what it makes of it, and hand it to a contract
    #[command(after_help = prove::EXAMPLES)]
    Prove(prove::Arguments),
    /// Deploy a contract that acts on final results of a program
    #[command(after_help = consumer::EXAMPLES)]
    Consumer(consumer::Arguments),
    /// Write a new project: a job in Rust, with its commands
    #[command(after_help = "Example:\n  assay job new wordcount && cd wordcount && cat README.md")]
    New(new::Arguments),
}

impl Command {
    /// Whether the answer is wanted as JSON.
    pub fn json(&self) -> bool {
        match self {
            Self::Submit(arguments) => arguments.json,
            Self::Status(arguments) => arguments.json,
            Self::Output(arguments) => arguments.json,
            Self::Prove(arguments) => arguments.json,
            Self::Consumer(arguments) => arguments.json,
            Self::New(arguments) => arguments.json,
        }
    }
}

/// Runs the command.
pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Submit(arguments) => submit::run(arguments),
        Command::Status(arguments) => follow::status(arguments),
        Command::Output(arguments) => follow::output(arguments),
        Command::Prove(arguments) => prove::run(arguments),
        Command::Consumer(arguments) => consumer::run(arguments),
        Command::New(arguments) => new::run(arguments),
    }
}

/// How certain a result is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Certainty {
    /// A signed result is here, on the executor's word and stake: milliseconds
    Soft,
    /// It is on L1, where it can be challenged: seconds
    Batch,
    /// It stands for ever: the deployment's window. One whose input is not on L1 ends attested, and no contract acts on it
    Final,
}

/// Which sequencer.
#[derive(clap::Args, Clone, Debug)]
pub struct Sequencer {
    /// The sequencer: http or https
    #[arg(long, value_name = "URL", help_heading = "Where")]
    sequencer: Option<String>,
    #[command(flatten)]
    pub l1: Connection,
}

#[derive(Deserialize)]
struct Named {
    sequencer: String,
}

/// A sequencer that answers.
pub struct Open<A> {
    pub api: A,
    pub blobs: BlobClient,
    pub status: StatusView,
}

impl Sequencer {
    /// Connects. If a deployment is named too, the sequencer must be one of it.
    pub async fn open(&self) -> Result<Open<impl AssayApi + use<>>> {
        let sources = self.l1.sources()?.flag("--sequencer", "sequencer", self.sequencer.clone())?;
        let Named { sequencer } = sources.load()?;
        let (api, blobs) = (connect(&sequencer)?, BlobClient::new(&sequencer)?);
        let status = api.status().await.map_err(|error| of_server(error, "sequencer of Assay"))?;
        if let Some(deployment) = self.l1.maybe_deployment()? {
            let (got, wanted) = (status.batches_contract, deployment.contracts.batches);
            ensure!(
                got == wanted && status.chain_id == deployment.chain_id,
                "the sequencer posts to {got} on chain {}, the deployment has {wanted} on chain {}",
                status.chain_id,
                deployment.chain_id
            );
        }
        Ok(Open { api, blobs, status })
    }
}

/// A task's id on the command line.
#[derive(Clone, Copy, Debug)]
pub struct TaskId(pub B256);

impl FromStr for TaskId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| "a task's id is 0x and 64 hex digits".into())
    }
}

/// The state's name in JSON and for people.
pub fn state_name(state: TaskState) -> &'static str {
    match state {
        TaskState::Queued => "queued",
        TaskState::Running => "running",
        TaskState::Executed => "executed",
        TaskState::Posted => "posted",
        TaskState::Challenged => "challenged",
        TaskState::Expired => "expired",
        TaskState::Attested => "attested",
        TaskState::Final => "final",
    }
}

/// The task as the sequencer has it.
async fn known<A: AssayApi>(open: &Open<A>, task: B256) -> Result<assay_protocol::rpc::TaskView> {
    Ok(open.api.get_task(task).await?.ok_or(ClientError::UnknownTask { task })?)
}

/// The result of a task, or that there is none yet.
fn result_of(view: &assay_protocol::rpc::TaskView) -> Result<assay_protocol::objects::TaskResult> {
    match &view.result {
        Some(signed) => Ok(signed.result),
        None => bail!("task {} is {}: there is no result yet", view.task, state_name(view.state)),
    }
}

/// The id of a program on the command line; none where a module's file is named instead.
fn program_id(given: &Path) -> Result<Option<B256>> {
    if let Some(id) = given.to_str().and_then(|text| text.parse().ok()) {
        return Ok(Some(id));
    }
    if given.to_string_lossy().starts_with("0x") && !given.exists() {
        let why = format!("{} is neither a file nor a program's id, 0x and 64 hex digits", given.display());
        bail!(Failure::Usage(why));
    }
    Ok(None)
}

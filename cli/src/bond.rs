//! `assay bond`: the stakes behind executors and sequencers, their hot keys, and what contracts owe.
//!
//! Owns the command lines. Before anything is sent the call is tried, so that what a contract refuses costs nothing.

mod act;
mod status;

use std::str::FromStr;

use alloy_primitives::Address;
use assay_protocol::objects::Role;
use clap::{Subcommand, ValueEnum};
use eyre::Result;

use crate::l1::{Amount, Connection, KeyFlags, address};

const REGISTER_EXAMPLES: &str = "\
Examples:
  assay bond register --role executor                  with the least stake of the deployment
  assay bond register --role sequencer --amount 40eth

An account registers once in a role. The stake is behind everything that its keys sign, and is slashed for one lie.";

const WITHDRAW_EXAMPLES: &str = "\
Examples:
  assay bond withdraw                     what contracts owe, and every stake that is free
  assay bond withdraw --to 0x…            the same, to another account

A stake is free when its exit was announced, the time that `bond status` shows has come, and no game is open.";

/// What to do with stakes.
#[derive(Subcommand)]
pub enum Command {
    /// Print stakes, keys, open games, credits, and what is withdrawable when
    #[command(after_help = status::EXAMPLES)]
    Status(status::Arguments),
    /// Register in a role, with a stake
    #[command(after_help = REGISTER_EXAMPLES)]
    Register(Register),
    /// Add to a stake
    #[command(after_help = "Example:\n  assay bond deposit --role executor --amount 2eth")]
    Deposit(Deposit),
    /// Announce the end of a registration, after which the stake becomes withdrawable
    #[command(after_help = "Example:\n  assay bond exit --role executor")]
    Exit(OfRole),
    /// Withdraw what contracts owe, and every stake that is free
    #[command(after_help = WITHDRAW_EXAMPLES)]
    Withdraw(Withdraw),
    /// Let a hot key sign for the stake; `assay keys consent` makes its consent
    #[command(after_help = "Example:\n  assay bond authorise --role executor --key 0xHOT --consent 0x…")]
    Authorise(Authorise),
    /// Take a hot key back
    #[command(after_help = "Example:\n  assay bond revoke --role executor --key 0xHOT")]
    Revoke(Revoke),
}

impl Command {
    /// Whether the answer is wanted as JSON.
    pub fn json(&self) -> bool {
        match self {
            Self::Status(arguments) => arguments.json,
            Self::Register(arguments) => arguments.of.json,
            Self::Deposit(arguments) => arguments.of.json,
            Self::Exit(arguments) => arguments.json,
            Self::Withdraw(arguments) => arguments.json,
            Self::Authorise(arguments) => arguments.of.json,
            Self::Revoke(arguments) => arguments.of.json,
        }
    }
}

/// A role, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RoleName {
    /// Stands behind results.
    Executor,
    /// Stands behind batches.
    Sequencer,
}

impl RoleName {
    /// The role.
    pub fn role(self) -> Role {
        match self {
            Self::Executor => Role::Executor,
            Self::Sequencer => Role::Sequencer,
        }
    }

    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        role_name(self.role())
    }
}

/// A role's name.
pub fn role_name(role: Role) -> &'static str {
    match role {
        Role::Executor => "executor",
        Role::Sequencer => "sequencer",
    }
}

/// In which role, where, and with whose key.
#[derive(clap::Args)]
pub struct OfRole {
    /// In which role
    #[arg(long)]
    pub role: RoleName,
    #[command(flatten)]
    pub connection: Connection,
    #[command(flatten)]
    pub key: KeyFlags,
    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// The command line of `assay bond register`.
#[derive(clap::Args)]
pub struct Register {
    #[command(flatten)]
    pub of: OfRole,
    /// The stake: `8eth`, `5gwei`, `1wei`; ether without a unit [default: the least]
    #[arg(long, value_parser = Amount::from_str)]
    pub amount: Option<Amount>,
}

/// The command line of `assay bond deposit`.
#[derive(clap::Args)]
pub struct Deposit {
    #[command(flatten)]
    pub of: OfRole,
    /// What to add: `8eth`, `5gwei`, `1wei`; ether without a unit
    #[arg(long, value_parser = Amount::from_str)]
    pub amount: Amount,
}

/// The command line of `assay bond withdraw`.
#[derive(clap::Args)]
pub struct Withdraw {
    /// Who receives it [default: the key's account]
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub to: Option<Address>,
    #[command(flatten)]
    pub connection: Connection,
    #[command(flatten)]
    pub key: KeyFlags,
    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// The command line of `assay bond authorise`.
#[derive(clap::Args)]
pub struct Authorise {
    #[command(flatten)]
    pub of: OfRole,
    /// The hot key
    #[arg(long = "key", value_name = "ADDRESS", value_parser = address)]
    pub hot: Address,
    /// Its signature of the consent, as `assay keys consent` prints it
    #[arg(long, value_name = "HEX")]
    pub consent: String,
}

/// The command line of `assay bond revoke`.
#[derive(clap::Args)]
pub struct Revoke {
    #[command(flatten)]
    pub of: OfRole,
    /// The hot key
    #[arg(long = "key", value_name = "ADDRESS", value_parser = address)]
    pub hot: Address,
}

/// Runs the command.
pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Status(arguments) => status::run(arguments),
        Command::Register(arguments) => act::register(arguments),
        Command::Deposit(arguments) => act::deposit(arguments),
        Command::Exit(arguments) => act::exit(arguments),
        Command::Withdraw(arguments) => act::withdraw(arguments),
        Command::Authorise(arguments) => act::authorise(arguments),
        Command::Revoke(arguments) => act::revoke(arguments),
    }
}

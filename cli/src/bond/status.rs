//! `assay bond status`: what L1 says of an owner.

use std::fmt::Write;

use alloy_primitives::Address;
use assay_operator::stakes::{Hold, OwnerStatus, StakeStatus, least_stake, status};
use assay_operator::{L1, Snapshot};
use eyre::Result;
use serde::Serialize;

use super::{RoleName, role_name};
use crate::console;
use crate::failure::Failure;
use crate::l1::{Connection, KeyFlags, address, ago, block_on, ether, left};

/// What `assay bond status --help` teaches.
pub const EXAMPLES: &str = "\
Examples:
  assay bond status                              of the configured key's account
  assay bond status 0x7099…79C8 --role executor
  assay bond status --json | jq '.stakes[] | select(.is_registered)'";

/// The command line of `assay bond status`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Whose stakes [default: those of the key's account]
    #[arg(value_name = "ADDRESS", value_parser = address)]
    owner: Option<Address>,
    /// Only this role
    #[arg(long)]
    role: Option<RoleName>,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    key: KeyFlags,
    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Report {
    owner: Address,
    l1_block: u64,
    l1_time: u64,
    stakes: Vec<StakeReport>,
    games_as_executor: usize,
    games_as_challenger: usize,
    locked_wei: String,
    credits: Vec<CreditReport>,
}

#[derive(Serialize)]
struct StakeReport {
    role: &'static str,
    stake_wei: String,
    least_wei: String,
    is_registered: bool,
    registered_from: Option<u64>,
    registered_until: Option<u64>,
    convicted_at: Option<u64>,
    is_withdrawable: bool,
    withdrawable_from: Option<u64>,
    held_by: Option<&'static str>,
    keys: Vec<KeyReport>,
}

#[derive(Serialize)]
struct KeyReport {
    key: Address,
    from: u64,
    until: Option<u64>,
}

#[derive(Serialize)]
struct CreditReport {
    contract: &'static str,
    address: Address,
    owed_wei: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let owner = match arguments.owner {
        Some(owner) => owner,
        None => arguments
            .key
            .address(&arguments.connection)?
            .ok_or_else(|| Failure::Usage("whose? Name an address, or --keystore".into()))?,
    };
    let (l1, snapshot) = block_on(async {
        let l1 = arguments.connection.open().await?;
        let snapshot = Snapshot::take(&l1).await?;
        Ok((l1, snapshot))
    })?;
    let mut known = status(&l1, &snapshot, owner);
    let wanted = |stake: &StakeStatus| arguments.role.is_none_or(|role| role.role() == stake.role);
    if arguments.json {
        return console::print_json(&report(&l1, &snapshot, &known, wanted));
    }
    known.stakes.sort_by_key(|stake| stake.role);
    console::print(&text(&l1, &known, wanted))
}

fn report(l1: &L1, snapshot: &Snapshot, known: &OwnerStatus, wanted: impl Fn(&StakeStatus) -> bool) -> Report {
    let stakes = known.stakes.iter().filter(|stake| wanted(stake)).map(|stake| StakeReport {
        role: role_name(stake.role),
        stake_wei: stake.stake.to_string(),
        least_wei: least_stake(&l1.parameters, stake.role).to_string(),
        is_registered: stake.is_registered,
        registered_from: stake.from,
        registered_until: stake.until,
        convicted_at: stake.convicted_at,
        is_withdrawable: stake.hold == Hold::Free,
        withdrawable_from: match stake.hold {
            Hold::Until { time } => Some(time),
            _ => None,
        },
        held_by: match stake.hold {
            Hold::Free => None,
            Hold::NoStake => Some("no_stake"),
            Hold::NoExit => Some("no_exit"),
            Hold::Until { .. } => Some("time"),
            Hold::Games { .. } => Some("games"),
        },
        keys: stake.keys.iter().map(|key| KeyReport { key: key.key, from: key.from, until: key.until }).collect(),
    });
    let credits = known.credits.iter().map(|credit| CreditReport {
        contract: credit.name,
        address: credit.contract,
        owed_wei: credit.owed.to_string(),
    });
    Report {
        owner: known.owner,
        l1_block: snapshot.head.number,
        l1_time: known.time,
        stakes: stakes.collect(),
        games_as_executor: known.games.0,
        games_as_challenger: known.games.1,
        locked_wei: known.locked.to_string(),
        credits: credits.collect(),
    }
}

fn text(l1: &L1, known: &OwnerStatus, wanted: impl Fn(&StakeStatus) -> bool) -> String {
    let mut text = format!("{}\n", known.owner);
    let mut line = |name: &str, value: &str| writeln!(text, "  {name:<14} {value}").expect("a String takes everything");
    for stake in known.stakes.iter().filter(|stake| wanted(stake)) {
        let role = role_name(stake.role);
        let Some(from) = stake.from else {
            let least = ether(least_stake(&l1.parameters, stake.role));
            line(role, &format!("never registered; the least stake is {least}"));
            continue;
        };
        let registered = match (stake.is_registered, stake.until) {
            (true, None) => format!("registered {}", ago(from, known.time)),
            (true, Some(until)) => format!("registered for {} more", left(until - known.time)),
            (false, Some(until)) => format!("registration ended {}", ago(until, known.time)),
            (false, None) => "registered from the next block on".into(),
        };
        line(role, &format!("{}, {registered}", ether(stake.stake)));
        if let Some(at) = stake.convicted_at {
            line("", &format!("convicted {}", ago(at, known.time)));
        }
        if stake.hold != Hold::NoStake {
            line("", &hold(&stake.hold, known.time));
        }
        for key in &stake.keys {
            let until = match key.until {
                None => String::new(),
                Some(until) if until > known.time => format!(", revoked, signs for {} more", left(until - known.time)),
                Some(until) => format!(", revoked, ended {}", ago(until, known.time)),
            };
            line("", &format!("key {}{until}", key.key));
        }
    }
    let (executor, challenger) = known.games;
    line("open games", &format!("{executor} against it, {challenger} of its own, which lock {}", ether(known.locked)));
    for credit in known.credits.iter().filter(|credit| !credit.owed.is_zero()) {
        line("owed", &format!("{} by {}, withdrawable now", ether(credit.owed), credit.name));
    }
    if known.credits.iter().all(|credit| credit.owed.is_zero()) {
        line("owed", "nothing");
    }
    text
}

/// What keeps a stake, in words.
pub(super) fn hold(hold: &Hold, now: u64) -> String {
    match hold {
        Hold::Free => "withdrawable now".into(),
        Hold::NoStake => "there is no stake".into(),
        Hold::NoExit => "not withdrawable: no exit is announced".into(),
        Hold::Until { time } => format!("withdrawable {}", ago(*time, now)),
        Hold::Games { count } => format!("not withdrawable: {count} games against it are open"),
    }
}

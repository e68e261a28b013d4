//! The commands of `assay bond` that send a transaction.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use assay_node::keys::Wallet;
use assay_operator::stakes::{Hold, least_stake, status};
use assay_operator::{L1, Mined, Snapshot, call};
use assay_protocol::contracts::{Bonds, Court};
use eyre::{Result, bail};
use serde::Serialize;

use super::{Authorise, Deposit, OfRole, Register, Revoke, Withdraw, role_name};
use crate::console;
use crate::failure::Failure;
use crate::l1::{block_on, ether, left};
use crate::report::grouped;

#[derive(Serialize)]
struct MinedReport {
    what: String,
    transaction: String,
    block: u64,
    gas: u64,
    cost_wei: String,
    amount_wei: Option<String>,
}

#[derive(Serialize)]
struct Report {
    account: Address,
    transactions: Vec<MinedReport>,
}

/// Sends one call to the contract of stakes, and tells what came of it.
fn act<C: SolCall>(
    of: &OfRole,
    what: &'static str,
    value: impl FnOnce(&L1) -> U256,
    wanted: C,
    after: impl FnOnce(&L1) -> String,
) -> Result<()> {
    let wallet = of.key.open(&of.connection)?;
    block_on(async {
        let l1 = of.connection.open().await?;
        let value = value(&l1);
        let mined = send(&l1, &wallet, what, l1.deployment.contracts.bonds, value, &wanted).await?;
        let done =
            report(format!("{what} as {}", of.role.name()), &mined, Some(value).filter(|value| !value.is_zero()));
        tell(wallet.address(), vec![done], &after(&l1), of.json)
    })
}

async fn send<C: SolCall>(
    l1: &L1,
    wallet: &Wallet,
    what: &'static str,
    to: Address,
    value: U256,
    wanted: &C,
) -> Result<Mined> {
    console::note(&format!("asking L1 to {what} …\n"));
    Ok(call(l1, wallet, what, to, value, wanted).await?)
}

pub(super) fn register(arguments: &Register) -> Result<()> {
    let role = arguments.of.role.role();
    let value =
        |l1: &L1| arguments.amount.map_or_else(|| least_stake(&l1.parameters, role), |amount| U256::from(amount.0));
    let wanted = Bonds::registerCall { role: role as u8 };
    act(&arguments.of, "register", value, wanted, |_| "registered from this block on".into())
}

pub(super) fn deposit(arguments: &Deposit) -> Result<()> {
    let amount = U256::from(arguments.amount.0);
    if amount.is_zero() {
        bail!(Failure::Usage("nothing to add to the stake: --amount is zero".into()));
    }
    let wanted = Bonds::depositCall { role: arguments.of.role.role() as u8 };
    act(&arguments.of, "add to the stake", |_| amount, wanted, |_| String::new())
}

pub(super) fn exit(arguments: &OfRole) -> Result<()> {
    let wanted = Bonds::exitCall { role: arguments.role.role() as u8 };
    act(
        arguments,
        "announce the exit",
        |_| U256::ZERO,
        wanted,
        |l1| {
            let notice = l1.parameters.notice_period;
            let delay = assay_operator::stakes::withdrawal_delay(&l1.parameters);
            format!("registered for {} more; the stake is free {} after that", left(notice), left(delay))
        },
    )
}

pub(super) fn authorise(arguments: &Authorise) -> Result<()> {
    let digits = arguments.consent.strip_prefix("0x").unwrap_or(&arguments.consent);
    let consent = hex::decode(digits).map_err(|error| Failure::Usage(format!("--consent is no hex: {error}")))?;
    if consent.len() != 65 {
        let why = format!("--consent has {} bytes, wanted the 65 that `assay keys consent` prints", consent.len());
        bail!(Failure::Usage(why));
    }
    let role = arguments.of.role.role() as u8;
    let wanted = Bonds::authoriseCall { role, key: arguments.hot, consent: Bytes::from(consent) };
    act(&arguments.of, "authorise the key", |_| U256::ZERO, wanted, |_| "it signs from this block on".into())
}

pub(super) fn revoke(arguments: &Revoke) -> Result<()> {
    let wanted = Bonds::revokeCall { role: arguments.of.role.role() as u8, key: arguments.hot };
    act(
        &arguments.of,
        "revoke the key",
        |_| U256::ZERO,
        wanted,
        |l1| format!("what it signs counts for {} more", left(l1.parameters.notice_period)),
    )
}

pub(super) fn withdraw(arguments: &Withdraw) -> Result<()> {
    let wallet = arguments.key.open(&arguments.connection)?;
    let to = arguments.to.unwrap_or_else(|| wallet.address());
    block_on(async {
        let l1 = arguments.connection.open().await?;
        let known = status(&l1, &Snapshot::take(&l1).await?, wallet.address());
        let mut done = Vec::new();
        // The three contracts pay credits by the same call.
        for credit in known.credits.iter().filter(|credit| !credit.owed.is_zero()) {
            let wanted = Court::withdrawCall { to };
            let mined = send(&l1, &wallet, "pay what is owed", credit.contract, U256::ZERO, &wanted).await?;
            done.push(report(format!("withdraw credit of {}", credit.name), &mined, Some(credit.owed)));
        }
        let mut held = Vec::new();
        for stake in known.stakes {
            match stake.hold {
                Hold::Free => {
                    let wanted = Bonds::withdrawStakeCall { role: stake.role as u8, to };
                    let bonds = l1.deployment.contracts.bonds;
                    let mined = send(&l1, &wallet, "pay the stake back", bonds, U256::ZERO, &wanted).await?;
                    let what = format!("withdraw stake as {}", role_name(stake.role));
                    done.push(report(what, &mined, Some(stake.stake)));
                }
                Hold::NoStake => {}
                hold => {
                    held.push(format!("stake as {}: {}", role_name(stake.role), super::status::hold(&hold, known.time)))
                }
            }
        }
        if done.is_empty() {
            let why = if held.is_empty() { "nothing is owed and nothing staked".into() } else { held.join("; ") };
            bail!("nothing is withdrawable by {}: {why}", wallet.address());
        }
        tell(wallet.address(), done, &held.join("\n"), arguments.json)
    })
}

fn report(what: String, mined: &Mined, amount: Option<U256>) -> MinedReport {
    MinedReport {
        what,
        transaction: mined.transaction.to_string(),
        block: mined.block,
        gas: mined.gas,
        cost_wei: mined.cost.to_string(),
        amount_wei: amount.map(|amount| amount.to_string()),
    }
}

fn tell(account: Address, transactions: Vec<MinedReport>, after: &str, json: bool) -> Result<()> {
    if json {
        return console::print_json(&Report { account, transactions });
    }
    let mut text = String::new();
    for done in &transactions {
        let amount = done.amount_wei.as_deref().and_then(|wei| wei.parse().ok()).map(ether);
        let amount = amount.map_or(String::new(), |amount| format!(": {amount}"));
        text += &format!("{}{amount}\n", done.what);
        text += &format!("  transaction {} in block {}, {} gas\n", done.transaction, done.block, grouped(done.gas));
    }
    if !after.is_empty() {
        text += &format!("{after}\n");
    }
    console::print(&text)
}

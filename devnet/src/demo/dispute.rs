//! The dispute, move by move, as L1 shows it.

use std::time::{Duration, Instant};

use alloy_primitives::utils::format_ether;
use alloy_primitives::{Address, B256, U256};
use assay_dispute::game::Side;
use assay_operator::games::{Event, Stage, What, all, history};
use assay_operator::{Snapshot, grouped};
use assay_protocol::contracts::Bonds;
use assay_protocol::objects::Role;
use eyre::{Result, ensure};
use serde_json::{Value, json};

use crate::consumer::gas_of;
use crate::net::Devnet;
use crate::teller::Teller;

/// How long a game may take: both clocks, and a margin.
const OVER_WITHIN: Duration = Duration::from_secs(180);
/// Pauses between looks at L1.
const PAUSE: Duration = Duration::from_millis(400);

/// Follows the first game against an executor from its commitment to the challenger's reward.
pub async fn follow(devnet: &Devnet, liar: Address, task: B256, teller: &mut Teller) -> Result<()> {
    let deadline = Instant::now() + OVER_WITHIN;
    let (mut game, mut told) = (None, 0);
    loop {
        ensure!(Instant::now() < deadline, "the game about task {task} is not over after {} s", OVER_WITHIN.as_secs());
        if let Some(role) = devnet.ended() {
            eyre::bail!("the {role} has ended");
        }
        let snapshot = Snapshot::take(&devnet.l1).await?;
        let games = all(&snapshot);
        let against: Vec<_> = games.iter().filter(|game| game.executor == liar).collect();
        if game.is_none() {
            game = against.iter().min_by_key(|game| (game.committed_at, game.id)).map(|game| game.id);
        }
        let Some(id) = game else {
            teller.progress("waiting for the batch, and for the challenger to run it again …");
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let events = history(&devnet.l1, &snapshot, id);
        for (number, event) in events.iter().enumerate().skip(told) {
            tell(devnet, number + 1, event, teller).await?;
            told += 1;
        }
        let stage = games.iter().find(|game| game.id == id).map(|game| game.stage);
        match stage {
            Some(Stage::Settled) => return slashed(devnet, &snapshot, liar, teller),
            Some(Stage::Lost) => eyre::bail!("the challenger has lost game {id}"),
            _ => teller.progress("the other side computes its answer …"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn tell(devnet: &Devnet, number: usize, event: &Event, teller: &mut Teller) -> Result<()> {
    let gas = gas_of(&devnet.l1, event.transaction).await?;
    let who = match event.by {
        Some(Side::Challenger) => "challenger",
        Some(Side::Executor) => "executor",
        None => "L1",
    };
    let (text, facts) = words(&event.what);
    teller.tell(
        "move",
        format!("{number}. {who:<10} {text}"),
        json!({ "number": number, "by": who, "block": event.block, "transaction": event.transaction, "gas": gas, "what": facts }),
    );
    teller.more(&format!("   block {}, {} gas, transaction {}", event.block, grouped(gas), event.transaction));
    Ok(())
}

fn words(what: &What) -> (String, Value) {
    match what {
        What::Committed { bond } => (
            format!("locks {} ETH: this result is wrong", ether(*bond)),
            json!({ "kind": "committed", "bond_wei": bond.to_string() }),
        ),
        What::Dissected { start, steps, hashes } => (
            format!("shows {hashes} states among {} steps from step {}", grouped(*steps), grouped(*start)),
            json!({ "kind": "dissected", "start": start, "steps": steps, "hashes": hashes }),
        ),
        What::Stepped { step, outcome } => (
            format!(
                "executes step {}, and nothing but this step: it leads to state {}…",
                grouped(*step),
                &outcome.to_string()[..18]
            ),
            json!({ "kind": "stepped", "step": step, "outcome": outcome }),
        ),
        What::ChallengeLost { to_executor, burned } => (
            "the challenge is lost".into(),
            json!({ "kind": "challenge_lost", "to_executor_wei": to_executor.to_string(), "burned_wei": burned.to_string() }),
        ),
        What::Convicted { pot, winners } => (
            format!("convicts the executor: its stake is gone, {} ETH of it are for challengers", ether(*pot)),
            json!({ "kind": "convicted", "pot_wei": pot.to_string(), "winners": winners.to_string() }),
        ),
        What::Settled { bond, reward } => (
            format!("credits the challenger its bond of {} ETH, and {} ETH", ether(*bond), ether(*reward)),
            json!({ "kind": "settled", "bond_wei": bond.to_string(), "reward_wei": reward.to_string() }),
        ),
    }
}

/// What is left of the liar's stake: nothing, or the story is wrong.
fn slashed(devnet: &Devnet, snapshot: &Snapshot, liar: Address, teller: &mut Teller) -> Result<()> {
    let stakes = snapshot.view.stakes();
    let left = stakes.registration(Role::Executor, liar).map(|registration| registration.stake);
    ensure!(left == Some(U256::ZERO), "the stake of {liar} is {left:?}, wanted none");
    let bonds = devnet.l1.deployment.contracts.bonds;
    let slashed = snapshot.events::<Bonds::Slashed>(bonds).find(|(_, event)| event.owner == liar);
    let (stake, burned) = slashed.map(|(_, event)| (event.stake, event.burned)).unwrap_or_default();
    teller.tell(
        "slashed",
        format!(
            "{}'s stake of {} ETH is slashed, {} ETH of it burned",
            devnet.parties.name_of(liar),
            ether(stake),
            ether(burned)
        ),
        json!({ "executor": liar, "stake_wei": stake.to_string(), "burned_wei": burned.to_string() }),
    );
    Ok(())
}

fn ether(wei: U256) -> String {
    let text = format_ether(wei);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

//! What an honest player may be out of pocket: what its own transactions cost beyond the schedule, and nothing else.
//!
//! Owns the schedule as chapter 14 prints it, read from there. It looks at what a player sent and paid, never at what the court
//! says that it owes.

use std::collections::{BTreeMap, BTreeSet};

use alloy_sol_types::{SolEvent, SolInterface};
use assay_dispute::game::Side;
use assay_dispute::player::Board;
use assay_protocol::Address;
use assay_protocol::contracts::Court::{Convicted, CourtCalls};
use assay_protocol::presets::Parameters;
use revm::primitives::U256;

use crate::actor::Actor;
use crate::ledger::price;
use crate::stage::Stage;
use crate::world::{Block, Transaction};

const CHAPTER: &str = include_str!("../../../specs/14-bonds.md");

/// What a player's transactions have cost it, in wei.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outlay {
    /// Beyond the schedule, each transaction by itself.
    pub shortfall: U256,
    /// Of transactions that the schedule gives nothing: refused ones, settlements, exits.
    pub unscheduled: U256,
}

impl Outlay {
    /// Adds a transaction of a player on a side, at the price of a unit.
    pub fn add(&mut self, side: Side, sent: &Transaction, price: U256) {
        let units = if sent.is_taken { units(side, &sent.data) } else { 0 };
        self.shortfall += sent.cost.saturating_sub(U256::from(units) * price);
        if units == 0 {
            self.unscheduled += sent.cost;
        }
    }
}

/// What the transactions of each player have cost it.
#[must_use]
pub fn outlays(blocks: &[Block], actors: &[Actor], parameters: &Parameters) -> BTreeMap<Address, Outlay> {
    let of = |actor: &Actor| {
        let mut outlay = Outlay::default();
        for block in blocks {
            let price = price(block, parameters);
            let sent = block.transactions.iter().filter(|sent| actor.sends(sent.from));
            sent.for_each(|sent| outlay.add(actor.side, sent, price));
        }
        outlay
    };
    actors.iter().map(|actor| (actor.address(), of(actor))).collect()
}

/// The challengers whose games have convicted somebody.
#[must_use]
pub fn winners(stage: &Stage, board: &Board) -> BTreeSet<Address> {
    let logs = stage.world.blocks().iter().flat_map(Block::logs).filter(|log| log.address == stage.deployment.court);
    let convicting = logs.filter_map(|log| Some(Convicted::decode_log(log).ok()?.game));
    convicting.filter_map(|game| Some(board.game(game)?.challenge.challenger)).collect()
}

/// Units of a call of the court that was taken; none for what the schedule does not list. A timeout that an honest player has
/// called is one that it has won.
fn units(side: Side, data: &[u8]) -> u64 {
    let Ok(call) = CourtCalls::abi_decode(data) else { return 0 };
    match call {
        CourtCalls::commit(_) => scheduled("commitment", side, 0),
        CourtCalls::reveal(call) => scheduled("reveal", side, call.hashes.len() as u64),
        CourtCalls::r#move(call) => scheduled("dissection", side, call.hashes.len() as u64),
        CourtCalls::step(call) => scheduled("step", side, call.witness.len() as u64),
        CourtCalls::timeout(_) => scheduled("timeout, called by the winner", side, 0),
        _ => 0,
    }
}

/// The row of an action: what it is worth with so many hashes or bytes. A cell reads `base`, `base + each m` or
/// `base + each min(w, most)`.
fn scheduled(action: &str, side: Side, count: u64) -> u64 {
    let cells = |line: &'static str| line.split('|').map(str::trim).collect::<Vec<&str>>();
    let row = CHAPTER.lines().map(cells).find(|cells| cells.len() == 5 && cells[1] == action);
    let row = row.unwrap_or_else(|| panic!("chapter 14 has a row for {action}"));
    let cell = if side == Side::Challenger { row[2] } else { row[3] };
    let numbers: Vec<u64> =
        cell.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
    match numbers[..] {
        [] => 0,
        [base] => base,
        [base, each] => base + each * count,
        [base, each, most] => base + each * count.min(most),
        _ => panic!("chapter 14 says of {action}: {cell}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chapter_is_read_as_it_is_printed() {
        assert_eq!(scheduled("commitment", Side::Challenger, 9), 180_000);
        assert_eq!(scheduled("commitment", Side::Executor, 9), 0);
        assert_eq!(scheduled("reveal", Side::Challenger, 64), 120_000 + 380 * 64);
        assert_eq!(scheduled("dissection", Side::Executor, 64), 70_000 + 1300 * 64);
        assert_eq!(scheduled("step", Side::Executor, 20_000), 380_000 + 20 * 10_240);
        assert_eq!(scheduled("timeout, called by the winner", Side::Executor, 0), 140_000);
    }
}

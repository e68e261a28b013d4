//! What a challenger has come to, by executor: as data, and as the file that the command line prints.
//!
//! Owns the shape of the file, whose fields only grow. Sums of verdicts come from rows, games from L1; amounts are wei, as decimal
//! strings.

use std::collections::BTreeMap;
use std::path::Path;

use alloy_primitives::{Address, U256};
use assay_dispute::player::Phase;
use assay_node::store::{Store, StoreError};
use assay_player::chain::{Chain, LeafId};
use serde::{Deserialize, Serialize};

use crate::rows::{TALLIES, TOTALS, Tally, Totals, VERDICTS, Verdict};

/// Wrong results that the report lists: the newest places.
const WRONG_MAX: usize = 256;

/// The report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Who challenges; none watches only.
    pub challenger: Option<Address>,
    /// L1 time up to which it reaches.
    pub l1_time: u64,
    /// Block up to which it reaches.
    pub l1_block: u64,
    /// Batches whose faces were looked at.
    pub batches: u64,
    /// Their leaves.
    pub leaves: u64,
    /// Batches whose windows were over before.
    pub batches_skipped: u64,
    /// Their leaves.
    pub leaves_skipped: u64,
    /// Batches with a face fault.
    pub batches_faulty: u64,
    /// By executor.
    pub executors: Vec<ExecutorReport>,
    /// Leaves whose results are wrong, the newest places first.
    pub wrong: Vec<LeafId>,
}

/// What came of one executor's leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutorReport {
    /// Whose.
    pub executor: Address,
    /// Leaves that were chosen and came to a verdict.
    pub sampled: u64,
    /// Of these, the same result.
    pub agreed: u64,
    /// Another result.
    pub wrong: u64,
    /// Bytes were not to be had.
    pub unavailable: u64,
    /// No result on this host.
    pub declined: u64,
    /// No time was left.
    pub missed: u64,
    /// Games against it.
    pub disputed: u64,
    /// Of these, won.
    pub won: u64,
    /// Lost.
    pub lost: u64,
    /// Whether it is convicted.
    pub convicted: bool,
    /// Rewards from games against it, bonds that came back aside, in wei.
    pub paid: String,
}

/// Makes the report. Blocks for a pass over rows and games.
///
/// # Errors
/// [`StoreError`].
pub fn report(chain: &Chain, challenger: Option<Address>) -> Result<Report, StoreError> {
    let store = chain.store();
    let totals: Totals = store.get(&TOTALS, &())?.unwrap_or_default();
    let mut by_executor: BTreeMap<Address, (Tally, Games)> = BTreeMap::new();
    for row in store.range(&TALLIES, ..) {
        let (executor, tally) = row?;
        by_executor.entry(executor).or_default().0 = tally;
    }
    let executors = {
        let view = chain.view();
        let mine = |game: &&assay_dispute::player::GameState| Some(game.challenge.challenger) == challenger;
        for game in view.board().games().filter(mine) {
            let (_, games) = by_executor.entry(game.executor).or_default();
            games.disputed += 1;
            games.won += u64::from(game.phase == Phase::Settled);
            games.lost += u64::from(game.phase == Phase::Lost);
            games.paid += view.reward(game.id).unwrap_or_default();
        }
        let line = |(executor, (tally, games)): (Address, (Tally, Games))| ExecutorReport {
            executor,
            sampled: tally.sampled,
            agreed: tally.agreed,
            wrong: tally.wrong,
            unavailable: tally.unavailable,
            declined: tally.declined,
            missed: tally.missed,
            disputed: games.disputed,
            won: games.won,
            lost: games.lost,
            convicted: view.conviction(executor).is_some(),
            paid: games.paid.to_string(),
        };
        by_executor.into_iter().map(line).collect()
    };
    let head = chain.head();
    Ok(Report {
        challenger,
        l1_time: head.map_or(0, |head| head.time),
        l1_block: head.map_or(0, |head| head.number),
        batches: totals.batches,
        leaves: totals.leaves,
        batches_skipped: totals.batches_skipped,
        leaves_skipped: totals.leaves_skipped,
        batches_faulty: totals.batches_faulty,
        executors,
        wrong: wrong(store)?,
    })
}

#[derive(Default)]
struct Games {
    disputed: u64,
    won: u64,
    lost: u64,
    paid: U256,
}

fn wrong(store: &Store) -> Result<Vec<LeafId>, StoreError> {
    let mut found = Vec::new();
    for row in store.range_back(&VERDICTS, ..) {
        let ((region, (batch, index)), row) = row?;
        if row.verdict == Verdict::Wrong {
            found.push(LeafId { region, batch, index });
        }
        if found.len() == WRONG_MAX {
            break;
        }
    }
    Ok(found)
}

impl Report {
    /// The file's text.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain data is JSON")
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let fresh = path.with_extension("json.new");
        std::fs::write(&fresh, self.to_json())?;
        std::fs::rename(&fresh, path)
    }
}

//! A look at what L1 has that is new: batches to be judged by their faces, and batches that L1 has dropped.
//!
//! Owns the cursor: what has a row was looked at. Rows of batches that were replaced by a reorganisation are found from the newest back,
//! for what a reorganisation takes is always the newest. It blocks: call it from a worker thread. It writes nothing.

use std::collections::BTreeMap;

use assay_node::store::StoreError;
use assay_player::chain::{BatchState, Chain, Head};
use assay_protocol::B256;
use assay_protocol::faults::Fault;

use crate::error::ChallengerError;
use crate::faces::{self, FaceError};
use crate::rows::{BATCHES, BatchRow, VERDICTS};
use crate::sampling::{Chosen, Sampler};
use crate::work::BatchKey;

/// Leaves whose faces are looked at in one go: a few seconds.
const LEAVES_PER_LOOK: u64 = 20_000;
/// Batches that are skipped in one go.
const SKIPPED_PER_LOOK: usize = 4096;

/// What a look came to.
#[derive(Debug, Default)]
pub struct Survey {
    /// Batches that have a row and are not on L1 any more, with their keys in the queue.
    pub gone: Vec<BatchKey>,
    /// Batches that were too old.
    pub skipped: Vec<BatchState>,
    /// Batches that were looked at, with what is wrong with each.
    pub looked: Vec<(BatchState, Vec<Fault>)>,
    /// Next batch of each region that was looked for.
    pub next: BTreeMap<B256, u64>,
    /// Whether there is more to look at.
    pub is_partial: bool,
}

/// Looks at what is new. `next` says which batch of each region comes next, as far as that is known.
///
/// # Errors
/// [`ChallengerError`]; a batch that vanishes meanwhile is none.
pub fn survey(chain: &Chain, next: &BTreeMap<B256, u64>, head: &Head) -> Result<Survey, ChallengerError> {
    let mut survey = Survey::default();
    let regions: Vec<(B256, u64)> = {
        let view = chain.view();
        view.regions().map(|(region, state)| (region, state.batches.len() as u64)).collect()
    };
    let mut leaves = 0;
    for (region, posted) in regions {
        let known = match next.get(&region) {
            Some(next) => *next,
            None => first_unknown(chain, region)?,
        };
        let mut number = known - dropped(chain, region, known, &mut survey.gone)?;
        while number < posted {
            let Some(batch) = chain.batch(region, number) else { break };
            if head.time > batch.posted_at + chain.parameters().window {
                survey.skipped.push(batch);
            } else {
                leaves += u64::from(batch.header.count);
                match faces::look(chain, &batch) {
                    Ok(found) => survey.looked.push((batch, found)),
                    Err(FaceError::Gone { .. }) => break,
                    Err(error) => return Err(error.into()),
                }
            }
            number += 1;
            if leaves >= LEAVES_PER_LOOK || survey.skipped.len() >= SKIPPED_PER_LOOK {
                survey.is_partial = true;
                break;
            }
        }
        survey.next.insert(region, number);
    }
    Ok(survey)
}

/// The batch behind the last that has a row.
fn first_unknown(chain: &Chain, region: B256) -> Result<u64, StoreError> {
    let last = chain.store().range_back(&BATCHES, (region, 0)..=(region, u64::MAX)).next().transpose()?;
    Ok(last.map_or(0, |((_, number), _)| number + 1))
}

/// Batches before `next` whose rows are of batches that L1 has dropped. Says how many.
fn dropped(chain: &Chain, region: B256, next: u64, gone: &mut Vec<BatchKey>) -> Result<u64, StoreError> {
    let mut count = 0;
    while count < next {
        let number = next - count - 1;
        let Some(row) = chain.store().get(&BATCHES, &(region, number))? else { break };
        if chain.batch(region, number).is_some_and(|batch| (batch.hash, batch.posted_at) == (row.hash, row.posted_at)) {
            break;
        }
        gone.push((row.posted_at, region, number));
        count += 1;
    }
    Ok(count)
}

/// Leaves of a batch that are to be run again and have no verdict yet; none if it is not on L1 any more.
///
/// # Errors
/// [`ChallengerError`].
pub fn draw(chain: &Chain, sampler: &Sampler, key: BatchKey) -> Result<Option<Vec<(u32, Chosen)>>, ChallengerError> {
    let (_, region, number) = key;
    let Some(bytes) = chain.batch_data(region, number)? else { return Ok(None) };
    let data = bytes.open()?;
    let hash = bytes.header.hash();
    let mut chosen = Vec::new();
    for (index, claim) in (0..).zip(data.claims()) {
        let Some(why) = sampler.choose(&claim.leaf(data.domain()), &claim) else { continue };
        let verdict = chain.store().get(&VERDICTS, &(region, (number, index)))?;
        if verdict.is_none_or(|row| row.batch != hash) {
            chosen.push((index, why));
        }
    }
    Ok(Some(chosen))
}

/// Batches that were under way when the process ended: their rows are not done. The newest are looked at, back to the first whose
/// window is over.
///
/// # Errors
/// [`StoreError`].
pub fn under_way(chain: &Chain, window_from: u64) -> Result<Vec<(BatchKey, BatchRow)>, StoreError> {
    let regions: Vec<B256> = chain.view().regions().map(|(region, _)| region).collect();
    let mut found = Vec::new();
    for region in regions {
        for row in chain.store().range_back(&BATCHES, (region, 0)..=(region, u64::MAX)) {
            let ((_, number), row) = row?;
            if row.posted_at < window_from {
                break;
            }
            if !row.is_done {
                found.push(((row.posted_at, region, number), row));
            }
        }
    }
    Ok(found)
}

//! The facts of L1 that face faults of claims lean on, about one region (specs/12-batches.md, "On its face").

use alloy_primitives::Address;
use assay_protocol::faults::{Facts, LeafFacts, ProgramFacts};
use assay_protocol::objects::{Place, Role};
use assay_protocol::{B256, BlobRef};

use super::error::ChainError;
use super::leaf::LeafId;
use super::rows::{ATTEMPTS, attempt_hash};
use super::view::earliest;
use super::{Chain, Standing};

/// Facts about a region, and about everybody.
#[derive(Clone, Copy)]
pub struct RegionFacts<'a> {
    chain: &'a Chain,
    region: B256,
}

impl<'a> RegionFacts<'a> {
    pub(super) fn new(chain: &'a Chain, region: B256) -> Self {
        Self { chain, region }
    }
}

impl Facts for RegionFacts<'_> {
    type Error = ChainError;

    fn is_registered(&self, executor: Address, time: u64) -> Result<bool, ChainError> {
        Ok(self.chain.view().stakes().is_registered(Role::Executor, executor, time))
    }

    fn is_key(&self, executor: Address, key: Address, time: u64) -> Result<bool, ChainError> {
        Ok(self.chain.view().stakes().is_key(Role::Executor, executor, key, time))
    }

    fn program(&self, program: B256) -> Result<Option<ProgramFacts>, ChainError> {
        let view = self.chain.view();
        let facts = |program: &super::Program| ProgramFacts {
            registered_at: program.registered_at,
            wasm: program.descriptor.wasm,
        };
        Ok(view.program(program).map(facts))
    }

    fn leaf(&self, place: Place) -> Result<Option<LeafFacts>, ChainError> {
        let leaf = LeafId::new(self.region, place);
        let Some(claim) = self.chain.claim(leaf)? else { return Ok(None) };
        let (view, window) = (self.chain.view(), self.chain.parameters().window);
        let Some(batch) = view.batch(leaf.region, leaf.batch) else { return Ok(None) };
        let standing = view.standing(leaf.claim(), claim.result.executor, batch.posted_at, window);
        let by_court = if let Standing::Void { since } = standing { Some(since) } else { None };
        Ok(Some(LeafFacts {
            task: claim.result.task,
            attempt: claim.result.attempt,
            output: claim.result.output,
            voided_at: earliest(batch.voided_at, by_court),
        }))
    }

    fn entry(&self, batch: u64, index: u32) -> Result<Option<BlobRef>, ChainError> {
        Ok(self.chain.entry(self.region, batch, index)?.map(|entry| entry.blob))
    }

    fn attempt(&self, task: B256, attempt: u32, number: u64) -> Result<Option<Place>, ChainError> {
        // Places ascend: the first is the earliest.
        let first = self.chain.store().prefix(&ATTEMPTS, &attempt_hash(self.region, task, attempt)).next();
        let place = first.transpose()?.map(|((_, (batch, index)), ())| Place { batch, index });
        Ok(place.filter(|place| place.batch < number))
    }
}

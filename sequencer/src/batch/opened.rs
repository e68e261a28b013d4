//! Batches that were asked for lately, in memory: what a leaf's opening and a batch's view are made of.
//!
//! Owns a few heads, some megabytes each. The tree over the leaves stands in the head (specs/12-batches.md, "Layout"), so that an opening
//! hashes two leaves and no more, whatever the batch has. Assumes that a build never changes: its hash says which it is.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use alloy_primitives::{B256, Bytes};
use assay_node::store::{Store, StoreError};
use assay_protocol::LEAF_TREE;
use assay_protocol::data::layout::Layout;
use assay_protocol::data::parse_record;
use assay_protocol::objects::{Batch, Claim, Domain};
use assay_protocol::rpc::LeafOpening;

use super::leaves::{newest_build, record_of};
use crate::rows::HEADS;

/// Batches that are kept: 64 MiB of heads at most.
const KEPT_MAX: usize = 16;

/// A batch with its head.
#[derive(Debug)]
pub struct Opened {
    /// The header.
    pub header: Batch,
    hash: B256,
    domain: Domain,
    head: Bytes,
    tasks: OnceLock<Vec<B256>>,
}

/// The batches that were asked for last.
#[derive(Debug, Default)]
pub struct OpenedBatches {
    /// The newest first.
    kept: Mutex<VecDeque<Arc<Opened>>>,
}

impl OpenedBatches {
    /// The build of a batch that counts. It is here already, if `hash`, what L1 says of the batch, is that of one here.
    ///
    /// # Errors
    /// If the rows can't be read.
    pub fn open(
        &self,
        store: &Store,
        domain: &Domain,
        number: u64,
        hash: B256,
    ) -> Result<Option<Arc<Opened>>, StoreError> {
        if let Some(found) = self.find(|opened| opened.hash == hash) {
            return Ok(Some(found));
        }
        let Some((build, row)) = newest_build(store, number)? else { return Ok(None) };
        let head = store.get(&HEADS, &(number, build))?.unwrap_or_default();
        let (hash, header) = (row.header.hash(), row.header);
        let opened = Arc::new(Opened { header, hash, domain: *domain, head, tasks: OnceLock::new() });
        self.find(|other| other.hash == hash);
        let mut kept = self.kept();
        if kept.front().is_none_or(|first| first.hash != hash) {
            kept.push_front(opened.clone());
            kept.truncate(KEPT_MAX);
        }
        Ok(Some(opened))
    }

    /// One that is here, which thereby is the newest.
    fn find(&self, is_wanted: impl Fn(&Opened) -> bool) -> Option<Arc<Opened>> {
        let mut kept = self.kept();
        let at = kept.iter().position(|opened| is_wanted(opened))?;
        let found = kept.remove(at)?;
        kept.push_front(found.clone());
        Some(found)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<Opened>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Opened {
    /// Tasks of its leaves, in order.
    pub fn tasks(&self) -> &[B256] {
        self.tasks.get_or_init(|| {
            (0..self.header.count).filter_map(|index| self.claim(index)).map(|claim| claim.result.task).collect()
        })
    }

    /// What a leaf claims.
    pub fn claim(&self, index: u32) -> Option<Claim> {
        let record = record_of(&self.header, &self.head, index)?;
        Some(parse_record(record, self.header.region, &self.domain))
    }

    /// A leaf, opened in the batch.
    pub fn leaf(&self, index: u32) -> Option<(LeafOpening, Claim)> {
        let record = record_of(&self.header, &self.head, index)?;
        let depth = Layout { count: self.header.count, blob_count: self.header.blob_count }.leaf_levels().depth();
        let siblings = (0..depth).map(|level| self.node(level, (index >> level) ^ 1)).collect::<Option<_>>()?;
        let record = Bytes::copy_from_slice(record);
        Some((LeafOpening { batch: self.header, index, record, siblings }, self.claim(index)?))
    }

    /// A node of the tree over the leaves; padding where there is none.
    fn node(&self, level: u32, index: u32) -> Option<B256> {
        let layout = Layout { count: self.header.count, blob_count: self.header.blob_count };
        if level == 0 {
            return Some(self.claim(index).map_or(LEAF_TREE.zero(0), |claim| claim.leaf(&self.domain)));
        }
        let at = layout.leaf_node(level, u64::from(index));
        self.head.get(at.start as usize..at.end as usize).map(B256::from_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{BUILDS, BuildRow, schema};
    use assay_protocol::data::encode;
    use assay_protocol::objects::{Source, TaskRequest, TaskResult};
    use assay_protocol::{Address, BlobRef};

    const DOMAIN: Domain = Domain { chain_id: 1, contract: Address::ZERO };

    fn claim(sequence: u64) -> Claim {
        let blob = BlobRef { root: B256::ZERO, length: 0 };
        let request = TaskRequest {
            client: Address::ZERO,
            region: B256::ZERO,
            program: B256::ZERO,
            input: blob,
            fuel_limit: 1,
            output_length_max: 0,
            fee_max: 0,
            deadline: 1,
            nonce: sequence,
        };
        let task = request.id(&DOMAIN);
        let executor = Address::ZERO;
        let result = TaskResult { task, attempt: 0, executor, status: 1, code: 0, fuel_used: 0, output: blob };
        let (client_signature, executor_signature) = ([1; 65], [2; 65]);
        let (input, wasm, predecessor) = (Source::default(), Source::default(), Default::default());
        Claim { sequence, request, client_signature, result, executor_signature, input, wasm, predecessor }
    }

    /// Writes a batch of so many leaves; its header and its leaves.
    fn write(store: &Store, number: u64, count: u64) -> (Batch, Vec<Claim>) {
        let claims: Vec<Claim> = (0..count).map(|index| claim(1000 * number + index)).collect();
        let encoded = encode(B256::ZERO, &DOMAIN, &claims, &[]).expect("it can be written");
        let header = encoded.batch(B256::ZERO, number, B256::ZERO, 0);
        let mut commit = store.batch();
        let row = BuildRow { header, blobs: Vec::new(), intents: Vec::new() };
        commit.put(&BUILDS, &(number, 0), &row).expect("it is written");
        commit.put(&HEADS, &(number, 0), &encoded.data.into()).expect("it is written");
        commit.commit().expect("there is room");
        (header, claims)
    }

    #[test]
    fn leaves_open_to_the_root_without_their_neighbours() {
        let directory = tempfile::tempdir().expect("there is room");
        let store = Store::open(directory.path(), &schema()).expect("it opens");
        let opened = OpenedBatches::default();
        for (number, count) in (0..).zip([1, 2, 3, 5, 8, 33]) {
            let (header, claims) = write(&store, number, count);
            let batch = opened.open(&store, &DOMAIN, number, header.hash()).expect("it reads").expect("it is there");
            let leaves: Vec<B256> = claims.iter().map(|claim| claim.leaf(&DOMAIN)).collect();
            for (index, claim) in (0..).zip(&claims) {
                let (opening, opened) = batch.leaf(index).expect("there is one");
                assert_eq!((&opened, opening.batch, opening.index), (claim, header, index));
                assert_eq!(opening.siblings, LEAF_TREE.proof(leaves.clone(), index as usize), "{index} of {count}");
            }
            assert!(batch.leaf(header.count).is_none());
            assert_eq!(batch.tasks(), claims.iter().map(|claim| claim.result.task).collect::<Vec<_>>());
        }
    }

    #[test]
    fn few_are_kept_and_those_that_are_asked_for_stay() {
        let directory = tempfile::tempdir().expect("there is room");
        let store = Store::open(directory.path(), &schema()).expect("it opens");
        let opened = OpenedBatches::default();
        let headers: Vec<Batch> = (0..20).map(|number| write(&store, number, 1).0).collect();
        let open = |number: usize| {
            let hash = headers[number].hash();
            opened.open(&store, &DOMAIN, number as u64, hash).expect("it reads").expect("it is there")
        };
        let first = open(0);
        for number in 1..headers.len() {
            open(number);
            assert!(Arc::ptr_eq(&first, &open(0)), "it is read once");
        }
        assert_eq!(opened.kept().len(), KEPT_MAX);
        assert!(opened.open(&store, &DOMAIN, 99, B256::ZERO).expect("it reads").is_none());
        // What L1 knows by another hash is read each time, and takes one place.
        for _ in 0..3 {
            assert!(opened.open(&store, &DOMAIN, 5, B256::ZERO).expect("it reads").is_some());
        }
        assert_eq!(opened.kept().iter().filter(|kept| kept.header.number == 5).count(), 1);
    }
}

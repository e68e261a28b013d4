//! Any bytes as the data of a batch: they are refused with a fault that the bytes show, or are the one encoding of what
//! they say.
#![no_main]

use assay_protocol::data::{Data, DataError, data_root, encode};
use assay_protocol::faults::data_faults;
use assay_protocol::objects::{Batch, Claim, Domain};
use assay_protocol::{Address, B256, LEAF_TREE};
use libfuzzer_sys::fuzz_target;

const DOMAIN: Domain = Domain { chain_id: 1, contract: Address::ZERO };

fuzz_target!(|bytes: &[u8]| {
    let Some((counts, bytes)) = bytes.split_first_chunk::<2>() else { return };
    let mut batch = Batch {
        region: B256::ZERO,
        number: 7,
        parent: B256::ZERO,
        first_sequence: bytes.first_chunk().map_or(0, |sequence| u64::from_be_bytes(*sequence)),
        leaf_root: B256::ZERO,
        count: u32::from(counts[0]),
        data_root: data_root(bytes),
        data_length: bytes.len() as u32,
        blob_count: u32::from(counts[1]),
        as_of: 0,
        min_deadline: 0,
    };
    let leaves = match Data::open(&batch, &DOMAIN, bytes) {
        Ok(data) => data.claims().map(|claim| claim.leaf(&DOMAIN)).collect(),
        Err(DataError::Empty | DataError::Fault(_)) => return,
        Err(error) => panic!("the header is that of the bytes: {error}"),
    };
    // Nobody guesses a root: take the one of the records, so that all the rest may be well-formed.
    batch.leaf_root = LEAF_TREE.root(leaves);
    let data = Data::open(&batch, &DOMAIN, bytes).expect("only the root has changed");
    let found = data_faults(&data);
    for fault in &found {
        let spans = fault.evidence(&data);
        assert!(spans.iter().all(|span| span.start < bytes.len() as u64), "{fault}: evidence out of the data");
    }
    if found.is_empty() {
        let claims: Vec<Claim> = data.claims().collect();
        let blobs: Vec<&[u8]> = (0..batch.blob_count).map(|index| data.blob(index).expect("an entry")).collect();
        let encoded = encode(batch.region, &DOMAIN, &claims, &blobs).expect("what was read can be written");
        assert_eq!(encoded.data, bytes, "a second encoding of one batch");
    }
});

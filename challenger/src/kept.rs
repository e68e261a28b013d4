//! Bytes of runs that are disputed: pinned when the challenge is asked for, until no game on the claim can be open any more.
//!
//! Owns who needs them. What L1 has needs no pin. Everything else came from peers, and who lies may have seen to it that none of them has it
//! a second time: without it no move could be made.

use alloy_primitives::keccak256;
use assay_node::blobs::{BlobError, BlobStore, Owner};
use assay_node::store::{Store, StoreError};
use assay_protocol::{B256, BlobRef};

use crate::rows::{KEPT, KeptRow, LeafKey};

/// Kind of these pins.
const DISPUTED: u8 = 1;
/// Rows that are thrown away in one go.
const PRUNED_MAX: usize = 4096;

/// Pins the blobs of a leaf's run until L1 time `until`, whether they are here or are yet to come.
///
/// # Errors
/// [`BlobError`].
pub fn keep(store: &Store, blobs: &BlobStore, leaf: LeafKey, run: &[BlobRef], until: u64) -> Result<(), BlobError> {
    let mut batch = store.batch();
    for blob in run {
        blobs.pin(&mut batch, blob, owner(&leaf, until))?;
    }
    let kept = KeptRow(run.iter().map(|blob| (blob.root, blob.length)).collect());
    batch.put(&KEPT, &(until, leaf), &kept)?;
    Ok(batch.commit()?)
}

/// Takes back pins whose time is over at L1 time `now`.
///
/// # Errors
/// [`StoreError`].
pub fn prune(store: &Store, blobs: &BlobStore, now: u64) -> Result<(), StoreError> {
    let mut batch = store.batch();
    for row in store.range(&KEPT, ..(now, (B256::ZERO, (0, 0)))).take(PRUNED_MAX) {
        let ((until, leaf), kept) = row?;
        for (root, length) in kept.0 {
            blobs.unpin(&mut batch, &BlobRef { root, length }, owner(&leaf, until));
        }
        batch.delete(&KEPT, &(until, leaf));
    }
    // Asked at every head, and seldom is there anything.
    if batch.is_empty() { Ok(()) } else { batch.commit_lazily() }
}

/// Who needs a blob: the leaf until a time, by a digest. A leaf that is posted again later has another time, and keeps its pins when those
/// of the earlier one go. Two rows that share a digest and a blob would unpin each other's: for any two, with a chance of 2^-64.
fn owner((region, (batch, index)): &LeafKey, until: u64) -> Owner {
    let row = [region.as_slice(), &batch.to_be_bytes(), &index.to_be_bytes(), &until.to_be_bytes()].concat();
    (DISPUTED, u64::from_be_bytes(*keccak256(row).first_chunk().expect("a hash has 32 bytes")))
}

#[cfg(test)]
mod tests {
    use assay_node::blobs::{self, BlobConfig};
    use assay_node::store::Schema;

    use super::*;
    use crate::rows;

    /// Room for one of the blobs, and nothing is safe by its age.
    fn open() -> (tempfile::TempDir, Store, BlobStore) {
        let folder = tempfile::tempdir().unwrap();
        let schema = rows::schema(blobs::schema(Schema::new("kept", 1)));
        let store = Store::open(&folder.path().join("store"), &schema).unwrap();
        let config =
            BlobConfig { total_bytes_max: 150_000, blob_bytes_max: 100_000, grace_seconds: 0, ..BlobConfig::default() };
        let blobs = BlobStore::open(&store, &folder.path().join("blobs"), config).unwrap();
        (folder, store, blobs)
    }

    const LEAF: LeafKey = (B256::ZERO, (3, 4));

    #[test]
    fn what_is_disputed_stays_until_its_time_is_over() {
        let (_folder, store, blobs) = open();
        let input = blobs.put(&vec![1; 100_000].into()).unwrap();
        let elsewhere = BlobRef { root: B256::repeat_byte(9), length: 5 };
        keep(&store, &blobs, LEAF, &[input, elsewhere], 100).unwrap();
        assert!(blobs.put(&vec![2; 100_000].into()).is_err(), "there is no room but what is pinned");
        prune(&store, &blobs, 100).unwrap();
        assert!(blobs.put(&vec![2; 100_000].into()).is_err(), "its last second");
        prune(&store, &blobs, 101).unwrap();
        blobs.put(&vec![2; 100_000].into()).unwrap();
        assert!(!blobs.contains(&input).unwrap());
    }

    /// What was not here when the challenge was asked for, and is fetched for a move, is needed as much.
    #[test]
    fn what_comes_later_stays_too() {
        let (_folder, store, blobs) = open();
        let input = assay_runner::blob_of(&[1; 100_000]);
        keep(&store, &blobs, LEAF, &[input], 100).unwrap();
        assert_eq!(blobs.put(&vec![1; 100_000].into()).unwrap(), input);
        assert!(blobs.put(&vec![2; 100_000].into()).is_err(), "there is no room but what is pinned");
        prune(&store, &blobs, 101).unwrap();
        assert!(!blobs.is_pinned(&input).unwrap());
    }

    /// A batch that L1 drops and takes again later has later disputes.
    #[test]
    fn the_end_of_an_earlier_time_takes_nothing_from_a_later_one() {
        let (_folder, store, blobs) = open();
        let input = blobs.put(&vec![1; 100_000].into()).unwrap();
        for until in [100, 112] {
            keep(&store, &blobs, LEAF, &[input], until).unwrap();
        }
        prune(&store, &blobs, 101).unwrap();
        assert!(blobs.is_pinned(&input).unwrap());
        prune(&store, &blobs, 113).unwrap();
        assert!(!blobs.is_pinned(&input).unwrap());
    }
}

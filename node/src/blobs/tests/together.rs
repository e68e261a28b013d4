//! What brings blobs, relies on them and throws them away, all at the same time.

use std::thread;

use super::*;

/// Little room, and nothing that is younger than ten minutes is thrown away.
fn narrow(directory: &TempDir, total_bytes_max: u64) -> BlobStore {
    open(directory, BlobConfig { total_bytes_max, ..BlobConfig::default() })
}

/// Makes a blob that is here as old as if it came in 1970.
fn age(blobs: &BlobStore, blob: &BlobRef) {
    let row = blobs.inner.store.get(&BLOBS, &name(blob)).expect("it reads").expect("it is here");
    let mut batch = blobs.inner.store.batch();
    batch.delete(&AGES, &(row.stored_at, name(blob)));
    blobs.enter(&mut batch, blob, 1, row.bytes).expect("it can be written");
    batch.commit().expect("it can be written");
    blobs.ages().forget(blob);
}

/// Wants all the room there is: what is old and nobody needs goes.
fn press(blobs: &BlobStore) {
    let _ = blobs.make_room(blobs.config().total_bytes_max);
}

fn is_here(blobs: &BlobStore, blob: &BlobRef) -> bool {
    blobs.contains(blob).expect("it reads")
}

#[test]
fn what_was_renewed_stays_and_is_as_young_after_a_restart() {
    let directory = tempfile::tempdir().expect("there is room");
    let blobs = narrow(&directory, 150_000);
    let renewed = blobs.put(&bytes(100_000, 1)).expect("there is room");
    let loose = blobs.put(&bytes(10, 2)).expect("there is room");
    [renewed, loose].iter().for_each(|blob| age(&blobs, blob));
    assert!(blobs.renew(&renewed).expect("it reads"));
    press(&blobs);
    assert_eq!((is_here(&blobs, &renewed), is_here(&blobs, &loose), blobs.used()), (true, false, 100_000));
    assert!(!blobs.renew(&loose).expect("it reads"), "it is gone");
    drop(blobs);
    let blobs = narrow(&directory, 150_000);
    press(&blobs);
    assert_eq!((is_here(&blobs, &renewed), blobs.used()), (true, 100_000));
}

#[tokio::test]
async fn a_blob_that_comes_again_is_young_again() {
    let directory = tempfile::tempdir().expect("there is room");
    let blobs = narrow(&directory, 250_000);
    let http = BlobHttp::new(blobs.clone(), 1, Duration::from_secs(5));
    let (small, large) = (bytes(100, 1), bytes(100_000, 2));
    let [short, long] = [&small, &large].map(|content| blobs.put(content).expect("there is room"));
    for way in ["put", "put of few", "commit", "upload"] {
        let blob = if matches!(way, "put of few" | "commit") { short } else { long };
        age(&blobs, &blob);
        match way {
            "put" => assert_eq!(blobs.put(&large).expect("it is here"), blob),
            "put of few" => assert_eq!(blobs.put(&small).expect("it is here"), blob),
            "commit" => {
                let mut batch = blobs.inner.store.batch();
                blobs.put_small(&mut batch, &blob, &small).expect("it is here");
                assert!(batch.is_empty(), "its bytes are not written again");
            }
            _ => {
                let mut upload = blobs.upload(&blob, 0).expect("there is room");
                upload.write(&large).expect("it writes");
                upload.finish().expect("it is the blob");
            }
        }
        press(&blobs);
        assert_eq!((is_here(&blobs, &blob), blobs.used()), (true, 100_100), "{way}");
    }
    // Nobody holds room by naming what is here.
    age(&blobs, &long);
    assert_eq!(ask(&http, request("PUT", &path(&long), &[], &[])).await.0, StatusCode::CREATED);
    press(&blobs);
    assert_eq!((is_here(&blobs, &long), blobs.used()), (false, 100));
}

#[test]
fn a_blob_in_two_commits_and_an_upload_is_counted_once() {
    let directory = tempfile::tempdir().expect("there is room");
    let blobs = narrow(&directory, 1000);
    let content = bytes(100, 1);
    let blob = blob_root(&content);
    let mut upload = blobs.upload(&blob, 0).expect("there is room");
    upload.write(&content).expect("it writes");
    let mut batches = [blobs.inner.store.batch(), blobs.inner.store.batch()];
    for batch in &mut batches {
        blobs.put_small(batch, &blob, &content).expect("it can be written");
    }
    upload.finish().expect("it is the blob");
    for batch in batches {
        batch.commit().expect("it can be written");
    }
    assert_eq!((blobs.used(), blobs.inner.store.range(&AGES, ..).count()), (100, 1));
    age(&blobs, &blob);
    press(&blobs);
    assert_eq!((is_here(&blobs, &blob), blobs.used()), (false, 0));
    drop(blobs);
    let blobs = narrow(&directory, 1000);
    assert_eq!((is_here(&blobs, &blob), blobs.used()), (false, 0), "the upload left no file");
}

#[test]
fn an_age_that_is_not_the_blobs_goes_without_it() {
    let directory = tempfile::tempdir().expect("there is room");
    let blobs = narrow(&directory, 150_000);
    let blob = blobs.put(&bytes(100_000, 1)).expect("there is room");
    let mut batch = blobs.inner.store.batch();
    batch.put(&AGES, &(1, name(&blob)), &()).expect("it can be written");
    batch.commit().expect("it can be written");
    drop(blobs);
    let blobs = narrow(&directory, 150_000);
    assert_eq!(blobs.used(), 200_000, "it is counted for each age");
    blobs.make_room(0).expect("one age is too many");
    assert_eq!((is_here(&blobs, &blob), blobs.used()), (true, 100_000));
}

/// The second upload was told how far the first is, and begins while that comes to its end.
#[test]
fn an_upload_looks_where_to_go_on_once_nobody_else_has_the_blob() {
    let directory = tempfile::tempdir().expect("there is room");
    let blobs = narrow(&directory, 250_000);
    let content = bytes(100_000, 1);
    let blob = blob_root(&content);
    let mut first = blobs.upload(&blob, 0).expect("there is room");
    first.write(&content).expect("it writes");
    let told = blobs.upload_offset(&blob);
    // While this is held, the second can't get the blob, nor the first give it back.
    let mut claimed = blobs.claimed();
    let beside = blobs.clone();
    let second = thread::spawn(move || beside.upload(&blob, told));
    (0..1000).for_each(|_| thread::yield_now());
    let first = thread::spawn(move || first.finish());
    while !is_here(&blobs, &blob) {
        thread::yield_now();
    }
    claimed.remove(&Partial::own(&blob));
    drop(claimed);
    let refused = second.join().expect("it does not panic").expect_err("its bytes have become the blob");
    assert!(matches!(refused, BlobError::Offset { got: 100_000, wanted: 0 }), "{refused}");
    first.join().expect("it does not panic").expect("it is the blob");
    assert_eq!((blobs.upload_offset(&blob), blobs.used()), (0, 100_000));
    assert!(blobs.upload_missing(&Partial::own(&blob), told, 0).expect("it reads").is_none(), "it is here");
    assert_eq!(blobs.read_all(&blob, 1 << 30).expect("it reads"), Some(content));
}

#[test]
fn an_upload_that_went_on_or_ended_since_it_was_listed_is_not_thrown_away() {
    let directory = tempfile::tempdir().expect("there is room");
    let blobs = narrow(&directory, 150_000);
    let content = bytes(100_000, 1);
    let blob = blob_root(&content);
    let mut upload = blobs.upload(&blob, 0).expect("there is room");
    upload.write(&content[..50_000]).expect("it writes");
    blobs.discard_partial(&Partial::own(&blob), 0).expect("it is being written");
    assert_eq!((blobs.upload_offset(&blob), blobs.used()), (50_000, 50_000));
    upload.write(&content[50_000..]).expect("it writes");
    upload.finish().expect("it is the blob");
    blobs.discard_partial(&Partial::own(&blob), 0).expect("there is nothing");
    assert_eq!((is_here(&blobs, &blob), blobs.used()), (true, 100_000));
}

#[test]
fn what_is_being_brought_is_not_thrown_away() {
    let directory = tempfile::tempdir().expect("there is room");
    let blobs = narrow(&directory, 150_000);
    let blob = blobs.put(&bytes(100_000, 1)).expect("there is room");
    age(&blobs, &blob);
    let refused = blobs.upload(&blob, 0).expect_err("it is here, and there is no room for it twice");
    assert!(matches!(refused, BlobError::NoRoom { .. }), "{refused}");
    assert!(is_here(&blobs, &blob), "its own room was not taken for it");
    press(&blobs);
    assert_eq!((is_here(&blobs, &blob), blobs.used()), (false, 0));
}

#[test]
fn a_row_without_its_file_is_no_blob_and_is_mended() {
    let directory = tempfile::tempdir().expect("there is room");
    let blobs = narrow(&directory, 250_000);
    let content = bytes(100_000, 1);
    let blob = blobs.put(&content).expect("there is room");
    std::fs::remove_file(blobs.path(&blob)).expect("it is there");
    assert!(blobs.read(&blob).expect("it is no error").is_none());
    assert!(!blobs.renew(&blob).expect("it reads"));
    blobs.put(&content).expect("there is room");
    assert_eq!(blobs.read_all(&blob, 1 << 30).expect("it reads"), Some(content));
}

//! Tables, batches, ranges and refusals of the store. What a crash leaves is in `tests/store_crash.rs`.

use super::*;
use crate::Remedy;
use alloy_primitives::{Address, B256, U256, hex};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Game {
    id: B256,
    pot: U256,
    moves: Vec<u64>,
    rival: Option<Address>,
}

impl Record for Game {
    const VERSION: u8 = 2;

    /// The first version had neither moves nor a rival.
    fn upgrade(version: u8, bytes: &[u8]) -> Option<Self> {
        if version != 1 {
            return None;
        }
        let (id, pot) = postcard::from_bytes(bytes).ok()?;
        Some(Game { id, pot, moves: Vec::new(), rival: None })
    }
}

const GAMES: Table<B256, Game> = Table::new("games");
const CLOCKS: Table<(Address, u64), u64> = Table::new("clocks");
const HEAD: Table<(), B256> = Table::new("head");

fn schema() -> Schema {
    Schema::new("test", 3).table(&GAMES).table(&CLOCKS).table(&HEAD)
}

fn open() -> (TempDir, Store) {
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let store = Store::open(&directory.path().join("store"), &schema()).expect("it opens");
    (directory, store)
}

fn game(byte: u8) -> Game {
    let moves = vec![0, 1, u64::MAX];
    Game { id: B256::repeat_byte(byte), pot: U256::MAX, moves, rival: Some(Address::with_last_byte(byte)) }
}

/// Writes bytes as no `Batch` would.
fn plant(store: &Store, table: &'static str, key: &[u8], value: &[u8]) {
    store.inner.db.put_cf(store.family(table), key, value).expect("RocksDB takes any bytes");
}

#[test]
fn a_store_belongs_to_whom_it_first_belonged_to() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Store::open(folder.path(), &Schema::new("test", 1)).unwrap();
    open().belongs_to("region 1").unwrap();
    open().belongs_to("region 1").unwrap();
    let error = open().belongs_to("region 2").unwrap_err();
    assert!(matches!(&error, StoreError::Subject { got, wanted, .. } if got == "region 1" && wanted == "region 2"));
    assert_eq!(error.remedy(), Remedy::Stop);
}

#[test]
fn rows_come_back_and_batches_are_whole() {
    let (_directory, store) = open();
    let mut batch = store.batch();
    batch.put(&GAMES, &game(1).id, &game(1)).unwrap();
    batch.put(&HEAD, &(), &B256::repeat_byte(9)).unwrap();
    batch.put(&HEAD, &(), &B256::repeat_byte(8)).unwrap();
    assert_eq!((batch.len(), batch.is_empty()), (3, false));
    assert_eq!(store.get(&GAMES, &game(1).id).unwrap(), None, "nothing shows before the commit");
    batch.commit().unwrap();
    assert_eq!(store.get(&GAMES, &game(1).id).unwrap(), Some(game(1)));
    assert_eq!(store.get(&HEAD, &()).unwrap(), Some(B256::repeat_byte(8)), "the later write wins");

    let mut batch = store.batch();
    batch.delete(&GAMES, &game(1).id);
    batch.delete(&GAMES, &game(2).id);
    batch.commit_lazily().unwrap();
    assert_eq!(store.get(&GAMES, &game(1).id).unwrap(), None);
    drop(store.batch());
    assert_eq!(store.get(&HEAD, &()).unwrap(), Some(B256::repeat_byte(8)));
}

#[test]
fn ranges_follow_the_order_of_numbers() {
    let (_directory, store) = open();
    let (alice, bob) = (Address::repeat_byte(0xaa), Address::repeat_byte(0xff));
    const NONE: [u64; 0] = [];
    let numbers = [0, 1, 255, 256, 65_535, 65_536, u64::MAX];
    let mut batch = store.batch();
    for number in numbers {
        batch.put(&CLOCKS, &(alice, number), &number).unwrap();
        batch.put(&CLOCKS, &(bob, number), &number).unwrap();
    }
    batch.commit().unwrap();

    let found = |rows: Rows<'_, (Address, u64), u64>| rows.map(|row| row.unwrap().1).collect::<Vec<_>>();
    assert_eq!(found(store.prefix(&CLOCKS, &alice)), numbers);
    assert_eq!(found(store.prefix(&CLOCKS, &bob)), numbers, "a prefix of 255s has no end");
    assert_eq!(found(store.prefix(&CLOCKS, &Address::ZERO)), NONE);
    assert_eq!(found(store.range(&CLOCKS, (alice, 1)..(alice, 256))), [1, 255]);
    assert_eq!(found(store.range(&CLOCKS, (alice, 1)..=(alice, 256))), [1, 255, 256]);
    assert_eq!(found(store.range_back(&CLOCKS, (alice, 1)..=(alice, 256))), [256, 255, 1]);
    assert_eq!(found(store.range(&CLOCKS, (alice, 256)..(alice, 1))), NONE, "ends in the wrong order");
    assert_eq!(found(store.range_back(&CLOCKS, (alice, 5)..(alice, 5))), NONE);
    use std::ops::Bound::{Excluded, Unbounded};
    assert_eq!(found(store.range(&CLOCKS, (Excluded((bob, 65_535)), Unbounded))), [65_536, u64::MAX]);
    assert_eq!(store.last(&CLOCKS).unwrap(), Some(((bob, u64::MAX), u64::MAX)));
    assert_eq!(store.last(&GAMES).unwrap(), None);
    assert_eq!(store.range(&CLOCKS, ..).count(), 2 * numbers.len());
}

/// The bytes on the disk, spelled out: a release that reads others could not read its own past.
#[test]
fn the_encoding_is_fixed() {
    let (_directory, store) = open();
    let mut batch = store.batch();
    let game = Game { id: B256::repeat_byte(1), pot: U256::from(2), moves: vec![3, 300], rival: None };
    batch.put(&GAMES, &B256::repeat_byte(7), &game).unwrap();
    batch.put(&CLOCKS, &(Address::repeat_byte(0xaa), 0x0102), &300).unwrap();
    batch.commit().unwrap();
    let read = |table, key: &[u8]| hex::encode(store.inner.db.get_cf(store.family(table), key).unwrap().unwrap());
    // Version; 32 bytes behind their length; a number's 32 bytes, the same; two numbers in sevens of bits; none.
    let expected =
        format!("02{}{}{}{}", format_args!("20{}", "01".repeat(32)), format_args!("20{:0>64}", 2), "0203ac02", "00");
    assert_eq!(read("games", &[7; 32]), expected);
    let key = [&[0xaa; 20][..], &[0, 0, 0, 0, 0, 0, 1, 2]].concat();
    assert_eq!(read("clocks", &key), "01ac02");
}

#[test]
fn corrupt_rows_name_their_table_and_key() {
    let (_directory, store) = open();
    let key = B256::repeat_byte(5);
    let whole = record::encode("games", &[], &game(5)).unwrap();
    for (bytes, reason) in [
        (vec![], "no bytes"),
        (whole[..whole.len() - 1].to_vec(), ""),
        ([&whole[..], &[0]].concat(), "1 bytes follow"),
        ([&[9], &whole[1..]].concat(), "version is 9, wanted 2"),
        (vec![1, 2, 3], "version is 1, wanted 2"),
    ] {
        plant(&store, "games", key.as_slice(), &bytes);
        let error = store.get(&GAMES, &key).expect_err("the value is none");
        assert!(matches!(&error, StoreError::Corrupt { table: "games", .. }), "{error}");
        assert_eq!(error.remedy(), Remedy::Reset);
        let words = error.to_string();
        assert!(words.contains(&hex::encode(key)) && words.contains(reason), "{words}");
        assert!(store.range(&GAMES, ..).next().expect("the row is there").is_err());
    }
    plant(&store, "clocks", &[1, 2, 3], &[1, 0]);
    let error = store.range(&CLOCKS, ..).next().expect("the row is there").expect_err("the key is none");
    assert!(error.to_string().contains("3 bytes") && error.to_string().contains("of 28"), "{error}");
}

/// No bytes make a decoder panic or take memory that they don't back.
#[test]
fn random_values_are_refused_or_read() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let mut read = 0;
    for _ in 0..20_000 {
        let mut bytes = record::encode("games", &[], &game(random() as u8)).unwrap();
        for _ in 0..random() % 4 {
            let at = random() as usize % bytes.len();
            bytes[at] = random() as u8;
        }
        bytes.truncate(random() as usize % (2 * bytes.len()));
        read += usize::from(record::decode::<Game>("games", &[], &bytes).is_ok());
    }
    assert!(read > 100, "{read}");
}

#[test]
fn older_versions_are_read_by_those_who_know_them() {
    let (_directory, store) = open();
    let old = postcard::to_extend(&(game(4).id, game(4).pot), vec![1]).unwrap();
    plant(&store, "games", game(4).id.as_slice(), &old);
    let read = store.get(&GAMES, &game(4).id).unwrap().expect("the row is there");
    assert_eq!(read, Game { moves: vec![], rival: None, ..game(4) });
}

#[test]
fn values_that_can_not_be_written_are_refused() {
    /// A sequence whose length nobody knows before its end.
    #[derive(Deserialize)]
    struct Endless;
    impl Serialize for Endless {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serde::ser::SerializeSeq::end(serializer.serialize_seq(None)?)
        }
    }
    impl Record for Endless {
        const VERSION: u8 = 1;
    }
    const ENDLESS: Table<u64, Endless> = Table::new("clocks");
    let (_directory, store) = open();
    let error = store.batch().put(&ENDLESS, &1, &Endless).expect_err("postcard needs lengths");
    assert!(matches!(error, StoreError::Unwritable { table: "clocks", .. }), "{error}");
}

#[test]
fn a_store_is_opened_once_at_a_time() {
    let (_directory, store) = open();
    let error = Store::open(store.path(), &schema()).expect_err("it is open");
    let holder = format!("process {}", std::process::id());
    assert!(matches!(&error, StoreError::Locked { holder: h, .. } if h.starts_with(&holder)), "{error}");
    assert_eq!(error.remedy(), Remedy::Stop);
    let path = store.path().to_owned();
    let clone = store.clone();
    drop(store);
    assert!(matches!(Store::open(&path, &schema()), Err(StoreError::Locked { .. })), "a clone still has it open");
    drop(clone);
    Store::open(&path, &schema()).expect("nobody has it open");
}

#[test]
fn another_kind_or_version_is_left_alone() {
    let (directory, store) = open();
    let path = store.path().to_owned();
    let mut batch = store.batch();
    batch.put(&HEAD, &(), &B256::repeat_byte(1)).unwrap();
    batch.commit().unwrap();
    drop(store);
    let refused = |schema: Schema| Store::open(&path, &schema).expect_err("the schema is another");
    for (other, wanted) in [(Schema::new("test", 4), "test version 4"), (Schema::new("other", 3), "other version 3")] {
        let error = refused(other.table(&GAMES).table(&CLOCKS).table(&HEAD));
        let words = error.to_string();
        assert!(matches!(error, StoreError::Schema { .. }) && words.contains("is test version 3"), "{words}");
        assert!(words.contains(wanted), "{words}");
    }
    let error = refused(Schema::new("test", 3).table(&GAMES).table(&CLOCKS));
    assert!(matches!(&error, StoreError::UnknownTable { table, .. } if table == "head"), "{error}");

    // A table that is new in the schema appears; what was there stays.
    const NEW: Table<u8, u64> = Table::new("new");
    let store = Store::open(&path, &schema().table(&NEW)).expect("a new table is no new version");
    assert_eq!(store.last(&NEW).unwrap(), None);
    assert_eq!(store.get(&HEAD, &()).unwrap(), Some(B256::repeat_byte(1)));

    // A RocksDB database of somebody else.
    let foreign = directory.path().join("foreign");
    let mut options = rocksdb::Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    drop(rocksdb::DB::open_cf(&options, &foreign, ["theirs"]).unwrap());
    let error = Store::open(&foreign, &schema()).expect_err("it is not ours");
    assert!(error.to_string().contains("without a mark"), "{error}");
}

#[test]
fn a_directory_that_can_not_be_is_named() {
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Store::open(&file.join("store"), &schema()).expect_err("a file has no directories in it");
    assert!(matches!(error, StoreError::Database { .. }) && error.to_string().contains("file/store"), "{error}");
}

#[test]
#[should_panic(expected = "table elsewhere is not in the schema")]
fn a_table_that_was_not_declared_is_a_bug() {
    const ELSEWHERE: Table<u64, u64> = Table::new("elsewhere");
    let (_directory, store) = open();
    let _ = store.get(&ELSEWHERE, &1);
}

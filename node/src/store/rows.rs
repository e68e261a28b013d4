//! Rows of a range.
//!
//! Owns the passage over a table. Assumes bounds that were encoded as the table's keys. It sees the table as it was when it began.

use super::key::Bounds;
use super::{Key, Record, Store, StoreError, Table, record};
use alloy_primitives::hex;
use rocksdb::{DBIterator, IteratorMode, ReadOptions};
use std::marker::PhantomData;

/// An iterator over the rows of a table. A row that does not decode is an error of its own; the rows behind it can still be read.
pub struct Rows<'a, K, V> {
    store: &'a Store,
    table: &'static str,
    rows: DBIterator<'a>,
    row: PhantomData<fn() -> (K, V)>,
}

impl<'a, K: Key, V: Record> Rows<'a, K, V> {
    pub(super) fn between(store: &'a Store, table: &Table<K, V>, (from, to): Bounds, back: bool) -> Self {
        let mut options = ReadOptions::default();
        // RocksDB asserts that a range's ends are in order; an empty range is none of its cases.
        let empty = matches!((&from, &to), (Some(from), Some(to)) if from >= to);
        if empty {
            options.set_iterate_upper_bound(Vec::new());
        } else {
            from.into_iter().for_each(|from| options.set_iterate_lower_bound(from));
            to.into_iter().for_each(|to| options.set_iterate_upper_bound(to));
        }
        let mode = if back { IteratorMode::End } else { IteratorMode::Start };
        let rows = store.inner.db.iterator_cf_opt(store.family(table.name()), options, mode);
        Rows { store, table: table.name(), rows, row: PhantomData }
    }
}

impl<K: Key, V: Record> Iterator for Rows<'_, K, V> {
    type Item = Result<(K, V), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (key, value) = match self.rows.next()? {
            Ok(row) => row,
            Err(error) => return Some(Err(self.store.failed("iterate", error))),
        };
        let Some(decoded) = K::read(&key) else {
            let reason = format!("the key has {} bytes that are none of the table's keys, of {}", key.len(), K::SIZE);
            return Some(Err(StoreError::Corrupt { table: self.table, key: hex::encode(&key), reason }));
        };
        Some(record::decode(self.table, &key, &value).map(|value| (decoded, value)))
    }
}

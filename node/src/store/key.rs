//! Keys as bytes whose order is the keys' own.
//!
//! Owns the encoding of keys and the bounds of ranges over them. Assumes nothing. Every key of one type has one size, so that a tuple
//! is the concatenation of its parts and no part can run into the next.

use alloy_primitives::{Address, B256, FixedBytes};
use std::ops::{Bound, RangeBounds};

/// A key of a table.
pub trait Key: Sized {
    /// Length in bytes of every key of this type.
    const SIZE: usize;

    /// Appends the key, exactly `SIZE` bytes. Keys that are less must give bytes that are less.
    fn write(&self, out: &mut Vec<u8>);

    /// Reads what `write` gave; `None` when the bytes are none of this type's keys.
    fn read(bytes: &[u8]) -> Option<Self>;
}

/// Keys that begin with another key: a tuple with its first parts.
pub trait StartsWith<Prefix: Key>: Key {}

macro_rules! integer_keys {
    ($($integer:ty),*) => {$(
        impl Key for $integer {
            const SIZE: usize = size_of::<$integer>();
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
            fn read(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(<$integer>::from_be_bytes)
            }
        }
    )*};
}

integer_keys!(u8, u16, u32, u64, u128);

/// The key of a table with one row.
impl Key for () {
    const SIZE: usize = 0;
    fn write(&self, _: &mut Vec<u8>) {}
    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.is_empty().then_some(())
    }
}

impl<const N: usize> Key for FixedBytes<N> {
    const SIZE: usize = N;
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_slice());
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        Self::try_from(bytes).ok()
    }
}

impl Key for Address {
    const SIZE: usize = 20;
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_slice());
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        Self::try_from(bytes).ok()
    }
}

impl<A: Key, B: Key> Key for (A, B) {
    const SIZE: usize = A::SIZE + B::SIZE;
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        let (a, b) = bytes.split_at_checked(A::SIZE)?;
        Some((A::read(a)?, B::read(b)?))
    }
}

impl<A: Key, B: Key, C: Key> Key for (A, B, C) {
    const SIZE: usize = A::SIZE + B::SIZE + C::SIZE;
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
        self.2.write(out);
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        let (a, rest) = bytes.split_at_checked(A::SIZE)?;
        let (b, c) = rest.split_at_checked(B::SIZE)?;
        Some((A::read(a)?, B::read(b)?, C::read(c)?))
    }
}

impl<A: Key, B: Key> StartsWith<A> for (A, B) {}
impl<A: Key, B: Key, C: Key> StartsWith<A> for (A, B, C) {}
impl<A: Key, B: Key, C: Key> StartsWith<(A, B)> for (A, B, C) {}

// A hash is the key of most tables: say at compile time that its size is what the store has always written.
const _: () = assert!(<B256 as Key>::SIZE == 32 && <(Address, u64) as Key>::SIZE == 28);

/// Bounds of a range of encoded keys: the first key in it, and the first one past it.
pub(super) type Bounds = (Option<Vec<u8>>, Option<Vec<u8>>);

pub(super) fn encode<K: Key>(key: &K) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(K::SIZE);
    key.write(&mut bytes);
    assert_eq!(bytes.len(), K::SIZE, "a key wrote another number of bytes than its type's size");
    bytes
}

/// Bounds of a range. Keys are of one size, so that a key with a zero byte behind it stands before every greater key.
pub(super) fn bounds<K: Key>(range: &impl RangeBounds<K>) -> Bounds {
    let after = |key: &K| {
        let mut bytes = encode(key);
        bytes.push(0);
        bytes
    };
    let from = match range.start_bound() {
        Bound::Included(key) => Some(encode(key)),
        Bound::Excluded(key) => Some(after(key)),
        Bound::Unbounded => None,
    };
    let to = match range.end_bound() {
        Bound::Included(key) => Some(after(key)),
        Bound::Excluded(key) => Some(encode(key)),
        Bound::Unbounded => None,
    };
    (from, to)
}

/// Bounds of the keys that begin with a prefix. A prefix of nothing but 255s has no end.
pub(super) fn prefix_bounds<P: Key>(prefix: &P) -> Bounds {
    let from = encode(prefix);
    let mut to = from.clone();
    while let Some(last) = to.pop() {
        if let Some(next) = last.checked_add(1) {
            to.push(next);
            return (Some(from), Some(to));
        }
    }
    (Some(from), None)
}

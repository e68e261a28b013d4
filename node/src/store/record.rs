//! Values as bytes, with the version of their shape in front.
//!
//! Owns the encoding of values. Assumes that a type's serde form does not change while its version does not. Never accepts trailing
//! bytes, and never guesses at a version that it does not know.

use super::StoreError;
use alloy_primitives::{Address, B256, Bytes, U256, hex};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value of a table.
pub trait Record: Serialize + DeserializeOwned {
    /// Version of the shape: raised whenever a field is added, removed, reordered or retyped, for postcard writes no names.
    const VERSION: u8;

    /// Reads the bytes of an older version. `None`, the default, when the type has forgotten it, or never knew it.
    fn upgrade(version: u8, bytes: &[u8]) -> Option<Self> {
        let _ = (version, bytes);
        None
    }
}

macro_rules! plain_records {
    ($($plain:ty),*) => {$(impl Record for $plain { const VERSION: u8 = 1; })*};
}

plain_records!((), u8, u32, u64, String, Address, B256, U256, Bytes);

/// Appends a value's encoding.
pub(super) fn encode<V: Record>(table: &'static str, key: &[u8], value: &V) -> Result<Vec<u8>, StoreError> {
    postcard::to_extend(value, vec![V::VERSION]).map_err(|error| StoreError::Unwritable {
        table,
        key: hex::encode(key),
        reason: error.to_string(),
    })
}

/// Reads a value. Nothing but the whole of one is accepted.
pub(super) fn decode<V: Record>(table: &'static str, key: &[u8], bytes: &[u8]) -> Result<V, StoreError> {
    let corrupt = |reason: String| StoreError::Corrupt { table, key: hex::encode(key), reason };
    let (&version, body) = bytes.split_first().ok_or_else(|| corrupt("the value has no bytes".into()))?;
    if version != V::VERSION {
        return V::upgrade(version, body)
            .ok_or_else(|| corrupt(format!("the value's version is {version}, wanted {}", V::VERSION)));
    }
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(corrupt(format!("{} bytes follow the value's {}", rest.len(), body.len() - rest.len()))),
        Err(error) => Err(corrupt(error.to_string())),
    }
}

//! Programs as the wire shows them.

use alloc::vec::Vec;

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use crate::BlobRef;

/// A region's root at boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mount {
    /// The region's number.
    #[serde(with = "alloy_serde::quantity")]
    pub region: u8,
    /// Its root.
    pub root: B256,
}

/// A program: its descriptor, whose hash is its id (specs/05-lowering.md, "Programs"), and whether L1 knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProgramView {
    /// The program's id.
    pub program: B256,
    /// Machine version.
    #[serde(with = "alloy_serde::quantity")]
    pub version: u8,
    /// Where a run begins.
    #[serde(with = "alloy_serde::quantity")]
    pub entry_pc: u32,
    /// Pages of linear memory at boot.
    #[serde(with = "alloy_serde::quantity")]
    pub memory_pages: u32,
    /// The most that it may grow to.
    #[serde(with = "alloy_serde::quantity")]
    pub memory_pages_max: u32,
    /// The module that it was lowered from.
    pub wasm: BlobRef,
    /// Regions at boot, ascending.
    pub mounts: Vec<Mount>,
    /// L1 time of its registration, once it is registered. Tasks may name it before; they are posted after.
    #[serde(with = "alloy_serde::quantity::opt")]
    pub registered_at: Option<u64>,
}

//! Who may upload, and how slowly.
//!
//! Owns the bounds. Assumes that whoever serves says who the peer is, by an [`Uploader`] among the request's extensions; without it all
//! peers are one.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tokio::time::Instant;

use crate::addresses::Places;

/// Least bytes in a second where nothing else is said. 64 KiB.
const BYTES_PER_SECOND_MIN: u64 = 64 << 10;

/// A peer that uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uploader {
    /// Its address.
    pub address: IpAddr,
    /// Whether it has shown who it is: some slots are kept for such, and they may use most of what others leave of the disk.
    pub is_known: bool,
}

impl Uploader {
    /// A peer of which nothing is said.
    pub(super) const NOBODY: Self = Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), is_known: false };

    /// Bytes that its uploads leave free on the disk, of those that are kept from others.
    pub(super) fn reserve(&self, reserve: u64) -> u64 {
        if self.is_known { reserve / 4 } else { reserve }
    }
}

/// What uploads may cost.
#[derive(Clone, Copy, Debug)]
pub struct UploadLimits {
    /// Most at once.
    pub at_once: usize,
    /// Most at once from one address.
    pub per_address: usize,
    /// Those of all that are kept for known peers.
    pub kept: usize,
    /// How long the next bytes of a body may take.
    pub patience: Duration,
    /// Bytes in a second, from the first to the last, that a body has to come with once the patience is over.
    pub bytes_per_second_min: u64,
}

impl UploadLimits {
    /// So many at once, from wherever.
    pub fn new(at_once: usize, patience: Duration) -> Self {
        Self { at_once, per_address: at_once, kept: 0, patience, bytes_per_second_min: BYTES_PER_SECOND_MIN }
    }

    pub(super) fn places(&self) -> Places {
        Places::new(self.at_once, self.per_address, self.kept)
    }

    /// When the next bytes must be here of an upload that began at a time and of which so many have come: the patience from now, and
    /// no later than the least rate says.
    #[must_use]
    pub fn due(&self, began: Instant, bytes: u64) -> Instant {
        let paid = Duration::from_millis(bytes.saturating_mul(1000) / self.bytes_per_second_min.max(1));
        (began + self.patience + paid).min(Instant::now() + self.patience)
    }
}

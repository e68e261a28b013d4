//! Partial files: uploads that are not complete, each of a blob and of an uploader.
//!
//! Owns their names. Assumes that an uploader who sends a token keeps it to itself. Several may bring the same blob at the same time: none
//! of them goes on with, cuts, or waits for what another has left.
//!
//! ```text
//!   abcd…-12345          of this process itself
//!   abcd…-12345.0123…    of the uploader with this tag, 32 hex digits
//! ```

use std::net::IpAddr;

use alloy_primitives::{B128, hex, keccak256};
use assay_protocol::BlobRef;
use assay_protocol::rpc::blobs;

use crate::addresses::network;

/// Whose a partial file is: a digest of what an uploader is known by. The default is this process itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Tag(B128);

impl Tag {
    /// Of whoever sends this token.
    pub(super) fn of_token(token: &[u8]) -> Self {
        Self::digest(b"token ", token)
    }

    /// Of all who send none from an address.
    pub(super) fn of_address(address: IpAddr) -> Self {
        Self::digest(b"address ", network(address).to_string().as_bytes())
    }

    fn digest(kind: &[u8], known_by: &[u8]) -> Self {
        let digest = keccak256([kind, known_by].concat());
        Self(B128::from_slice(&digest[..B128::len_bytes()]))
    }
}

/// An upload that is not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Partial {
    /// The blob that is coming.
    pub(super) blob: BlobRef,
    /// Who brings it.
    pub(super) tag: Tag,
}

impl Partial {
    /// What this process itself brings.
    pub(super) fn own(blob: &BlobRef) -> Self {
        Self { blob: *blob, tag: Tag::default() }
    }

    /// The name of its file.
    pub(super) fn name(&self) -> String {
        let name = blobs::name(&self.blob);
        if self.tag == Tag::default() { name } else { format!("{name}.{}", hex::encode(self.tag.0)) }
    }

    /// The one whose file has this name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (blob, tag) = match name.split_once('.') {
            None => (name, Tag::default()),
            Some((blob, tag)) => (blob, Tag(tag.parse().ok()?)),
        };
        Some(Self { blob: blobs::parse(blob).ok()?, tag })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::B256;

    #[test]
    fn a_name_says_which_blob_and_whose() {
        let blob = BlobRef { root: B256::repeat_byte(7), length: 12345 };
        let address = |text: &str| Tag::of_address(text.parse().expect("it is one"));
        let tokens = [&b"a"[..], b"b", b"192.0.2.1"].map(Tag::of_token);
        let tags = [Tag::default(), tokens[0], tokens[1], tokens[2], address("192.0.2.1"), address("2001:db8::1")];
        for (index, tag) in tags.into_iter().enumerate() {
            let partial = Partial { blob, tag };
            assert_eq!(Partial::parse(&partial.name()), Some(partial));
            assert!(!tags[..index].contains(&tag), "{tag:?} is another's");
        }
        assert_eq!(Partial::own(&blob).name(), blobs::name(&blob));
        assert_eq!(address("2001:db8::1"), address("2001:db8::2"), "one network");
        for wrong in ["", "x", &format!("{}.", blobs::name(&blob)), &format!("{}.12", blobs::name(&blob))] {
            assert_eq!(Partial::parse(wrong), None, "{wrong}");
        }
    }
}

//! Any bytes as a digest and a signature of it.
//!
//! It holds that nothing panics, that a signature which somebody made has one form, and that its twin of the other `s` is
//! refused. Seeded tests and libFuzzer drive it alike.

use assay_protocol::B256;
use assay_protocol::signature::{Signature, SignatureError, recover};
use revm::primitives::{U256, uint};

/// Order of secp256k1.
const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

/// Recovers what the bytes say. Returns whether anybody has signed.
///
/// # Panics
/// If there is a second form of it.
pub fn signature(bytes: &[u8]) -> bool {
    let Some((digest, signature)) = bytes.split_first_chunk::<32>() else { return false };
    let digest = B256::from(*digest);
    let Ok(signer) = recover(signature, &digest) else { return false };
    let parsed = Signature::parse(signature).expect("it recovered");
    assert_eq!(parsed.to_bytes(), *signature, "one form");
    assert_eq!(parsed.recover(&digest), Ok(signer), "parsed or not");
    let mut twin = parsed.to_bytes();
    let s = ORDER - U256::from_be_slice(&twin[32..64]);
    twin[32..64].copy_from_slice(&s.to_be_bytes::<32>());
    twin[64] = 55 - twin[64];
    assert!(matches!(recover(&twin, &digest), Err(SignatureError::HighS { .. })), "its twin is refused");
    // The same r and s with the other v are of somebody else, or of nobody.
    let mut other = parsed.to_bytes();
    other[64] = 55 - other[64];
    assert_ne!(recover(&other, &digest), Ok(signer), "v says which");
    true
}

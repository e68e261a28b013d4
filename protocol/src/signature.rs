//! Signatures: 65 bytes `r || s || v`, each value in one form only (specs/11-objects.md, "Signatures").
//!
//! Owns what is refused and why. It holds no keys and signs nothing.

use alloy_primitives::{Address, B256, U256, uint};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, SECP256K1};
use thiserror::Error;

/// Bytes of a signature.
pub const SIGNATURE_LENGTH: usize = 65;
/// Half of the order of secp256k1, rounded down: the largest `s` that is low (EIP-2).
const S_MAX: U256 = uint!(0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0_U256);

/// A signature in the one form that is accepted. That it recovers to anybody is not yet said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    r: U256,
    s: U256,
    is_odd: bool,
}

/// Why bytes are not a signature, or a signature is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// Too short or too long, the compact form included.
    #[error("a signature of {got} bytes, wanted {wanted}")]
    Length {
        /// Bytes given.
        got: usize,
        /// Bytes of every signature.
        wanted: usize,
    },
    /// The last byte is neither 27 nor 28.
    #[error("v is {got}, wanted 27 or 28")]
    V {
        /// The last byte.
        got: u8,
    },
    /// The other of the two values of `s` that would do is the accepted one.
    #[error("s is {got:#x}, at most {most:#x}: the low one is accepted only")]
    HighS {
        /// The value.
        got: U256,
        /// Half of the order.
        most: U256,
    },
    /// No key made it: `r` or `s` is zero, or `r` is of no point.
    #[error("the signature recovers to no key")]
    Unrecoverable,
}

impl Signature {
    /// Parses `r || s || v`.
    ///
    /// # Errors
    /// If there are not 65 bytes, v is not 27 or 28, or s is high.
    pub fn parse(bytes: &[u8]) -> Result<Self, SignatureError> {
        let Some(bytes) = bytes.as_array::<SIGNATURE_LENGTH>() else {
            return Err(SignatureError::Length { got: bytes.len(), wanted: SIGNATURE_LENGTH });
        };
        let v = bytes[64];
        if !matches!(v, 27 | 28) {
            return Err(SignatureError::V { got: v });
        }
        let s = U256::from_be_slice(&bytes[32..64]);
        if s > S_MAX {
            return Err(SignatureError::HighS { got: s, most: S_MAX });
        }
        Ok(Self { r: U256::from_be_slice(&bytes[..32]), s, is_odd: v == 28 })
    }

    /// Whose signature of `digest` it is.
    ///
    /// # Errors
    /// [`SignatureError::Unrecoverable`].
    pub fn recover(&self, digest: &B256) -> Result<Address, SignatureError> {
        let bytes = self.to_bytes();
        let id = if self.is_odd { RecoveryId::One } else { RecoveryId::Zero };
        let unrecoverable = |_| SignatureError::Unrecoverable;
        let signature = RecoverableSignature::from_compact(&bytes[..64], id).map_err(unrecoverable)?;
        let key = SECP256K1.recover_ecdsa(Message::from_digest(digest.0), &signature).map_err(unrecoverable)?;
        Ok(Address::from_raw_public_key(&key.serialize_uncompressed()[1..]))
    }

    /// The 65 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; SIGNATURE_LENGTH] {
        let mut bytes = [27 + u8::from(self.is_odd); SIGNATURE_LENGTH];
        bytes[..32].copy_from_slice(&self.r.to_be_bytes::<32>());
        bytes[32..64].copy_from_slice(&self.s.to_be_bytes::<32>());
        bytes
    }
}

/// Whose signature of `digest` these bytes are.
///
/// # Errors
/// As [`Signature::parse`] and [`Signature::recover`].
pub fn recover(bytes: &[u8], digest: &B256) -> Result<Address, SignatureError> {
    Signature::parse(bytes)?.recover(digest)
}

//! Accounts of a simulation: keys that follow from a name, so that a seed replays everything.

use assay_protocol::objects::{Domain, TypedData};
use assay_protocol::{Address, B256, keccak256};
use k256::ecdsa::SigningKey;

/// An account that signs.
#[derive(Clone)]
pub struct Key {
    signing: SigningKey,
    address: Address,
}

impl Key {
    /// The account with a name and a number.
    ///
    /// # Panics
    /// Never in practice: a hash is no valid secret with a chance of 2^-128.
    #[must_use]
    pub fn named(name: &str, number: u32) -> Self {
        let secret = keccak256([name.as_bytes(), &number.to_be_bytes()].concat());
        let signing = SigningKey::from_slice(secret.as_slice()).expect("a hash is below the curve's order");
        let address = Address::from_public_key(signing.verifying_key());
        Self { signing, address }
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> Address {
        self.address
    }

    /// A secret that follows from the key.
    #[must_use]
    pub fn secret(&self) -> B256 {
        keccak256(self.signing.to_bytes())
    }

    /// r || s || v over an object, low s.
    ///
    /// # Panics
    /// Never: a digest of 32 bytes can be signed.
    #[must_use]
    pub fn sign<T: TypedData>(&self, object: &T, domain: &Domain) -> [u8; 65] {
        let digest = object.digest(domain);
        let (signature, recovery) =
            self.signing.sign_prehash_recoverable(digest.as_slice()).expect("32 bytes can be signed");
        let mut bytes = [27 + u8::from(recovery.is_y_odd()); 65];
        bytes[..64].copy_from_slice(&signature.to_bytes());
        bytes
    }
}

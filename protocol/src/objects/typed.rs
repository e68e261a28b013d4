//! EIP-712: the domain, and the types that are hashed (specs/11-objects.md, "Typed data").
//!
//! Owns the type strings, which are those of `bridge-contracts/src/types/Objects.sol`. The structs here serve hashing only.
#![allow(missing_docs)]

use alloc::borrow::Cow;
use alloc::string::String;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{Eip712Domain, SolStruct, sol};

/// Name of every EIP-712 domain of the protocol.
pub const DOMAIN_NAME: &str = "Assay";
/// Version of every EIP-712 domain of the protocol.
pub const DOMAIN_VERSION: &str = "1";

/// What a signature is bound to besides its object: a chain and a contract. Requests, results and receipts are bound to
/// the contract of batches, consents of keys to that of bonds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain {
    /// EIP-155 id of the chain.
    pub chain_id: u64,
    /// The contract that reads the signatures.
    pub contract: Address,
}

impl Domain {
    /// The domain separator.
    #[must_use]
    pub fn separator(&self) -> B256 {
        self.eip712().separator()
    }

    fn eip712(&self) -> Eip712Domain {
        let (name, version) = (Cow::Borrowed(DOMAIN_NAME), Cow::Borrowed(DOMAIN_VERSION));
        Eip712Domain::new(Some(name), Some(version), Some(U256::from(self.chain_id)), Some(self.contract), None)
    }
}

/// An object that is hashed by EIP-712.
pub trait TypedData {
    /// Its shape in Solidity.
    type Typed: SolStruct;

    /// The object in that shape.
    fn typed(&self) -> Self::Typed;

    /// The type with those that it refers to, as EIP-712 writes it.
    #[must_use]
    fn type_string() -> String {
        Self::Typed::eip712_encode_type().into_owned()
    }

    /// `hashStruct`: bound to no chain and no contract.
    #[must_use]
    fn struct_hash(&self) -> B256 {
        self.typed().eip712_hash_struct()
    }

    /// What is signed: `keccak256(0x1901 || separator || struct hash)`.
    #[must_use]
    fn digest(&self, domain: &Domain) -> B256 {
        self.typed().eip712_signing_hash(&domain.eip712())
    }
}

sol! {
    struct BlobRef {
        bytes32 root;
        uint64 length;
    }

    struct TaskRequest {
        address client;
        bytes32 region;
        bytes32 program;
        BlobRef input;
        uint64 fuelLimit;
        uint64 outputLengthMax;
        uint128 feeMax;
        uint64 deadline;
        uint64 nonce;
    }

    struct TaskResult {
        bytes32 task;
        uint32 attempt;
        address executor;
        uint8 status;
        uint32 code;
        uint64 fuelUsed;
        BlobRef output;
    }

    struct SoftReceipt {
        bytes32 region;
        bytes32 task;
        uint64 sequence;
        uint64 timeMs;
        uint64 includeBy;
    }

    struct Batch {
        bytes32 region;
        uint64 number;
        bytes32 parent;
        uint64 firstSequence;
        bytes32 leafRoot;
        uint32 count;
        bytes32 dataRoot;
        uint32 dataLength;
        uint32 blobCount;
        uint64 asOf;
        uint64 minDeadline;
    }

    struct KeyConsent {
        uint8 role;
        address owner;
    }

    struct ExecutorSession {
        bytes32 region;
        address executor;
        bytes32 nonce;
    }
}

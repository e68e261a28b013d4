//! What a contract said when it refused a call.
//!
//! Owns the words for revert data. Assumes nothing of the contract. Custom errors stay data: only the role knows their names.

use alloy_primitives::{Bytes, hex};
use alloy_sol_types::{Panic, Revert, SolError};

/// Revert data in words.
pub(super) fn reason(data: &Bytes) -> String {
    if data.is_empty() {
        return "no reason given".into();
    }
    if let Ok(revert) = Revert::abi_decode(data) {
        return revert.reason;
    }
    if let Ok(panic) = Panic::abi_decode(data) {
        return panic.to_string();
    }
    match data.first_chunk::<4>() {
        Some(selector) => format!("custom error 0x{} with {} bytes", hex::encode(selector), data.len() - 4),
        None => format!("{} bytes that are no error", data.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Data as the Solidity documentation gives it for `require(false, "Not enough Ether provided.")` and for an assertion.
    #[test]
    fn reasons_are_read() {
        let error = hex!(
            "08c379a0000000000000000000000000000000000000000000000000000000000000002000000000000000000000000000000000000000000000"
            "0000000000000000001a4e6f7420656e6f7567682045746865722070726f76696465642e000000000000"
        );
        assert_eq!(reason(&Bytes::from(error.to_vec())), "Not enough Ether provided.");
        let panic = hex!("4e487b710000000000000000000000000000000000000000000000000000000000000001");
        assert!(reason(&Bytes::from(panic.to_vec())).contains("assertion"), "{}", reason(&Bytes::from(panic.to_vec())));
        let custom = hex!("aabbccdd0000000000000000000000000000000000000000000000000000000000000001");
        assert_eq!(reason(&Bytes::from(custom.to_vec())), "custom error 0xaabbccdd with 32 bytes");
        assert_eq!(reason(&Bytes::new()), "no reason given");
        assert_eq!(reason(&Bytes::from_static(&[1, 2])), "2 bytes that are no error");
    }
}

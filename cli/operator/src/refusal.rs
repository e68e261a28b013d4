//! What a contract said when it refused, in words.
//!
//! Owns the words of the errors that operators meet; any other error of the contracts is given by its name and fields.

use alloy_primitives::U256;
use alloy_primitives::utils::format_ether;
use alloy_sol_types::{Panic, Revert, SolError, SolInterface};
use assay_protocol::contracts::Bonds::BondsErrors;
use assay_protocol::contracts::errors;

/// Revert data in words; none if it is no error of the contracts.
#[must_use]
pub fn words(data: &[u8]) -> Option<String> {
    let told = BondsErrors::abi_decode(data).ok().and_then(|error| bonds(&error));
    if let Some(words) = told.or_else(|| errors::words(data)) {
        return Some(words);
    }
    if let Ok(error) = Revert::abi_decode(data) {
        return Some(error.reason);
    }
    Panic::abi_decode(data).ok().map(|panic| panic.to_string())
}

/// What an operator can do something about; none for what only a developer meets.
fn bonds(error: &BondsErrors) -> Option<String> {
    Some(match error {
        BondsErrors::StakeTooSmall(e) => format!("the stake is {}, at least {}", ether(e.given), ether(e.least)),
        BondsErrors::AlreadyRegistered(e) => {
            format!("{} was registered before, and an account registers once in a role; use another account", e.owner)
        }
        BondsErrors::NotRegistered(e) => format!("{} is not registered in this role now", e.owner),
        BondsErrors::ExitAlreadyAnnounced(e) => {
            format!("the exit is announced already; registered until {}", e.registeredUntil)
        }
        BondsErrors::ExitNotAnnounced(_) => "the exit was not announced: `assay bond exit` comes first".into(),
        BondsErrors::NotYetWithdrawable(e) => {
            let seconds = e.withdrawableFrom.saturating_sub(e.given);
            format!("the stake is withdrawable from {} on, in {seconds} s", e.withdrawableFrom)
        }
        BondsErrors::NothingStaked(e) => format!("{} has no stake in this role", e.owner),
        BondsErrors::GamesOpen(e) => format!("games against {} are open: `assay dispute list` shows them", e.executor),
        BondsErrors::OwnerIsItsOwnKey(e) => format!("{} is the owner, which needs no authorisation", e.owner),
        BondsErrors::KeyTaken(e) => {
            format!("{} is a key of {} in this role, and is never given to another", e.key, e.keyOwner)
        }
        BondsErrors::ConsentNotByKey(e) => format!("the consent is signed by {}, wanted the key {}", e.signer, e.key),
        BondsErrors::NotKeyOf(e) => format!("{} is no key of {} in this role", e.key, e.owner),
        BondsErrors::KeyAlreadyRevoked(e) => format!("{} is revoked already; it signs until {}", e.key, e.validUntil),
        BondsErrors::NothingOwed(e) => format!("{} is owed nothing", e.account),
        BondsErrors::TransferFailed(e) => format!("{} does not take {}", e.to, ether(e.amount)),
        _ => return None,
    })
}

fn ether(wei: U256) -> String {
    let text = format_ether(wei);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} ETH")
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::Address;
    use assay_protocol::B256;
    use assay_protocol::contracts::{Batches, Bonds, Examiner};

    /// Data as the contracts encode it; the words are those of the operator.
    #[test]
    fn errors_of_the_contracts_are_read() {
        let small = Bonds::StakeTooSmall { least: U256::from(8_000_000_000_000_000_000_u64), given: U256::from(1) };
        assert_eq!(
            words(&small.abi_encode()).as_deref(),
            Some("the stake is 0.000000000000000001 ETH, at least 8 ETH")
        );
        let early = Bonds::NotYetWithdrawable { withdrawableFrom: 100, given: 40 };
        assert_eq!(words(&early.abi_encode()).as_deref(), Some("the stake is withdrawable from 100 on, in 60 s"));
        let owed = Bonds::NothingOwed { account: Address::ZERO };
        assert!(words(&owed.abi_encode()).is_some_and(|words| words.ends_with("is owed nothing")));
        let number = Batches::NumberNotNext { expected: 3, given: 5 };
        assert_eq!(words(&number.abi_encode()).as_deref(), Some("NumberNotNext { expected: 3, given: 5 }"));
        let program = Examiner::ProgramNotRegistered { program: B256::ZERO, asOf: 7 };
        let told = format!("ProgramNotRegistered {{ program: {}, asOf: 7 }}", B256::ZERO);
        assert_eq!(words(&program.abi_encode()), Some(told), "a contract behind the one that was called");
        let slasher = Bonds::NotSlasher { expected: Address::ZERO, given: Address::ZERO };
        assert!(words(&slasher.abi_encode()).is_some_and(|words| words.starts_with("NotSlasher { expected: 0x00")));
        assert_eq!(words(&Revert::from("no").abi_encode()).as_deref(), Some("no"));
        assert_eq!(words(&[1, 2, 3, 4]), None);
        assert_eq!(words(&[]), None);
    }
}

//! Why a node did not take a transaction.
//!
//! Owns the reading of nodes' words: JSON-RPC has one code for nearly all of these, so that the words are all there is. Assumes the
//! phrasings of geth, reth, nethermind, erigon, besu and anvil. What it does not know is [`Refusal::Unclear`], never a guess.

/// Why a transaction was not taken, as far as it decides what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The node has this very transaction: as good as taken.
    Known,
    /// Its nonce was used.
    NonceTooLow,
    /// A transaction before it is missing.
    NonceTooHigh,
    /// It offers too little: to replace another, or to be kept at all.
    Underpriced,
    /// The account can't pay for it.
    InsufficientFunds,
    /// The node will never take it, whatever is offered: too big, too much gas, too little gas.
    Impossible,
    /// The node has no room for it now, or says nothing that is known.
    Unclear,
}

/// Phrases in the order in which they are looked for: "replacement … underpriced" would otherwise be sorted by a shorter one.
const PHRASES: [(&str, Refusal); 26] = [
    ("already known", Refusal::Known),
    ("already imported", Refusal::Known),
    ("alreadyknown", Refusal::Known),
    ("known transaction", Refusal::Known),
    ("nonce too low", Refusal::NonceTooLow),
    ("oldnonce", Refusal::NonceTooLow),
    ("nonce is too low", Refusal::NonceTooLow),
    ("nonce too high", Refusal::NonceTooHigh),
    ("nonce gap", Refusal::NonceTooHigh),
    ("noncegap", Refusal::NonceTooHigh),
    ("underpriced", Refusal::Underpriced),
    ("fee cap less than block base fee", Refusal::Underpriced),
    ("max fee per gas less than block base fee", Refusal::Underpriced),
    ("feetoolow", Refusal::Underpriced),
    ("gas tip cap", Refusal::Underpriced),
    ("insufficient funds", Refusal::InsufficientFunds),
    ("insufficientfunds", Refusal::InsufficientFunds),
    ("upfront cost exceeds", Refusal::InsufficientFunds),
    ("exceeds block gas limit", Refusal::Impossible),
    ("gas required exceeds", Refusal::Impossible),
    ("gas limit too high", Refusal::Impossible),
    ("intrinsic gas too high", Refusal::Impossible),
    ("intrinsic gas too low", Refusal::Impossible),
    ("gas too low", Refusal::Impossible),
    ("oversized data", Refusal::Impossible),
    ("max initcode size exceeded", Refusal::Impossible),
];

impl Refusal {
    /// Sorts a node's words.
    pub fn from_words(message: &str) -> Self {
        let message = message.to_lowercase();
        PHRASES.iter().find(|(phrase, _)| message.contains(phrase)).map_or(Refusal::Unclear, |&(_, refusal)| refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words are those of the nodes' sources: geth `core/txpool/errors.go` and `core/error.go`, reth `crates/transaction-pool`,
    /// nethermind `AcceptTxResult`, anvil `eth/error.rs`.
    #[test]
    fn nodes_words_are_understood() {
        for (words, refusal) in [
            ("already known", Refusal::Known),
            ("AlreadyKnown", Refusal::Known),
            ("transaction already imported", Refusal::Known),
            ("nonce too low: next nonce 5, tx nonce 4", Refusal::NonceTooLow),
            ("OldNonce", Refusal::NonceTooLow),
            ("nonce too high: address 0x00, tx: 9 state: 4", Refusal::NonceTooHigh),
            ("replacement transaction underpriced", Refusal::Underpriced),
            ("transaction underpriced: gas tip cap 0, minimum needed 1", Refusal::Underpriced),
            (
                "max fee per gas less than block base fee: address 0x00, maxFeePerGas: 1, baseFee: 7",
                Refusal::Underpriced,
            ),
            ("insufficient funds for gas * price + value: balance 0, tx cost 5", Refusal::InsufficientFunds),
            ("Insufficient funds for gas * price + value", Refusal::InsufficientFunds),
            ("exceeds block gas limit", Refusal::Impossible),
            ("gas required exceeds allowance (30000000)", Refusal::Impossible),
            ("intrinsic gas too low: gas 5, minimum needed 21000", Refusal::Impossible),
            ("intrinsic gas too high -- tx.gas_limit > env.block.gas_limit", Refusal::Impossible),
            ("oversized data: transaction size 200000, limit 131072", Refusal::Impossible),
            ("txpool is full", Refusal::Unclear),
            ("", Refusal::Unclear),
        ] {
            assert_eq!(Refusal::from_words(words), refusal, "{words}");
        }
    }
}

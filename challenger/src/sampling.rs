//! Which leaves are run again (specs/20-challenger.md, "Sampling").
//!
//! Owns the draw: a keyed hash of the leaf, so that whoever has not the key can't tell a leaf that will be checked from one that
//! won't, and whoever has it draws the same after a restart. Pure.

use std::collections::BTreeSet;

use alloy_primitives::{Address, keccak256};
use assay_node::keys::{KeyError, Wallet};
use assay_protocol::B256;
use assay_protocol::objects::Claim;
use serde::{Deserialize, Serialize};

/// What is run again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SamplingConfig {
    /// Share of all leaves, from 0 to 1. 0.1.
    pub rate: f64,
    /// Programs whose leaves are always run again.
    pub programs: BTreeSet<B256>,
    /// Executors whose leaves are always run again.
    pub executors: BTreeSet<Address>,
    /// Clients whose leaves are always run again.
    pub clients: BTreeSet<Address>,
}

impl Default for SamplingConfig {
    fn default() -> Self {
        let (programs, executors, clients) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        Self { rate: 0.1, programs, executors, clients }
    }
}

/// Why a leaf is run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chosen {
    /// It is on a list.
    Always,
    /// It was drawn.
    Drawn,
}

/// Draws leaves.
#[derive(Clone)]
pub struct Sampler {
    key: [u8; 32],
    config: SamplingConfig,
}

impl Sampler {
    /// A sampler with a key that nobody else knows.
    #[must_use]
    pub fn new(key: B256, config: SamplingConfig) -> Self {
        Self { key: key.0, config }
    }

    /// Whether a claim is run again, by its leaf.
    #[must_use]
    pub fn choose(&self, leaf: &B256, claim: &Claim) -> Option<Chosen> {
        let SamplingConfig { rate, programs, executors, clients } = &self.config;
        let is_listed = programs.contains(&claim.request.program)
            || executors.contains(&claim.result.executor)
            || clients.contains(&claim.request.client);
        if is_listed {
            return Some(Chosen::Always);
        }
        is_drawn(&self.key, leaf, *rate).then_some(Chosen::Drawn)
    }
}

/// Whether a leaf is drawn at a rate: the first 64 bits of its keyed hash are below that share of 2^64.
#[must_use]
pub fn is_drawn(key: &[u8; 32], leaf: &B256, rate: f64) -> bool {
    let hash = blake3::keyed_hash(key, leaf.as_slice());
    let draw = u64::from_be_bytes(*hash.as_bytes().first_chunk().expect("a hash has 32 bytes"));
    // Exact at both ends: 2^64 itself is above every draw.
    (u128::from(draw)) < (rate.clamp(0.0, 1.0) * 2f64.powi(64)) as u128
}

/// The sampling key of an account. It follows from its key, by a signature of a hash that nothing else has.
///
/// # Errors
/// [`KeyError`] if the key can't sign.
pub fn key_of(wallet: &Wallet) -> Result<B256, KeyError> {
    Ok(keccak256(wallet.sign_hash(&keccak256("assay.challenger.sampling.v1"))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(number: u64) -> B256 {
        keccak256(number.to_be_bytes())
    }

    /// The share that is drawn lies within five standard deviations of the rate, for any key.
    #[test]
    fn the_rate_is_what_was_asked_for() {
        const LEAVES: u64 = 100_000;
        for (key, rate) in [([1; 32], 0.5), ([2; 32], 0.1), ([3; 32], 0.01), ([4; 32], 0.001)] {
            let drawn = (0..LEAVES).filter(|number| is_drawn(&key, &leaf(*number), rate)).count() as f64;
            let (mean, deviation) = (LEAVES as f64 * rate, (LEAVES as f64 * rate * (1.0 - rate)).sqrt());
            assert!((drawn - mean).abs() < 5.0 * deviation, "rate {rate}: {drawn} drawn, {mean} expected");
        }
    }

    #[test]
    fn at_its_ends_the_rate_is_exact() {
        for number in 0..1000 {
            assert!(is_drawn(&[7; 32], &leaf(number), 1.0));
            assert!(!is_drawn(&[7; 32], &leaf(number), 0.0));
            assert!(is_drawn(&[7; 32], &leaf(number), 2.0) && !is_drawn(&[7; 32], &leaf(number), f64::NAN));
        }
    }

    /// The same key draws the same leaves, another key others: of two draws at a half, half agree.
    #[test]
    fn draws_follow_from_the_key_alone() {
        let draws = |key: [u8; 32]| (0..4096).map(move |number| is_drawn(&key, &leaf(number), 0.5)).collect::<Vec<_>>();
        assert_eq!(draws([1; 32]), draws([1; 32]));
        let agree = draws([1; 32]).iter().zip(draws([2; 32])).filter(|(one, other)| **one == *other).count();
        assert!((1888..=2208).contains(&agree), "{agree} of 4096 draws agree");
    }

    /// A leaf that is drawn at a rate is drawn at every higher one: who raises the rate checks nothing twice.
    #[test]
    fn a_higher_rate_draws_more_of_the_same() {
        for number in 0..1000 {
            let at = |rate| is_drawn(&[9; 32], &leaf(number), rate);
            assert!((!at(0.1) || at(0.3)) && (!at(0.3) || at(0.9)));
        }
    }

    #[test]
    fn an_accounts_key_is_always_the_same() {
        let wallet = |byte| Wallet::from_secret(&B256::repeat_byte(byte)).expect("it is a key");
        let key = |byte| key_of(&wallet(byte)).expect("it signs");
        assert_eq!(key(1), key(1));
        assert_ne!(key(1), key(2));
    }
}

//! The rules of the dispute game, executable, and a checker that plays them exhaustively on toy machines.
//!
//! ```text
//! rule        the one table of rules, G1 to G35 of specs/13-game.md, and the refusal that names one
//! terms       windows, clocks, bonds, shares, the gas schedule
//! machine     what the game knows of a machine; a toy one
//! state       court, claims, games, positions, ledger
//! apply       what each action does: (state, action, now) -> state, or the rule that it breaks
//! settlement  the end of a game: conviction, payouts, fates
//! strategy    how the honest side plays, in both roles
//! checker     every play of the adversary, and what must hold in all of them
//! ```
//!
//! The contracts and the player follow these rules; this crate is where a rule can be dropped, to see what it was good for.
//! It has no I/O, no clock and no cryptography: commitments are opaque values.
#![forbid(unsafe_code)]

pub mod apply;
pub mod checker;
pub mod machine;
pub mod rule;
pub mod settlement;
pub mod state;
pub mod strategy;
pub mod terms;

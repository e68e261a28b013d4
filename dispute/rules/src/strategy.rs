//! How the honest side plays. It knows the trace and answers every position with one move; it never needs a choice.
//!
//! Owns the invariant: before an honest move the opponent's last dissection starts at a true state and ends at a false one.

use crate::apply::{Action, Reply};
use crate::machine::Hash;
use crate::state::{Court, Opening, Position};

impl Court {
    /// The dissection of a segment as the machine runs it.
    #[must_use]
    pub fn true_dissection(&self, start: u32, length: u32) -> Vec<Hash> {
        let parts = self.terms.parts(length);
        (1..=parts).map(|k| self.machine.state_at(start + length * k / parts)).collect()
    }

    /// The opening of an honest challenger.
    #[must_use]
    pub fn true_opening(&self, claim: usize) -> Opening {
        Opening { boot: self.machine.boot(), hashes: self.true_dissection(0, self.claims[claim].length) }
    }

    /// Whether a dissection starts at a true state and ends at a false one.
    #[must_use]
    pub fn is_true_then_false(&self, position: &Position) -> bool {
        let parts = position.parts();
        let is_true = |k: usize| position.hashes[k] == self.machine.state_at(position.boundary(k));
        parts > 0 && is_true(0) && !is_true(parts)
    }

    /// The honest answer to a position: the first part that starts true and ends false, stepped or dissected as the machine
    /// runs it. `None` if there is no such part, which the invariant excludes.
    #[must_use]
    pub fn honest_answer(&self, game: usize, position: &Position) -> Option<Action> {
        let is_true = |k: usize| position.hashes[k] == self.machine.state_at(position.boundary(k));
        let part = (1..=position.parts()).find(|k| is_true(k - 1) && !is_true(*k))?;
        let reply = Reply {
            answers: position.clone(),
            part,
            accepted: position.hashes[part - 1],
            disputed: position.hashes[part],
        };
        let (start, end) = (position.boundary(part - 1), position.boundary(part));
        Some(match end - start {
            1 => Action::Step { game, reply },
            length => Action::Dissect { game, reply, hashes: self.true_dissection(start, length) },
        })
    }
}

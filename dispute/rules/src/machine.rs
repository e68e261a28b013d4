//! What the game knows of a machine: a total step, halting, and what a halted state implies.
//!
//! A hash is an opaque value. It opens to at most one state; most hashes open to nothing, and a player may submit those too.
//! Assumes nothing of the machine but that its step is total (G20).

/// A state hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub u8);

/// An outcome that a claim states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Outcome(pub u8);

/// A machine with few states. The hash of state s is `Hash(s)`, all other hashes open to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Machine {
    /// Successor of each state; a state that is its own successor need not be halted, a halted one is its own successor.
    pub successors: Vec<u8>,
    /// What each state implies; `None` while it runs.
    pub implied: Vec<Option<Outcome>>,
    /// A state whose record is not canonical: it is a state like any other.
    pub odd: Option<u8>,
    /// A state from which L1 could not step if G20 were dropped.
    pub unsteppable: Option<u8>,
}

impl Machine {
    /// A machine without peculiar states.
    ///
    /// # Panics
    /// If a halted state is not its own successor, or a successor does not exist.
    #[must_use]
    pub fn new(successors: &[u8], implied: &[Option<u8>]) -> Self {
        assert_eq!(successors.len(), implied.len(), "each state has a successor and an outcome, or none");
        for (state, (next, outcome)) in successors.iter().zip(implied).enumerate() {
            assert!(usize::from(*next) < successors.len(), "state {state} leads to a state");
            assert!(outcome.is_none() || usize::from(*next) == state, "the halted state {state} stays");
        }
        let implied = implied.iter().map(|outcome| outcome.map(Outcome)).collect();
        Self { successors: successors.to_vec(), implied, odd: None, unsteppable: None }
    }

    /// Number of states.
    #[must_use]
    pub fn count(&self) -> u8 {
        u8::try_from(self.successors.len()).expect("a toy machine has few states")
    }

    /// Hash of state 0.
    #[must_use]
    pub const fn boot(&self) -> Hash {
        Hash(0)
    }

    /// The state that a hash is of.
    #[must_use]
    pub fn opens(&self, hash: Hash) -> Option<u8> {
        (hash.0 < self.count()).then_some(hash.0)
    }

    /// Hash of the state after `steps` steps: the truth.
    #[must_use]
    pub fn state_at(&self, steps: u32) -> Hash {
        Hash((0..steps).fold(0, |state, _| self.successors[usize::from(state)]))
    }

    /// Whether an outcome is the result of the job: the state at the end is halted and implies it.
    #[must_use]
    pub fn is_result(&self, outcome: Outcome, length: u32) -> bool {
        self.implied[usize::from(self.state_at(length).0)] == Some(outcome)
    }

    /// Every machine of `count` states whose halted states are the last `halted` ones, each implying an outcome of its own.
    #[must_use]
    pub fn all(count: u8, halted: u8) -> Vec<Self> {
        let running = count - halted;
        let implied: Vec<_> = (0..count).map(|state| (state >= running).then_some(state)).collect();
        let total = u32::from(count).pow(u32::from(running));
        let successor = |number: u32, state: u8| {
            let digit = number / u32::from(count).pow(u32::from(state)) % u32::from(count);
            if state < running { u8::try_from(digit).expect("a digit is below the count") } else { state }
        };
        (0..total)
            .map(|number| Self::new(&(0..count).map(|state| successor(number, state)).collect::<Vec<_>>(), &implied))
            .collect()
    }
}

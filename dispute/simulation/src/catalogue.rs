//! The catalogue of dishonest players, and bouts drawn from it by a seed.
//!
//! A bout is a number under a seed: the same two give the same bout, so that a report that names them can be replayed.

use std::sync::Arc;

use assay_dispute::game::{Claimed, Side};
use assay_protocol::presets::{Parameters, Preset};
use assay_protocol::{Address, BlobRef, keccak256};

use crate::actor::{Actor, Belief, Habit};
use crate::bout::{Broken, Report, play};
use crate::job::Job;
use crate::key::Key;
use crate::liar::{Corruption, Liar};
use crate::stage::{Entry, Stage};

/// Price of gas in bouts: 1 gwei.
const BASE_FEE: u64 = 1_000_000_000;

/// An honest player dawdles once; what is left is for the moves to come.
const LATE: Habit = Habit::Late { spare: 30 };

/// Draws from a seed.
pub struct Dice {
    seed: u64,
    count: u64,
}

impl Dice {
    /// The dice of bout `number` under a seed.
    #[must_use]
    pub fn new(seed: u64, number: u64) -> Self {
        let hash = keccak256([seed.to_be_bytes(), number.to_be_bytes()].concat());
        Self { seed: u64::from_be_bytes(*hash.first_chunk().expect("a hash has 32 bytes")), count: 0 }
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.count += 1;
        let hash = keccak256([self.seed.to_be_bytes(), self.count.to_be_bytes()].concat());
        u64::from_be_bytes(*hash.first_chunk().expect("a hash has 32 bytes")) % end
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// A step of a run, its ends more often than chance would have it.
    fn step(&mut self, job: &Job) -> u64 {
        let end = job.truth.segment().length;
        let last = job.halt_step;
        match self.below(6) {
            0 => 1,
            1 => end,
            2 => last,
            3 => last.saturating_sub(1).max(1),
            _ => 1 + self.below(end),
        }
    }

    fn habit(&mut self) -> Habit {
        match self.below(5) {
            0 => Habit::Late { spare: self.below(30) },
            1 => Habit::Silent { after: self.below(4) as u32 },
            _ => Habit::Prompt,
        }
    }
}

/// The numbers of bouts: those of the devnet.
#[must_use]
pub fn parameters() -> Parameters {
    Preset::Devnet.parameters(Address::repeat_byte(0x77))
}

/// A result that is not the job's.
#[must_use]
pub fn falsify(truth: Claimed, dice: &mut Dice) -> Claimed {
    let mut claimed = truth;
    let is_exhausted = truth.status == 3;
    match dice.below(5) {
        // An exhausted run has one form; another one has a fault on its face.
        0 if !is_exhausted => claimed.code ^= 1,
        1 if !is_exhausted => claimed.output.root = keccak256(truth.output.root),
        2 if !is_exhausted => claimed.output = BlobRef { length: truth.output.length + 1, ..truth.output },
        3 if !is_exhausted && truth.fuel_used > 0 => claimed.fuel_used -= 1,
        _ if is_exhausted => (claimed.status, claimed.code) = (1, 0),
        _ => claimed.fuel_used += 1,
    }
    claimed
}

/// Plays bout `number` under a seed.
///
/// # Errors
/// [`Broken`] if the honest side did not get its due.
pub fn bout(jobs: &[Job], seed: u64, number: u64) -> Result<Report, Broken> {
    let mut dice = Dice::new(seed, number);
    let job = &jobs[dice.below(jobs.len() as u64) as usize];
    let executor = Key::named("executor", 0);
    let is_true = dice.below(2) == 0;
    let claimed = if is_true { job.truth } else { falsify(job.truth, &mut dice) };
    let stage = Stage::new(parameters(), BASE_FEE, &[Entry { job, executor: &executor, claimed }]);
    let truth = || Belief::Truth(Arc::clone(&job.evidence));
    let lie = |dice: &mut Dice| {
        Belief::Lie(Liar {
            truth: Arc::clone(&job.evidence),
            from: dice.step(job),
            corruption: dice.pick(&Corruption::ALL),
            end: claimed.segment().length,
        })
    };
    let mut actors = Vec::new();
    if is_true {
        let habit = dice.pick(&[Habit::Prompt, Habit::Prompt, LATE]);
        actors.push(Actor::new(executor, Side::Executor, truth(), habit, 0));
    } else {
        let (belief, habit) = (lie(&mut dice), dice.habit());
        actors.push(Actor::new(executor, Side::Executor, belief, habit, 0));
        let habit = dice.pick(&[Habit::Prompt, Habit::Prompt, LATE]);
        actors.push(Actor::new(Key::named("challenger", 0), Side::Challenger, truth(), habit, 0));
    }
    for liar in 1..=dice.below(4) as u32 + u32::from(is_true) {
        let (belief, habit) = (lie(&mut dice), dice.habit());
        let mut actor = Actor::new(Key::named("challenger", liar), Side::Challenger, belief, habit, 0);
        actor.is_stay = dice.below(4) == 0;
        actors.push(actor);
    }
    // Who moves first in a block is chance, too.
    for last in (1..actors.len()).rev() {
        actors.swap(last, dice.below(last as u64 + 1) as usize);
    }
    let pace = dice.pick(&[1, 2, 5]);
    play(stage, actors, &[is_true], pace)
}

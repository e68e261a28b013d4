//! A bout as data: who plays what, under which circumstances. The same plan gives the same bout.

use std::collections::BTreeMap;

use alloy_sol_types::SolCall;
use assay_dispute::game::{Claimed, Side};
use assay_protocol::contracts::Bonds;
use assay_protocol::presets::{Parameters, Preset};
use assay_protocol::{Address, BlobRef, keccak256};

use crate::actor::{Actor, Belief, Delegate, Habit};
use crate::bout::{Bout, Errand, Report};
use crate::dice::Dice;
use crate::job::Job;
use crate::key::Key;
use crate::liar::{Corruption, Liar, Story};
use crate::referee::Broken;
use crate::rider::{BATCHER, batcher_of};
use crate::stage::{Entry, Stage};

/// Price of gas in bouts: 1 gwei.
const BASE_FEE: u64 = 1_000_000_000;
/// Blocks of a bout in which a key is revoked and an exit announced, and in which the stake is asked for.
const REVOKED_IN: u64 = 3;
const EXIT_IN: u64 = 2;
const WITHDRAWN_IN: [u64; 3] = [3, 8, 20];

/// A claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Index of the job.
    pub job: usize,
    /// Number of its executor.
    pub executor: u32,
    /// How its result is false, if it is.
    pub lie: Option<u64>,
    /// Whether it was posted so long ago that it is final when the games begin.
    pub is_old: bool,
}

/// What a player says of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conduct {
    /// The truth.
    Honest,
    /// Something else.
    Lying {
        /// Where it begins, drawn.
        from: u64,
        /// What is false.
        corruption: Corruption,
        /// Whether it stays with it.
        story: Story,
    },
}

/// A player.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Player {
    /// Its side.
    pub side: Side,
    /// Tells it from others on its side.
    pub number: u32,
    /// What it says.
    pub conduct: Conduct,
    /// When.
    pub habit: Habit,
    /// The claims that it plays for or against.
    pub cases: Vec<usize>,
    /// Whether its challenges hold all claims of an executor.
    pub is_stay: bool,
    /// Whether it is killed after every block, its board lost.
    pub forgets: bool,
    /// Whether another key moves for it until it is revoked.
    pub is_delegated: bool,
    /// Whether it announces its exit, and asks for its stake, while games go on.
    pub exits: bool,
}

/// A bout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What is claimed.
    pub claims: Vec<Claim>,
    /// Who plays.
    pub players: Vec<Player>,
    /// Whether the sequencer keeps back what it posts leaves of: the data is garbage.
    pub is_withheld: bool,
    /// Seconds between blocks.
    pub pace: u64,
    /// The highest base fee of a block, in per cent of what the schedule pays at most; none: one base fee for all.
    pub base_fee_top: Option<u64>,
    /// Reorganisations, at most.
    pub reorganisations: u32,
    /// Of how many honest moves, one is tried garbled; none if zero.
    pub tampering: u64,
    /// What chance follows from.
    pub seed: u64,
}

impl Player {
    /// A prompt player with nothing special about it.
    #[must_use]
    pub fn new(side: Side, number: u32, conduct: Conduct, cases: Vec<usize>) -> Self {
        let (habit, is_stay, forgets, is_delegated, exits) = (Habit::Prompt, false, false, false, false);
        Self { side, number, conduct, habit, cases, is_stay, forgets, is_delegated, exits }
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> Key {
        match self.side {
            Side::Challenger => challenger(self.number),
            Side::Executor => executor(self.number),
        }
    }
}

/// The key of a challenger.
#[must_use]
pub fn challenger(number: u32) -> Key {
    Key::named("challenger", number)
}

/// The key of an executor.
#[must_use]
pub fn executor(number: u32) -> Key {
    Key::named("executor", number)
}

/// The numbers of bouts: those of the devnet.
#[must_use]
pub fn parameters() -> Parameters {
    Preset::Devnet.parameters(Address::repeat_byte(0x77))
}

impl Plan {
    /// Plays it.
    ///
    /// # Errors
    /// [`Broken`] if the honest side did not get its due.
    pub fn play(&self, jobs: &[Job]) -> Result<Report, Broken> {
        self.bout(jobs).play()
    }

    /// The bout.
    #[must_use]
    pub fn bout(&self, jobs: &[Job]) -> Bout {
        let claimed: Vec<Claimed> = self.claims.iter().map(|claim| claimed(&jobs[claim.job], claim.lie)).collect();
        let keys: Vec<Key> = self.claims.iter().map(|claim| executor(claim.executor)).collect();
        let entries = |is_old: bool| -> Vec<Entry<'_>> {
            let these = self.claims.iter().zip(&claimed).zip(&keys).filter(|((claim, _), _)| claim.is_old == is_old);
            these
                .map(|((claim, claimed), executor)| Entry { job: &jobs[claim.job], executor, claimed: *claimed })
                .collect()
        };
        assert!(self.claims.is_sorted_by_key(|claim| !claim.is_old), "old claims come first");
        let old = entries(true);
        let mut stage = Stage::new(parameters(), BASE_FEE, &old);
        if !old.is_empty() {
            let parameters = parameters();
            stage.world.advance(parameters.window + 1);
        }
        stage.is_withheld = self.is_withheld;
        stage.post(&entries(false));
        let is_true = |claim: &Claim| claim.lie.is_none() && jobs[claim.job].has_truth;
        let mut dice = Dice::new(self.seed, 0);
        let mut actors: Vec<Actor> = self.players.iter().map(|player| self.actor(player, &mut stage, jobs)).collect();
        let cap = u64::try_from(parameters().base_fee_max).expect("a cap is no more than a base fee can be");
        // Who moves first in a block is chance, too.
        dice.shuffle(&mut actors);
        Bout {
            is_true: self.claims.iter().map(is_true).collect(),
            errands: self.errands(&stage),
            stage,
            actors,
            pace: self.pace,
            base_fee_top: self.base_fee_top.map(|percent| cap / 100 * percent),
            reorganisations: self.reorganisations,
            tampering: self.tampering,
            dice,
        }
    }

    fn actor(&self, player: &Player, stage: &mut Stage, jobs: &[Job]) -> Actor {
        let belief = |case: &usize| {
            let job = &jobs[self.claims[*case].job];
            let truth = job.evidence.clone();
            let end = stage.cases[*case].claimed.segment().length;
            let belief = match player.conduct {
                Conduct::Honest => Belief::Truth(truth),
                Conduct::Lying { from, corruption, story } => {
                    Belief::Lie(Liar { truth, from: first_false(job, end, from), story, corruption, end })
                }
            };
            (*case, belief)
        };
        let beliefs: BTreeMap<usize, Belief> = player.cases.iter().map(belief).collect();
        let key = player.key();
        let mut delegate = None;
        if player.is_delegated {
            let hot = Key::named("hot", player.number);
            stage.delegate(&key, &hot);
            let notice = stage.deployment.parameters.notice_period;
            delegate = Some(Delegate { key: hot, until: stage.world.head().time + REVOKED_IN * self.pace + notice });
        }
        let batcher = matches!(player.habit, Habit::FreeRide { .. }).then(|| batcher_of(key.address()));
        if let Some(batcher) = batcher {
            stage.world.install(batcher, BATCHER);
        }
        let truth = Belief::Truth(jobs[0].evidence.clone());
        let mut actor = Actor::new(key, player.side, truth, player.habit, 0);
        (actor.beliefs, actor.is_stay, actor.delegate, actor.forgets) =
            (beliefs, player.is_stay, delegate, player.forgets);
        actor.batcher = batcher;
        actor
    }

    fn errands(&self, stage: &Stage) -> Vec<Errand> {
        let (to, mut errands) = (stage.deployment.bonds, Vec::new());
        for player in &self.players {
            let from = player.key().address();
            if player.is_delegated {
                let key = Key::named("hot", player.number).address();
                let data = Bonds::revokeCall { role: 0, key }.abi_encode().into();
                errands.push(Errand { block: REVOKED_IN, from, to, data });
            }
            if player.exits {
                let data = Bonds::exitCall { role: 0 }.abi_encode().into();
                errands.push(Errand { block: EXIT_IN, from, to, data });
                let call = Bonds::withdrawStakeCall { role: 0, to: from }.abi_encode();
                errands.extend(WITHDRAWN_IN.map(|block| Errand { block, from, to, data: call.clone().into() }));
            }
        }
        errands
    }
}

/// The step at which a lie begins: the ends of a run more often than chance would have it.
fn first_false(job: &Job, end: u64, draw: u64) -> u64 {
    let rest = draw / 6;
    match draw % 6 {
        0 => 1,
        1 => end,
        2 => job.halt_step.clamp(1, end),
        3 => job.halt_step.saturating_sub(1).clamp(1, end),
        _ => 1 + rest % end,
    }
}

/// What is claimed of a job.
fn claimed(job: &Job, lie: Option<u64>) -> Claimed {
    let truth = job.truth;
    let Some(draw) = lie else { return truth };
    let mut claimed = truth;
    let is_exhausted = truth.status == 3;
    match draw % 5 {
        // An exhausted run has one form; another one has a fault on its face.
        _ if is_exhausted => (claimed.status, claimed.code) = (1, 0),
        1 => claimed.output.root = keccak256(truth.output.root),
        2 if truth.output.length < job.limits.output_bytes => {
            claimed.output = BlobRef { length: truth.output.length + 1, ..truth.output };
        }
        3 if truth.fuel_used > 0 => claimed.fuel_used -= 1,
        4 if truth.fuel_used < truth.fuel_limit => claimed.fuel_used += 1,
        _ => claimed.code ^= 1,
    }
    claimed
}

//! What can be defended at once: the runs of open claims, against what the player's workers run again in time.
//!
//! Owns the rule of specs/19-executor.md ("What it can defend"): the longest runs among open claims, as many as games are expected at once,
//! have no more steps together than the capacity. It assumes that whoever signs asks here first. Pure: it reads no clock and keeps no row;
//! it is told what is signed, and what nobody can challenge any more.
//!
//! ```text
//! top    the longest runs, `games_max` of them, or all there are; their sum is kept
//! rest   the others, none of them longer than one of the top
//! ```
//!
//! A claim that comes or goes moves one run at most between the two, so that hundreds of thousands of open claims cost no more than a few
//! steps down a tree.

use std::collections::BTreeSet;

use assay_protocol::rpc::AssignmentId;
use thiserror::Error;

/// Steps of a run, and which claim it is behind: runs that are alike are told apart.
type Run = (u64, AssignmentId);

/// The most steps that a run of so much fuel can have: one more than its fuel (specs/06-fuel.md, "Steps and fuel").
#[must_use]
pub const fn steps_of(fuel_used: u64) -> u64 {
    fuel_used.saturating_add(1)
}

/// A run that is not signed for, because it could not be defended besides what is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the {games_max} longest open runs would have {got} steps with one of {steps}, and {most} can be defended at once"
)]
pub struct Indefensible {
    /// Steps of the run.
    pub steps: u64,
    /// How many of the longest are counted.
    pub games_max: usize,
    /// What they would have together.
    pub got: u128,
    /// The capacity.
    pub most: u64,
}

/// The runs of open claims, and the bound on the longest of them.
#[derive(Debug)]
pub struct Defensible {
    capacity: u64,
    games_max: usize,
    top: BTreeSet<Run>,
    rest: BTreeSet<Run>,
    /// Steps of the top together.
    steps: u128,
}

impl Defensible {
    /// No claim is open yet. The capacity is in steps; at least one game is expected, whatever is said.
    #[must_use]
    pub fn new(capacity: u64, games_max: usize) -> Self {
        let (top, rest) = (BTreeSet::new(), BTreeSet::new());
        Self { capacity, games_max: games_max.max(1), top, rest, steps: 0 }
    }

    /// Most steps that the longest runs may have together.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Steps that the longest runs have together.
    #[must_use]
    pub fn steps(&self) -> u128 {
        self.steps
    }

    /// Whether the bound would hold with one run more, of so many steps. Where it does not hold as it is, it does with none.
    ///
    /// # Errors
    /// [`Indefensible`].
    pub fn admits(&self, steps: u64) -> Result<(), Indefensible> {
        // Where the top is full, the new run counts for what it is longer than the shortest, whose place it takes.
        let shortest = self.top.first().filter(|_| self.top.len() == self.games_max);
        let more = steps.saturating_sub(shortest.map_or(0, |(steps, _)| *steps));
        let (got, most) = (self.steps + u128::from(more), self.capacity);
        if got > u128::from(most) {
            return Err(Indefensible { steps, games_max: self.games_max, got, most });
        }
        Ok(())
    }

    /// Takes a run in, if the bound holds with it.
    ///
    /// # Errors
    /// [`Indefensible`]: it is not taken in.
    pub fn take(&mut self, steps: u64, id: AssignmentId) -> Result<(), Indefensible> {
        self.admits(steps)?;
        self.enter(steps, id);
        Ok(())
    }

    /// Takes in the run of a claim that was signed before, bound or no bound.
    pub fn enter(&mut self, steps: u64, id: AssignmentId) {
        let run = (steps, id);
        if self.rest.contains(&run) || !self.top.insert(run) {
            return;
        }
        self.steps += u128::from(steps);
        if self.top.len() > self.games_max
            && let Some(shortest) = self.top.pop_first()
        {
            self.steps -= u128::from(shortest.0);
            self.rest.insert(shortest);
        }
    }

    /// Nobody can challenge a claim any more. One that is not here is no error.
    pub fn leave(&mut self, steps: u64, id: AssignmentId) {
        let run = (steps, id);
        if self.rest.remove(&run) || !self.top.remove(&run) {
            return;
        }
        self.steps -= u128::from(steps);
        if let Some(longest) = self.rest.pop_last() {
            self.steps += u128::from(longest.0);
            self.top.insert(longest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::B256;

    fn id(attempt: u32) -> AssignmentId {
        AssignmentId { task: B256::ZERO, attempt }
    }

    /// Claims that are numbered as they come.
    fn open(capacity: u64, games_max: usize, runs: &[u64]) -> Defensible {
        let mut open = Defensible::new(capacity, games_max);
        (0..).zip(runs).for_each(|(claim, steps)| open.enter(*steps, id(claim)));
        open
    }

    #[test]
    fn a_step_is_added_to_the_fuel() {
        assert_eq!([0, 7, u64::MAX].map(steps_of), [1, 8, u64::MAX]);
    }

    #[test]
    fn all_runs_count_while_they_are_fewer_than_games() {
        let mut open = open(100, 3, &[40, 10]);
        assert_eq!(open.steps(), 50);
        assert_eq!(open.admits(50), Ok(()), "exactly the capacity");
        assert_eq!(open.admits(51), Err(Indefensible { steps: 51, games_max: 3, got: 101, most: 100 }));
        assert_eq!(open.take(51, id(2)), open.admits(51));
        assert_eq!(open.steps(), 50, "what is refused is not taken in");
        assert_eq!(open.take(50, id(2)), Ok(()));
        assert_eq!(open.steps(), 100);
    }

    #[test]
    fn only_the_longest_count_when_there_are_more() {
        let mut open = open(100, 3, &[40, 10, 20]);
        // As long as the shortest that counts, or shorter: the sum stays. Longer: it takes its place.
        assert_eq!(open.take(10, id(3)), Ok(()));
        assert_eq!(open.take(1, id(4)), Ok(()));
        assert_eq!(open.steps(), 70);
        assert_eq!(open.admits(41).map_err(|refused| refused.got), Err(101));
        assert_eq!(open.take(40, id(5)), Ok(()), "40, 40 and 20 are the capacity");
        assert_eq!(open.steps(), 100);
        assert_eq!(open.admits(20), Ok(()));
        assert_eq!(open.admits(21).map_err(|refused| refused.got), Err(101));
    }

    #[test]
    fn the_next_longest_counts_when_one_goes() {
        let mut open = open(100, 2, &[30, 20, 50, 30]);
        assert_eq!(open.steps(), 80);
        open.leave(50, id(2));
        assert_eq!(open.steps(), 60, "both of 30");
        open.leave(20, id(1));
        assert_eq!(open.steps(), 60, "it did not count");
        open.leave(30, id(0));
        open.leave(30, id(0));
        open.leave(31, id(3));
        assert_eq!(open.steps(), 30, "one of the two is left, and goes once");
        open.leave(30, id(3));
        assert_eq!((open.steps(), open.capacity()), (0, 100));
        assert_eq!(open.take(100, id(4)), Ok(()));
    }

    #[test]
    fn a_run_that_comes_twice_counts_once() {
        let mut open = open(100, 1, &[30, 20]);
        open.enter(30, id(0));
        open.enter(20, id(1));
        assert_eq!(open.steps(), 30);
        open.leave(30, id(0));
        open.leave(20, id(1));
        assert_eq!(open.steps(), 0);
    }

    #[test]
    fn a_single_run_is_held_to_the_capacity_too() {
        for games_max in [0, 1, 64] {
            let none = open(100, games_max, &[]);
            assert_eq!((none.admits(100), none.admits(101).is_err()), (Ok(()), true), "{games_max} games");
        }
        assert!(open(0, 64, &[]).admits(1).is_err(), "no capacity defends nothing");
    }

    /// What is open stays when an operator gives less, and nothing is added to it, however short.
    #[test]
    fn beyond_the_bound_nothing_is_admitted() {
        let mut open = open(100, 2, &[70, 60, 60]);
        assert_eq!(open.admits(1).map_err(|refused| refused.got), Err(130));
        open.leave(70, id(0));
        assert!(open.admits(1).is_err(), "120");
        open.leave(60, id(1));
        assert_eq!(open.admits(40), Ok(()));
    }

    #[test]
    fn the_longest_runs_there_are_do_not_overflow() {
        let open = open(u64::MAX, 2, &[u64::MAX, u64::MAX]);
        assert_eq!(open.steps(), 2 * u128::from(u64::MAX));
        assert!(open.admits(u64::MAX).is_err());
    }

    /// Against the sum as it is defined, over claims that come and go.
    #[test]
    fn any_course_of_claims_keeps_the_sum_of_the_longest() {
        let (mut open, mut known, mut draw) = (Defensible::new(30, 5), Vec::<Run>::new(), 7_u64);
        for claim in 0..5000 {
            draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Few lengths, so that many are alike; after a while about as many go as come.
            let (steps, goes) = ((draw >> 33) % 13, draw >> 63 == 0);
            if goes && !known.is_empty() {
                let (steps, id) = known.swap_remove((draw >> 40) as usize % known.len());
                open.leave(steps, id);
            } else {
                known.push((steps, id(claim)));
                open.enter(steps, id(claim));
            }
            let longest = |runs: &[Run]| {
                let mut lengths: Vec<u64> = runs.iter().map(|(steps, _)| *steps).collect();
                lengths.sort_unstable();
                lengths.iter().rev().take(5).map(|steps| u128::from(*steps)).sum::<u128>()
            };
            assert_eq!(open.steps(), longest(&known), "claim {claim}");
            let with = [&known[..], &[(steps, id(u32::MAX))]].concat();
            assert_eq!(open.admits(steps).is_ok(), longest(&with) <= 30, "claim {claim}, {steps} steps more");
        }
    }
}

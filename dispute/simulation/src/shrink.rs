//! The smallest plan that still fails: players, claims and circumstances are taken away one by one.

use assay_dispute::game::Side;

use crate::actor::Habit;
use crate::liar::Story;
use crate::plan::{Conduct, Plan};

/// Reduces a plan as long as it fails.
pub fn shrink(plan: Plan, fails: impl Fn(&Plan) -> bool) -> Plan {
    let mut smallest = plan;
    while let Some(smaller) = smaller(&smallest).into_iter().find(|smaller| fails(smaller)) {
        smallest = smaller;
    }
    smallest
}

/// Plans that are one thing simpler, the largest simplification first.
fn smaller(plan: &Plan) -> Vec<Plan> {
    let mut plans = Vec::new();
    for case in 0..plan.claims.len() {
        plans.extend(without_claim(plan, case));
    }
    for index in 0..plan.players.len() {
        let mut smaller = plan.clone();
        smaller.players.remove(index);
        plans.push(smaller);
    }
    let mut change = |change: &dyn Fn(&mut Plan)| {
        let mut smaller = plan.clone();
        change(&mut smaller);
        if smaller != *plan {
            plans.push(smaller);
        }
    };
    change(&|plan| plan.reorganisations = 0);
    change(&|plan| plan.tampering = 0);
    change(&|plan| plan.base_fee_top = None);
    change(&|plan| plan.is_withheld = false);
    for case in 0..plan.claims.len() {
        // The jobs of the catalogue begin with the shortest.
        change(&|plan| plan.claims[case].job = 0);
        change(&|plan| plan.claims[case].job /= 2);
    }
    for index in 0..plan.players.len() {
        change(&|plan| (plan.players[index].exits, plan.players[index].is_delegated) = (false, false));
        change(&|plan| plan.players[index].forgets = false);
        change(&|plan| plan.players[index].is_stay = false);
        change(&|plan| plan.players[index].habit = Habit::Prompt);
        change(&|plan| {
            if let Conduct::Lying { story, .. } = &mut plan.players[index].conduct {
                *story = Story::Steady;
            }
        });
        change(&|plan| {
            if let Conduct::Lying { from, .. } = &mut plan.players[index].conduct {
                *from = 0;
            }
        });
    }
    plans
}

/// The plan without a claim and without those who played for or against nothing else; at least one claim is posted last.
fn without_claim(plan: &Plan, case: usize) -> Option<Plan> {
    let mut smaller = plan.clone();
    let claim = smaller.claims.remove(case);
    if smaller.claims.iter().all(|claim| claim.is_old) {
        return None;
    }
    for player in &mut smaller.players {
        player.cases.retain(|played| *played != case);
        player.cases.iter_mut().filter(|played| **played > case).for_each(|played| *played -= 1);
    }
    let has_claims = |number: u32| smaller.claims.iter().any(|claim| claim.executor == number);
    smaller.players.retain(|player| match player.side {
        Side::Executor => player.number != claim.executor || has_claims(claim.executor),
        Side::Challenger => !player.cases.is_empty() || player.habit == Habit::Echo,
    });
    Some(smaller)
}

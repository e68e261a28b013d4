//! The short part of the catalogue holds, and each rule that is dropped is missed.
#![allow(clippy::unwrap_used)]

use std::fs;

use assay_dispute_rules::checker::{Event, Statistics, catalogue, explore};
use assay_dispute_rules::rule::Rule;

#[test]
fn no_play_of_the_short_catalogue_breaks_a_property() {
    for group in catalogue::short() {
        let mut sum = Statistics::default();
        for scenario in &group.scenarios {
            let explored = explore(scenario);
            sum.add(&explored.unwrap_or_else(|counterexample| panic!("{}: {counterexample}", scenario.name)));
        }
        assert!(sum.endings > 0 && sum.games_ended > 0, "{}: {sum:?}", group.name);
        println!("{}: {} states, {} transitions, 0 violations", group.name, sum.states, sum.transitions);
    }
}

/// What the checker must say when a rule is dropped: words of the property that the rule serves.
const MISSED: &[(Rule, &str)] = &[
    (Rule::CommitInWindow, "was Final and is Pending"),
    (Rule::CommitOnLive, "out of pocket"),
    (Rule::ManyGames, "is refused: G3"),
    (Rule::NoStakeLocked, "is refused: G4"),
    (Rule::StayBond, "a stay cost 20"),
    (Rule::RevealLater, "gets no reward"),
    (Rule::RevealBound, "is not void in time"),
    (Rule::AnyRecordOpens, "is refused: G8"),
    (Rule::OpeningContradicts, "no true start with a false end"),
    (Rule::BootComputed, "no true start with a false end"),
    (Rule::ExactCount, "no true start with a false end"),
    (Rule::SideToMove, "no true start with a false end"),
    (Rule::AnswersState, "no true start with a false end"),
    (Rule::WithinClock, "took 5, not 4"),
    (Rule::DisputedProven, "loses game 0"),
    (Rule::AcceptedProven, "loses game 0"),
    (Rule::EndDiffers, "no true start with a false end"),
    (Rule::StepAtOne, "moves, not"),
    (Rule::StepDiffers, "loses game 0"),
    (Rule::StepTotal, "is refused: G20"),
    (Rule::TimeoutLate, "loses game 0"),
    (Rule::OneClock, "took 6, not 5"),
    (Rule::MoverPays, "before it could move"),
    (Rule::LossConvicts, "is final"),
    (Rule::ConvictionVoids, "was not final"),
    (Rule::ConvictionEnds, "out of pocket"),
    (Rule::GamesHold, "the false claim 0 is final"),
    (Rule::StayHolds, "is final"),
    (Rule::WithdrawLate, "is convicted and 0 burned"),
    (Rule::ShareBurned, "is convicted and 0 burned"),
    (Rule::GasForAll, "out of pocket"),
    (Rule::PotCaps, "the contracts hold"),
    (Rule::EarlyOnly, "ran nothing and gains"),
    (Rule::SameOpening, "ran nothing and gains"),
    (Rule::LoserPays, "out of pocket"),
];

#[test]
fn each_rule_is_missed_when_it_is_dropped() {
    let named: Vec<Rule> = MISSED.iter().map(|(rule, _)| *rule).collect();
    assert_eq!(named, Rule::ALL, "each rule has its line here");
    for (rule, words) in MISSED {
        let counterexample = explore(&catalogue::without(*rule)).expect_err(rule.text());
        println!("G{} {rule:?}: {counterexample}", rule.number());
        assert!(counterexample.property.contains(words), "G{} {rule:?}: {counterexample}", rule.number());
    }
}

#[test]
fn the_scenario_of_a_dropped_rule_holds_with_the_rule() {
    for rule in Rule::ALL {
        let mut scenario = catalogue::without(*rule);
        scenario.court.dropped = None;
        explore(&scenario).unwrap_or_else(|counterexample| panic!("G{}: {counterexample}", rule.number()));
    }
}

/// A shortest counterexample, by hand: wait out the window of length one, then the claim is final.
#[test]
fn a_counterexample_is_a_shortest_one() {
    let counterexample = explore(&catalogue::without(Rule::CommitInWindow)).unwrap_err();
    assert_eq!(counterexample.events[..2], [Event::Tick, Event::Tick]);
    assert_eq!(counterexample.events.len(), 3);
}

#[test]
fn the_chapter_has_each_rule_with_its_text() {
    let chapter = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../specs/13-game.md")).unwrap();
    let bonds = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../specs/14-bonds.md")).unwrap();
    for rule in Rule::ALL {
        let row = format!("| G{} | {} |", rule.number(), rule.text());
        assert_eq!(chapter.matches(&row).count() + bonds.matches(&row).count(), 1, "{row}");
    }
    let rows = chapter.matches("\n| G").count() + bonds.matches("\n| G").count();
    assert_eq!(rows, Rule::ALL.len(), "the chapters have no rule that the code lacks");
}

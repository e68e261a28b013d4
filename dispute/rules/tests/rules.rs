//! Every refusal is reached, and plays whose money was reckoned by hand end as reckoned.
#![allow(clippy::unwrap_used)]

use assay_dispute_rules::apply::{Action, Reply};
use assay_dispute_rules::checker::catalogue::{self, TERMS};
use assay_dispute_rules::machine::{Hash, Machine};
use assay_dispute_rules::rule::{Rule, Violation};
use assay_dispute_rules::settlement::Fate;
use assay_dispute_rules::state::{Court, Opening, Phase, Position, State};
use assay_dispute_rules::terms::{Player, Terms, Time};

const EXECUTOR: Player = 0;
const CHALLENGER: Player = 1;

/// One claim of length 4 on the machine 0 -> 1 -> 1; outcome 1 is true, 2 false.
fn court(outcome: u8) -> Court {
    catalogue::duel(TERMS, &catalogue::one_step(), outcome, 4).court
}

fn opening(hashes: [u8; 2]) -> Opening {
    Opening { boot: Hash(0), hashes: hashes.map(Hash).to_vec() }
}

fn commit(hashes: [u8; 2]) -> Action {
    Action::Commit { claim: 0, opening: opening(hashes), bond: TERMS.bond, is_stay: false }
}

fn reveal(hashes: [u8; 2]) -> Action {
    Action::Reveal { game: 0, opening: opening(hashes) }
}

/// The answer to the position of game 0, with proofs that are right.
fn reply(state: &State, part: usize) -> Reply {
    let Phase::Playing(answers) = state.games[0].phase.clone() else { panic!("game 0 is being played") };
    Reply { part, accepted: answers.hashes[part - 1], disputed: answers.hashes[part], answers }
}

fn dissect(reply: Reply, hashes: &[u8]) -> Action {
    Action::Dissect { game: 0, reply, hashes: hashes.iter().copied().map(Hash).collect() }
}

fn play(court: &Court, events: &[(Player, Action, Time)]) -> State {
    events.iter().fold(court.genesis(), |state, (by, action, now)| court.apply(&state, *by, action, *now).unwrap())
}

/// Committed at 0, revealed at 1 with these hashes.
fn revealed(court: &Court, hashes: [u8; 2]) -> State {
    play(court, &[(CHALLENGER, commit(hashes), 0), (CHALLENGER, reveal(hashes), 1)])
}

#[track_caller]
fn check_breaks(court: &Court, state: &State, by: Player, action: &Action, now: Time, wanted: Rule) {
    match court.apply(state, by, action, now) {
        Err(Violation::Breaks { rule, .. }) => assert_eq!(rule, wanted),
        other => panic!("G{} is not broken: {other:?}", wanted.number()),
    }
}

#[test]
fn openings_that_break_a_rule_are_refused() {
    let court = court(1);
    let genesis = court.genesis();
    check_breaks(&court, &genesis, CHALLENGER, &commit([0, 0]), 2, Rule::CommitInWindow);
    let stay = Action::Commit { claim: 0, opening: opening([0, 0]), bond: TERMS.stake - 1, is_stay: true };
    check_breaks(&court, &genesis, CHALLENGER, &stay, 0, Rule::StayBond);
    let cheap = Action::Commit { claim: 0, opening: opening([0, 0]), bond: TERMS.bond - 1, is_stay: false };
    check_breaks(&court, &genesis, CHALLENGER, &cheap, 0, Rule::StayBond);
    let committed = play(&court, &[(CHALLENGER, commit([0, 0]), 0)]);
    check_breaks(&court, &committed, CHALLENGER, &reveal([0, 0]), 0, Rule::RevealLater);
    check_breaks(&court, &committed, CHALLENGER, &reveal([1, 0]), 1, Rule::RevealBound);
    check_breaks(&court, &committed, EXECUTOR, &reveal([0, 0]), 1, Rule::RevealBound);
    check_breaks(&court, &committed, CHALLENGER, &reveal([0, 0]), 3, Rule::WithinClock);
    // State 1 is halted and implies the claim's outcome; hash 3 opens to nothing.
    for end in [1, 3] {
        let committed = play(&court, &[(CHALLENGER, commit([0, end]), 0)]);
        check_breaks(&court, &committed, CHALLENGER, &reveal([0, end]), 1, Rule::OpeningContradicts);
    }
    let long = Opening { boot: Hash(0), hashes: vec![Hash(0); 3] };
    let commit_long = Action::Commit { claim: 0, opening: long.clone(), bond: TERMS.bond, is_stay: false };
    let committed = play(&court, &[(CHALLENGER, commit_long, 0)]);
    let reveal_long = Action::Reveal { game: 0, opening: long };
    check_breaks(&court, &committed, CHALLENGER, &reveal_long, 1, Rule::ExactCount);
}

#[test]
fn moves_that_break_a_rule_are_refused() {
    let court = court(1);
    let state = revealed(&court, [0, 0]);
    let right = reply(&state, 1);
    check_breaks(&court, &state, CHALLENGER, &dissect(right.clone(), &[1, 1]), 1, Rule::SideToMove);
    let stale = Reply { answers: Position { start: 2, ..right.answers.clone() }, ..right.clone() };
    check_breaks(&court, &state, EXECUTOR, &dissect(stale, &[1, 1]), 1, Rule::AnswersState);
    check_breaks(&court, &state, EXECUTOR, &dissect(right.clone(), &[1, 1]), 4, Rule::WithinClock);
    let disputed = Reply { disputed: Hash(2), ..right.clone() };
    check_breaks(&court, &state, EXECUTOR, &dissect(disputed, &[1, 1]), 1, Rule::DisputedProven);
    let accepted = Reply { accepted: Hash(2), ..right.clone() };
    check_breaks(&court, &state, EXECUTOR, &dissect(accepted, &[1, 1]), 1, Rule::AcceptedProven);
    check_breaks(&court, &state, EXECUTOR, &dissect(right.clone(), &[1, 0]), 1, Rule::EndDiffers);
    check_breaks(&court, &state, EXECUTOR, &dissect(right.clone(), &[1]), 1, Rule::ExactCount);
    check_breaks(&court, &state, EXECUTOR, &Action::Step { game: 0, reply: right.clone() }, 1, Rule::StepAtOne);
    check_breaks(&court, &state, CHALLENGER, &Action::Timeout { game: 0 }, 3, Rule::TimeoutLate);
    check_breaks(&court, &state, EXECUTOR, &Action::Withdraw, 1, Rule::WithdrawLate);
    let narrowed = court.apply(&state, EXECUTOR, &dissect(right, &[1, 1]), 1).unwrap();
    check_breaks(&court, &narrowed, CHALLENGER, &dissect(reply(&narrowed, 1), &[0]), 1, Rule::StepAtOne);
    let step = Action::Step { game: 0, reply: reply(&narrowed, 1) };
    check_breaks(&court, &narrowed, CHALLENGER, &step, 1, Rule::StepDiffers);
}

#[test]
fn what_does_not_exist_is_refused() {
    let court = court(1);
    let state = revealed(&court, [0, 0]);
    let range = |what, got, count| Violation::Range { what, got, count };
    let refusal = |by, action: &Action| court.apply(&state, by, action, 1).unwrap_err();
    let nowhere = Action::Commit { claim: 1, opening: opening([0, 0]), bond: TERMS.bond, is_stay: false };
    assert_eq!(refusal(CHALLENGER, &nowhere), range("claim", 1, 1));
    assert_eq!(refusal(CHALLENGER, &Action::Timeout { game: 1 }), range("game", 1, 1));
    assert_eq!(refusal(CHALLENGER, &Action::Withdraw), range("executor", 1, 1));
    for part in [0, 3] {
        let wild = Reply { part, ..reply(&state, 1) };
        assert_eq!(refusal(EXECUTOR, &dissect(wild, &[1, 1])), range("part", part, 2));
    }
    assert_eq!(refusal(CHALLENGER, &reveal([0, 0])), Violation::Phase { game: 0 });
    let named = court.apply(&state, EXECUTOR, &Action::Withdraw, 1).unwrap_err().to_string();
    assert_eq!(
        named,
        "G29: stake leaves after the last claim's window and two clocks, and with no game open; got 1, wanted 6"
    );
}

/// Stake 200: 120 burned, a pot of 80. The challenger spent 1 + 2 + 4 (commitment, reveal, step), gets 7 and the other 73.
#[test]
fn a_convicted_liar_pays_as_reckoned() {
    let court = court(2);
    let state = revealed(&court, [1, 1]);
    let state = court.apply(&state, EXECUTOR, &dissect(reply(&state, 1), &[0, 0]), 2).unwrap();
    let step = Action::Step { game: 0, reply: reply(&state, 1) };
    let state = court.apply(&state, CHALLENGER, &step, 3).unwrap();
    assert_eq!(court.fate(&state, 0), Fate::Void);
    assert_eq!(state.ledger.players, [-203, 73]);
    assert_eq!((state.ledger.court, state.ledger.burned, state.ledger.gas), (0, 120, 10));
    check_breaks(&court, &state, CHALLENGER, &commit([1, 1]), 3, Rule::CommitInWindow);
    let wide = Court { terms: Terms { window: 9, ..TERMS }, ..court };
    check_breaks(&wide, &state, CHALLENGER, &commit([1, 1]), 3, Rule::CommitOnLive);
}

/// The bond of 20 pays the executor's dissection and timeout, 4, with a quarter more: 5. The other 15 are burned.
#[test]
fn a_beaten_challenger_pays_as_reckoned() {
    let court = court(1);
    let state = revealed(&court, [0, 0]);
    let state = court.apply(&state, EXECUTOR, &dissect(reply(&state, 1), &[1, 1]), 3).unwrap();
    // The challenger spent one second before its reveal: it has one left, so 4 is its expiry.
    check_breaks(&court, &state, EXECUTOR, &Action::Timeout { game: 0 }, 4, Rule::TimeoutLate);
    let state = court.apply(&state, EXECUTOR, &Action::Timeout { game: 0 }, 5).unwrap();
    assert_eq!(court.fate(&state, 0), Fate::Final);
    assert_eq!(state.ledger.players, [-200 + 1, -23]);
    assert_eq!((state.ledger.court, state.ledger.burned, state.ledger.gas), (200, 15, 7));
}

#[test]
fn the_chapter_counts_dissections_as_the_rules_do() {
    let chapter = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../specs/13-game.md")).unwrap();
    for arity in [16, 64, 256] {
        let terms = Terms { arity, ..TERMS };
        let counts = [32, 36, 40].map(|exponent| terms.dissections(1 << exponent));
        // All dissections but the last divide by the arity; the last has what is left of the length.
        let last = (1_u64 << 36) / u64::from(arity).pow(counts[1] - 1);
        let bytes = 32 * (u64::from(arity) * u64::from(counts[1] - 1) + last);
        let row = format!("| {arity} | {} | {} | {} | {bytes} |", counts[0], counts[1], counts[2]);
        assert!(chapter.contains(&row), "{row}");
    }
}

/// Counted by hand: two states of which one is halted leave two successors for the other, three with one halted 3 * 3.
#[test]
fn all_machines_of_a_size_are_made() {
    assert_eq!(Machine::all(2, 1).len(), 2);
    assert_eq!(Machine::all(3, 1).len(), 9);
    assert_eq!(Machine::all(3, 2).len(), 3);
    let all = Machine::all(3, 1);
    assert!(all.iter().all(|machine| all.iter().filter(|other| *other == machine).count() == 1));
}

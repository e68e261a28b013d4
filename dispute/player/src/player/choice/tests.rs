//! Who is challenged, how, and with what money. A bond is 3, a stay 90, a window 80 seconds; it is second 100.

use assay_protocol::B256;

use super::*;

const BOND: u64 = 3;
const STAY: u64 = 90;
const NOW: u64 = 100;
/// Far from a window's end.
const EARLY: u64 = 150;
/// The first second of its last eighth.
const LATE: u64 = 110;
const RICH: Option<u64> = Some(1_000);

fn begun(is_stay: bool, is_sent: bool) -> Stand {
    Stand::Begun { is_stay, is_sent, value: U256::from(if is_stay { STAY } else { BOND }) }
}

fn lie(index: u32, until: u64, stand: Stand) -> Lie {
    Lie { leaf: LeafId { region: B256::ZERO, batch: 0, index }, until, is_stay: false, stand }
}

fn accused(number: u8, has_games: bool, lies: &[Lie]) -> Accused {
    let (executor, stay_bond) = (Address::repeat_byte(number), U256::from(STAY));
    Accused { executor, has_games, stay_bond, lies: lies.to_vec() }
}

/// What is chosen: indices of leaves, and whether by a stay.
fn chosen(accused: &[Accused], balance: Option<u64>, is_short: bool) -> Vec<(u32, bool)> {
    let terms = Terms { bond: U256::from(BOND), window: 80, now: NOW };
    let purse = Purse { balance: balance.map(U256::from), is_short };
    choose(accused.to_vec(), purse, &terms).iter().map(|chosen| (chosen.leaf.index, chosen.is_stay)).collect()
}

fn check(accused: &[Accused], balance: Option<u64>, wanted: &[(u32, bool)]) {
    assert_eq!(chosen(accused, balance, false), wanted, "with {balance:?}: {accused:?}");
}

#[test]
fn the_first_lie_is_met_with_a_game_and_the_next_with_a_stay() {
    let three =
        |stands: [Stand; 3]| [(2, stands[2]), (0, stands[0]), (1, stands[1])].map(|(k, stand)| lie(k, EARLY, stand));
    let fresh = Stand::Fresh;
    for balance in [None, Some(0), RICH] {
        check(&[accused(1, false, &three([fresh; 3]))], balance, &[(0, false)]);
        check(&[accused(1, false, &three([begun(false, true), fresh, fresh]))], balance, &[(0, false)]);
    }
    let more = [lie(1, EARLY, fresh), lie(2, EARLY, fresh)];
    check(&[accused(1, true, &more)], RICH, &[(1, true)]);
    check(&[accused(1, true, &more)], Some(STAY + BOND), &[(1, true)]);
    check(&[accused(1, true, &more)], Some(STAY + BOND - 1), &[(1, false), (2, false)]);
    check(&[accused(1, true, &more)], None, &[(1, false), (2, false)]);
    for (is_sent, balance) in [(false, RICH), (false, None), (true, RICH), (true, None), (true, Some(0))] {
        check(&[accused(1, true, &[lie(1, EARLY, begun(true, is_sent)), more[1]])], balance, &[(1, true)]);
    }
}

/// Two executors, a game against each, and a second lie of each: what one's stay takes the other's can't have too.
#[test]
fn money_is_counted_once_in_a_round() {
    let [one, other] =
        [(1, 1), (2, 11)].map(|(number, index)| accused(number, true, &[lie(index, EARLY, Stand::Fresh)]));
    let both = [one, other];
    check(&both, Some(2 * (STAY + BOND)), &[(1, true), (11, true)]);
    check(&both, Some(2 * STAY), &[(1, true), (11, false)]);
    // A stay, a game's bond for the gas, and a game for the other.
    check(&both, Some(STAY + 2 * BOND), &[(1, true), (11, false)]);
    check(&both, Some(STAY + 2 * BOND - 1), &[(1, false), (11, false)]);
    // Money of what was begun is not there twice.
    let begun = accused(3, false, &[lie(21, EARLY, begun(false, true))]);
    let three = [both[0].clone(), both[1].clone(), begun];
    check(&three, Some(STAY + 3 * BOND), &[(1, true), (11, false), (21, false)]);
    check(&three, Some(STAY + 3 * BOND - 1), &[(1, false), (11, false), (21, false)]);
}

/// Where a game on each lie would cost more than a stay, a stay does not wait for what others need.
#[test]
fn a_stay_is_taken_where_it_is_the_cheapest() {
    let many = |count: u32| accused(1, true, &(0..count).map(|k| lie(k, EARLY, Stand::Fresh)).collect::<Vec<_>>());
    let other = accused(2, true, &[lie(99, EARLY + 1, Stand::Fresh)]);
    let count = (STAY / BOND) as u32;
    check(&[many(count), other.clone()], Some(STAY + BOND), &[(0, true), (99, false)]);
    let games = chosen(&[many(count - 1), other], Some(STAY + BOND), false);
    assert_eq!(games.len() as u32, count, "a game for each");
    assert!(games.iter().all(|(_, is_stay)| !is_stay));
}

/// A stay that was begun and waits for money becomes a game, and so do the others.
#[test]
fn a_stay_that_cannot_be_paid_for_is_taken_back() {
    let lies = [lie(1, EARLY, begun(true, false)), lie(2, EARLY, Stand::Fresh)];
    let games = [(1, false), (2, false)];
    check(&[accused(1, true, &lies)], Some(STAY + BOND - 1), &games);
    assert_eq!(chosen(&[accused(1, true, &lies)], RICH, true), games, "the sender says that money is missing");
    // Without a game on L1 the others wait for this one.
    check(&[accused(1, false, &lies)], Some(STAY), &[(1, false)]);
    // What was sent has its money.
    let sent = [lie(1, EARLY, begun(true, true)), lies[1]];
    assert_eq!(chosen(&[accused(1, true, &sent)], Some(0), true), [(1, true)]);
}

#[test]
fn a_stay_that_was_asked_for_is_a_game_without_the_money() {
    let asked = |stand| Lie { is_stay: true, ..lie(0, EARLY, stand) };
    for has_games in [false, true] {
        for stand in [Stand::Fresh, Stand::Unmade, begun(true, false)] {
            let accused = [accused(1, has_games, &[asked(stand)])];
            check(&accused, RICH, &[(0, true)]);
            check(&accused, None, &[(0, true)]);
            check(&accused, Some(STAY), &[(0, false)]);
        }
        check(&[accused(1, has_games, &[asked(Stand::Refused)])], RICH, &[(0, false)]);
    }
}

#[test]
fn what_fails_holds_up_no_other() {
    for failed in [Stand::Unmade, Stand::Refused] {
        let lies = [lie(0, EARLY, failed), lie(1, EARLY, Stand::Fresh), lie(2, EARLY, Stand::Fresh)];
        check(&[accused(1, false, &lies)], RICH, &[(0, false), (1, false)]);
        check(&[accused(1, true, &lies)], RICH, &[(0, false), (1, true)]);
        check(&[accused(1, true, &lies)], Some(0), &[(0, false), (1, false), (2, false)]);
    }
    let unmade = [lie(0, EARLY, Stand::Unmade), lie(1, EARLY, Stand::Unmade)];
    check(&[accused(1, false, &unmade)], RICH, &[(0, false), (1, false)]);
    check(&[accused(1, true, &unmade)], RICH, &[(0, true), (1, false)]);
    check(&[accused(1, true, &[lie(0, EARLY, Stand::Refused)])], RICH, &[(0, false)]);
}

#[test]
fn at_the_end_of_its_window_a_lie_waits_for_no_other() {
    let lies = |first: Stand, until: u64| [lie(0, LATE, first), lie(1, until, Stand::Fresh)];
    for first in [Stand::Fresh, begun(false, true), begun(false, false)] {
        check(&[accused(1, false, &lies(first, LATE))], RICH, &[(0, false), (1, false)]);
        check(&[accused(1, false, &lies(first, LATE + 1))], RICH, &[(0, false)]);
    }
    for first in [Stand::Fresh, begun(true, false), begun(true, true)] {
        check(&[accused(1, true, &lies(first, LATE))], RICH, &[(0, true), (1, false)]);
        check(&[accused(1, true, &lies(first, LATE + 1))], RICH, &[(0, true)]);
    }
    // The money for both, or no stay.
    check(&[accused(1, true, &lies(Stand::Fresh, LATE))], Some(STAY + 2 * BOND), &[(0, true), (1, false)]);
    check(&[accused(1, true, &lies(Stand::Fresh, LATE))], Some(STAY + 2 * BOND - 1), &[(0, false), (1, false)]);
}

#[test]
fn nothing_is_chosen_of_nothing() {
    check(&[], RICH, &[]);
    check(&[accused(1, true, &[])], RICH, &[]);
}

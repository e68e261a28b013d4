//! Leases, room and who is asked.

use super::*;

const ONE: Address = Address::repeat_byte(1);
const TWO: Address = Address::repeat_byte(2);

fn executors() -> Executors {
    Executors::new(Terms { slots_max: 1000, lease_ms: 1000, lease_max_ms: 5000 })
}

/// Tasks of one address.
fn queue(sequences: impl IntoIterator<Item = u64>) -> Turns {
    let mut queue = Turns::default();
    sequences.into_iter().for_each(|sequence| queue.insert(None, sequence));
    queue
}

fn assign(executors: &mut Executors, waiting: impl IntoIterator<Item = u64>, now_ms: u64) -> Round {
    executors.assign(&mut queue(waiting), now_ms, |_| true)
}

fn given(executors: &mut Executors, waiting: impl IntoIterator<Item = u64>, now_ms: u64) -> Vec<(u64, Connection)> {
    assign(executors, waiting, now_ms).given
}

#[test]
fn the_least_loaded_gets_the_next() {
    let mut executors = executors();
    executors.join(1, ONE, 2);
    executors.join(2, TWO, 4);
    let first = given(&mut executors, 10..17, 0);
    let of = |connection| first.iter().filter(|(_, to)| *to == connection).count();
    assert_eq!((first.len(), of(1), of(2)), (6, 2, 4));
    assert_eq!(first[0], (10, 1));
    assert_eq!(given(&mut executors, [16], 0), []);
    executors.release(10);
    assert_eq!(given(&mut executors, [16], 0), [(16, 1)]);
}

#[test]
fn who_is_barred_is_not_asked_and_nobody_waits_for_it() {
    let mut executors = executors();
    executors.join(1, ONE, 1);
    executors.bars.lasting(10, ONE);
    let round = assign(&mut executors, [10, 11], 0);
    assert_eq!((round.given, round.nobodys), (vec![(11, 1)], vec![10]), "what was declined is passed over");
    executors.join(2, TWO, 1);
    assert_eq!(given(&mut executors, [10], 0), [(10, 2)]);
    // The same executor on another connection.
    executors.bars.until(12, TWO, 500);
    executors.release(10);
    executors.join(3, TWO, 1);
    let round = assign(&mut executors, [12], 0);
    assert_eq!((round.given, round.nobodys), (vec![], vec![]), "the first executor is full, and may be asked later");
    assert_eq!(executors.bars.expire(500), [12]);
    assert_eq!(given(&mut executors, [12], 500), [(12, 2)]);
    let unwelcome = |executor| executor != TWO;
    assert_eq!(executors.assign(&mut queue([13]), 0, unwelcome), Round::default());
}

/// Reported: one "busy" kept an executor from the attempt for good, so that a region with one executor stood still.
#[test]
fn who_is_busy_rests_and_is_asked_again() {
    let mut executors = executors();
    executors.join(1, ONE, 1);
    assert_eq!(given(&mut executors, [10], 0), [(10, 1)]);
    executors.release(10);
    executors.rest(1, 200);
    let round = assign(&mut executors, [10, 11], 199);
    assert_eq!(round, Round::default(), "it is not asked, and what waits is not nobody's");
    assert_eq!(given(&mut executors, [10], 200), [(10, 1)]);
    executors.leave(1);
    executors.rest(1, 9000);
    executors.join(2, ONE, 1);
    assert_eq!(given(&mut executors, [10], 201), [(10, 2)], "a new connection does not rest");
}

/// Reported: 256 tasks that everybody who has room had declined stopped all others.
#[test]
fn what_is_passed_over_stops_nothing_behind_it() {
    let mut executors = executors();
    executors.join(1, ONE, 1);
    assert_eq!(given(&mut executors, [5000], 0), [(5000, 1)]);
    // The first is full, and the second may not be asked about the first thousand.
    executors.join(2, TWO, 1);
    (0..1000).for_each(|sequence| executors.bars.lasting(sequence, TWO));
    let (mut waiting, mut rounds) = (queue(0..1002), 0);
    let found = std::iter::from_fn(|| {
        rounds += 1;
        Some(executors.assign(&mut waiting, 0, |_| true)).filter(|_| rounds < 9)
    });
    assert_eq!(found.flat_map(|round| round.given).next(), Some((1000, 2)));
    assert!(rounds <= 5, "{rounds} rounds");
}

/// Reported: renewing kept a task for ever, and many connections many slots.
#[test]
fn leases_end_however_often_they_are_renewed() {
    let mut executors = executors();
    executors.join(1, ONE, 3);
    given(&mut executors, [10, 11, 12], 0);
    assert_eq!(executors.renew(1, 11, 900), Some(1000));
    assert_eq!((executors.renew(2, 11, 900), executors.renew(1, 99, 900)), (None, None));
    assert!(executors.expire(999).is_empty());
    assert_eq!(executors.expire(1000), [10, 12]);
    assert!(executors.has(1, 11) && !executors.has(1, 10));
    assert_eq!(given(&mut executors, [10, 12], 1000), [], "others have a turn first");
    assert_eq!(executors.bars.expire(2000).len(), 2);
    assert_eq!(executors.renew(1, 11, 1800), Some(1000));
    assert_eq!(executors.renew(1, 11, 2700), Some(1000));
    assert_eq!(executors.renew(1, 11, 3600), Some(1000));
    assert_eq!(executors.renew(1, 11, 4500), Some(500), "not beyond the longest");
    assert_eq!(executors.renew(1, 11, 5000), None);
    assert_eq!(executors.expire(5000), [11]);
    assert!(executors.bars.expire(9999).is_empty() && executors.bars.is_barred(11, ONE));
    assert_eq!(executors.bars.expire(10_000), [11]);
    assert_eq!((executors.leases(), executors.held(&ONE)), (0, 0));
}

#[test]
fn an_executor_has_its_slots_once() {
    let mut executors = Executors::new(Terms { slots_max: 3, lease_ms: 1000, lease_max_ms: 5000 });
    executors.join(1, ONE, 2);
    executors.join(2, ONE, 2);
    executors.join(3, TWO, 1);
    let round = assign(&mut executors, 10..20, 0);
    let of = |connection| round.given.iter().filter(|(_, to)| *to == connection).count();
    assert_eq!((of(1) + of(2), of(3), round.nobodys), (3, 1, vec![]));
    executors.release(round.given[0].0);
    assert_eq!(given(&mut executors, 20..30, 0).len(), 1);
    assert_eq!(executors.leave(1).len() + executors.leave(2).len(), 3);
    assert_eq!((executors.len(), executors.leases(), executors.held(&ONE)), (1, 1, 0));
}

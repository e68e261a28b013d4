//! The order of leaves, their places, and what becomes of those that can't be run.

use super::*;

const REGION: B256 = B256::repeat_byte(7);

fn key(posted_at: u64, number: u64) -> BatchKey {
    (posted_at, REGION, number)
}

fn leaf(batch: u64, index: u32) -> LeafId {
    LeafId { region: REGION, batch, index }
}

#[test]
fn listed_leaves_come_first_then_the_earliest_windows() {
    let mut work = Work::default();
    work.open(key(10, 0), 110);
    work.open(key(20, 1), 120);
    assert!(!work.drawn(key(10, 0), &[(3, Chosen::Drawn), (5, Chosen::Drawn)]));
    assert!(!work.drawn(key(20, 1), &[(0, Chosen::Drawn), (1, Chosen::Always)]));
    let order: Vec<LeafId> = std::iter::from_fn(|| work.take(30)).collect();
    assert_eq!(order, [leaf(1, 1), leaf(0, 3), leaf(0, 5), leaf(1, 0)]);
    assert_eq!((work.count(), work.lag(30), work.left(30)), (4, 20, Some(80)));
    assert_eq!(work.finished(leaf(0, 3)), None);
    assert_eq!(work.finished(leaf(0, 5)), Some(key(10, 0)), "the last leaf ends its batch");
    assert!(!work.is_open(&key(10, 0)) && work.is_open(&key(20, 1)));
}

#[test]
fn a_full_queue_draws_no_more() {
    let mut work = Work::default();
    (0..3).for_each(|number| work.open(key(number, number), 100));
    assert_eq!(work.undrawn(2), Some(key(0, 0)));
    assert!(work.drawn(key(0, 0), &[]), "a batch that nothing was drawn from is done");
    assert!(!work.drawn(key(1, 1), &[(0, Chosen::Drawn), (1, Chosen::Drawn)]));
    assert_eq!((work.undrawn(2), work.undrawn(3)), (None, Some(key(2, 2))));
    assert_eq!(work.undrawn_count(), 1);
}

/// The longest wait, again and again, until the window is over; with nothing in the queue meanwhile.
#[test]
fn what_is_not_to_be_had_waits_longer_each_time_and_is_asked_for_until_its_window_is_over() {
    const END: u64 = 691_200;
    let mut work = Work::default();
    work.open(key(0, 0), END);
    work.drawn(key(0, 0), &[(0, Chosen::Drawn)]);
    let (mut now, mut attempts) = (0, 0);
    for wait in [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300] {
        assert_eq!(work.take(now), Some(leaf(0, 0)));
        attempts += 1;
        assert_eq!(work.later(leaf(0, 0), now, 10), Some(Later { attempts, is_aside: false }));
        assert_eq!(work.take(now + wait - 1), None);
        now += wait;
    }
    while now < END {
        assert_eq!(work.take(now), Some(leaf(0, 0)));
        assert!(work.later(leaf(0, 0), now, 10).is_some_and(|later| later.is_aside));
        assert_eq!((work.count(), work.aside_count(), work.lag(now), work.left(now)), (0, 1, 0, None));
        assert_eq!((work.aside(10, now + WAIT_MAX - 1), work.undrawn(10)), (None, None));
        now += WAIT_MAX;
        assert_eq!(work.aside(10, now), Some(key(0, 0)));
        assert!(!work.drawn(key(0, 0), &[(0, Chosen::Drawn)]));
        assert_eq!(work.lag(now), 0, "nothing but bytes is waited for");
    }
    let unavailable = BTreeSet::from([0]);
    assert_eq!(work.expire(END), [Over { batch: key(0, 0), missed: BTreeSet::new(), unavailable, has_aside: false }]);
}

/// Bytes that come at last: the leaf has its verdict, and its batch is done.
#[test]
fn what_was_set_aside_ends_its_batch_when_it_has_its_verdict() {
    let mut work = Work::default();
    work.open(key(0, 0), 10_000);
    work.open(key(1, 1), 10_001);
    work.drawn(key(0, 0), &[(0, Chosen::Drawn), (1, Chosen::Drawn)]);
    assert_eq!((work.take(0), work.take(0)), (Some(leaf(0, 0)), Some(leaf(0, 1))));
    assert!(work.later(leaf(0, 0), 0, 2).is_some_and(|later| later.is_aside), "another batch waits for its place");
    assert_eq!(work.aside(2, WAIT_MAX), None, "the other leaf runs");
    assert_eq!(work.finished(leaf(0, 1)), None);
    assert_eq!(work.aside(2, WAIT_MAX), Some(key(0, 0)));
    assert!(!work.drawn(key(0, 0), &[(0, Chosen::Always)]));
    // Whatever it was chosen for, it comes after what was not tried yet.
    work.drawn(key(1, 1), &[(7, Chosen::Drawn)]);
    assert_eq!((work.take(WAIT_MAX), work.take(WAIT_MAX)), (Some(leaf(1, 7)), Some(leaf(0, 0))));
    assert_eq!(work.finished(leaf(0, 0)), Some(key(0, 0)));
}

/// Leaves by the thousand whose bytes nobody gives, and honest ones behind them.
#[test]
fn who_withholds_bytes_takes_no_place_from_others() {
    const MOST: usize = 2;
    let mut work = Work::default();
    (0..6).for_each(|number| work.open(key(number, number), 100_000));
    for number in 0..5 {
        assert_eq!(work.undrawn(MOST), Some(key(number, number)));
        work.drawn(key(number, number), &[(0, Chosen::Drawn), (1, Chosen::Drawn)]);
        assert_eq!(work.undrawn(MOST), None);
        for index in [0, 1] {
            assert_eq!(work.take(0), Some(leaf(number, index)));
            work.later(leaf(number, index), 0, MOST);
        }
        assert_eq!(work.count(), 1, "there was room for the last of the first, and it is not due yet");
    }
    // Drawn again, and none of them tried yet.
    assert_eq!(work.aside(MOST, WAIT_MAX), Some(key(1, 1)));
    work.drawn(key(1, 1), &[(0, Chosen::Drawn), (1, Chosen::Drawn)]);
    assert_eq!(work.aside(MOST, WAIT_MAX), None, "as many and no more");
    assert_eq!(work.undrawn(MOST), Some(key(5, 5)));
}

#[test]
fn windows_that_end_leave_nothing_but_what_was_missed() {
    let mut work = Work::default();
    work.open(key(0, 0), 60);
    work.open(key(30, 1), 90);
    work.drawn(key(0, 0), &[(0, Chosen::Drawn), (1, Chosen::Drawn), (2, Chosen::Drawn)]);
    assert_eq!(work.take(0), Some(leaf(0, 0)));
    assert_eq!(work.take(0), Some(leaf(0, 1)));
    assert_eq!(work.finished(leaf(0, 0)), None);
    assert_eq!(work.expire(59), []);
    let (missed, unavailable) = (BTreeSet::from([1, 2]), BTreeSet::new());
    assert_eq!(work.expire(60), [Over { batch: key(0, 0), missed, unavailable, has_aside: false }]);
    assert!(!work.counts(leaf(0, 1)), "a run that comes too late counts for nothing");
    assert_eq!((work.finished(leaf(0, 1)), work.later(leaf(0, 1), 61, 10)), (None, None));
    assert_eq!((work.count(), work.is_open(&key(30, 1))), (0, true));
}

#[test]
fn at_the_end_what_could_not_be_run_is_told_from_what_was_not() {
    let mut work = Work::default();
    work.open(key(0, 0), 60);
    work.open(key(1, 1), 61);
    work.drawn(key(0, 0), &[(0, Chosen::Drawn), (1, Chosen::Drawn), (2, Chosen::Drawn)]);
    assert_eq!((work.take(0), work.take(0)), (Some(leaf(0, 0)), Some(leaf(0, 1))));
    // Set aside for the other batch, which is drawn from then, and put back.
    assert!(work.later(leaf(0, 0), 0, 3).is_some_and(|later| later.is_aside));
    work.drawn(key(1, 1), &[]);
    assert!(work.later(leaf(0, 1), 0, 3).is_some_and(|later| !later.is_aside));
    let (missed, unavailable) = (BTreeSet::from([2]), BTreeSet::from([1]));
    assert_eq!(work.expire(60), [Over { batch: key(0, 0), missed, unavailable, has_aside: true }]);
}

/// Under a load that never ends, what was set aside has its turns, and is not run twice at once.
#[test]
fn every_eighth_is_one_that_was_drawn_again() {
    let mut work = Work::default();
    work.open(key(0, 0), 500);
    work.open(key(1, 1), 900);
    work.drawn(key(0, 0), &[(0, Chosen::Drawn)]);
    for now in (0..).step_by(300).take(ATTEMPTS_QUICK as usize) {
        work.take(now).unwrap();
        work.later(leaf(0, 0), now, 100).unwrap();
    }
    work.drawn(key(1, 1), &(0..40).map(|index| (index, Chosen::Always)).collect::<Vec<_>>());
    assert_eq!(work.aside(100, 90_000), Some(key(0, 0)));
    work.drawn(key(0, 0), &[(0, Chosen::Drawn)]);
    assert_eq!(work.ahead(), (40, 1), "what was drawn again is not ahead of anybody");
    let taken: Vec<LeafId> = (0..AGAIN_EVERY).map(|_| work.take(90_000).unwrap()).collect();
    assert_eq!(taken.iter().filter(|taken| **taken == leaf(0, 0)).count(), 1);
    // L1 has another batch in its place; the run for the first goes on.
    work.drop_batch(key(0, 0));
    work.open(key(5, 0), 500);
    work.drawn(key(5, 0), &[(0, Chosen::Always)]);
    let others = std::iter::from_fn(|| work.take(90_000)).collect::<Vec<_>>();
    assert!(!others.contains(&leaf(0, 0)));
    assert!(!work.counts(leaf(0, 0)), "what it comes to is of a batch that has gone");
    assert_eq!(work.finished(leaf(0, 0)), None);
    assert_eq!(work.take(90_000), Some(leaf(0, 0)));
}

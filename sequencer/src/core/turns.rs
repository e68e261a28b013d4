//! Whose turn it is: tasks that wait for an executor, in the order in which they are handed out.
//!
//! Owns that order. Every address that tasks came from has a line of its own, and the lines have turns, so that nobody waits for all that
//! somebody else has sent. A turn is one task, the oldest of its line that can be given. Tasks whose address is not remembered stand in one
//! line. Pure. Every call costs a logarithm of what waits; a walk, for each task that it shows.
//!
//! ```text
//!   line of A     7   8   9  10
//!   line of B    12  13               handed out: 7, 12, 20, 8, 13, 9, 10
//!   not known    20
//! ```
//!
//! Some tasks can't be given now, since those who have room may not be asked about them: they are passed over. In each round a line is
//! looked at from its front on, so that they are given as soon as they can be. When a whole front was passed over, the look goes on where
//! it last ended behind the front, so that nothing is hidden by them for good; and after as many again the turn is over, so that other
//! lines do not wait for them either.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

/// Tasks that are passed over in one round at most.
const PASSED_MAX: usize = 256;
/// Tasks of a line that every round looks at first.
const FRONT: usize = 16;

/// When a line has its turn: not before a round, and in the order in which the lines came for it.
type Turn = (u64, u64);

/// Lines of tasks.
#[derive(Debug, Default)]
pub struct Turns {
    lines: HashMap<Option<IpAddr>, Line>,
    /// Every line, by its turn.
    order: BTreeMap<Turn, Option<IpAddr>>,
    /// Rounds, and turns, that there were.
    rounds: u64,
    turns: u64,
    len: usize,
}

/// The tasks of an address. There is no line without tasks.
#[derive(Debug, Default)]
struct Line {
    waiting: BTreeSet<u64>,
    turn: Turn,
    /// Where the look of this round goes on, and how many it has passed over.
    next: u64,
    passed: usize,
    /// Where looks behind the front go on.
    behind: u64,
}

/// How a turn ended.
enum Seen {
    /// With a task that was taken.
    Taken,
    /// Enough were passed over.
    Enough,
    /// The line has no more.
    All,
}

impl Turns {
    /// Tasks that wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// A task waits, in the line of its address. A new line has its turn after the others.
    pub fn insert(&mut self, from: Option<IpAddr>, sequence: u64) {
        let line = match self.lines.entry(from) {
            Entry::Occupied(line) => line.into_mut(),
            Entry::Vacant(place) => {
                let turn = (self.rounds + 1, self.turns);
                self.turns += 1;
                self.order.insert(turn, from);
                place.insert(Line { turn, ..Line::default() })
            }
        };
        if line.waiting.insert(sequence) {
            self.len += 1;
        }
    }

    /// A task waits no more; whether it did.
    pub fn remove(&mut self, from: Option<IpAddr>, sequence: u64) -> bool {
        let Some(line) = self.lines.get_mut(&from) else { return false };
        if !line.waiting.remove(&sequence) {
            return false;
        }
        self.len -= 1;
        if line.waiting.is_empty() {
            self.order.remove(&line.turn);
            self.lines.remove(&from);
        }
        true
    }

    /// One round: shows tasks by turns, each once, until so many are taken, or too many are not. What is taken is still to be removed.
    pub fn walk(&mut self, most: usize, mut is_taken: impl FnMut(u64) -> bool) {
        self.rounds += 1;
        let round = self.rounds;
        let (mut taken, mut passed) = (0, 0);
        while taken < most && passed < PASSED_MAX {
            let Some(first) = self.order.first_entry().filter(|first| first.key().0 <= round) else { return };
            let ((looked_at, _), from) = first.remove_entry();
            let line = self.lines.get_mut(&from).expect("what has a turn has a line");
            if looked_at < round {
                (line.next, line.passed) = (0, 0);
            }
            let before = line.passed;
            let seen = line.look((PASSED_MAX - passed).min(2 * FRONT), &mut is_taken);
            passed += line.passed - before;
            if line.passed >= FRONT {
                line.behind = line.next;
            }
            let mut again = round;
            match seen {
                Seen::Taken => taken += 1,
                Seen::Enough => {}
                Seen::All => {
                    (line.next, line.passed, line.behind) = (0, 0, 0);
                    again += 1;
                }
            }
            line.turn = (again, self.turns);
            self.turns += 1;
            self.order.insert(line.turn, from);
        }
    }
}

impl Line {
    /// A turn: looks at tasks until one is taken, or so many are passed over.
    fn look(&mut self, passed_max: usize, is_taken: &mut impl FnMut(u64) -> bool) -> Seen {
        let end = self.passed + passed_max;
        while self.passed < end {
            let Some(sequence) = self.waiting.range(self.next..).next().copied() else { return Seen::All };
            self.next = sequence + 1;
            if is_taken(sequence) {
                return Seen::Taken;
            }
            self.passed += 1;
            if self.passed == FRONT {
                self.next = self.next.max(self.behind);
            }
        }
        Seen::Enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNKNOWN: Option<IpAddr> = None;

    fn addresses() -> [Option<IpAddr>; 2] {
        [1_u8, 2].map(|host| Some(IpAddr::from([192, 0, 2, host])))
    }

    fn add(turns: &mut Turns, from: Option<IpAddr>, sequences: std::ops::Range<u64>) {
        sequences.for_each(|sequence| turns.insert(from, sequence));
    }

    /// A round with room for so many: those that are given wait no more.
    fn given(turns: &mut Turns, most: usize, may: impl Fn(u64) -> bool) -> Vec<u64> {
        let mut given = Vec::new();
        turns.walk(most, |sequence| {
            given.extend(may(sequence).then_some(sequence));
            may(sequence)
        });
        for sequence in &given {
            let [one, other] = addresses();
            assert!([one, other, UNKNOWN].into_iter().any(|from| turns.remove(from, *sequence)));
        }
        given
    }

    /// Reported: whoever had sent 50,000 tasks kept everybody waiting until all of them were handed out.
    #[test]
    fn addresses_take_turns_however_much_each_has_sent() {
        let (mut turns, [one, other]) = (Turns::default(), addresses());
        add(&mut turns, one, 0..1000);
        add(&mut turns, other, 1000..1003);
        add(&mut turns, UNKNOWN, 2000..2002);
        assert_eq!(given(&mut turns, 6, |_| true), [0, 1000, 2000, 1, 1001, 2001]);
        // Also with room for one only, round by round.
        let next: Vec<u64> = (0..4).flat_map(|_| given(&mut turns, 1, |_| true)).collect();
        assert_eq!(next, [2, 1002, 3, 4]);
        add(&mut turns, other, 3000..3002);
        assert_eq!(given(&mut turns, 5, |_| true), [5, 3000, 6, 3001, 7]);
        assert_eq!(turns.len(), 992);
    }

    #[test]
    fn one_address_is_served_in_order_and_what_comes_back_goes_first() {
        let (mut turns, [one, _]) = (Turns::default(), addresses());
        add(&mut turns, one, 5..10);
        assert_eq!(given(&mut turns, 2, |_| true), [5, 6]);
        turns.insert(one, 5);
        turns.insert(one, 5);
        assert_eq!((given(&mut turns, 3, |_| true), turns.len()), (vec![5, 7, 8], 1));
        assert_eq!(given(&mut turns, 3, |_| true), [9]);
        assert_eq!(given(&mut turns, 3, |_| true), [] as [u64; 0]);
    }

    #[test]
    fn what_is_removed_is_shown_no_more_and_nothing_remains_of_a_line() {
        let (mut turns, [one, other]) = (Turns::default(), addresses());
        add(&mut turns, one, 0..3);
        add(&mut turns, other, 3..4);
        assert!(turns.remove(one, 1) && !turns.remove(one, 1) && !turns.remove(other, 0) && !turns.remove(UNKNOWN, 0));
        assert!(turns.remove(other, 3));
        assert_eq!((turns.len(), given(&mut turns, 9, |_| true)), (2, vec![0, 2]));
        assert!(turns.is_empty() && turns.lines.is_empty() && turns.order.is_empty());
    }

    /// A round shows every task at most once, also to whoever takes none.
    #[test]
    fn a_round_shows_each_once_and_ends() {
        let (mut turns, [one, other]) = (Turns::default(), addresses());
        add(&mut turns, one, 0..50);
        add(&mut turns, other, 50..70);
        for _ in 0..3 {
            let mut shown = BTreeSet::new();
            turns.walk(1, |sequence| {
                assert!(shown.insert(sequence), "{sequence} twice");
                false
            });
            assert_eq!(shown.len(), 70);
        }
        add(&mut turns, one, 100..1000);
        let mut shown = 0;
        turns.walk(1, |_| {
            shown += 1;
            false
        });
        assert_eq!(shown, PASSED_MAX);
    }

    #[test]
    fn what_cant_be_given_keeps_neither_its_line_nor_others_waiting() {
        let (mut turns, [one, other]) = (Turns::default(), addresses());
        add(&mut turns, one, 0..1000);
        add(&mut turns, other, 2000..2100);
        // Nobody who has room may be asked about the first 900.
        let may = |sequence: u64| sequence >= 900;
        assert_eq!(given(&mut turns, 4, may), [2000, 2001, 2002, 2003]);
        let mut rounds = 0;
        while given(&mut turns, 1, may) != [900] {
            rounds += 1;
            assert!(rounds < 100, "the line is gone through");
        }
        // Those at the front are looked at all the while.
        let may = |sequence: u64| sequence == 3 || sequence >= 900;
        let next: Vec<u64> = (0..2).flat_map(|_| given(&mut turns, 1, may)).collect();
        assert!(next.contains(&3), "{next:?}");
    }
}

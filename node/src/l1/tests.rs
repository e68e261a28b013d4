//! The pure core against a model of a node whose chain is reorganised at any moment, also between two questions.
//!
//! The model is a chain of headers and a script of what happens to it. Whoever consumes keeps the list of blocks that the events leave
//! standing, and checks the promises: order, each canonical block once, taken back before new ones.

use super::chain::{BlockRef, Chain};
use super::cursor::fingerprint;
use super::follow::{Action, Shown, decide};
use super::{CURSORS, Cursor, L1Error, forget};
use crate::Remedy;
use crate::store::{Schema, Store};
use alloy_primitives::{Address, B256};

/// A node's canonical chain, block 0 first.
struct Node {
    blocks: Vec<BlockRef>,
    /// Makes blocks of one height different.
    salt: u64,
}

impl Node {
    fn new(length: u64) -> Self {
        let mut node = Node { blocks: Vec::new(), salt: 0 };
        node.extend(length);
        node
    }

    fn extend(&mut self, blocks: u64) {
        for _ in 0..blocks {
            self.salt += 1;
            let number = self.blocks.len() as u64;
            let parent = self.blocks.last().map_or(B256::ZERO, |block| block.hash);
            // The model's own hash: no two blocks share a salt.
            let hash = B256::left_padding_from(&[number.to_be_bytes(), self.salt.to_be_bytes()].concat());
            self.blocks.push(BlockRef { number, hash, parent, timestamp: 12 * number });
        }
    }

    /// Replaces the newest `depth` blocks by `length` others. Block 0 stays.
    fn reorganise(&mut self, depth: u64, length: u64) {
        let keep = self.blocks.len().saturating_sub(depth as usize).max(1);
        self.blocks.truncate(keep);
        self.extend(length);
    }

    fn head(&self) -> u64 {
        self.blocks.len() as u64 - 1
    }

    fn header(&self, number: u64) -> Option<BlockRef> {
        self.blocks.get(number as usize).copied()
    }
}

/// Whoever consumes the events: what stands after them. Settled pages are blocks that only their last one is known of.
#[derive(Default)]
struct Consumer {
    standing: Vec<(u64, BlockRef)>,
    rolled_back: usize,
}

impl Consumer {
    fn next(&self, start: u64) -> u64 {
        self.standing.last().map_or(start, |(_, last)| last.number + 1)
    }
}

struct Follower {
    chain: Chain,
    start: u64,
    confirmations: u64,
    consumer: Consumer,
}

impl Follower {
    fn new(start: u64, confirmations: u64, depth_max: u64) -> Self {
        Follower { chain: Chain::new(start, depth_max), start, confirmations, consumer: Consumer::default() }
    }

    /// Follows until there is nothing to do. `meanwhile` may change the node before each answer. Says whether it was too deep.
    fn follow(&mut self, node: &mut Node, mut meanwhile: impl FnMut(&mut Node)) -> Result<(), Box<Action>> {
        let (mut head, mut shown) = (node.head(), Shown::Head);
        for _ in 0..10_000 {
            meanwhile(node);
            match decide(&self.chain, head, self.confirmations, shown) {
                Action::Wait if head == node.head() && shown == Shown::Head => return Ok(()),
                Action::Wait => {
                    // What was asked is answered and nothing came of it: look again, once the node is quiet that is the end.
                    if head == node.head() && !self.contradicts(node) {
                        return Ok(());
                    }
                    (head, shown) = (node.head(), Shown::Head);
                }
                Action::Fetch { number } => shown = Shown::Header { number, block: node.header(number) },
                Action::Deliver(block) => {
                    assert_eq!(block.number, self.consumer.next(self.start), "in order and without holes");
                    if let Some((_, last)) = self.consumer.standing.last() {
                        assert_eq!(block.parent, last.hash, "each the child of what stands");
                    }
                    self.chain.push(block);
                    self.consumer.standing.push((block.number, block));
                    shown = Shown::Head;
                }
                Action::Settled { first, last } => {
                    assert_eq!(first, self.consumer.next(self.start), "in order and without holes");
                    assert!(first <= last && last + self.chain.depth_max() < head + 1, "settled blocks lie deep");
                    let Some(block) = node.header(last) else {
                        (head, shown) = (node.head(), Shown::Head);
                        continue;
                    };
                    self.chain.skip(block);
                    self.consumer.standing.push((first, block));
                    shown = Shown::Head;
                }
                Action::RollBack { next } => {
                    assert!(next < self.consumer.next(self.start), "something is taken back");
                    while self.consumer.standing.last().is_some_and(|(first, _)| *first >= next) {
                        self.consumer.standing.pop();
                    }
                    assert_eq!(self.consumer.next(self.start), next.max(self.start), "no page is torn");
                    self.chain.roll_back(next);
                    self.consumer.rolled_back += 1;
                    shown = Shown::Head;
                }
                deep @ Action::TooDeep { .. } => return Err(Box::new(deep)),
            }
        }
        panic!("the follower does not come to rest");
    }

    /// Whether what stands differs from the node's chain, as far as the node's goes.
    fn contradicts(&self, node: &Node) -> bool {
        let Some(target) = node.head().checked_sub(self.confirmations) else { return false };
        let standing = self.consumer.standing.iter().map(|(_, last)| last);
        standing.filter(|last| last.number <= target).any(|last| node.header(last.number) != Some(*last))
            || self.consumer.next(self.start) <= target
    }

    /// The promise: what stands is the node's chain, each block once, up to the confirmations.
    fn assert_in_step(&self, node: &Node) {
        assert!(!self.contradicts(node), "what stands is not what L1 has");
        let target = node.head().checked_sub(self.confirmations);
        let expected = target.map_or(self.start, |target| (target + 1).max(self.start));
        assert!(self.consumer.next(self.start) >= expected, "blocks are missing");
    }
}

fn random(seed: &mut u64, bound: u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed % bound
}

/// All scripts of five events on a short chain: growth by one or two blocks, and reorganisations of depth one to three to a chain that is
/// shorter, as long, or longer; for each number of confirmations and each start. After each event the follower comes to rest.
#[test]
fn every_short_script_ends_in_step() {
    let events: Vec<(u64, u64)> = vec![(0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (2, 3), (3, 3), (3, 4)];
    let mut scripts = 0;
    for script in 0..events.len().pow(5) {
        for (start, confirmations) in [(0, 0), (1, 0), (0, 1), (2, 2)] {
            let mut node = Node::new(3);
            let mut follower = Follower::new(start, confirmations, 20);
            follower.follow(&mut node, |_| {}).expect("nothing was reorganised");
            for place in 0..5 {
                let (depth, length) = events[script / events.len().pow(place) % events.len()];
                node.reorganise(depth, length);
                follower.follow(&mut node, |_| {}).expect("nothing is too deep on so short a chain");
                if depth <= length {
                    follower.assert_in_step(&node);
                }
            }
            node.extend(4);
            follower.follow(&mut node, |_| {}).expect("nothing is too deep");
            follower.assert_in_step(&node);
            assert_eq!(follower.consumer.next(start), (node.head() + 1).saturating_sub(confirmations).max(start));
            scripts += 1;
        }
    }
    assert_eq!(scripts, 4 * 8_usize.pow(5));
}

/// Long random runs, in which the node changes between questions too, and falls behind.
#[test]
fn random_reorganisations_between_questions_end_in_step() {
    let mut rolled_back = 0;
    for run in 0..600_u64 {
        let mut seed = run.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let depth_max = 6 + random(&mut seed, 10);
        let (start, confirmations) = (random(&mut seed, 30), random(&mut seed, 4));
        let mut node = Node::new(1 + random(&mut seed, 60));
        let mut follower = Follower::new(start, confirmations, depth_max);
        for _ in 0..60 {
            // What one pause of the reader may bring, all in all no deeper than what is healed.
            let mut left = depth_max;
            let mut quiet_after = random(&mut seed, 12);
            let mut change = |node: &mut Node| {
                if quiet_after == 0 {
                    return;
                }
                quiet_after -= 1;
                let depth = random(&mut seed, left / 3 + 1);
                let length = depth + random(&mut seed, 3);
                left = left.saturating_sub(depth.max(1));
                node.reorganise(depth, length);
            };
            follower.follow(&mut node, &mut change).unwrap_or_else(|deep| panic!("run {run}: {deep:?}"));
            follower.assert_in_step(&node);
            node.extend(random(&mut seed, 2 * depth_max));
        }
        rolled_back += follower.consumer.rolled_back;
    }
    assert!(rolled_back > 1_000, "only {rolled_back} reorganisations were met");
}

#[test]
fn every_depth_up_to_the_bound_is_healed_and_one_more_is_not() {
    const DEPTH_MAX: u64 = 32;
    for depth in 1..=DEPTH_MAX + 4 {
        let mut node = Node::new(200);
        let mut follower = Follower::new(5, 0, DEPTH_MAX);
        follower.follow(&mut node, |_| {}).expect("nothing was reorganised");
        let old = *follower.chain.tip().expect("blocks were delivered");
        // The pages end where the remembered blocks begin: fill those up.
        node.extend(DEPTH_MAX);
        follower.follow(&mut node, |_| {}).expect("nothing was reorganised");
        node.reorganise(depth, depth + 1);
        let followed = follower.follow(&mut node, |_| {});
        if depth <= DEPTH_MAX {
            followed.expect("within the bound");
            follower.assert_in_step(&node);
            assert_eq!(follower.consumer.rolled_back, 1);
        } else {
            let deep = followed.expect_err("deeper than what is remembered");
            let oldest = follower.chain.oldest().expect("blocks are remembered");
            assert!(matches!(*deep, Action::TooDeep { known, shown } if known == *oldest && shown.hash != known.hash));
            assert_eq!(oldest.number, old.number, "the bound and one more");
        }
    }
}

/// A node that is behind, or has nothing at a height, is no evidence of anything.
#[test]
fn a_node_that_lags_changes_nothing() {
    let mut node = Node::new(40);
    let mut follower = Follower::new(0, 0, 50);
    follower.follow(&mut node, |_| {}).expect("nothing was reorganised");
    let ahead = node.blocks.split_off(20);
    follower.follow(&mut node, |_| {}).expect("it is only behind");
    node.blocks.truncate(0);
    node.extend(1);
    node.blocks[0] = ahead[0];
    assert_eq!(decide(&follower.chain, 3, 5, Shown::Head), Action::Wait, "not even the confirmations are there");
    let nothing = Shown::Header { number: 40, block: None };
    assert_eq!(decide(&follower.chain, 41, 0, nothing), Action::Wait);
    let misplaced = Shown::Header { number: 40, block: Some(ahead[0]) };
    assert_eq!(
        decide(&follower.chain, 41, 0, misplaced),
        Action::Wait,
        "a header of another height than was asked for"
    );
    assert_eq!(follower.consumer.rolled_back, 0);
}

/// A child that does not fit a tip that does stand: the node contradicts itself and is asked again, nothing is taken back.
#[test]
fn a_node_that_contradicts_itself_is_asked_again() {
    let mut node = Node::new(10);
    let mut follower = Follower::new(0, 0, 50);
    follower.follow(&mut node, |_| {}).expect("nothing was reorganised");
    let stranger = BlockRef { number: 10, hash: B256::repeat_byte(1), parent: B256::repeat_byte(2), timestamp: 0 };
    let asked = decide(&follower.chain, 10, 0, Shown::Header { number: 10, block: Some(stranger) });
    assert_eq!(asked, Action::Fetch { number: 9 });
    let agrees = Shown::Header { number: 9, block: node.header(9) };
    assert_eq!(decide(&follower.chain, 10, 0, agrees), Action::Wait);
}

#[test]
fn only_chains_are_restored() {
    let node = Node::new(10);
    let blocks = node.blocks[4..8].to_vec();
    assert!(Chain::restore(2, 8, 50, blocks.clone()).is_some());
    assert!(Chain::restore(2, 9, 50, blocks.clone()).is_none(), "a block is missing at the end");
    assert!(Chain::restore(9, 8, 50, blocks.clone()).is_none(), "before its start");
    let mut holed = blocks.clone();
    holed.remove(1);
    assert!(Chain::restore(2, 8, 50, holed).is_none(), "a block is missing in the middle");
    assert!(Chain::restore(2, 5, 50, vec![]).is_none(), "nothing is remembered of what was delivered");
    assert!(Chain::restore(2, 2, 50, vec![]).is_some());
}

#[test]
fn a_cursor_of_other_events_is_refused() {
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let store = Store::open(directory.path(), &super::schema(Schema::new("test", 1))).unwrap();
    let addresses = [Address::with_last_byte(1), Address::with_last_byte(2)];
    let filter = fingerprint(&addresses, &[]);
    assert_eq!(filter, fingerprint(&[addresses[1], addresses[0]], &[]), "order does not matter");
    assert_ne!(filter, fingerprint(&addresses[..1], &[]));
    assert_ne!(filter, fingerprint(&addresses, &[B256::ZERO]));

    let mut chain = Chain::new(3, 50);
    Node::new(6).blocks[3..].iter().for_each(|block| chain.push(*block));
    let cursor = Cursor::of(&chain, (1, B256::ZERO), filter);
    let mut batch = store.batch();
    batch.put(&CURSORS, &7, &cursor).unwrap();
    batch.commit().unwrap();
    let read = store.get(&CURSORS, &7).unwrap().expect("it was written");
    assert_eq!(read.clone().restore(7, 3, filter, 50).expect("it is the same reader"), chain);
    for (start, filter, what) in [(4, filter, "first block"), (3, B256::ZERO, "addresses or topics")] {
        let error = read.clone().restore(7, start, filter, 50).expect_err("another reader");
        assert!(error.to_string().contains(what), "{error}");
        assert_eq!(error.remedy(), Remedy::Reset);
    }
    let broken = Cursor { next: 9, ..read };
    assert!(matches!(broken.restore(7, 3, filter, 50), Err(L1Error::BrokenCursor { stream: 7 })));

    let mut batch = store.batch();
    forget(&mut batch, 7);
    batch.commit().unwrap();
    assert_eq!(store.get(&CURSORS, &7).unwrap(), None);
}

//! Copies of a memory at a step, which share every page that did not change between them.
//!
//! Owns the persistent map of pages. A map is a tree of sixteen-way branches under reference counts; a change copies
//! the path to it and nothing else, and two maps differ only below branches that are not the same allocation. Every
//! allocation is counted in one number, so that whoever keeps snapshots can bound what they hold.

use alloc::{boxed::Box, collections::BTreeMap, sync::Arc, vec::Vec};
use core::sync::atomic::{AtomicU64, Ordering};

use alloy_primitives::B256;

use super::layout::{Page, ZERO_PAGE};

/// Pages that a host may back with memory as one.
pub(super) const GROUP_PAGES: u32 = 1 << 9;
/// Bits of a page number that one branch resolves.
const BRANCH_BITS: u32 = 4;
/// Bits of a page number over the whole space.
const PAGE_BITS: u32 = 28;
/// Most bytes that a map comes to hold by one page: the page, and a branch on each level above it.
pub(super) const PAGE_BYTES_MAX: u64 =
    (size_of::<Page>() + (PAGE_BITS / BRANCH_BITS + 1) as usize * size_of::<Node>()) as u64;

/// The bytes of every writable region at some step. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(super) pages: PageMap,
    pub(crate) root: B256,
    pub(super) linear_size: u64,
}

impl Snapshot {
    /// The memory root at that step.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.root
    }

    /// Bytes of linear memory at that step.
    #[must_use]
    pub fn linear_size(&self) -> u64 {
        self.linear_size
    }
}

/// Pages by number over the whole space; a page that is missing is zero.
#[derive(Clone, Debug, Default)]
pub(super) struct PageMap {
    root: Link,
    held: Held,
}

type Link = Option<Arc<Node>>;

#[derive(Clone, Debug)]
struct Node {
    content: Content,
    /// Counts this allocation for as long as it lives.
    _counted: Counted,
}

#[derive(Clone, Debug)]
enum Content {
    Branch([Link; 1 << BRANCH_BITS]),
    Page(Box<Page>),
}

/// Bytes of all nodes of a map and of the maps that were cloned from it.
type Held = Arc<AtomicU64>;

#[derive(Debug)]
struct Counted {
    bytes: u64,
    held: Held,
}

impl Counted {
    fn new(bytes: u64, held: &Held) -> Self {
        held.fetch_add(bytes, Ordering::Relaxed);
        Self { bytes, held: held.clone() }
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::new(self.bytes, &self.held)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Node {
    fn branch(held: &Held) -> Self {
        Self { content: Content::Branch(Default::default()), _counted: Counted::new(size_of::<Self>() as u64, held) }
    }

    fn page(page: &Page, held: &Held) -> Self {
        let bytes = (size_of::<Self>() + size_of::<Page>()) as u64;
        Self { content: Content::Page(Box::new(*page)), _counted: Counted::new(bytes, held) }
    }
}

impl PageMap {
    /// Bytes that this map and all its clones hold together, what they share counted once.
    pub fn held_bytes(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    /// The page with this number, if it is not zero.
    pub fn get(&self, number: u32) -> Option<&Page> {
        let mut link = &self.root;
        let mut bits = PAGE_BITS;
        loop {
            match &link.as_ref()?.content {
                Content::Page(page) => return Some(page),
                Content::Branch(links) => {
                    bits -= BRANCH_BITS;
                    link = &links[child(number, bits)];
                }
            }
        }
    }

    /// Replaces the page with this number.
    pub fn set(&mut self, number: u32, page: &Page) {
        let Self { root, held } = self;
        let page = (*page != ZERO_PAGE).then(|| Arc::new(Node::page(page, held)));
        let mut link = root;
        for bits in (0..PAGE_BITS).step_by(BRANCH_BITS as usize).rev() {
            if link.is_none() && page.is_none() {
                return;
            }
            let node = link.get_or_insert_with(|| Arc::new(Node::branch(held)));
            match &mut Arc::make_mut(node).content {
                Content::Branch(links) => link = &mut links[child(number, bits)],
                Content::Page(_) => unreachable!("pages stand on the last level"),
            }
        }
        *link = page;
    }

    /// Numbers of the pages that are not one allocation in both maps.
    pub fn difference(&self, other: &Self) -> PageSet {
        let mut pages = PageSet::default();
        difference(&self.root, &other.root, PAGE_BITS, 0, &mut pages);
        pages
    }
}

/// Adds the numbers below two links that differ; the links stand `bits` above a page, at pages `first..`.
fn difference(a: &Link, b: &Link, bits: u32, first: u32, pages: &mut PageSet) {
    let same = match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        _ => false,
    };
    if same {
        return;
    }
    if bits == 0 {
        pages.extend([first]);
        return;
    }
    let bits = bits - BRANCH_BITS;
    for i in 0..1 << BRANCH_BITS {
        difference(below(a, i), below(b, i), bits, first + ((i as u32) << bits), pages);
    }
}

/// The link number `i` of a branch; of no branch there is none.
fn below(link: &Link, i: usize) -> &Link {
    match link.as_deref().map(|node| &node.content) {
        Some(Content::Branch(links)) => &links[i],
        _ => &None,
    }
}

/// Which child of a branch, `bits` above the pages, leads to a page.
fn child(number: u32, bits: u32) -> usize {
    (number >> bits) as usize % (1 << BRANCH_BITS)
}

/// A set of page numbers, quick to extend by ascending ones.
#[derive(Clone, Debug, Default)]
pub(super) struct PageSet(BTreeMap<u32, u64>);

impl PageSet {
    /// Adds pages; runs of neighbours are one access each.
    pub fn extend(&mut self, numbers: impl IntoIterator<Item = u32>) {
        let (mut word, mut bits) = (0, 0);
        for number in numbers {
            if number / 64 != word {
                self.add(word, bits);
                (word, bits) = (number / 64, 0);
            }
            bits |= 1 << (number % 64);
        }
        self.add(word, bits);
    }

    /// Adds all pages of another set.
    pub fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(word, bits)| self.add(*word, *bits));
    }

    /// The pages, ascending.
    pub fn to_vec(&self) -> Vec<u32> {
        let pages = |(word, bits): (&u32, &u64)| {
            let (word, bits) = (*word, *bits);
            (0..64).filter(move |i| bits >> i & 1 == 1).map(move |i| word * 64 + i)
        };
        self.0.iter().flat_map(pages).collect()
    }

    /// How many pages there are.
    pub fn count(&self) -> u64 {
        self.0.values().map(|bits| u64::from(bits.count_ones())).sum()
    }

    /// How many aligned groups of [`GROUP_PAGES`] have one of these pages.
    pub fn groups(&self) -> u64 {
        let mut groups: Vec<u32> = self.0.keys().map(|word| word * 64 / GROUP_PAGES).collect();
        groups.dedup();
        groups.len() as u64
    }

    /// Removes all pages.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    fn add(&mut self, word: u32, bits: u64) {
        if bits != 0 {
            *self.0.entry(word).or_default() |= bits;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::reference::Random;

    fn page(value: u8) -> Page {
        let mut page = ZERO_PAGE;
        page[4095] = value;
        page
    }

    #[test]
    fn maps_equal_a_plain_model_and_differ_where_written() {
        let mut random = Random(5);
        let (mut map, mut model) = (PageMap::default(), BTreeMap::new());
        for _ in 0..20 {
            let before = map.clone();
            let model_before = model.clone();
            let mut written = BTreeMap::new();
            for _ in 0..30 {
                let number = [random.below(40), random.below(1 << 28), (1 << 28) - 1][random.below(3) as usize] as u32;
                written.insert(number, random.below(3) as u8);
            }
            for (number, value) in &written {
                map.set(*number, &page(*value));
                model.insert(*number, *value);
            }
            for (number, value) in &model {
                let expected = Some(page(*value)).filter(|_| *value != 0);
                assert_eq!(map.get(*number), expected.as_ref());
            }
            for (number, value) in &model_before {
                assert_eq!(before.get(*number).map_or(0, |page| page[4095]), *value, "older maps keep their pages");
            }
            let differ = map.difference(&before).to_vec();
            assert_eq!(differ, before.difference(&map).to_vec());
            let of = |model: &BTreeMap<u32, u8>, number| model.get(number).copied().unwrap_or(0);
            for number in written.keys() {
                let zero_both = of(&model, number) == 0 && of(&model_before, number) == 0;
                assert_eq!(differ.contains(number), !zero_both, "page {number}");
            }
            assert!(differ.iter().all(|number| written.contains_key(number)));
        }
    }

    #[test]
    fn what_maps_hold_is_counted_once_and_given_back() {
        let mut map = PageMap::default();
        map.set(0, &page(1));
        let one = map.held_bytes();
        assert!(one > 4096 && one <= PAGE_BYTES_MAX, "{one}");
        let before = map.clone();
        assert_eq!(map.held_bytes(), one, "a clone shares everything");
        map.set(1, &page(2));
        let two = map.held_bytes();
        assert!(two > one + 4096 && two <= one + PAGE_BYTES_MAX, "{two}");
        drop(map);
        assert_eq!(before.held_bytes(), one);
        let mut map = before.clone();
        drop(before);
        map.set(0, &ZERO_PAGE);
        assert!(map.held_bytes() < 4096, "branches may stay, the page does not");
    }

    #[test]
    fn sets_hold_what_they_are_given_in_order() {
        let mut set = PageSet::default();
        set.extend([0, 1, 63, 64, 1000, (1 << 28) - 1]);
        set.extend([5, 64]);
        let mut other = PageSet::default();
        other.extend([2, 65]);
        set.merge(&other);
        assert_eq!(set.count(), 9);
        assert_eq!(set.to_vec(), [0, 1, 2, 5, 63, 64, 65, 1000, (1 << 28) - 1]);
        assert_eq!(set.groups(), 3, "pages 0 to 65, page 1000, the last one");
    }
}

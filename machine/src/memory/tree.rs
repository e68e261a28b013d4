//! The sparse, incremental Merkle tree of one region.
//!
//! Nodes live in tiles of four levels, so that a lone leaf costs a tile of one KiB for every four levels above it and
//! neighbours share their tiles; what was never written costs nothing.
//!
//! ```text
//! level 4g + 4             o                 kept as a leaf of the tile above, or as the tree's root
//! level 4g + 3        o         o            nodes 28..30
//! level 4g + 2      o   o     o   o          nodes 24..28
//! level 4g + 1     8 nodes                   nodes 16..24
//! level 4g        16 nodes                   nodes  0..16
//! ```
//!
//! Owns hashes, never the bytes below them. An update walks the levels once, all tiles side by side, so that the
//! keccak lanes are full even where the leaves are scattered.

use alloc::{collections::BTreeMap, vec::Vec};

use alloy_primitives::B256;

use super::{layout::Kind, wide::keccak_many, zero::zero};

/// Levels in a tile.
const TILE_LEVELS: u32 = 4;
/// Leaves of a tile.
const TILE_LEAVES: usize = 1 << TILE_LEVELS;
/// Nodes that a tile keeps: all but its root.
const TILE_NODES: usize = 2 * TILE_LEAVES - 2;

const _: () =
    assert!(Kind::Control.depth().is_multiple_of(TILE_LEVELS) && Kind::Bulk.depth().is_multiple_of(TILE_LEVELS));

/// A region's tree over control leaves or bulk pages.
#[derive(Clone, Debug)]
pub struct Tree {
    zero: &'static [B256],
    bands: Vec<Band>,
    root: B256,
}

/// All tiles whose leaves stand on the same level.
#[derive(Clone, Debug, Default)]
struct Band {
    /// Position in `tiles` of the tile with this number, counted from the left.
    places: BTreeMap<u64, usize>,
    tiles: Vec<[B256; TILE_NODES]>,
}

/// A tile that an update changes.
struct Touched {
    number: u64,
    place: usize,
    /// Bit `i`: node `i` of the level in hand has changed.
    changed: u16,
}

impl Tree {
    /// The tree of a region of zero bytes.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        let zero = zero(kind);
        let bands = (0..kind.depth() / TILE_LEVELS).map(|_| Band::default()).collect();
        Self { zero, bands, root: zero[kind.depth() as usize] }
    }

    /// The region root.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.root
    }

    /// Replaces tree leaves: `(number within the region, hash)`, strictly ascending by number.
    ///
    /// # Panics
    /// If a number is outside the region. Debug builds also check the order.
    pub fn update(&mut self, leaves: &[(u64, B256)]) {
        debug_assert!(leaves.is_sorted_by(|a, b| a.0 < b.0), "leaves ascend");
        let Some((last, _)) = leaves.last() else { return };
        assert!(last >> (self.zero.len() - 1) == 0, "leaf {last} is inside the region");
        let mut changed = None;
        for (band, zero) in self.bands.iter_mut().zip(self.zero.chunks(TILE_LEVELS as usize)) {
            changed = Some(band.update(zero, changed.as_deref().unwrap_or(leaves)));
        }
        self.root = changed.expect("a tree has bands")[0].1;
    }

    /// The node `index` (from the left) at `height` above the tree leaves.
    #[must_use]
    pub fn node(&self, height: u32, index: u64) -> B256 {
        let Some(band) = self.bands.get((height / TILE_LEVELS) as usize) else {
            return self.root;
        };
        let level = height % TILE_LEVELS;
        let (number, within) = (index >> (TILE_LEVELS - level), index as usize & ((TILE_LEAVES >> level) - 1));
        match band.places.get(&number) {
            Some(place) => band.tiles[*place][first_node(level) + within],
            None => self.zero[height as usize],
        }
    }

    /// Appends the siblings of a tree leaf, bottom-up to below the region root. Bit `i` of the result says that the
    /// sibling at level `i` is the zero subtree of that height.
    pub fn siblings(&self, leaf: u64, siblings: &mut Vec<B256>) -> u32 {
        let mut mask = 0;
        for height in 0..self.zero.len() as u32 - 1 {
            let sibling = self.node(height, (leaf >> height) ^ 1);
            mask |= u32::from(sibling == self.zero[height as usize]) << height;
            siblings.push(sibling);
        }
        mask
    }
}

impl Band {
    /// Takes changed leaves of this band's tiles, ascending, and returns the changed roots of the tiles, ascending.
    /// `zero` begins with the zero subtrees of the band's four levels.
    fn update(&mut self, zero: &[B256], leaves: &[(u64, B256)]) -> Vec<(u64, B256)> {
        let mut touched: Vec<Touched> = Vec::new();
        for (index, hash) in leaves {
            let (number, within) = (index / TILE_LEAVES as u64, *index as usize % TILE_LEAVES);
            if touched.last().is_none_or(|tile| tile.number != number) {
                touched.push(Touched { number, place: self.place(zero, number), changed: 0 });
            }
            let tile = touched.last_mut().expect("pushed above where there was none");
            tile.changed |= 1 << within;
            self.tiles[tile.place][within] = *hash;
        }

        let (mut pairs, mut hashes) = (Vec::new(), Vec::new());
        for level in 0..TILE_LEVELS {
            pairs.clear();
            hashes.clear();
            for tile in &mut touched {
                tile.changed = parents(tile.changed);
                let nodes = &self.tiles[tile.place][first_node(level)..];
                for parent in ones(tile.changed) {
                    let mut pair = [0; 64];
                    pair[..32].copy_from_slice(&nodes[2 * parent][..]);
                    pair[32..].copy_from_slice(&nodes[2 * parent + 1][..]);
                    pairs.push(pair);
                }
            }
            keccak_many(&pairs, &mut hashes);
            if level + 1 < TILE_LEVELS {
                let mut hash = hashes.iter();
                for tile in &touched {
                    let nodes = &mut self.tiles[tile.place][first_node(level + 1)..];
                    ones(tile.changed).zip(&mut hash).for_each(|(parent, hash)| nodes[parent] = *hash);
                }
            }
        }
        touched.iter().zip(hashes).map(|(tile, root)| (tile.number, root)).collect()
    }

    /// Position of a tile, which is made of zero subtrees if it is new.
    fn place(&mut self, zero: &[B256], number: u64) -> usize {
        *self.places.entry(number).or_insert_with(|| {
            let mut tile = [zero[0]; TILE_NODES];
            for level in 1..TILE_LEVELS {
                tile[first_node(level)..].fill(zero[level as usize]);
            }
            self.tiles.push(tile);
            self.tiles.len() - 1
        })
    }
}

/// Where a level begins among a tile's nodes: 0, 16, 24, 28.
const fn first_node(level: u32) -> usize {
    2 * TILE_LEAVES - ((2 * TILE_LEAVES) >> level)
}

/// Bit `i` of the result is set where bit `2i` or `2i + 1` is.
fn parents(changed: u16) -> u16 {
    let mut x = (changed | changed >> 1) & 0x5555;
    x = (x | x >> 1) & 0x3333;
    x = (x | x >> 2) & 0x0f0f;
    (x | x >> 4) & 0x00ff
}

/// Positions of the bits that are set, ascending.
fn ones(mut bits: u16) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let lowest = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(lowest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::reference::Random;
    use alloy_primitives::keccak256;

    /// Root by recursion over a sorted list of leaves; an empty list is the zero subtree.
    fn naive(zero: &[B256], height: usize, first: u64, leaves: &[(u64, B256)]) -> B256 {
        match leaves {
            [] => zero[height],
            [(_, hash)] if height == 0 => *hash,
            _ => {
                let middle = first + (1 << (height - 1));
                let (left, right) = leaves.split_at(leaves.partition_point(|(index, _)| *index < middle));
                let left = naive(zero, height - 1, first, left);
                keccak256([left, naive(zero, height - 1, middle, right)].concat())
            }
        }
    }

    fn check_updates(kind: Kind, seed: u64, spread: u64, batches: usize) {
        let mut random = Random(seed);
        let mut tree = Tree::new(kind);
        let mut model = BTreeMap::new();
        let last = (1u64 << kind.depth()) - 1;
        for batch in 0..batches {
            let mut updates: BTreeMap<u64, B256> =
                (0..random.below(40)).map(|_| (random.below(spread), keccak256(random.next().to_le_bytes()))).collect();
            if batch == 1 {
                updates.insert(0, keccak256(b"first"));
                updates.insert(last, keccak256(b"last"));
            }
            tree.update(&updates.clone().into_iter().collect::<Vec<_>>());
            model.extend(updates);
            let leaves: Vec<_> = model.clone().into_iter().collect();
            assert_eq!(tree.root(), naive(zero(kind), kind.depth() as usize, 0, &leaves), "batch {batch}");
        }
        for leaf in [0, 1, 15, 16, last - 1, last, random.below(spread)] {
            let (mut siblings, mut node) = (Vec::new(), model.get(&leaf).copied().unwrap_or(zero(kind)[0]));
            let mask = tree.siblings(leaf, &mut siblings);
            for (level, sibling) in siblings.iter().enumerate() {
                assert_eq!(mask >> level & 1 == 1, *sibling == zero(kind)[level]);
                let pair = if leaf >> level & 1 == 0 { [node, *sibling] } else { [*sibling, node] };
                node = keccak256(pair.concat());
            }
            assert_eq!((siblings.len(), node), (kind.depth() as usize, tree.root()), "leaf {leaf}");
        }
    }

    #[test]
    fn roots_and_siblings_agree_with_the_recursion() {
        for kind in [Kind::Control, Kind::Bulk] {
            check_updates(kind, 1, 20, 10);
            check_updates(kind, 2, 3000, 20);
            check_updates(kind, 3, 1 << kind.depth(), 10);
        }
    }

    #[test]
    fn a_leaf_that_becomes_zero_again_restores_the_zero_tree() {
        let mut tree = Tree::new(Kind::Bulk);
        tree.update(&[(5, keccak256(b"page")), (6, keccak256(b"other"))]);
        assert_ne!(tree.root(), zero(Kind::Bulk)[24]);
        tree.update(&[(5, zero(Kind::Bulk)[0]), (6, zero(Kind::Bulk)[0])]);
        assert_eq!(tree.root(), zero(Kind::Bulk)[24]);
        assert_eq!(tree.siblings(5, &mut Vec::new()), (1 << 24) - 1);
    }

    #[test]
    fn inner_nodes_are_those_of_the_zero_region_until_written() {
        let mut tree = Tree::new(Kind::Bulk);
        for height in 0..=24 {
            assert_eq!(tree.node(height, 0), zero(Kind::Bulk)[height as usize]);
        }
        tree.update(&[(0, keccak256(b"page"))]);
        let mut node = keccak256(b"page");
        for height in 0..=24 {
            assert_eq!(tree.node(height, 0), node);
            node = keccak256([node, zero(Kind::Bulk)[height as usize]].concat());
        }
    }
}

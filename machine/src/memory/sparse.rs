//! The backing of any image whatever: pages by number, over the whole space.
//!
//! For handwritten images, small runs and tests. Owns its bytes; reads and writes every region alike, since what a step
//! may write is the step's business.

use alloc::{boxed::Box, collections::BTreeMap, collections::BTreeSet, vec::Vec};

use alloy_primitives::B256;

use super::{
    ChunkProof, Memory,
    layout::{Kind, LEAF_SIZE, PAGE_SIZE, Page, REGION_SIZE, Region, SPACE_SIZE, ZERO_PAGE, page_index},
    top::RegionRoots,
    tree::Tree,
    wide::{keccak_many, page_digests},
};

/// Pages of a region.
const REGION_PAGES: u32 = (REGION_SIZE / PAGE_SIZE as u64) as u32;
/// Control leaves in a page.
const PAGE_LEAVES: u64 = (PAGE_SIZE / LEAF_SIZE) as u64;

/// A memory in which every address can be written.
#[derive(Clone, Debug)]
pub struct SparseMemory {
    pages: BTreeMap<u32, Box<Page>>,
    dirty: BTreeSet<u32>,
    trees: Vec<Tree>,
    roots: RegionRoots,
}

impl Default for SparseMemory {
    fn default() -> Self {
        let trees = Region::all().map(|region| Tree::new(region.kind())).collect();
        Self { pages: BTreeMap::new(), dirty: BTreeSet::new(), trees, roots: RegionRoots::default() }
    }
}

impl SparseMemory {
    /// A memory of zero bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The region's root as of the last commit.
    #[must_use]
    pub fn region_root(&self, region: Region) -> B256 {
        self.roots.get(region)
    }

    /// Hashes the dirty pages of one region into its tree.
    fn commit_region(&mut self, region: Region, dirty: &[u32]) {
        let (kind, tree) = (region.kind(), &mut self.trees[region.number()]);
        let (mut leaves, mut hashes) = (Vec::new(), Vec::new());
        match kind {
            Kind::Bulk => {
                let pages: Vec<&Page> = dirty.iter().map(|page| &*self.pages[page]).collect();
                page_digests(&pages, &mut hashes);
                leaves.extend(dirty.iter().map(|page| u64::from(page % REGION_PAGES)));
            }
            Kind::Control => {
                let bytes: Vec<_> =
                    dirty.iter().flat_map(|page| self.pages[page].as_chunks::<LEAF_SIZE>().0).copied().collect();
                keccak_many(&bytes, &mut hashes);
                leaves.extend(dirty.iter().flat_map(|page| {
                    let first = u64::from(page % REGION_PAGES) * PAGE_LEAVES;
                    first..first + PAGE_LEAVES
                }));
            }
        }
        tree.update(&leaves.into_iter().zip(hashes).collect::<Vec<_>>());
        self.roots.set(region, tree.root());
    }
}

impl Memory for SparseMemory {
    fn read(&self, address: u64, bytes: &mut [u8]) {
        for (page, in_page, range) in pieces(address, bytes.len()) {
            let source = self.pages.get(&page).map_or(&ZERO_PAGE, |page| page);
            let size = range.len();
            bytes[range].copy_from_slice(&source[in_page..][..size]);
        }
    }

    fn write(&mut self, address: u64, bytes: &[u8]) {
        for (page, in_page, range) in pieces(address, bytes.len()) {
            let target = self.pages.entry(page).or_insert_with(|| Box::new(ZERO_PAGE));
            target[in_page..][..range.len()].copy_from_slice(&bytes[range]);
            self.dirty.insert(page);
        }
    }

    fn commit(&mut self) -> B256 {
        let dirty: Vec<u32> = core::mem::take(&mut self.dirty).into_iter().collect();
        for pages in dirty.chunk_by(|a, b| a / REGION_PAGES == b / REGION_PAGES) {
            let address = u64::from(pages[0]) * PAGE_SIZE as u64;
            self.commit_region(Region::of(address), pages);
        }
        self.roots.root()
    }

    fn chunk_proof(&mut self, address: u64) -> ChunkProof {
        self.commit();
        let page = self.pages.get(&page_index(address)).map_or(&ZERO_PAGE, |page| page);
        self.roots.open(address, page, &self.trees[Region::of(address).number()])
    }
}

/// Cuts `length` bytes at `address` at page ends: page number, offset in the page, range of the bytes.
///
/// # Panics
/// If the range leaves the address space.
fn pieces(address: u64, length: usize) -> impl Iterator<Item = (u32, usize, core::ops::Range<usize>)> {
    let end = address.checked_add(length as u64);
    assert!(end.is_some_and(|end| end <= SPACE_SIZE), "{length} bytes at {address:#x} leave the space");
    let mut done = 0;
    core::iter::from_fn(move || {
        (done < length).then(|| {
            let at = address + done as u64;
            let in_page = at as usize % PAGE_SIZE;
            let size = (PAGE_SIZE - in_page).min(length - done);
            let piece = (page_index(at), in_page, done..done + size);
            done += size;
            piece
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::reference::{Naive, Random, bytes_of};
    use alloy_primitives::b256;

    #[test]
    fn the_empty_memory_has_the_root_of_the_vector() {
        // Computed in Python from the packages blake3 and pycryptodome by the definition.
        let root = b256!("c136622635d49c7ea8499e3c0e30341b8aa789e4de1326bb1fc5b020b230ef1c");
        assert_eq!(SparseMemory::new().commit(), root);
        assert_eq!(Naive::default().root(), root);
    }

    #[test]
    fn any_writes_give_the_naive_root_and_bytes() {
        let mut random = Random(6);
        let (mut memory, mut naive) = (SparseMemory::new(), Naive::default());
        for batch in 0..8u64 {
            let edges = [0, 255, 4095, (1 << 36) - 4, (3 << 36) - 3, (3 << 36) + 1022, (1 << 40) - 9];
            for _ in 0..4 {
                let address = match random.below(2) {
                    0 => edges[random.below(7) as usize],
                    _ => random.below((1 << 40) - 9),
                };
                let bytes = bytes_of(random.below(10) as usize, random.next());
                memory.write(address, &bytes);
                naive.write(address, &bytes);
            }
            assert_eq!(memory.commit(), naive.root(), "batch {batch}");
            for edge in edges {
                let mut bytes = [0; 9];
                memory.read(edge, &mut bytes);
                assert_eq!(bytes.to_vec(), naive.read(edge, 9));
            }
        }
        let root = naive.root();
        for address in naive.0.keys().copied().chain([300, 7 << 36]).collect::<Vec<_>>() {
            let proof = memory.chunk_proof(address);
            assert_eq!(proof.bytes, naive.read(proof.address, proof.bytes.len()));
            assert!((proof.address..proof.address + proof.bytes.len() as u64).contains(&address));
            assert_eq!(proof.fold(&proof.bytes), root, "address {address:#x}");
            let mut changed = naive.clone();
            changed.write(address, &[!changed.read(address, 1)[0]]);
            let bytes = changed.read(proof.address, proof.bytes.len());
            assert_eq!(proof.fold(&bytes), changed.root(), "the siblings carry a new chunk to its new root");
        }
    }

    #[test]
    fn masks_name_zero_subtrees_and_nothing_else() {
        let mut memory = SparseMemory::new();
        memory.write(0, &[1]);
        assert_eq!(memory.chunk_proof(0).mask, (1 << 28) - 1);
        // Leaf 1 is the sibling of leaf 0; page 1 of MEMORY is that of page 0.
        memory.write(256, &[1]);
        assert_eq!(memory.chunk_proof(0).mask, (1 << 28) - 2);
        memory.write((3 << 36) + 4096, &[1]);
        assert_eq!(memory.chunk_proof(3 << 36).mask, (1 << 24) - 2);
        assert_eq!(memory.chunk_proof((3 << 36) + 4096).mask, (1 << 24) - 1);
        assert_eq!(memory.chunk_proof((1 << 40) - 1).mask, (1 << 24) - 1);
    }

    #[test]
    #[should_panic(expected = "leave the space")]
    fn a_range_past_the_space_panics() {
        SparseMemory::new().write((1 << 40) - 1, &[0, 0]);
    }
}

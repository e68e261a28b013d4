//! The backing of fast runs of lowered programs: every region where the interpreter can reach it with one addition.
//!
//! ```text
//! SYSTEM   bytes of the image's size           a dirty byte for each leaf
//! CODE     shared, read-only                   hashed once
//! STACK    2^18 slots, and spare ones          a dirty range of slots
//! MEMORY   4 GiB reserved, committed lazily    a dirty byte for each page;  single pages where that can't be had
//! INPUT    shared, read-only                   hashed once
//! OUTPUT   growing bytes                       a dirty range of bytes
//! ```
//!
//! Owns the bytes, what of them is dirty, and their trees. Assumes a lowered program: STATE and the buffers are zero, and
//! nothing outside these backings is ever written. Handwritten images run on `SparseMemory`.
//!
//! Raw pointers that a getter returns are for the interpreter's loop; whoever stores through them also marks what is
//! dirty. No backing that has one ever moves, so that an address is good for the memory's life; but other calls make
//! references into the backings, so a loop fetches its pointers anew after each.

mod backing;
mod deferred;
mod fixed;
mod linear;
mod output;
mod pages;
mod stack;
mod system;
mod transfer;

use alloc::{sync::Arc, vec::Vec};

use alloy_primitives::B256;
use assay_protocol::BlobRef;

use self::{
    backing::Backing,
    fixed::Fixed,
    linear::Linear,
    output::Output,
    stack::{STACK_PAGES, Stack},
    system::System,
};
use super::{
    ChunkProof, Memory, Snapshot,
    blob::blob_height,
    layout::{PAGE_SIZE, REGION_SIZE, Region, SPACE_SIZE, ZERO_PAGE, offset_in_region, page_index},
    snapshot::{GROUP_PAGES, PAGE_BYTES_MAX, PageMap, PageSet},
    top::RegionRoots,
    tree::Tree,
};

pub(crate) use deferred::Deferred;
pub use linear::LINEAR_SIZE_MAX;
pub use output::OutputRefused;
pub use stack::STACK_SPARE_SLOTS;

/// Bytes that many runs can share: a buffer, or a mapped file.
pub type SharedBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// A read-only region at boot.
#[derive(Clone)]
pub struct FixedImage {
    /// Its bytes from the first; zero behind them.
    pub bytes: SharedBytes,
    /// Its region root, where the caller knows it: it must be that of `bytes`.
    pub root: Option<B256>,
}

/// Bytes that are resident for each group of pages of linear memory that has a page that was written: the group, since hosts with large
/// pages back it as one, and its part of the tree.
const GROUP_BYTES: u64 = GROUP_PAGES as u64 * PAGE_SIZE as u64 + (64 << 10);

/// What a flat memory holds at boot. STACK, MEMORY and OUTPUT are zero; a caller writes what differs.
#[derive(Clone)]
pub struct FlatImage {
    /// SYSTEM from its first byte; nothing behind these bytes is ever written.
    pub system: Vec<u8>,
    /// CODE.
    pub code: FixedImage,
    /// INPUT.
    pub input: FixedImage,
    /// Bytes of linear memory, at most [`LINEAR_SIZE_MAX`].
    pub linear_size: u64,
}

/// The memory of a lowered program's run.
pub struct FlatMemory {
    system: System,
    code: Fixed,
    stack: Stack,
    linear: Linear,
    input: Fixed,
    output: Output,
    roots: RegionRoots,
    /// Pages as of the last snapshot taken or restored.
    saved: PageMap,
    /// Pages committed since then.
    unsaved: PageSet,
    /// Pages of linear memory that were ever written.
    written: PageSet,
    /// Pages hashed and copied.
    page_work: u64,
}

impl FlatMemory {
    /// The memory at boot. Where the host does not give the address range of linear memory, that memory is sparse.
    ///
    /// # Panics
    /// If the image is larger than its regions: the loader has checked it.
    #[must_use]
    pub fn new(image: FlatImage) -> Self {
        let linear = Linear::new(image.linear_size);
        Self::with(image, linear)
    }

    /// The memory at boot as it is on a host that does not give the address range of linear memory.
    ///
    /// # Panics
    /// As [`FlatMemory::new`].
    #[must_use]
    pub fn sparse(image: FlatImage) -> Self {
        let linear = Linear::sparse(image.linear_size);
        Self::with(image, linear)
    }

    fn with(image: FlatImage, linear: Linear) -> Self {
        let code = Fixed::new(Region::CODE, image.code);
        let input = Fixed::new(Region::INPUT, image.input);
        let mut roots = RegionRoots::default();
        roots.set(Region::CODE, code.root());
        roots.set(Region::INPUT, input.root());
        Self {
            system: System::new(image.system),
            code,
            stack: Stack::new(),
            linear,
            input,
            output: Output::new(),
            roots,
            saved: PageMap::default(),
            unsaved: PageSet::default(),
            written: PageSet::default(),
            page_work: 0,
        }
    }

    /// Bytes that the host backs for this memory: what was written, code and input, hash trees; snapshots are counted by
    /// [`FlatMemory::snapshots_bytes`]. Linear memory counts by groups of 2 MiB, so this is a bound where a host has large pages, and
    /// exact to that much elsewhere. STACK and the flags, some 4 MiB, are the same for all and not counted.
    pub fn resident_bytes(&mut self) -> u64 {
        self.note_dirty();
        // Trees: 64 bytes for each leaf of 256 bytes or page of 4096, and up to twice as much is set aside for them.
        let (code, input) = (self.code.bytes().len(), self.input.bytes().len());
        let fixed = code + code / 2 + input + input / 32;
        let plain = (self.system.size() + self.output.bytes().len() + fixed) as u64;
        self.written.groups() * GROUP_BYTES + plain
    }

    /// Pages that were hashed or copied so far, over all commits and snapshots.
    #[must_use]
    pub fn page_work(&self) -> u64 {
        self.page_work
    }

    /// Whether linear memory has its address range, without which the interpreter has no fast path.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.linear.is_reserved()
    }

    /// Why linear memory has no address range, if the host did not give it.
    #[must_use]
    pub fn reservation_refused(&self) -> Option<&std::io::Error> {
        self.linear.reservation_refused()
    }

    /// First slot of STACK; [`STACK_SPARE_SLOTS`] more than the machine's lie behind, so that a frame's unchecked
    /// accesses stay inside. Their content is no part of the machine.
    pub fn stack_base(&mut self) -> *mut u64 {
        self.stack.base()
    }

    /// Says that slots `low..high` may have been written through [`FlatMemory::stack_base`]; spare slots are ignored.
    pub fn mark_stack(&mut self, low: usize, high: usize) {
        self.stack.mark(low, high);
    }

    /// First byte of SYSTEM.
    pub fn system_base(&mut self) -> *mut u8 {
        self.system.base()
    }

    /// Bytes of SYSTEM behind [`FlatMemory::system_base`]: the image's, rounded up to a page.
    #[must_use]
    pub fn system_size(&self) -> usize {
        self.system.size()
    }

    /// One byte for each 256-byte leaf of SYSTEM: a writer through the base stores 1 in that of the leaf.
    pub fn system_dirty_base(&mut self) -> *mut u8 {
        self.system.dirty_base()
    }

    /// First byte of linear memory. [`LINEAR_SIZE_MAX`] bytes and a guard can be accessed, those past the size are zero.
    ///
    /// # Panics
    /// Unless [`FlatMemory::is_reserved`]; so do the moves of many bytes at once.
    pub fn linear_base(&mut self) -> *mut u8 {
        self.linear.base()
    }

    /// One byte for each page of 4096 bytes of linear memory, and one for the guard: a writer through the base stores 1
    /// in those of the first and the last byte of each store.
    pub fn linear_dirty_base(&mut self) -> *mut u8 {
        self.linear.dirty_base()
    }

    /// Bytes of linear memory.
    #[must_use]
    pub fn linear_size(&self) -> u64 {
        self.linear.size()
    }

    /// Grows linear memory to `size` bytes. Every write before the next commit lies below.
    ///
    /// # Panics
    /// If that shrinks it or exceeds [`LINEAR_SIZE_MAX`].
    pub fn grow_linear(&mut self, size: u64) {
        self.linear.grow(size);
    }

    /// The bytes of CODE, zero behind.
    #[must_use]
    pub fn code(&self) -> &[u8] {
        self.code.bytes()
    }

    /// The bytes of INPUT, zero behind.
    #[must_use]
    pub fn input(&self) -> &[u8] {
        self.input.bytes()
    }

    /// The bytes of OUTPUT as far as any was written, zero behind.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        self.output.bytes()
    }

    /// The first `length` bytes of OUTPUT, all of which were written; they are not copied.
    #[must_use]
    pub fn into_output(self, length: u64) -> Vec<u8> {
        self.output.into_bytes(length as usize)
    }

    /// Makes sure that the bytes of OUTPUT below `end` can be written. A caller that does not ask finds out by a panic.
    ///
    /// # Errors
    /// [`OutputRefused`] if the host does not give the memory; nothing has changed then.
    pub fn make_output_room(&mut self, end: u64) -> Result<(), OutputRefused> {
        self.output.make_room(end)
    }

    /// Writes to OUTPUT.
    ///
    /// # Panics
    /// If that leaves the region, or what the host gives.
    pub fn write_output(&mut self, offset: u64, bytes: &[u8]) {
        self.output.write(offset, bytes);
    }

    /// The region roots as of the last commit.
    #[must_use]
    pub fn region_roots(&self) -> &RegionRoots {
        &self.roots
    }

    /// Commits, then names the first `length` bytes of OUTPUT; every byte behind them must be zero, as it is in a halted
    /// state whose output length this is.
    pub fn output_blob(&mut self, length: u64) -> BlobRef {
        self.commit();
        let root = self.output.tree().node(blob_height(length), 0);
        BlobRef { root, length }
    }

    /// Commits all but those of linear memory's dirty pages that are worth it to be hashed elsewhere. Until [`FlatMemory::rejoin`] gets
    /// what became of them the memory runs on and can be copied, but has no root and opens no chunk.
    pub(crate) fn commit_ahead(&mut self) -> Option<Deferred> {
        let dirty = self.note_dirty();
        self.page_work += dirty;
        let deferred = self.linear.defer();
        let Self { system, stack, linear, output, roots, .. } = self;
        for (region, backing) in writable(system, stack, linear, output) {
            if region != Region::MEMORY || deferred.is_none() {
                backing.commit();
                roots.set(region, backing.tree().root());
            }
        }
        deferred
    }

    /// Ends what [`FlatMemory::commit_ahead`] began, with the tree if that was deferred, and returns the memory root as of then.
    pub(crate) fn rejoin(&mut self, tree: Option<Tree>) -> B256 {
        if let Some(tree) = tree {
            self.roots.set(Region::MEMORY, tree.root());
            self.linear.rejoin(tree);
        }
        self.roots.root()
    }

    /// Commits, then copies what changed since the last snapshot; costs as much as there are changed pages.
    pub fn snapshot(&mut self) -> Snapshot {
        let root = self.commit();
        self.copied(root)
    }

    /// A snapshot of what was committed, under the root that it has.
    pub(crate) fn copied(&mut self, root: B256) -> Snapshot {
        let mut page = ZERO_PAGE;
        for number in self.unsaved.to_vec() {
            self.page_work += 1;
            let (region, backing) = self.backing(number);
            backing.page(page_in_region(region, number), &mut page);
            self.saved.set(number, &page);
        }
        self.unsaved.clear();
        Snapshot { pages: self.saved.clone(), root, linear_size: self.linear.size() }
    }

    /// Bytes that all snapshots of this memory hold, and its own copy of the last one; what they share counts once.
    #[must_use]
    pub fn snapshots_bytes(&self) -> u64 {
        self.saved.held_bytes()
    }

    /// Most bytes that a snapshot would add to [`FlatMemory::snapshots_bytes`] now.
    pub fn snapshot_bytes_max(&mut self) -> u64 {
        self.note_dirty();
        self.unsaved.count() * PAGE_BYTES_MAX
    }

    /// Most bytes that a snapshot holds which shares no page with any other.
    #[must_use]
    pub fn whole_snapshot_bytes_max(&self) -> u64 {
        let pages = (self.system.size() + self.output.bytes().len()) / PAGE_SIZE + STACK_PAGES;
        (self.written.count() + pages as u64) * PAGE_BYTES_MAX
    }

    /// Lets go of the last snapshot: the next one copies what differs from this one, and the older ones that nobody else
    /// keeps are given back.
    pub fn forget_snapshots_since(&mut self, snapshot: &Snapshot) {
        self.note_dirty();
        self.unsaved.merge(&self.saved.difference(&snapshot.pages));
        self.saved = snapshot.pages.clone();
    }

    /// Returns to a snapshot; costs as much as there are pages that differ.
    ///
    /// # Panics
    /// If the snapshot is of another program or input, which the root shows.
    pub fn restore(&mut self, snapshot: &Snapshot) {
        self.note_dirty();
        let mut differ = self.saved.difference(&snapshot.pages);
        differ.merge(&self.unsaved);
        // Pages past the smaller of the two sizes are hashed once more before the size settles.
        self.linear.grow(self.linear.size().max(snapshot.linear_size));
        for number in differ.to_vec() {
            let page = snapshot.pages.get(number).unwrap_or(&ZERO_PAGE);
            let (region, backing) = self.backing(number);
            backing.set_page(page_in_region(region, number), page);
        }
        let root = self.commit();
        assert_eq!(root, snapshot.root, "a snapshot returns to the program and input that it was taken of");
        self.linear.shrink(snapshot.linear_size);
        self.saved = snapshot.pages.clone();
        self.unsaved.clear();
    }

    /// Counts what is dirty among the pages that the next snapshot copies, and returns how many pages are.
    fn note_dirty(&mut self) -> u64 {
        let Self { system, stack, linear, output, unsaved, written, .. } = self;
        let (mut pages, mut count) = (Vec::new(), 0);
        for (region, backing) in writable(system, stack, linear, output) {
            pages.clear();
            backing.dirty_pages(&mut pages);
            let first = page_index(region.base());
            unsaved.extend(pages.iter().map(|page| first + page));
            if region == Region::MEMORY {
                written.extend(pages.iter().copied());
            }
            count += pages.len() as u64;
        }
        count
    }

    /// The writable region that holds a page of this number.
    fn backing(&mut self, number: u32) -> (Region, &mut dyn Backing) {
        let Self { system, stack, linear, output, .. } = self;
        let region = Region::of(u64::from(number) * ZERO_PAGE.len() as u64);
        let backing: &mut dyn Backing = match region {
            Region::SYSTEM => system,
            Region::STACK => stack,
            Region::MEMORY => linear,
            Region::OUTPUT => output,
            _ => unreachable!("only writable regions have pages in a snapshot"),
        };
        (region, backing)
    }
}

impl Memory for FlatMemory {
    fn read(&self, address: u64, bytes: &mut [u8]) {
        let (region, offset) = locate(address, bytes.len());
        match region {
            Region::SYSTEM => self.system.read(offset, bytes),
            Region::CODE => self.code.read(offset, bytes),
            Region::STACK => self.stack.read(offset, bytes),
            Region::MEMORY => self.linear.read(offset, bytes),
            Region::INPUT => self.input.read(offset, bytes),
            Region::OUTPUT => self.output.read(offset, bytes),
            _ => bytes.fill(0),
        }
    }

    fn write(&mut self, address: u64, bytes: &[u8]) {
        let (region, offset) = locate(address, bytes.len());
        assert!(region.writable(), "region {} is written by steps", region.number());
        self.backing(page_index(address)).1.write(offset, bytes);
    }

    fn commit(&mut self) -> B256 {
        let dirty = self.note_dirty();
        self.page_work += dirty;
        let Self { system, stack, linear, output, roots, .. } = self;
        for (region, backing) in writable(system, stack, linear, output) {
            backing.commit();
            roots.set(region, backing.tree().root());
        }
        roots.root()
    }

    fn chunk_proof(&mut self, address: u64) -> ChunkProof {
        self.commit();
        let (region, offset) = locate(address, 1);
        let mut page = ZERO_PAGE;
        self.read(address - offset % page.len() as u64, &mut page);
        match region {
            Region::SYSTEM => self.roots.open(address, &page, self.system.tree()),
            Region::CODE => self.roots.open(address, &page, self.code.tree()),
            Region::STACK => self.roots.open(address, &page, self.stack.tree()),
            Region::MEMORY => self.roots.open(address, &page, self.linear.tree()),
            Region::INPUT => self.roots.open(address, &page, self.input.tree()),
            Region::OUTPUT => self.roots.open(address, &page, self.output.tree()),
            _ => self.roots.open(address, &page, &Tree::new(region.kind())),
        }
    }
}

/// The regions that steps write, ascending.
fn writable<'a>(
    system: &'a mut System,
    stack: &'a mut Stack,
    linear: &'a mut Linear,
    output: &'a mut Output,
) -> [(Region, &'a mut dyn Backing); 4] {
    [(Region::SYSTEM, system), (Region::STACK, stack), (Region::MEMORY, linear), (Region::OUTPUT, output)]
}

/// Region and offset of a range that must lie within one region.
fn locate(address: u64, length: usize) -> (Region, u64) {
    assert!(address < SPACE_SIZE, "address {address:#x} is below 2^40");
    let offset = offset_in_region(address);
    assert!(length as u64 <= REGION_SIZE - offset, "{length} bytes at {address:#x} lie in one region");
    (Region::of(address), offset)
}

/// Number of a page within its region.
fn page_in_region(region: Region, number: u32) -> usize {
    (number - page_index(region.base())) as usize
}

/// Copies `source[offset..]` into `bytes`, zero where the source has ended.
fn read_padded(source: &[u8], offset: u64, bytes: &mut [u8]) {
    let start = usize::try_from(offset).map_or(source.len(), |offset| offset.min(source.len()));
    let (head, tail) = bytes.split_at_mut(bytes.len().min(source.len() - start));
    head.copy_from_slice(&source[start..start + head.len()]);
    tail.fill(0);
}

#[cfg(test)]
mod tests;

//! Where things lie in SYSTEM: boot leaf, globals, tables, segments; and the bytes of SYSTEM and MEMORY at boot.
//!
//! ```text
//! word 0..32   boot leaf, zero in the image
//! then         one word a global
//! then         per table: size, `maximum` entries
//! then         per element segment: length in entries, the entries if it is passive
//! then         per data segment: length in bytes, the bytes if it is passive, padded to a word
//! ```

use super::LowerError;
use super::module::{Constant, Module, SegmentMode};
use crate::record::MEMORY_PAGE_SIZE;

/// First word behind the boot leaf.
const FIRST_WORD: usize = 32;
/// Most bytes of SYSTEM that a program may need.
pub const SYSTEM_BYTES_MAX: usize = 1 << 28;

/// Word addresses in SYSTEM.
#[derive(Clone, Debug, Default)]
pub struct SystemLayout {
    /// Of each global.
    pub globals: Vec<u32>,
    /// Of each table's size word.
    pub tables: Vec<u32>,
    /// Of each element segment's length word.
    pub elements: Vec<u32>,
    /// Of each data segment's length word.
    pub data: Vec<u32>,
    words: usize,
}

impl SystemLayout {
    /// Lays out a module's SYSTEM.
    ///
    /// # Errors
    /// [`LowerError::SystemTooLarge`].
    pub fn new(module: &Module<'_>) -> Result<Self, LowerError> {
        let mut layout = Self { words: FIRST_WORD, ..Self::default() };
        for _ in &module.globals {
            let at = layout.take(1)?;
            layout.globals.push(at);
        }
        for table in &module.tables {
            let at = layout.take(1 + table.maximum as usize)?;
            layout.tables.push(at);
        }
        for segment in &module.elements {
            let kept = if segment.mode == SegmentMode::Passive { segment.items.len() } else { 0 };
            let at = layout.take(1 + kept)?;
            layout.elements.push(at);
        }
        for segment in &module.data {
            let kept = if segment.mode == SegmentMode::Passive { segment.bytes.len().div_ceil(8) } else { 0 };
            let at = layout.take(1 + kept)?;
            layout.data.push(at);
        }
        Ok(layout)
    }

    fn take(&mut self, words: usize) -> Result<u32, LowerError> {
        let at = self.words;
        self.words += words;
        let bytes = self.words * 8;
        if bytes > SYSTEM_BYTES_MAX {
            return Err(LowerError::SystemTooLarge { bytes, limit: SYSTEM_BYTES_MAX });
        }
        Ok(at as u32)
    }

    /// The bytes of SYSTEM at boot, up to the last word in use; `resolve` gives a reference its word.
    ///
    /// # Errors
    /// [`LowerError::ActiveElementsOutOfBounds`].
    pub fn image(&self, module: &Module<'_>, resolve: impl Fn(Constant) -> u64) -> Result<Vec<u8>, LowerError> {
        let mut image = vec![0; self.words * 8];
        let mut put = |word: usize, value: u64| image[word * 8..word * 8 + 8].copy_from_slice(&value.to_le_bytes());
        for (global, at) in module.globals.iter().zip(&self.globals) {
            put(*at as usize, resolve(global.value));
        }
        for (table, at) in module.tables.iter().zip(&self.tables) {
            put(*at as usize, u64::from(table.initial));
        }
        for (index, (segment, at)) in module.elements.iter().zip(&self.elements).enumerate() {
            let first = match segment.mode {
                SegmentMode::Declared => continue,
                SegmentMode::Passive => {
                    put(*at as usize, segment.items.len() as u64);
                    *at as usize + 1
                }
                SegmentMode::Active(table, offset) => {
                    let end = u64::from(offset) + segment.items.len() as u64;
                    let size = u64::from(module.tables[table as usize].initial);
                    if end > size {
                        return Err(LowerError::ActiveElementsOutOfBounds { segment: index, end, size });
                    }
                    self.tables[table as usize] as usize + 1 + offset as usize
                }
            };
            for (i, item) in segment.items.iter().enumerate() {
                put(first + i, resolve(*item));
            }
        }
        for (segment, at) in module.data.iter().zip(&self.data) {
            if segment.mode == SegmentMode::Passive {
                let at = *at as usize * 8;
                image[at..at + 8].copy_from_slice(&(segment.bytes.len() as u64).to_le_bytes());
                image[at + 8..at + 8 + segment.bytes.len()].copy_from_slice(segment.bytes);
            }
        }
        Ok(image)
    }
}

/// The pieces of MEMORY that active segments set at boot, in the order in which they are applied.
///
/// # Errors
/// [`LowerError::ActiveDataOutOfBounds`].
pub fn memory_image(module: &Module<'_>) -> Result<Vec<(u32, Vec<u8>)>, LowerError> {
    let size = u64::from(module.memory.0) * MEMORY_PAGE_SIZE;
    let mut pieces = Vec::new();
    for (index, segment) in module.data.iter().enumerate() {
        if let SegmentMode::Active(_, offset) = segment.mode {
            let end = u64::from(offset) + segment.bytes.len() as u64;
            if end > size {
                return Err(LowerError::ActiveDataOutOfBounds { segment: index, end, size });
            }
            pieces.push((offset, segment.bytes.to_vec()));
        }
    }
    Ok(pieces)
}

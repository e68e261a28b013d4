//! WASM's operand stack at lowering time: where each operand lives, and the slots of the frame.
//!
//! An operand at position `p` is in its *home* slot, or is still an alias of a local or a constant, which costs no
//! instruction. Aliases of a local form a linked list through the stack, so that writing the local finds them at once.

use super::LowerError;

/// Most slots of a frame: what 16-bit slot fields can name.
pub const FRAME_SLOTS_MAX: usize = 1 << 16;

const NONE: u32 = u32::MAX;

/// Where an operand lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// In the home slot of its position.
    Home,
    /// In a local, unchanged since it was read.
    Local(u32),
    /// Nowhere yet: a constant.
    Const(u64),
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    operand: Operand,
    /// Position of the next older alias of the same local.
    older: u32,
}

/// The operand stack and the frame's layout.
///
/// ```text
/// params | results (overlapping) .. link | other locals | operands, by position
/// ```
pub struct OperandStack {
    entries: Vec<Entry>,
    /// Newest alias of each local.
    newest: Vec<u32>,
    /// All positions below this one are in their homes.
    settled: usize,
    params: usize,
    link: usize,
    first_home: usize,
    frame_slots: usize,
}

impl OperandStack {
    /// An empty stack over `locals` locals, the first `params` of which are parameters.
    ///
    /// # Errors
    /// [`LowerError::FrameTooLarge`] if the locals alone do not fit a frame.
    pub fn new(params: usize, link: usize, locals: usize) -> Result<Self, LowerError> {
        let first_home = link + 1 + (locals - params);
        let stack = Self {
            entries: Vec::new(),
            newest: vec![NONE; locals],
            settled: 0,
            params,
            link,
            first_home,
            frame_slots: first_home,
        };
        if first_home > FRAME_SLOTS_MAX { Err(LowerError::FrameTooLarge { slots: first_home }) } else { Ok(stack) }
    }

    /// Slots of the frame, outgoing calls included.
    pub fn frame_slots(&self) -> usize {
        self.frame_slots
    }

    /// Operands on the stack.
    pub fn height(&self) -> usize {
        self.entries.len()
    }

    /// Slot of a local.
    pub fn local_slot(&self, local: u32) -> u16 {
        let local = local as usize;
        (if local < self.params { local } else { self.link + 1 + (local - self.params) }) as u16
    }

    /// First slot of the locals that are not parameters.
    pub fn first_local_slot(&self) -> usize {
        self.link + 1
    }

    /// Home slot of a position; [`OperandStack::reserve`] has made sure that it fits.
    pub fn home(&self, position: usize) -> u16 {
        (self.first_home + position) as u16
    }

    /// Makes the frame at least so large that `slots` slots from the home of `position` on fit.
    ///
    /// # Errors
    /// [`LowerError::FrameTooLarge`].
    pub fn reserve(&mut self, position: usize, slots: usize) -> Result<(), LowerError> {
        let end = self.first_home + position + slots;
        self.frame_slots = self.frame_slots.max(end);
        if end > FRAME_SLOTS_MAX { Err(LowerError::FrameTooLarge { slots: end }) } else { Ok(()) }
    }

    /// Pushes an operand.
    ///
    /// # Errors
    /// [`LowerError::FrameTooLarge`].
    pub fn push(&mut self, operand: Operand) -> Result<(), LowerError> {
        let position = self.entries.len();
        self.reserve(position, 1)?;
        let mut older = NONE;
        if let Operand::Local(local) = operand {
            older = core::mem::replace(&mut self.newest[local as usize], position as u32);
        }
        if operand == Operand::Home && self.settled == position {
            self.settled += 1;
        }
        self.entries.push(Entry { operand, older });
        Ok(())
    }

    /// Pops an operand.
    pub fn pop(&mut self) -> Operand {
        let entry = self.entries.pop().expect("the module is valid, so its operand stack never underflows");
        if let Operand::Local(local) = entry.operand {
            self.newest[local as usize] = entry.older;
        }
        self.settled = self.settled.min(self.entries.len());
        entry.operand
    }

    /// The operand at a position.
    pub fn at(&self, position: usize) -> Operand {
        self.entries[position].operand
    }

    /// Drops operands down to a height.
    pub fn truncate(&mut self, height: usize) {
        while self.entries.len() > height {
            self.pop();
        }
    }

    /// Marks the operands from `position` up as being in their homes; returns those that were not, newest first.
    pub fn settle(&mut self, position: usize) -> Vec<(usize, Operand)> {
        let mut moved = Vec::new();
        for position in (position.max(self.settled)..self.entries.len()).rev() {
            let entry = &mut self.entries[position];
            if let Operand::Local(local) = entry.operand {
                // Newer aliases of this local lie above and were settled already, so this one heads the list.
                self.newest[local as usize] = entry.older;
            }
            if entry.operand != Operand::Home {
                moved.push((position, entry.operand));
                entry.operand = Operand::Home;
            }
        }
        if position <= self.settled {
            self.settled = self.entries.len();
        }
        moved
    }

    /// Whether operands alias a local.
    pub fn is_aliased(&self, local: u32) -> bool {
        self.newest[local as usize] != NONE
    }

    /// Marks every alias of a local as being in its home; returns their positions.
    pub fn settle_local(&mut self, local: u32) -> Vec<usize> {
        let mut positions = Vec::new();
        let mut position = core::mem::replace(&mut self.newest[local as usize], NONE);
        while position != NONE {
            let entry = &mut self.entries[position as usize];
            entry.operand = Operand::Home;
            positions.push(position as usize);
            position = entry.older;
        }
        positions
    }
}

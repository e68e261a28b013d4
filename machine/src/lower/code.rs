//! The code of one function while it is lowered: instructions, labels, metering blocks, and the fixups between them.
//!
//! Owns fuel: it counts each instruction into the block that it was lowered from, and lets branches carry the charge
//! of the block that they enter (specs/06-fuel.md). Where a charge does not fit a branch, the whole function
//! is lowered again with an explicit `fuel` instruction at the head of every block.

use crate::isa::{Instruction, op};

/// A place that branches go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(u32);

/// A metering block.
#[derive(Clone, Copy, Debug)]
struct Block {
    /// The block is entered before this WASM operator of the body.
    site: u32,
    /// Instructions lowered from it so far.
    charge: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct LabelState {
    target: Option<u32>,
    block: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
enum Fixup {
    /// Conditional branch: target and charge of a label, charge of the block behind the branch (if any).
    Branch(Label, Option<usize>),
    /// Jump: target and charge of a label.
    Jump(Label),
    /// `fuel` or `enter`: charge of a block in the low half.
    Charge(usize),
}

/// Metering blocks of a function: (operator before which the block is entered, charge).
pub type Charges = Vec<(u32, u32)>;

/// How a function's block charges are carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrying {
    /// By the branches that enter the block.
    Branches,
    /// By a `fuel` instruction at the head of every block.
    Instructions,
}

/// A block's charge is too large for a conditional branch to carry.
#[derive(Debug)]
pub struct ChargeOverflow;

/// Code of one function, with local targets.
pub struct Code {
    /// Instructions so far; branch targets are patched by [`Code::finish`].
    pub instructions: Vec<Instruction>,
    carrying: Carrying,
    barrier: usize,
    blocks: Vec<Block>,
    labels: Vec<LabelState>,
    fixups: Vec<(u32, Fixup)>,
}

impl Code {
    /// Empty code whose first block starts at the function's first operator.
    pub fn new(carrying: Carrying) -> Self {
        Self {
            instructions: Vec::new(),
            carrying,
            barrier: 0,
            blocks: vec![Block { site: 0, charge: 0 }],
            labels: Vec::new(),
            fixups: Vec::new(),
        }
    }

    /// Appends an instruction, counted into the current block.
    pub fn emit(&mut self, instruction: Instruction) {
        self.count(1);
        self.instructions.push(instruction);
    }

    /// Appends an instruction that another count already covers (the edges of `br_table`).
    pub fn emit_uncounted(&mut self, instruction: Instruction) {
        self.instructions.push(instruction);
    }

    /// Counts instructions into the current block.
    pub fn count(&mut self, instructions: u32) {
        let block = self.blocks.last_mut().expect("new() starts a block and none is removed");
        block.charge = block.charge.saturating_add(instructions);
    }

    /// The last instruction, if no label or block lies behind it.
    pub fn last(&mut self) -> Option<&mut Instruction> {
        if self.instructions.len() > self.barrier { self.instructions.last_mut() } else { None }
    }

    /// Takes the last instruction back, if no label or block lies behind it.
    pub fn take_last(&mut self) -> Option<Instruction> {
        self.last()?;
        self.blocks.last_mut().expect("new() starts a block and none is removed").charge -= 1;
        self.instructions.pop()
    }

    /// A label to be bound later.
    pub fn label(&mut self) -> Label {
        self.labels.push(LabelState::default());
        Label(self.labels.len() as u32 - 1)
    }

    /// Binds a label here, without a block: the code behind it belongs to whoever jumps here.
    pub fn bind_stub(&mut self, label: Label) {
        self.labels[label.0 as usize].target = Some(self.instructions.len() as u32);
        self.barrier = self.instructions.len();
    }

    /// Makes a label stand for the place of another.
    pub fn alias(&mut self, label: Label, other: Label) {
        self.labels[label.0 as usize] = self.labels[other.0 as usize];
    }

    /// Starts a block at a label. `falls_in` says whether the code before it runs into it.
    pub fn bind(&mut self, label: Label, site: u32, falls_in: bool) {
        let block = self.start_block(site);
        let head = self.instructions.len() as u32;
        if falls_in || self.carrying == Carrying::Instructions {
            self.emit_charge(block);
        }
        let target = if self.carrying == Carrying::Instructions { head } else { self.instructions.len() as u32 };
        self.labels[label.0 as usize] = LabelState { target: Some(target), block: Some(block) };
        self.barrier = self.instructions.len();
    }

    /// Starts a block that only the instruction before it enters and that pays for itself (after a call).
    pub fn start_paying_block(&mut self, site: u32) {
        let block = self.start_block(site);
        self.emit_charge(block);
        self.barrier = self.instructions.len();
    }

    /// Appends a conditional branch and starts the block behind it.
    pub fn branch(&mut self, instruction: Instruction, label: Label, site: u32) {
        self.emit(instruction);
        let at = self.instructions.len() as u32 - 1;
        let block = self.start_block(site);
        self.fixups.push((at, Fixup::Branch(label, Some(block))));
        if self.carrying == Carrying::Instructions {
            self.emit_charge(block);
        }
        self.barrier = self.instructions.len();
    }

    /// Appends a conditional branch over code that belongs to the same block.
    pub fn branch_over(&mut self, instruction: Instruction, label: Label) {
        self.emit(instruction);
        self.fixups.push((self.instructions.len() as u32 - 1, Fixup::Branch(label, None)));
        self.barrier = self.instructions.len();
    }

    /// Appends a jump, counted or not.
    pub fn jump(&mut self, label: Label, counted: bool) {
        let jump = Instruction { opcode: op::JUMP, ..Instruction::default() };
        if counted {
            self.emit(jump);
        } else {
            self.emit_uncounted(jump);
        }
        self.fixups.push((self.instructions.len() as u32 - 1, Fixup::Jump(label)));
        self.barrier = self.instructions.len();
    }

    /// Appends the function's `enter`, which pays for the first block.
    pub fn enter(&mut self, instruction: Instruction) {
        self.emit(instruction);
        self.fixups.push((self.instructions.len() as u32 - 1, Fixup::Charge(0)));
        self.barrier = self.instructions.len();
    }

    /// Patches all targets and charges, targets relative to `base`; returns the code and, by site, the charges.
    ///
    /// # Errors
    /// [`ChargeOverflow`] if a branch can't carry a charge; never with [`Carrying::Instructions`].
    pub fn finish(mut self, base: u32) -> Result<(Vec<Instruction>, Charges), ChargeOverflow> {
        let charges: Charges = self.blocks.iter().map(|block| (block.site, block.charge.max(1))).collect();
        let carried = |block: Option<usize>, carrying: Carrying| match (block, carrying) {
            (Some(block), Carrying::Branches) => u64::from(charges[block].1),
            _ => 0,
        };
        for (at, fixup) in &self.fixups {
            let imm = &mut self.instructions[*at as usize].imm;
            match *fixup {
                Fixup::Branch(label, behind) => {
                    let label = self.labels[label.0 as usize];
                    let taken = carried(label.block, self.carrying);
                    let not_taken = carried(behind, self.carrying);
                    if taken.max(not_taken) > 0xffff {
                        return Err(ChargeOverflow);
                    }
                    *imm = target(label, base) | taken << 32 | not_taken << 48;
                }
                Fixup::Jump(label) => {
                    let label = self.labels[label.0 as usize];
                    *imm = target(label, base) | carried(label.block, self.carrying) << 32;
                }
                Fixup::Charge(block) => *imm |= u64::from(charges[block].1),
            }
        }
        Ok((self.instructions, charges))
    }

    fn start_block(&mut self, site: u32) -> usize {
        self.blocks.push(Block { site, charge: 0 });
        self.blocks.len() - 1
    }

    fn emit_charge(&mut self, block: usize) {
        self.emit(Instruction { opcode: op::FUEL, ..Instruction::default() });
        self.fixups.push((self.instructions.len() as u32 - 1, Fixup::Charge(block)));
    }
}

fn target(label: LabelState, base: u32) -> u64 {
    let local = label.target.expect("lowering binds every label that it branches to");
    u64::from(base) + u64::from(local)
}

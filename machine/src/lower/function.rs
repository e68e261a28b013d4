//! Lowers one function body: the walk over its operators, its locals, operands and calls.
//!
//! Control flow is in `control`, the operators that are not control in `operators`. Assumes a valid body.

use wasmparser::{FunctionBody, Operator};

use super::code::{Carrying, ChargeOverflow, Code};
use super::control::Control;
use super::module::Module;
use super::stack::{Operand, OperandStack};
use super::{CODE_INSTRUCTIONS_MAX, FunctionPlan, LowerError, SystemLayout};
use crate::isa::{Instruction, op};

/// The widest `enter` or `clear`, in slots.
const CLEAR_SLOTS_MAX: usize = 32;

/// A place in a function's code that needs the address of a function.
#[derive(Clone, Copy, Debug)]
pub struct Relocation {
    /// Index of the instruction whose immediate's low half becomes the function's pc.
    pub at: u32,
    /// The function.
    pub function: u32,
}

/// A lowered function; branch targets are absolute, function addresses are still relocations.
pub struct LoweredFunction {
    /// The code.
    pub instructions: Vec<Instruction>,
    /// Where function addresses go.
    pub relocations: Vec<Relocation>,
    /// What the native engine's instrumenter needs.
    pub plan: FunctionPlan,
}

/// The state of the walk over one body.
pub(super) struct FunctionLowering<'m> {
    pub(super) module: &'m Module<'m>,
    pub(super) layout: &'m SystemLayout,
    pub(super) code: Code,
    pub(super) stack: OperandStack,
    pub(super) controls: Vec<Control>,
    /// Whether the walk is in code that can't be reached, and how many blocks deep in it.
    pub(super) dead_depth: Option<u32>,
    /// Index of the operator being lowered.
    pub(super) operator: u32,
    pub(super) relocations: Vec<Relocation>,
    pub(super) call_bases: Vec<(u32, u16)>,
    pub(super) results: usize,
    pub(super) link: usize,
    base: u32,
}

/// Lowers a body to code that will start at pc `base`.
///
/// # Errors
/// [`LowerError`] if the frame or the code is too large.
pub fn lower_function<'m>(
    module: &'m Module<'m>,
    layout: &'m SystemLayout,
    function: u32,
    body: &FunctionBody<'m>,
    base: u32,
) -> Result<LoweredFunction, LowerError> {
    for carrying in [Carrying::Branches, Carrying::Instructions] {
        let lowering = FunctionLowering::new(module, layout, function, body, base, carrying)?;
        if let Ok(lowered) = lowering.run(body)? {
            return Ok(lowered);
        }
    }
    unreachable!("`fuel` instructions carry any charge")
}

impl<'m> FunctionLowering<'m> {
    fn new(
        module: &'m Module<'m>,
        layout: &'m SystemLayout,
        function: u32,
        body: &FunctionBody<'m>,
        base: u32,
        carrying: Carrying,
    ) -> Result<Self, LowerError> {
        let signature = module.signature(function);
        let params = signature.params.len();
        let mut locals = params;
        for group in body.get_locals_reader()? {
            locals += group?.0 as usize;
        }
        let link = signature.link_slot();
        Ok(Self {
            module,
            layout,
            code: Code::new(carrying),
            stack: OperandStack::new(params, link, locals)?,
            controls: Vec::new(),
            dead_depth: None,
            operator: 0,
            relocations: Vec::new(),
            call_bases: Vec::new(),
            results: signature.results.len(),
            link,
            base,
        })
    }

    fn run(mut self, body: &FunctionBody<'m>) -> Result<Result<LoweredFunction, ChargeOverflow>, LowerError> {
        self.prologue();
        self.open_function();
        let mut reader = body.get_operators_reader()?;
        while !reader.eof() {
            let (operator, offset) = reader.read_with_offset()?;
            if self.dead_depth.is_some() {
                self.skip(&operator)?;
            } else {
                self.lower(&operator, self.module.bytes[offset])?;
            }
            self.operator += 1;
            let length = self.base as usize + self.code.instructions.len();
            if length > CODE_INSTRUCTIONS_MAX {
                return Err(LowerError::CodeTooLarge { limit: CODE_INSTRUCTIONS_MAX });
            }
        }
        let frame_slots = self.stack.frame_slots() as u64;
        self.code.instructions[0].imm = frame_slots << 32;
        let plan = FunctionPlan { frame_slots: frame_slots as u32, charges: Vec::new(), call_bases: self.call_bases };
        let relocations = self.relocations;
        Ok(self.code.finish(self.base).map(|(instructions, charges)| LoweredFunction {
            instructions,
            relocations,
            plan: FunctionPlan { charges, ..plan },
        }))
    }

    /// `enter` with the first 32 locals, `clear` for the others.
    fn prologue(&mut self) {
        let first = self.stack.first_local_slot();
        let mut left = self.stack.frame_slots() - first;
        let mut at = first;
        let mut clear = |at: &mut usize| {
            let count = left.min(CLEAR_SLOTS_MAX);
            let start = if count == 0 { 0 } else { *at };
            *at += count;
            left -= count;
            (count > 0, Instruction { a: start as u16, b: count as u16, ..Instruction::default() })
        };
        let (_, enter) = clear(&mut at);
        self.code.enter(Instruction { opcode: op::ENTER, ..enter });
        while let (true, instruction) = clear(&mut at) {
            self.code.emit(Instruction { opcode: op::CLEAR, ..instruction });
        }
    }

    fn lower(&mut self, operator: &Operator<'_>, byte: u8) -> Result<(), LowerError> {
        match operator {
            Operator::Nop => {}
            Operator::Drop => {
                self.stack.pop();
            }
            Operator::LocalGet { local_index } => self.stack.push(Operand::Local(*local_index))?,
            Operator::LocalSet { local_index } => self.set_local(*local_index),
            Operator::LocalTee { local_index } => {
                self.set_local(*local_index);
                self.stack.push(Operand::Local(*local_index))?;
            }
            Operator::I32Const { value } => self.stack.push(Operand::Const(u64::from(*value as u32)))?,
            Operator::I64Const { value } => self.stack.push(Operand::Const(*value as u64))?,
            Operator::F32Const { value } => self.stack.push(Operand::Const(u64::from(value.bits())))?,
            Operator::F64Const { value } => self.stack.push(Operand::Const(value.bits()))?,
            Operator::RefNull { .. } => self.stack.push(Operand::Const(0))?,
            Operator::Call { function_index } => self.call(*function_index)?,
            Operator::CallIndirect { type_index, table_index } => self.call_indirect(*type_index, *table_index)?,
            Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::Else
            | Operator::End
            | Operator::Br { .. }
            | Operator::BrIf { .. }
            | Operator::BrTable { .. }
            | Operator::Return
            | Operator::Unreachable => self.control(operator)?,
            _ => self.plain(operator, byte)?,
        }
        Ok(())
    }

    /// Appends an instruction to the current block.
    pub(super) fn emit(&mut self, opcode: u16, d: u16, a: u16, b: u16, imm: u64) {
        self.code.emit(Instruction { opcode, d, a, b, imm });
    }

    /// Appends what brings an operand of position `position` to a slot, if it is not there.
    pub(super) fn move_to(&mut self, slot: u16, position: usize, operand: Operand) {
        if let Some(instruction) = self.transfer(slot, position, operand) {
            self.code.emit(instruction);
        }
    }

    /// The instruction that brings an operand to a slot; none if it is there.
    pub(super) fn transfer(&self, slot: u16, position: usize, operand: Operand) -> Option<Instruction> {
        let source = match operand {
            Operand::Home => self.stack.home(position),
            Operand::Local(local) => self.stack.local_slot(local),
            Operand::Const(imm) => return Some(Instruction { opcode: op::CONST, d: slot, a: 0, b: 0, imm }),
        };
        (source != slot).then_some(Instruction { opcode: op::COPY, d: slot, a: source, b: 0, imm: 0 })
    }

    /// Brings all operands from a position up to their homes.
    pub(super) fn settle(&mut self, position: usize) {
        for (position, operand) in self.stack.settle(position) {
            self.move_to(self.stack.home(position), position, operand);
        }
    }

    /// Pops an operand and returns the slot that holds it; a constant is brought to its home.
    pub(super) fn pop_slot(&mut self) -> u16 {
        let operand = self.stack.pop();
        self.slot_of(self.stack.height(), operand)
    }

    /// The slot that holds an operand just popped from a position.
    pub(super) fn slot_of(&mut self, position: usize, operand: Operand) -> u16 {
        match operand {
            Operand::Local(local) => self.stack.local_slot(local),
            Operand::Home | Operand::Const(_) => {
                let home = self.stack.home(position);
                self.move_to(home, position, operand);
                home
            }
        }
    }

    /// Pushes a result that lies, or is about to lie, in its home; returns that slot.
    pub(super) fn push_home(&mut self) -> Result<u16, LowerError> {
        let home = self.stack.home(self.stack.height());
        self.stack.push(Operand::Home)?;
        Ok(home)
    }

    fn set_local(&mut self, local: u32) {
        let operand = self.stack.pop();
        let position = self.stack.height();
        let slot = self.stack.local_slot(local);
        if operand == Operand::Local(local) {
            return;
        }
        if self.stack.is_aliased(local) {
            for position in self.stack.settle_local(local) {
                self.emit(op::COPY, self.stack.home(position), slot, 0, 0);
            }
        } else if operand == Operand::Home {
            let home = self.stack.home(position);
            if let Some(last) = self.code.last()
                && last.d == home
                && writes_only_d(last.opcode)
            {
                last.d = slot;
                return;
            }
        }
        self.move_to(slot, position, operand);
    }

    fn call(&mut self, function: u32) -> Result<(), LowerError> {
        if function < super::HOST_FUNCTIONS {
            return self.host_call(function);
        }
        let module = self.module;
        let signature = module.signature(function);
        let (base, link) = self.prepare_call(signature.params.len(), signature.link_slot())?;
        self.relocations.push(Relocation { at: self.code.instructions.len() as u32, function });
        self.emit(op::CALL, base, link, 0, 0);
        self.after_call(signature.results.len())
    }

    fn call_indirect(&mut self, type_index: u32, table: u32) -> Result<(), LowerError> {
        let index = self.pop_slot();
        let module = self.module;
        let signature = &module.types[type_index as usize];
        let (base, link) = self.prepare_call(signature.params.len(), signature.link_slot())?;
        let type_id = u64::from(module.type_ids[type_index as usize]);
        let table = u64::from(self.layout.tables[table as usize]);
        self.emit(op::CALL_INDIRECT, base, link, index, table | type_id << 32);
        self.after_call(signature.results.len())
    }

    /// Settles the arguments, makes room for the link; returns the callee's base and link slot.
    fn prepare_call(&mut self, params: usize, link: usize) -> Result<(u16, u16), LowerError> {
        let position = self.stack.height() - params;
        self.settle(position);
        self.stack.reserve(position, link + 1)?;
        let base = self.stack.home(position);
        self.call_bases.push((self.operator, base));
        self.stack.truncate(position);
        Ok((base, link as u16))
    }

    fn after_call(&mut self, results: usize) -> Result<(), LowerError> {
        self.code.start_paying_block(self.operator + 1);
        for _ in 0..results {
            self.stack.push(Operand::Home)?;
        }
        Ok(())
    }
}

/// Whether an opcode writes the slot d and no other, so that d can be chosen after the fact.
fn writes_only_d(opcode: u16) -> bool {
    use crate::isa::{BRANCH, form_of};
    let is_misc =
        matches!(opcode, op::CONST | op::COPY | op::SELECT | op::SYSTEM_GET | op::MEMORY_SIZE | op::TABLE_GET);
    let is_numeric_or_load = opcode < BRANCH && form_of(opcode).is_some_and(|form| form.fields.d);
    is_misc || is_numeric_or_load || matches!(opcode, op::MEMORY_GROW | op::INPUT_SIZE)
}

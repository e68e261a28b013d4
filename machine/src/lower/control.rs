//! Control flow: structured blocks become labels, branches carry values to the label's slots.
//!
//! At every boundary all operands are brought to their homes, so that a label finds its operands in one place
//! whatever path leads there. A branch moves the label's values down to the label's height.

use assay_protocol::TrapCode;
use wasmparser::{BlockType, BrTable, Operator};

use super::code::Label;
use super::function::FunctionLowering;
use super::stack::Operand;
use super::{CODE_INSTRUCTIONS_MAX, LowerError};
use crate::isa::{BRANCH, BRANCH_IMMEDIATE, IMMEDIATE, Instruction, Numeric, num, numeric_kind, op};

/// An open block.
pub(super) struct Control {
    kind: Kind,
    label: Label,
    /// Operands below the block's parameters.
    height: usize,
    params: usize,
    results: usize,
    /// Whether something branches to the label.
    is_target: bool,
}

enum Kind {
    /// The function's body; branching to it returns.
    Function,
    Block,
    Loop,
    /// The then-arm, with the label of the else-arm.
    Then(Label),
    Else,
}

/// A condition, as the fields of a conditional branch.
struct Condition {
    opcode: u16,
    a: u16,
    b: u16,
}

impl FunctionLowering<'_> {
    /// Opens the block that is the function's body.
    pub(super) fn open_function(&mut self) {
        let label = self.code.label();
        let results = self.results;
        self.controls.push(Control { kind: Kind::Function, label, height: 0, params: 0, results, is_target: false });
    }

    pub(super) fn control(&mut self, operator: &Operator<'_>) -> Result<(), LowerError> {
        match operator {
            Operator::Block { blockty } => self.open(*blockty, Kind::Block),
            Operator::Loop { blockty } => {
                self.open(*blockty, Kind::Loop);
                let label = self.innermost().label;
                self.code.bind(label, self.operator + 1, true);
            }
            Operator::If { blockty } => self.open_if(*blockty),
            Operator::Else => self.open_else(true),
            Operator::End => self.close(true)?,
            Operator::Br { relative_depth } => {
                self.jump_to(*relative_depth);
                self.dead_depth = Some(0);
            }
            Operator::BrIf { relative_depth } => self.branch_if(*relative_depth),
            Operator::BrTable { targets } => self.branch_table(targets)?,
            Operator::Return => {
                self.emit_return();
                self.dead_depth = Some(0);
            }
            Operator::Unreachable => {
                self.emit(op::TRAP, 0, 0, 0, TrapCode::Unreachable as u64);
                self.dead_depth = Some(0);
            }
            _ => unreachable!("lower() sends only control operators here"),
        }
        Ok(())
    }

    /// Passes over code that can't be reached, up to the arm or label that can.
    pub(super) fn skip(&mut self, operator: &Operator<'_>) -> Result<(), LowerError> {
        let depth = self.dead_depth.expect("only dead code is skipped");
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => self.dead_depth = Some(depth + 1),
            Operator::Else if depth == 0 => self.open_else(false),
            Operator::End if depth == 0 => self.close(false)?,
            Operator::End => self.dead_depth = Some(depth - 1),
            _ => {}
        }
        Ok(())
    }

    fn innermost(&mut self) -> &mut Control {
        self.controls.last_mut().expect("the function's own block stays open until its end")
    }

    fn block_arity(&self, ty: BlockType) -> (usize, usize) {
        match ty {
            BlockType::Empty => (0, 0),
            BlockType::Type(_) => (0, 1),
            BlockType::FuncType(index) => {
                let signature = &self.module.types[index as usize];
                (signature.params.len(), signature.results.len())
            }
        }
    }

    fn open(&mut self, ty: BlockType, kind: Kind) {
        self.settle(0);
        let (params, results) = self.block_arity(ty);
        let label = self.code.label();
        let height = self.stack.height() - params;
        self.controls.push(Control { kind, label, height, params, results, is_target: false });
    }

    fn open_if(&mut self, ty: BlockType) {
        let condition = self.pop_condition();
        // The moves below come between the comparison and the branch; they never write what the condition reads,
        // since homes are not locals and the condition's own temporaries lie above every settled operand.
        let else_label = self.code.label();
        self.open(ty, Kind::Then(else_label));
        let inverted = condition.inverted();
        self.code.branch(inverted, else_label, self.operator + 1);
    }

    /// Ends the then-arm and starts the else-arm.
    fn open_else(&mut self, falls_through: bool) {
        if falls_through {
            self.settle(0);
            let label = self.innermost().label;
            self.code.jump(label, true);
            self.innermost().is_target = true;
        }
        let control = self.innermost();
        let Kind::Then(else_label) = core::mem::replace(&mut control.kind, Kind::Else) else {
            unreachable!("a valid module has `else` only in an `if`")
        };
        let (height, params) = (control.height, control.params);
        self.code.bind(else_label, self.operator + 1, false);
        self.enter_label(height, params);
    }

    fn close(&mut self, falls_through: bool) -> Result<(), LowerError> {
        let control = self.controls.pop().expect("a valid module closes each block once");
        let site = self.operator + 1;
        if let Kind::Function = control.kind {
            if falls_through {
                self.emit_return();
            }
            self.dead_depth = Some(0);
            return Ok(());
        }
        if falls_through {
            self.settle(0);
        }
        let mut is_reached = falls_through;
        match control.kind {
            // Without an else-arm the false branch goes straight to the label; its parameters are the results.
            Kind::Then(else_label) => {
                self.code.bind(else_label, site, falls_through);
                if control.is_target {
                    self.code.alias(control.label, else_label);
                }
                is_reached = true;
            }
            Kind::Block | Kind::Else if control.is_target => {
                self.code.bind(control.label, site, falls_through);
                is_reached = true;
            }
            _ => {}
        }
        if is_reached {
            self.enter_label(control.height, control.results);
        } else {
            self.stack.truncate(control.height);
            self.dead_depth = Some(0);
        }
        Ok(())
    }

    /// The operands at a label: what lay below the block, then `count` values in their homes.
    fn enter_label(&mut self, height: usize, count: usize) {
        self.dead_depth = None;
        self.stack.truncate(height);
        for _ in 0..count {
            self.stack.push(Operand::Home).expect("the block reserved these homes when its values were first pushed");
        }
    }

    /// Where a branch of this depth goes: label, height and number of values; `None` for the function itself.
    fn destination(&mut self, depth: u32) -> Option<(Label, usize, usize)> {
        let at = self.controls.len() - 1 - depth as usize;
        let control = &mut self.controls[at];
        control.is_target = true;
        match control.kind {
            Kind::Function => None,
            Kind::Loop => Some((control.label, control.height, control.params)),
            _ => Some((control.label, control.height, control.results)),
        }
    }

    /// The moves that bring the top `count` operands to the homes from `height` up. Ascending order is safe: each
    /// goes to a position that is not above its own.
    fn edge_moves(&self, height: usize, count: usize) -> Vec<Instruction> {
        let from = self.stack.height() - count;
        (0..count)
            .filter_map(|i| self.transfer(self.stack.home(height + i), from + i, self.stack.at(from + i)))
            .collect()
    }

    /// The moves that bring the results to slots 0 up, and the return. A parameter that would be overwritten
    /// before it is read goes to its home first.
    fn return_sequence(&self) -> Vec<Instruction> {
        let count = self.results;
        let from = self.stack.height() - count;
        let mut sources: Vec<Operand> = (from..from + count).map(|position| self.stack.at(position)).collect();
        let mut sequence = Vec::new();
        for (i, source) in sources.iter_mut().enumerate() {
            if let Operand::Local(local) = *source
                && usize::from(self.stack.local_slot(local)) < i
            {
                sequence.extend(self.transfer(self.stack.home(from + i), from + i, *source));
                *source = Operand::Home;
            }
        }
        for (i, source) in sources.into_iter().enumerate() {
            sequence.extend(self.transfer(i as u16, from + i, source));
        }
        sequence.push(Instruction { opcode: op::RETURN, a: self.link as u16, ..Instruction::default() });
        sequence
    }

    fn emit_return(&mut self) {
        for instruction in self.return_sequence() {
            self.code.emit(instruction);
        }
    }

    fn jump_to(&mut self, depth: u32) {
        let Some((label, height, count)) = self.destination(depth) else { return self.emit_return() };
        for instruction in self.edge_moves(height, count) {
            self.code.emit(instruction);
        }
        self.code.jump(label, true);
    }

    fn branch_if(&mut self, depth: u32) {
        let condition = self.pop_condition();
        let site = self.operator + 1;
        let (moves, label) = match self.destination(depth) {
            None => (self.return_sequence(), None),
            Some((label, height, count)) => (self.edge_moves(height, count), Some(label)),
        };
        if let (true, Some(label)) = (moves.is_empty(), label) {
            return self.code.branch(condition.holds(), label, site);
        }
        let behind = self.code.label();
        self.code.branch_over(condition.inverted(), behind);
        for instruction in moves {
            self.code.emit(instruction);
        }
        if let Some(label) = label {
            self.code.jump(label, true);
        }
        self.code.bind(behind, site, false);
    }

    /// A jump into a table of jumps; targets whose values move go through one stub per destination.
    fn branch_table(&mut self, targets: &BrTable<'_>) -> Result<(), LowerError> {
        let index = self.pop_slot();
        self.emit(op::BR_TABLE, 0, index, 0, u64::from(targets.len()));
        let mut stubs: alloc::collections::BTreeMap<u32, Label> = Default::default();
        let (mut longest, mut pending_instructions) = (0, 0);
        let depths = targets.targets().chain(core::iter::once(Ok(targets.default())));
        let mut pending = Vec::new();
        for depth in depths {
            let depth = depth?;
            if let Some(stub) = stubs.get(&depth) {
                self.code.jump(*stub, false);
                continue;
            }
            let (moves, label) = match self.destination(depth) {
                None => (self.return_sequence(), None),
                Some((label, height, count)) => (self.edge_moves(height, count), Some(label)),
            };
            let direct = label.filter(|_| moves.is_empty());
            let stub = direct.unwrap_or_else(|| self.code.label());
            stubs.insert(depth, stub);
            self.code.jump(stub, false);
            if direct.is_none() {
                let length = moves.len() as u32 + u32::from(label.is_some());
                longest = longest.max(length);
                pending_instructions += length as usize;
                pending.push((stub, moves, label));
            }
            if self.code.instructions.len() + pending_instructions > CODE_INSTRUCTIONS_MAX {
                return Err(LowerError::CodeTooLarge { limit: CODE_INSTRUCTIONS_MAX });
            }
        }
        for (stub, moves, label) in pending {
            self.code.bind_stub(stub);
            for instruction in moves {
                self.code.emit_uncounted(instruction);
            }
            if let Some(label) = label {
                self.code.jump(label, false);
            }
        }
        // The jump of the table, and the longest stub.
        self.code.count(1 + longest);
        self.dead_depth = Some(0);
        Ok(())
    }

    /// Pops the condition; a comparison that was just lowered for it becomes part of the branch.
    fn pop_condition(&mut self) -> Condition {
        let operand = self.stack.pop();
        let position = self.stack.height();
        let home = self.stack.home(position);
        if operand == Operand::Home
            && let Some(last) = self.code.last().copied()
            && last.d == home
            && let Some(condition) = Condition::fused(&last)
        {
            self.code.take_last();
            return condition;
        }
        let a = self.slot_of(position, operand);
        Condition { opcode: BRANCH_IMMEDIATE | num::I32_NE, a, b: 0 }
    }
}

impl Condition {
    /// The condition that an integer comparison computes, if a branch can hold its operands.
    fn fused(instruction: &Instruction) -> Option<Self> {
        let base = instruction.opcode & 0xff;
        let kind = numeric_kind(base)?;
        let Instruction { a, b, imm, .. } = *instruction;
        match (instruction.opcode & 0xff00, kind) {
            (0, Numeric::Compare32 | Numeric::Compare64) => Some(Self { opcode: BRANCH | base, a, b }),
            (IMMEDIATE, Numeric::Compare32) => {
                let value = i16::try_from(imm as u32 as i32).ok()?;
                Some(Self { opcode: BRANCH_IMMEDIATE | base, a, b: value as u16 })
            }
            (IMMEDIATE, Numeric::Compare64) => {
                let value = i16::try_from(imm as i64).ok()?;
                Some(Self { opcode: BRANCH_IMMEDIATE | base, a, b: value as u16 })
            }
            (0, Numeric::Unary) if base == num::I32_EQZ => {
                Some(Self { opcode: BRANCH_IMMEDIATE | num::I32_EQ, a, b: 0 })
            }
            (0, Numeric::Unary) if base == num::I64_EQZ => {
                Some(Self { opcode: BRANCH_IMMEDIATE | num::I64_EQ, a, b: 0 })
            }
            _ => None,
        }
    }

    fn holds(&self) -> Instruction {
        Instruction { opcode: self.opcode, d: 0, a: self.a, b: self.b, imm: 0 }
    }

    fn inverted(&self) -> Instruction {
        let family = self.opcode & 0xff00;
        let base = self.opcode & 0xff;
        Instruction { opcode: family | complement(base), ..self.holds() }
    }
}

/// The integer comparison that holds exactly when this one does not.
fn complement(comparison: u16) -> u16 {
    match comparison {
        num::I32_EQ => num::I32_NE,
        num::I32_NE => num::I32_EQ,
        num::I32_LT_S => num::I32_GE_S,
        num::I32_LT_U => num::I32_GE_U,
        num::I32_GT_S => num::I32_LE_S,
        num::I32_GT_U => num::I32_LE_U,
        num::I32_LE_S => num::I32_GT_S,
        num::I32_LE_U => num::I32_GT_U,
        num::I32_GE_S => num::I32_LT_S,
        num::I32_GE_U => num::I32_LT_U,
        wide => complement(wide - WIDE) + WIDE,
    }
}

/// Distance between the 64-bit and the 32-bit integer comparisons.
const WIDE: u16 = num::I64_EQ - num::I32_EQ;

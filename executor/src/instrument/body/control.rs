//! Blocks: what opens and closes them, what branches to them, and code that can't be reached.

use wasm_encoder::reencode::Reencode;
use wasmparser::{BlockType, BrTable, Operator, ValType};

use super::Walk;
use crate::instrument::floats::Value;
use crate::instrument::types::{self, Indices};
use crate::instrument::{InstrumentError, Sections};

/// An open block.
pub(super) struct Control<'m> {
    pub(super) kind: Kind,
    /// Operands below the block's parameters.
    pub(super) height: usize,
    pub(super) params: &'m [ValType],
    pub(super) results: &'m [ValType],
    /// Whether something branches to the end of the block.
    pub(super) is_target: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Function,
    Block,
    Loop,
    Then,
    Else,
}

impl<'m, 'a> Walk<'m, 'a> {
    /// Passes over code that can't be reached, up to the arm or label that can.
    pub(super) fn skip(&mut self, operator: Operator<'a>) -> Result<(), InstrumentError> {
        let Some(depth) = self.dead_depth else { return Ok(()) };
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => self.dead_depth = Some(depth + 1),
            Operator::Else if depth == 0 => self.open_else(),
            Operator::End if depth == 0 => self.close(false),
            Operator::End => self.dead_depth = Some(depth - 1),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn open(&mut self, ty: BlockType, kind: Kind, conditions: usize) -> Result<(), InstrumentError> {
        let (params, results) = block_signature(self.module, ty);
        self.settle(params.len(), conditions);
        self.pop(conditions);
        let height = self.values.len() - params.len();
        self.controls.push(Control { kind, height, params, results, is_target: false });
        let mut indices = Indices { types: 0 };
        let ty = match ty {
            BlockType::Empty => wasm_encoder::BlockType::Empty,
            BlockType::Type(ty) => wasm_encoder::BlockType::Result(indices.val_type(ty)?),
            BlockType::FuncType(index) => wasm_encoder::BlockType::FunctionType(index),
        };
        match kind {
            Kind::Loop => {
                // Values come here from the branches back, too.
                self.enter_label(height, params);
                let saved = self.saved.get(&self.operator).map_or(&[][..], |locals| locals);
                let typed = saved.iter().map(|local| (self.local(*local), self.locals[*local as usize].ty));
                let saved = types::save_places(self.first_save, typed);
                self.out.code().loop_(ty);
                // Before the header's charge: the meter that comes round the loop is a value of its own, and nothing
                // that the compiler derives from it is needed in the cold branch.
                self.meter.check(&mut self.out, &saved);
            }
            Kind::Then => {
                self.out.code().if_(ty);
            }
            _ => {
                self.out.code().block(ty);
            }
        }
        Ok(())
    }

    pub(super) fn open_else(&mut self) {
        let falls_through = self.dead_depth.is_none();
        let at = self.controls.len() - 1;
        let results = self.controls[at].results.len();
        if falls_through {
            self.settle(results, 0);
        }
        let control = &mut self.controls[at];
        control.kind = Kind::Else;
        control.is_target |= falls_through;
        let (height, params) = (control.height, control.params);
        self.enter_label(height, params);
        self.out.code().else_();
    }

    pub(super) fn close(&mut self, falls_through: bool) {
        let Some(control) = self.controls.pop() else { return };
        if falls_through {
            self.settle(control.results.len(), 0);
        }
        self.out.code().end();
        let is_reached = match control.kind {
            Kind::Function | Kind::Then => true,
            Kind::Loop => falls_through,
            Kind::Block | Kind::Else => falls_through || control.is_target,
        };
        self.enter_label(control.height, control.results);
        if !is_reached {
            self.out.code().unreachable();
            self.dead_depth = Some(0);
        }
    }

    /// The operands at a label: what lay below the block, then values that may have come from anywhere.
    pub(super) fn enter_label(&mut self, height: usize, types: &[ValType]) {
        self.dead_depth = None;
        self.values.truncate(height);
        self.values.extend(types.iter().map(|ty| Value::exact(*ty)));
    }

    /// Settles the values that a branch carries; they lie below `above` others.
    pub(super) fn branch(&mut self, depth: u32, above: usize) {
        let at = self.controls.len() - 1 - depth as usize;
        let control = &mut self.controls[at];
        control.is_target = true;
        let count = if control.kind == Kind::Loop { control.params.len() } else { control.results.len() };
        self.settle(count, above);
    }

    pub(super) fn branch_table(&mut self, targets: &BrTable<'a>) -> Result<(), InstrumentError> {
        let depths = targets.targets().collect::<Result<Vec<u32>, _>>()?;
        for depth in depths.iter().copied().chain([targets.default()]) {
            self.branch(depth, 1);
        }
        self.out.code().br_table(depths, targets.default());
        self.dead_depth = Some(0);
        Ok(())
    }
}

/// Parameters and results of a block.
fn block_signature<'m>(module: &'m Sections<'_>, ty: BlockType) -> (&'m [ValType], &'m [ValType]) {
    match ty {
        BlockType::Empty => (&[], &[]),
        BlockType::Type(ty) => (&[], single(ty)),
        BlockType::FuncType(index) => {
            let signature = &module.types[index as usize];
            (signature.params(), signature.results())
        }
    }
}

/// A list of one type.
fn single(ty: ValType) -> &'static [ValType] {
    match ty {
        ValType::I32 => &[ValType::I32],
        ValType::I64 => &[ValType::I64],
        ValType::F32 => &[ValType::F32],
        ValType::F64 => &[ValType::F64],
        _ => &[ValType::FUNCREF],
    }
}

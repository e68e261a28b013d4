//! The walk over one body: every reachable operator again, with charges, checks and canonicalisation in between.
//!
//! Code that can't be reached is left out; what can be reached is decided as lowering decides it, because the plan's
//! sites are counted so. The classes of locals are found by trial: the walk assumes them, sees what is written to the
//! locals, and is repeated with what it saw until that agrees.

use std::collections::BTreeMap;

use assay_machine::isa::{Numeric, numeric_kind};
use assay_machine::lower::{FunctionPlan, HOST_FUNCTIONS};
use assay_protocol::TrapCode;
use wasm_encoder::reencode::Reencode;
use wasmparser::{BlockType, BrTable, FunctionBody, Operator, ValType};

use super::emit::{Body, Emitter};
use super::floats::{self, Bits, Class, Value};
use super::fuel::{Meter, Place};
use super::types::{self, Indices, Wrappers};
use super::{InstrumentError, Metering, Sections, loops};

/// Walks with classes found by trial; after that all locals are taken as exact, which always agrees.
const TRIALS: usize = 8;
/// Shift of the bulk charge for bytes and for table entries (specs/04-instructions.md, `charge`).
const CHARGE_BYTES: i32 = 4;
const CHARGE_ENTRIES: i32 = 1;

/// Instruments a body; returns its bytes without their length.
///
/// # Errors
/// [`InstrumentError`] if the plan does not fit the body or the body is not of a normalised module.
pub(super) fn instrument_body<'a>(
    module: &Sections<'a>,
    function: u32,
    body: &FunctionBody<'a>,
    plan: &FunctionPlan,
    metering: Metering,
) -> Result<Body, InstrumentError> {
    let ty = module.functions[function as usize];
    let params = module.types[ty as usize].params();
    let mut groups = Vec::new();
    let mut types = params.to_vec();
    for group in body.get_locals_reader()? {
        let (count, ty) = group?;
        groups.push((count, ty));
        types.extend(core::iter::repeat_n(ty, count as usize));
    }
    let mut locals: Vec<Value> = types.iter().map(|ty| Value { ty: *ty, class: Class::Clean }).collect();
    for param in &mut locals[..params.len()] {
        *param = Value::exact(param.ty);
    }
    let saved = loops::saved_locals(body)?;
    for trial in 0..=TRIALS {
        if trial == TRIALS {
            locals = types.iter().map(|ty| Value::exact(*ty)).collect();
        }
        let mut walk = Walk::new(module, function, plan, metering, &locals, &saved);
        walk.run(body)?;
        if walk.seen == locals {
            return walk.out.finish(&groups);
        }
        locals = walk.seen;
    }
    unreachable!("exact locals take any value, so the last trial agrees")
}

/// An open block.
struct Control<'m> {
    kind: Kind,
    /// Operands below the block's parameters.
    height: usize,
    params: &'m [ValType],
    results: &'m [ValType],
    /// Whether something branches to the end of the block.
    is_target: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Function,
    Block,
    Loop,
    Then,
    Else,
}

struct Walk<'m, 'a> {
    module: &'m Sections<'a>,
    function: u32,
    plan: &'m FunctionPlan,
    charges_done: usize,
    calls_done: usize,
    meter: Meter,
    /// Locals to put away, by the operator that opens a loop.
    saved: &'m BTreeMap<u32, Vec<u32>>,
    /// First global of the places for them.
    first_save: u32,
    out: Emitter,
    params: u32,
    /// Locals before the first of the body's own that the normalised function does not have.
    added_params: u32,
    /// Locals with the classes that this walk assumes.
    locals: &'m [Value],
    /// The same, joined with the classes of the values that were written to them.
    seen: Vec<Value>,
    values: Vec<Value>,
    controls: Vec<Control<'m>>,
    /// Whether the walk is in code that can't be reached, and how many blocks deep in it.
    dead_depth: Option<u32>,
    /// Index of the current operator.
    operator: u32,
}

impl<'m, 'a> Walk<'m, 'a> {
    fn new(
        module: &'m Sections<'a>,
        function: u32,
        plan: &'m FunctionPlan,
        metering: Metering,
        locals: &'m [Value],
        saved: &'m BTreeMap<u32, Vec<u32>>,
    ) -> Self {
        let signature = &module.types[module.functions[function as usize] as usize];
        let params = signature.params().len() as u32;
        let globals = module.globals.len() as u32;
        let (place, added_params, first_save) = match metering {
            Metering::Parameter => (Place::Local(params), 1, globals),
            Metering::Global => (Place::Global(globals), 0, globals + 1),
        };
        let meter = Meter { place, wrappers: Wrappers::new(module.functions.len()) };
        let indices = Indices { types: module.types.len() as u32 };
        Self {
            module,
            function,
            plan,
            charges_done: 0,
            calls_done: 0,
            meter,
            saved,
            first_save,
            out: Emitter::new(indices, locals.len() as u32 + added_params),
            params,
            added_params,
            locals,
            seen: locals.to_vec(),
            values: Vec::new(),
            controls: vec![Control {
                kind: Kind::Function,
                height: 0,
                params: &[],
                results: signature.results(),
                is_target: false,
            }],
            dead_depth: None,
            operator: 0,
        }
    }

    fn run(&mut self, body: &FunctionBody<'a>) -> Result<(), InstrumentError> {
        self.charge();
        self.meter.check_entry(&mut self.out, self.plan);
        // The body in a block: branches and returns leave it with the results, and the counter is added once.
        let indices = Indices { types: self.module.types.len() as u32 };
        let body_type = indices.body_type(self.module.functions[self.function as usize]);
        self.out.code().block(wasm_encoder::BlockType::FunctionType(body_type));
        let mut reader = body.get_operators_reader()?;
        while !reader.eof() {
            let (operator, offset) = reader.read_with_offset()?;
            if self.dead_depth.is_some() {
                self.skip(operator)?;
            } else {
                self.charge();
                let byte = self.module.bytes[offset];
                self.visit(operator, byte)?;
            }
            self.operator += 1;
        }
        if self.charges_done != self.plan.charges.len() || self.calls_done != self.plan.call_bases.len() {
            return Err(self.misfit());
        }
        self.meter.hand_over(&mut self.out.code());
        self.out.code().end();
        Ok(())
    }

    /// Charges for the block that is entered before the current operator, if there is one.
    fn charge(&mut self) {
        let Some((site, charge)) = self.plan.charges.get(self.charges_done).copied() else { return };
        if site == self.operator {
            self.charges_done += 1;
            self.meter.charge(&mut self.out.code(), charge);
        }
    }

    fn misfit(&self) -> InstrumentError {
        InstrumentError::Plan { function: self.function, operator: self.operator }
    }

    fn visit(&mut self, operator: Operator<'a>, byte: u8) -> Result<(), InstrumentError> {
        use Operator as O;
        match operator {
            O::Nop => {}
            O::Block { blockty } => self.open(blockty, Kind::Block, 0)?,
            O::Loop { blockty } => self.open(blockty, Kind::Loop, 0)?,
            O::If { blockty } => self.open(blockty, Kind::Then, 1)?,
            O::Else => self.open_else(),
            O::End => self.close(true),
            O::Br { relative_depth } => {
                self.branch(relative_depth, 0);
                self.out.code().br(relative_depth);
                self.dead_depth = Some(0);
            }
            O::BrIf { relative_depth } => {
                self.branch(relative_depth, 1);
                self.pop(1);
                self.out.code().br_if(relative_depth);
            }
            O::BrTable { targets } => self.branch_table(&targets)?,
            O::Return => {
                let function = self.controls.len() as u32 - 1;
                self.branch(function, 0);
                self.out.code().br(function);
                self.dead_depth = Some(0);
            }
            O::Unreachable => {
                self.meter.trap(&mut self.out.code(), TrapCode::Unreachable as i32);
                self.dead_depth = Some(0);
            }
            O::Call { function_index } if function_index < HOST_FUNCTIONS => self.host_call(function_index),
            O::Call { function_index } => {
                let ty = self.module.functions[function_index as usize];
                self.call(operator, ty, 0)?;
            }
            O::CallIndirect { type_index, .. } => self.call(operator, type_index, 1)?,
            O::LocalGet { local_index } => {
                self.values.push(self.locals[local_index as usize]);
                let local = self.local(local_index);
                self.out.code().local_get(local);
            }
            O::LocalSet { local_index } => {
                self.write_local(local_index);
                self.pop(1);
                let local = self.local(local_index);
                self.out.code().local_set(local);
            }
            O::LocalTee { local_index } => {
                self.write_local(local_index);
                let local = self.local(local_index);
                self.out.code().local_tee(local);
            }
            _ => self.plain(operator, byte)?,
        }
        Ok(())
    }

    /// Operators that are neither control, calls nor local accesses.
    fn plain(&mut self, operator: Operator<'a>, byte: u8) -> Result<(), InstrumentError> {
        use Operator as O;
        use ValType::{I32, I64};
        match operator {
            O::Drop => self.pop(1),
            O::Select | O::TypedSelect { .. } => self.select(),
            O::I32Const { .. } => self.push(I32),
            O::I64Const { .. } => self.push(I64),
            O::F32Const { value } => self.values.push(Value::f32(value.bits())),
            O::F64Const { value } => self.values.push(Value::f64(value.bits())),
            O::RefNull { .. } | O::RefFunc { .. } => self.push(ValType::FUNCREF),
            O::RefIsNull => self.apply(1, I32),
            O::GlobalGet { global_index } => self.push(self.module.globals[global_index as usize].ty.content_type),
            O::GlobalSet { .. } => {
                self.settle(1, 0);
                self.pop(1);
            }
            O::MemorySize { .. } | O::TableSize { .. } => self.push(I32),
            O::MemoryGrow { .. } => {
                self.memory_grow();
                return Ok(());
            }
            O::TableGet { .. } => self.apply(1, ValType::FUNCREF),
            O::TableSet { .. } => self.pop(2),
            O::TableGrow { .. } => {
                self.charge_bulk(CHARGE_ENTRIES);
                self.apply(2, I32);
            }
            O::MemoryCopy { .. } | O::MemoryFill { .. } | O::MemoryInit { .. } => {
                self.charge_bulk(CHARGE_BYTES);
                self.pop(3);
            }
            O::TableCopy { .. } | O::TableFill { .. } | O::TableInit { .. } => {
                self.charge_bulk(CHARGE_ENTRIES);
                self.pop(3);
            }
            O::DataDrop { .. } | O::ElemDrop { .. } => {}
            O::I32TruncSatF32S | O::I32TruncSatF32U | O::I32TruncSatF64S | O::I32TruncSatF64U => self.apply(1, I32),
            O::I64TruncSatF32S | O::I64TruncSatF32U | O::I64TruncSatF64S | O::I64TruncSatF64U => self.apply(1, I64),
            _ => match byte {
                0x28..=0x35 => self.apply(1, floats::loaded(byte)),
                0x36..=0x3e => {
                    self.settle(1, 0);
                    self.pop(2);
                }
                _ => match numeric_kind(u16::from(byte)) {
                    Some(kind) if byte < 0xd0 => self.numeric(byte, if kind == Numeric::Unary { 1 } else { 2 }),
                    _ => return Err(InstrumentError::Module("the body has an operator that is not admitted")),
                },
            },
        }
        self.out.operator(operator)
    }

    /// Settles the operands of a numeric operator as far as it sees their bits, and replaces them by the result.
    fn numeric(&mut self, opcode: u8, operands: usize) {
        let (ty, bits) = floats::numeric(opcode);
        let class = match bits {
            Bits::Ignored(class) => class,
            Bits::Absolute => self.values[self.values.len() - 1].class,
            Bits::Seen => {
                self.settle(operands, 0);
                Value::exact(ty).class
            }
        };
        self.pop(operands);
        self.values.push(Value { ty, class });
    }

    fn select(&mut self) {
        let at = self.values.len() - 3;
        let mut class = self.values[at].class.max(self.values[at + 1].class);
        if class == Class::Exact {
            self.settle(2, 1);
            class = self.values[at].class.max(self.values[at + 1].class);
        }
        let ty = self.values[at].ty;
        self.pop(3);
        self.values.push(Value { ty, class });
    }

    /// Makes the value on top of the stack what the local may hold.
    fn write_local(&mut self, local: u32) {
        let class = self.values[self.values.len() - 1].class;
        let seen = &mut self.seen[local as usize];
        seen.class = seen.class.max(class);
        if self.locals[local as usize].class != Class::Arithmetic {
            self.settle(1, 0);
        }
    }

    fn local(&self, local: u32) -> u32 {
        if local < self.params { local } else { local + self.added_params }
    }

    fn push(&mut self, ty: ValType) {
        self.values.push(Value::exact(ty));
    }

    fn pop(&mut self, count: usize) {
        self.values.truncate(self.values.len() - count);
    }

    fn apply(&mut self, operands: usize, result: ValType) {
        self.pop(operands);
        self.push(result);
    }

    fn charge_bulk(&mut self, shift: i32) {
        let scratch = self.out.scratch(ValType::I32);
        self.meter.charge_bulk(&mut self.out, scratch, shift);
    }

    /// Canonicalises the arithmetic ones of the `count` values that lie below the top `above` values.
    fn settle(&mut self, count: usize, above: usize) {
        let top = self.values.len();
        let range = top - above - count..top - above;
        let Some(first) = range.clone().find(|at| self.values[*at].class == Class::Arithmetic) else { return };
        if first == top - 1 {
            self.out.canonicalise(self.values[first].ty);
        } else {
            self.settle_below(first, range.end);
        }
        for value in &mut self.values[first..range.end] {
            if value.class == Class::Arithmetic {
                value.class = Class::Clean;
            }
        }
    }

    /// Takes the values from position `first` up from the stack and puts them back, those below `end` settled.
    fn settle_below(&mut self, first: usize, end: usize) {
        let top = self.values.len();
        let places = self.out.scratch_for(self.values[first..].iter().map(|value| value.ty));
        for place in places.iter().rev() {
            self.out.code().local_set(*place);
        }
        for (at, place) in (first..top).zip(places) {
            let Value { ty, class } = self.values[at];
            if at < end && class == Class::Arithmetic {
                self.out.get_canonical(ty, place);
            } else {
                self.out.code().local_get(place);
            }
        }
    }

    /// Beyond the maximum the result is -1; any growth that the engine is asked for must succeed.
    fn memory_grow(&mut self) {
        let pages = self.out.scratch(ValType::I32);
        let mut code = self.out.code();
        code.local_tee(pages).i32_const(self.module.memory_pages_max as i32).memory_size(0).i32_sub().i32_gt_u();
        code.if_(wasm_encoder::BlockType::Result(wasm_encoder::ValType::I32)).i32_const(-1);
        code.else_().local_get(pages).memory_grow(0).end();
        self.apply(1, ValType::I32);
    }

    fn call(&mut self, operator: Operator<'a>, ty: u32, indices: usize) -> Result<(), InstrumentError> {
        let Some((_, base)) = self.plan.call_bases.get(self.calls_done).filter(|call| call.0 == self.operator) else {
            return Err(self.misfit());
        };
        self.calls_done += 1;
        let module = self.module;
        let signature = &module.types[ty as usize];
        self.settle(signature.params().len(), indices);
        if indices > 0 {
            // The index stays on top, behind what the callee gets.
            let scratch = self.out.scratch(ValType::I32);
            self.out.code().local_set(scratch);
            self.meter.pass(&mut self.out.code(), *base);
            self.out.code().local_get(scratch);
        } else {
            self.meter.pass(&mut self.out.code(), *base);
        }
        self.out.operator(operator)?;
        self.meter.take_back(&mut self.out, *base);
        self.pop(signature.params().len() + indices);
        for ty in signature.results() {
            self.push(*ty);
        }
        Ok(())
    }

    /// Host functions that may end the run get the counter.
    fn host_call(&mut self, function: u32) {
        if matches!(function, 1 | 2) {
            self.charge_bulk(CHARGE_BYTES);
        }
        if function != 0 {
            self.meter.get(&mut self.out.code());
        }
        self.out.code().call(function);
        match function {
            0 => self.push(ValType::I64),
            1 => self.apply(3, ValType::I32),
            2 => self.pop(2),
            _ => self.pop(1),
        }
    }

    /// Passes over code that can't be reached, up to the arm or label that can.
    fn skip(&mut self, operator: Operator<'a>) -> Result<(), InstrumentError> {
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

    fn open(&mut self, ty: BlockType, kind: Kind, conditions: usize) -> Result<(), InstrumentError> {
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

    fn open_else(&mut self) {
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

    fn close(&mut self, falls_through: bool) {
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
    fn enter_label(&mut self, height: usize, types: &[ValType]) {
        self.dead_depth = None;
        self.values.truncate(height);
        self.values.extend(types.iter().map(|ty| Value::exact(*ty)));
    }

    /// Settles the values that a branch carries; they lie below `above` others.
    fn branch(&mut self, depth: u32, above: usize) {
        let at = self.controls.len() - 1 - depth as usize;
        let control = &mut self.controls[at];
        control.is_target = true;
        let count = if control.kind == Kind::Loop { control.params.len() } else { control.results.len() };
        self.settle(count, above);
    }

    fn branch_table(&mut self, targets: &BrTable<'a>) -> Result<(), InstrumentError> {
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

//! The walk over one body: every reachable operator again, with charges, checks and canonicalisation in between.
//!
//! Code that can't be reached is left out; what can be reached is decided as lowering decides it, because the plan's
//! sites are counted so. The classes of locals are found by trial: the walk assumes them, sees what is written to the
//! locals, and is repeated with what it saw until that agrees.

mod control;
mod values;

use std::collections::BTreeMap;

use assay_machine::lower::{FunctionPlan, HOST_FUNCTIONS};
use assay_protocol::TrapCode;
use wasmparser::{FunctionBody, Operator, ValType};

use super::emit::{Body, Emitter};
use super::floats::{Class, Value};
use super::fuel::{Meter, Place};
use super::types::{Indices, Wrappers};
use super::{InstrumentError, Metering, Sections, loops};
use control::{Control, Kind};
use values::CHARGE_BYTES;

/// Walks with classes found by trial; after that all locals are taken as exact, which always agrees.
const TRIALS: usize = 8;

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

    fn local(&self, local: u32) -> u32 {
        if local < self.params { local } else { local + self.added_params }
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
}

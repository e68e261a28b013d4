//! Operands: what plain operators take and give, and values whose bits count made canonical before these are seen.

use assay_machine::isa::{Numeric, numeric_kind};
use wasmparser::{Operator, ValType};

use super::Walk;
use crate::instrument::InstrumentError;
use crate::instrument::floats::{self, Bits, Class, Value};

/// Shift of the bulk charge for bytes and for table entries (specs/04-instructions.md, `charge`).
pub(super) const CHARGE_BYTES: i32 = 4;
const CHARGE_ENTRIES: i32 = 1;

impl<'a> Walk<'_, 'a> {
    /// Operators that are neither control, calls nor local accesses.
    pub(super) fn plain(&mut self, operator: Operator<'a>, byte: u8) -> Result<(), InstrumentError> {
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
    pub(super) fn numeric(&mut self, opcode: u8, operands: usize) {
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

    pub(super) fn select(&mut self) {
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
    pub(super) fn write_local(&mut self, local: u32) {
        let class = self.values[self.values.len() - 1].class;
        let seen = &mut self.seen[local as usize];
        seen.class = seen.class.max(class);
        if self.locals[local as usize].class != Class::Arithmetic {
            self.settle(1, 0);
        }
    }

    pub(super) fn push(&mut self, ty: ValType) {
        self.values.push(Value::exact(ty));
    }

    pub(super) fn pop(&mut self, count: usize) {
        self.values.truncate(self.values.len() - count);
    }

    pub(super) fn apply(&mut self, operands: usize, result: ValType) {
        self.pop(operands);
        self.push(result);
    }

    /// Canonicalises the arithmetic ones of the `count` values that lie below the top `above` values.
    pub(super) fn settle(&mut self, count: usize, above: usize) {
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
    pub(super) fn settle_below(&mut self, first: usize, end: usize) {
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

    pub(super) fn charge_bulk(&mut self, shift: i32) {
        let scratch = self.out.scratch(ValType::I32);
        self.meter.charge_bulk(&mut self.out, scratch, shift);
    }

    /// Beyond the maximum the result is -1; any growth that the engine is asked for must succeed.
    pub(super) fn memory_grow(&mut self) {
        let pages = self.out.scratch(ValType::I32);
        let mut code = self.out.code();
        code.local_tee(pages).i32_const(self.module.memory_pages_max as i32).memory_size(0).i32_sub().i32_gt_u();
        code.if_(wasm_encoder::BlockType::Result(wasm_encoder::ValType::I32)).i32_const(-1);
        code.else_().local_get(pages).memory_grow(0).end();
        self.apply(1, ValType::I32);
    }
}

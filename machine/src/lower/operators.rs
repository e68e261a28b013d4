//! Operators that are not control: numbers, memory, tables, globals, references, and the four host functions.

use wasmparser::Operator;

use super::LowerError;
use super::function::{FunctionLowering, Relocation};
use super::module::Constant;
use super::stack::Operand;
use crate::isa::{IMMEDIATE, Numeric, num, numeric_kind, op};

/// Shift of the charge for bytes: a piece is 32 bytes, the charge one per 16.
const CHARGE_BYTES: u64 = 4;
/// Shift of the charge for table entries: a piece is 4 entries, the charge one per 2.
const CHARGE_ENTRIES: u64 = 1;
/// First of the saturating conversions, WASM's 0xfc 0..7.
const SATURATING: u16 = num::I32_TRUNC_SAT_F32_S;

impl FunctionLowering<'_> {
    /// Lowers an operator that is neither control, constant, local access nor call. `byte` is its first byte.
    pub(super) fn plain(&mut self, operator: &Operator<'_>, byte: u8) -> Result<(), LowerError> {
        use Operator as O;
        if let Some(kind) = numeric_kind(u16::from(byte)).filter(|_| byte < 0xd0) {
            return self.numeric(u16::from(byte), kind);
        }
        match operator {
            O::I32TruncSatF32S => self.numeric(SATURATING, Numeric::Unary),
            O::I32TruncSatF32U => self.numeric(SATURATING + 1, Numeric::Unary),
            O::I32TruncSatF64S => self.numeric(SATURATING + 2, Numeric::Unary),
            O::I32TruncSatF64U => self.numeric(SATURATING + 3, Numeric::Unary),
            O::I64TruncSatF32S => self.numeric(SATURATING + 4, Numeric::Unary),
            O::I64TruncSatF32U => self.numeric(SATURATING + 5, Numeric::Unary),
            O::I64TruncSatF64S => self.numeric(SATURATING + 6, Numeric::Unary),
            O::I64TruncSatF64U => self.numeric(SATURATING + 7, Numeric::Unary),
            O::I32Load { memarg }
            | O::I64Load { memarg }
            | O::F32Load { memarg }
            | O::F64Load { memarg }
            | O::I32Load8S { memarg }
            | O::I32Load8U { memarg }
            | O::I32Load16S { memarg }
            | O::I32Load16U { memarg }
            | O::I64Load8S { memarg }
            | O::I64Load8U { memarg }
            | O::I64Load16S { memarg }
            | O::I64Load16U { memarg }
            | O::I64Load32S { memarg }
            | O::I64Load32U { memarg } => self.unary(u16::from(byte), memarg.offset),
            O::I32Store { memarg }
            | O::I64Store { memarg }
            | O::F32Store { memarg }
            | O::F64Store { memarg }
            | O::I32Store8 { memarg }
            | O::I32Store16 { memarg }
            | O::I64Store8 { memarg }
            | O::I64Store16 { memarg }
            | O::I64Store32 { memarg } => {
                let (a, b) = self.pop_two();
                self.emit(u16::from(byte), 0, a, b, memarg.offset);
                Ok(())
            }
            O::Select | O::TypedSelect { .. } => self.select(),
            O::GlobalGet { global_index } => self.global_get(*global_index),
            O::GlobalSet { global_index } => {
                let a = self.pop_slot();
                self.emit(op::SYSTEM_SET, 0, a, 0, u64::from(self.layout.globals[*global_index as usize]));
                Ok(())
            }
            O::RefFunc { function_index } => {
                let d = self.push_home()?;
                let at = self.code.instructions.len() as u32;
                self.relocations.push(Relocation { at, function: *function_index });
                let module = self.module;
                let type_id = module.type_ids[module.functions[*function_index as usize] as usize];
                self.emit(op::CONST, d, 0, 0, u64::from(type_id) << 32);
                Ok(())
            }
            O::RefIsNull => self.unary(num::I64_EQZ, 0),
            _ => self.bulk(operator),
        }
    }

    fn bulk(&mut self, operator: &Operator<'_>) -> Result<(), LowerError> {
        use Operator as O;
        let layout = self.layout;
        let table = |index: u32| u64::from(layout.tables[index as usize]);
        match operator {
            O::MemorySize { .. } => {
                let d = self.push_home()?;
                self.emit(op::MEMORY_SIZE, d, 0, 0, 0);
                Ok(())
            }
            O::MemoryGrow { .. } => self.unary(op::MEMORY_GROW, u64::from(self.module.memory.1)),
            O::MemoryCopy { .. } => self.triple(op::MEMORY_COPY, 0, CHARGE_BYTES),
            O::MemoryFill { .. } => self.triple(op::MEMORY_FILL, 0, CHARGE_BYTES),
            O::MemoryInit { data_index, .. } => {
                self.triple(op::MEMORY_INIT, u64::from(layout.data[*data_index as usize]), CHARGE_BYTES)
            }
            O::DataDrop { data_index } => self.drop_segment(layout.data[*data_index as usize]),
            O::ElemDrop { elem_index } => self.drop_segment(layout.elements[*elem_index as usize]),
            O::TableGet { table: index } => self.unary(op::TABLE_GET, table(*index)),
            O::TableSet { table: index } => {
                let (a, b) = self.pop_two();
                self.emit(op::TABLE_SET, 0, a, b, table(*index));
                Ok(())
            }
            O::TableSize { table: index } => {
                let d = self.push_home()?;
                self.emit(op::SYSTEM_GET, d, 0, 0, table(*index));
                Ok(())
            }
            O::TableGrow { table: index } => {
                self.table_grow(table(*index), self.module.tables[*index as usize].maximum)
            }
            O::TableFill { table: index } => self.triple(op::TABLE_FILL, table(*index), CHARGE_ENTRIES),
            O::TableCopy { dst_table, src_table } => {
                self.triple(op::TABLE_COPY, table(*dst_table) | table(*src_table) << 32, CHARGE_ENTRIES)
            }
            O::TableInit { elem_index, table: index } => {
                let segment = u64::from(layout.elements[*elem_index as usize]);
                self.triple(op::TABLE_INIT, table(*index) | segment << 32, CHARGE_ENTRIES)
            }
            _ => Err(LowerError::Module("the body has an operator that is not admitted")),
        }
    }

    /// Calls to the host functions are instructions.
    pub(super) fn host_call(&mut self, function: u32) -> Result<(), LowerError> {
        match function {
            0 => {
                let d = self.push_home()?;
                self.emit(op::INPUT_SIZE, d, 0, 0, 0);
            }
            1 => {
                let position = self.stack.height() - 3;
                self.settle(position);
                self.stack.reserve(position, 4)?;
                let home = self.stack.home(position);
                self.stack.truncate(position);
                self.emit(op::CHARGE, 0, home + 2, 0, CHARGE_BYTES);
                self.emit(op::INPUT_BEGIN, 0, home, 0, 0);
                self.emit(op::INPUT_COPY, 0, home, 0, 0);
                self.emit(op::COPY, home, home + 3, 0, 0);
                self.stack.push(Operand::Home)?;
            }
            2 => {
                let position = self.stack.height() - 2;
                self.settle(position);
                let home = self.stack.home(position);
                self.stack.truncate(position);
                self.emit(op::CHARGE, 0, home + 1, 0, CHARGE_BYTES);
                self.emit(op::OUTPUT_WRITE, 0, home, 0, 0);
            }
            _ => {
                let a = self.pop_slot();
                self.emit(op::EXIT, 0, a, 0, 0);
            }
        }
        Ok(())
    }

    fn numeric(&mut self, opcode: u16, kind: Numeric) -> Result<(), LowerError> {
        if kind == Numeric::Unary {
            return self.unary(opcode, 0);
        }
        let right = self.stack.pop();
        let left = self.stack.pop();
        let position = self.stack.height();
        if let Operand::Const(imm) = right {
            let a = self.slot_of(position, left);
            let d = self.push_home()?;
            self.emit(opcode | IMMEDIATE, d, a, 0, imm);
        } else if let (Operand::Const(imm), Some(mirrored)) = (left, mirrored(opcode)) {
            let a = self.slot_of(position + 1, right);
            let d = self.push_home()?;
            self.emit(mirrored | IMMEDIATE, d, a, 0, imm);
        } else {
            let a = self.slot_of(position, left);
            let b = self.slot_of(position + 1, right);
            let d = self.push_home()?;
            self.emit(opcode, d, a, b, 0);
        }
        Ok(())
    }

    /// An instruction with one operand and one result.
    fn unary(&mut self, opcode: u16, imm: u64) -> Result<(), LowerError> {
        let a = self.pop_slot();
        let d = self.push_home()?;
        self.emit(opcode, d, a, 0, imm);
        Ok(())
    }

    fn pop_two(&mut self) -> (u16, u16) {
        let right = self.stack.pop();
        let left = self.stack.pop();
        let position = self.stack.height();
        let b = self.slot_of(position + 1, right);
        (self.slot_of(position, left), b)
    }

    fn select(&mut self) -> Result<(), LowerError> {
        let condition = self.pop_slot();
        let (a, b) = self.pop_two();
        let d = self.push_home()?;
        self.emit(op::SELECT, d, a, b, u64::from(condition));
        Ok(())
    }

    fn global_get(&mut self, index: u32) -> Result<(), LowerError> {
        let global = &self.module.globals[index as usize];
        if let (false, Constant::Word(word)) = (global.mutable, global.value) {
            return self.stack.push(Operand::Const(word));
        }
        let d = self.push_home()?;
        self.emit(op::SYSTEM_GET, d, 0, 0, u64::from(self.layout.globals[index as usize]));
        Ok(())
    }

    /// A charge by the third operand and a repeating instruction on all three, which it uses up.
    fn triple(&mut self, opcode: u16, imm: u64, charge: u64) -> Result<(), LowerError> {
        let position = self.stack.height() - 3;
        self.settle(position);
        let home = self.stack.home(position);
        self.stack.truncate(position);
        self.emit(op::CHARGE, 0, home + 2, 0, charge);
        self.emit(opcode, 0, home, 0, imm);
        Ok(())
    }

    fn drop_segment(&mut self, segment: u32) -> Result<(), LowerError> {
        let position = self.stack.height();
        self.stack.reserve(position, 1)?;
        let home = self.stack.home(position);
        self.emit(op::CONST, home, 0, 0, 0);
        self.emit(op::SYSTEM_SET, 0, home, 0, u64::from(segment));
        Ok(())
    }

    /// `table.grow` and the fill of the new entries. The triple of the fill lies behind the result's home.
    fn table_grow(&mut self, table: u64, maximum: u32) -> Result<(), LowerError> {
        let count = self.stack.pop();
        let value = self.stack.pop();
        let position = self.stack.height();
        self.stack.reserve(position, 4)?;
        let home = self.stack.home(position);
        self.move_to(home + 3, position + 1, count);
        self.move_to(home + 2, position, value);
        self.emit(op::CHARGE, 0, home + 3, 0, CHARGE_ENTRIES);
        self.emit(op::TABLE_GROW, home, home + 1, 0, table | u64::from(maximum) << 32);
        self.emit(op::TABLE_FILL, 0, home + 1, 0, table);
        self.stack.push(Operand::Home)
    }
}

/// The operator that gives the same result with its operands exchanged.
fn mirrored(opcode: u16) -> Option<u16> {
    Some(match opcode {
        num::I32_EQ | num::I32_NE | num::I64_EQ | num::I64_NE => opcode,
        num::F32_EQ | num::F32_NE | num::F64_EQ | num::F64_NE => opcode,
        num::I32_ADD | num::I32_MUL | num::I32_AND | num::I32_OR | num::I32_XOR => opcode,
        num::I64_ADD | num::I64_MUL | num::I64_AND | num::I64_OR | num::I64_XOR => opcode,
        num::F32_ADD | num::F32_MUL | num::F64_ADD | num::F64_MUL => opcode,
        num::I32_LT_S..=num::I32_LT_U | num::I64_LT_S..=num::I64_LT_U => opcode + 2,
        num::I32_GT_S..=num::I32_GT_U | num::I64_GT_S..=num::I64_GT_U => opcode - 2,
        num::I32_LE_S..=num::I32_LE_U | num::I64_LE_S..=num::I64_LE_U => opcode + 2,
        num::I32_GE_S..=num::I32_GE_U | num::I64_GE_S..=num::I64_GE_U => opcode - 2,
        num::F32_LT | num::F32_LE | num::F64_LT | num::F64_LE => opcode + 1,
        num::F32_GT | num::F32_GE | num::F64_GT | num::F64_GE => opcode - 1,
        _ => return None,
    })
}

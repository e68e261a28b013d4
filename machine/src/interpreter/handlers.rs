//! What each instruction does, on raw registers: numbers, moves, control, loads and stores. Bulk, table and I/O
//! instructions are rare and go through [`Vm`].
//!
//! The operators are those of `step::numeric`, chosen at compile time. Meaning and order are specs/04-instructions.md;
//! `tests` hold it against `step` state by state.
//!
//! Unsafe: see `threaded`; every block here relies on the invariants of [`Registers`] and on the op being of its kind.
#![allow(unsafe_code)]

use core::marker::PhantomData;

use assay_protocol::TrapCode;

use super::machine::Vm;
use super::threaded::{Effect, Handler, Leave, OP_SIZE, Registers, handler, leaves_line};
use crate::isa::{BRANCH, BRANCH_IMMEDIATE, IMMEDIATE, for_each_numeric, op};
use crate::step::numeric;

struct Unary<const OP: u16>;
struct Binary<const OP: u16>;
struct BinaryImmediate<const OP: u16>;
struct Branch<const OP: u16>;
struct BranchImmediate<const OP: u16>;
struct Load<const OP: u16>;
struct Store<const OP: u16>;
struct Control<const OP: u16>;
struct Checked<E>(PhantomData<E>);
struct Cold;
struct Watched;

impl<const OP: u16> Effect for Unary<OP> {
    #[inline(always)]
    unsafe fn run(r: &mut Registers) -> Result<(), Leave> {
        // SAFETY: contract of `Effect::run`.
        unsafe {
            let op = r.op();
            let result = numeric::unary(OP, r.slot(op.a)).map_err(Leave::Trap)?;
            r.set_slot(op.d, result);
            r.next()
        }
    }
}

impl<const OP: u16> Effect for Binary<OP> {
    #[inline(always)]
    unsafe fn run(r: &mut Registers) -> Result<(), Leave> {
        // SAFETY: contract of `Effect::run`.
        unsafe {
            let op = r.op();
            let result = numeric::binary(OP, r.slot(op.a), r.slot(op.b)).map_err(Leave::Trap)?;
            r.set_slot(op.d, result);
            r.next()
        }
    }
}

impl<const OP: u16> Effect for BinaryImmediate<OP> {
    #[inline(always)]
    unsafe fn run(r: &mut Registers) -> Result<(), Leave> {
        // SAFETY: contract of `Effect::run`.
        unsafe {
            let op = r.op();
            let result = numeric::binary(OP, r.slot(op.a), op.imm).map_err(Leave::Trap)?;
            r.set_slot(op.d, result);
            r.next()
        }
    }
}

/// Takes or leaves a conditional branch.
#[inline(always)]
unsafe fn branch<const OP: u16>(r: &mut Registers, a: u64, b: u64) -> Result<(), Leave> {
    // SAFETY: contract of `Effect::run`.
    unsafe {
        let imm = r.op().imm;
        if numeric::binary(OP, a, b) == Ok(1) {
            r.charge(imm >> 32 & 0xffff)?;
            r.go(imm as i32 as isize)
        } else {
            r.charge(imm >> 48)?;
            r.next()
        }
    }
}

impl<const OP: u16> Effect for Branch<OP> {
    #[inline(always)]
    unsafe fn run(r: &mut Registers) -> Result<(), Leave> {
        // SAFETY: contract of `Effect::run`.
        unsafe { branch::<OP>(r, r.slot(r.op().a), r.slot(r.op().b)) }
    }
}

impl<const OP: u16> Effect for BranchImmediate<OP> {
    #[inline(always)]
    unsafe fn run(r: &mut Registers) -> Result<(), Leave> {
        // SAFETY: contract of `Effect::run`.
        unsafe { branch::<OP>(r, r.slot(r.op().a), r.op().b as i16 as u64) }
    }
}

impl<const OP: u16> Effect for Load<OP> {
    #[inline(always)]
    unsafe fn run(r: &mut Registers) -> Result<(), Leave> {
        // SAFETY: contract of `Effect::run`; the access is checked against the memory's size.
        unsafe {
            let op = r.op();
            let at = (r.slot(op.a) & 0xffff_ffff) + op.imm;
            if at + width(OP) > (*r.vm).memory_size {
                return Err(Leave::Trap(TrapCode::MemoryOutOfBounds));
            }
            let from = r.memory.add(at as usize);
            let value = match OP {
                op::I32_LOAD | op::F32_LOAD | op::I64_LOAD32_U => u64::from(from.cast::<u32>().read_unaligned()),
                op::I64_LOAD | op::F64_LOAD => from.cast::<u64>().read_unaligned(),
                op::I32_LOAD8_S => u64::from(from.cast::<i8>().read() as u32),
                op::I32_LOAD8_U | op::I64_LOAD8_U => u64::from(from.read()),
                op::I32_LOAD16_S => u64::from(from.cast::<i16>().read_unaligned() as u32),
                op::I32_LOAD16_U | op::I64_LOAD16_U => u64::from(from.cast::<u16>().read_unaligned()),
                op::I64_LOAD8_S => from.cast::<i8>().read() as u64,
                op::I64_LOAD16_S => from.cast::<i16>().read_unaligned() as u64,
                op::I64_LOAD32_S => from.cast::<i32>().read_unaligned() as u64,
                _ => unreachable!(),
            };
            r.set_slot(op.d, value);
            r.next()
        }
    }
}

impl<const OP: u16> Effect for Store<OP> {
    #[inline(always)]
    unsafe fn run(r: &mut Registers) -> Result<(), Leave> {
        // SAFETY: contract of `Effect::run`; the access is checked against the memory's size, and there is a dirty
        // mark for every page below it.
        unsafe {
            let op = r.op();
            let at = (r.slot(op.a) & 0xffff_ffff) + op.imm;
            let value = r.slot(op.b);
            if at + width(OP) > (*r.vm).memory_size {
                return Err(Leave::Trap(TrapCode::MemoryOutOfBounds));
            }
            let to = r.memory.add(at as usize);
            match width(OP) {
                1 => to.write(value as u8),
                2 => to.cast::<u16>().write_unaligned(value as u16),
                4 => to.cast::<u32>().write_unaligned(value as u32),
                _ => to.cast::<u64>().write_unaligned(value),
            }
            let dirty = (*r.vm).dirty_pages;
            *dirty.add((at >> 12) as usize) = 1;
            if width(OP) > 1 {
                *dirty.add(((at + width(OP) - 1) >> 12) as usize) = 1;
            }
            r.next()
        }
    }
}

/// Bytes that a load or store moves.
const fn width(opcode: u16) -> u64 {
    match opcode {
        op::I32_LOAD8_S | op::I32_LOAD8_U | op::I64_LOAD8_S | op::I64_LOAD8_U | op::I32_STORE8 | op::I64_STORE8 => 1,
        op::I32_LOAD16_S | op::I32_LOAD16_U | op::I64_LOAD16_S | op::I64_LOAD16_U => 2,
        op::I32_STORE16 | op::I64_STORE16 => 2,
        op::I64_LOAD | op::F64_LOAD | op::I64_STORE | op::F64_STORE => 8,
        _ => 4,
    }
}

impl<const OP: u16> Effect for Control<OP> {
    #[inline(always)]
    unsafe fn run(r: &mut Registers) -> Result<(), Leave> {
        // SAFETY: contract of `Effect::run`; slots and targets are those of lowered code.
        unsafe {
            let op = r.op();
            match OP {
                op::FUEL => r.charge(op.imm)?,
                op::JUMP => {
                    r.charge(op.imm >> 32)?;
                    return r.go(op.imm as i32 as isize);
                }
                op::BR_TABLE => {
                    let index = (r.slot(op.a) as u32).min(op.imm as u32);
                    return r.go((1 + index as isize) * OP_SIZE);
                }
                op::ENTER => return enter(r),
                op::CALL => {
                    let callee = r.fp.add(usize::from(op.d));
                    *callee.add(usize::from(op.a)) = op.imm >> 32 | u64::from(op.d) << 32;
                    r.fp = callee;
                    return r.go(op.imm as i32 as isize);
                }
                op::CALL_INDIRECT => return call_indirect(r),
                op::RETURN => {
                    let link = r.slot(op.a);
                    r.fp = r.fp.sub((link >> 32) as usize);
                    let vm = &mut *r.vm;
                    vm.stack_low = vm.stack_low.min(r.fp);
                    return r.go(vm.offset_of(r.ip, link as u32));
                }
                op::CONST => r.set_slot(op.d, op.imm),
                op::COPY => r.set_slot(op.d, r.slot(op.a)),
                op::SELECT => {
                    let condition = r.slot(op.imm as u16) as u32;
                    let (a, b) = (r.slot(op.a), r.slot(op.b));
                    r.set_slot(op.d, if condition != 0 { a } else { b });
                }
                op::SYSTEM_GET => r.set_slot(op.d, (*(*r.vm).system.add(op.imm as usize)).to_le()),
                op::SYSTEM_SET => {
                    let value = r.slot(op.a);
                    (*r.vm).set_system(op.imm as usize, value);
                }
                op::CHARGE => r.charge(2 + ((r.slot(op.a) & 0xffff_ffff) >> op.imm))?,
                _ => unreachable!(),
            }
            r.next()
        }
    }
}

#[inline(always)]
unsafe fn enter(r: &mut Registers) -> Result<(), Leave> {
    // SAFETY: contract of `Effect::run`; the frame is checked against STACK's end before slots are cleared.
    unsafe {
        let op = r.op();
        r.charge(op.imm & 0xffff_ffff)?;
        let vm = &mut *r.vm;
        let end = r.fp.wrapping_add((op.imm >> 32) as usize);
        if end > vm.stack_end {
            return Err(Leave::Trap(TrapCode::StackOverflow));
        }
        vm.stack_high = vm.stack_high.max(end);
        for slot in op.a..op.a + op.b {
            r.set_slot(slot, 0);
        }
        r.next()
    }
}

#[inline(always)]
unsafe fn call_indirect(r: &mut Registers) -> Result<(), Leave> {
    // SAFETY: contract of `Effect::run`; the index is checked against the table's size.
    unsafe {
        let op = r.op();
        let vm = &mut *r.vm;
        let index = u64::from(r.slot(op.b) as u32);
        let table = vm.system.add(op.imm as u32 as usize);
        if index >= *table {
            return Err(Leave::Trap(TrapCode::TableOutOfBounds));
        }
        let reference = *table.add(1 + index as usize);
        if reference == 0 {
            return Err(Leave::Trap(TrapCode::IndirectCallToNull));
        }
        if reference >> 32 != op.imm >> 32 {
            return Err(Leave::Trap(TrapCode::BadSignature));
        }
        let callee = r.fp.add(usize::from(op.d));
        *callee.add(usize::from(op.a)) = u64::from(vm.pc_of(r.ip) + 1) | u64::from(op.d) << 32;
        r.fp = callee;
        r.go(vm.offset_of(r.ip, reference as u32))
    }
}

impl<E: Effect> Effect for Checked<E> {
    #[inline(always)]
    unsafe fn run(r: &mut Registers) -> Result<(), Leave> {
        // SAFETY: contract of `Effect::run`.
        unsafe { E::run(r)? };
        if r.stop < r.ip { Err(Leave::Pause) } else { Ok(()) }
    }
}

impl Effect for Cold {
    #[inline(always)]
    unsafe fn run(r: &mut Registers) -> Result<(), Leave> {
        // SAFETY: contract of `Effect::run`; `Vm::cold` takes copies of the registers, so none is forced to memory.
        unsafe {
            Vm::cold(r.vm, r.ip, r.fp, r.stop);
            let steps = (*r.vm).cold?;
            // All steps but the last leave `ip` where it is; the account pays for each.
            r.stop = r.stop.wrapping_byte_offset(-(steps.repeats as isize) * OP_SIZE);
            if steps.is_done {
                r.ip = r.ip.add(1);
            }
            if r.stop < r.ip { Err(Leave::Pause) } else { Ok(()) }
        }
    }
}

impl Effect for Watched {
    #[inline(always)]
    unsafe fn run(_: &mut Registers) -> Result<(), Leave> {
        Err(Leave::Pause)
    }
}

/// A handler that leaves its instruction undone, for whoever watches and then makes the step by definition.
pub(super) fn watched_handler() -> Handler {
    handler::<Watched>
}

/// A handler that looks at the step account afterwards, if an instruction may stand in the middle of straight code. Where it neither
/// charges nor branches the step is made by definition, which is slower. ENTER and CHARGE stand before code of other kinds.
pub(super) fn checking_handler(opcode: u16) -> Option<Handler> {
    macro_rules! branch_handlers {
        ($($code:literal $constant:ident $name:literal $kind:ident)*) => {
            match (opcode & 0xff00, opcode & 0xff) {
                $((BRANCH, $code) => branch_handlers!(@checked Branch $kind $code),
                  (BRANCH_IMMEDIATE, $code) => branch_handlers!(@checked BranchImmediate $kind $code),)*
                _ => handler::<Cold>,
            }
        };
        (@checked $branch:ident Compare32 $code:literal) => { handler::<Checked<$branch<$code>>> };
        (@checked $branch:ident Compare64 $code:literal) => { handler::<Checked<$branch<$code>>> };
        (@checked $branch:ident $kind:ident $code:literal) => { handler::<Cold> };
    }
    match opcode {
        op::ENTER | op::CHARGE => None,
        op::FUEL => Some(handler::<Checked<Control<{ op::FUEL }>>>),
        _ if leaves_line(opcode) => None,
        _ => Some(for_each_numeric!(branch_handlers)),
    }
}

/// The handler of an opcode of lowered code.
pub(super) fn handler_of(opcode: u16) -> Handler {
    macro_rules! numeric_handlers {
        ($($code:literal $constant:ident $name:literal $kind:ident)*) => {
            match opcode {
                $($code => numeric_handlers!(@base $kind $code),)*
                _ => return family_handler(opcode),
            }
        };
        (@base Unary $code:literal) => { handler::<Unary<$code>> };
        (@base $kind:ident $code:literal) => { handler::<Binary<$code>> };
    }
    for_each_numeric!(numeric_handlers)
}

/// The handler of a binary operator with an immediate, or of a branch.
fn family_handler(opcode: u16) -> Handler {
    macro_rules! immediate_handlers {
        ($($code:literal $constant:ident $name:literal $kind:ident)*) => {
            match opcode & 0xff { $($code => immediate_handlers!(@arm $kind $code),)* _ => handler::<Cold> }
        };
        (@arm Unary $code:literal) => { handler::<Cold> };
        (@arm $kind:ident $code:literal) => { handler::<BinaryImmediate<$code>> };
    }
    macro_rules! branch_handlers {
        ($($code:literal $constant:ident $name:literal $kind:ident)*) => {
            match (opcode & 0xff00, opcode & 0xff) {
                $((BRANCH, $code) => branch_handlers!(@branch $kind $code),
                  (BRANCH_IMMEDIATE, $code) => branch_handlers!(@immediate $kind $code),)*
                _ => return other_handler(opcode),
            }
        };
        (@branch Compare32 $code:literal) => { handler::<Branch<$code>> };
        (@branch Compare64 $code:literal) => { handler::<Branch<$code>> };
        (@branch $kind:ident $code:literal) => { handler::<Cold> };
        (@immediate Compare32 $code:literal) => { handler::<BranchImmediate<$code>> };
        (@immediate Compare64 $code:literal) => { handler::<BranchImmediate<$code>> };
        (@immediate $kind:ident $code:literal) => { handler::<Cold> };
    }
    if opcode & 0xff00 == IMMEDIATE {
        return for_each_numeric!(immediate_handlers);
    }
    for_each_numeric!(branch_handlers)
}

fn other_handler(opcode: u16) -> Handler {
    macro_rules! handlers {
        ($kind:ident: $($name:ident)*) => {
            match opcode { $(op::$name => Some(handler::<$kind<{ op::$name }>> as Handler),)* _ => None }
        };
    }
    let load = handlers!(Load: I32_LOAD I64_LOAD F32_LOAD F64_LOAD I32_LOAD8_S I32_LOAD8_U I32_LOAD16_S I32_LOAD16_U
        I64_LOAD8_S I64_LOAD8_U I64_LOAD16_S I64_LOAD16_U I64_LOAD32_S I64_LOAD32_U);
    let store = handlers!(Store: I32_STORE I64_STORE F32_STORE F64_STORE I32_STORE8 I32_STORE16
        I64_STORE8 I64_STORE16 I64_STORE32);
    let control = handlers!(Control: FUEL JUMP BR_TABLE ENTER CALL CALL_INDIRECT RETURN CONST COPY SELECT
        SYSTEM_GET SYSTEM_SET CHARGE);
    load.or(store).or(control).unwrap_or(handler::<Cold>)
}

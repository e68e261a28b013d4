//! Threaded code: instructions with the address of their handler, and the registers that handlers pass on.
//!
//! A handler runs one instruction and calls the next one's handler as its last act. With optimisation (see `build.rs`)
//! that is a jump: the interpreter is one loop without a centre. Without it each handler returns to a driver loop.
//!
//! Unsafe: handlers follow raw pointers into code, stack and memory. What makes that sound is stated at [`Registers`],
//! and holds for code that came from `lower` and was threaded by [`Threaded::new`].
#![allow(unsafe_code)]

use assay_protocol::TrapCode;

use super::handlers;
use super::machine::Vm;
use crate::isa::{BRANCH, BRANCH_IMMEDIATE, Instruction, form_of, op};

/// Bytes of an [`Op`], as branch offsets and step accounts are counted in bytes.
pub(super) const OP_SIZE: isize = size_of::<Op>() as isize;

/// An instruction made ready to run.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Op {
    /// What runs it.
    pub handler: Handler,
    /// As in [`Instruction`].
    pub d: u16,
    /// As in [`Instruction`].
    pub a: u16,
    /// As in [`Instruction`].
    pub b: u16,
    /// As in [`Instruction`].
    pub opcode: u16,
    /// As in [`Instruction`], except that the low half of a branch or call is the byte offset of its target from this
    /// op, signed, and the high half of a call its own pc + 1.
    pub imm: u64,
}

/// A handler: runs the op at `ip` and all that follow, until something ends the run.
pub(super) type Handler =
    unsafe fn(ip: *const Op, fp: *mut u64, vm: *mut Vm, fuel: u64, stop: *const Op, memory: *mut u8) -> Flow;

/// What a handler returns when it does not go on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// To the driver loop, which goes on from the registers in [`Vm`]. Only without sibling calls.
    #[cfg_attr(all(sibling_calls, not(debug_assertions)), allow(dead_code))]
    Next,
    /// The run has ended or must be looked at; [`Vm`] holds registers and reason.
    Left,
}

/// Why a run leaves the fast path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// Too few steps are left to run without counting each; the registers are between two steps.
    Pause,
    /// The step at `ip` halts.
    Trap(TrapCode),
    /// The step at `ip` halts.
    Exit(u32),
    /// The step at `ip` halts.
    OutOfFuel,
}

/// The registers of a run.
///
/// Invariants, from lowering: `ip` points into the threaded code; `fp` points into STACK with the whole frame behind it
/// (`enter` has checked, and STACK has spare slots for what a caller writes before that); `memory` is a reservation
/// that covers every address below the memory's size.
///
/// `stop` is an account of steps: were the code straight from `ip`, the run might go on to `stop` plus the longest straight
/// run. A taken branch moves `stop` with `ip`, so that steps cost nothing until a branch compares the two.
#[derive(Clone, Copy)]
pub(super) struct Registers {
    /// The op to run.
    pub ip: *const Op,
    /// First slot of the frame.
    pub fp: *mut u64,
    /// All that is not a register.
    pub vm: *mut Vm,
    /// Fuel left.
    pub fuel: u64,
    /// The step account.
    pub stop: *const Op,
    /// First byte of linear memory.
    pub memory: *mut u8,
}

/// One kind of instruction.
pub(super) trait Effect {
    /// Runs the op at `ip` and moves `ip` on.
    ///
    /// # Safety
    /// The invariants of [`Registers`] hold, and the op at `ip` is of this kind.
    unsafe fn run(registers: &mut Registers) -> Result<(), Leave>;
}

/// The handler of a kind of instruction.
///
/// # Safety
/// As [`Effect::run`].
pub(super) unsafe fn handler<E: Effect>(
    ip: *const Op,
    fp: *mut u64,
    vm: *mut Vm,
    fuel: u64,
    stop: *const Op,
    memory: *mut u8,
) -> Flow {
    let mut registers = Registers { ip, fp, vm, fuel, stop, memory };
    // SAFETY: passed on from the caller; `E` is of the op's kind because `Threaded::new` chose it by the opcode.
    match unsafe { E::run(&mut registers) } {
        Ok(()) => {
            let Registers { ip, fp, vm, fuel, stop, memory } = registers;
            #[cfg(all(sibling_calls, not(debug_assertions)))]
            // SAFETY: the effect left `ip` on an op of the threaded code, whose handler is of its kind.
            unsafe {
                ((*ip).handler)(ip, fp, vm, fuel, stop, memory)
            }
            #[cfg(not(all(sibling_calls, not(debug_assertions))))]
            // SAFETY: `vm` outlives the run.
            unsafe {
                (*vm).registers = Registers { ip, fp, vm, fuel, stop, memory };
                Flow::Next
            }
        }
        // SAFETY: `vm` outlives the run.
        Err(leave) => unsafe { leave_run(registers.ip, registers.fp, vm, registers.fuel, registers.stop, leave) },
    }
}

#[cold]
unsafe fn leave_run(ip: *const Op, fp: *mut u64, vm: *mut Vm, fuel: u64, stop: *const Op, leave: Leave) -> Flow {
    // SAFETY: `vm` outlives the run, and nothing else refers to it while a handler runs.
    let vm = unsafe { &mut *vm };
    vm.registers = Registers { ip, fp, fuel, stop, ..vm.registers };
    vm.leave = leave;
    Flow::Left
}

impl Registers {
    /// The op at `ip`.
    #[inline(always)]
    pub unsafe fn op(&self) -> &'static Op {
        // SAFETY: invariant of `ip`; the reference is used only within the handler, while the code lives.
        unsafe { &*self.ip }
    }

    /// A slot of the frame.
    #[inline(always)]
    pub unsafe fn slot(&self, slot: u16) -> u64 {
        // SAFETY: invariant of `fp`.
        unsafe { *self.fp.add(usize::from(slot)) }
    }

    /// Sets a slot of the frame.
    #[inline(always)]
    pub unsafe fn set_slot(&mut self, slot: u16, value: u64) {
        // SAFETY: invariant of `fp`.
        unsafe { *self.fp.add(usize::from(slot)) = value }
    }

    /// To the next instruction.
    #[inline(always)]
    pub unsafe fn next(&mut self) -> Result<(), Leave> {
        // SAFETY: lowered code never runs off its end.
        self.ip = unsafe { self.ip.add(1) };
        Ok(())
    }

    /// To the op at a byte offset from this one: a taken branch, which settles the step account.
    #[inline(always)]
    pub unsafe fn go(&mut self, offset: isize) -> Result<(), Leave> {
        // SAFETY: the offset of a lowered branch leads to an op.
        self.ip = unsafe { self.ip.byte_offset(offset) };
        self.stop = self.stop.wrapping_byte_offset(offset - OP_SIZE);
        if self.stop < self.ip { Err(Leave::Pause) } else { Ok(()) }
    }

    /// Charges fuel.
    #[inline(always)]
    pub fn charge(&mut self, fuel: u64) -> Result<(), Leave> {
        if self.fuel < fuel {
            return Err(Leave::OutOfFuel);
        }
        self.fuel -= fuel;
        Ok(())
    }
}

/// Straight runs longer than this are broken by an op that looks at the step account, so that the margin stays small.
const STRAIGHT_WANTED: usize = 1024;

/// A program's code, threaded.
pub(super) struct Threaded {
    ops: Vec<Op>,
    /// Most steps, in straight line, from any op to the next that leaves the line, that one included.
    longest_straight: usize,
}

impl Threaded {
    /// Threads the code of a lowered image. The fast path stops before the instruction at `watched`.
    pub fn new(code: &[Instruction], watched: Option<u32>) -> Self {
        let (mut straight, mut longest_straight) = (0, 1);
        let ops = code.iter().enumerate().map(|(pc, instruction)| {
            let Instruction { opcode, d, a, b, imm } = *instruction;
            straight += 1;
            longest_straight = longest_straight.max(straight);
            let checking = if straight >= STRAIGHT_WANTED { handlers::checking_handler(opcode) } else { None };
            if checking.is_some() || leaves_line(opcode) {
                straight = 0;
            }
            let handler = match checking {
                _ if watched == Some(pc as u32) => handlers::watched_handler(),
                Some(checking) => checking,
                None => handlers::handler_of(opcode),
            };
            Op { handler, d, a, b, opcode, imm: threaded_immediate(pc, opcode, imm) }
        });
        Self { ops: ops.collect(), longest_straight }
    }

    /// The ops.
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// The margin that the step account keeps, in steps.
    pub fn longest_straight(&self) -> usize {
        self.longest_straight
    }
}

/// Whether an instruction always leads elsewhere than to the next, or halts.
pub(super) fn leaves_line(opcode: u16) -> bool {
    matches!(opcode, op::TRAP | op::JUMP | op::BR_TABLE | op::CALL | op::CALL_INDIRECT | op::RETURN | op::EXIT)
}

fn threaded_immediate(pc: usize, opcode: u16, imm: u64) -> u64 {
    let is_branch = matches!(opcode & 0xff00, BRANCH | BRANCH_IMMEDIATE) && form_of(opcode).is_some();
    let is_jump = is_branch || opcode == op::JUMP;
    if !is_jump && opcode != op::CALL {
        return imm;
    }
    // CODE_INSTRUCTIONS_MAX ops fit 31 bits of bytes.
    let offset = (imm as u32 as isize - pc as isize) * OP_SIZE;
    let low = u64::from(offset as i32 as u32);
    let high = if is_jump { imm >> 32 } else { pc as u64 + 1 };
    low | high << 32
}

const _: () = assert!(crate::lower::CODE_INSTRUCTIONS_MAX as i64 * (OP_SIZE as i64) < i32::MAX as i64);

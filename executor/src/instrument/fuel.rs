//! The code that keeps the meter, in both places where it may live.
//!
//! ```text
//! meter = fuel left * 2^20 + slots left          one i64: fuel in its upper 44 bits, the stack below
//! ```
//!
//! One word, so that functions get one more parameter and result, and pass through a call what the caller needs anyway:
//! a callee has `call base` slots less, and gives them back. Slots left are never negative, since a frame that fits holds
//! the links of its callees; so the meter is negative exactly when fuel is.
//!
//! Owns the sequences; which charge belongs where is the plan's. Fuel stays within 44 bits: the host hands out slices,
//! and what is charged between two checks is bounded by [`FAR_BELOW_ZERO`] and the size of a program's code.

use assay_machine::lower::{CODE_INSTRUCTIONS_MAX, FunctionPlan};
use assay_machine::record::STACK_SLOTS;
use assay_protocol::TrapCode;
use wasm_encoder::{BlockType, InstructionSink};

use super::emit::Emitter;
use super::types::Wrappers;

/// Bits of the meter that hold the slots left.
const SLOT_BITS: u32 = 20;
/// Charge of a bulk operation beside its pieces (specs/04-instructions.md, `charge`).
const BULK_BASE: i32 = 2;
/// What `trap` gets instead of a trap code when fuel is far below zero.
pub(crate) const EXHAUSTED: i32 = 0;
/// A function's entry does not refill the meter; that is left to the next loop header or return, where the check
/// costs less. A large function's entry looks whether fuel is at least not as far below zero as this.
const FAR_BELOW_ZERO: i64 = -(1 << 32);
/// Functions whose charges add up to more are large. All frames of the stack together charge at most 2^18 times this
/// between two looks.
const LARGE_CHARGES: u64 = 1 << 10;

const _: () = assert!(STACK_SLOTS < 1 << SLOT_BITS);
const _: () = assert!(
    -FAR_BELOW_ZERO as u64 + STACK_SLOTS as u64 * LARGE_CHARGES + CODE_INSTRUCTIONS_MAX as u64 + (u32::MAX as u64 >> 1)
        < 1 << (63 - SLOT_BITS)
);

/// A meter with an empty stack.
pub(crate) fn meter(fuel: i64) -> i64 {
    add_fuel(i64::from(STACK_SLOTS), fuel)
}

/// A meter with more fuel.
pub(crate) fn add_fuel(meter: i64, fuel: i64) -> i64 {
    meter + (fuel << SLOT_BITS)
}

/// Fuel left on a meter.
pub(crate) fn fuel(meter: i64) -> i64 {
    meter >> SLOT_BITS
}

/// How a function reaches its meter and the host.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meter {
    pub place: Place,
    pub wrappers: Wrappers,
}

/// Where the meter lives.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// In this local.
    Local(u32),
    /// In this global.
    Global(u32),
}

impl Meter {
    pub fn get(self, code: &mut InstructionSink<'_>) {
        match self.place {
            Place::Local(local) => code.local_get(local),
            Place::Global(global) => code.global_get(global),
        };
    }

    fn set(self, code: &mut InstructionSink<'_>) {
        match self.place {
            Place::Local(local) => code.local_set(local),
            Place::Global(global) => code.global_set(global),
        };
    }

    /// Subtracts a block's charge.
    pub fn charge(self, code: &mut InstructionSink<'_>, charge: u32) {
        self.get(code);
        code.i64_const(i64::from(charge) << SLOT_BITS).i64_sub();
        self.set(code);
    }

    /// Subtracts the charge of a bulk operation and checks. The length is on top of the stack and stays; `scratch` is
    /// an i32 local.
    pub fn charge_bulk(self, out: &mut Emitter, scratch: u32, shift: i32) {
        let code = &mut out.code();
        code.local_tee(scratch);
        self.get(code);
        code.local_get(scratch).i32_const(shift).i32_shr_u().i32_const(BULK_BASE).i32_add();
        code.i64_extend_i32_u().i64_const(i64::from(SLOT_BITS)).i64_shl().i64_sub();
        self.set(code);
        self.check(out, &[]);
    }

    /// Goes to the host if fuel is negative. The host refills it or ends the run. Meanwhile the locals given are put
    /// away in globals.
    pub fn check(self, out: &mut Emitter, saved: &[(u32, u32)]) {
        let code = &mut out.code();
        self.get(code);
        code.i64_const(0).i64_lt_s();
        out.expect_branch(false);
        let code = &mut out.code();
        code.if_(BlockType::Empty);
        for (local, global) in saved {
            code.local_get(*local).global_set(*global);
        }
        self.get(code);
        code.call(self.wrappers.refill());
        self.set(code);
        for (local, global) in saved {
            code.global_get(*global).local_set(*local);
        }
        code.end();
    }

    /// Traps unless the frame fits the stack. A large function also ends the run if fuel is far below zero. Neither
    /// comes back, so that small functions keep nothing across a call.
    pub fn check_entry(self, out: &mut Emitter, plan: &FunctionPlan) {
        let code = &mut out.code();
        self.get(code);
        code.i64_const((1 << SLOT_BITS) - 1).i64_and().i64_const(i64::from(plan.frame_slots)).i64_lt_u();
        out.expect_branch(false);
        let code = &mut out.code();
        code.if_(BlockType::Empty);
        self.trap(code, TrapCode::StackOverflow as i32);
        code.end();
        if plan.charges.iter().map(|(_, charge)| u64::from(*charge)).sum::<u64>() > LARGE_CHARGES {
            self.get(code);
            code.i64_const(FAR_BELOW_ZERO << SLOT_BITS).i64_lt_s();
            out.expect_branch(false);
            let code = &mut out.code();
            code.if_(BlockType::Empty);
            self.trap(code, EXHAUSTED);
            code.end();
        }
    }

    /// Ends the run with a trap, without losing the meter.
    pub fn trap(self, code: &mut InstructionSink<'_>, trap: i32) {
        code.i32_const(trap);
        self.get(code);
        code.call(self.wrappers.trap()).unreachable();
    }

    /// Before a call: the callee's meter, behind its own parameters.
    pub fn pass(self, code: &mut InstructionSink<'_>, call_base: u16) {
        self.get(code);
        code.i64_const(i64::from(call_base)).i64_sub();
        if let Place::Global(global) = self.place {
            code.global_set(global);
        }
    }

    /// After a call: checks the callee's meter, which it returns behind its own results, and takes it back. The check
    /// comes before the slots and the next charge, so that the compiler can fold both into one addition.
    pub fn take_back(self, out: &mut Emitter, call_base: u16) {
        if let Place::Local(local) = self.place {
            out.code().local_set(local);
        }
        self.check(out, &[]);
        let code = &mut out.code();
        self.get(code);
        code.i64_const(i64::from(call_base)).i64_add();
        self.set(code);
    }

    /// At a function's end: its meter, behind its own results.
    pub fn hand_over(self, code: &mut InstructionSink<'_>) {
        if let Place::Local(local) = self.place {
            code.local_get(local);
        }
    }
}

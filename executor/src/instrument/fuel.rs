//! The code that keeps the fuel counter and the frame pointer, in both places where the counter may live.
//!
//! Owns the sequences; which charge belongs where is the plan's. Assumes that the counter never leaves i64: the host
//! hands out at most i64::MAX, and charges between two checks are bounded by the body's size.

use assay_machine::record::STACK_SLOTS;
use assay_protocol::TrapCode;
use wasm_encoder::{BlockType, InstructionSink};

use super::types::Wrappers;

/// Charge of a bulk operation beside its pieces (specs/04-instructions.md, `charge`).
const BULK_BASE: i64 = 2;

/// What `trap` gets instead of a trap code when the counter is far below zero.
pub(crate) const EXHAUSTED: i32 = 0;
/// A function's entry looks at the counter only for this: that it is not far below zero. Its exact check comes behind
/// the next call and in the next loop, where the host can refill it and the function goes on.
const FAR_BELOW_ZERO: i64 = -(1 << 32);

/// Where a function finds the counter, its frame pointer, and the way to the host.
#[derive(Clone, Copy, Debug)]
pub(super) struct Registers {
    pub wrappers: Wrappers,
    /// The counter.
    pub fuel: Counter,
    /// Local that holds the frame's first slot.
    pub fp: u32,
}

/// Where the counter lives.
#[derive(Clone, Copy, Debug)]
pub(super) enum Counter {
    /// In this local.
    Local(u32),
    /// In this global.
    Global(u32),
}

impl Registers {
    pub fn get(self, code: &mut InstructionSink<'_>) {
        match self.fuel {
            Counter::Local(local) => code.local_get(local),
            Counter::Global(global) => code.global_get(global),
        };
    }

    fn set(self, code: &mut InstructionSink<'_>) {
        match self.fuel {
            Counter::Local(local) => code.local_set(local),
            Counter::Global(global) => code.global_set(global),
        };
    }

    /// Subtracts a block's charge.
    pub fn charge(self, code: &mut InstructionSink<'_>, charge: u32) {
        self.get(code);
        code.i64_const(i64::from(charge)).i64_sub();
        self.set(code);
    }

    /// Subtracts the charge of a bulk operation and checks the counter. The length is on top of the stack and stays;
    /// `scratch` is an i32 local.
    pub fn charge_bulk(self, code: &mut InstructionSink<'_>, scratch: u32, shift: i32) {
        code.local_tee(scratch);
        self.get(code);
        code.local_get(scratch).i32_const(shift).i32_shr_u().i64_extend_i32_u().i64_sub();
        code.i64_const(BULK_BASE).i64_sub();
        self.set(code);
        self.check(code, &[]);
    }

    /// Goes to the host if the counter is negative. The host refills it or ends the run. Meanwhile the locals given
    /// are put away in globals.
    pub fn check(self, code: &mut InstructionSink<'_>, saved: &[(u32, u32)]) {
        self.get(code);
        code.i64_const(0).i64_lt_s().if_(BlockType::Empty);
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

    /// Traps unless the frame fits the stack, and ends the run if the counter is far below zero. One branch that does
    /// not come back, so that small functions keep nothing across a call.
    pub fn check_entry(self, code: &mut InstructionSink<'_>, frame_slots: u32) {
        let last = STACK_SLOTS.saturating_sub(frame_slots) as i32;
        self.get(code);
        code.i64_const(FAR_BELOW_ZERO).i64_lt_s();
        code.local_get(self.fp).i32_const(last).i32_gt_u().i32_or().if_(BlockType::Empty);
        code.i32_const(TrapCode::StackOverflow as u32 as i32).i32_const(EXHAUSTED);
        code.local_get(self.fp).i32_const(last).i32_gt_u().select();
        self.end(code);
        code.end();
    }

    /// Ends the run with a trap, without losing the counter.
    pub fn trap(self, code: &mut InstructionSink<'_>, trap: TrapCode) {
        code.i32_const(trap as u32 as i32);
        self.end(code);
    }

    /// Ends the run with the trap code on top of the stack.
    fn end(self, code: &mut InstructionSink<'_>) {
        self.get(code);
        code.call(self.wrappers.trap()).unreachable();
    }

    /// Pushes what a callee gets behind its own parameters.
    pub fn pass(self, code: &mut InstructionSink<'_>, call_base: u16) {
        self.hand_over(code);
        code.local_get(self.fp).i32_const(i32::from(call_base)).i32_add();
    }

    /// Takes back what a callee returns behind its own results.
    pub fn take_back(self, code: &mut InstructionSink<'_>) {
        if let Counter::Local(local) = self.fuel {
            code.local_set(local);
        }
    }

    /// Pushes what a function returns behind its own results.
    pub fn hand_over(self, code: &mut InstructionSink<'_>) {
        if let Counter::Local(local) = self.fuel {
            code.local_get(local);
        }
    }
}
